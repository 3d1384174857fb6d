"""moto's time is the stack's clock: timestamps, waits, time-outs, sleeps, and the threads that do them."""

from __future__ import annotations

import collections
import datetime as dt
import sys
import threading
import time
import types
from typing import Any

import moto.core.utils
import moto.stepfunctions.parser.models
import moto.stepfunctions.parser.utils as parser_utils
import moto.stepfunctions.responses
from moto.stepfunctions.parser.asl.component.common.retry.retrier_decl import RetrierDecl
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction

from prowless_local.aws.moto_hooks.runtime import current, replace

_PARSER = "moto.stepfunctions.parser"
_sleeping_for = threading.local()


def apply() -> None:
    """Install this module's hooks."""
    _timestamps()
    _interpreter_waits()
    _wait_states()
    _retry_pauses()


class _DatetimeType(type(dt.datetime)):  # type: ignore[misc]  # the metaclass is plain `type`
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, dt.datetime)


class ClockedDatetime(dt.datetime, metaclass=_DatetimeType):
    """`datetime.datetime` whose `now` is the stack's; without a zone it gives UTC, which is what moto means."""

    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> Any:
        """The stack's time."""
        runtime = current()
        if runtime is None:
            return dt.datetime.now(tz)  # moto's own behaviour, zone or not
        moment = dt.datetime.fromtimestamp(runtime.clock.now_ms() / 1000, tz or dt.UTC)
        return _AwsDatetime.of(moment) if tz else moment.replace(tzinfo=None)


class _AwsDatetime(dt.datetime):
    """A moment that prints as Step Functions prints moments: `2026-01-05T12:00:00.000Z`."""

    @classmethod
    def of(cls, moment: dt.datetime) -> _AwsDatetime:
        return cls.combine(moment.date(), moment.timetz())

    def isoformat(self, sep: str = "T", timespec: str = "milliseconds") -> str:
        text = dt.datetime.isoformat(self, sep, "milliseconds" if timespec == "auto" else timespec)
        return text.replace("+00:00", "Z")


def _module(original: types.ModuleType, **changes: Any) -> types.ModuleType:
    """A stand-in for a module, with some of its members changed."""
    stand_in = types.ModuleType(original.__name__)
    stand_in.__dict__.update({**vars(original), **changes})
    return stand_in


def _new_thread(*arguments: Any, **keywords: Any) -> threading.Thread:
    runtime = current()
    return runtime.clock.thread(**keywords) if runtime else threading.Thread(*arguments, **keywords)


def _new_event() -> Any:
    runtime = current()
    return runtime.clock.event() if runtime else threading.Event()


def _time() -> float:
    runtime = current()
    return runtime.clock.now_ms() / 1000 if runtime else time.time()


def _sleep(seconds: float) -> None:
    """Sleep on the clock; a retry's pause ends early if its execution is stopped."""
    runtime = current()
    environment = getattr(_sleeping_for, "environment", None)
    if runtime is None:
        time.sleep(seconds)
    elif environment is None:
        runtime.clock.sleep(seconds)
    elif environment.is_running():
        environment.program_state_event.wait(seconds)


_DATETIME = _module(dt, datetime=ClockedDatetime)
_TIME = _module(time, time=_time, sleep=_sleep)
_THREADING = _module(threading, Thread=_new_thread, Event=_new_event)


def _timestamps() -> None:
    """SQS visibility and delays, S3 dates and every other timestamp come from `moto.core.utils.utcnow`.

    It reads the machine's clock, so a message that failed would not come back when a virtual clock says so.
    """
    moto.core.utils.datetime = _DATETIME


def _interpreter_waits() -> None:
    """Every module of the interpreter gets the clock's threads, events, sleeps and dates.

    moto waits on `threading.Event`s with real time-outs, so a 24-hour wait would take 24 hours; its states' and
    executions' start times would be the machine's. `TMP_THREADS`, to which moto adds every thread it ever made, is
    replaced because it grows for as long as the process lives.
    """
    nowhere: collections.deque[Any] = collections.deque(maxlen=0)
    for name, module in list(sys.modules.items()):
        if not name.startswith(_PARSER):
            continue
        for attribute, original, stand_in in (
            ("threading", threading, _THREADING),
            ("Thread", threading.Thread, _new_thread),
            ("Event", threading.Event, _new_event),
            ("time", time, _TIME),
            ("datetime", dt, _DATETIME),
            ("TMP_THREADS", getattr(parser_utils, "TMP_THREADS", None), nowhere),
        ):
            if getattr(module, attribute, None) is original and name != parser_utils.__name__:
                setattr(module, attribute, stand_in)


def _wait_states() -> None:
    """A Wait ends at its time. moto counts whole seconds in floating point, and may wait a second too long."""

    def make(original: Any) -> Any:
        def _wait_interval(self: Any, env: Any, wait_seconds: int) -> None:
            runtime = current()
            if runtime is None:
                original(self, env, wait_seconds)
                return
            due = runtime.clock.now_ms() + wait_seconds * 1000
            while env.is_running() and (left := due - runtime.clock.now_ms()) > 0:
                env.program_state_event.wait(left / 1000)

        return _wait_interval

    replace(WaitFunction, "_wait_interval", make)


def _retry_pauses() -> None:
    """A Retry's pause belongs to an execution, so that StopExecution ends it; moto sleeps through."""

    def make(original: Any) -> Any:
        def _eval_body(self: Any, env: Any) -> None:
            _sleeping_for.environment = env
            try:
                original(self, env)
            finally:
                _sleeping_for.environment = None

        return _eval_body

    replace(RetrierDecl, "_eval_body", make)
