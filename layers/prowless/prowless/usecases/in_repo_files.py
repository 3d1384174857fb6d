"""Which files of a tree are a repository's own configuration (`pkg/config/inrepoconfig.go:187-264`), and how large."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from prowless.domain.errors import ConfigError
from prowless.domain.wording import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from prowless.ports.config import IgnoreRules
    from prowless.ports.github import TreeEntry

FOLDER, FILE, IGNORE = ".prow", ".prow.yaml", ".prowignore"

MAX_FILES = 100
"""Files of `.prow/`; each costs a call."""
MAX_FILE = 1024 * 1024
"""Bytes of one file."""
MAX_TOTAL = 4 * 1024 * 1024
"""Bytes of all of them."""

_SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True, slots=True, kw_only=True)
class InRepoFiles:
    """What a tree's root holds. `folder` is the tree of `.prow/`; then `file` does not count, as in Prow.

    `notes` say what is there and was not taken.
    """

    folder: str = ""
    file: TreeEntry | None = None
    ignore: TreeEntry | None = None
    notes: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The same for trees whose files say the same; empty if there are none."""
        if self.folder:
            return f"{self.folder}-{self.ignore.sha}" if self.ignore else self.folder
        return self.file.sha if self.file else ""


def find(root: Iterable[TreeEntry]) -> InRepoFiles:
    """The configuration of a tree by the entries of its root. Symbolic links are not followed."""
    named = {entry.path: entry for entry in root if entry.path in {FOLDER, FILE, IGNORE}}
    notes = [
        f"{path}: a symbolic link, which is not followed"
        for path, entry in named.items()
        if entry.type == "blob" and not entry.is_file
    ]
    folder = named.get(FOLDER)
    file, ignore = (entry if (entry := named.get(path)) and entry.is_file else None for path in (FILE, IGNORE))
    if folder is not None and folder.type == "tree":
        if file is not None:
            notes.append(f"{FILE} is not read: there is a folder {FOLDER}")
        return InRepoFiles(folder=folder.sha, ignore=ignore, notes=tuple(notes))
    return InRepoFiles(file=file, notes=tuple(notes))


def rule_files(below: Iterable[TreeEntry]) -> list[TreeEntry]:
    """The `.prowignore` files inside of `.prow/`. `below` are all its entries, with paths from the root."""
    return [entry for entry in below if entry.is_file and entry.path.rpartition("/")[2] == IGNORE]


def job_files(
    below: Iterable[TreeEntry], rules: Mapping[str, bytes], ignore_rules: IgnoreRules
) -> tuple[list[TreeEntry], list[str]]:
    """The files of `.prow/` that count, in lexical order, and notes on what does not.

    Args:
        below: all its entries, with paths from the root.
        rules: the `.prowignore` files, by path from the root.
        ignore_rules: reads them.

    Raises:
        ConfigError: a `.prowignore` cannot be used.
    """
    ignored: Callable[[str], bool] = ignore_rules(rules) if rules else lambda _: False
    found = [entry for entry in below if entry.type == "blob" and entry.path.endswith(_SUFFIXES)]
    kept = [entry for entry in sorted(found, key=lambda entry: entry.path) if not ignored(entry.path)]
    links = [f"{shown(entry.path)}: a symbolic link, which is not followed" for entry in kept if not entry.is_file]
    return [entry for entry in kept if entry.is_file], links


def check_sizes(files: Sequence[TreeEntry]) -> None:
    """See that the files may be fetched.

    Raises:
        ConfigError: there are too many, or they are too large; all that is wrong is named.
    """
    large = [f"{shown(entry.path)}: larger than {MAX_FILE} bytes" for entry in files if entry.size > MAX_FILE]
    if len(files) > MAX_FILES:
        large.append(f"{FOLDER}: {len(files)} files are more than {MAX_FILES}")
    if sum(entry.size for entry in files) > MAX_TOTAL:
        large.append(f"{FOLDER}: the files together are larger than {MAX_TOTAL} bytes")
    if large:
        raise ConfigError(large)
