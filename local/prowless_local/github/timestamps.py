"""GitHub's time format, and the wall clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time. The port's clock is one, and so are the embedded stack's."""

    def now_ms(self) -> int:
        """Epoch milliseconds."""
        ...


class WallClock:
    """The real time."""

    def now_ms(self) -> int:
        """Epoch milliseconds."""
        return time.time_ns() // 1_000_000


def iso8601(at_ms: int) -> str:
    """`2026-01-02T03:04:05Z`: GitHub's times have whole seconds."""
    return datetime.fromtimestamp(at_ms // 1000, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def iso8601_or_none(at_ms: int | None) -> str | None:
    """The time, or None when it has not happened."""
    return None if at_ms is None else iso8601(at_ms)
