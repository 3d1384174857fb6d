"""poll: keep the wait's token, look at the object, and end the wait if there is something to do."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from prowless.domain.clusters import named_cluster
from prowless.domain.durations import format_duration, parse_duration_ms
from prowless.domain.errors import ClusterUnreachableError
from prowless.domain.prowjob import FINAL_STATES, ProwJob, State
from prowless.ports.engine import ObjectRef, Observation, RunPhase

if TYPE_CHECKING:
    from collections.abc import Callable

    from prowless.ports.clock import Clock
    from prowless.ports.config import ConfigSource
    from prowless.ports.engine import Clusters, Engine
    from prowless.ports.flow import Starter
    from prowless.usecases.runs import Runs

log = logging.getLogger(__name__)

STOP_PATIENCE_MS = 10 * 60 * 1000
"""How long a stopped run may take to end in order before its object is deleted; exit handlers run in this time."""

_STATES = {RunPhase.SUCCESS: State.SUCCESS, RunPhase.FAILURE: State.FAILURE, RunPhase.ERROR: State.ERROR}
_GIVEN_UP = {"unscheduled": "Pod scheduling timeout.", "pending": "Pod pending timeout."}
_WORDS = {RunPhase.SUCCESS: "Job succeeded.", RunPhase.FAILURE: "Job failed.", RunPhase.ERROR: "Job ended in error."}


class PollRun:
    """One look at a run."""

    def __init__(self, *, runs: Runs, config: ConfigSource, clusters: Clusters, starter: Starter, clock: Clock) -> None:
        """`starter` completes the wait's token."""
        self._runs = runs
        self._config = config
        self._clusters = clusters
        self._starter = starter
        self._clock = clock

    def __call__(self, prowjob: str, token: str) -> None:
        """Complete the token with `finished` or `stop`, or leave it to time out into the next round.

        The token is on the row before anything is read: an abort that comes later finds it, one that came
        earlier is seen here. A cluster that does not answer is noted on the row and looked at again.
        """
        job = self._runs.prowjobs.mutate(prowjob, lambda row: replace(row, token=token, polls=row.polls + 1))
        outcome = self._stopped(job) or self._look(job)
        if outcome and not self._starter.wake(token, {"outcome": outcome}):
            log.info("wait was over already", extra={"prowjob": prowjob, "outcome": outcome})

    def _stopped(self, job: ProwJob) -> str:
        if not job.object:
            return "finished"
        return "stop" if job.stop_reason and not job.stopping_at else ""

    def _look(self, job: ProwJob) -> str:
        cluster = named_cluster(self._config.central().clusters, job.cluster)
        ref = ObjectRef.from_dict(job.object)
        engine = self._clusters.engine(cluster, ref.kind)
        try:
            seen = engine.observe(ref)
        except ClusterUnreachableError as error:
            log.warning("cluster does not answer", extra={"prowjob": job.id, "cluster": job.cluster, "why": str(error)})
            now = self._clock.now_ms()
            job = self._change(job, lambda row: replace(row, unreachable_since=row.unreachable_since or now))
            return self._overdue(job)
        if job.unreachable_since:
            job = self._change(job, lambda row: replace(row, unreachable_since=0))
        if seen is None:
            self._change(job, _lost)
            return "finished"
        if seen.terminal:
            self._change(job, settled(seen))
            return "finished"
        if job.stopping_at:
            return self._impatient(job, engine, ref)
        return self._overdue(job) or self._waits_too_long(job, seen)

    def _waits_too_long(self, job: ProwJob, seen: Observation) -> str:
        """A pod that finds no node, or does not start on it, is given up (`pkg/plank/reconciler.go:560-600`)."""
        since = seen.unscheduled_since or seen.pending_since
        if not since:
            return ""
        spec, central = self._runs.spec(job), self._config.central()
        phase = "unscheduled" if seen.unscheduled_since else "pending"
        own = spec.decoration_config.get(f"pod_{phase}_timeout")
        limit = parse_duration_ms(str(own)) if own else getattr(central, f"pod_{phase}_timeout_ms")
        now = self._clock.now_ms()
        if spec.agent != "kubernetes" or now - since < limit:
            return ""
        text = _GIVEN_UP[phase]

        def change(row: ProwJob) -> ProwJob:
            if row.state in FINAL_STATES:
                return replace(row, stop_reason=row.stop_reason or text)
            return replace(row.move(State.ERROR, description=text, at=now), stop_reason=text)

        self._change(job, change)
        return "stop"

    def _impatient(self, job: ProwJob, engine: Engine, ref: ObjectRef) -> str:
        if self._clock.now_ms() - job.stopping_at < STOP_PATIENCE_MS:
            return ""
        log.warning("run does not end when asked, deleting it", extra={"prowjob": job.id})
        engine.delete(ref)
        return "finished"

    def _overdue(self, job: ProwJob) -> str:
        now = self._clock.now_ms()
        if not job.deadline_at or now < job.deadline_at:
            return ""
        if job.stopping_at:
            return "finished" if now - job.stopping_at >= STOP_PATIENCE_MS else ""
        limit = format_duration(job.deadline_at - (job.pending_at or job.created_at))
        reason = f"Job timed out after {limit}."
        if job.unreachable_since:
            reason = f"Job timed out after {limit}; its cluster {job.cluster!r} does not answer."

        def change(row: ProwJob) -> ProwJob:
            if row.state in FINAL_STATES:
                return replace(row, stop_reason=row.stop_reason or reason)
            return replace(row.move(State.FAILURE, description=reason, at=now), stop_reason=reason)

        self._change(job, change)
        return "stop"

    def _change(self, job: ProwJob, change: Callable[[ProwJob], ProwJob]) -> ProwJob:
        return self._runs.prowjobs.mutate(job.id, change)


def settled(seen: Observation) -> Callable[[ProwJob], ProwJob]:
    """The change that a finished object makes to its row; a row that is final already keeps its state."""

    def change(row: ProwJob) -> ProwJob:
        if row.state in FINAL_STATES:
            return row
        text = _WORDS[seen.phase]
        if seen.message and seen.phase is not RunPhase.SUCCESS:
            text = f"{text.rstrip('.')}: {seen.message}"
        if row.state is State.TRIGGERED:
            row = row.move(State.PENDING, description=row.description, at=seen.started_at)
        return row.move(_STATES[seen.phase], description=text, at=seen.finished_at)

    return change


def _lost(row: ProwJob) -> ProwJob:
    if row.state in FINAL_STATES:
        return row
    kind, name = row.object.get("kind", "object"), row.object.get("name", row.id)
    text = f"{kind} {name} was deleted from cluster {row.cluster!r} before it ended."
    return row.move(State.ERROR, description=text, at=0)
