from dataclasses import replace

import pytest

from prowless.domain.prowjob import Phase, ProwJob, State
from prowless.domain.refs import JobType
from prowless.ports.flow import Execution
from prowless.usecases.finish import MAX_FINISHERS, FinishRuns
from tests.fakes.flow import MemoryQueues, MemoryStarter
from tests.fakes.stores import MemoryProwJobs

ID = "0b989ba4-242f-11e5-81e1-c7b6966d2516"


class World:
    def __init__(self, **changes):
        self.prowjobs = MemoryProwJobs()
        self.starter = MemoryStarter()
        self.queues = MemoryQueues()
        self.finish = FinishRuns(prowjobs=self.prowjobs, starter=self.starter, admit=self.queues)
        row = ProwJob(id=ID, type=JobType.PRESUBMIT, job="unit", build_id="1", created_at=1, phase=Phase.STARTED)
        self.prowjobs.create(replace(row, **changes))

    @property
    def row(self):
        return self.prowjobs.get(ID)

    def died(self, name=ID, status="ABORTED"):
        self.starter.start(ID)
        self.starter.finish(name, status)
        self.finish.ended(Execution(name=name, status=status, cause="somebody stopped it"))


def test_beginning_an_admitted_run_starts_its_execution_once():
    world = World(phase=Phase.ADMITTED)
    world.finish.begin(ID)
    world.finish.begin(ID)
    assert list(world.starter.executions) == [ID]
    assert world.row.phase is Phase.STARTED


def test_a_dead_execution_gets_a_finishing_one_and_the_run_becomes_an_error_that_says_so():
    world = World(state=State.PENDING)
    world.died(status="TIMED_OUT")
    assert world.row.state is State.ERROR
    assert "timed out" in world.row.description
    assert world.starter.executions[f"{ID}-finish-1"].status == "RUNNING"


def test_a_result_that_was_there_is_kept():
    world = World(state=State.SUCCESS, description="Job succeeded.")
    world.died()
    assert (world.row.state, world.row.description) == (State.SUCCESS, "Job succeeded.")
    assert f"{ID}-finish-1" in world.starter.executions


def test_a_released_run_needs_nothing():
    world = World(phase=Phase.RELEASED, state=State.SUCCESS)
    world.died()
    assert list(world.starter.executions) == [ID]


REPORTABLE = {"org": "acme", "repo": "app", "base_sha": "a" * 40, "context": "unit", "state": State.SUCCESS}


def test_a_released_run_that_github_was_not_told_about_is_reported_by_a_finisher_and_stays_released():
    world = World(phase=Phase.RELEASED, reported={"github": "pending"}, **REPORTABLE)
    world.died(status="FAILED")
    assert world.starter.executions[f"{ID}-finish-1"].status == "RUNNING"
    assert (world.row.phase, world.row.held) == (Phase.RELEASED, ())
    for number in range(1, MAX_FINISHERS + 1):
        world.died(f"{ID}-finish-{number}", "FAILED")
    assert len(world.starter.executions) == 1 + MAX_FINISHERS
    assert world.queues.admits.sent == []


@pytest.mark.parametrize("told", ["success", "superseded"])
def test_a_released_run_that_github_knows_about_needs_nothing(told):
    world = World(phase=Phase.RELEASED, reported={"github": told}, **REPORTABLE)
    world.died()
    assert list(world.starter.executions) == [ID]


def test_a_notice_that_comes_twice_starts_no_second_finisher():
    world = World(state=State.PENDING)
    world.died()
    world.died()
    assert sorted(world.starter.executions) == [ID, f"{ID}-finish-1"]
    assert world.row.finishers == 1


@pytest.mark.parametrize("killed_at", ["mutate", "start"])
def test_reconcile_killed_in_between_is_completed_by_the_repeated_notice(killed_at):
    world = World(state=State.PENDING)
    world.starter.start(ID)
    owner = world.prowjobs if killed_at == "mutate" else world.starter
    real = getattr(owner, killed_at)
    setattr(owner, killed_at, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        world.died()
    setattr(owner, killed_at, real)
    world.died()
    assert world.starter.executions[f"{ID}-finish-1"].status == "RUNNING"
    assert world.row.state is State.ERROR


def test_finishers_that_die_are_replaced_up_to_a_bound_and_then_the_run_is_released():
    world = World(state=State.PENDING)
    world.died()
    for number in range(1, MAX_FINISHERS):
        world.died(f"{ID}-finish-{number}", "FAILED")
        assert world.row.finishers == number + 1
    assert world.queues.admits.sent == []
    world.died(f"{ID}-finish-{MAX_FINISHERS}", "FAILED")
    assert world.queues.admits.drain() == [{"release": ID}]


def test_an_execution_that_is_not_ours_is_left_alone():
    world = World()
    world.finish.ended(Execution(name="somebody-elses", status="FAILED"))
    assert world.starter.executions == {}


def test_beginning_a_run_whose_execution_is_closed_repairs_it():
    world = World(phase=Phase.ADMITTED)
    world.starter.start(ID)
    world.starter.finish(ID, "FAILED")
    world.finish.begin(ID)
    assert world.starter.executions[f"{ID}-finish-1"].status == "RUNNING"
    assert world.row.phase is Phase.STARTED


def test_a_late_notice_of_an_earlier_execution_takes_nothing_back():
    world = World(state=State.PENDING)
    world.died()
    world.died(f"{ID}-finish-1", "FAILED")
    world.died()
    assert world.row.finishers == 2
    assert world.starter.executions[f"{ID}-finish-2"].status == "RUNNING"
