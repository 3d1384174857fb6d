"""`retry` of a periodic, as documented (`pkg/config/jobs.go:284-296`, `cmd/horologium/main.go:248-300`)."""

from dataclasses import replace

import pytest

from prowless.domain.config.jobs import Periodic
from prowless.domain.schedule import MAX_RETRIES, LastRun, PeriodicState, tick
from prowless.domain.specs import periodic_spec
from tests.unit.test_schedule import HOUR, MINUTE, NOON, Horologium

RETRY = {"attempts": 2, "interval": "10m"}
DAILY = Periodic(name="daily", interval="24h", retry=RETRY)


def started(job=DAILY):
    clock = Horologium(job)
    assert clock.tick(NOON) == NOON
    return clock


def test_a_failed_run_is_repeated_strictly_after_the_retrys_own_interval():
    clock = started()
    clock.complete(NOON + MINUTE, succeeded=False)
    assert clock.tick(NOON + 10 * MINUTE) is None
    assert clock.tick(NOON + 10 * MINUTE + 1) == NOON + 10 * MINUTE
    assert clock.retries == [0, 1]


def test_the_interval_of_the_periodic_stays_its_own():
    clock = started()
    clock.complete(NOON + MINUTE, succeeded=True)
    assert clock.tick(NOON + 23 * HOUR) is None
    assert clock.tick(NOON + 24 * HOUR + 1) == NOON + 24 * HOUR


def test_a_run_that_goes_on_or_succeeded_is_not_repeated():
    clock = started()
    assert clock.tick(NOON + HOUR) is None
    clock.complete(NOON + HOUR, succeeded=True)
    assert clock.tick(NOON + 2 * HOUR) is None


def test_a_run_whose_row_is_gone_is_not_repeated():
    clock = started()
    clock.runs.clear()
    assert clock.tick(NOON + HOUR) is None


def test_there_are_as_many_retries_as_attempts_and_the_next_scheduled_run_begins_anew():
    clock = started()
    times = [NOON + n * 11 * MINUTE for n in range(1, 6)]
    for time in times:
        clock.complete(time, succeeded=False)
        clock.tick(time)
    assert clock.retries == [0, 1, 2]
    later = clock.stored.started_at + 24 * HOUR + 1
    assert clock.tick(later) == later - 1
    clock.complete(later + 1, succeeded=False)
    assert clock.tick(later + 11 * MINUTE) is not None
    assert clock.retries == [0, 1, 2, 0, 1]


@pytest.mark.parametrize(("attempts", "retries"), [(0, 0), (-1, 0), (None, 0), (50, MAX_RETRIES)])
def test_attempts_are_bounded(attempts, retries):
    clock = started(replace(DAILY, retry={"attempts": attempts, "interval": "1m"}))
    for n in range(1, 30):
        clock.complete(NOON + 2 * n * MINUTE, succeeded=False)
        clock.tick(NOON + 2 * n * MINUTE)
    assert clock.retries == list(range(retries + 1))


def test_run_all_repeats_after_a_success_and_does_not_wait():
    clock = started(replace(DAILY, retry={**RETRY, "run_all": True}))
    assert clock.tick(NOON + 11 * MINUTE) is not None
    clock.complete(NOON + 12 * MINUTE, succeeded=True)
    assert clock.tick(NOON + 22 * MINUTE) is not None
    assert clock.tick(NOON + 23 * MINUTE + HOUR) is None
    assert clock.retries == [0, 1, 2]


def test_a_cron_periodic_is_retried_too_and_keeps_its_times():
    clock = Horologium(Periodic(name="hourly", cron="0 * * * *", retry=RETRY))
    clock.tick(NOON - MINUTE)
    clock.tick(NOON)
    clock.complete(NOON + MINUTE, succeeded=False)
    assert clock.tick(NOON + 11 * MINUTE) == NOON + 10 * MINUTE
    clock.complete(NOON + 12 * MINUTE, succeeded=True)
    assert clock.tick(NOON + 40 * MINUTE) is None
    assert clock.tick(NOON + HOUR) == NOON + HOUR
    assert (clock.retries, clock.skips) == ([0, 1, 0], [])


def test_a_time_that_is_lost_to_a_run_is_not_used_for_a_retry():
    clock = Horologium(Periodic(name="hourly", cron="0 * * * *", retry={**RETRY, "run_all": True}))
    clock.tick(NOON - MINUTE)
    clock.tick(NOON)
    assert clock.tick(NOON + HOUR) is None
    assert len(clock.skips) == 1
    assert clock.tick(NOON + HOUR + MINUTE) is not None
    assert clock.retries == [0, 1]


def test_a_tick_that_died_before_the_retry_existed_starts_the_same_one():
    ran = PeriodicState(schedule=DAILY.schedule, since=NOON, last_due=NOON, last_run="x", started_at=NOON)
    failed = {"x": LastRun(started_at=NOON, completed_at=NOON + MINUTE)}
    died = tick(DAILY, NOON + HOUR, ran, failed.get)
    again = tick(DAILY, NOON + 2 * HOUR, PeriodicState.from_dict(died.state.to_dict()), failed.get)
    assert (died.due_at, died.retry) == (again.due_at, again.retry) == (NOON + 10 * MINUTE, 1)


def test_the_label_says_which_retry_it_is():
    job = replace(DAILY, labels={"team": "a"})
    assert periodic_spec(job).labels == {"team": "a"}
    assert periodic_spec(job, 2).labels == {"team": "a", "prow.k8s.io/re-run": "2"}
