"""Container logs: written by a runner, read (also while they grow) through the API, bounded."""

from __future__ import annotations

import bisect
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from prowless_local.cluster.objects import rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from prowless_local.clock import Clock
    from prowless_local.waiting import Event

DEFAULT_LOG_LIMIT = 64 * 1024 * 1024
_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class LogQuery:
    """What of a log is asked for, as `GET …/log` has it. `since_ms` is epoch milliseconds."""

    follow: bool = False
    tail_lines: int | None = None
    limit_bytes: int | None = None
    since_ms: int | None = None
    timestamps: bool = False


class LogFile:
    """One container's log, at most `limit` bytes; what comes after is counted and dropped, and the log says so.

    Times are kept per write, not per line: lines that a program wrote at once have one time.
    """

    def __init__(self, path: Path, clock: Clock, limit: int = DEFAULT_LOG_LIMIT) -> None:
        self._path = path
        self._clock = clock
        self._limit = limit
        self._lock = threading.Lock()
        self._size = 0
        self._marks: list[tuple[int, int]] = []  # (offset, epoch ms), ascending in both
        self._dropped = 0
        self._closed = False
        self._readers: set[Event] = set()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: BinaryIO = path.open("wb", buffering=0)

    def write(self, data: bytes) -> None:
        """Append, up to the limit."""
        with self._lock:
            if self._closed or not data:
                return
            kept = data[: max(0, self._limit - self._size)]
            if kept:
                self._append(kept)
            if len(kept) < len(data):
                if not self._dropped:
                    self._append(f"\n[log cut here: it reached {self._limit} bytes]\n".encode())
                self._dropped += len(data) - len(kept)
            self._wake()

    def close(self) -> None:
        """Nothing more will be written."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._file.close()
            self._wake()

    def delete(self) -> None:
        """Close it and remove the file."""
        self.close()
        self._path.unlink(missing_ok=True)

    def read(self, query: LogQuery) -> Iterator[bytes]:
        """The log's bytes; with `follow`, as they come until the container ends."""
        left = query.limit_bytes
        for chunk in self._timed(query) if query.timestamps else self._chunks(query):
            if left is not None and len(chunk) >= left:
                yield chunk[:left]
                return
            if left is not None:
                left -= len(chunk)
            yield chunk

    def _append(self, data: bytes) -> None:
        now = self._clock.now_ms()
        if not self._marks or self._marks[-1][1] != now:
            self._marks.append((self._size, now))
        self._file.write(data)
        self._size += len(data)

    def _wake(self) -> None:
        for reader in self._readers:
            reader.set()

    def _chunks(self, query: LogQuery) -> Iterator[bytes]:
        offset = self._start(query)
        changed = self._clock.event()
        with self._lock:
            self._readers.add(changed)
        try:
            with self._path.open("rb") as file:
                while True:
                    changed.clear()
                    with self._lock:
                        size, closed = self._size, self._closed
                    file.seek(offset)
                    while offset < size and (chunk := file.read(min(_CHUNK, size - offset))):
                        offset += len(chunk)
                        yield chunk
                    if closed or not query.follow:
                        return
                    changed.wait()
        except FileNotFoundError:  # the pod was deleted while the log was read
            return
        finally:
            with self._lock:
                self._readers.discard(changed)

    def _timed(self, query: LogQuery) -> Iterator[bytes]:
        """Every line with its time in front."""
        offset, rest = self._start(query), b""
        for chunk in self._chunks(query):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                yield self._stamp(offset) + line + b"\n"
                offset += len(line) + 1
        if rest:
            yield self._stamp(offset) + rest

    def _stamp(self, offset: int) -> bytes:
        with self._lock:
            index = bisect.bisect_right(self._marks, (offset, 1 << 62)) - 1
            moment = self._marks[max(0, index)][1] if self._marks else self._clock.now_ms()
        return f"{rfc3339(moment)} ".encode()

    def _start(self, query: LogQuery) -> int:
        """The first byte that is asked for."""
        start = 0
        with self._lock:
            size, marks = self._size, list(self._marks)
        if query.since_ms is not None:
            index = bisect.bisect_left([moment for _, moment in marks], query.since_ms)
            start = marks[index][0] if index < len(marks) else size
        if query.tail_lines is not None:
            start = max(start, self._tail_start(size, query.tail_lines))
        return start

    def _tail_start(self, size: int, lines: int) -> int:
        if lines <= 0:
            return size
        wanted, position = lines, size
        with self._path.open("rb") as file:
            file.seek(max(0, size - 1))
            if file.read(1) == b"\n":
                wanted += 1
            while position > 0:
                length = min(_CHUNK, position)
                file.seek(position - length)
                chunk = file.read(length)
                found = chunk.count(b"\n")
                if found >= wanted:
                    cut = len(chunk)
                    for _ in range(wanted):
                        cut = chunk.rindex(b"\n", 0, cut)
                    return position - length + cut + 1
                wanted -= found
                position -= length
        return 0
