"""The adapter against a scripted server, and every implementation of the port behind one set-up interface."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from tests.contract.github.scripted import ScriptedServer
from tests.contract.github.worlds import MemoryWorld, ServerWorld
from tests.fakes.clock import FixedClock

from prowless.adapters.github.github import connect
from prowless.runtime.environment import SystemClock
from prowless_local.github import FakeGitHub

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.contract.github.worlds import World

    from prowless.adapters.github.github import RestGitHub

TOKEN = "ghp_CanaryThatMustNotBeShown"


class Sleeper:
    """Moves the clock instead of waiting, and keeps how long."""

    def __init__(self, clock: FixedClock) -> None:
        self.waits: list[float] = []
        self._clock = clock

    def __call__(self, seconds: float) -> None:
        self.waits.append(seconds)
        self._clock.advance(int(seconds * 1000))


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def sleeper(clock: FixedClock) -> Sleeper:
    return Sleeper(clock)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    scripted = ScriptedServer()
    yield scripted
    scripted.close()


@pytest.fixture
def elsewhere() -> Iterator[ScriptedServer]:
    """Another host (another port is another origin)."""
    scripted = ScriptedServer()
    yield scripted
    scripted.close()


@pytest.fixture
def github(
    server: ScriptedServer, elsewhere: ScriptedServer, clock: FixedClock, sleeper: Sleeper
) -> Iterator[RestGitHub]:
    """The adapter with a token; `elsewhere` is among the hosts it may be redirected to."""
    secret = f'{{"token": "{TOKEN}"}}'
    adapter = connect(server.url, lambda: secret, clock, hosts=[elsewhere.address], sleep=sleeper, jitter=lambda: 1.0)
    yield adapter
    adapter.close()


@pytest.fixture(params=["memory", "token", "app"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """The port in memory, and the adapter with a token or as an App against the embedded stack's GitHub."""
    if request.param == "memory":
        yield MemoryWorld()
        return
    with FakeGitHub() as fake:
        fake.create_org("acme")
        if request.param == "app":
            app = fake.create_app(123, request.getfixturevalue("pem"))
            secret = {"app_id": app.app_id, "private_key": app.private_key_pem}
        else:
            fake.add_member("acme", "prow-bot")
            secret = {"token": fake.create_token("prow-bot")}
        text = json.dumps(secret)
        adapter = connect(fake.url, lambda: text, SystemClock())
        yield ServerWorld(fake, adapter)
        adapter.close()


@pytest.fixture(scope="session")
def pem() -> str:
    """An RSA key for all of a session's Apps."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = serialization.PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
