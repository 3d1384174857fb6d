"""Executions: begin one for an admitted run, and finish the ProwJob of one that died."""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from prowless.domain.prowjob import FINAL_STATES, Phase, ProwJob, State
from prowless.domain.status import owed

if TYPE_CHECKING:
    from collections.abc import Callable

    from prowless.ports.flow import AdmitQueue, Execution, Starter
    from prowless.ports.stores import ProwJobs

log = logging.getLogger(__name__)

MAX_FINISHERS = 3
"""Executions that may try to finish one ProwJob. If all die, the run is released and left for the sweep to report."""

_NAME = re.compile(r"(?P<prowjob>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:-finish-(?P<number>[0-9]+))?")


class FinishRuns:
    """Starts executions and answers for those that end badly."""

    def __init__(self, *, prowjobs: ProwJobs, starter: Starter, admit: AdmitQueue) -> None:
        """`admit` takes the release when there is nothing else left to do."""
        self._prowjobs = prowjobs
        self._starter = starter
        self._admit = admit

    def begin(self, prowjob: str) -> None:
        """Start the run's execution; one that runs already is success, a closed one with a live row is finished."""
        execution = self._starter.start(prowjob)
        if execution.status == "RUNNING":
            self._prowjobs.mutate(prowjob, _started)
        else:
            self.ended(execution)

    def ended(self, execution: Execution) -> None:
        """Finish the ProwJob of an execution that is closed, by a second execution that stops, collects and reports.

        Does nothing for a run that was released and reported, for a name that is not ours and for a notice that comes
        twice.
        """
        match = _NAME.fullmatch(execution.name)
        if match is None:
            log.warning("execution is not ours", extra={"execution": execution.name})
            return
        prowjob, number = match["prowjob"], int(match["number"] or 0)
        job = self._prowjobs.get(prowjob)
        if job is None or (job.phase is Phase.RELEASED and not owed(job)):
            log.info("execution ended, nothing to do", extra={"prowjob": prowjob, "status": execution.status})
            return
        if number < job.finishers:
            self._resume(job)
            return
        log.error("execution died", extra={"prowjob": prowjob, "status": execution.status, "cause": execution.cause})
        if number >= MAX_FINISHERS:
            self._prowjobs.mutate(prowjob, self._failed(execution, number))
            if job.phase is not Phase.RELEASED:
                self._admit.release(prowjob, execution.name)
            return
        self._resume(self._prowjobs.mutate(prowjob, self._failed(execution, number + 1)))

    def _resume(self, job: ProwJob) -> None:
        """Start the newest finishing execution; the name makes a repeated start harmless."""
        execution = self._starter.start(job.id, job.finishers)
        if execution.status != "RUNNING":
            # It closed before this notice came; its own notice is under way and continues from here.
            log.info("finishing execution is closed", extra={"prowjob": job.id, "status": execution.status})

    def _failed(self, execution: Execution, finishers: int) -> Callable[[ProwJob], ProwJob]:
        def change(job: ProwJob) -> ProwJob:
            # A run that was released is only reported: its place may be another's by now.
            phase = job.phase if job.phase is Phase.RELEASED else Phase.STARTED
            job = replace(job, phase=phase, finishers=finishers)
            if job.state in FINAL_STATES:
                return job
            reason = f"The execution ended {execution.status.lower().replace('_', ' ')} before the job did."
            return replace(job.move(State.ERROR, description=reason, at=0), stop_reason=reason)

        return change


def _started(job: ProwJob) -> ProwJob:
    return replace(job, phase=Phase.STARTED) if job.phase is Phase.ADMITTED else job
