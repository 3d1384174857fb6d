"""What AWS says went wrong, in our words: translated in one place, the vendor's error kept as the cause."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, ParamValidationError
from botocore.exceptions import ConnectionError as BotoConnectionError

from prowless.domain.errors import NotFoundError, PermanentError, RetryableError

if TYPE_CHECKING:
    from collections.abc import Iterator

_PASSING = frozenset(
    {
        "BandwidthLimitExceeded",
        "ConditionalRequestConflict",  # S3: two conditional writes of one key at once; the loser sends again
        "ExpiredToken",  # temporary credentials that ran out in flight; the next call has new ones
        "ExpiredTokenException",
        "IDPCommunicationError",
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "InternalServiceError",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionConflictException",
        "TransactionInProgressException",
        "TransactionInProgress",
        "TransactionConflict",
        "ThrottlingError",
        "ProvisionedThroughputExceeded",
    }
)
_DENIED = frozenset(
    {
        "403",
        "AccessDenied",
        "AccessDeniedException",
        "AuthFailure",
        "KMSAccessDeniedException",
        "KmsAccessDenied",
        "KMS.AccessDeniedException",
        "UnauthorizedOperation",
        "UnrecognizedClientException",
    }
)
_ABSENT = frozenset(
    {
        "404",
        "AWS.SimpleQueueService.NonExistentQueue",
        "NoSuchBucket",
        "QueueDoesNotExist",
        "ResourceNotFoundException",
        "StateMachineDoesNotExist",
    }
)
_TOO_MANY_REQUESTS = 429
_SERVER_ERROR = 500
_MESSAGE_LIMIT = 500


def code_of(error: ClientError) -> str:
    """The error code of a vendor error."""
    return error.response.get("Error", {}).get("Code", "")


def passing(code: str) -> bool:
    """Whether an error code is of a fault that may pass."""
    return code in _PASSING


@contextmanager
def translated(subject: str) -> Iterator[None]:
    """Turn botocore's errors into ours; `subject` names the resource, as in `DynamoDB table prowjobs`.

    Codes that a caller answers itself (a failed condition, a missing key) it catches inside.

    Raises:
        RetryableError: throttling, time-outs, 5xx: the same call may succeed later.
        NotFoundError: the table, bucket, queue, function or machine does not exist.
        PermanentError: access denied, or any other refusal.
    """
    try:
        yield
    except ClientError as exc:
        raise _of_client_error(subject, exc) from exc
    except (HTTPClientError, BotoConnectionError) as exc:
        raise RetryableError(f"{subject}: no answer ({type(exc).__name__})") from exc
    except ParamValidationError:
        # Its text quotes the parameters, which may be tokens; the cause is cut off for the same reason.
        raise PermanentError(f"{subject}: botocore refused our parameters; this is a bug in Prowless") from None
    except BotoCoreError as exc:
        raise PermanentError(f"{subject}: {exc}") from exc


def _of_client_error(subject: str, exc: ClientError) -> RetryableError | PermanentError:
    code = code_of(exc)
    status = exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    what = f"{subject}: {exc.operation_name}"
    message = exc.response.get("Error", {}).get("Message", "")[:_MESSAGE_LIMIT]
    if passing(code) or status >= _SERVER_ERROR or status == _TOO_MANY_REQUESTS:
        return RetryableError(f"{what} failed for now ({code}): {message}")
    if code in _DENIED:
        return PermanentError(f"{what} denied ({code}): allow it to the function's role in template.yaml. {message}")
    if code in _ABSENT:
        return NotFoundError(
            f"{what}: {subject} does not exist ({code}): deploy the stack again, or correct the function's variables"
        )
    return PermanentError(f"{what} refused ({code}): {message}")
