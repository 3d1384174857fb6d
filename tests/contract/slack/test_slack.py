"""The `Slack` port: over HTTP to a server on loopback, and in memory."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from tests.fakes.slack import MemorySlack, SlackServer, slack_server

from prowless.adapters.slack import SlackWeb
from prowless.domain.errors import AmbiguousError, ConfigError, PermanentError, RetryableError

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = '{"*": "xoxb-usual", "corp": "xoxb-corp"}'


@pytest.fixture
def server() -> Iterator[SlackServer]:
    with slack_server() as running:
        yield running


@pytest.fixture
def slack(server: SlackServer) -> SlackWeb:
    return SlackWeb(server.url, lambda: SECRET)


def test_a_message_goes_to_its_channel_with_the_token_of_its_host(slack, server):
    slack.post("*", "#builds", "it <https://x|broke> ü")
    slack.post("corp", "C0123", "again")
    assert [(path, headers["Authorization"], body) for path, headers, body in server.got] == [
        ("/api/chat.postMessage", "Bearer xoxb-usual", {"channel": "#builds", "text": "it <https://x|broke> ü"}),
        ("/api/chat.postMessage", "Bearer xoxb-corp", {"channel": "C0123", "text": "again"}),
    ]
    assert server.got[0][1]["Content-Type"] == "application/json; charset=utf-8"


def test_a_host_without_a_token_is_refused_before_anything_is_sent(slack, server):
    with pytest.raises(PermanentError, match=r"'c': host 'other' is not supported: the secret has no token for it"):
        slack.post("other", "c", "x")
    assert server.got == []


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        ("channel_not_found", "is the app a member of the channel?"),
        ("not_in_channel", "is the app a member of the channel?"),
        ("invalid_auth", "put a valid token into the secret that SlackTokenSecretArn names"),
        ("token_revoked", "put a valid token into the secret that SlackTokenSecretArn names"),
        ("missing_scope", "the token needs the scope chat:write"),
        ("msg_too_long", ""),
    ],
)
def test_a_refusal_is_permanent_and_says_what_to_do(slack, server, error, hint):
    server.answer({"ok": False, "error": error})
    with pytest.raises(PermanentError) as refused:
        slack.post("*", "#builds", "x")
    assert str(refused.value) == f"Slack: a message to '#builds': {error}" + (f": {hint}" if hint else "")


@pytest.mark.parametrize(("written", "milliseconds"), [("3", 3000), ("99999", 3_600_000), ("soon", None), ("", None)])
def test_a_rate_limit_passes_and_says_when(slack, server, written, milliseconds):
    server.answer({"ok": False, "error": "ratelimited"}, status=429, Retry_After=written)
    with pytest.raises(RetryableError, match="rate limit") as limited:
        slack.post("*", "c", "x")
    assert (limited.value.retry_after_ms, limited.value.ambiguous) == (milliseconds, False)


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, {"ok": False, "error": "ratelimited"}), (200, {"ok": False, "error": "internal_error"}), (503, b"down")],
)
def test_faults_of_slack_pass(slack, server, status, body):
    server.answer(body, status=status)
    with pytest.raises(RetryableError) as passing:
        slack.post("*", "c", "x")
    assert not passing.value.ambiguous


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", {"ok": False, "error": "fatal_error"}])
def test_an_answer_that_does_not_say_it_is_ambiguous(slack, server, body):
    server.answer(body)
    with pytest.raises(AmbiguousError):
        slack.post("*", "c", "x")


@pytest.mark.parametrize("status", [302, 404])
def test_another_answer_is_permanent_and_a_redirect_is_not_followed(slack, server, status):
    server.answer(b"", status=status, Location=server.url)
    with pytest.raises(PermanentError, match=f"HTTP {status}"):
        slack.post("*", "c", "x")
    assert len(server.got) == 1


def test_a_lost_answer_is_ambiguous_and_no_connection_is_not(slack, server):
    server.hang_up = True
    with pytest.raises(AmbiguousError, match="no complete answer"):
        slack.post("*", "c", "x")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        closed = SlackWeb(f"http://127.0.0.1:{taken.getsockname()[1]}", lambda: SECRET)
        with pytest.raises(RetryableError, match="cannot connect") as refused:
            closed.post("*", "c", "x")
    assert not refused.value.ambiguous


def test_silence_is_ambiguous_after_a_while():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        slack = SlackWeb(f"http://127.0.0.1:{silent.getsockname()[1]}", lambda: SECRET, read_timeout_s=0.05)
        with pytest.raises(AmbiguousError, match="ReadTimeoutError"):
            slack.post("*", "c", "x")


def test_the_token_is_in_no_error_and_no_repr(slack, server):
    server.answer({"ok": False, "error": "invalid_auth"})
    with pytest.raises(PermanentError) as refused:
        slack.post("*", "c", "x")
    assert "xoxb" not in f"{refused.value!r} {slack!r}"
    with pytest.raises(PermanentError) as refused:
        SlackWeb(server.url, lambda: "{xoxb-broken").post("*", "c", "x")
    assert "xoxb-broken" not in str(refused.value)


@pytest.mark.parametrize("url", ["", "x", "http://slack.com/api", "https://", "https://slack.com/api?x", "ftp://a"])
def test_another_address_than_https_is_refused(url):
    with pytest.raises(ConfigError, match="SLACK_API_URL"):
        SlackWeb(url, lambda: SECRET)
    assert SlackWeb("https://slack.com/api", lambda: SECRET)


@pytest.mark.parametrize("kind", ["http", "memory"])
def test_both_post_at_once_lose_answers_after_it_and_refuse_before(server, kind):
    memory = MemorySlack()
    made = memory if kind == "memory" else SlackWeb(server.url, lambda: SECRET)
    made.post("*", "c", "x")
    memory.faults.append(AmbiguousError("lost"))
    server.answer(b"")
    with pytest.raises(AmbiguousError):
        made.post("*", "c", "y")
    posted = memory.posted if kind == "memory" else server.messages
    assert [message[-2:] for message in posted] == [("c", "x"), ("c", "y")]
