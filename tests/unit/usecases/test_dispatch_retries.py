"""What a repeated delivery finds done, and what it completes: it decides again, by the state it meets."""

import pytest

from prowless.domain.config.jobs import RepositoryConfig
from prowless.domain.errors import RetryableError
from prowless.domain.prowjob import State
from prowless.domain.trust import OK_TO_TEST
from prowless.ports.github import Status
from tests.fakes.config import FixedConfig
from tests.unit.usecases.test_dispatch import REPOSITORY, World


@pytest.fixture
def world():
    return World()


def by_a_stranger(world, content="1"):
    world.pull = world.github.open_pull(REPOSITORY, {"b": content}, author="mallory")
    world.pull_event()


def said(world):
    return [comment.body for comment in world.github.comments(REPOSITORY, world.pull.number)]


def answers(world, text):
    return len([body for body in said(world) if text in body])


def failing_once(world, call, act):
    """Do something while GitHub fails one call, and then have the message again."""
    world.github.fail(call, RetryableError("502"))
    with pytest.raises(RetryableError):
        act()
    world.dispatch([{"delivery": "c1"}])


def test_a_start_repeated_after_a_push_runs_the_commit_that_its_row_names(world, monkeypatch):
    def fails(_):
        raise RetryableError("throttled")

    monkeypatch.setattr(world.prowjobs, "create", fails)
    with pytest.raises(RetryableError):
        world.comment("/test unit")
    monkeypatch.undo()
    pushed = world.github.push(REPOSITORY, world.pull.number, {"a.py": "2"})
    world.dispatch([{"delivery": "c1"}])
    [run] = world.prowjobs.rows.values()
    assert (run.head_sha, world.runs.spec(run).refs.pulls[0].sha) == (pushed.head_sha, pushed.head_sha)


def test_a_cancel_whose_answer_failed_stops_nothing_until_it_is_answered(world):
    world.pull_event()
    failing_once(world, "create_comment", lambda: world.comment("/cancel"))
    assert answers(world, "Cancelled on behalf of ada") == 1
    assert answers(world, "nothing to cancel") == 0
    assert [run.state for run in world.prowjobs.rows.values()] == [State.ABORTED]


def test_an_override_cancel_whose_answer_failed_is_answered_for_what_it_did(world):
    head = world.pull.head_sha
    world.github.add_admin(REPOSITORY, "ada")
    world.github.create_status(
        REPOSITORY, head, Status(context="unit", state="success", description="Overridden by ada")
    )
    failing_once(world, "create_comment", lambda: world.comment("/override-cancel"))
    assert answers(world, "Cancelled overrides on behalf of ada: unit") == 1
    assert world.github.statuses(REPOSITORY, head)["unit"].state == "failure"


def test_a_job_starts_though_an_answer_to_the_same_comment_failed(world, monkeypatch):
    world.pull_event()

    def fails(*_):
        raise RetryableError("502")

    monkeypatch.setattr(world.github, "create_comment", fails)
    with pytest.raises(RetryableError):
        world.comment("/cancel unit\n/test manual")
    assert world.jobs() == ["manual", "unit"]
    assert {run.state for run in world.prowjobs.rows.values()} == {State.TRIGGERED}


def test_who_took_over_with_a_label_only_is_told_that_it_does_not_hold_though_the_first_try_failed(world):
    by_a_stranger(world)
    world.github.add_label(REPOSITORY, world.pull.number, OK_TO_TEST)
    world.github.push(REPOSITORY, world.pull.number, {"b": "2"})
    world.github.fail("create_comment", RetryableError("502"))
    with pytest.raises(RetryableError):
        world.pull_event("synchronize", "g2")
    world.dispatch([{"delivery": "g2"}])
    assert answers(world, "An approval holds for one commit, and") == 1
    assert OK_TO_TEST not in world.github.pull(REPOSITORY, world.pull.number).labels


def test_an_approval_whose_withdrawal_failed_takes_the_notice_back_when_it_is_repeated(world):
    by_a_stranger(world)
    world.comment("/ok-to-test", guid="c0")
    world.github.push(REPOSITORY, world.pull.number, {"b": "2"})
    world.pull_event("synchronize", "g2")
    world.clock.advance(60_000)
    assert answers(world, "An approval holds for one commit, and") == 1
    failing_once(world, "delete_comment", lambda: world.comment("/ok-to-test"))
    assert answers(world, "An approval holds for one commit, and") == 0


def without_jobs(world):
    world.dispatch._config = FixedConfig(RepositoryConfig(repository=REPOSITORY))


@pytest.mark.parametrize(
    ("action", "change"), [("closed", {"state": "closed"}), ("converted_to_draft", {"draft": True})]
)
def test_runs_of_an_earlier_configuration_end_with_their_pull_though_no_presubmit_is_left(world, action, change):
    world.pull_event()
    without_jobs(world)
    world.github.change_pull(REPOSITORY, world.pull.number, **change)
    world.pull_event(action, "g2")
    assert [run.state for run in world.prowjobs.rows.values()] == [State.ABORTED]


def test_runs_of_an_earlier_configuration_end_with_their_head_though_no_presubmit_is_left(world):
    world.pull_event()
    without_jobs(world)
    world.pull_event("synchronize", "g2")
    assert [run.state for run in world.prowjobs.rows.values()] == [State.TRIGGERED]
    world.github.push(REPOSITORY, world.pull.number, {"a.py": "2"})
    world.pull_event("synchronize", "g3")
    assert [run.state for run in world.prowjobs.rows.values()] == [State.ABORTED]


def test_github_is_not_asked_where_there_are_neither_presubmits_nor_runs(world):
    without_jobs(world)
    world.pull_event("closed")
    assert [call for call, _ in world.github.calls] == ["pull"], "the test's own call"
