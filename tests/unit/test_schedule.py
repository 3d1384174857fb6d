from dataclasses import dataclass, field, replace

import pytest

from prowless.domain.config.jobs import Periodic
from prowless.domain.schedule import MAX_COUNTED, LastRun, PeriodicState, Skip, tick

MINUTE = 60_000
HOUR = 60 * MINUTE
NOON = 1_767_268_800_000  # 2026-01-01T12:00:00Z

HOURLY = Periodic(name="hourly", cron="0 * * * *")
INTERVAL = Periodic(name="interval", interval="1h")
MINIMUM = Periodic(name="minimum", minimum_interval="1h")


@dataclass
class Horologium:
    """Ticks one periodic as the use case does: store, start, store."""

    job: Periodic
    stored: PeriodicState | None = None
    runs: dict[str, LastRun] = field(default_factory=dict)
    writes: int = 0
    skips: list[Skip] = field(default_factory=list)
    retries: list[int] = field(default_factory=list)

    def tick(self, now):
        result = tick(self.job, now, self.stored, self.runs.get)
        self.store(result.state)
        self.skips += [result.skip] if result.skip else []
        if result.due_at is None:
            return None
        run = f"run-{result.due_at}"
        self.retries.append(result.retry)
        self.runs.setdefault(run, LastRun(started_at=now))
        self.store(result.state.started(run, now))
        return result.due_at

    def store(self, state):
        self.writes += state != self.stored
        self.stored = PeriodicState.from_dict(state.to_dict())

    def complete(self, at, *, succeeded=True):
        self.runs = {
            name: run if run.completed_at else replace(run, completed_at=at, succeeded=succeeded)
            for name, run in self.runs.items()
        }


def test_an_interval_starts_at_once_and_then_strictly_after_it():
    clock = Horologium(INTERVAL)
    assert clock.tick(NOON) == NOON
    clock.complete(NOON + MINUTE)
    assert clock.tick(NOON + HOUR) is None
    assert clock.tick(NOON + HOUR + 1) == NOON + HOUR


def test_an_interval_waits_for_the_run_before():
    clock = Horologium(INTERVAL)
    clock.tick(NOON)
    assert clock.tick(NOON + 5 * HOUR) is None
    clock.complete(NOON + 5 * HOUR)
    assert clock.tick(NOON + 5 * HOUR) == NOON + HOUR


def test_a_minimum_interval_counts_from_the_completion():
    clock = Horologium(MINIMUM)
    clock.tick(NOON)
    clock.complete(NOON + HOUR)
    assert clock.tick(NOON + 2 * HOUR) is None
    assert clock.tick(NOON + 2 * HOUR + 1) == NOON + 2 * HOUR


def test_a_run_whose_row_is_gone_is_over():
    clock = Horologium(INTERVAL)
    clock.tick(NOON)
    clock.runs.clear()
    assert clock.tick(NOON + HOUR + 1) == NOON + HOUR


def test_cron_waits_for_its_first_time():
    clock = Horologium(HOURLY)
    assert clock.tick(NOON + 5 * MINUTE) is None
    assert clock.tick(NOON + 59 * MINUTE) is None
    assert clock.tick(NOON + HOUR + 20_000) == NOON + HOUR


def test_a_due_time_starts_once_however_often_it_is_looked_at():
    clock = Horologium(HOURLY)
    clock.tick(NOON - MINUTE)
    assert clock.tick(NOON) == NOON
    clock.complete(NOON + 1)
    assert [clock.tick(NOON + n * MINUTE) for n in range(1, 60)] == [None] * 59


def test_ticks_with_nothing_due_write_nothing():
    clock = Horologium(HOURLY)
    clock.tick(NOON + MINUTE)
    before = clock.writes
    for n in range(2, 59):
        clock.tick(NOON + n * MINUTE)
    assert clock.writes == before


def test_a_time_that_comes_while_the_run_before_goes_on_is_lost_and_noted():
    clock = Horologium(HOURLY)
    clock.tick(NOON - MINUTE)
    clock.tick(NOON)
    assert clock.tick(NOON + HOUR) is None
    assert clock.skips == [Skip(due_at=NOON + HOUR, times=1, reason=f"run run-{NOON} was still going on")]
    assert (clock.stored.skipped_at, clock.stored.note) == (NOON + HOUR, clock.skips[0].reason)
    clock.complete(NOON + HOUR + MINUTE)
    assert clock.tick(NOON + HOUR + 2 * MINUTE) is None
    assert clock.tick(NOON + 2 * HOUR) == NOON + 2 * HOUR
    assert clock.stored.skipped_at == NOON + HOUR
    assert len(clock.skips) == 1


@pytest.mark.parametrize("away", [3 * HOUR, 30 * 24 * HOUR, 300 * 24 * HOUR])
def test_after_downtime_the_newest_missed_time_is_caught_up_once(away):
    clock = Horologium(HOURLY)
    clock.tick(NOON - MINUTE)
    clock.tick(NOON)
    clock.complete(NOON + 1)
    back = NOON + away + 10 * MINUTE
    assert clock.tick(back) == NOON + away
    (skip,) = clock.skips
    assert (skip.due_at, skip.times) == (NOON + HOUR, min(away // HOUR - 1, MAX_COUNTED))
    assert "nothing looked at the schedule then" in skip.reason
    clock.complete(back + 1)
    assert clock.tick(back + MINUTE) is None


def test_a_rare_time_is_caught_up_as_well():
    clock = Horologium(Periodic(name="rare", cron="0 0 1 3 *"))
    clock.tick(NOON)
    march = 1_772_323_200_000
    assert clock.tick(march + 60 * 24 * HOUR) == march


def test_a_tick_that_died_before_the_run_existed_starts_the_same_due_time():
    died = tick(HOURLY, NOON, PeriodicState(schedule=HOURLY.schedule, since=NOON - HOUR), {}.get)
    again = tick(HOURLY, NOON + 5 * HOUR, died.state, {}.get)
    assert (died.due_at, again.due_at) == (NOON, NOON)


def test_a_first_interval_run_keeps_its_identity_when_the_tick_is_repeated():
    died = tick(INTERVAL, NOON, None, {}.get)
    assert tick(INTERVAL, NOON + MINUTE, died.state, {}.get).due_at == died.due_at


def test_every_starts_at_once_and_keeps_its_distance():
    clock = Horologium(Periodic(name="every", cron="@every 90m"))
    assert clock.tick(NOON) == NOON
    clock.complete(NOON + 1)
    assert clock.tick(NOON + HOUR) is None
    assert clock.tick(NOON + 100 * MINUTE) == NOON + 90 * MINUTE
    assert clock.skips == []
    clock.complete(NOON + 101 * MINUTE)
    assert clock.tick(NOON + 10 * HOUR) == NOON + 540 * MINUTE
    assert [(skip.due_at, skip.times) for skip in clock.skips] == [(NOON + 180 * MINUTE, 4)]


def test_a_changed_cron_expression_counts_from_when_it_was_seen():
    clock = Horologium(HOURLY)
    clock.tick(NOON - MINUTE)
    clock.tick(NOON)
    clock.complete(NOON + 1)
    clock.job = Periodic(name="hourly", cron="15 * * * *")
    assert clock.tick(NOON + 20 * MINUTE) is None
    assert clock.tick(NOON + 75 * MINUTE) == NOON + 75 * MINUTE


def test_the_last_run_is_read_only_when_a_rule_needs_it():
    def never(prowjob):
        raise AssertionError(f"{prowjob} was read")

    state = PeriodicState(schedule=HOURLY.schedule, since=NOON, last_due=NOON, last_run="x", started_at=NOON)
    assert tick(HOURLY, NOON + MINUTE, state, never).due_at is None
