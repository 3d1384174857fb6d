"""EventBridge, as far as the template uses it: rules that match events, and schedules. Targets are functions."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from moto.events.models import EventPattern

from prowless_local.aws.naming import arn
from prowless_local.aws.schedules import parse_schedule
from prowless_local.template import ACCOUNT, REGION, TemplateError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from prowless_local.aws.wiring import RuleSource, ScheduleSource
    from prowless_local.clock import Clock
    from prowless_local.waiting import Timer


class Rules:
    """The rules of the default bus.

    Args:
        sources: what the template says.
        invoke: calls a function (by logical id) the asynchronous way.
    """

    def __init__(self, sources: Iterable[RuleSource], invoke: Callable[[str, bytes], None]) -> None:
        self._rules = [(source, EventPattern(None, dict(source.pattern))) for source in sources]
        self._invoke = invoke

    def put(self, event: dict[str, Any]) -> None:
        """Deliver an event to every rule that matches it."""
        for source, pattern in self._rules:
            if pattern.matches_event(event):
                self._invoke(source.function, json.dumps(event).encode())


def status_change(execution: Any, now_ms: int) -> dict[str, Any]:
    """The event `Step Functions Execution Status Change` of an execution that has ended.

    https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
    """
    output = None if execution.output is None else json.dumps(execution.output, separators=(",", ":"))
    succeeded = execution.status == "SUCCEEDED"
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Step Functions Execution Status Change",
        "source": "aws.states",
        "account": ACCOUNT,
        "time": _timestamp(now_ms),
        "region": REGION,
        "resources": [execution.execution_arn],
        "detail": {
            "executionArn": execution.execution_arn,
            "stateMachineArn": execution.state_machine_arn,
            "name": execution.name,
            "status": execution.status,
            "startDate": round(execution.start_date.timestamp() * 1000),
            "stopDate": round(execution.stop_date.timestamp() * 1000),
            "input": execution.execution_input,
            "inputDetails": {"included": True},
            "output": output,
            "outputDetails": {"included": True} if succeeded else None,
            "error": execution.error,
            "cause": execution.cause,
        },
    }


class Schedules:
    """Calls functions at the times that the template names.

    Args:
        sources: what the template says.
        clock: the stack's.
        invoke: calls a function (by logical id) the asynchronous way.
    """

    def __init__(self, sources: Iterable[ScheduleSource], clock: Clock, invoke: Callable[[str, bytes], None]) -> None:
        self._clock = clock
        self._invoke = invoke
        self._timers: dict[str, Timer] = {}
        self._closed = False
        self.sources = tuple(sources)
        try:
            self._expressions = {source.name: parse_schedule(source.expression) for source in self.sources}
        except ValueError as exc:
            raise TemplateError(f"a schedule of the template: {exc}") from exc

    def start(self) -> None:
        """Begin to keep time; rates count from now."""
        now = self._now()
        for source in self.sources:
            self._plan(source, now)

    def close(self) -> None:
        """Fire no more."""
        self._closed = True
        for timer in self._timers.values():
            timer.cancel()

    def event(self, source: ScheduleSource) -> bytes:
        """The event with which a schedule calls its function, were it due now."""
        time = _timestamp(self._clock.now_ms())
        if source.input is not None:
            text = source.input if isinstance(source.input, str) else json.dumps(source.input)
            if source.scheduler:
                text = text.replace("<aws.scheduler.scheduled-time>", time)
                text = text.replace("<aws.scheduler.schedule-arn>", _schedule_arn(source))
                text = text.replace("<aws.scheduler.execution-id>", str(uuid.uuid4()))
                text = text.replace("<aws.scheduler.attempt-number>", "1")
            return text.encode()
        event = {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "Scheduled Event",
            "source": "aws.scheduler" if source.scheduler else "aws.events",
            "account": ACCOUNT,
            "time": time,
            "region": REGION,
            "resources": [_schedule_arn(source)],
            "detail": "{}" if source.scheduler else {},
        }
        return json.dumps(event).encode()

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.now_ms() / 1000, UTC)

    def _plan(self, source: ScheduleSource, after: datetime) -> None:
        due = self._expressions[source.name].next_after(after)
        if due is None or self._closed:
            return
        seconds = due.timestamp() - self._clock.now_ms() / 1000
        self._timers[source.name] = self._clock.call_later(seconds, lambda: self._fire(source, due))

    def _fire(self, source: ScheduleSource, due: datetime) -> None:
        if not self._closed:
            now = self._now()  # much later than due when the machine was asleep: what was missed is not made up for
            self._plan(source, due if now - due < timedelta(minutes=1) else now)
            self._invoke(source.function, self.event(source))


def _timestamp(now_ms: int) -> str:
    return datetime.fromtimestamp(now_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _schedule_arn(source: ScheduleSource) -> str:
    if source.scheduler:
        return arn("scheduler", f"schedule/default/{source.name}")
    return arn("events", f"rule/{source.name}")
