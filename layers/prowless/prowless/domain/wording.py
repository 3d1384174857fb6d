"""Values of strangers in our sentences: one line, bounded, and nothing in it that a terminal obeys."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_LISTED = 3


def shown(text: str, limit: int = 80) -> str:
    """The text for people: what does not print (controls, line ends, marks of direction) becomes U+FFFD.

    Args:
        text: anything.
        limit: characters of the answer; what is longer ends in `…`.
    """
    cut = text if len(text) <= limit else f"{text[: limit - 1]}…"
    if cut.isprintable():
        return cut
    return "".join(character if character.isprintable() else "\ufffd" for character in cut)


def marker(key: str) -> str:
    """What a comment of ours ends with, so that it is found again by its key; nobody sees it."""
    return f"<!-- prowless:{hashlib.sha256(key.encode()).hexdigest()[:16]} -->"


def listed(names: Sequence[str], limit: int = 60) -> str:
    """The first few names, separated by commas, and `…` if there are more. `limit` is the length of each."""
    parts = [shown(name, limit) for name in names[:_LISTED]]
    return ", ".join([*parts, "…"] if len(names) > _LISTED else parts)


def counted(number: int, noun: str) -> str:
    """`1 file`, `2 files`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
