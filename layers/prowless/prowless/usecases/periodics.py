"""periodics: at each tick of the schedule, start the jobs that are due, each due time once."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from prowless.domain.errors import ProwlessError, RetryableError
from prowless.domain.identity import Cause
from prowless.domain.schedule import LastRun, PeriodicState, tick
from prowless.domain.specs import periodic_spec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prowless.domain.config.jobs import Periodic
    from prowless.ports.clock import Clock
    from prowless.ports.config import ConfigSource
    from prowless.ports.stores import Control, ProwJobs
    from prowless.usecases.runs import StartRuns

log = logging.getLogger(__name__)


class StartPeriodics:
    """One tick over all periodics. One job's failure does not hold up the others."""

    def __init__(
        self, *, config: ConfigSource, control: Control, prowjobs: ProwJobs, start: StartRuns, clock: Clock
    ) -> None:
        """The state of each periodic is a value of `control`."""
        self._config = config
        self._control = control
        self._prowjobs = prowjobs
        self._start = start
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
            except ProwlessError as error:
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
        state = result.state.to_dict()
        if state != stored and not self._control.store(key, state, stored):
            log.info("another tick is looking at this periodic", extra={"job": job.name})
            return False
        if result.due_at is None:
            if result.state.note and result.state != before:
                log.warning("periodic's due time is lost: %s", result.state.note, extra={"job": job.name})
            return False
        run = self._start.start(periodic_spec(job), Cause.due(job.name, result.due_at))
        self._control.store(key, result.state.started(run.id, run.created_at).to_dict(), state)
        return True

    def _last_run(self, prowjob: str) -> LastRun | None:
        run = self._prowjobs.get(prowjob)
        return LastRun(started_at=run.created_at, completed_at=run.completed_at) if run else None
