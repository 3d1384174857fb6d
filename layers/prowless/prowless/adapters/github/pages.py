"""The Link header (RFC 8288), as far as pagination needs it."""

from __future__ import annotations

import re

# Every part excludes the character that ends it, so matching takes linear time.
_LINK = re.compile(r"<([^<>]*)>((?:\s*;\s*[^;,\"<>]+(?:\"[^\"]*\")?)*)")
_REL = re.compile(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\s;\"]+))", re.IGNORECASE)


def next_page(link: str) -> str | None:
    """The URL with relation `next`, None on the last page."""
    for target, parameters in _LINK.findall(link):
        relation = _REL.search(parameters)
        if relation and "next" in (relation[1] or relation[2] or "").lower().split():
            return str(target)
    return None
