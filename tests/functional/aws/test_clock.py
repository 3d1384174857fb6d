"""Both clocks: who is busy, and when time may move."""

from __future__ import annotations

import threading
import time

import pytest

from prowless_local.clock import ClockStuckError, VirtualClock, WallClock

HOUR = 3600


def test_virtual_time_stands_still_until_somebody_drives_it():
    clock = VirtualClock(1000)
    fired = []
    clock.call_later(1, lambda: fired.append(clock.now_ms()))
    assert (clock.now_ms(), fired) == (1000, [])
    clock.advance(0.999)
    assert (clock.now_ms(), fired) == (1999, [])
    clock.advance(0.001)
    clock.settle()
    assert (clock.now_ms(), fired) == (2000, [2000])


def test_timers_fire_in_the_order_they_are_due_and_equal_ones_in_the_order_they_were_made():
    clock = VirtualClock(0)
    fired = []
    for name, seconds in (("late", 5), ("first", 2), ("second", 2), ("early", 1)):
        clock.call_later(seconds, lambda name=name: fired.append((name, clock.now_ms())))
    clock.advance(10)
    assert fired == [("early", 1000), ("first", 2000), ("second", 2000), ("late", 5000)]


def test_a_cancelled_timer_does_not_fire():
    clock = VirtualClock()
    fired = []
    clock.call_later(1, lambda: fired.append("kept"))
    clock.call_later(1, lambda: fired.append("cancelled")).cancel()
    clock.advance(2)
    assert fired == ["kept"]


def test_sleeping_threads_take_no_real_time():
    clock = VirtualClock(0)
    log = []

    def work() -> None:
        for _ in range(100):
            clock.sleep(HOUR)
            log.append(clock.now_ms())

    started = time.monotonic()
    clock.spawn(work, "worker")
    clock.advance(100 * HOUR)
    assert log == [hour * HOUR * 1000 for hour in range(1, 101)]
    assert time.monotonic() - started < 10


def test_time_does_not_pass_a_busy_thread():
    clock = VirtualClock(0)
    begun, go_on = threading.Event(), threading.Event()
    fired = []

    def work() -> None:
        begun.set()
        go_on.wait(10)
        clock.call_later(1, lambda: fired.append("by the worker"))

    clock.spawn(work, "worker")
    clock.call_later(2, lambda: fired.append("by the test"))
    begun.wait(10)
    threading.Timer(0.05, go_on.set).start()
    clock.advance(5)
    assert fired == ["by the worker", "by the test"]


def test_whoever_wakes_a_thread_hands_over_without_a_gap():
    """A chain of 200 threads, each waking the next: a timer that is due must not come between two of them."""
    clock = VirtualClock(0)
    events = [clock.event() for _ in range(200)]
    seen = []

    def link(number: int) -> None:
        events[number].wait(HOUR)
        seen.append(clock.now_ms())
        if number + 1 < len(events):
            events[number + 1].set()

    for number in range(len(events)):
        clock.spawn(lambda number=number: link(number), f"link {number}")
    clock.call_later(1, events[0].set)
    clock.advance(2)
    assert seen == [1000] * 200


def test_a_wait_ends_by_its_event_or_by_its_time():
    clock = VirtualClock(0)
    event = clock.event()
    ends = []
    clock.spawn(lambda: ends.append((event.wait(5), clock.now_ms())), "short")
    clock.spawn(lambda: ends.append((event.wait(50), clock.now_ms())), "long")
    clock.call_later(10, event.set)
    clock.advance(60)
    assert ends == [(False, 5000), (True, 10000)]


def test_an_event_that_is_cleared_at_once_still_wakes_who_waits():
    clock = VirtualClock()
    event = clock.event()
    woken = []
    clock.spawn(lambda: woken.append(event.wait(HOUR)), "waiter")
    clock.settle()
    event.set()
    event.clear()
    clock.settle()
    assert (woken, event.is_set()) == ([True], False)


def test_a_thread_can_be_joined_in_virtual_time():
    clock = VirtualClock(0)
    thread = clock.spawn(lambda: clock.sleep(7), "sleeper")
    assert thread.is_alive()
    thread.join()
    assert (thread.is_alive(), clock.now_ms()) == (False, 7000)


def test_waiting_from_outside_drives_the_clock():
    clock = VirtualClock(0)
    event = clock.event()
    clock.call_later(30, event.set)
    assert clock.wait(event, 60)
    assert clock.now_ms() == 30_000
    assert not clock.wait(clock.event(), 60)
    assert clock.now_ms() == 90_000


def test_run_until_stops_at_the_first_moment_that_will_do():
    clock = VirtualClock(0)
    ticks = []

    def tick() -> None:
        ticks.append(clock.now_ms())
        clock.call_later(1, tick)

    clock.call_later(1, tick)
    assert clock.run_until(lambda: len(ticks) == 3, 100)
    assert ticks == [1000, 2000, 3000]
    assert not clock.run_until(lambda: False, 2)
    assert clock.now_ms() == 5000


def test_a_busy_thread_cannot_drive():
    clock = VirtualClock()
    with clock.busy("me"), pytest.raises(RuntimeError, match="wait for itself"):
        clock.advance(1)


def test_who_stays_busy_is_named():
    clock = VirtualClock()
    go_on = threading.Event()
    clock.spawn(lambda: go_on.wait(10) and None, "the slow one")
    with pytest.raises(ClockStuckError, match="the slow one"):
        clock.advance(1, patience=0.05)
    go_on.set()
    clock.settle()


def test_the_wall_clock_calls_later_and_waits():
    clock = WallClock()
    event = clock.event()
    started = time.monotonic()
    clock.call_later(0.02, event.set)
    assert clock.wait(event, 5)
    assert 0.015 < time.monotonic() - started < 2
    assert not clock.wait(clock.event(), 0.01)
    assert abs(clock.now_ms() - time.time() * 1000) < 1000
    clock.close()


def test_the_wall_clock_settles_when_nobody_is_busy():
    clock = WallClock()
    done = []

    def work() -> None:
        time.sleep(0.02)
        done.append(True)

    clock.spawn(work, "worker")
    clock.settle()
    assert done == [True]


def test_a_closed_wall_clock_calls_nobody():
    clock = WallClock()
    fired = []
    clock.call_later(0.01, lambda: fired.append(True))
    clock.close()
    clock.call_later(0, lambda: fired.append(True))
    time.sleep(0.03)
    assert fired == []
