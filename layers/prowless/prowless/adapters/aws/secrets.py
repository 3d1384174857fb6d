"""A secret from Secrets Manager, cached; its text is in no repr, log or error of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prowless.domain.errors import PermanentError, RetryableError

from .errors import translated

if TYPE_CHECKING:
    from types_boto3_secretsmanager.client import SecretsManagerClient

    from prowless.ports.clock import Clock

_REFRESH_MS = 10_000
"""A wrong signature asks for a refresh, and anybody can send one; Secrets Manager is asked this often at most."""

_STALE_MS = 3_600_000
"""While Secrets Manager does not answer, the last text serves this long: GitHub repeats no delivery that we refuse."""


class SecretsManagerSecret:
    """The current text of one secret. Times are milliseconds."""

    def __init__(self, client: SecretsManagerClient, arn: str, clock: Clock, ttl_ms: int = 300_000) -> None:
        self._client = client
        self._arn = arn
        self._clock = clock
        self._ttl_ms = ttl_ms
        self._text: str | None = None
        self._read_at = 0
        self._tried_at = 0

    def __repr__(self) -> str:
        return f"SecretsManagerSecret({self._arn!r})"

    def text(self) -> str:
        """The secret's text, at most `ttl_ms` old, or an hour while Secrets Manager does not answer.

        Raises:
            RetryableError: Secrets Manager does not answer.
            PermanentError: the secret does not exist, has no text, or is denied to us.
        """
        return self._read(self._ttl_ms)

    def refresh(self) -> str:
        """The secret's text, at most ten seconds old; raises as `text` does."""
        return self._read(_REFRESH_MS)

    def _read(self, oldest_ms: int) -> str:
        now = self._clock.now_ms()
        if self._text is None:
            return self._fetch(now)
        if now - self._read_at < oldest_ms or now - self._tried_at < _REFRESH_MS:
            return self._text
        try:
            return self._fetch(now)
        except RetryableError:
            if now - self._read_at >= _STALE_MS:
                raise
            return self._text

    def _fetch(self, now: int) -> str:
        self._tried_at = now
        with translated(f"secret {self._arn}"):
            answer = self._client.get_secret_value(SecretId=self._arn)
        text = answer.get("SecretString")
        if text is None:
            raise PermanentError(f"secret {self._arn} is binary; store it as text")
        self._text, self._read_at = text, now
        return text
