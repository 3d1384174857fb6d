"""Whose pull requests and comments start jobs."""

from __future__ import annotations

from tests.functional.scenarios.world import MINUTE, names, presubmit

STRANGER = "mallory"


def test_a_strangers_pull_request_starts_nothing_and_says_why(world):
    pull = world.open_pull(STRANGER)
    world.rest()
    assert (world.runs(), world.created, pull.state()) == ([], [], "")
    assert "needs-ok-to-test" in pull.labels
    (comment,) = pull.comments()
    assert "/ok-to-test" in comment.body
    decided = next(one for one in world.decisions() if one["decisions"])
    assert [(one["job"], one["verdict"], one["rule"]) for one in decided["decisions"]] == [("unit", "blocked", "trust")]


def test_a_stranger_cannot_vouch_for_himself(world):
    pull = world.open_pull(STRANGER)
    for text in ("/ok-to-test", "/test all", "/retest", "/test unit"):
        pull.comment(text, by=STRANGER)
        world.pass_time(1)
    world.rest()
    assert world.runs() == []
    assert "ok-to-test" not in pull.labels


def test_with_sticky_trust_a_member_vouches_once_and_later_pushes_run_too(start):
    world = start(trust="sticky")
    pull = world.open_pull(STRANGER)
    pull.comment("/ok-to-test")
    pull.await_state("success", within=MINUTE)
    assert "ok-to-test" in pull.labels
    assert "needs-ok-to-test" not in pull.labels
    pull.push()
    pull.await_state("success", within=MINUTE)
    world.rest()
    assert len(pull.runs()) == 2


def test_a_stranger_may_test_again_what_a_member_has_vouched_for(world):
    pull = world.open_pull(STRANGER)
    pull.comment("/ok-to-test")
    world.rest()
    pull.comment("/test unit", by=STRANGER)
    world.rest()
    assert len(pull.runs()) == 2


def test_our_own_comments_start_nothing(world):
    pull = world.open_pull()
    world.rest()
    world.github.comment("acme/calculator", pull.number, "/test all", "prowless[bot]")
    world.rest()
    assert len(pull.runs()) == 1


def test_commands_choose_their_jobs(start):
    world = start(presubmits=[presubmit(), presubmit("flow", always_run=False), presubmit("other", always_run=False)])
    pull = world.open_pull()
    world.rest()
    assert names(pull.runs()) == ["unit"]
    for text, added in (("/test flow", ["flow"]), ("/test all", ["unit"]), ("thanks!", []), ("/retest", [])):
        before = names(pull.runs())
        world.pass_time(1)
        pull.comment(text)
        world.rest()
        assert names(pull.runs()) == sorted([*before, *added]), text


def test_one_comment_delivered_by_two_hooks_starts_one_run_of_each_job(start):
    """An organisation's hook and a repository's send the same event under different ids."""
    world = start(presubmits=[presubmit(), presubmit("lint")], webhooks=False)
    for scope in ("acme", "acme/calculator"):
        world.github.add_hook(world.stack.webhook_url, world.stack.webhook_secret, scope=scope)
    pull = world.open_pull(fork=False)
    world.rest()
    assert names(pull.runs()) == ["lint", "unit"]
    world.pass_time(1)
    pull.comment("/test unit")
    world.rest()
    assert names(pull.runs()) == ["lint", "unit", "unit"]
    assert len(world.created) == 3
    guids = {row["guid"] for row in world.items("DeliveriesTable") if row["event"] == "issue_comment"}
    assert len(guids) == 2
    assert pull.posted("lint") == ["pending", "success"]


def test_a_delivery_that_github_repeats_days_later_starts_nothing(world):
    pull = world.open_pull()
    world.rest()
    delivery = next(one for one in world.github.deliveries() if one.event == "pull_request")
    world.pass_time(2 * 24 * 3600)
    world.github.redeliver(delivery.guid)
    world.rest()
    assert len(pull.runs()) == 1


def test_a_delivery_is_judged_against_the_present_head(world):
    """The event of a push that was overtaken by another starts nothing for the head that is gone."""
    pull = world.open_pull()
    world.rest()
    gone = pull.push()
    overtaken = next(one for one in world.github.deliveries() if one.action == "synchronize")
    pull.close()
    world.rest()
    world.pass_time(1)
    world.github.reopen_pull("acme/calculator", pull.number)
    last = pull.push()
    world.rest()
    before = len(pull.runs())
    world.aws.client("dynamodb").delete_item(
        TableName=world.aws.resources["DeliveriesTable"].ref, Key={"guid": {"S": overtaken.guid}}
    )
    world.github.redeliver(overtaken.guid)
    world.rest()
    assert len(pull.runs()) == before
    assert pull.posted(sha=gone)[-1] == "failure"
    assert pull.state(sha=last) == "success"
