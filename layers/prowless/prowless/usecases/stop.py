"""stop: bring a run's object to an orderly end, whatever led here: abort, deadline, an error, or a dead execution."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from prowless.domain.prowjob import FINAL_STATES, MAX_TEXT, ProwJob, State
from prowless.ports.engine import ObjectRef

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from prowless.ports.clock import Clock
    from prowless.ports.config import ConfigSource
    from prowless.ports.engine import Clusters
    from prowless.usecases.runs import Runs

log = logging.getLogger(__name__)


class StopRun:
    """Notes why, and asks the engine to end the run."""

    def __init__(self, *, runs: Runs, config: ConfigSource, clusters: Clusters, clock: Clock) -> None:
        """Central configuration names the clusters."""
        self._runs = runs
        self._config = config
        self._clusters = clusters
        self._clock = clock

    def __call__(self, execution: Mapping[str, Any]) -> dict[str, str]:
        """`{"next": "await"}` until the object has ended, `collect` if there is none or it ended.

        `execution` is the state machine's whole data: `prowjob`, `stops.count`, how often it came here, and `error`
        (`Error`, `Cause`) if a state failed. The reason of the first error is kept. An execution that comes here again
        has the object deleted; a call that is repeated, or made by a finishing execution, leaves it the time to end.

        Raises:
            ClusterUnreachableError: the API does not answer.
        """
        prowjob = str(execution["prowjob"])
        if error := execution.get("error"):
            self._runs.prowjobs.mutate(prowjob, _failed(reason(error)))
        job = self._runs.job(prowjob)
        cluster = self._config.central().clusters.get(job.cluster)
        if cluster is None or not (job.object or job.submitted):
            return {"next": "collect"}
        ref = ObjectRef.from_dict(job.object) if job.object else self._expected(prowjob)
        engine = self._clusters.engine(cluster, ref.kind)
        seen = engine.observe(ref)
        if seen is None or seen.terminal:
            return {"next": "collect"}
        if job.stopping_at and (execution.get("stops") or {}).get("count", 0) > 1:
            engine.delete(ref)
            return {"next": "collect"}
        if job.stopping_at:
            return {"next": "await"}
        ref = replace(ref, uid=seen.uid)
        engine.stop(ref)
        now = self._clock.now_ms()
        self._runs.prowjobs.mutate(prowjob, lambda row: replace(row, object=ref.to_dict(), stopping_at=now))
        log.info("run asked to stop", extra={"prowjob": prowjob, "why": job.stop_reason or job.description})
        return {"next": "await"}

    def _expected(self, prowjob: str) -> ObjectRef:
        """The object of a create whose answer was never seen; the engine checks that it is ours."""
        manifest = self._runs.manifest(prowjob)
        metadata = manifest["metadata"]
        return ObjectRef(kind=manifest["kind"], namespace=metadata["namespace"], name=metadata["name"])


def reason(error: Mapping[str, Any]) -> str:
    """What a failed state said, in one bounded line: Lambda's `errorMessage` where the cause is its JSON."""
    cause = str(error.get("Cause") or "")
    try:
        data = json.loads(cause)
    except ValueError:
        data = None
    text = data.get("errorMessage") if isinstance(data, dict) else cause
    line = " ".join(str(text or error.get("Error") or "unknown error").split())
    return line[:MAX_TEXT]


def _failed(text: str) -> Callable[[ProwJob], ProwJob]:
    def change(row: ProwJob) -> ProwJob:
        if row.state in FINAL_STATES:
            return row
        return replace(row.move(State.ERROR, description=text, at=0), stop_reason=text)

    return change
