"""An approval holds for the commit that somebody looked at: pushes before, during and after it."""

from __future__ import annotations

import json

from tests.functional.scenarios.world import MEMBER, MINUTE, REPOSITORY

STRANGER = "mallory"
LONG_AGO = 40


def said(pull, text):
    """Our comments that hold a text."""
    return [comment.body for comment in pull.comments() if text in comment.body]


def test_a_later_push_waits_for_an_approval_of_its_own(world):
    pull = world.open_pull(STRANGER)
    pull.comment("/ok-to-test")
    pull.await_state("success", within=MINUTE)
    assert "ok-to-test" in pull.labels
    assert "needs-ok-to-test" not in pull.labels

    for _ in range(2):
        pushed = pull.push()
        world.rest()
        assert (len(pull.runs()), pull.state()) == (1, "")
        assert pull.labels == {"needs-ok-to-test"}
        (request,) = said(pull, "An approval holds for one commit, and")
        assert f"/ok-to-test {pushed}" in request

    pull.comment("/ok-to-test")
    world.rest()
    assert len(pull.runs()) == 1
    (answer,) = said(pull, "Nothing was approved or started")
    assert f"/ok-to-test {pushed}" in answer

    pull.comment(f"/ok-to-test {pushed}")
    pull.await_state("success", within=MINUTE)
    world.rest()
    assert [run.head_sha for run in pull.runs()][1:] == [pushed]
    assert pull.labels == {"ok-to-test"}
    assert said(pull, "An approval holds for one commit, and") == []


def test_a_head_that_has_been_there_for_a_while_needs_no_sha(world):
    pull = world.open_pull(STRANGER)
    pushed = pull.push()
    world.pass_time(LONG_AGO)
    pull.comment("/ok-to-test")
    pull.await_state("success", sha=pushed, within=MINUTE)
    world.rest()


def test_an_approval_that_is_handled_after_a_push_does_not_approve_what_was_pushed(world):
    pull = world.open_pull(STRANGER)
    pull.comment("/ok-to-test")
    world.rest()
    told = [one for one in world.github.deliveries() if one.event == "issue_comment"]
    (comment,) = [one for one in told if json.loads(one.body)["comment"]["body"] == "/ok-to-test"]
    pushed = pull.push()
    world.pass_time(10 * MINUTE)  # SQS takes no message for a repetition any more
    world.aws.client("dynamodb").delete_item(
        TableName=world.aws.resources["DeliveriesTable"].ref, Key={"guid": {"S": comment.guid}}
    )
    world.github.redeliver(comment.guid)
    world.rest()
    assert (len(pull.runs()), pull.state()) == (1, "")
    assert pull.labels == {"needs-ok-to-test"}
    (answer,) = said(pull, "Nothing was approved or started")
    assert f"/ok-to-test {pushed}" in answer


def test_a_head_whose_webhook_was_lost_is_not_approved_at_first(world):
    pull = world.open_pull(STRANGER)
    world.github.drop_next_deliveries(1)
    pushed = pull.push()
    world.pass_time(LONG_AGO)
    pull.comment("/ok-to-test")
    world.rest()
    assert pull.runs() == []
    (answer,) = said(pull, "Nothing was approved or started")
    assert f"/ok-to-test {pushed}" in answer
    world.pass_time(LONG_AGO)
    pull.comment("/ok-to-test")
    pull.await_state("success", sha=pushed, within=MINUTE)
    world.rest()


def test_a_named_commit_that_was_replaced_is_not_approved(world):
    pull = world.open_pull(STRANGER)
    looked_at = pull.head
    pull.push()
    world.pass_time(LONG_AGO)
    pull.comment(f"/ok-to-test {looked_at}")
    world.rest()
    assert pull.runs() == []


def test_a_members_test_of_a_young_head_is_not_started(world):
    pull = world.open_pull(STRANGER)
    pull.push()
    world.pass_time(1)
    pull.comment("/test unit")
    world.rest()
    assert pull.runs() == []
    world.pass_time(LONG_AGO)
    pull.comment("/test unit")
    pull.await_state("success", within=MINUTE)
    world.rest()
    assert pull.labels == {"needs-ok-to-test"}


def test_a_review_approves_its_own_commit_at_once(world):
    pull = world.open_pull(STRANGER)
    pushed = pull.push()
    world.pass_time(1)
    world.github.review(REPOSITORY, pull.number, MEMBER, body="/ok-to-test")
    world.settle()
    pull.await_state("success", sha=pushed, within=MINUTE)
    world.rest()


def test_the_label_put_on_by_hand_approves_the_head_and_taken_off_it_does_not(world):
    pull = world.open_pull(STRANGER)
    world.github.add_label(REPOSITORY, pull.number, "ok-to-test", sender=MEMBER)
    pull.await_state("success", within=MINUTE)
    assert pull.labels == {"ok-to-test"}
    world.github.remove_label(REPOSITORY, pull.number, "ok-to-test", sender=MEMBER)
    world.settle()
    pull.comment("/test unit", by=STRANGER)
    world.rest()
    assert len(pull.runs()) == 1


def test_a_revoked_approval_is_none(world):
    pull = world.open_pull(STRANGER)
    pull.comment("/ok-to-test")
    world.rest()
    pull.comment("/ok-to-test cancel")
    pull.comment("/test unit", by=STRANGER)
    world.rest()
    assert len(pull.runs()) == 1
    assert pull.labels == {"needs-ok-to-test"}
