"""The embedded cluster, put together."""

from __future__ import annotations

import re
import secrets
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from prowless_local.clock import Clock, WallClock
from prowless_local.cluster import resources
from prowless_local.cluster.api import Api
from prowless_local.cluster.argo.controller import WorkflowController
from prowless_local.cluster.certificates import Certificate
from prowless_local.cluster.container_runner import ContainerRunner
from prowless_local.cluster.deletion import GarbageCollector
from prowless_local.cluster.http_api import Fault, Front, LoggedRequest, Server
from prowless_local.cluster.logs import DEFAULT_LOG_LIMIT, LogFile
from prowless_local.cluster.loop import Loop
from prowless_local.cluster.objects import epoch_ms
from prowless_local.cluster.pod_records import remove_tree
from prowless_local.cluster.pod_run import PodHost, PodRun
from prowless_local.cluster.pods import PodController
from prowless_local.cluster.process_runner import ProcessRunner
from prowless_local.cluster.store import Store
from prowless_local.cluster.tekton.pipelineruns import PipelineRunController
from prowless_local.cluster.tekton.taskruns import TaskRunController

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from prowless_local.cluster.objects import Obj
    from prowless_local.cluster.runners import Runner

RunnerName = Literal["process", "docker", "podman"]
_CLOSING_SECONDS = 10.0
_PLAIN_PATH = re.compile(r"[\w./+@:,=-]+")


class EmbeddedCluster:
    """A Kubernetes API subset on loopback whose Workflows, PipelineRuns and Pods really run, as local processes.

    Args:
        name: the context's name in a kubeconfig.
        port: 0 takes a free one.
        token: the bearer token; a random one if not given.
        scratch: where pods' files go; a directory of its own below it is made and removed again.
        runner: `process`, `docker`, `podman`, or an object that runs containers.
        clock: deadlines, back-offs and timestamps; the wall clock if not given. While a real process works, a virtual
            clock stands still, so long jobs on virtual time need a `ScriptedRunner`.
        on_note: is told, once each, what the user should know: what running means here, why a pod waits or fails.
        namespaces: the only namespaces there are; any if not given.
        tls: serve HTTPS with a certificate made for this run (kubectl sends tokens over HTTPS only).
        log_limit: the most bytes kept of one container's log.

    Raises:
        EngineMissingError: `docker` or `podman` is not at hand.
        ValueError: a scratch path with characters that would need quoting in a shell.
    """

    def __init__(
        self,
        name: str = "default",
        *,
        port: int = 0,
        token: str | None = None,
        scratch: Path | None = None,
        runner: RunnerName | Runner = "process",
        clock: Clock | None = None,
        on_note: Callable[[str], None] = lambda _: None,
        namespaces: Iterable[str] | None = None,
        tls: bool = False,
        log_limit: int = DEFAULT_LOG_LIMIT,
    ) -> None:
        self.name = name
        self.token = token or secrets.token_urlsafe(24)
        self._port = port
        self._own_clock = None if clock else WallClock()
        self.clock: Clock = clock or self._own_clock or WallClock()
        self._on_note = on_note
        self._facts_said = False
        self._runner = _runner(runner)
        if scratch is not None and not _PLAIN_PATH.fullmatch(str(scratch)):
            raise ValueError(f"scratch {scratch} has characters that would need quoting in jobs' scripts")
        if scratch is not None:
            scratch.mkdir(parents=True, exist_ok=True)
        self.scratch = Path(tempfile.mkdtemp(prefix="prowless-cluster-", dir=scratch)).resolve()
        self._certificate = Certificate() if tls else None
        self.store = Store(self.clock)
        self._loop = Loop(self.clock, self._on_note)
        host = PodHost(
            store=self.store,
            loop=self._loop,
            clock=self.clock,
            runner=self._runner,
            scratch=self.scratch,
            new_log=lambda path: LogFile(path, self.clock, log_limit),
            note=self._on_note,
            say_facts=self._say_facts,
        )
        self._pods = PodController(host)
        self._garbage = GarbageCollector(self.store, self._loop)
        self._workflows = WorkflowController(
            self.store, self._loop, self.clock, self._pods, self._on_note, needs_command=self._runner.needs_command
        )
        self._taskruns = TaskRunController(
            self.store, self._loop, self.clock, self._pods, self._on_note, needs_command=self._runner.needs_command
        )
        self._pipelineruns = PipelineRunController(
            self.store, self._loop, self.clock, self._on_note, needs_command=self._runner.needs_command
        )
        self._front = Front(Api(self.store, self.clock, self._pods.logs, namespaces), self.token, self.clock)
        self._server: Server | None = None

    @property
    def url(self) -> str:
        """The API server's address."""
        return f"{'https' if self._certificate else 'http'}://127.0.0.1:{self._port}"

    @property
    def ca(self) -> str:
        """The certificate authority as PEM, empty without TLS."""
        return self._certificate.pem if self._certificate else ""

    @property
    def fault(self) -> Callable[[str, str], Fault | tuple[int, Obj] | None] | None:
        """A hook asked before each request, with method and path; what it returns is answered instead."""
        return self._front.fault

    @fault.setter
    def fault(self, hook: Callable[[str, str], Fault | tuple[int, Obj] | None] | None) -> None:
        self._front.fault = hook

    @property
    def requests(self) -> list[LoggedRequest]:
        """The last requests, oldest first."""
        return list(self._front.requests)

    def ended_at(self, kind: str, namespace: str, name: str) -> int:
        """When an object ended, in epoch milliseconds of whole seconds; 0 if it has not, or is not there."""
        resource = next((resource for resource in resources.ALL if resource.kind == kind), None)
        found = self.store.read(resource, namespace, name) if resource else None
        status = (found or {}).get("status") or {}
        stamp = status.get("finishedAt") or status.get("completionTime") or ""
        if kind == "Pod" and status.get("phase") in {"Succeeded", "Failed"}:
            ended = [(c.get("state") or {}).get("terminated") or {} for c in status.get("containerStatuses") or ()]
            stamp = max((str(state.get("finishedAt") or "") for state in ended), default="")
        return epoch_ms(stamp) if stamp else 0

    def start(self) -> Self:
        """Start the controllers, and listen."""
        self._loop.start()
        self._listen()
        return self

    def close(self) -> None:
        """Stop listening, kill every job, remove the scratch directory."""
        self._front.released.set()
        self.store.close()
        self._silence()
        runs: list[PodRun] = []
        abandoned = self.clock.event()

        def abandon() -> None:
            runs.extend(self._pods.abandon())
            abandoned.set()

        self._loop.post(abandon)
        abandoned.wait(_CLOSING_SECONDS)
        for run in runs:
            run.join(_CLOSING_SECONDS)
        self._loop.stop()
        remove_tree(self.scratch)
        if self._own_clock is not None:
            self._own_clock.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def outage(self, kind: Literal["refused", "timeout"] = "refused") -> Iterator[None]:
        """Meanwhile connections are refused, or requests are taken and never answered. Jobs go on running."""
        if kind == "timeout":
            self._front.released.clear()
            self._front.hanging.set()
            try:
                yield
            finally:
                self._front.hanging.clear()
                self._front.released.set()
            return
        self._silence()
        try:
            yield
        finally:
            self._listen()

    def kubeconfig_context(self) -> dict[str, Obj]:
        """The entries of this cluster for a kubeconfig: `cluster`, `user` and `context`."""
        cluster: Obj = {"server": self.url}
        if self._certificate:
            cluster["certificate-authority-data"] = self._certificate.base64
        return {
            "cluster": {"name": self.name, "cluster": cluster},
            "user": {"name": self.name, "user": {"token": self.token}},
            "context": {
                "name": self.name,
                "context": {"cluster": self.name, "user": self.name, "namespace": "default"},
            },
        }

    def _listen(self) -> None:
        tls = self._certificate.server_context() if self._certificate else None
        self._server = Server(self._front, self._port, tls)
        self._port = int(self._server.server_address[1])
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True, name="cluster-api"
        ).start()

    def _silence(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    def _say_facts(self) -> None:
        if not self._facts_said:
            self._facts_said = True
            for fact in self._runner.facts:
                self._on_note(fact)


def _runner(runner: RunnerName | Runner) -> Runner:
    if not isinstance(runner, str):
        return runner
    if runner == "process":
        return ProcessRunner()
    return ContainerRunner(runner)
