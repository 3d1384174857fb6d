"""How large the regular expressions of a configuration may be together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prowless.domain.errors import ConfigError
from prowless.domain.regex import compile_regex

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_PROGRAM = 20_000_000
"""Instructions of a central configuration's expressions; an ordinary one has less than a hundred."""
MAX_OWN_PROGRAM = 250_000
"""The same for a repository's own files, which pull requests change."""


class PatternBudget:
    """Adds up the instructions of compiled expressions, each distinct one once."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._left = limit
        self._known: set[str] = set()

    def affords(self, patterns: Iterable[str]) -> bool:
        """Whether these fit as well. One that is not RE2 counts nothing here; that it is none is told elsewhere."""
        for pattern in patterns:
            if self._left < 0:
                break
            if pattern and pattern not in self._known:
                self._known.add(pattern)
                self._left -= _size(pattern)
        return self._left >= 0


def _size(pattern: str) -> int:
    try:
        return compile_regex(pattern).size
    except ConfigError:
        return 0
