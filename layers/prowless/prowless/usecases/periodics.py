"""periodics: at each tick of the schedule, start the jobs that are due, each due time once, and record what is lost."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from prowless.domain.decisions import Outcome
from prowless.domain.errors import RetryableError
from prowless.domain.identity import Cause
from prowless.domain.prowjob import State
from prowless.domain.schedule import MAX_COUNTED, LastRun, PeriodicState, Skip, Tick, tick
from prowless.domain.specs import periodic_spec
from prowless.domain.wording import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prowless.domain.config.jobs import Periodic
    from prowless.domain.prowjob import ProwJob
    from prowless.ports.clock import Clock
    from prowless.ports.config import ConfigSource
    from prowless.ports.stores import Control, Objects, ProwJobs
    from prowless.usecases.runs import StartRuns

log = logging.getLogger(__name__)


class StartPeriodics:
    """One tick over all periodics. One job's failure does not hold up the others."""

    def __init__(
        self,
        *,
        config: ConfigSource,
        control: Control,
        prowjobs: ProwJobs,
        start: StartRuns,
        state: Objects,
        clock: Clock,
    ) -> None:
        """The state of each periodic is a value of `control`; its decisions are objects of the state bucket."""
        self._config = config
        self._control = control
        self._prowjobs = prowjobs
        self._start = start
        self._state = state
        self._clock = clock

    def __call__(self, _event: Mapping[str, Any]) -> dict[str, int]:
        """How many periodics there are and how many were started: `{"periodics": n, "started": m}`.

        Raises:
            RetryableError: some could not be looked at; the next tick or Lambda's retry does.
        """
        self._config.snapshot()
        periodics = self._config.periodics()
        started, failed = 0, []
        for job in periodics:
            try:
                started += self._tick(job)
            except Exception as error:  # noqa: BLE001  a broken periodic, whatever is broken, is no reason for others
                log.warning("periodic not looked at: %s", error, extra={"job": job.name})
                failed.append(job.name)
        if failed:
            raise RetryableError(f"{len(failed)} of {len(periodics)} periodics failed, first {failed[0]}")
        return {"periodics": len(periodics), "started": started}

    def _tick(self, job: Periodic) -> bool:
        key = f"periodic#{job.name}"
        stored = self._control.value(key)
        before = PeriodicState.from_dict(stored) if stored else None
        result = tick(job, self._clock.now_ms(), before, self._last_run)
        if result.skip:
            # First of all: whoever stores the state afterwards, the times are lost.
            self._record_skip(job, result.skip)
        state = result.state.to_dict()
        if state != stored and not self._control.store(key, state, stored):
            log.info("another tick is looking at this periodic", extra={"job": job.name})
            return False
        if result.due_at is None:
            return False
        cause = Cause.due(job.name, result.due_at)
        if result.retry:
            cause = Cause.retry(job.name, result.due_at, result.retry)
        run = self._start.start(periodic_spec(job, result.retry), cause)
        self._record_run(job, result, run)
        self._control.store(key, result.state.started(run.id, run.created_at).to_dict(), state)
        return True

    def _last_run(self, prowjob: str) -> LastRun | None:
        run = self._prowjobs.get(prowjob)
        if run is None:
            return None
        succeeded = run.state is State.SUCCESS
        return LastRun(started_at=run.created_at, completed_at=run.completed_at, succeeded=succeeded)

    def _record_skip(self, job: Periodic, skip: Skip) -> None:
        log.warning("periodic's due time is lost: %s", skip.reason, extra={"job": job.name, "times": skip.times})
        more = " or more" if skip.times == MAX_COUNTED else ""
        reason = skip.reason if skip.times == 1 else f"{counted(skip.times, 'time')}{more} from then on: {skip.reason}"
        self._record(job, skip.due_at, Outcome.SKIP, job.schedule, reason)

    def _record_run(self, job: Periodic, result: Tick, run: ProwJob) -> None:
        rule, reason = job.schedule, f"run {run.id}"
        if result.retry:
            rule = f"retry {result.retry} of {job.retry.get('attempts')}"
            reason += f", after {result.state.last_run}"
        self._record(job, result.due_at or 0, Outcome.RUN, rule, reason)

    def _record(self, job: Periodic, due_at: int, verdict: Outcome, rule: str, reason: str) -> None:
        """Keep one decision where `prowless explain --periodic` finds it."""
        due = datetime.fromtimestamp(due_at // 1000, UTC)
        record = {
            "job": job.name,
            "type": "periodic",
            "verdict": verdict.value,
            "rule": rule,
            "reason": reason,
            "due_at": due.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        key = f"periodics/{job.name}/{due:%Y-%m-%d}/{due_at}-{verdict.value}.json"
        self._state.put(key, json.dumps(record).encode(), "application/json")
