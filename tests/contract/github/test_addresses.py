"""Where the adapter sends calls and credentials, and where it never does."""

from __future__ import annotations

import logging
import traceback
from typing import TYPE_CHECKING

import pytest
from tests.contract.github.conftest import TOKEN, Sleeper
from tests.contract.github.scripted import Answer, ScriptedServer

from prowless.adapters.github import transport
from prowless.adapters.github.github import RestGitHub, connect
from prowless.domain.errors import ConfigError, PermanentError, RetryableError

if TYPE_CHECKING:
    from tests.fakes.clock import FixedClock

COMMENTS = "/repos/o/r/issues/7/comments"


def test_an_unknown_token_is_named_as_the_cause(github: RestGitHub, server: ScriptedServer) -> None:
    server.on("GET", "/user", Answer(status=401, body={"message": "Bad credentials"}))
    with pytest.raises(PermanentError, match="Bad credentials; the token in GitHub's secret is wrong"):
        github.login()
    assert len(server.seen) == 1


def test_another_hosts_download_comes_without_our_credentials(
    github: RestGitHub, server: ScriptedServer, elsewhere: ScriptedServer
) -> None:
    server.on("GET", "/repos/o/r/tarball/main", Answer(status=302, headers={"Location": f"{elsewhere.url}/t?token=x"}))
    elsewhere.on("GET", "/t?token=x", Answer(body=b"\x1f\x8b", headers={"Content-Type": "application/x-gzip"}))
    assert github.client.call("GET", "/repos/o/r/tarball/main").body == b"\x1f\x8b"
    assert server.seen[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert "authorization" not in elsewhere.seen[0].headers


def test_credentials_dropped_once_do_not_come_back(
    github: RestGitHub, server: ScriptedServer, elsewhere: ScriptedServer
) -> None:
    server.on("GET", "/a", Answer(status=302, headers={"Location": f"{elsewhere.url}/b"}))
    elsewhere.on("GET", "/b", Answer(status=302, headers={"Location": f"{server.url}/c"}))
    server.on("GET", "/c", Answer(body={}))
    github.request("GET", "/a")
    assert "authorization" not in server.seen[-1].headers


@pytest.mark.parametrize("target", ["{other}/x?token=secret", "ftp://127.0.0.1/x", "http://u:p@127.0.0.1:1/x"])
def test_an_unknown_host_is_not_asked(
    server: ScriptedServer, elsewhere: ScriptedServer, clock: FixedClock, sleeper: Sleeper, target: str
) -> None:
    github = connect(server.url, lambda: f'{{"token": "{TOKEN}"}}', clock, sleep=sleeper)
    server.on("GET", "/user", Answer(status=302, headers={"Location": target.format(other=elsewhere.url)}))
    with pytest.raises(PermanentError, match="not among the configured GitHub hosts") as caught:
        github.login()
    github.close()
    assert elsewhere.seen == []
    assert "token=secret" not in str(caught.value)


def test_a_renamed_repository_is_followed(github: RestGitHub, server: ScriptedServer) -> None:
    moved = f"{server.url}/repositories/9/git/commits/abc"
    server.on("GET", "/repos/o/old/git/commits/abc", Answer(status=301, headers={"Location": moved}))
    server.on("GET", "/repositories/9/git/commits/abc", Answer(body={"parents": [{"sha": "def"}]}))
    assert github.parents("o/old", "abc") == ("def",)
    assert server.seen[-1].headers["authorization"] == f"Bearer {TOKEN}"


def test_a_write_follows_only_redirects_that_keep_its_method(github: RestGitHub, server: ScriptedServer) -> None:
    server.on("POST", COMMENTS, Answer(status=307, headers={"Location": "/repositories/9/issues/7/comments"}))
    server.on("POST", "/repositories/9/issues/7/comments", Answer(status=201, body={"id": 5}))
    assert github.create_comment("o/r", 7, "hello") == 5
    assert server.seen[-1].body == {"body": "hello"}
    server.on("POST", COMMENTS, Answer(status=302, headers={"Location": "/repositories/9/issues/7/comments"}))
    with pytest.raises(PermanentError, match="not followed with a write"):
        github.create_comment("o/r", 7, "hello")


def test_a_write_is_not_sent_to_another_host(
    github: RestGitHub, server: ScriptedServer, elsewhere: ScriptedServer
) -> None:
    server.on("POST", COMMENTS, Answer(status=307, headers={"Location": f"{elsewhere.url}/x"}))
    with pytest.raises(PermanentError):
        github.create_comment("o/r", 7, "hello")
    assert elsewhere.seen == []


def test_redirects_in_a_circle_end(github: RestGitHub, server: ScriptedServer) -> None:
    server.on("GET", "/user", Answer(status=302, headers={"Location": "/user"}))
    with pytest.raises(PermanentError, match="redirects"):
        github.login()
    assert len(server.seen) == transport.MAX_REDIRECTS + 1


def test_pages_are_followed_on_this_host_only(
    github: RestGitHub, server: ScriptedServer, elsewhere: ScriptedServer
) -> None:
    first = f"{COMMENTS}?per_page=100"
    second = "/repositories/9/issues/7/comments?page=2"
    comment = {"id": 1, "body": "hi", "user": {"login": "alice"}}
    server.on("GET", first, Answer(body=[comment], headers={"Link": f'<{server.url}{second}>; rel="next"'}))
    server.on("GET", second, Answer(body=[comment | {"id": 2, "user": None}]))
    assert [(found.id, found.author) for found in github.comments("o/r", 7)] == [(1, "alice"), (2, "")]
    server.on("GET", second, Answer(body=[], headers={"Link": f'<{elsewhere.url}/x>; rel="next"'}))
    with pytest.raises(PermanentError, match="another host"):
        github.comments("o/r", 7)
    assert elsewhere.seen == []


def test_pages_without_end_are_refused(github: RestGitHub, server: ScriptedServer) -> None:
    path = "/repos/o/r/pulls/7/files?per_page=100"
    server.on("GET", path, Answer(body=[], headers={"Link": f'<{server.url}{path}>; rel="next"'}))
    with pytest.raises(PermanentError, match="more than 31 pages"):
        github.pull_files("o/r", 7)


def test_a_rotated_token_is_used_at_once(server: ScriptedServer, clock: FixedClock) -> None:
    server.on("GET", "/user", Answer(status=401, body={"message": "Bad credentials"}), Answer(body={"login": "bot"}))
    github = connect(server.url, lambda: '{"token": "new"}' if server.seen else '{"token": "old"}', clock)
    assert github.login() == "bot"
    assert [seen.headers["authorization"] for seen in server.seen] == ["Bearer old", "Bearer new"]
    github.close()


@pytest.mark.parametrize("name", ["..", ".", ""])
def test_names_cannot_lead_a_call_elsewhere(github: RestGitHub, server: ScriptedServer, name: str) -> None:
    calls = [
        lambda: github.remove_label("o/r", 7, name),
        lambda: github.contents("o/r", f"a/{name}/{name}/b", "main"),
        lambda: github.is_member("o", name),
        lambda: github.pull(f"o/{name}", 7),
        lambda: github.ref("o/r", f"heads/{name}"),
        lambda: github.request("GET", f"/repos/{name}/../user" if name else "//evil.example/user"),
    ]
    for call in calls:
        with pytest.raises(PermanentError):
            call()
    assert server.seen == []


def test_names_are_quoted(github: RestGitHub, server: ScriptedServer) -> None:
    server.on("DELETE", "/repos/o/r/issues/7/labels/kind%2Fbug%3F%20%231", Answer(body=[]))
    github.remove_label("o/r", 7, "kind/bug? #1")
    raw = {"Content-Type": "application/vnd.github.raw+json; charset=utf-8"}
    server.on("GET", "/repos/o/r/contents/a%20dir/b%23.yaml?ref=x%26y", Answer(body=b"text", headers=raw))
    assert github.contents("o/r", "a dir/b#.yaml", "x&y") == b"text"
    assert server.seen[-1].headers["accept"] == "application/vnd.github.raw+json"


def test_the_token_shows_nowhere(github: RestGitHub, server: ScriptedServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    answers = [
        Answer(status=401, body={"message": "Bad credentials"}),
        Answer(status=422, body=b"nonsense"),
        Answer(status=404),
        Answer(status=503),
        Answer(drop=True),
        Answer(body=b"<html>"),
        Answer(status=302, headers={"Location": "https://elsewhere.example/"}),
    ]
    shown = [repr(github), repr(github.client), repr(vars(github.client)), repr(vars(github))]
    for answer in answers:
        server.on("POST", COMMENTS, answer)
        with pytest.raises((PermanentError, RetryableError)) as caught:
            github.create_comment("o/r", 7, "hello")
        shown += ["".join(traceback.format_exception(caught.value)), repr(caught.value)]
    assert len(server.seen) == len(answers)
    assert TOKEN not in "\n".join([*shown, caplog.text])


def test_a_token_that_fits_no_header_is_refused_unquoted(server: ScriptedServer, clock: FixedClock) -> None:
    github = connect(server.url, lambda: f'{{"token": "{TOKEN}\\r\\nX-Evil: 1"}}', clock)
    with pytest.raises(ConfigError, match="token must be one word") as caught:
        github.login()
    assert TOKEN not in "".join(traceback.format_exception(caught.value))
