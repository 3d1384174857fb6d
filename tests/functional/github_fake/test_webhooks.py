"""Webhooks: who gets them, what is in them, and what GitHub remembers of each."""

from __future__ import annotations

import hashlib
import hmac
import socket
from typing import TYPE_CHECKING, Any

import pytest

from prowless_local.github.gitstore import ZERO_SHA

if TYPE_CHECKING:
    from tests.fakes.clock import FixedClock
    from tests.functional.github_fake.receiver import Api, Receiver

    from prowless_local.github import FakeGitHub

SECRET = "it is a secret"


@pytest.fixture
def heard(github: FakeGitHub, receiver: Receiver) -> Receiver:
    """Receives the repository's events."""
    github.add_hook(receiver.url, SECRET, scope="acme/rocket")
    return receiver


def opened(github: FakeGitHub, **options: Any) -> int:
    return github.open_pull("acme/rocket", "topic", {"a.txt": "a\n"}, "Topic", "mallory", fork=True, **options)


def test_deliveries_are_signed_over_their_bytes(github: FakeGitHub, heard: Receiver) -> None:
    opened(github, body="Grüße, 世界")
    github.flush()
    [one] = heard.received
    expected = "sha256=" + hmac.new(SECRET.encode(), one.raw, hashlib.sha256).hexdigest()
    assert one.headers["X-Hub-Signature-256"] == expected
    assert one.headers["Content-Type"] == "application/json"
    assert one.headers["User-Agent"].startswith("GitHub-Hookshot/")
    assert (one.event, len(one.guid)) == ("pull_request", 36)
    assert one.payload["pull_request"]["body"] == "Grüße, 世界"


def test_an_unsigned_hook_has_no_signature(github: FakeGitHub, receiver: Receiver) -> None:
    github.add_hook(receiver.url, "", scope="acme/rocket")
    opened(github)
    github.flush()
    assert "X-Hub-Signature-256" not in receiver.received[0].headers


def test_without_hooks_nothing_is_sent(github: FakeGitHub) -> None:
    opened(github)
    github.flush()
    assert github.deliveries() == []


def test_events_arrive_in_their_order(github: FakeGitHub, heard: Receiver) -> None:
    opened(github)
    for number in range(20):
        github.comment("acme/rocket", 1, str(number), "alice")
    github.flush()
    assert [one["comment"]["body"] for one in heard.of("issue_comment")] == [str(number) for number in range(20)]


def test_a_hook_gets_the_events_it_asked_for(github: FakeGitHub, receiver: Receiver) -> None:
    github.add_hook(receiver.url, SECRET, ["issue_comment"], scope="acme")
    opened(github)
    github.comment("acme/rocket", 1, "Hi", "alice")
    github.flush()
    assert receiver.names() == ["issue_comment.created"]


def test_a_hook_hears_only_its_scope(github: FakeGitHub, receiver: Receiver) -> None:
    github.create_repository("acme/other")
    github.add_hook(receiver.url, SECRET, scope="acme/other")
    opened(github)
    github.flush()
    assert receiver.received == []


def test_only_an_apps_deliveries_name_its_installation(github: FakeGitHub, receiver: Receiver, key: str) -> None:
    app = github.create_app(7, key)
    github.add_hook(receiver.url, SECRET)
    github.add_hook(receiver.url, SECRET, scope="acme")
    github.create_repository("elsewhere/thing", author="alice")
    opened(github)
    github.flush()
    by_target = {one.headers["X-GitHub-Hook-Installation-Target-Type"]: one.payload for one in receiver.received}
    assert by_target["integration"]["installation"]["id"] == app.installations["acme"]
    assert "installation" not in by_target["organization"]
    targets = {one.headers["X-GitHub-Hook-Installation-Target-ID"] for one in receiver.received}
    assert targets == {"7", str(github.account("acme").id)}


def test_a_hook_needs_something_to_hang_on(github: FakeGitHub, receiver: Receiver) -> None:
    with pytest.raises(ValueError, match="exactly one App"):
        github.add_hook(receiver.url, SECRET)
    with pytest.raises(KeyError, match="absent"):
        github.add_hook(receiver.url, SECRET, scope="absent")


def test_opening_a_pull(github: FakeGitHub, heard: Receiver) -> None:
    opened(github, body="Please.", draft=True)
    github.flush()
    [event] = heard.of("pull_request", "opened")
    pull = event["pull_request"]
    assert (event["number"], event["sender"]["login"], event["organization"]["login"]) == (1, "mallory", "acme")
    assert event["repository"]["full_name"] == "acme/rocket"
    assert event["repository"]["clone_url"] == f"{github.url}/acme/rocket.git"
    assert (pull["head"]["repo"]["full_name"], pull["head"]["ref"]) == ("mallory/rocket", "topic")
    assert (pull["base"]["repo"]["full_name"], pull["base"]["ref"]) == ("acme/rocket", "main")
    assert pull["head"]["sha"] == github.pull("acme/rocket", 1).head_sha
    assert (pull["draft"], pull["mergeable"], pull["author_association"]) == (True, None, "NONE")


def test_pushing_to_a_pull(github: FakeGitHub, heard: Receiver) -> None:
    opened(github)
    before = github.pull("acme/rocket", 1).head_sha
    after = github.push_to_pull("acme/rocket", 1, {"a.txt": "b\n"})
    github.flush()
    [event] = heard.of("pull_request", "synchronize")
    assert (event["before"], event["after"], event["pull_request"]["head"]["sha"]) == (before, after, after)


def test_every_other_action_of_a_pull(github: FakeGitHub, heard: Receiver) -> None:
    github.commit("acme/rocket", "release", {"r": "r"}, "Release", "alice")
    opened(github)
    github.edit_pull("acme/rocket", 1, title="New", body="Text", base="release", sender="alice")
    github.add_label("acme/rocket", 1, "lgtm", sender="alice")
    github.add_label("acme/rocket", 1, "lgtm", sender="alice")
    github.remove_label("acme/rocket", 1, "lgtm", sender="alice")
    github.convert_to_draft("acme/rocket", 1)
    github.ready_for_review("acme/rocket", 1)
    github.close_pull("acme/rocket", 1, by="alice")
    github.reopen_pull("acme/rocket", 1, by="alice")
    github.flush()
    events = heard.of("pull_request")
    actions = "opened edited labeled unlabeled converted_to_draft ready_for_review closed reopened"
    assert [one["action"] for one in events] == actions.split()
    assert events[1]["changes"]["title"] == {"from": "Topic"}
    assert events[1]["changes"]["base"]["ref"] == {"from": "main"}
    assert events[1]["changes"]["body"] == {"from": None}
    assert (events[2]["label"]["name"], events[2]["sender"]["login"]) == ("lgtm", "alice")
    assert [one["name"] for one in events[2]["pull_request"]["labels"]] == ["lgtm"]
    assert events[3]["pull_request"]["labels"] == []
    assert (events[6]["pull_request"]["state"], events[6]["pull_request"]["merged"]) == ("closed", False)


def test_merging_closes_and_pushes(github: FakeGitHub, heard: Receiver) -> None:
    opened(github)
    before = github.head("acme/rocket")
    merged = github.merge("acme/rocket", 1, "alice")
    github.flush()
    [closed] = heard.of("pull_request", "closed")
    assert (closed["pull_request"]["merged"], closed["pull_request"]["merge_commit_sha"]) == (True, merged)
    [push] = heard.of("push")
    assert (push["ref"], push["before"], push["after"]) == ("refs/heads/main", before, merged)
    assert (push["forced"], push["created"], push["deleted"]) == (False, False, False)
    assert [one["added"] for one in push["commits"]] == [["a.txt"], ["a.txt"]]
    assert push["head_commit"]["id"] == merged
    assert push["pusher"]["name"] == "alice"
    assert push["repository"]["owner"]["name"] == "acme"


def test_a_push_lists_paths(github: FakeGitHub, heard: Receiver) -> None:
    files = {"README.md": None, "src/main.txt": "changed\n", "new.txt": "new\n"}
    github.commit("acme/rocket", "main", files, "Change", "alice")
    github.flush()
    [commit] = heard.of("push")[0]["commits"]
    assert (commit["added"], commit["removed"], commit["modified"]) == (["new.txt"], ["README.md"], ["src/main.txt"])
    assert (commit["message"], commit["author"]["username"]) == ("Change", "alice")


def test_branches_and_tags_come_and_go(github: FakeGitHub, heard: Receiver) -> None:
    first = github.head("acme/rocket")
    made = github.commit("acme/rocket", "topic", {"a": "a"}, "A", "alice")
    github.commit("acme/rocket", "topic", {"b": "b"}, "B", "alice", parent=first)
    github.tag("acme/rocket", "v1.0", made)
    github.delete_branch("acme/rocket", "topic")
    github.flush()
    created, forced, tagged, deleted = heard.of("push")
    assert (created["created"], created["before"], len(created["commits"])) == (True, ZERO_SHA, 1)
    assert (forced["forced"], forced["before"]) == (True, made)
    assert (tagged["ref"], tagged["created"], tagged["commits"]) == ("refs/tags/v1.0", True, [])
    assert tagged["head_commit"]["id"] == made
    assert (deleted["deleted"], deleted["after"], deleted["head_commit"]) == (True, ZERO_SHA, None)


def test_comments_also_those_of_bots(github: FakeGitHub, heard: Receiver, bot: Api) -> None:
    opened(github)
    number = github.comment("acme/rocket", 1, "/test all", "alice")
    github.edit_comment(number, "/retest")
    bot.post("/repos/acme/rocket/issues/1/comments", {"body": "Started"})
    github.delete_comment(number, by="prow-bot")
    github.flush()
    created, edited, by_bot, deleted = heard.of("issue_comment")
    assert "pull_request" in created["issue"]
    assert (created["issue"]["number"], created["comment"]["body"]) == (1, "/test all")
    assert (edited["changes"], edited["comment"]["body"]) == ({"body": {"from": "/test all"}}, "/retest")
    assert (by_bot["comment"]["user"]["login"], by_bot["sender"]["login"]) == ("prow-bot", "prow-bot")
    assert (deleted["action"], deleted["sender"]["login"]) == ("deleted", "prow-bot")


def test_reviews_and_their_comments(github: FakeGitHub, heard: Receiver) -> None:
    opened(github)
    github.review("acme/rocket", 1, "alice", "approved", "/lgtm")
    github.review_comment("acme/rocket", 1, "a.txt", "/hold", "alice")
    github.flush()
    first, _ = heard.of("pull_request_review", "submitted")
    assert (first["review"]["state"], first["review"]["body"]) == ("approved", "/lgtm")
    [comment] = heard.of("pull_request_review_comment", "created")
    assert (comment["comment"]["body"], comment["comment"]["path"]) == ("/hold", "a.txt")
    assert comment["pull_request"]["number"] == 1


def test_statuses_and_check_runs(github: FakeGitHub, heard: Receiver, key: str) -> None:
    github.create_app(7, key)
    head = github.head("acme/rocket")
    github.post_status("acme/rocket", head, "success", context="unit", creator="prow-bot")
    actions = ({"label": "Again", "description": "Run it again", "identifier": "again"},)
    run = github.create_check_run("acme/rocket", head, "lint", app_id=7, fields={"actions": actions})
    github.update_check_run(run.id, {"status": "completed", "conclusion": "success"})
    github.rerequest_check_run(run.id, by="alice")
    github.request_action(run.id, "again", by="alice")
    github.flush()
    [status] = heard.of("status")
    assert (status["state"], status["context"], status["branches"][0]["name"]) == ("success", "unit", "main")
    assert heard.names()[1:] == [
        f"check_run.{action}" for action in ("created", "completed", "rerequested", "requested_action")
    ]
    assert heard.of("check_run", "requested_action")[0]["requested_action"] == {"identifier": "again"}
    assert heard.of("check_run", "rerequested")[0]["sender"]["login"] == "alice"


def test_a_merge_group_that_is_merged(github: FakeGitHub, heard: Receiver) -> None:
    opened(github)
    github.open_pull("acme/rocket", "second", {"b.txt": "b\n"}, "Second", "alice")
    base = github.head("acme/rocket")
    group = github.create_merge_group("acme/rocket", [1, 2])
    github.destroy_merge_group(group, "merged")
    github.flush()
    [asked] = heard.of("merge_group", "checks_requested")
    wanted = asked["merge_group"]
    assert (wanted["base_sha"], wanted["head_sha"], wanted["base_ref"]) == (base, group.head_sha, "refs/heads/main")
    assert wanted["head_ref"].startswith("refs/heads/gh-readonly-queue/main/pr-2-")
    assert heard.of("merge_group", "destroyed")[0]["reason"] == "merged"
    assert github.head("acme/rocket") == group.head_sha
    assert [github.pull("acme/rocket", number).merged for number in (1, 2)] == [True, True]
    assert github.git("acme/rocket").ref(group.head_ref) is None


def test_a_merge_group_that_is_dequeued_changes_nothing(github: FakeGitHub, heard: Receiver) -> None:
    opened(github)
    base = github.head("acme/rocket")
    group = github.create_merge_group("acme/rocket", [1])
    github.destroy_merge_group(group, "dequeued")
    github.flush()
    assert heard.of("merge_group", "destroyed")[0]["reason"] == "dequeued"
    assert (github.head("acme/rocket"), github.pull("acme/rocket", 1).state) == (base, "open")
    with pytest.raises(KeyError):
        github.destroy_merge_group(group)


def test_a_failed_delivery_is_remembered_and_not_repeated(github: FakeGitHub, heard: Receiver, bot: Api) -> None:
    heard.status = 502
    opened(github)
    github.flush()
    [delivery] = github.deliveries()
    assert (delivery.status_code, delivery.status, len(heard.received)) == (502, "Invalid HTTP Response: 502", 1)
    heard.status = 200
    github.redeliver(delivery.guid)
    github.flush()
    again = github.deliveries()[0]
    assert (again.guid, again.redelivery, again.status_code) == (delivery.guid, True, 200)
    assert heard.received[0].raw == heard.received[1].raw
    assert heard.received[0].guid == heard.received[1].guid


def test_a_receiver_that_is_away_is_remembered(github: FakeGitHub) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        github.add_hook(f"http://127.0.0.1:{nobody.getsockname()[1]}/", SECRET, scope="acme")
        opened(github)
        github.flush()
    [delivery] = github.deliveries()
    assert (delivery.status_code, delivery.status) == (0, "failed to connect to host")


def test_dropped_deliveries_leave_no_trace(github: FakeGitHub, heard: Receiver) -> None:
    github.drop_next_deliveries(1)
    opened(github)
    github.comment("acme/rocket", 1, "Hi", "alice")
    github.flush()
    assert heard.names() == ["issue_comment.created"]
    assert len(github.deliveries()) == 1


def test_deliveries_are_listed_by_cursor_shown_and_redelivered(
    github: FakeGitHub, receiver: Receiver, bot: Api, clock: FixedClock
) -> None:
    hook = github.add_hook(receiver.url, SECRET, ["issue_comment"], scope="acme/rocket")
    opened(github)
    for number in range(5):
        github.comment("acme/rocket", 1, str(number), "alice")
    github.flush()
    base = f"/repos/acme/rocket/hooks/{hook}/deliveries"
    url, seen = f"{base}?per_page=2", []
    while url:
        answer = bot.get(url)
        seen += answer.body
        link = answer.headers.get("Link", "")
        url = link[1:].partition(">")[0] if 'rel="next"' in link else ""
    assert [one["guid"] for one in seen] == [one.guid for one in reversed(receiver.received)]
    detail = bot.get(f"{base}/{seen[0]['id']}").body
    assert detail["request"]["payload"]["comment"]["body"] == "4"
    assert detail["request"]["headers"]["X-GitHub-Event"] == "issue_comment"
    assert detail["response"]["payload"] == "ok"
    assert bot.post(f"{base}/{seen[0]['id']}/attempts").status == 202
    github.flush()
    newest = bot.get(base).body[0]
    assert (newest["redelivery"], newest["guid"]) == (True, seen[0]["guid"])
    assert bot.get(f"{base}?status=failure").body == []
    clock.advance(3 * 24 * 3600 * 1000 + 1)
    assert bot.get(base).body == []


def test_a_hooks_deliveries_are_its_owners_business(github: FakeGitHub, heard: Receiver, anonymous: Api) -> None:
    github.create_repository("acme/other")
    [hook] = github.hooks.all()
    stranger = anonymous.as_(f"token {github.create_token('mallory')}")
    own = anonymous.as_(f"token {github.create_token('alice')}")
    assert stranger.get(f"/repos/acme/rocket/hooks/{hook.id}/deliveries").status == 404
    assert own.get(f"/repos/acme/other/hooks/{hook.id}/deliveries").status == 404
    assert anonymous.get(f"/repos/acme/rocket/hooks/{hook.id}/deliveries").status == 401
