"""Time for the embedded stack: the wall clock, and a virtual clock that jumps from timer to timer.

Both keep count of the *busy*: threads that are doing something and would not notice if time moved. A thread is busy
inside `busy()`, and for the whole life of a thread made by `spawn()` or `thread()`; it is not while it waits on one of
the clock's own events. Whoever wakes a waiting thread makes it busy again *before* waking it, so the count never
touches zero between the two. When it is zero, everybody waits for time, and only then may the virtual clock jump.

The virtual clock moves only while somebody outside drives it (`run_until`, `advance`, or waiting on an event from a
thread that is not busy), so nothing happens between two lines of a test.
"""

from __future__ import annotations

import heapq
import itertools
import math
import threading
import time
from abc import ABC, abstractmethod
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from prowless_local.waiting import Event, Thread, Timer, Waiter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DEFAULT_EPOCH_MS = 1_767_614_400_000  # Monday, 2026-01-05T12:00:00Z
PATIENCE_SECONDS = 60.0  # of real time, after which a virtual run that does not get on is an error


class ClockStuckError(RuntimeError):
    """Somebody stayed busy for longer than the driver of a virtual clock was willing to wait."""


class Clock(ABC):
    """What both clocks share: the count of the busy, events and threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._quiet = threading.Condition(self._lock)
        self._busy = 0
        self._labels: dict[int, str] = {}
        self._mine = threading.local()

    @abstractmethod
    def now_ms(self) -> int:
        """Epoch milliseconds."""

    @abstractmethod
    def call_later(self, seconds: float, action: Callable[[], None]) -> Timer:
        """Call `action` in a (busy) thread of its own after that many seconds, unless the timer is cancelled."""

    @abstractmethod
    def run_until(self, done: Callable[[], bool], seconds: float, *, patience: float = PATIENCE_SECONDS) -> bool:
        """Let time pass until `done`, at most that many of the clock's seconds; what `done` said last."""

    @abstractmethod
    def _arm(self, waiter: Waiter, seconds: float | None) -> None:
        """Prepare the waiter's time-out, before its thread stops being busy. Needs the lock."""

    @abstractmethod
    def _block(self, waiter: Waiter, seconds: float | None) -> None:
        """Block the calling thread until the waiter's gate opens or the time is up."""

    @abstractmethod
    def close(self) -> None:
        """Drop what is still due."""

    def event(self) -> Event:
        """A new, unset event."""
        return Event(self)

    def thread(self, **arguments: Any) -> Thread:
        """A new thread, with `threading.Thread`'s keyword arguments; a daemon unless told otherwise."""
        return Thread(self, **arguments)

    def spawn(self, target: Callable[[], None], name: str) -> Thread:
        """Start a thread that runs `target`."""
        thread = self.thread(target=target, name=name)
        thread.start()
        return thread

    @contextmanager
    def busy(self, label: str = "") -> Iterator[None]:
        """Time stands still meanwhile, except while the body waits on the clock."""
        if getattr(self._mine, "busy", False):
            yield
            return
        self.enter()
        with self.entered(label):
            yield

    def wait(self, event: Event, seconds: float | None = None) -> bool:
        """Wait until the event is set, at most that many of the clock's seconds; false if the time ran out."""
        busy = getattr(self._mine, "busy", False)
        with self._lock:
            if event.flag:
                return True
            waiter = Waiter(event, busy=busy)
            event.waiters.append(waiter)
            self._arm(waiter, seconds)
            if busy:
                self._release()
        self._block(waiter, seconds)
        return waiter.set

    def sleep(self, seconds: float) -> None:
        """Wait that many of the clock's seconds."""
        self.wait(self.event(), seconds)

    def settle(self, patience: float = PATIENCE_SECONDS) -> None:
        """Return when nobody is busy; time does not move for it.

        Raises:
            ClockStuckError: somebody was busy for `patience` real seconds.
        """
        with self._lock:
            if not self._quiet.wait_for(lambda: self._busy == 0, patience):
                raise ClockStuckError(f"still busy after {patience:.0f} s: {sorted([*self._labels.values()])}")

    def enter(self) -> None:
        """Count one busy thread more; the thread that this is for goes on with `entered`."""
        with self._lock:
            self._busy += 1

    @contextmanager
    def entered(self, label: str) -> Iterator[None]:
        """The calling thread is the one that `enter` counted."""
        me = threading.get_ident()
        self._mine.busy = True
        self._labels[me] = label
        try:
            yield
        finally:
            self._mine.busy = False
            self._labels.pop(me, None)
            with self._lock:
                self._release()

    def _release(self) -> None:
        """One busy thread less. Needs the lock."""
        self._busy -= 1
        if self._busy == 0:
            self._quiet.notify_all()

    def _wake(self, waiter: Waiter, *, by_event: bool) -> None:
        """Let one waiter go on, busy again if it was. Needs the lock."""
        waiter.set = by_event
        if waiter.timer is not None:
            waiter.timer.cancel()
        if waiter.busy:
            self._busy += 1
        waiter.gate.release()

    def set_event(self, event: Event) -> None:
        """Set an event and wake who waits for it."""
        with self._lock:
            event.flag = True
            waiters, event.waiters = event.waiters, []
            for waiter in waiters:
                self._wake(waiter, by_event=True)

    def _time_out(self, waiter: Waiter) -> None:
        """The time of a waiter is up, unless the event came first. Needs the lock."""
        if waiter in waiter.event.waiters:
            waiter.event.waiters.remove(waiter)
            self._wake(waiter, by_event=False)


class WallClock(Clock):
    """The machine's clock."""

    def __init__(self) -> None:
        super().__init__()
        self._timers: list[Timer] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    def now_ms(self) -> int:
        """Epoch milliseconds."""
        return time.time_ns() // 1_000_000

    def call_later(self, seconds: float, action: Callable[[], None]) -> Timer:
        """Call `action` in a (busy) thread of its own after that many seconds, unless the timer is cancelled."""
        timer = Timer(time.monotonic() + max(0.0, seconds), next(self._order), action)
        with self._changed:
            if self._closed:
                return timer
            heapq.heappush(self._timers, timer)
            if self._thread is None:
                self._thread = threading.Thread(target=self._fire, name="wall-clock", daemon=True)
                self._thread.start()
            self._changed.notify()
        return timer

    def close(self) -> None:
        """Drop what is still due, and end the thread that would have called it."""
        with self._changed:
            self._closed = True
            self._timers.clear()
            self._changed.notify()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def run_until(self, done: Callable[[], bool], seconds: float, *, patience: float = PATIENCE_SECONDS) -> bool:
        """Let time pass until `done`, at most that many seconds and no longer than `patience`."""
        give_up = time.monotonic() + min(seconds, patience)
        while not done():
            if time.monotonic() > give_up:
                return done()
            time.sleep(0.005)
        return True

    def _fire(self) -> None:
        while True:
            with self._changed:
                while not self._closed and (not self._timers or self._timers[0].due > time.monotonic()):
                    self._changed.wait(self._timers[0].due - time.monotonic() if self._timers else None)
                if self._closed:
                    return
                action = heapq.heappop(self._timers).action
            if action is not None:
                self.spawn(action, "timer")

    def _arm(self, waiter: Waiter, seconds: float | None) -> None:
        """Nothing to prepare: the thread itself sleeps."""

    def _block(self, waiter: Waiter, seconds: float | None) -> None:
        longest = threading.TIMEOUT_MAX
        if waiter.gate.acquire(timeout=longest if seconds is None else min(max(0.0, seconds), longest)):
            return
        with self._lock:
            self._time_out(waiter)
        waiter.gate.acquire()  # open by now, whether by the event or by the time


class VirtualClock(Clock):
    """Stands still while anybody is busy, else jumps to the next timer when it is driven."""

    def __init__(self, now_ms: int = DEFAULT_EPOCH_MS) -> None:
        super().__init__()
        self._now = now_ms
        self._timers: list[Timer] = []
        self._order = itertools.count()
        self._driver = threading.RLock()

    def now_ms(self) -> int:
        """Epoch milliseconds."""
        return self._now

    def call_later(self, seconds: float, action: Callable[[], None]) -> Timer:
        """Call `action` in a (busy) thread of its own after that many seconds, unless the timer is cancelled."""
        with self._lock:
            return self._at(seconds, action)

    def close(self) -> None:
        """Drop what is still due."""
        with self._lock:
            self._timers.clear()

    def advance(self, seconds: float, *, patience: float = PATIENCE_SECONDS) -> None:
        """Let that many seconds pass, with everything that is due in them, one timer after the other."""
        self.run_until(lambda: False, seconds, patience=patience)

    def run_until(self, done: Callable[[], bool], seconds: float, *, patience: float = PATIENCE_SECONDS) -> bool:
        """Let time pass until `done`, at most that many seconds of it. Nobody is busy whenever `done` is asked.

        Raises:
            ClockStuckError: it took `patience` real seconds.
            RuntimeError: the caller is busy itself, so time could never move.
        """
        if getattr(self._mine, "busy", False):
            raise RuntimeError("a busy thread cannot drive the clock: it would wait for itself")
        give_up = time.monotonic() + patience
        with self._driver:
            deadline = self._now + seconds * 1000
            while True:
                self.settle(max(0.0, give_up - time.monotonic()))
                if done():
                    return True
                if time.monotonic() > give_up:
                    raise ClockStuckError(f"not there after {patience:.0f} real seconds, at {self._now} ms")
                if not self._step(deadline):
                    return done()

    def _step(self, deadline: float) -> bool:
        """Fire the next timer that is due by the deadline; if there is none, move to the deadline."""
        with self._lock:
            while self._timers and self._timers[0].action is None:
                heapq.heappop(self._timers)
            if not self._timers or self._timers[0].due > deadline:
                if deadline < math.inf:
                    self._now = max(self._now, math.ceil(deadline))
                return False
            timer = heapq.heappop(self._timers)
            self._now = max(self._now, int(timer.due))
            action = timer.action
        if isinstance(action, _TimeOut):
            action()
        elif action is not None:
            self.spawn(action, "timer")
        return True

    def _at(self, seconds: float, action: Callable[[], None]) -> Timer:
        """A new timer. Needs the lock."""
        timer = Timer(self._now + math.ceil(max(0.0, seconds) * 1000), next(self._order), action)
        heapq.heappush(self._timers, timer)
        return timer

    def _arm(self, waiter: Waiter, seconds: float | None) -> None:
        if seconds is not None and waiter.busy:
            waiter.timer = self._at(seconds, _TimeOut(self, waiter))

    def _block(self, waiter: Waiter, seconds: float | None) -> None:
        if not waiter.busy:  # somebody from outside: it drives
            self.run_until(lambda: waiter.set, math.inf if seconds is None else seconds)
            if seconds is not None:
                with self._lock:
                    self._time_out(waiter)
        waiter.gate.acquire()


class _TimeOut:
    """The action of a wait's timer. Not a thread of its own: it only opens a gate."""

    __slots__ = ("_clock", "_waiter")

    def __init__(self, clock: Clock, waiter: Waiter) -> None:
        self._clock = clock
        self._waiter = waiter

    def __call__(self) -> None:
        with self._clock._lock:  # noqa: SLF001 part of the clock
            self._clock._time_out(self._waiter)  # noqa: SLF001 part of the clock
