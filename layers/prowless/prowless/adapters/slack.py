"""Slack's Web API: `chat.postMessage`, and what its answers mean."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import urllib3
from urllib3 import exceptions

from prowless.domain.errors import AmbiguousError, ConfigError, PermanentError, RetryableError
from prowless.domain.slack import tokens
from prowless.domain.wording import shown

if TYPE_CHECKING:
    from collections.abc import Callable

CONNECT_TIMEOUT_S = 3.0
READ_TIMEOUT_S = 5.0

_ADDRESS = re.compile(r"https://[^/?#\s]+(/[^?#\s]*)?|http://(127\.0\.0\.1|localhost)(:[0-9]+)?(/[^?#\s]*)?")
_MAX_BODY_BYTES = 256 * 1024
_MAX_RETRY_AFTER_S = 3600
_TOO_MANY = 429
_FAULT = 500
_OK = 200
# Raised before a byte of the request was written. NewConnectionError covers name resolution.
_NOTHING_SENT = (exceptions.NewConnectionError, exceptions.ConnectTimeoutError)
_PASSING = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded", "internal_error", "service_unavailable"})
_LOST = frozenset({"fatal_error", "request_timeout"})
_HINTS = {
    **dict.fromkeys(("channel_not_found", "not_in_channel"), "is the app a member of the channel?"),
    **dict.fromkeys(
        ("invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired"),
        "put a valid token into the secret that SlackTokenSecretArn names",
    ),
    **dict.fromkeys(("missing_scope", "not_allowed_token_type"), "the token needs the scope chat:write"),
}


class SlackWeb:
    """`Slack` over HTTPS."""

    def __init__(self, url: str, secret: Callable[[], str], *, read_timeout_s: float = READ_TIMEOUT_S) -> None:
        """Make no connection yet.

        Args:
            url: the API without a slash at its end; plain http on this machine only.
            secret: reads the secret with the token, or with a token for each host.
            read_timeout_s: how long Slack may stay silent.

        Raises:
            ConfigError: the URL cannot be used.
        """
        if not _ADDRESS.fullmatch(url):
            raise ConfigError([f"SLACK_API_URL {shown(url)!r} is not an https address"])
        self._url = f"{url}/chat.postMessage"
        self._secret = secret
        self._pool = urllib3.PoolManager(
            num_pools=1,
            maxsize=1,
            retries=False,
            timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT_S, read=read_timeout_s),
        )

    def __repr__(self) -> str:
        return f"SlackWeb({self._url!r})"

    def post(self, host: str, channel: str, text: str) -> None:
        """See Slack."""
        what = f"Slack: a message to {shown(channel)!r}"
        token = tokens(self._secret()).get(host)
        if token is None:
            raise PermanentError(f"{what}: host {shown(host)!r} is not supported: the secret has no token for it")
        try:
            answer = self._pool.request(
                "POST",
                self._url,
                body=json.dumps({"channel": channel, "text": text}).encode(),
                headers={
                    "Authorization": f"Bearer {token}",
                    "Content-Type": "application/json; charset=utf-8",
                    "User-Agent": "prowless",
                },
                redirect=False,
                preload_content=False,
            )
            try:
                body = answer.read(_MAX_BODY_BYTES, decode_content=True)
            finally:
                answer.close()  # Lambda may freeze us until the next run ends, and kept connections die unseen
        except _NOTHING_SENT as exc:
            raise RetryableError(f"{what}: cannot connect ({type(exc).__name__})") from exc
        except exceptions.HTTPError as exc:
            raise AmbiguousError(f"{what}: no complete answer ({type(exc).__name__})") from exc
        _judge(what, answer.status, answer.headers.get("Retry-After", ""), body)


def _judge(what: str, status: int, retry_after: str, body: bytes) -> None:
    """Raise what an answer means, unless it means that the message was posted."""
    if status == _TOO_MANY:
        raise RetryableError(f"{what}: rate limit", retry_after_ms=_milliseconds(retry_after))
    if status >= _FAULT:
        raise RetryableError(f"{what}: HTTP {status}", retry_after_ms=_milliseconds(retry_after))
    if status != _OK:
        raise PermanentError(f"{what}: HTTP {status}")
    try:
        found: Any = json.loads(body)
    except ValueError as exc:
        raise AmbiguousError(f"{what}: the answer is not JSON") from exc
    if not isinstance(found, dict) or "ok" not in found:
        raise AmbiguousError(f"{what}: the answer does not say whether it was posted")
    if found["ok"] is True:
        return
    error = shown(str(found.get("error") or "no reason given"))
    if error in _LOST:
        raise AmbiguousError(f"{what}: {error}")
    if error in _PASSING:
        raise RetryableError(f"{what}: {error}", retry_after_ms=_milliseconds(retry_after))
    raise PermanentError(f"{what}: {error}" + (f": {_HINTS[error]}" if error in _HINTS else ""))


def _milliseconds(text: str) -> int | None:
    """`Retry-After`; its other form, a date, counts as nothing said."""
    if not (text.isascii() and text.isdecimal() and len(text) < 10):  # noqa: PLR2004  digits
        return None
    return min(int(text), _MAX_RETRY_AFTER_S) * 1000
