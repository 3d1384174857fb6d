"""reconcile: repair what events missed. Here: ProwJobs whose execution died, and wakes that were lost."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from prowless.ports.flow import Execution

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prowless.ports.clock import Clock
    from prowless.ports.flow import AdmitQueue
    from prowless.usecases.finish import FinishRuns

log = logging.getLogger(__name__)


class Reconcile:
    """Handles an *Execution Status Change*, or the sweep that the schedule asks for."""

    def __init__(self, *, finish: FinishRuns, admit: AdmitQueue, clock: Clock) -> None:
        """`finish` answers for executions that died."""
        self._finish = finish
        self._admit = admit
        self._clock = clock

    def __call__(self, event: Mapping[str, Any]) -> None:
        """Handle one EventBridge event; repeating it is harmless."""
        if event.get("detail-type") != "Step Functions Execution Status Change":
            # A wake that never arrived must not leave a run waiting for the next event.
            self._admit.wake(f"sweep:{self._clock.now_ms()}")
            return
        detail = event["detail"]
        self._finish.ended(
            Execution(
                name=str(detail["name"]),
                status=str(detail["status"]),
                cause=str(detail.get("cause") or detail.get("error") or ""),
            )
        )
