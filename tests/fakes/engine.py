"""Engines in memory, moved by the test; they pass the contract suite of the real ones (`tests/contract/engines`)."""

from __future__ import annotations

import copy
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from prowless.domain.errors import PermanentError
from prowless.domain.render.labels import ID
from prowless.ports.engine import TERMINAL, Node, ObjectRef, Observation, RunPhase

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prowless.domain.clusters import Cluster


@dataclass
class MemoryRun:
    """One object of a cluster, as the test left it."""

    manifest: dict[str, Any]
    uid: str
    phase: RunPhase = RunPhase.PENDING
    message: str = ""
    stopped: bool = False
    unscheduled_since: int = 0
    pending_since: int = 0
    started_at: int = 0
    finished_at: int = 0
    nodes: tuple[Node, ...] = ()
    logs: dict[str, bytes] = field(default_factory=dict)

    @property
    def prowjob(self) -> str:
        """Whose object it is."""
        return str(self.manifest["metadata"].get("labels", {}).get(ID, ""))


class MemoryEngine:
    """`Engine` over a dictionary, `runs` by name.

    `fault`, when set, is raised by every call, as a cluster that is away or refuses would. `obeys` false makes a run
    ignore `stop`. `calls` lists the methods that were called.
    """

    def __init__(self, kind: str = "Workflow") -> None:
        self.kind = kind
        self.runs: dict[str, MemoryRun] = {}
        self.fault: Exception | None = None
        self.obeys = True
        self.calls: list[str] = []
        self._lock = threading.RLock()
        self._created = 0

    def create(self, manifest: Mapping[str, Any], prowjob: str) -> ObjectRef:
        metadata = manifest["metadata"]
        name = metadata["name"]
        with self._lock:
            self._called("create")
            if manifest["kind"] != self.kind:
                raise PermanentError(f"the kind {manifest['kind']} is not {self.kind}")
            if name in self.runs and self.runs[name].prowjob != prowjob:
                raise PermanentError(f'{self.kind} "{name}" already exists')
            if name not in self.runs:
                self._created += 1
                self.runs[name] = MemoryRun(copy.deepcopy(dict(manifest)), uid=f"uid-{self._created}")
            return ObjectRef(kind=self.kind, namespace=metadata["namespace"], name=name, uid=self.runs[name].uid)

    def observe(self, ref: ObjectRef) -> Observation | None:
        with self._lock:
            self._called("observe")
            run = self._find(ref)
            if run is None:
                return None
            return Observation(
                phase=run.phase,
                message=run.message,
                started_at=run.started_at,
                finished_at=run.finished_at,
                nodes=run.nodes,
                uid=run.uid,
                stopped=run.stopped,
                unscheduled_since=run.unscheduled_since,
                pending_since=run.pending_since,
            )

    def stop(self, ref: ObjectRef) -> None:
        with self._lock:
            self._called("stop")
            run = self._find(ref)
            if run and run.phase not in TERMINAL and self.obeys:
                run.stopped = True
                run.phase = RunPhase.FAILURE
                run.message = "Stopped"
                run.finished_at = max(run.started_at, 1)

    def delete(self, ref: ObjectRef) -> None:
        with self._lock:
            self._called("delete")
            if self._find(ref):
                del self.runs[ref.name]

    def steps(self, ref: ObjectRef) -> list[Node]:
        with self._lock:
            self._called("steps")
            run = self._find(ref)
            return [node for node in run.nodes if node.name in run.logs] if run else []

    def logs(self, ref: ObjectRef, step: Node, limit: int) -> Iterator[bytes]:
        with self._lock:
            self._called("logs")
            run = self._find(ref)
            data = run.logs.get(step.name, b"")[:limit] if run else b""
        if data:
            yield data

    def start(self, name: str, *, at: int = 1) -> None:
        """Have the run run."""
        run = self.runs[name]
        run.phase, run.started_at = RunPhase.RUNNING, at

    def finish(
        self,
        name: str,
        phase: RunPhase,
        *,
        message: str = "",
        log: bytes | None = None,
        exit_code: int = 0,
        at: int = 2,
    ) -> None:
        """Have the run end, with one step called `main` that wrote `log`."""
        run = self.runs[name]
        run.phase, run.message, run.finished_at = phase, message, at
        run.started_at = run.started_at or at
        run.nodes = (
            Node(
                name="main",
                phase="Succeeded" if phase is RunPhase.SUCCESS else "Failed",
                started_at=run.started_at,
                finished_at=at,
                exit_code=exit_code,
                pod=name,
                container="main",
            ),
        )
        if log is not None:
            run.logs["main"] = log

    def _find(self, ref: ObjectRef) -> MemoryRun | None:
        run = self.runs.get(ref.name)
        if run is None:
            return None
        ours = ref.uid == run.uid if ref.uid else run.prowjob == ref.name
        return run if ours else None

    def _called(self, method: str) -> None:
        self.calls.append(method)
        if self.fault:
            raise self.fault


class MemoryClusters:
    """`Clusters` with one MemoryEngine for each cluster and kind, in `engines`."""

    def __init__(self) -> None:
        self.engines: dict[tuple[str, str], MemoryEngine] = {}

    def engine(self, cluster: Cluster, kind: str) -> MemoryEngine:
        return self.of(cluster.alias, kind)

    def of(self, alias: str = "default", kind: str = "Workflow") -> MemoryEngine:
        """The engine that a test moves."""
        return self.engines.setdefault((alias, kind), MemoryEngine(kind))
