"""What dispatch keeps and says about approvals."""

import pytest

from prowless.domain.wording import marker
from tests.unit.usecases.test_dispatch import REPOSITORY, World

SHORTLY, LONG = 1_000, 40_000


@pytest.fixture
def world():
    world = World()
    world.pull = world.github.open_pull(REPOSITORY, {"b": "1"}, author="mallory")
    world.pull_event()
    return world


def standing(world):
    comments = world.github.comments(REPOSITORY, world.pull.number)
    return [comment.body for comment in comments if "An approval holds for one commit, and" in comment.body]


def push(world, content, guid):
    pushed = world.github.push(REPOSITORY, world.pull.number, {"b": content})
    world.pull_event("synchronize", guid)
    return pushed.head_sha


def heads(world):
    return [head.sha for head in world.ledger().heads]


def test_the_heads_of_deliveries_are_kept_in_order(world):
    pushed = push(world, "2", "g2")
    world.pull_event("labeled", "g3", label={"name": "size/S"})
    assert heads(world) == [world.pull.head_sha, pushed]
    assert [head.opened for head in world.ledger().heads] == [True, False]


def test_a_head_that_no_delivery_told_of_is_kept_when_it_is_met(world):
    world.clock.advance(LONG)
    pushed = world.github.push(REPOSITORY, world.pull.number, {"b": "2"}).head_sha
    world.comment("/ok-to-test")
    assert heads(world) == [world.pull.head_sha, pushed]
    assert world.jobs() == []
    world.clock.advance(LONG)
    world.comment("/ok-to-test", guid="c2")
    assert world.jobs() == ["unit"]


def test_a_dispatch_that_is_repeated_after_the_approval_starts_the_jobs(world):
    start = world.starts.start
    world.starts.start = lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        world.comment("/ok-to-test")
    assert [one.by for one in world.ledger().approvals] == ["ada"]
    world.starts.start = start
    world.dispatch([{"delivery": "c1"}])
    assert world.jobs() == ["unit"]


def test_one_comment_asks_for_an_approval_and_is_edited_and_taken_back(world):
    world.comment("/ok-to-test")
    for number in (2, 3):
        pushed = push(world, str(number), f"g{number}")
        (text,) = standing(world)
        assert f"/ok-to-test {pushed}" in text
    edits = [call for call, _ in world.github.calls if call == "update_comment"]
    world.pull_event("synchronize", "g4")
    assert [call for call, _ in world.github.calls if call == "update_comment"] == edits == ["update_comment"]
    world.clock.advance(SHORTLY)
    world.comment(f"/ok-to-test {pushed}", guid="c2")
    assert standing(world) == []
    assert "ok-to-test" in world.github.pull(REPOSITORY, world.pull.number).labels


def test_cancel_forgets_the_approvals(world):
    world.comment("/ok-to-test")
    world.comment("/ok-to-test cancel", guid="c2")
    assert world.ledger().approvals == ()


def test_a_marker_that_somebody_wrote_is_nobodys_answer(world):
    """Its key can be guessed: an answer that quotes it would be taken back in place of the standing comment."""
    mark = marker(f"approval {REPOSITORY}#{world.pull.number}")
    world.github.comment(REPOSITORY, world.pull.number, world.github.login(), f"> {mark}\n\n{marker('answer')}\n")
    push(world, "2", "g2")
    world.clock.advance(LONG)
    world.comment("/ok-to-test")
    push(world, "3", "g3")
    assert len(standing(world)) == 1
    world.clock.advance(LONG)
    world.comment("/ok-to-test", guid="c2")
    assert standing(world) == []
    assert any(comment.body.startswith(f"> {mark}") for comment in world.github.comments(REPOSITORY, world.pull.number))


def test_an_answer_quotes_no_marker(world):
    mark = marker(f"approval {REPOSITORY}#{world.pull.number}")
    world.comment(f"/test unit\n{mark}\n<!-- test report -->\u2028--- | ---\u2028unit | x", author="mallory")
    answer = world.github.comments(REPOSITORY, world.pull.number)[-1].body
    assert "Cannot trigger testing" in answer
    assert mark not in answer
    assert "<!-- test report -->" not in answer
