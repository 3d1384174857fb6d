from dataclasses import replace

import pytest

from prowless.domain.clusters import Cluster
from prowless.domain.config.central import CentralConfig
from prowless.domain.errors import PermanentError, RetryableError
from prowless.domain.prowjob import Phase, ProwJob, State
from prowless.domain.refs import JobType
from prowless.usecases.admit import AdmitRuns
from prowless.usecases.finish import FinishRuns
from prowless.usecases.runs import Runs
from tests.fakes.clock import FixedClock
from tests.fakes.config import FixedConfig
from tests.fakes.flow import MemoryQueues, MemoryStarter
from tests.fakes.stores import MemoryControl, MemoryObjects, MemoryProwJobs

CENTRAL = CentralConfig(clusters={"default": Cluster(alias="default", max_concurrency=2)})


def run_id(number):
    return f"00000000-0000-0000-0000-{number:012d}"


class World:
    def __init__(self):
        self.prowjobs = MemoryProwJobs()
        self.control = MemoryControl(self.prowjobs)
        self.starter = MemoryStarter()
        self.queues = MemoryQueues()
        self.config = FixedConfig(central=CENTRAL)
        self.admit = AdmitRuns(
            runs=Runs(self.prowjobs, MemoryObjects()),
            control=self.control,
            config=self.config,
            finish=FinishRuns(prowjobs=self.prowjobs, starter=self.starter, admit=self.queues),
            clock=FixedClock(),
        )

    def add(self, number, **changes):
        row = ProwJob(
            id=run_id(number), type=JobType.PRESUBMIT, job="unit", build_id=str(10**18 + number), created_at=number
        )
        self.prowjobs.create(replace(row, **changes))
        return row.id

    def wake(self, run):
        self.admit([{"wake": f"create:{run}"}])

    def running(self):
        return [name for name, execution in self.starter.executions.items() if execution.status == "RUNNING"]

    def phase(self, run):
        return self.prowjobs.get(run).phase


@pytest.fixture
def world():
    return World()


def test_a_waiting_run_is_admitted_holds_its_counters_and_starts(world):
    run = world.add(1)
    world.wake(run)
    assert world.phase(run) is Phase.STARTED
    assert world.prowjobs.get(run).held == ("counter#cluster#default",)
    assert world.control.used == {"counter#cluster#default": 1}
    assert world.running() == [run]


def test_the_cap_holds_back_the_third_and_a_release_lets_it_in_at_once(world):
    runs = [world.add(number) for number in (1, 2, 3)]
    world.wake(runs[2])
    assert [world.phase(run) for run in runs] == [Phase.STARTED, Phase.STARTED, Phase.WAITING]
    world.admit([{"release": runs[0]}])
    assert [world.phase(run) for run in runs] == [Phase.RELEASED, Phase.STARTED, Phase.STARTED]
    assert world.control.used == {"counter#cluster#default": 2}


def test_a_repeated_release_counts_once(world):
    runs = [world.add(number) for number in (1, 2)]
    world.wake(runs[0])
    world.admit([{"release": runs[0]}])
    world.admit([{"release": runs[0]}])
    assert world.control.used == {"counter#cluster#default": 1}
    assert world.prowjobs.get(runs[0]).completed_at > 0


def test_killed_between_admission_and_start_the_next_wake_starts_it(world):
    run = world.add(1)
    real = world.starter.start
    world.starter.start = lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        world.wake(run)
    assert world.phase(run) is Phase.ADMITTED
    world.starter.start = real
    world.wake(run)
    assert world.phase(run) is Phase.STARTED
    assert world.control.used == {"counter#cluster#default": 1}


def test_a_run_aborted_while_waiting_starts_without_counters_to_report_its_end(world):
    for number in (1, 2):
        world.wake(world.add(number))
    run = world.add(3, state=State.ABORTED, stop_reason="Aborted by trigger plugin.")
    world.admit([{"wake": f"abort:{run}"}])
    assert world.phase(run) is Phase.STARTED
    assert world.prowjobs.get(run).held == ()


def test_a_run_the_index_does_not_show_yet_is_admitted_by_its_own_wake(world):
    run = world.add(1)
    world.prowjobs.active = lambda *_: []
    world.wake(run)
    assert world.phase(run) is Phase.STARTED


def test_a_run_on_an_unknown_cluster_starts_so_that_its_error_is_reported(world):
    run = world.add(1, cluster="gone")
    world.wake(run)
    assert world.phase(run) is Phase.STARTED


def test_an_admission_that_lost_its_race_leaves_the_run_waiting_and_holds_nothing(world):
    run = world.add(1)
    world.control.admit = lambda *_: False
    world.wake(run)
    assert world.phase(run) is Phase.WAITING
    assert world.running() == []


def test_a_message_that_means_nothing_holds_up_nobody(world):
    run = world.add(1)
    world.admit([{"nonsense": 1}, {"wake": f"create:{run}"}])
    assert world.phase(run) is Phase.STARTED


def test_a_run_that_cannot_be_started_holds_up_nobody_and_is_tried_again(world):
    broken, other = world.add(1), world.add(2)
    real = world.starter.start

    def start(prowjob, finisher=0):
        if prowjob == broken:
            raise PermanentError("StartExecution refused")
        return real(prowjob, finisher)

    world.starter.start = start
    world.wake(other)
    assert [world.phase(run) for run in (broken, other)] == [Phase.ADMITTED, Phase.STARTED]
    world.starter.start = real
    world.admit([{"wake": "sweep:1"}])
    assert world.phase(broken) is Phase.STARTED


def test_a_message_that_fails_does_not_keep_the_rest_of_its_batch_from_being_done(world):
    first, second, waiting = (world.add(number) for number in (1, 2, 3))
    world.wake(first)
    real = world.control.release
    world.control.release = lambda before, after: before.id != first and real(before, after)
    with pytest.raises(RetryableError, match=first):
        world.admit([{"release": first}, {"release": second}])
    assert [world.phase(run) for run in (first, second, waiting)] == [Phase.STARTED, Phase.RELEASED, Phase.STARTED]


def test_a_release_lets_the_next_in_on_a_cluster_that_has_left_the_configuration(world):
    first, second = (world.add(number, cluster="gone", max_concurrency=1) for number in (1, 2))
    world.wake(first)
    world.admit([{"release": first}])
    assert world.phase(second) is Phase.STARTED
