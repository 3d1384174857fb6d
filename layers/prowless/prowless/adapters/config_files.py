"""Configuration files: YAML as Go reads it, with positions and limits, and the layout of a local folder.

PyYAML's constructor is not used: it turns dates into dates and `1:30` into 90, forgets positions, and takes three times
as long. libyaml's events are the same ones that Prow's parser, a port of it, sees.
"""

from __future__ import annotations

import os
import re
import stat
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from prowless.adapters import prowignore
from prowless.domain.config.document import Document, Sources, Table
from prowless.domain.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_FILE = 8 * 1024 * 1024
"""Bytes of one file, unpacked."""
MAX_NODES = 2_000_000
"""Values of one file with its aliases expanded, which is how they are stored in the end."""
MAX_DEPTH = 100
_TEXT_NODE = 100
"""Characters of a text that weigh as much as a value: an alias may repeat a long text as often as a short one."""
MAX_FILES = 20_000

FILE_NAMES = {"config": "config.yaml", "plugins": "plugins.yaml", "settings": "prowless.yaml"}
"""The files of a configuration folder."""

_SUFFIXES = frozenset({".yaml", ".yml"})
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_GZIP = b"\x1f\x8b"
_TAG = "tag:yaml.org,2002:"
_RESOLVED_TAGS = frozenset({None, _TAG + "int", _TAG + "float", _TAG + "bool", _TAG + "null"})
_TRUE = ("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON")
_FALSE = ("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF")
_NULL = ("", "~", "null", "Null", "NULL")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(_TRUE, True),
    **dict.fromkeys(_FALSE, False),
    **dict.fromkeys(_NULL, None),
}
_INTEGER = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_NOT_JSON = frozenset(
    f"{sign}.{word}" for sign in ("", "+", "-") for word in ("inf", "Inf", "INF", "nan", "NaN", "NAN")
)
_MERGE = object()


def parse_document(path: str, data: bytes, *, max_nodes: int = MAX_NODES) -> Document:
    """A file's first document with positions; gzip is unpacked, as Prow does (`config.go:1974`).

    Args:
        path: as positions show it.
        data: the file.
        max_nodes: how many values it may have at most, aliases expanded; long texts count as several.

    Raises:
        ConfigError: not YAML, or beyond the limits.
    """
    if data.startswith(_GZIP):
        data = _unpacked(path, data)
    if len(data) > MAX_FILE:
        raise ConfigError([f"{path}: larger than {MAX_FILE} bytes"])
    builder = _Builder(path, max_nodes)
    try:
        # yaml.parse asks twice for each event, which is a seventh of the time.
        return builder.document(iter(_LOADER(data).get_event, None))
    except yaml.reader.ReaderError as exc:
        raise ConfigError([f"{path}: not YAML: {exc.reason} (at byte {exc.position})"]) from exc
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        position = f"{path}:{mark.line + 1}" if mark else path
        raise ConfigError([f"{position}: not YAML: {getattr(exc, 'problem', None) or exc}"]) from exc


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Where the parts of a configuration are; any of them may be absent.

    `jobs` are job folders and single job files. Positions show paths relative to `root` where possible.
    """

    config: Path | None = None
    plugins: Path | None = None
    settings: Path | None = None
    jobs: tuple[Path, ...] = ()
    root: Path | None = None

    def shown(self, path: Path) -> str:
        """A path as positions show it."""
        return str(path.relative_to(self.root) if self.root and path.is_relative_to(self.root) else path)


def layout(folder: Path) -> Parts:
    """The parts in a local folder: `config.yaml`, `plugins.yaml`, `prowless.yaml` and the job folder `jobs`.

    Raises:
        ConfigError: the folder does not exist or holds none of them.
    """
    files = {kind: folder / name for kind, name in FILE_NAMES.items()}
    # A link to nowhere, or a folder of such a name, is there: reading it tells what is wrong.
    present = {kind: path for kind, path in files.items() if os.path.lexists(path)}
    jobs = folder / "jobs"
    if not present and not os.path.lexists(jobs):
        raise ConfigError([f"{folder}: neither config.yaml, plugins.yaml, prowless.yaml nor a folder jobs is there"])
    return Parts(**present, jobs=(jobs,) if os.path.lexists(jobs) else (), root=folder)


def read_folder(folder: Path) -> Sources:
    """A local folder's configuration.

    Raises:
        ConfigError: the folder does not exist or holds none of the parts, or files in it cannot be read; all are named.
    """
    return read_sources(layout(folder))


def read_sources(
    parts: Parts, *, problems: list[str] | None = None, progress: Callable[[int, int], None] | None = None
) -> Sources:
    """The documents of a configuration.

    Args:
        parts: where they are.
        problems: collects what cannot be read, instead of an error at the end: the other files can still be checked.
        progress: told after each file how many are read, and of how many.

    Raises:
        ConfigError: files that are not there or cannot be read, all of them at once.
    """
    found: list[str] = [] if problems is None else problems
    files = [(kind, path) for kind in FILE_NAMES if (path := getattr(parts, kind))]
    for folder in parts.jobs:
        try:
            files += [("jobs", path) for path in job_files(folder)]
        except ConfigError as exc:
            found.extend(exc.problems)
    documents: dict[str, list[Document]] = {kind: [] for kind in (*FILE_NAMES, "jobs")}
    for number, (kind, path) in enumerate(files, 1):
        try:
            documents[kind].append(_read(path, parts.shown(path)))
        except ConfigError as exc:
            found.extend(exc.problems)
        if progress:
            progress(number, len(files))
    if found and problems is None:
        raise ConfigError(found)
    single = {kind: documents[kind][0] for kind in FILE_NAMES if documents[kind]}
    origin = {"folder": parts.root.name} if parts.root else {}
    return Sources(**single, jobs=tuple(documents["jobs"]), origin=origin)


def read_in_repo(path: Path) -> tuple[Document, ...]:
    """A repository's own configuration (`inrepoconfig.go:187-264`): `.prow/`, else `.prow.yaml`.

    Args:
        path: the file, the folder `.prow`, or the repository's root, whose `.prowignore` counts for `.prow/`.

    Raises:
        ConfigError: nothing is there, or files cannot be read.
    """
    if path.is_file():
        return (_read(path, str(path)),)
    root, folder = (path, path / ".prow") if (path / ".prow").is_dir() else (path.parent, path)
    if folder is path and (path / ".prow.yaml").is_file():
        return (_read(path / ".prow.yaml", str(path / ".prow.yaml")),)
    rules = [root / prowignore.NAME, *folder.rglob(prowignore.NAME)]
    ignored = prowignore.ignore_rules(
        {rule.relative_to(root).as_posix(): rule.read_bytes() for rule in rules if rule.is_file()}
    )
    names = [name for name in sorted(folder.rglob("*")) if name.suffix in _SUFFIXES and name.is_file()]
    if not folder.is_dir() or not names:
        raise ConfigError([f"{path}: neither .prow.yaml nor a folder .prow with YAML files is there"])
    return tuple(_read(name, str(name)) for name in names if not ignored(name.relative_to(root).as_posix()))


def _read(path: Path, shown: str) -> Document:
    return parse_document(shown, _bytes(path, shown))


def _bytes(path: Path, shown: str) -> bytes:
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            # Reading a pipe would wait for whoever writes.
            raise ConfigError([f"{shown}: not a file"])
        if found.st_size > MAX_FILE:
            raise ConfigError([f"{shown}: larger than {MAX_FILE} bytes"])
        return path.read_bytes()
    except OSError as exc:
        raise ConfigError([f"{shown}: cannot be read: {exc.strerror}"]) from exc


def job_files(folder: Path) -> list[Path]:
    """The job files below a folder in lexical order (`config.go:1700-2010`).

    Left out are ConfigMap internals (`..*`) and what `.prowignore` files name, in this folder or below.

    Raises:
        ConfigError: the folder is not there, there are too many files, or a `.prowignore` cannot be used.
    """
    if folder.is_file():
        return [folder]
    if not folder.is_dir():
        raise ConfigError([f"{folder}: there is no such file or folder"])
    files: list[Path] = []
    rules: dict[str, bytes] = {}
    for path in _below(folder):
        if path.suffix in _SUFFIXES:
            files.append(path)
        elif path.name == prowignore.NAME:
            rules[path.relative_to(folder).as_posix()] = _bytes(path, str(path))
    ignored = prowignore.ignore_rules(rules)
    files = [path for path in files if not ignored(path.relative_to(folder).as_posix())]
    if len(files) > MAX_FILES:
        raise ConfigError([f"{folder}: {len(files)} job files are more than {MAX_FILES}"])
    return files


def _below(folder: Path) -> list[Path]:
    """What is below a folder and is no folder itself, in lexical order, without ConfigMap internals (`..*`).

    Raises:
        ConfigError: folders that cannot be read, all of them: jobs in them would be lost.
    """
    problems: list[str] = []

    def refuse(exc: OSError) -> None:
        problems.append(f"{exc.filename}: cannot be read: {exc.strerror}")

    found: list[Path] = []
    for root, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith("..")]
        found += [Path(root, name) for name in names if not name.startswith("..")]
    if problems:
        raise ConfigError(sorted(problems))
    return sorted(found)


def _unpacked(path: str, data: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=zlib.MAX_WBITS | 16).decompress(data, MAX_FILE + 1)
    except zlib.error as exc:
        raise ConfigError([f"{path}: not gzip: {exc}"]) from exc


class _Builder:
    """Builds one document from events. Aliases share their value and count as often as they are used."""

    def __init__(self, path: str, max_nodes: int) -> None:
        self._path = path
        self._max_nodes = max_nodes
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._nodes = 0
        self._warnings: list[str] = []

    def document(self, events: Iterator[Any]) -> Document:
        """The first document of the stream."""
        data: Any = None
        read = False
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                if read:
                    self._warnings.append(f"{self._at(event)}: only the first document of a file is read")
                    break
                data = self._value(next(events), events, 0)
                read = True
        return Document(path=self._path, data=data, warnings=tuple(self._warnings), nodes=self._nodes)

    def _at(self, event: Any) -> str:
        return f"{self._path}:{event.start_mark.line + 1}"

    def _refuse(self, event: Any, what: str) -> ConfigError:
        return ConfigError([f"{self._at(event)}: {what}"])

    def _value(self, event: Any, events: Iterator[Any], depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise self._refuse(event, f"nested deeper than {MAX_DEPTH} levels")
        before = self._nodes
        self._count(event, 1)
        if isinstance(event, yaml.ScalarEvent):
            self._count(event, len(event.value) // _TEXT_NODE)
            value = self._scalar(event)
        elif isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        elif isinstance(event, yaml.MappingStartEvent):
            value = self._mapping(event, events, depth)
        else:
            value = self._sequence(events, depth)
        if event.anchor:
            self._anchors[event.anchor] = (value, self._nodes - before)
        return value

    def _count(self, event: Any, nodes: int) -> None:
        self._nodes += nodes
        if self._nodes > self._max_nodes:
            raise self._refuse(event, f"more than {self._max_nodes} values, aliases expanded")

    def _alias(self, event: Any) -> Any:
        if event.anchor not in self._anchors:
            raise self._refuse(event, f"the alias *{event.anchor} is unknown here, or stands inside its own anchor")
        value, nodes = self._anchors[event.anchor]
        self._count(event, nodes)
        return value

    def _sequence(self, events: Iterator[Any], depth: int) -> list[Any]:
        items: list[Any] = []
        for event in events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            items.append(self._value(event, events, depth + 1))
        return items

    def _mapping(self, start: Any, events: Iterator[Any], depth: int) -> Table:
        table = Table(start.start_mark.line + 1)
        merged: list[Any] = []
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key = self._key(event, events, depth)
            following = next(events)
            value = self._value(following, events, depth + 1)
            if key is _MERGE:
                merged += self._merged(following, value)
                continue
            if key in table:
                self._warnings.append(
                    f"{self._at(event)}: the key {key!r} stands here again; line {table.lines[key]} is lost"
                )
            table[key] = value
            table.lines[key] = event.start_mark.line + 1
        for other in merged:
            self._count(start, len(other))
            for key, value in other.items():
                if key not in table:
                    table[key] = value
                    table.lines[key] = other.line_of(key)
        return table

    def _merged(self, event: Any, value: Any) -> list[Table]:
        tables = value if isinstance(value, list) else [value]
        if not all(isinstance(table, Table) for table in tables):
            raise self._refuse(event, "map merge requires map or sequence of maps as the value")
        return list(tables)

    def _key(self, event: Any, events: Iterator[Any], depth: int) -> Any:
        if isinstance(event, yaml.ScalarEvent) and event.value == "<<" and event.tag is None and event.implicit[0]:
            return _MERGE
        key = self._value(event, events, depth + 1)
        if isinstance(key, str):
            return key
        if isinstance(key, bool):
            return "true" if key else "false"
        if isinstance(key, int | float):
            return str(key)
        raise self._refuse(event, "a mapping's key must be a text")

    def _scalar(self, event: Any) -> Any:
        # implicit[0] is set for plain scalars without a tag: only these are not simply text.
        if event.tag in _RESOLVED_TAGS and (event.implicit[0] or event.tag is not None):
            value = _resolved(event.value)
            if value is _MERGE:
                raise self._refuse(event, f"{event.value} is not a number that JSON knows")
            return value
        return event.value


def _resolved(text: str) -> Any:
    """A plain scalar as Go's YAML 1.1 reads it; dates and `1:30` stay text."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    if text in _NOT_JSON:
        return _MERGE
    number = text.replace("_", "") if text[0] != "." else text
    if match := _INTEGER.fullmatch(number):
        sign = -1 if match[1] == "-" else 1
        for group, base in ((2, 16), (3, 2), (4, 8), (5, 10)):
            if match[group] is not None:
                return sign * int(match[group], base)
    return float(number) if _FLOAT.fullmatch(number) else text
