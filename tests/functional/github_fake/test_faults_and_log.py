"""Faults on demand, the request log, news for subscribers, many callers at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
import urllib3
from tests.functional.github_fake.receiver import Api

from prowless_local.clock import VirtualClock
from prowless_local.github import Change, FakeGitHub, FaultResponse

if TYPE_CHECKING:
    from tests.functional.github_fake.receiver import Receiver

REPO = "/repos/acme/rocket"


def test_a_fault_answers_instead(github: FakeGitHub, bot: Api) -> None:
    github.fault = lambda method, path: (
        FaultResponse(status=502, headers={"X-Odd": "1"}, body={"message": "Server Error"})
        if (method, path) == ("GET", REPO)
        else None
    )
    answer = bot.get(REPO)
    assert (answer.status, answer.headers["X-Odd"], answer.body) == (502, "1", {"message": "Server Error"})
    assert bot.get(f"{REPO}/pulls").status == 200
    github.fault = None
    assert bot.get(REPO).status == 200


@pytest.mark.parametrize("after", [True, False])
def test_a_fault_strikes_before_or_after_the_effect(github: FakeGitHub, bot: Api, *, after: bool) -> None:
    github.fault = lambda method, path: FaultResponse(status=500, after_effect=after)
    head = github.head("acme/rocket")
    assert bot.post(f"{REPO}/statuses/{head}", {"state": "success"}).status == 500
    assert len(github.statuses("acme/rocket", head)) == int(after)


def test_a_connection_can_be_dropped_after_the_effect(github: FakeGitHub, bot: Api) -> None:
    github.fault = lambda method, path: FaultResponse(drop=True, after_effect=True)
    head = github.head("acme/rocket")
    with pytest.raises(urllib3.exceptions.ProtocolError):
        bot.post(f"{REPO}/statuses/{head}", {"state": "success"})
    assert len(github.statuses("acme/rocket", head)) == 1
    assert github.requests[-1].status == 0


def test_git_can_fail_too(github: FakeGitHub, anonymous: Api) -> None:
    github.fault = lambda method, path: FaultResponse(status=503)
    assert anonymous.get("/acme/rocket.git/info/refs?service=git-upload-pack").status == 503


def test_requests_are_logged(github: FakeGitHub, bot: Api) -> None:
    bot.get(f"{REPO}/pulls?state=all")
    bot.get("/repos/acme/absent")
    log = [(one.method, one.path, one.query, one.status, one.auth) for one in github.requests]
    assert log == [
        ("GET", f"{REPO}/pulls", "state=all", 200, "user"),
        ("GET", "/repos/acme/absent", "", 404, "user"),
    ]
    github.clear_requests()
    assert github.requests == []


def test_subscribers_hear_of_changes_in_order(github: FakeGitHub, bot: Api) -> None:
    news: list[tuple[str, str]] = []
    stop = github.subscribe(lambda change: news.append((change.kind, change.action)))
    github.open_pull("acme/rocket", "topic", {"a.txt": "a\n"}, "Topic", "alice")
    head = github.pull("acme/rocket", 1).head_sha
    bot.post(f"{REPO}/statuses/{head}", {"state": "success"})
    comment = bot.post(f"{REPO}/issues/1/comments", {"body": "Hi"}).body["id"]
    bot.call("PATCH", f"{REPO}/issues/comments/{comment}", {"body": "Hello"})
    stop()
    github.close_pull("acme/rocket", 1)
    expected = [
        ("push", "pushed"),
        ("pull", "opened"),
        ("status", "created"),
        ("comment", "created"),
        ("comment", "edited"),
    ]
    assert news == expected


def test_a_subscriber_may_use_the_api_from_another_thread(github: FakeGitHub, bot: Api) -> None:
    seen: list[int] = []

    def look(change: Change) -> None:
        thread = threading.Thread(target=lambda: seen.append(len(bot.get(f"{REPO}/pulls").body)))
        thread.start()
        thread.join(10)

    github.subscribe(look)
    github.open_pull("acme/rocket", "topic", {}, "Topic", "alice")
    assert seen == [1, 1]


def test_a_failing_subscriber_harms_nobody(github: FakeGitHub, caplog: pytest.LogCaptureFixture) -> None:
    heard: list[Change] = []
    github.subscribe(lambda change: 1 / 0)
    github.subscribe(heard.append)
    github.commit("acme/rocket", "main", {"a": "a"})
    assert [one.kind for one in heard] == ["push"]
    assert "a subscriber failed on push pushed" in caplog.text


def test_many_callers_at_once_lose_nothing(github: FakeGitHub, bot: Api) -> None:
    head = github.head("acme/rocket")
    github.open_pull("acme/rocket", "topic", {"a.txt": "a\n"}, "Topic", "alice")

    def work(number: int) -> list[int]:
        status = bot.post(f"{REPO}/statuses/{head}", {"state": "success", "context": f"job {number % 4}"})
        comment = bot.post(f"{REPO}/issues/1/comments", {"body": str(number)})
        return [status.status, comment.status, bot.get(f"{REPO}/pulls/1").status]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(work, range(40)))
    assert answers == [[201, 201, 200]] * 40
    assert len(github.statuses("acme/rocket", head)) == 40
    assert {one.body for one in github.comments("acme/rocket", 1)} == {str(number) for number in range(40)}


def test_a_virtual_clock_stands_still_while_webhooks_are_sent(receiver: Receiver) -> None:
    clock = VirtualClock()
    with FakeGitHub(clock) as github:
        github.create_repository("acme/rocket")
        github.add_hook(receiver.url, "secret", scope="acme")
        for number in range(10):
            github.commit("acme/rocket", "main", {"a": str(number)}, "Change")
        clock.advance(60)
        assert len(receiver.received) == 10
    clock.close()


def test_closing_ends_everything() -> None:
    github = FakeGitHub().start()
    github.create_repository("acme/rocket")
    path = github.git("acme/rocket").path
    api = Api(github.url)
    assert api.get("/repos/acme/rocket").status == 200
    github.close()
    assert not path.exists()
    with pytest.raises(urllib3.exceptions.HTTPError):
        api.get("/repos/acme/rocket")
    api.close()
