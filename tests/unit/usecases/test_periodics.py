from dataclasses import replace

import pytest

from prowless.domain.config.jobs import Periodic
from prowless.domain.errors import PermanentError, RetryableError
from prowless.domain.prowjob import State
from prowless.usecases.periodics import StartPeriodics
from tests.fakes.config import FixedConfig
from tests.unit.usecases.test_runs import World as Runs

HOUR = 3_600_000
NIGHTLY = Periodic(name="nightly", interval="1h", spec={"containers": []})


class World(Runs):
    def __init__(self, *periodics):
        super().__init__()
        self.tick = StartPeriodics(
            config=FixedConfig(periodics=periodics or (NIGHTLY,)),
            control=self.control,
            prowjobs=self.prowjobs,
            start=self.starts,
            clock=self.clock,
        )

    def complete(self):
        for run in list(self.prowjobs.rows.values()):
            self.change(run, state=State.SUCCESS, completed_at=self.clock.now)


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


@pytest.mark.parametrize("error", [RetryableError("throttled"), PermanentError("its run cannot be read")])
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
