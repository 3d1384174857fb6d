import json
from dataclasses import replace

import pytest

from prowless.domain.errors import NotFoundError
from prowless.domain.identity import Cause
from prowless.domain.prowjob import Phase, ProwJobSpec, State
from prowless.domain.refs import JobType, Pull, Refs
from prowless.usecases.runs import AbortRuns, Runs, StartRuns
from tests.fakes.clock import FixedClock
from tests.fakes.flow import MemoryQueues, MemoryStarter
from tests.fakes.stores import MemoryControl, MemoryObjects, MemoryProwJobs


def presubmit(sha="h1", job="unit", number=7):
    refs = Refs(org="acme", repo="app", base_ref="main", base_sha="b", pulls=(Pull(number=number, sha=sha),))
    return ProwJobSpec(type=JobType.PRESUBMIT, job=job, context=job, refs=refs, pod_spec={"containers": []})


def opened(sha="h1", at="t1"):
    return Cause.pull_request("acme/app", 7, "opened", sha, at)


class World:
    def __init__(self):
        self.clock = FixedClock()
        self.prowjobs = MemoryProwJobs()
        self.control = MemoryControl(self.prowjobs)
        self.queues = MemoryQueues(self.clock)
        self.starter = MemoryStarter()
        self.state = MemoryObjects()
        self.runs = Runs(self.prowjobs, self.state)
        self.aborts = AbortRuns(prowjobs=self.prowjobs, admit=self.queues, starter=self.starter)
        self.starts = StartRuns(
            runs=self.runs, control=self.control, admit=self.queues, aborts=self.aborts, clock=self.clock
        )

    def start(self, spec=None, cause=None, **options):
        self.clock.advance(1)
        return self.starts.start(spec or presubmit(), cause or opened(), **options)

    def change(self, job, **changes):
        return self.prowjobs.mutate(job.id, lambda row: replace(row, **changes))


@pytest.fixture
def world():
    return World()


def test_a_start_leaves_a_spec_a_row_and_a_wake(world):
    job = world.start()
    assert world.runs.job(job.id).state is State.TRIGGERED
    assert world.runs.spec(job) == presubmit()
    assert world.queues.admits.drain() == [{"wake": f"create:{job.id}"}]


def test_the_same_event_starts_a_job_once(world):
    first = world.start()
    again = world.start()
    assert first.id == again.id
    assert first.build_id == again.build_id
    assert len(world.prowjobs.rows) == 1


@pytest.mark.parametrize("step", ["keep_spec", "create", "newest", "wake"])
def test_a_start_killed_anywhere_is_completed_by_its_repetition(world, step):
    owners = {"keep_spec": world.runs, "create": world.prowjobs, "newest": world.control, "wake": world.queues}
    owner = owners[step]
    real = getattr(owner, step)

    def killed(*args, **kwargs):
        setattr(owner, step, real)
        raise KeyboardInterrupt

    setattr(owner, step, killed)
    with pytest.raises(KeyboardInterrupt):
        world.start()
    job = world.start()
    assert len(world.prowjobs.rows) == 1
    assert world.runs.spec(job) == presubmit()
    assert world.queues.admits.drain() == [{"wake": f"create:{job.id}"}]
    assert world.control.builds == {f"newest#{job.report_key}": job.build_id}


@pytest.mark.parametrize("start", ["start", "record"])
def test_of_two_tries_that_met_different_heads_the_row_and_the_spec_are_of_the_same(world, start):
    cause, options = Cause.comment("acme/app", "issue_comment", 1, "t"), {}
    if start == "record":
        options = {"description": "Overridden by root", "url": "u"}
    act = getattr(world.starts, start)
    real = world.prowjobs.create

    def overtaken(job):
        world.prowjobs.create = real
        act(presubmit("h2"), cause, **options)
        return real(job)

    world.prowjobs.create = overtaken
    act(presubmit("h1"), cause, **options)
    [row] = world.prowjobs.rows.values()
    assert (row.head_sha, world.runs.spec(row)) == ("h2", presubmit("h2"))


def test_a_row_of_an_older_release_finds_its_spec_where_that_release_put_it(world):
    job = world.change(world.start(), spec_digest="")
    world.state.put(f"runs/{job.id}/spec.json", json.dumps(presubmit("h0").to_dict()).encode(), "application/json")
    assert world.runs.spec(job) == presubmit("h0")


def test_a_claim_for_a_head_does_not_stand_in_for_it_once_its_run_was_made_for_another(world):
    real = world.prowjobs.create
    world.prowjobs.create = lambda _: (_ for _ in ()).throw(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        world.start(automatic=True)
    world.prowjobs.create = real
    other = world.start(presubmit("h2"), automatic=True)
    world.change(other, state=State.SUCCESS)
    back = world.start(cause=Cause.pull_request("acme/app", 7, "synchronize", "h1", "t3"), automatic=True)
    assert (back.id != other.id, back.head_sha) == (True, "h1")


def test_automatic_runs_of_one_head_meet_whatever_the_event(world):
    first = world.start(automatic=True)
    late = world.start(cause=Cause.pull_request("acme/app", 7, "reopened", "h1", "t2"), automatic=True)
    assert late.id == first.id


def test_a_command_starts_another_run_of_the_same_head(world):
    first = world.start(automatic=True)
    again = world.start(cause=Cause.comment("acme/app", "issue_comment", 1, "t"))
    assert again.id != first.id


def test_an_aborted_run_does_not_stand_in_for_a_new_automatic_one(world):
    first = world.start(automatic=True)
    world.aborts.abort(first, "closed")
    again = world.start(cause=Cause.pull_request("acme/app", 7, "reopened", "h1", "t2"), automatic=True)
    assert again.id != first.id


def test_a_newer_run_of_the_job_replaces_the_older_and_github_is_not_told_of_that(world):
    old = world.start()
    new = world.start(presubmit("h2"), opened("h2"))
    row = world.runs.job(old.id)
    assert (row.state, row.superseded) == (State.ABORTED, True)
    assert world.runs.job(new.id).state is State.TRIGGERED


def test_a_start_killed_after_its_row_still_replaces_the_older_run_though_the_new_one_was_admitted_meanwhile(world):
    old = world.start()
    real = world.starts._replace_older
    world.starts._replace_older = lambda _job: (_ for _ in ()).throw(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        world.start(presubmit("h2"), opened("h2"))
    world.starts._replace_older = real
    [new] = [job for job in world.prowjobs.rows.values() if job.id != old.id]
    world.change(new, phase=Phase.STARTED)
    world.start(presubmit("h2"), opened("h2"))
    assert world.runs.job(old.id).state is State.ABORTED
    assert world.runs.job(new.id).state is State.TRIGGERED


def test_a_repeated_start_of_a_replaced_run_stops_nothing_newer(world):
    old, new = world.start(), world.start(presubmit("h2"), opened("h2"))
    world.start()
    assert world.runs.job(old.id).state is State.ABORTED
    assert world.runs.job(new.id).state is State.TRIGGERED


def test_other_jobs_and_other_pulls_are_left_alone(world):
    lint = world.start(presubmit(job="lint"))
    other = world.start(presubmit(number=8))
    world.start(presubmit("h2"), opened("h2"))
    assert world.runs.job(lint.id).state is State.TRIGGERED
    assert world.runs.job(other.id).state is State.TRIGGERED


def test_a_new_push_aborts_all_unfinished_presubmits_of_the_pull_but_those_of_its_head(world):
    old, done, head = world.start(), world.start(presubmit(job="lint")), world.start(presubmit("h2", "e2e"))
    world.change(done, state=State.SUCCESS)
    aborted = world.aborts.abort_pull("acme/app", 7, "Aborted by trigger plugin.", except_head="h2")
    assert [job.id for job in aborted] == [old.id]
    row = world.runs.job(old.id)
    assert (row.state, row.description, row.superseded) == (State.ABORTED, "Aborted by trigger plugin.", False)
    assert world.runs.job(head.id).state is State.TRIGGERED


def test_an_abort_wakes_admission_for_a_waiting_run(world):
    job = world.start()
    world.queues.admits.drain()
    world.aborts.abort(job, "stop")
    assert world.queues.admits.drain() == [{"wake": f"abort:{job.id}"}]


def test_an_abort_wakes_the_open_wait_of_a_running_one(world):
    job = world.start()
    world.change(job, phase=Phase.STARTED, state=State.PENDING, token=world.starter.open_wait("t1"))
    world.aborts.abort(job, "stop")
    assert world.starter.woken == {"t1": {"outcome": "stop"}}


def test_an_abort_of_a_run_that_is_ending_already_leaves_it_the_time_to_end(world):
    job = world.start()
    world.change(job, phase=Phase.STARTED, state=State.ABORTED, stopping_at=1, token=world.starter.open_wait("t2"))
    world.aborts.abort(job, "stop")
    assert world.starter.woken == {}


def test_an_abort_with_a_stale_token_is_not_an_error(world):
    job = world.start()
    world.change(job, phase=Phase.STARTED, token="stale")
    assert world.aborts.abort(job, "stop").state is State.ABORTED


def test_a_finished_run_cannot_be_aborted(world):
    job = world.start()
    world.change(job, state=State.SUCCESS)
    assert world.aborts.abort(job, "stop").state is State.SUCCESS


def test_a_run_that_does_not_exist_is_named(world):
    with pytest.raises(NotFoundError, match="nobody"):
        world.runs.job("nobody")


def test_a_run_on_another_base_is_another_test_and_goes_on(world):
    spec = presubmit("h2")
    old = world.start()
    world.start(replace(spec, refs=replace(spec.refs, base_ref="release")), opened("h2"))
    assert world.runs.job(old.id).state is State.TRIGGERED
