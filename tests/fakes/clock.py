"""A clock that stands still until a test moves it."""

from __future__ import annotations

NOW = 1_790_000_000_000
"""2026-09-21T14:13:20Z, in epoch milliseconds: build ids made from it have 19 digits, as real ones do."""


class FixedClock:
    """Tells the same time until `advance`."""

    def __init__(self, now: int = NOW) -> None:
        self.now = now

    def now_ms(self) -> int:
        return self.now

    def advance(self, ms: int) -> int:
        """Let `ms` milliseconds pass; the time after that."""
        self.now += ms
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let the time pass at once."""
        self.advance(round(seconds * 1000))
