"""reconcile: repair what events missed: executions that died, lost wakes and releases, a configuration that moved."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from prowless.domain.errors import ProwlessError, RetryableError
from prowless.domain.prowjob import Phase
from prowless.ports.flow import Execution

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from prowless.domain.prowjob import ProwJob
    from prowless.ports.clock import Clock
    from prowless.ports.config import ConfigSource
    from prowless.ports.flow import AdmitQueue, Starter
    from prowless.ports.stores import ProwJobs
    from prowless.usecases.finish import FinishRuns

log = logging.getLogger(__name__)

_SETTLED_MS = 600_000
"""A younger run is left to its own events: Step Functions answers a moment behind its executions."""

_PAGE = 500
"""Runs of a cluster that one sweep looks at, oldest first: Step Functions allows some ten descriptions a second.

A dead run does not end, so it comes to the front as the older ones do.
"""


class Reconcile:
    """Handles an *Execution Status Change*, or the sweep that the schedule asks for."""

    def __init__(
        self,
        *,
        prowjobs: ProwJobs,
        config: ConfigSource,
        starter: Starter,
        finish: FinishRuns,
        admit: AdmitQueue,
        watch: Callable[[], object],
        clock: Clock,
    ) -> None:
        """`finish` answers for executions that died; `config` names the clusters whose runs are looked at.

        `watch` looks whether the configuration's sources moved.
        """
        self._prowjobs = prowjobs
        self._config = config
        self._starter = starter
        self._finish = finish
        self._admit = admit
        self._watch = watch
        self._clock = clock

    def __call__(self, event: Mapping[str, Any]) -> None:
        """Handle one EventBridge event; repeating it is harmless.

        Raises:
            RetryableError: the sweep failed for some runs or for the configuration; the rest was looked at.
        """
        if event.get("detail-type") != "Step Functions Execution Status Change":
            # A wake that never arrived must not leave a run waiting for the next event.
            self._admit.wake(f"sweep:{self._clock.now_ms()}")
            self._sweep()
            return
        detail = event["detail"]
        self._finish.ended(
            Execution(
                name=str(detail["name"]),
                status=str(detail["status"]),
                cause=str(detail.get("cause") or detail.get("error") or ""),
            )
        )

    def _sweep(self) -> None:
        """Look at every started run; one that fails does not keep the others from being looked at."""
        failures: list[ProwlessError] = []
        try:
            self._watch()
        except ProwlessError as error:
            log.warning("the configuration's sources could not be looked at: %s", error)
            failures.append(error)
        now = self._clock.now_ms()
        for cluster in sorted(self._config.central().clusters):
            for job in self._prowjobs.active(cluster, Phase.STARTED, _PAGE):
                if now - job.admitted_at <= _SETTLED_MS:
                    continue
                try:
                    self._look(job, now)
                except ProwlessError as error:
                    log.warning("sweep failed for a run: %s", error, extra={"prowjob": job.id})
                    failures.append(error)
        if failures:
            raise RetryableError(
                f"the sweep failed {len(failures)} times, the first time with: {failures[0]}"
            ) from failures[0]

    def _look(self, job: ProwJob, now: int) -> None:
        execution = self._starter.describe(job.id, job.finishers)
        if execution is None:
            log.warning("sweep: a started run has no execution", extra={"prowjob": job.id})
            self._finish.begin(job.id)
        elif execution.status == "SUCCEEDED":
            log.warning("sweep: the release of a run was lost or is late", extra={"prowjob": job.id})
            self._admit.release(job.id, f"sweep:{now}")
        elif execution.status != "RUNNING":
            log.warning("sweep: the end of an execution was missed", extra={"prowjob": job.id})
            self._finish.ended(execution)
