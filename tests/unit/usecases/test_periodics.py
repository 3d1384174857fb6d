import json
from dataclasses import replace

import pytest

from prowless.domain.config.jobs import Periodic
from prowless.domain.errors import PermanentError, RetryableError
from prowless.domain.prowjob import State
from prowless.usecases.periodics import StartPeriodics
from tests.fakes.config import FixedConfig
from tests.fakes.stores import MemoryObjects
from tests.unit.usecases.test_runs import World as Runs

HOUR = 3_600_000
NOON = 1_767_268_800_000  # 2026-01-01T12:00:00Z
NIGHTLY = Periodic(name="nightly", interval="1h", spec={"containers": []})


class World(Runs):
    def __init__(self, *periodics):
        super().__init__()
        self.clock.now = NOON
        self.kept = MemoryObjects()
        self.tick = StartPeriodics(
            config=FixedConfig(periodics=periodics or (NIGHTLY,)),
            control=self.control,
            prowjobs=self.prowjobs,
            start=self.starts,
            state=self.kept,
            clock=self.clock,
        )

    def complete(self, state=State.SUCCESS):
        for run in list(self.prowjobs.rows.values()):
            if not run.completed_at:
                self.change(run, state=state, completed_at=self.clock.now)

    def records(self):
        return {key: json.loads(self.kept.get(key)) for key in sorted(self.kept.keys())}


@pytest.fixture
def world():
    return World()


def test_a_new_interval_periodic_starts_at_the_first_tick_and_a_repeated_tick_starts_nothing(world):
    assert world.tick({}) == {"periodics": 1, "started": 1}
    assert world.tick({}) == {"periodics": 1, "started": 0}
    [run] = world.prowjobs.rows.values()
    assert (run.job, run.type, run.cause.split()[0]) == ("nightly", "periodic", "due")


def test_it_runs_again_after_its_interval_if_the_last_run_is_complete(world):
    world.tick({})
    world.clock.advance(HOUR + 1)
    assert world.tick({})["started"] == 0
    world.complete()
    assert world.tick({})["started"] == 1
    assert len(world.prowjobs.rows) == 2


@pytest.mark.parametrize("step", ["create", "wake"])
def test_a_tick_killed_anywhere_is_completed_by_the_next_and_starts_once(world, step):
    owner = {"create": world.prowjobs, "wake": world.queues}[step]
    real = getattr(owner, step)
    setattr(owner, step, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        world.tick({})
    setattr(owner, step, real)
    world.clock.advance(60_000)
    world.tick({})
    world.tick({})
    assert len(world.prowjobs.rows) == 1
    assert len(world.queues.admits.sent) == 1


@pytest.mark.parametrize(
    "error",
    [RetryableError("throttled"), PermanentError("its run cannot be read"), ValueError("broken state")],
)
def test_one_periodic_that_fails_does_not_hold_up_the_others(error):
    world = World(NIGHTLY, replace(NIGHTLY, name="weekly"))
    real = world.control.value

    def broken(key):
        if key == "periodic#nightly":
            raise error
        return real(key)

    world.control.value = broken
    with pytest.raises(RetryableError, match="1 of 2 periodics failed, first nightly"):
        world.tick({})
    assert [run.job for run in world.prowjobs.rows.values()] == ["weekly"]


CRON = Periodic(name="often", cron="0 * * * *", spec={"containers": []}, retry={"attempts": 1, "interval": "5m"})


def test_a_start_is_recorded_with_its_rule(world):
    world.tick({})
    [(key, record)] = world.records().items()
    [run] = world.prowjobs.rows.values()
    assert key == "periodics/nightly/2026-01-01/1767268800000-run.json"
    assert record == {
        "job": "nightly",
        "type": "periodic",
        "verdict": "run",
        "rule": "interval 1h",
        "reason": f"run {run.id}",
        "due_at": "2026-01-01T12:00:00Z",
    }


def test_a_time_that_is_lost_to_a_run_that_goes_on_is_recorded_once_and_kept_in_the_state(caplog):
    world = World(CRON)
    world.tick({})
    world.clock.advance(HOUR)
    world.tick({})
    [run] = world.prowjobs.rows.values()
    world.clock.advance(HOUR)
    assert world.tick({})["started"] == 0
    assert world.tick({})["started"] == 0
    _, record = world.records().values()
    reason = f"run {run.id} was still going on"
    assert (record["verdict"], record["due_at"], record["reason"]) == ("skip", "2026-01-01T14:00:00Z", reason)
    state = world.control.value("periodic#often")
    assert (state["skipped_at"], state["note"]) == (1767276000000, reason)
    assert "due time is lost" in caplog.text


@pytest.mark.parametrize(("hours", "told"), [(3, "2 times from then on"), (500, "100 times or more from then on")])
def test_times_that_nothing_looked_at_are_recorded_in_one_line(hours, told):
    world = World(CRON)
    world.tick({})
    world.clock.advance(hours * HOUR)
    assert world.tick({})["started"] == 1
    skip = next(record for record in world.records().values() if record["verdict"] == "skip")
    assert skip["due_at"] == "2026-01-01T13:00:00Z"
    assert skip["reason"].startswith(f"{told}: nothing looked at the schedule then")


def test_a_failed_cron_run_is_retried_with_prows_label_and_recorded():
    world = World(CRON)
    world.tick({})
    world.clock.advance(HOUR)
    world.tick({})
    [first] = world.prowjobs.rows.values()
    world.complete(State.FAILURE)
    world.clock.advance(5 * 60_000 + 1)
    assert world.tick({})["started"] == 1
    assert world.tick({})["started"] == 0
    [retry] = [run for run in world.prowjobs.rows.values() if run.id != first.id]
    assert world.runs.spec(retry).labels == {"prow.k8s.io/re-run": "1"}
    assert retry.cause.split()[0] == "retry"
    record = world.records()[f"periodics/often/2026-01-01/{1767272400000 + 5 * 60_000}-run.json"]
    assert (record["rule"], record["reason"]) == ("retry 1 of 1", f"run {retry.id}, after {first.id}")


def test_a_tick_killed_before_its_record_records_it_the_next_time(world):
    real, world.kept.put = world.kept.put, lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        world.tick({})
    world.kept.put = real
    world.tick({})
    assert (len(world.prowjobs.rows), len(world.records())) == (1, 1)
