"""The URLs of external plugins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an endpoint answered. `retry_after_s` is how long it asked us to wait, 0 where it did not say."""

    status: int
    retry_after_s: int = 0


class Endpoints(Protocol):
    """Whoever gets deliveries from us."""

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """One request, bounded in time. Redirects are answers, and the answer's body is not read into anything.

        Raises:
            RetryableError: no connection, or no answer in time; the endpoint may have got the request all the same.
            PermanentError: the URL leads to a place where we send nothing.
        """
        ...
