"""From documents to typed fields, as Go's decoder does: keys match whatever their case, null is absent.

Unlike Prow, an unknown key is named, with the nearest known one; unlike Go, every problem is collected.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from prowless.domain.config import warning_names
from prowless.domain.config.document import Document, Table
from prowless.domain.durations import parse_duration_ms
from prowless.domain.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from prowless.domain.config.findings import Problems

    Kind = Callable[["Reader", Any, str, str], Any]
    """Reads one value: reader, value, position, and the field's name for messages. None: refused and reported."""


@dataclass(frozen=True, slots=True)
class Struct:
    """The fields of a Go struct: what each is, and which of them are accepted without an effect."""

    name: str
    fields: Mapping[str, Kind]
    unused: frozenset[str] = frozenset()
    folded: dict[str, str] = field(default_factory=dict, compare=False)

    def key(self, written: str) -> str | None:
        """The field that a key means: exact, else whatever its case (`encoding/json`)."""
        if written in self.fields:
            return written
        if not self.folded:
            self.folded.update({name.lower(): name for name in self.fields})
        return self.folded.get(written.lower())


@dataclass(slots=True)
class Reader:
    """Reads the tables of one document. `unknown` is the name of its warnings about unknown fields."""

    document: Document
    problems: Problems
    unknown: str = warning_names.UNKNOWN_IN_JOBS

    def table(self, value: Any, at: str, what: str) -> Table | None:
        """A mapping, or None after reporting that it is something else."""
        if isinstance(value, Table):
            return value
        self.problems.error(at, f"{what}: expected a mapping, found {described(value)}")
        return None

    def struct(self, value: Any, struct: Struct, at: str, what: str = "") -> dict[str, Any]:
        """The fields of a struct that are set, by their own names."""
        table = self.table(value, at, what or struct.name)
        fields: dict[str, Any] = {}
        for written, item in (table or {}).items():
            position = self.document.at(table.line_of(written)) if table is not None else at
            name = struct.key(written)
            if name is None:
                self.unknown_field(position, written, what or struct.name, struct.fields)
                continue
            if name in struct.unused:
                self.problems.note_once(position, f"{name} is read and not acted on")
            if item is not None:
                found = struct.fields[name](self, item, position, f"{what}: {name}" if what else name)
                if found is not None:
                    fields[name] = found
        return fields

    def unknown_field(self, at: str, written: str, what: str, known: Iterable[str]) -> None:
        """Name a field that nothing reads, with the nearest one that something does."""
        self.problems.warn(at, f"unknown field {written!r} in {what}{nearest(written, known)}", self.unknown)

    def items(self, value: Any, at: str, what: str) -> list[tuple[Any, str]]:
        """The items of a list with their positions."""
        if value is None:
            return []
        if not isinstance(value, list):
            self.problems.error(at, f"{what}: expected a list, found {described(value)}")
            return []
        return [(item, self.document.at(item.line) if isinstance(item, Table) else at) for item in value]


def text(reader: Reader, value: Any, at: str, what: str) -> str | None:
    """A text. A bare number or boolean is refused, as Go does for the fields of jobs: it lost its spelling."""
    if isinstance(value, str):
        return value
    reader.problems.error(at, f"{what}: expected a text, found {described(value)}: put it in quotes")
    return None


def boolean(reader: Reader, value: Any, at: str, what: str) -> bool | None:
    """A boolean of YAML 1.1."""
    if isinstance(value, bool):
        return value
    reader.problems.error(at, f"{what}: expected true or false, found {described(value)}")
    return None


def integer(reader: Reader, value: Any, at: str, what: str) -> int | None:
    """A whole number."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    reader.problems.error(at, f"{what}: expected a whole number, found {described(value)}")
    return None


def duration(reader: Reader, value: Any, at: str, what: str) -> str | None:
    """A Go duration, checked and left as it is written."""
    written = text(reader, value, at, what)
    if written is None:
        return None
    try:
        parse_duration_ms(written)
    except ConfigError as exc:
        reader.problems.error(at, f"{what}: {exc}")
        return None
    return written


def duration_or_nanoseconds(reader: Reader, value: Any, at: str, what: str) -> str | None:
    """A Go duration, or a bare number of nanoseconds, which only Prow's own type accepts (`prowjobs/v1/types.go`)."""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value}ns"
    return duration(reader, value, at, what)


def texts(reader: Reader, value: Any, at: str, what: str) -> list[str] | None:
    """A list of texts. An item that is null is the empty text, as Go's decoder has it."""
    items = [("" if item is None else item, position) for item, position in reader.items(value, at, what)]
    found = [text(reader, item, position, f"{what}[{index}]") for index, (item, position) in enumerate(items)]
    return [item for item in found if item is not None]


def text_map(reader: Reader, value: Any, at: str, what: str) -> dict[str, str] | None:
    """A mapping of texts."""
    found: dict[str, str] | None = mapping_of(text)(reader, value, at, what)
    return found


def opaque(_reader: Reader, value: Any, _at: str, _what: str) -> Any:
    """Anything, unread."""
    return value


def mapping(reader: Reader, value: Any, at: str, what: str) -> dict[str, Any] | None:
    """A mapping whose inside is not ours."""
    return reader.table(value, at, what)


def mapping_of(kind: Kind) -> Kind:
    """A mapping with values of one kind."""

    def read(reader: Reader, value: Any, at: str, what: str) -> dict[str, Any] | None:
        table = reader.table(value, at, what)
        if table is None:
            return None
        found = {
            key: kind(reader, item, reader.document.at(table.line_of(key)), f"{what}[{key}]")
            for key, item in table.items()
            if item is not None
        }
        return {key: item for key, item in found.items() if item is not None}

    return read


def structure(struct: Struct) -> Kind:
    """A nested struct."""

    def read(reader: Reader, value: Any, at: str, what: str) -> dict[str, Any]:
        return reader.struct(value, struct, at, what)

    return read


def list_of(kind: Kind) -> Kind:
    """A list of one kind."""

    def read(reader: Reader, value: Any, at: str, what: str) -> list[Any]:
        items = reader.items(value, at, what)
        found = [kind(reader, item, position, f"{what}[{index}]") for index, (item, position) in enumerate(items)]
        return [item for item in found if item is not None]

    return read


def nearest(written: str, known: Iterable[str]) -> str:
    """`; did you mean …?`, if something known is close."""
    lower = {name.lower(): name for name in known}
    close = get_close_matches(written.lower()[:80], lower, n=1, cutoff=0.6)
    return f"; did you mean {lower[close[0]]!r}?" if close else ""


def described(value: Any) -> str:
    """A value as messages show it."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return f"the text {value[:60]!r}"
    return f"the value {str(value).lower() if isinstance(value, bool) else value}"
