"""The adapter as a GitHub App."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import traceback
from typing import TYPE_CHECKING

import pytest
from tests.contract.github.scripted import Answer, ScriptedServer

from prowless.adapters.github.github import RestGitHub, connect
from prowless.domain.errors import PermanentError
from prowless.ports.github import Status
from prowless.runtime.environment import SystemClock
from prowless_local.github import FakeGitHub

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.fakes.clock import FixedClock

REF = "/repos/o/r/git/ref/heads/main"
FOUND = Answer(body={"object": {"type": "commit", "sha": "abc"}})
REFUSED = Answer(status=401, body={"message": "Bad credentials"})


@pytest.fixture
def fake() -> Iterator[FakeGitHub]:
    with FakeGitHub() as github:
        github.create_org("acme")
        github.create_org("elsewhere")
        yield github


@pytest.fixture
def connected() -> Iterator[Callable[..., RestGitHub]]:
    """Connects, and closes in the end."""
    adapters: list[RestGitHub] = []

    def make(*args: object) -> RestGitHub:
        adapters.append(connect(*args))
        return adapters[-1]

    yield make
    for adapter in adapters:
        adapter.close()


def secret_of(pem: str) -> str:
    return json.dumps({"app_id": 123, "private_key": pem, "webhook_secret": "for another function"})


def test_an_app_writes_as_its_bot(fake: FakeGitHub, pem: str, connected: Callable[..., RestGitHub]) -> None:
    fake.create_app(123, pem, slug="our-prow")
    fake.create_repository("acme/widgets", {"a.txt": "one\n"})
    number = fake.open_pull("acme/widgets", "change", {"b.txt": "two\n"}, "A change", "alice")
    github = connected(fake.url, lambda: secret_of(pem), SystemClock())
    github.create_comment("acme/widgets", number, "hello")
    assert [comment.author for comment in github.comments("acme/widgets", number)] == [github.login()]
    assert github.login() == "our-prow[bot]"


def test_one_token_serves_many_calls(fake: FakeGitHub, pem: str, connected: Callable[..., RestGitHub]) -> None:
    fake.create_app(123, pem)
    for name in ("acme/widgets", "acme/gadgets"):
        fake.create_repository(name, {"a.txt": "one\n"})
    github = connected(fake.url, lambda: secret_of(pem), SystemClock())
    for name in ("acme/widgets", "acme/gadgets"):
        github.create_status(name, github.ref(name, "heads/main"), Status(context="unit", state="pending"))
    paths = [record.path for record in fake.requests]
    assert sum(path.endswith("/access_tokens") for path in paths) == 1
    assert sum(path.endswith("/installation") for path in paths) == 1
    assert len(paths) == 6


def test_an_app_that_is_not_installed_says_where(
    fake: FakeGitHub, pem: str, connected: Callable[..., RestGitHub]
) -> None:
    fake.create_app(123, pem, orgs=["acme"])
    fake.create_repository("elsewhere/secret", {})
    github = connected(fake.url, lambda: secret_of(pem), SystemClock())
    with pytest.raises(PermanentError, match="not installed on elsewhere/secret"):
        github.ref("elsewhere/secret", "heads/main")


def test_a_key_github_does_not_know_is_named_as_the_cause(
    fake: FakeGitHub, pem: str, connected: Callable[..., RestGitHub]
) -> None:
    fake.create_app(123)
    github = connected(fake.url, lambda: secret_of(pem), SystemClock())
    with pytest.raises(PermanentError, match=r"401 .*check app_id and private_key"):
        github.login()


def test_an_unchanged_answer_costs_no_quota(fake: FakeGitHub, pem: str, connected: Callable[..., RestGitHub]) -> None:
    fake.create_app(123, pem)
    fake.create_repository("acme/widgets", {"a.txt": "one\n"})
    github = connected(fake.url, lambda: secret_of(pem), SystemClock())
    first = github.tree("acme/widgets", "main")
    assert github.tree("acme/widgets", "main") == first
    assert [record.status for record in fake.requests[-2:]] == [200, 304]


def test_a_token_that_ended_early_is_replaced_once(
    server: ScriptedServer, pem: str, clock: FixedClock, connected: Callable[..., RestGitHub]
) -> None:
    server.on("GET", "/repos/o/r/installation", Answer(body={"id": 41}))
    tokens = [Answer(status=201, body={"token": f"ghs_{n}", "expires_at": "2099-01-01T00:00:00Z"}) for n in (1, 2, 3)]
    server.on("POST", "/app/installations/41/access_tokens", *tokens)
    server.on("GET", REF, REFUSED, FOUND, REFUSED)
    github = connected(server.url, lambda: secret_of(pem), clock)
    assert github.ref("o/r", "heads/main") == "abc"
    used = [seen.headers["authorization"] for seen in server.seen if seen.path == REF]
    assert used == ["Bearer ghs_1", "Bearer ghs_2"]
    with pytest.raises(PermanentError, match="Bad credentials; check app_id"):
        github.ref("o/r", "heads/main")
    assert len([seen for seen in server.seen if seen.path == REF]) == 4


def test_an_apps_secrets_show_nowhere(
    server: ScriptedServer,
    pem: str,
    clock: FixedClock,
    caplog: pytest.LogCaptureFixture,
    connected: Callable[..., RestGitHub],
) -> None:
    caplog.set_level(logging.DEBUG)
    server.on("GET", "/repos/o/r/installation", Answer(body={"id": 41}))
    token = {"token": "ghs_CANARY", "expires_at": "2099-01-01T00:00:00Z"}
    broken = Answer(status=201, body=b'{"token": "ghs_CANARY", ')
    odd = Answer(status=201, body={"token": "ghs_CANARY"})
    tokens = [broken, odd, Answer(status=201, body=token)]
    server.on("POST", "/app/installations/41/access_tokens", *tokens)
    server.on("GET", REF, REFUSED)
    github = connected(server.url, lambda: secret_of(pem), clock)
    shown = []
    for _ in range(3):
        with pytest.raises(PermanentError) as caught:
            github.ref("o/r", "heads/main")
        shown.append("".join(traceback.format_exception(caught.value)))
    jwts = {seen.headers["authorization"].removeprefix("Bearer ") for seen in server.seen if "ghs" not in str(seen)}
    text = "\n".join([*shown, caplog.text, repr(github), repr(vars(github))])
    assert "CANARY" not in text
    assert "PRIVATE KEY" not in text
    assert jwts
    assert not any(jwt in text for jwt in jwts)


def test_a_token_needs_no_cryptography() -> None:
    """Both cost a cold start about a tenth of a second, which only Apps have to pay."""
    script = (
        "import sys\n"
        f"sys.path[:0] = {sys.path!r}\n"
        "from prowless.adapters.github.auth import TokenAuth\n"
        "from prowless.adapters.github.github import connect\n"
        "connect('https://api.github.com', lambda: '', None)\n"
        "TokenAuth('t').authorization(None)\n"
        "print(sorted({'jwt', 'cryptography', 'boto3', 'kubernetes', 'yaml'} & sys.modules.keys()))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
