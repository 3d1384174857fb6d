"""Addresses in configuration, as far as Go's `url.Parse` refuses them."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_COLON = re.compile(r"[^A-Za-z/?#][^/?#]*:")


def address_problem(written: str) -> str:
    """Why an address cannot be parsed; empty if it can, as nearly every text."""
    if any(ord(character) < ord(" ") or character == "\x7f" for character in written):
        return "invalid control character in URL"
    if found := _BAD_ESCAPE.search(written.partition("?")[0]):
        return f'invalid URL escape "{written[found.start() : found.start() + 3]}"'
    if written.startswith(":"):
        return "missing protocol scheme"
    if _COLON.match(written):
        return "first path segment in URL cannot contain colon"
    try:
        parts = urlsplit(written)
        _ = parts.port
    except ValueError as exc:
        return str(exc)
    return "invalid character in host name" if " " in parts.netloc else ""
