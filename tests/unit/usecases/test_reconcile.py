import pytest

from prowless.domain.clusters import Cluster
from prowless.domain.config.central import CentralConfig
from prowless.domain.errors import PermanentError, RetryableError
from prowless.domain.prowjob import Phase, ProwJob, State
from prowless.domain.refs import JobType
from prowless.usecases.finish import MAX_FINISHERS, FinishRuns
from prowless.usecases.reconcile import Reconcile
from tests.fakes.clock import NOW, FixedClock
from tests.fakes.config import FixedConfig
from tests.fakes.flow import MemoryQueues, MemoryStarter
from tests.fakes.stores import MemoryProwJobs

MINUTE = 60_000
CENTRAL = CentralConfig(clusters={alias: Cluster(alias=alias) for alias in ("default", "second")})


def run_id(number):
    return f"00000000-0000-0000-0000-{number:012d}"


class World:
    def __init__(self):
        self.watched, self.unreadable = 0, None
        self.prowjobs = MemoryProwJobs()
        self.starter = MemoryStarter()
        self.clock = FixedClock()
        self.queues = MemoryQueues(self.clock)
        self.reconcile = Reconcile(
            prowjobs=self.prowjobs,
            config=FixedConfig(central=CENTRAL),
            starter=self.starter,
            finish=FinishRuns(prowjobs=self.prowjobs, starter=self.starter, admit=self.queues),
            admit=self.queues,
            watch=self.watch,
            clock=self.clock,
        )

    def add(self, number=1, execution="RUNNING", **changes):
        """A started run and its execution; the run's id."""
        row = {
            "id": run_id(number),
            "type": JobType.PRESUBMIT,
            "job": "unit",
            "build_id": str(10**18 + number),
            "created_at": 1,
            "admitted_at": NOW - 11 * MINUTE,
            "phase": Phase.STARTED,
            "state": State.PENDING,
        }
        self.prowjobs.create(ProwJob(**row | changes))
        if execution:
            name = self.starter.start(run_id(number), changes.get("finishers", 0)).name
            self.starter.finish(name, execution)
        return run_id(number)

    def watch(self):
        self.watched += 1
        if self.unreadable:
            raise self.unreadable

    def sweep(self):
        self.reconcile({"detail-type": "Scheduled Event"})

    def releases(self):
        return [message["release"] for message in self.queues.admits.drain() if "release" in message]

    def rows(self):
        return dict(self.prowjobs.rows)


@pytest.fixture
def world():
    return World()


def test_the_name_of_a_status_change_tells_the_run(world):
    run = world.add()
    detail = {"name": run, "status": "ABORTED"}
    world.reconcile({"detail-type": "Step Functions Execution Status Change", "detail": detail})
    assert f"{run}-finish-1" in world.starter.executions
    assert world.queues.admits.sent == []


def test_the_sweep_wakes_admission(world):
    world.sweep()
    assert world.queues.admits.drain() == [{"wake": f"sweep:{NOW}"}]


@pytest.mark.parametrize("status", ["FAILED", "TIMED_OUT", "ABORTED"])
@pytest.mark.parametrize("cluster", ["default", "second"])
def test_the_sweep_finishes_a_run_whose_dead_execution_nobody_told_about(world, status, cluster):
    run = world.add(execution=status, cluster=cluster)
    world.sweep()
    assert world.prowjobs.get(run).state is State.ERROR
    assert world.starter.executions[f"{run}-finish-1"].status == "RUNNING"
    assert world.releases() == []


def test_the_sweep_finds_a_dead_finishing_execution_too(world):
    run = world.add(execution="FAILED", finishers=1)
    world.sweep()
    assert world.prowjobs.get(run).finishers == 2
    assert world.starter.executions[f"{run}-finish-2"].status == "RUNNING"


def test_the_sweep_releases_a_run_whose_last_finishing_execution_died_unheard(world):
    run = world.add(execution="FAILED", finishers=MAX_FINISHERS)
    world.sweep()
    assert world.releases() == [run]


@pytest.mark.parametrize("finishers", [0, 1])
def test_the_sweep_releases_a_run_whose_release_was_lost_and_does_so_every_time(world, finishers):
    run = world.add(execution="SUCCEEDED", state=State.SUCCESS, finishers=finishers)
    before = set(world.starter.executions)
    world.sweep()
    assert world.releases() == [run]
    world.clock.advance(MINUTE)
    world.sweep()
    assert world.releases() == [run]
    assert set(world.starter.executions) == before


def test_the_sweep_starts_a_started_run_that_has_no_execution(world):
    run = world.add(execution="")
    world.sweep()
    assert world.starter.executions[run].status == "RUNNING"


def test_the_sweep_continues_where_a_finishing_execution_was_not_started(world):
    run = world.add(execution="", finishers=1)
    world.starter.start(run)
    world.starter.finish(run, "FAILED")
    world.sweep()
    assert world.starter.executions[f"{run}-finish-1"].status == "RUNNING"
    assert world.prowjobs.get(run).finishers == 1


@pytest.mark.parametrize(
    ("execution", "changes"),
    [
        ("RUNNING", {}),
        ("RUNNING", {"finishers": 1, "state": State.ERROR}),
        ("FAILED", {"admitted_at": NOW - 10 * MINUTE}),
        ("SUCCEEDED", {"admitted_at": NOW - 1, "state": State.SUCCESS}),
        ("", {"admitted_at": NOW}),
        ("FAILED", {"phase": Phase.RELEASED}),
        ("", {"phase": Phase.ADMITTED}),
        ("", {"phase": Phase.WAITING, "admitted_at": 0}),
    ],
)
def test_the_sweep_leaves_alone_what_runs_what_is_fresh_and_what_is_not_started(world, execution, changes):
    world.add(execution=execution, **changes)
    before = (world.rows(), dict(world.starter.executions))
    world.sweep()
    assert (world.rows(), world.starter.executions) == before
    assert world.releases() == []


@pytest.mark.parametrize("kind", [PermanentError, RetryableError])
def test_a_run_that_cannot_be_looked_at_keeps_no_other_from_being_repaired(world, kind):
    first, bad, last = world.add(1, "FAILED"), world.add(2, "FAILED"), world.add(3, "FAILED", cluster="second")
    describe = world.starter.describe

    def broken(prowjob, finisher=0):
        if prowjob == bad:
            raise kind("no answer about this one")
        return describe(prowjob, finisher)

    world.starter.describe = broken
    with pytest.raises(RetryableError, match=r"the sweep failed 1 times.*no answer about this one"):
        world.sweep()
    assert [world.prowjobs.get(run).finishers for run in (first, bad, last)] == [1, 0, 1]
    world.starter.describe = describe
    world.sweep()
    assert world.prowjobs.get(bad).finishers == 1


def test_the_sweep_looks_at_the_sources_of_the_configuration_and_an_execution_that_died_does_not():
    world = World()
    world.sweep()
    world.add(execution="")
    world.reconcile(
        {"detail-type": "Step Functions Execution Status Change", "detail": {"name": run_id(1), "status": "ABORTED"}}
    )
    assert world.watched == 1


def test_sources_that_cannot_be_looked_at_do_not_keep_runs_from_being_looked_at():
    world = World()
    world.unreadable = PermanentError("403")
    run = world.add(execution="SUCCEEDED")
    with pytest.raises(RetryableError, match="the sweep failed 1 times, the first time with: 403"):
        world.sweep()
    assert world.releases() == [run]
