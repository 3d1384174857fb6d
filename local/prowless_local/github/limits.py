"""GitHub's rate limits: an hourly budget for each caller, and secondary limits on demand."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prowless_local.github.timestamps import Clock

WINDOW_MS = 60 * 60 * 1000
AUTHENTICATED = 5000
ANONYMOUS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """A caller's budget in the present window; `reset` is in epoch seconds."""

    limit: int
    used: int
    reset: int

    @property
    def remaining(self) -> int:
        """Requests that are left."""
        return max(0, self.limit - self.used)

    def headers(self) -> dict[str, str]:
        """The budget as GitHub puts it on every answer."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Used": str(self.used),
            "X-RateLimit-Reset": str(self.reset),
            "X-RateLimit-Resource": "core",
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondaryLimit:
    """What the next request is refused with."""

    status: int
    retry_after_seconds: int


class Limits:
    """Budgets by caller. Thread-safe. `limit` may be changed at any time."""

    def __init__(self, clock: Clock) -> None:
        self.limit = AUTHENTICATED
        self._clock = clock
        self._lock = threading.Lock()
        self._windows: dict[str, tuple[int, int]] = {}
        self._secondary: list[SecondaryLimit] = []

    def usage(self, budget: str) -> Usage:
        """A caller's usage now."""
        with self._lock:
            return self._usage(budget)

    def count(self, budget: str) -> Usage:
        """Count one request; the usage after it."""
        with self._lock:
            usage = self._usage(budget)
            self._windows[budget] = (usage.reset, usage.used + 1)
            return self._usage(budget)

    def inject_secondary(self, limit: SecondaryLimit, count: int) -> None:
        """Refuse the next `count` requests."""
        with self._lock:
            self._secondary += [limit] * count

    def next_secondary(self) -> SecondaryLimit | None:
        """Take the refusal that is due, if one is."""
        with self._lock:
            return self._secondary.pop(0) if self._secondary else None

    def _usage(self, budget: str) -> Usage:
        now = self._clock.now_ms() // 1000
        reset, used = self._windows.get(budget, (0, 0))
        if reset <= now:
            reset, used = now + WINDOW_MS // 1000, 0
        return Usage(limit=ANONYMOUS if budget == "anonymous" else self.limit, used=used, reset=reset)
