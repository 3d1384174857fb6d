"""GitHub's refusals as our errors."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from prowless.domain.errors import (
    AmbiguousError,
    NotFoundError,
    PermanentError,
    ProwlessError,
    RetryableError,
)

if TYPE_CHECKING:
    from prowless.adapters.github.transport import Request, Response

SECONDARY_LIMIT_WAIT_MS = 60_000  # "wait for at least one minute": GitHub's rate limit documentation
MAX_MESSAGE = 500

_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _TIMEOUT, _GONE, _TOO_MANY, _SERVER_ERROR = 401, 403, 404, 408, 410, 429, 500
_SECONDARY_LIMIT = ("secondary rate limit", "abuse detection")


def github_message(body: bytes) -> str:
    """GitHub's `message` with its `errors`, one bounded line; empty if the body is not GitHub's JSON."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(answer, dict):
        return ""
    errors = answer.get("errors")
    details = "; ".join(_detail(error) for error in errors) if isinstance(errors, list) else str(errors or "")
    message = f"{answer.get('message') or ''}" + (f" ({details})" if details else "")
    line = "".join(character if character.isprintable() else " " for character in message)
    return line if len(line) <= MAX_MESSAGE else line[: MAX_MESSAGE - 1] + "…"


def _detail(error: Any) -> str:
    if not isinstance(error, dict):
        return str(error)
    if error.get("message"):
        return str(error["message"])
    where = ".".join(str(error[key]) for key in ("resource", "field") if error.get(key))
    return f"{where} {error.get('code') or ''}".strip()


def transient(request: Request, response: Response, now_ms: int) -> RetryableError | None:
    """The error for a rate limit or a server's fault, None for every other answer.

    A rate-limited call had no effect. A 5xx to a call that must not be repeated may have had one.
    """
    wait = _rate_limit_wait_ms(response, now_ms)
    if wait is not None:
        return RetryableError(_line(request, response, "rate limit reached"), retry_after_ms=wait)
    if response.status != _TIMEOUT and response.status < _SERVER_ERROR:
        return None
    kind = RetryableError if request.repeatable else AmbiguousError
    asked = _seconds(response.header("retry-after"))
    return kind(_line(request, response, ""), retry_after_ms=None if asked is None else asked * 1000)


def refusal(request: Request, response: Response, credentials_hint: str) -> ProwlessError:
    """The error for an answer of 400 and above that is not transient."""
    if response.status == _UNAUTHORIZED:
        return PermanentError(_line(request, response, credentials_hint))
    if response.status in {_NOT_FOUND, _GONE}:
        return NotFoundError(_line(request, response, ""))
    return PermanentError(_line(request, response, ""))


def _rate_limit_wait_ms(response: Response, now_ms: int) -> int | None:
    if response.status not in {_FORBIDDEN, _TOO_MANY}:
        return None
    asked = _seconds(response.header("retry-after"))
    if asked is not None:
        return asked * 1000
    if response.header("x-ratelimit-remaining") == "0":
        reset = _seconds(response.header("x-ratelimit-reset"))
        return SECONDARY_LIMIT_WAIT_MS if reset is None else max(0, reset * 1000 - now_ms)
    message = github_message(response.body).lower()
    if response.status == _TOO_MANY or any(words in message for words in _SECONDARY_LIMIT):
        return SECONDARY_LIMIT_WAIT_MS
    return None


def _seconds(value: str) -> int | None:
    return int(value) if value.isascii() and value.isdigit() and len(value) <= len("9999999999") else None


def _line(request: Request, response: Response, advice: str) -> str:
    said = github_message(response.body)
    return (
        f"GitHub: {request.name}: {response.status}" + (f" {said}" if said else "") + (f"; {advice}" if advice else "")
    )
