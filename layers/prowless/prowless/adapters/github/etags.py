"""Answers kept for conditional requests: a 304 costs no quota."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prowless.adapters.github.transport import Response

MAX_ENTRIES = 256
MAX_BYTES = 8 * 1024 * 1024
MAX_ENTRY_BYTES = 1024 * 1024


class EtagCache:
    """The least recently used go first, beyond `max_entries` answers or `max_bytes` of bodies in all."""

    def __init__(self, *, max_entries: int = MAX_ENTRIES, max_bytes: int = MAX_BYTES) -> None:
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._kept: OrderedDict[tuple[str, ...], Response] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: tuple[str, ...]) -> Response | None:
        """The kept answer."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: tuple[str, ...], response: Response) -> None:
        """Keep an answer, if it has an ETag and is not too large."""
        if not response.header("etag") or len(response.body) > min(MAX_ENTRY_BYTES, self._max_bytes):
            return
        with self._lock:
            old = self._kept.pop(key, None)
            self._bytes += len(response.body) - (len(old.body) if old else 0)
            self._kept[key] = response
            while len(self._kept) > self._max_entries or self._bytes > self._max_bytes:
                self._bytes -= len(self._kept.popitem(last=False)[1].body)
