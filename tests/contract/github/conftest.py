"""The adapter against a scripted server, and every implementation of the port behind one set-up interface."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.contract.github.scripted import ScriptedServer
from tests.fakes.clock import FixedClock

from prowless.adapters.github.github import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

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
