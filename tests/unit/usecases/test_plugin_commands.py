"""Merge groups and the commands beside the trigger plugin's, carried out: once, however often they are handled."""

import pytest

from prowless.domain.events import MergeGroupEvent
from prowless.domain.prowjob import State
from prowless.ports.github import Status
from prowless.usecases import merge_groups
from tests.unit.usecases.test_dispatch import REPOSITORY, World


class Queue(World):
    """A world with a second pull, and a merge queue."""

    def __init__(self):
        super().__init__()
        self.second = self.github.open_pull(REPOSITORY, {"docs/b": "2"}, author="ada")
        self.base = self.pull.base_sha

    def group(self, numbers=(1, 2), *, squash=False, last=0):
        head = self.github.queue(REPOSITORY, numbers, squash=squash)
        ref = f"refs/heads/gh-readonly-queue/main/pr-{last or numbers[-1]}-{self.base}"
        self.github.repositories[REPOSITORY].refs[ref.removeprefix("refs/")] = head
        return {"head_sha": head, "head_ref": ref, "base_sha": self.base, "base_ref": "refs/heads/main"}

    def send(self, group, action="checks_requested", guid="m1"):
        return self.deliver("merge_group", guid, action=action, merge_group=group)

    def pulls(self, group):
        known = {"repository": REPOSITORY, "repositories": (REPOSITORY,), "action": "checks_requested"}
        return merge_groups.pulls(self.github, MergeGroupEvent(**known, **group))

    def statuses(self):
        return {name: one.state for name, one in self.github.statuses(REPOSITORY, self.pull.head_sha).items()}

    def fail(self, context):
        self.github.create_status(REPOSITORY, self.pull.head_sha, Status(context=context, state="failure"))


@pytest.fixture
def world():
    return Queue()


def test_a_merge_group_starts_batches_on_its_head(world):
    group = world.group()
    assert {job: verdict for job, (verdict, _) in world.send(group).items()} == {
        "unit": "run",
        "docs": "run",
        "manual": "skip",
    }
    heads = f"1:{world.pull.head_sha},2:{world.second.head_sha}"
    for run in world.prowjobs.rows.values():
        assert (run.type, run.head_sha, run.pull) == ("batch", group["head_sha"], 0)
        refs = world.runs.spec(run).refs
        assert (str(refs), refs.merged_sha) == (f"main:{world.base},{heads}", group["head_sha"])


def test_changed_files_of_a_group_are_those_of_its_comparison(world):
    assert world.send(world.group([1]))["docs"] == ("skip", "run_if_changed")


def test_a_comparison_that_github_refuses_keeps_no_job_from_running(world):
    group = world.group([1])
    del world.github.repositories[REPOSITORY].commits[world.base]
    assert world.send(group)["docs"][0] == "run"


def test_a_redelivered_group_starts_nothing_twice_also_after_it_was_destroyed(world):
    group = world.group([1])
    world.send(group, guid="m1")
    world.send(group, guid="m2")
    world.send(group, "destroyed", guid="m3")
    world.send(group, guid="m4")
    assert [run.state for run in world.prowjobs.rows.values()] == [State.ABORTED]


def test_a_destroyed_group_stops_its_runs_and_no_others(world):
    group, other = world.group([1]), world.group([2])
    world.send(group, guid="m1")
    world.send(other, guid="m2")
    world.pull_event()
    world.send(group, "destroyed", guid="m3")
    stopped = {run.head_sha for run in world.prowjobs.rows.values() if run.state is State.ABORTED}
    assert stopped == {group["head_sha"]}


@pytest.mark.parametrize("moved", [True, False])
def test_a_group_whose_ref_is_gone_or_moved_starts_nothing(world, moved):
    group = world.group([1])
    refs = world.github.repositories[REPOSITORY].refs
    name = group["head_ref"].removeprefix("refs/")
    if moved:
        refs[name] = world.base
    else:
        del refs[name]
    assert world.send(group)["unit"] == ("skip", "merge-group")
    assert world.jobs() == []


@pytest.mark.parametrize("squash", [True, False])
def test_a_groups_pulls_are_told_by_its_commits_in_their_order(world, squash):
    found = world.pulls(world.group([2, 1], squash=squash))
    assert [(pull.number, pull.head_sha) for pull in found] == [
        (2, world.second.head_sha),
        (1, world.pull.head_sha),
    ]


def test_the_pull_that_the_ref_names_is_always_there(world):
    world.github.repositories[REPOSITORY].pulls[1] = world.pull
    group = world.group([2], last=1)
    assert [pull.number for pull in world.pulls(group)] == [2, 1]


@pytest.mark.parametrize("squash", [True, False])
@pytest.mark.parametrize("change", [{"state": "closed"}, {"base_ref": "other"}])
def test_a_commit_that_names_another_pull_is_not_believed(world, change, squash):
    group = world.group([1, 2], squash=squash)
    world.github.change_pull(REPOSITORY, 1, **change)
    assert [pull.number for pull in world.pulls(group)] == [2]


def test_a_merge_of_another_head_than_the_pulls_is_not_believed(world):
    group = world.group([1, 2])
    world.github.push(REPOSITORY, 1, {"x": "1"})
    assert [pull.number for pull in world.pulls(group)] == [2]


def test_the_named_pull_has_the_head_that_was_merged(world):
    group = world.group([2])
    world.github.push(REPOSITORY, 2, {"x": "1"})
    assert [pull.head_sha for pull in world.pulls(group)] == [world.second.head_sha]


def test_numbers_of_pulls_that_are_not_there_are_left_out(world):
    group = world.group([1])
    del world.github.repositories[REPOSITORY].pulls[1]
    assert world.pulls(group) == []


def test_skip_leaves_what_is_required(world):
    world.fail("manual")
    world.comment("/skip")
    assert world.statuses() == {"manual": "failure"}


def test_cancel_stops_the_pulls_runs_and_says_so(world):
    world.pull_event()
    world.comment("/test manual", guid="c0")
    world.comment("/cancel unit")
    states = {run.job: (run.state, run.description) for run in world.prowjobs.rows.values()}
    assert states["unit"] == (State.ABORTED, "Aborted by ada with /cancel.")
    assert states["manual"][0] is State.TRIGGERED
    assert "Cancelled on behalf of ada: `unit`." in world.github.comments(REPOSITORY, 1)[-1].body


def test_cancel_is_answered_once_although_its_repetition_finds_nothing_left(world):
    world.pull_event()
    real = world.deliveries.finish
    world.deliveries.finish = lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        world.comment("/cancel")
    world.deliveries.finish = real
    world.dispatch([{"delivery": "c1"}])
    (answer,) = world.github.comments(REPOSITORY, 1)
    assert "Cancelled" in answer.body


def test_cancel_spares_what_the_same_comment_starts(world):
    world.pull_event()
    world.deliveries.finish = lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        world.comment("/cancel\n/test manual")
    del world.deliveries.finish
    world.dispatch([{"delivery": "c1"}])
    assert {run.job: run.state for run in world.prowjobs.rows.values()} == {
        "unit": State.ABORTED,
        "manual": State.TRIGGERED,
    }


def test_cancel_with_nothing_under_way_is_answered(world):
    world.comment("/cancel")
    assert "There is nothing to cancel" in world.github.comments(REPOSITORY, 1)[0].body
