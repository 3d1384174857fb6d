"""What the adapter does when GitHub, the network or somebody in between misbehaves."""

from __future__ import annotations

import gzip
import socket
from typing import TYPE_CHECKING

import pytest
from tests.contract.github.conftest import TOKEN, Sleeper
from tests.contract.github.scripted import Answer, ScriptedServer

from prowless.adapters.github import transport
from prowless.adapters.github.auth import TokenAuth
from prowless.adapters.github.client import GitHubClient
from prowless.adapters.github.github import RestGitHub, connect
from prowless.adapters.github.transport import Transport
from prowless.domain.errors import AmbiguousError, PermanentError, RetryableError
from prowless.ports.github import Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fakes.clock import FixedClock

STATUS = Status(context="unit", state="success", description="Job succeeded.")
STATUSES = "/repos/o/r/statuses/abc"
COMMENTS = "/repos/o/r/issues/7/comments"


def test_a_read_survives_three_server_faults(github: RestGitHub, server: ScriptedServer, sleeper: Sleeper) -> None:
    server.on("GET", "/user", Answer(status=502), Answer(drop=True), Answer(status=504), Answer(body={"login": "bot"}))
    assert github.login() == "bot"
    assert sleeper.waits == [0.25, 0.5, 1.0]


def test_the_fourth_fault_of_a_read_is_the_callers(github: RestGitHub, server: ScriptedServer) -> None:
    server.on("GET", "/user", Answer(status=503))
    with pytest.raises(RetryableError, match="503") as caught:
        github.login()
    assert not caught.value.ambiguous
    assert len(server.seen) == 4


@pytest.mark.parametrize("fault", [Answer(drop=True), Answer(status=500), Answer(status=502), Answer(status=503)])
def test_a_comment_that_may_have_arrived_is_not_posted_again(
    github: RestGitHub, server: ScriptedServer, fault: Answer
) -> None:
    server.on("POST", COMMENTS, fault)
    with pytest.raises(AmbiguousError) as caught:
        github.create_comment("o/r", 7, "hello")
    assert caught.value.ambiguous
    assert len(server.seen) == 1


def test_an_answer_cut_short_leaves_a_write_ambiguous(github: RestGitHub, server: ScriptedServer) -> None:
    server.on("POST", STATUSES, Answer(status=201, body={"id": 1}, cut=10))
    with pytest.raises(AmbiguousError, match="no complete answer"):
        github.create_status("o/r", "abc", STATUS)
    assert len(server.seen) == 1


def test_an_unreadable_answer_leaves_a_write_ambiguous(github: RestGitHub, server: ScriptedServer) -> None:
    server.on("POST", STATUSES, Answer(status=201, body=b"<html>", headers={"Content-Type": "text/html"}))
    with pytest.raises(AmbiguousError, match="text/html"):
        github.create_status("o/r", "abc", STATUS)


def test_a_write_that_never_left_is_tried_again(clock: FixedClock, sleeper: Sleeper) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        closed_port = unused.getsockname()[1]
    github = connect(f"http://127.0.0.1:{closed_port}", lambda: '{"token": "t"}', clock, sleep=sleeper)
    with pytest.raises(RetryableError, match="cannot connect") as caught:
        github.create_comment("o/r", 7, "hello")
    assert not caught.value.ambiguous
    assert len(sleeper.waits) == 3


@pytest.mark.parametrize("method", ["update", "delete", "label"])
def test_writes_that_set_a_state_are_repeated(github: RestGitHub, server: ScriptedServer, method: str) -> None:
    server.on("PATCH", "/repos/o/r/issues/comments/5", Answer(drop=True), Answer(body={"id": 5}))
    server.on("DELETE", "/repos/o/r/issues/comments/5", Answer(drop=True), Answer(status=404))
    server.on("POST", "/repos/o/r/issues/7/labels", Answer(status=502), Answer(body=[]))
    {
        "update": lambda: github.update_comment("o/r", 5, "text"),
        "delete": lambda: github.delete_comment("o/r", 5),
        "label": lambda: github.add_label("o/r", 7, "lgtm"),
    }[method]()
    assert len(server.seen) == 2


def test_a_silent_server_is_given_up_on(server: ScriptedServer, clock: FixedClock, sleeper: Sleeper) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        root = f"http://127.0.0.1:{silent.getsockname()[1]}"
        slow = Transport(root, clock=clock, sleep=sleeper, jitter=lambda: 0.0, read_timeout_s=0.05)
        auth = TokenAuth("t")
        github = RestGitHub(GitHubClient(slow, auth), auth)
        with pytest.raises(AmbiguousError, match="ReadTimeoutError"):
            github.create_comment("o/r", 7, "hello")
        github.close()


def test_a_short_rate_limit_is_waited_for_even_with_a_post(
    github: RestGitHub, server: ScriptedServer, sleeper: Sleeper
) -> None:
    limited = Answer(status=403, body={"message": "secondary rate limit"}, headers={"Retry-After": "2"})
    server.on("POST", COMMENTS, limited, Answer(status=201, body={"id": 5}))
    assert github.create_comment("o/r", 7, "hello") == 5
    assert sleeper.waits == [2.0]


@pytest.mark.parametrize(
    ("answer", "wait_ms"),
    [
        (Answer(status=429, headers={"Retry-After": "30"}), 30_000),
        (Answer(status=403, headers={"Retry-After": "3"}), 3000),
        (Answer(status=403, body={"message": "You have exceeded a secondary rate limit."}), 60_000),
        (Answer(status=429), 60_000),
        (Answer(status=503, headers={"Retry-After": "120"}), 120_000),
    ],
)
def test_a_longer_rate_limit_tells_how_long(
    github: RestGitHub, server: ScriptedServer, sleeper: Sleeper, answer: Answer, wait_ms: int
) -> None:
    server.on("GET", "/user", answer)
    with pytest.raises(RetryableError) as caught:
        github.login()
    assert caught.value.retry_after_ms == wait_ms
    assert sleeper.waits == []


def test_the_primary_limit_ends_at_its_reset(github: RestGitHub, server: ScriptedServer, clock: FixedClock) -> None:
    reset = clock.now_ms() // 1000 + 900
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(reset)}
    server.on("GET", "/user", Answer(status=403, body={"message": "API rate limit exceeded"}, headers=headers))
    with pytest.raises(RetryableError, match="rate limit") as caught:
        github.login()
    assert caught.value.retry_after_ms == 900_000


def test_a_refusal_is_not_taken_for_a_rate_limit(github: RestGitHub, server: ScriptedServer) -> None:
    body = {"message": "Resource not accessible by integration"}
    server.on("GET", "/orgs/o/members/u", Answer(status=403, body=body, headers={"X-RateLimit-Remaining": "4999"}))
    with pytest.raises(PermanentError, match="403 Resource not accessible by integration"):
        github.is_member("o", "u")


def test_a_validation_error_carries_what_github_said(github: RestGitHub, server: ScriptedServer) -> None:
    errors = [{"resource": "Status", "code": "custom", "field": "description", "message": "description is too long"}]
    server.on("POST", STATUSES, Answer(status=422, body={"message": "Validation Failed", "errors": errors}))
    with pytest.raises(PermanentError, match=r"422 Validation Failed \(description is too long\)"):
        github.create_status("o/r", "abc", STATUS)


def test_a_page_that_is_not_json_points_to_the_settings(github: RestGitHub, server: ScriptedServer) -> None:
    server.on("GET", "/user", Answer(body=b"<!DOCTYPE html><p>Sign in", headers={"Content-Type": "text/html"}))
    with pytest.raises(PermanentError, match=r"text/html where JSON was expected; check GitHub's API URL"):
        github.login()


@pytest.fixture
def small(server: ScriptedServer, clock: FixedClock, sleeper: Sleeper) -> Iterator[RestGitHub]:
    """An adapter that takes 10,000 bytes."""
    bounded = Transport(server.url, clock=clock, sleep=sleeper, jitter=lambda: 0.0, max_body_bytes=10_000)
    auth = TokenAuth(TOKEN)
    adapter = RestGitHub(GitHubClient(bounded, auth), auth)
    yield adapter
    adapter.close()


@pytest.mark.parametrize("squeezed", [False, True])
def test_a_huge_answer_is_not_read(small: RestGitHub, server: ScriptedServer, *, squeezed: bool) -> None:
    body = b" " * 5_000_000
    answer = Answer(body=gzip.compress(body), headers={"Content-Encoding": "gzip"}) if squeezed else Answer(body=body)
    server.on("GET", "/user", answer)
    server.on("POST", COMMENTS, answer)
    with pytest.raises(PermanentError, match="more than 10000 bytes"):
        small.login()
    with pytest.raises(AmbiguousError, match="more than 10000 bytes"):
        small.create_comment("o/r", 7, "hello")


def test_a_write_after_a_pause_opens_a_new_connection(
    github: RestGitHub, server: ScriptedServer, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.on("GET", "/user", Answer(body={"login": "bot"}))
    server.on("POST", COMMENTS, Answer(status=201, body={"id": 5}))
    opened: list[int] = []
    connect_to = transport.urllib3.connection.HTTPConnection.connect

    def connect_and_count(self: object) -> None:
        opened.append(1)
        connect_to(self)

    monkeypatch.setattr(transport.urllib3.connection.HTTPConnection, "connect", connect_and_count)
    github.login()
    github.create_comment("o/r", 7, "hello")
    assert len(opened) == 1
    clock.advance(transport.MAX_IDLE_MS + 1)
    github.create_comment("o/r", 7, "hello")
    assert len(opened) == 2


class HurryingClock:
    """Twenty seconds pass between any two looks."""

    now = 0

    def now_ms(self) -> int:
        self.now += 20_000
        return self.now


def test_an_answer_that_trickles_is_given_up_on(server: ScriptedServer, sleeper: Sleeper) -> None:
    slow = Transport(server.url, clock=HurryingClock(), sleep=sleeper, jitter=lambda: 0.0)
    auth = TokenAuth(TOKEN)
    github = RestGitHub(GitHubClient(slow, auth), auth)
    server.on("GET", "/user", Answer(body=b" " * 1_000_000))
    with pytest.raises(PermanentError, match="more than 60000 ms"):
        github.login()
    github.close()
