"""submit: create the run's object, once."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from prowless.domain.clusters import named_cluster
from prowless.domain.prowjob import ProwJob, State
from prowless.usecases.prepare import check_policy

if TYPE_CHECKING:
    from collections.abc import Callable

    from prowless.ports.clock import Clock
    from prowless.ports.config import ConfigSource
    from prowless.ports.engine import Clusters, ObjectRef
    from prowless.usecases.records import Records
    from prowless.usecases.runs import Runs

log = logging.getLogger(__name__)


class SubmitRun:
    """Sends the prepared manifest to the run's cluster."""

    def __init__(self, *, runs: Runs, config: ConfigSource, clusters: Clusters, records: Records, clock: Clock) -> None:
        """`records` writes `started.json` beside the artifacts."""
        self._runs = runs
        self._config = config
        self._clusters = clusters
        self._records = records
        self._clock = clock

    def __call__(self, prowjob: str) -> dict[str, str]:
        """`{"next": "await"}`, or `final` for a run that was stopped before it had an object.

        The row is marked before the object is created and holds the object once it was seen, so a repeated call
        finds it and never creates a second one.

        Raises:
            ClusterUnreachableError: the API does not answer.
            PermanentError: the API refuses; its own message is in the text.
        """
        job = self._runs.job(prowjob)
        if job.object:
            return {"next": "await"}
        if not job.wanted and not job.submitted:
            return {"next": "final"}
        cluster = named_cluster(self._config.central().clusters, job.cluster)
        manifest = self._runs.manifest(prowjob)
        spec = self._runs.spec(job)
        check_policy(manifest, cluster, in_repo=spec.in_repo)
        engine = self._clusters.engine(cluster, manifest["kind"])
        if not self._runs.prowjobs.mutate(prowjob, _marked).submitted:
            return {"next": "final"}
        ref = engine.create(manifest, prowjob)
        job = self._runs.prowjobs.mutate(prowjob, self._seen(ref))
        self._records.started(spec, job)
        log.info("run submitted", extra={"prowjob": prowjob, "kind": ref.kind, "object": ref.name})
        return {"next": "await"}

    def _seen(self, ref: ObjectRef) -> Callable[[ProwJob], ProwJob]:
        now = self._clock.now_ms()

        def change(row: ProwJob) -> ProwJob:
            row = replace(row, object=ref.to_dict())
            if row.state is State.TRIGGERED:
                row = row.move(State.PENDING, description="Job triggered.", at=now)
            return row

        return change


def _marked(row: ProwJob) -> ProwJob:
    # Asked again here: a run that was stopped a moment ago must not get an object that nobody would stop.
    return replace(row, submitted=True) if row.wanted else row
