"""Comments and labels over REST, and GitHub's refusals in general."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import urllib3

if TYPE_CHECKING:
    from tests.fakes.clock import FixedClock
    from tests.functional.github_fake.receiver import Api

    from prowless_local.github import FakeGitHub

REPO = "/repos/acme/rocket"


@pytest.fixture(autouse=True)
def pull(github: FakeGitHub) -> int:
    return github.open_pull("acme/rocket", "topic", {"a.txt": "a\n"}, "Topic", "mallory", fork=True)


def test_a_comment_is_written_changed_and_deleted(github: FakeGitHub, bot: Api, clock: FixedClock) -> None:
    made = bot.post(f"{REPO}/issues/1/comments", {"body": "First"})
    assert (made.status, made.body["author_association"]) == (201, "MEMBER")
    own = f"{REPO}/issues/comments/{made.body['id']}"
    clock.advance(5000)
    changed = bot.call("PATCH", own, {"body": "Second"}).body
    assert (changed["body"], changed["created_at"]) == ("Second", made.body["created_at"])
    assert changed["updated_at"] > changed["created_at"]
    assert [one.body for one in github.comments("acme/rocket", 1)] == ["Second"]
    assert bot.call("DELETE", own).status == 204
    assert bot.get(own).status == 404
    assert github.comments("acme/rocket", 1) == []


def test_anyone_may_comment_but_only_change_their_own(github: FakeGitHub, bot: Api, anonymous: Api) -> None:
    stranger = anonymous.as_(f"token {github.create_token('stranger')}")
    mine = bot.post(f"{REPO}/issues/1/comments", {"body": "Mine"}).body
    theirs = stranger.post(f"{REPO}/issues/1/comments", {"body": "Theirs"})
    assert (theirs.status, theirs.body["author_association"]) == (201, "NONE")
    assert stranger.call("PATCH", f"{REPO}/issues/comments/{mine['id']}", {"body": "Ha"}).status == 403
    assert bot.call("PATCH", f"{REPO}/issues/comments/{theirs.body['id']}", {"body": "Edited"}).status == 200


@pytest.mark.parametrize("body", [{}, {"body": ""}, {"body": "  "}, {"body": 7}, {"body": "x" * 65537}])
def test_a_comments_text_is_validated(bot: Api, body: dict[str, Any]) -> None:
    assert bot.post(f"{REPO}/issues/1/comments", body).status == 422


BOTH = ["lgtm", "ok-to-test"]


@pytest.mark.parametrize("body", [{"labels": BOTH}, BOTH, {"labels": [{"name": name} for name in BOTH]}])
def test_labels_are_added_and_created(github: FakeGitHub, bot: Api, body: Any) -> None:
    added = bot.post(f"{REPO}/issues/1/labels", body)
    assert [one["name"] for one in added.body] == ["lgtm", "ok-to-test"]
    assert github.pull("acme/rocket", 1).labels == ("lgtm", "ok-to-test")
    assert [one["name"] for one in bot.get(f"{REPO}/pulls/1").body["labels"]] == ["lgtm", "ok-to-test"]


def test_labels_are_removed_whatever_their_name(github: FakeGitHub, bot: Api) -> None:
    bot.post(f"{REPO}/issues/1/labels", {"labels": ["do-not-merge/hold", "lgtm"]})
    left = bot.call("DELETE", f"{REPO}/issues/1/labels/do-not-merge%2Fhold")
    assert (left.status, [one["name"] for one in left.body]) == (200, ["lgtm"])
    again = bot.call("DELETE", f"{REPO}/issues/1/labels/do-not-merge%2Fhold")
    assert (again.status, again.body["message"]) == (404, "Label does not exist")


def test_labels_need_write_access(github: FakeGitHub, anonymous: Api) -> None:
    stranger = anonymous.as_(f"token {github.create_token('stranger')}")
    assert stranger.post(f"{REPO}/issues/1/labels", {"labels": ["lgtm"]}).status == 403


def test_collaborators_and_members(github: FakeGitHub, bot: Api, anonymous: Api) -> None:
    github.add_collaborator("acme/rocket", "outside")
    people = {who: bot.get(f"{REPO}/collaborators/{who}").status for who in ("alice", "outside", "mallory", "nobody")}
    assert people == {"alice": 204, "outside": 204, "mallory": 404, "nobody": 404}
    members = {who: bot.get(f"/orgs/acme/members/{who}").status for who in ("alice", "outside", "nobody")}
    assert members == {"alice": 204, "outside": 404, "nobody": 404}
    stranger = anonymous.as_(f"token {github.create_token('stranger')}")
    assert stranger.get(f"{REPO}/collaborators/alice").status == 403
    github.remove_member("acme", "alice")
    assert bot.get("/orgs/acme/members/alice").status == 404


@pytest.mark.parametrize("target", ["/repos/acme/absent", f"{REPO}/pulls/99", f"{REPO}/pulls/x", f"{REPO}/nothing"])
def test_what_is_not_there_is_404_with_githubs_body(bot: Api, target: str) -> None:
    answer = bot.get(target)
    assert answer.status == 404
    assert answer.body == {
        "message": "Not Found",
        "documentation_url": "https://docs.github.com/rest",
        "status": "404",
    }


def test_a_private_repository_is_404_for_strangers(github: FakeGitHub, bot: Api, anonymous: Api) -> None:
    github.create_repository("acme/secret", private=True)
    stranger = anonymous.as_(f"token {github.create_token('stranger')}")
    assert [api.get("/repos/acme/secret").status for api in (bot, stranger, anonymous)] == [200, 404, 404]


def test_broken_json_is_400(bot: Api) -> None:
    broken = bot.call("POST", f"{REPO}/issues/1/comments", raw=b"{")
    assert (broken.status, broken.body["message"]) == (400, "Problems parsing JSON")
    assert bot.call("POST", f"{REPO}/issues/1/comments", body="text").status == 400


def test_a_request_without_user_agent_is_refused(bot: Api) -> None:
    answer = bot.get(REPO, User_Agent=urllib3.util.SKIP_HEADER)
    assert answer.status == 403
    assert b"User-Agent" in answer.body
