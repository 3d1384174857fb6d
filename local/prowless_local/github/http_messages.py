"""A request and a response, independent of the server that carries them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request; `path` is still quoted, header names are in lower case, `body` is decoded from any transfer coding."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A response; `drop` closes the connection instead. `auth` is who asked, for the log."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    drop: bool = False
    auth: str = "anonymous"


def encoded(value: Any) -> tuple[bytes, str]:
    """A body and its content type: bytes and text as they are, anything else as JSON."""
    if value is None:
        return b"", "application/json; charset=utf-8"
    if isinstance(value, bytes):
        return value, "application/octet-stream"
    if isinstance(value, str):
        return value.encode(), "text/plain; charset=utf-8"
    raw = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    return raw, "application/json; charset=utf-8"
