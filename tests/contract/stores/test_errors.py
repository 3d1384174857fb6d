"""AWS's errors in our words."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    ReadTimeoutError,
)

from prowless.adapters.aws.errors import translated
from prowless.domain.errors import NotFoundError, PermanentError, ProwlessError, RetryableError


def refused(code: str, status: int = 400, message: str = "why") -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "PutItem")


def translation(error: Exception) -> ProwlessError:
    with pytest.raises(ProwlessError) as caught, translated("DynamoDB table rows"):
        raise error
    return caught.value


@pytest.mark.parametrize(
    "error",
    [
        refused("ThrottlingException"),
        refused("ProvisionedThroughputExceededException"),
        refused("SlowDown", 503),
        refused("SomethingNew", 500),
        refused("SomethingNew", 429),
        refused("TransactionInProgressException"),
        ConnectTimeoutError(endpoint_url="https://x"),
        ReadTimeoutError(endpoint_url="https://x"),
        EndpointConnectionError(endpoint_url="https://x"),
    ],
    ids=str,
)
def test_what_may_pass_is_retryable(error: Exception) -> None:
    translated_error = translation(error)
    # The state machine matches class names and knows no inheritance.
    assert type(translated_error) is RetryableError
    assert "DynamoDB table rows" in str(translated_error)
    assert translated_error.__cause__ is error


@pytest.mark.parametrize("code", ["AccessDeniedException", "AccessDenied"])
def test_a_denied_call_names_call_and_resource(code: str) -> None:
    error = translation(refused(code))
    assert type(error) is PermanentError
    assert str(error).startswith(f"DynamoDB table rows: PutItem denied ({code}): allow it")


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "NoSuchBucket", "QueueDoesNotExist"])
def test_what_does_not_exist_says_what_to_do(code: str) -> None:
    error = translation(refused(code))
    assert type(error) is NotFoundError
    assert "DynamoDB table rows does not exist" in str(error)
    assert "deploy the stack again" in str(error)


def test_another_refusal_is_permanent_and_bounded() -> None:
    error = translation(refused("ValidationException", message="x" * 5000))
    assert type(error) is PermanentError
    assert len(str(error)) < 700


def test_missing_credentials_are_permanent() -> None:
    assert type(translation(NoCredentialsError())) is PermanentError


def test_parameters_are_not_quoted() -> None:
    error = translation(ParamValidationError(report="Invalid type for parameter taskToken, value: s3cret"))
    assert type(error) is PermanentError
    assert "s3cret" not in str(error)
    assert error.__cause__ is None
    assert error.__suppress_context__


def test_other_exceptions_pass() -> None:
    with pytest.raises(KeyError), translated("x"):
        raise KeyError("x")
