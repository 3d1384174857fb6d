"""Configuration documents as data that remembers where it stood."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class Table(dict[str, Any]):
    """A mapping of a document. `line` is where it begins; `lines` has the line of each key, where kept (1-based)."""

    __slots__ = ("line", "lines")

    def __init__(self, line: int = 0) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}

    def line_of(self, key: str) -> int:
        """The line of a key, or of the mapping if it is not known."""
        return self.lines.get(key, self.line)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One file: `data` is made of Table, list, str, int, float, bool and None. `warnings` came up while reading.

    `nodes` counts the values, with aliases expanded.
    """

    path: str
    data: Any
    warnings: tuple[str, ...] = ()
    nodes: int = 0

    def at(self, line: int) -> str:
        """`file:line`, or the file alone."""
        return f"{self.path}:{line}" if line else self.path


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """All documents of one configuration.

    `config` is Prow's config.yaml, `jobs` the files of the job folder in lexical order, `plugins` Prow's plugins.yaml,
    `settings` our prowless.yaml. `origin` says where they came from, for the pointer.
    """

    config: Document | None = None
    jobs: tuple[Document, ...] = ()
    plugins: Document | None = None
    settings: Document | None = None
    origin: Mapping[str, str] = field(default_factory=dict)
