"""What waits on a clock: timers, events and threads. They are made by a `prowless_local.clock.Clock`."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from prowless_local.clock import Clock


@dataclass(order=True)
class Timer:
    """Something due at a time. `cancel()` before that, and it does not happen."""

    due: float
    order: int
    action: Callable[[], None] | None = field(compare=False)

    def cancel(self) -> None:
        """Drop it; cancelling twice, or after it fired, is not an error."""
        self.action = None


class Waiter:
    """One thread waiting for one event."""

    __slots__ = ("busy", "event", "gate", "set", "timer")

    def __init__(self, event: Event, *, busy: bool) -> None:
        self.event = event
        self.busy = busy  # whether the thread counts as busy again once woken
        self.set = False  # woken by the event, not by the time
        self.timer: Timer | None = None
        self.gate = threading.Lock()
        self.gate.acquire()


class Event:
    """`threading.Event` on a clock: who waits for it is not busy, and time-outs are the clock's seconds."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.flag = False
        self.waiters: list[Waiter] = []

    def is_set(self) -> bool:
        """Whether it is set now."""
        return self.flag

    def set(self) -> None:
        """Set it and wake everybody who waits, even if it is cleared right after."""
        self._clock.set_event(self)

    def clear(self) -> None:
        """Unset it."""
        self.flag = False

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is set, at most `timeout` of the clock's seconds; false if the time ran out."""
        return self._clock.wait(self, timeout)


class Thread(threading.Thread):
    """A thread that is busy from `start()` to its end, and that can be joined on the clock."""

    def __init__(self, clock: Clock, **arguments: Any) -> None:
        super().__init__(**{"daemon": True, **arguments})
        self._clock = clock
        self._over = clock.event()

    def start(self) -> None:
        """Start it; from now on it counts as busy."""
        self._clock.enter()  # handed over to the new thread, so that the count has no gap
        super().start()

    def run(self) -> None:
        """Run the target, then wake whoever joins."""
        with self._clock.entered(self.name):
            try:
                super().run()
            finally:
                self._over.set()

    def join(self, timeout: float | None = None) -> None:
        """Wait for the target to return, at most `timeout` of the clock's seconds."""
        self._over.wait(timeout)

    def is_alive(self) -> bool:
        """Whether the target was started and has not returned."""
        return self.ident is not None and not self._over.is_set()
