"""Values of strangers in our sentences: one line, bounded, and nothing in it that a terminal obeys."""

from __future__ import annotations

import hashlib
import re
import string
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_LISTED = 3
_ESCAPES = {character: f"&#{ord(character)};" for character in string.punctuation if character not in ",;-()'"}
_ESCAPES |= {character: f"&#{ord(character)};&#8203;" for character in "@#"}  # these work on the text, after Markdown
_BACKTICKS = re.compile("`+")

MAX_LINES = 50
"""Lines in a block of code."""
MAX_LINE = 500


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


def markdown(text: str, limit: int) -> str:
    """Plain text for one cell of a table on GitHub: no markup, no mention and no reference of it takes effect.

    Args:
        text: anything.
        limit: characters of the text; the answer may be six times as long.
    """
    return "".join(_ESCAPES.get(character, character) for character in shown(text, limit))


def marker(key: str) -> str:
    """What a comment of ours ends with, so that it is found again by its key; nobody sees it."""
    return f"<!-- prowless:{hashlib.sha256(key.encode()).hexdigest()[:16]} -->"


def uncommented(text: str) -> str:
    """The text with no HTML comment in it, which could pass for a marker of ours."""
    return text.replace("<!--", "<! --")


def marked(body: str, mark: str) -> bool:
    """Whether a comment ends with a marker: only there it is ours, elsewhere it may be a stranger's words."""
    return body.rstrip().endswith(mark)


def listed(names: Sequence[str], limit: int = 60) -> str:
    """The first few names, separated by commas, and `…` if there are more. `limit` is the length of each."""
    parts = [shown(name, limit) for name in names[:_LISTED]]
    return ", ".join([*parts, "…"] if len(names) > _LISTED else parts)


def counted(number: int, noun: str) -> str:
    """`1 file`, `2 files`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def fenced(lines: Sequence[str]) -> str:
    """The first lines in a block of code that none of them can end, and without comments that a marker could be in."""
    told = [uncommented(shown(line, MAX_LINE)) for line in lines[:MAX_LINES]]
    if len(lines) > MAX_LINES:
        told.append(f"… and {len(lines) - MAX_LINES} more")
    text = "\n".join(told)
    fence = "`" * max(3, 1 + max((len(run) for run in _BACKTICKS.findall(text)), default=0))
    return f"{fence}text\n{text}\n{fence}"
