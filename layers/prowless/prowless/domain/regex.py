"""Regular expressions in Go's dialect: RE2, unanchored search, linear time on patterns that strangers write."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import re2

from prowless.domain.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_PATTERN = 8_192
"""Characters. The longest of two thousand expressions in public configurations has some two hundred."""
_MAX_MEMORY = 512 * 1024
"""Bytes a compiled pattern may take with what a search keeps of it; RE2 refuses what would need more. The largest of
the public ones needs less than an eighth. A search of 60 KB with the worst that fits takes a tenth of a second."""
_MAX_SET_MEMORY = 8 << 20
_MAX_KEPT = 2_000_000
"""Instructions of all patterns that are kept compiled, each some 16 bytes."""
_MAX_PATTERNS = 8_192


def _options(max_mem: int) -> Any:
    options = re2.Options()
    options.log_errors = False  # else RE2 writes every stranger's bad pattern to stderr
    options.max_mem = max_mem
    options.never_capture = True  # only whether something matches is asked, and that is found twice as fast
    return options


_OPTIONS = _options(_MAX_MEMORY)
_SET_OPTIONS = _options(_MAX_SET_MEMORY)


class Regex:
    """A compiled pattern."""

    __slots__ = ("_compiled", "pattern")

    def __init__(self, pattern: str, compiled: Any) -> None:
        self.pattern = pattern
        self._compiled = compiled

    @property
    def size(self) -> int:
        """Instructions, which a search may have to look at for every character."""
        return int(self._compiled.programsize)

    def search(self, text: str) -> bool:
        """Whether the pattern is found anywhere in the text, as Go's MatchString."""
        return self._compiled.search(_bytes(text)) is not None


class RegexSet:
    """Several compiled patterns, looked for in one pass over a text."""

    __slots__ = ("_compiled", "patterns")

    def __init__(self, patterns: tuple[str, ...], compiled: Any) -> None:
        """`compiled` holds the patterns and, last, one that matches everything; None: each is searched for itself."""
        self.patterns = patterns
        self._compiled = compiled

    def search(self, text: str) -> Sequence[int]:
        """The positions of those patterns that are found anywhere in the text."""
        hits = self._compiled.Match(_bytes(text)) if self._compiled else None
        if hits is None:  # RE2 gave up: even the pattern that matches everything was not found
            return [at for at, pattern in enumerate(self.patterns) if compile_regex(pattern).search(text)]
        last = len(self.patterns)
        return [at for at in hits if at != last]


def _bytes(text: str) -> bytes:
    # Given bytes, the binding need not count characters. A lone surrogate, which no UTF-8 text has, becomes `?`.
    return text.encode(errors="replace")


class _Kept:
    """Compiled patterns, bounded in number and size: a few hundred large ones would fill a function's memory."""

    def __init__(self) -> None:
        self.found: dict[str, Regex] = {}
        self.size = 0

    def put(self, regex: Regex) -> None:
        """Keep one; when there is no room all others go, as the next event has other patterns."""
        self.size += regex.size
        if self.size > _MAX_KEPT or len(self.found) >= _MAX_PATTERNS:
            self.clear()
            self.size = regex.size
        self.found[regex.pattern] = regex

    def clear(self) -> None:
        self.found.clear()
        self.size = 0


_KEPT = _Kept()


def compile_regex(pattern: str) -> Regex:
    """The compiled pattern, from a cache that a warm function keeps.

    Raises:
        ConfigError: the pattern is not RE2 (look-around and back-references are not), or too large.
    """
    if (kept := _KEPT.found.get(pattern)) is not None:
        return kept
    if len(pattern) > MAX_PATTERN:
        raise ConfigError([f"regular expression of {len(pattern)} characters is longer than {MAX_PATTERN}"])
    try:
        regex = Regex(pattern, re2.compile(pattern.encode(), _OPTIONS))
    except (re2.error, UnicodeEncodeError) as exc:
        detail = exc.args[0] if isinstance(exc, re2.error) and exc.args else str(exc)
        text = detail.decode(errors="replace") if isinstance(detail, bytes) else str(detail)
        raise ConfigError([f"error parsing regexp: {text}: {pattern[:200]!r} (the dialect is RE2)"]) from exc
    _KEPT.put(regex)
    return regex


def forget() -> None:
    """Empty both caches, for measurements."""
    _KEPT.clear()
    compile_set.cache_clear()


@lru_cache(maxsize=8)
def compile_set(patterns: tuple[str, ...]) -> RegexSet:
    """The compiled patterns together, from a cache that a warm function keeps.

    What RE2 refuses, alone or because all of it is too large, is searched for pattern by pattern; a search then raises
    what `compile_regex` says of the pattern.
    """
    compiled = re2.Set.SearchSet(_SET_OPTIONS)
    try:
        for pattern in patterns:
            compiled.Add(pattern.encode())
        compiled.Add(b"")
        compiled.Compile()
    except (re2.error, UnicodeEncodeError):
        compiled = None
    return RegexSet(patterns, compiled)
