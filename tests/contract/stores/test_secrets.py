from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.contract.stores.backends import client
from tests.fakes.clock import FixedClock

from prowless.adapters.aws.secrets import SecretsManagerSecret
from prowless.domain.errors import NotFoundError, PermanentError, RetryableError


class Counting:
    """Secrets Manager with a count of the reads, and a switch to make it fail."""

    def __init__(self, real: Any) -> None:
        self.real = real
        self.reads = 0
        self.failure: Exception | None = None

    def get_secret_value(self, **parameters: Any) -> Any:
        self.reads += 1
        if self.failure:
            raise self.failure
        return self.real.get_secret_value(**parameters)


@pytest.fixture
def manager(aws: None) -> Counting:
    return Counting(client("secretsmanager"))


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def arn(manager: Counting, request: pytest.FixtureRequest) -> str:
    return manager.real.create_secret(Name=request.node.name, SecretString="one")["ARN"]


def put(manager: Counting, arn: str, text: str) -> None:
    manager.real.put_secret_value(SecretId=arn, SecretString=text)


def test_the_text_is_kept_for_its_time(manager: Counting, clock: FixedClock, arn: str) -> None:
    secret = SecretsManagerSecret(manager, arn, clock, ttl_ms=60_000)
    assert secret.text() == "one"
    put(manager, arn, "two")
    clock.advance(59_999)
    assert secret.text() == "one"
    clock.advance(1)
    assert secret.text() == "two"
    assert manager.reads == 2


def test_a_refresh_asks_at_most_every_ten_seconds(manager: Counting, clock: FixedClock, arn: str) -> None:
    secret = SecretsManagerSecret(manager, arn, clock)
    assert secret.refresh() == "one"
    put(manager, arn, "two")
    clock.advance(9_999)
    assert secret.refresh() == "one"
    clock.advance(1)
    assert secret.refresh() == "two"
    assert secret.text() == "two"
    assert manager.reads == 2


def test_the_last_text_serves_an_outage_for_an_hour(manager: Counting, clock: FixedClock, arn: str) -> None:
    secret = SecretsManagerSecret(manager, arn, clock)
    secret.text()
    manager.failure = ClientError(
        {"Error": {"Code": "InternalServiceError"}, "ResponseMetadata": {"HTTPStatusCode": 500}}, "x"
    )
    clock.advance(3_599_999)
    assert [secret.text(), secret.refresh(), secret.text()] == ["one"] * 3
    assert manager.reads == 2
    clock.advance(10_000)
    with pytest.raises(RetryableError):
        secret.text()


def test_an_outage_at_the_start_is_retryable(manager: Counting, clock: FixedClock, arn: str) -> None:
    manager.failure = ClientError({"Error": {"Code": "ThrottlingException"}}, "x")
    with pytest.raises(RetryableError):
        SecretsManagerSecret(manager, arn, clock).text()


def test_a_deleted_secret_does_not_serve_its_old_text(manager: Counting, clock: FixedClock, arn: str) -> None:
    secret = SecretsManagerSecret(manager, arn, clock)
    secret.text()
    manager.real.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)
    clock.advance(300_000)
    with pytest.raises(NotFoundError, match="does not exist"):
        secret.text()


def test_a_binary_secret_is_refused(manager: Counting, clock: FixedClock) -> None:
    arn = manager.real.create_secret(Name="binary", SecretBinary=b"x")["ARN"]
    with pytest.raises(PermanentError, match="store it as text"):
        SecretsManagerSecret(manager, arn, clock).text()


def test_the_text_is_not_shown(manager: Counting, clock: FixedClock, arn: str) -> None:
    put(manager, arn, "v3rysecret")
    secret = SecretsManagerSecret(manager, arn, clock)
    secret.text()
    assert "v3rysecret" not in repr(secret) + str(secret)
