"""Prow's external plugins: who gets which delivery (`pkg/hook/server.go:218`), and how it is going."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_GIVEN_UP_MS = 2 * 3_600_000
"""All attempts are over within an hour. What is older than this and not delivered has been lost on the way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalPlugin:
    """A URL that gets the deliveries of some events, or of all if `events` is empty."""

    name: str
    endpoint: str
    events: tuple[str, ...] = ()

    def wants(self, event: str) -> bool:
        """Whether it gets deliveries of that `X-GitHub-Event`; the comparison is exact, as Prow's is."""
        return not self.events or event in self.events

    def to_dict(self) -> dict[str, Any]:
        """As the snapshot keeps it."""
        data: dict[str, Any] = {"name": self.name, "endpoint": self.endpoint}
        return data | {"events": list(self.events)} if self.events else data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ExternalPlugin:
        """From the snapshot; unknown keys are ignored."""
        return cls(name=data["name"], endpoint=data["endpoint"], events=tuple(data.get("events", ())))


def plugins_of(configured: Mapping[str, Iterable[ExternalPlugin]], name: str) -> tuple[ExternalPlugin, ...]:
    """The plugins of a repository (`org/repo`): its organisation's and its own; or those of an organisation (`org`)."""
    org, slash, _ = name.partition("/")
    return (*configured.get(org, ()), *(configured.get(name, ()) if slash else ()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Forward:
    """How the forwarding of one delivery to one plugin is going.

    Attributes:
        state: `queued`, `sending`, `retrying`, `delivered` or `failed`.
        at: when that came to be, in epoch milliseconds.
        attempts: requests made so far.
        status: the HTTP status of the last answer, 0 without one.
        reason: why the last attempt failed, in words.
    """

    state: str
    at: int
    attempts: int = 0
    status: int = 0
    reason: str = ""

    def given_up(self, now: int) -> bool:
        """Whether nobody is going to try again by himself."""
        return self.state == "failed" or (self.state != "delivered" and now - self.at > _GIVEN_UP_MS)

    def to_dict(self) -> dict[str, Any]:
        """As the ledger keeps it."""
        data: dict[str, Any] = {"state": self.state, "at": self.at, "attempts": self.attempts}
        return data | {name: value for name in ("status", "reason") if (value := getattr(self, name))}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Forward:
        """From the ledger; unknown keys are ignored."""
        return cls(
            state=data["state"],
            at=data["at"],
            attempts=data.get("attempts", 0),
            status=data.get("status", 0),
            reason=data.get("reason", ""),
        )


def is_passing(status: int) -> bool:
    """Whether the same request may be answered otherwise later: 408, 429 and the faults of servers."""
    return status in {408, 429} or status >= 500  # noqa: PLR2004  HTTP's own numbers
