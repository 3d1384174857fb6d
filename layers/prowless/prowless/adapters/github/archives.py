"""The wanted files of a repository's archive: a gzipped tar, unpacked as a stream within limits, nothing on disk."""

from __future__ import annotations

import tarfile
import zlib
from typing import IO, TYPE_CHECKING, cast

from prowless.domain.errors import PermanentError, RetryableError, TooLargeError

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_PACKED = 256 * 1024 * 1024
MAX_UNPACKED = 2 * 1024 * 1024 * 1024
"""Bytes that are looked through, at a few hundred megabytes a second."""
MAX_ENTRIES = 500_000
MAX_WANTED = 32 * 1024 * 1024
"""Bytes of wanted files together; the largest public configuration has 12 MB."""
MAX_FILE = 8 * 1024 * 1024
"""Bytes of one wanted file; a larger one is left out."""
MAX_HEADER = 64 * 1024
"""Bytes of a header that tar keeps apart from its entry, such as a long path; tarfile reads it whole."""

_PIECE = 64 * 1024
_GZIP = b"\x1f\x8b"
_APART = frozenset({tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, b"L", b"K"})


def unpack(name: str, data: bytes, wanted: Callable[[str], bool]) -> dict[str, bytes]:
    """The wanted regular files, by their path below the archive's one folder.

    Args:
        name: what the archive is of, for messages.
        data: the archive.
        wanted: says which paths; asked for regular files only.

    Raises:
        TooLargeError: beyond a limit.
        RetryableError: the archive ends too early.
        PermanentError: it is no archive.
    """
    found: dict[str, bytes] = {}
    size = entries = 0
    stream = _Unpacked(name, data)
    try:
        with tarfile.open(fileobj=cast("IO[bytes]", stream), mode="r|", tarinfo=_Entry) as archive:
            while member := archive.next():
                archive.members.clear()  # type: ignore[attr-defined]  # tarfile would keep all that it has seen
                entries += 1
                if entries > MAX_ENTRIES:
                    raise TooLargeError(f"{name}: more than {MAX_ENTRIES} entries")
                path = member.name.partition("/")[2]
                if not member.isreg() or member.issparse() or member.size > MAX_FILE or not wanted(path):
                    continue
                size += member.size
                if size > MAX_WANTED:
                    raise TooLargeError(f"{name}: more than {MAX_WANTED} bytes in the files that are to be read")
                content = archive.extractfile(member)
                found[path] = content.read() if content else b""
    except tarfile.TarError as exc:
        if not stream.cut:
            raise PermanentError(f"{name}: not an archive: {exc}") from exc
    while stream.read(_PIECE):
        pass  # what follows the archive's end counts as well
    if stream.cut:
        raise RetryableError(f"{name}: the archive ends too early")
    return found


class _Entry(tarfile.TarInfo):
    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _Entry:
        entry = super().frombuf(buf, encoding, errors)
        if entry.type in _APART and entry.size > MAX_HEADER:
            raise TooLargeError(f"an archive's header has {entry.size} bytes, more than {MAX_HEADER}")
        return entry


class _Unpacked:
    """The unpacked bytes, as many as are asked for at a time."""

    def __init__(self, name: str, data: bytes) -> None:
        self._name = name
        self._gzip = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16) if data.startswith(_GZIP) else None
        self._data = memoryview(data)
        self._at = 0
        self._tail = b""
        self._read = 0

    @property
    def cut(self) -> bool:
        """Whether all was read and there should have been more."""
        return self._gzip is not None and not self._gzip.eof and not self._tail and self._at >= len(self._data)

    def read(self, size: int) -> bytes:
        """At most that many bytes, none at the end."""
        chunk = b""
        while not chunk and (piece := self._tail or self._next(size)):
            if self._gzip is None:
                chunk, self._tail = piece[:size], piece[size:]
            else:
                # A whole archive handed over would be copied at every call, as what is left of it.
                try:
                    chunk = self._gzip.decompress(piece, size)
                except zlib.error as exc:
                    raise PermanentError(f"{self._name}: not an archive: {exc}") from exc
                self._tail = self._gzip.unconsumed_tail
        self._read += len(chunk)
        if self._read > MAX_UNPACKED:
            raise TooLargeError(f"{self._name}: more than {MAX_UNPACKED} bytes unpacked")
        return chunk

    def _next(self, size: int) -> bytes:
        if self._gzip is not None and self._gzip.eof:
            return b""
        piece = bytes(self._data[self._at : self._at + (_PIECE if self._gzip else size)])
        self._at += len(piece)
        return piece
