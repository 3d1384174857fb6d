"""collect: bring the logs of a finished run to the artifact bucket, some steps at a time, then write the records."""

from __future__ import annotations

import logging
import re
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from prowless.domain.prowjob import FINAL_STATES, ProwJob, State
from prowless.ports.engine import ObjectRef

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prowless.domain.prowjob import ProwJobSpec
    from prowless.ports.clock import Clock
    from prowless.ports.config import ConfigSource
    from prowless.ports.engine import Clusters, Engine, Node
    from prowless.ports.stores import Objects
    from prowless.usecases.records import Records
    from prowless.usecases.runs import Runs

log = logging.getLogger(__name__)

MAX_STEP_LOG = 32 * 1024 * 1024
"""Bytes of one step's log that are kept; the cut is said in the file."""

_MAX_SUMMARY = 4 * 1024 * 1024
"""Bytes of each step that go into the joint build-log.txt of a run with several steps."""

_MAX_JOINT = 64 * 1024 * 1024
"""Bytes of all steps in it, shared out evenly: a run may have a thousand steps, and the function has 1 GB."""

STEPS_PER_CALL = 20
"""Logs that one call brings at most: a run may have a thousand, and each call costs 7 events of the history."""

_CALL_MS = 60_000
"""When a call begins no further log; the function may take five minutes."""

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


class CollectRun:
    """Uploads what the run said and how it ended."""

    def __init__(self, *, runs: Runs, config: ConfigSource, clusters: Clusters, records: Records, clock: Clock) -> None:
        """`records` knows the bucket and writes the closing files."""
        self._runs = runs
        self._config = config
        self._clusters = clusters
        self._records = records
        self._clock = clock

    def __call__(self, prowjob: str, cursor: int | None) -> dict[str, Any]:
        """`{"done": bool, "cursor": n}`: some steps' logs per call, so that a run of many steps fits any time limit.

        Raises:
            ClusterUnreachableError: the API does not answer; the records can be written without the logs.
        """
        job = self._runs.job(prowjob)
        spec = self._runs.spec(job)
        position = cursor or 0
        source = self._source(job)
        steps = source[0].steps(source[1]) if source else []
        if source and position < len(steps):
            return {"done": False, "cursor": self._upload_some(job, spec, source, steps, position)}
        if source:
            self._close(job, spec, source, steps)
        self._records.finished(spec, self._completed(prowjob))
        log.info("run collected", extra={"prowjob": prowjob, "steps": len(steps)})
        return {"done": True, "cursor": position}

    def _source(self, job: ProwJob) -> tuple[Engine, ObjectRef] | None:
        cluster = self._config.central().clusters.get(job.cluster)
        if cluster is None or not job.object:
            return None
        ref = ObjectRef.from_dict(job.object)
        return self._clusters.engine(cluster, ref.kind), ref

    def _upload_some(
        self, job: ProwJob, spec: ProwJobSpec, source: tuple[Engine, ObjectRef], steps: list[Node], position: int
    ) -> int:
        """Bring logs from `position` on, one at least; the position of the next."""
        end, began = min(position + STEPS_PER_CALL, len(steps)), self._clock.now_ms()
        while True:
            self._upload(job, spec, source, steps, position)
            position += 1
            if position == end or self._clock.now_ms() - began >= _CALL_MS:
                return position

    def _upload(
        self, job: ProwJob, spec: ProwJobSpec, source: tuple[Engine, ObjectRef], steps: list[Node], position: int
    ) -> None:
        engine, ref = source
        bucket, folder = self._records.place(spec, job)
        data = bytearray()
        for chunk in engine.logs(ref, steps[position], MAX_STEP_LOG + 1):
            data += chunk
        if len(data) > MAX_STEP_LOG:
            data = data[:MAX_STEP_LOG] + f"\n[cut here: only the first {MAX_STEP_LOG} bytes are kept]\n".encode()
        bucket.put(f"{folder}/{log_name(steps, position)}", bytes(data), "text/plain; charset=utf-8")

    def _close(self, job: ProwJob, spec: ProwJobSpec, source: tuple[Engine, ObjectRef], steps: list[Node]) -> None:
        engine, ref = source
        bucket, folder = self._records.place(spec, job)
        if len(steps) != 1:
            joint = b"".join(_joint(bucket, folder, steps)) or f"{job.description}\n".encode()
            # Without steps the pods are gone, maybe since an earlier execution collected them: what it brought stays.
            bucket.put(f"{folder}/build-log.txt", joint, "text/plain; charset=utf-8", only_if_absent=not steps)
        if seen := engine.observe(ref):
            self._runs.keep_nodes(job.id, [asdict(node) for node in seen.nodes])

    def _completed(self, prowjob: str) -> ProwJob:
        return self._runs.prowjobs.mutate(prowjob, completed(self._clock.now_ms()))


def completed(now: int) -> Callable[[ProwJob], ProwJob]:
    """The change that ends a run: a completion time, and an error for one that nobody gave a result."""

    def change(row: ProwJob) -> ProwJob:
        if row.state not in FINAL_STATES:
            row = row.move(State.ERROR, description="The run ended without a result.", at=now)
        return replace(row, completed_at=row.completed_at or now)

    return change


def log_name(steps: list[Node], position: int) -> str:
    """The file of one step's log: `build-log.txt` if it is the only one, else one file each, as Prow names them."""
    if len(steps) == 1:
        return "build-log.txt"
    names = [_UNSAFE.sub("-", step.name).strip("-") or "step" for step in steps]
    name = names[position]
    if names.count(name) > 1:
        name = f"{name}-{names[:position].count(name) + 1}"
    return f"{name}-build-log.txt"


def _joint(bucket: Objects, folder: str, steps: list[Node]) -> Iterator[bytes]:
    share = min(_MAX_SUMMARY, _MAX_JOINT // max(1, len(steps)))
    for position, step in enumerate(steps):
        name = log_name(steps, position)
        data = bucket.get(f"{folder}/{name}") or b""
        yield f"==> {step.name} ({step.phase}) <==\n".encode()
        yield data[:share]
        if len(data) > share:
            yield f"\n[cut here: the whole log is in {name}]\n".encode()
        elif data and not data.endswith(b"\n"):
            yield b"\n"
