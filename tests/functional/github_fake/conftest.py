"""A fake GitHub with one organisation, its repository, a receiver and API clients."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from tests.fakes.clock import FixedClock
from tests.functional.github_fake.receiver import Api, Receiver

from prowless_local.github import FakeGitHub

if TYPE_CHECKING:
    from collections.abc import Iterator

FILES = {"README.md": "read me\n", "src/main.txt": "one\ntwo\nthree\nfour\nfive\n", "run.sh": "#!/bin/sh\necho run\n"}


@cache
def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def github(clock: FixedClock) -> Iterator[FakeGitHub]:
    with FakeGitHub(clock) as fake:
        fake.create_org("acme", ["alice", "prow-bot"])
        fake.create_repository("acme/rocket", FILES, author="alice")
        yield fake


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    one = Receiver()
    yield one
    one.close()


@pytest.fixture
def anonymous(github: FakeGitHub) -> Iterator[Api]:
    api = Api(github.url)
    yield api
    api.close()


@pytest.fixture
def bot(github: FakeGitHub, anonymous: Api) -> Api:
    """The API as a user who may write."""
    return anonymous.as_(f"token {github.create_token('prow-bot')}")


@pytest.fixture
def key() -> str:
    """An App's private key; one for the whole process, because making one is slow."""
    return private_key()
