"""Container paths to local ones, where there is no mount namespace to do it."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

# A container path in a text starts where no other path or word goes on (`/x/logs` and `a/logs` are not `/logs`), or
# after `file://`, and ends at a path boundary (`/logs-old` and `/logs.txt` are not `/logs`).
_BEFORE = r"(?:(?<=file://)|(?<![\w.~)}\]*/-]))"
_AFTER = r"(?![\w-]|\.\w)"


def normalized(path: str) -> str:
    """The path without trailing or double slashes and dots."""
    return posixpath.normpath(path)


class PathRewriter:
    """Replaces container paths by local ones, wherever they stand in a text, the longest first and each once."""

    def __init__(self, pairs: Iterable[tuple[str, Path]]) -> None:
        found = {normalized(container): str(local) for container, local in pairs}
        self._local = {container: local for container, local in found.items() if container not in {"/", "."}}
        longest_first = sorted(self._local, key=len, reverse=True)
        alternatives = "|".join(re.escape(container) for container in longest_first)
        self._pattern = re.compile(f"{_BEFORE}({alternatives}){_AFTER}") if longest_first else None

    def text(self, text: str) -> str:
        """The text with local paths."""
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda match: self._local[match[1]], text)

    def path(self, path: str) -> str | None:
        """The local place of a container path, or None if it is below none of the given ones."""
        path = normalized(path)
        best = ""
        for container in self._local:
            if (path == container or path.startswith(container + "/")) and len(container) > len(best):
                best = container
        return self._local[best] + path[len(best) :] if best else None
