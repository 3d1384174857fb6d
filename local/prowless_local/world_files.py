"""The files of `prowless explain`'s world as a tree that in-repo configuration is read from."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from prowless.adapters.config_files import parse_document
from prowless.ports.github import TreeEntry
from prowless.usecases.in_repo_compile import compile_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prowless.domain.config.central import CentralConfig
    from prowless.domain.config.jobs import RepositoryConfig
    from prowless.domain.view import InRepoConfig

_ROOT = ""


def compile_in_repo(files: Mapping[str, bytes], central: CentralConfig, static: RepositoryConfig) -> InRepoConfig:
    """See InRepoCompiler."""
    return compile_files(files, central, static, parse=parse_document)


class WorldFiles:
    """`Trees` of one moment: every commit has these files. A folder's path with its slash is its tree's name."""

    def __init__(self, files: Mapping[str, str]) -> None:
        """`files` are texts by path."""
        self._files = {path: text.encode() for path, text in files.items()}

    def entries(self, repository: str, sha: str, *, recursive: bool = False) -> list[TreeEntry]:
        """What is in the root, or in the folder of that name."""
        del repository
        folder = sha if sha.endswith("/") else _ROOT
        return sorted(self._entries(folder, recursive=recursive), key=lambda entry: entry.path)

    def _entries(self, folder: str, *, recursive: bool) -> Iterator[TreeEntry]:
        folders = set()
        for path, data in self._files.items():
            if not path.startswith(folder):
                continue
            name, inside, _ = path[len(folder) :].partition("/")
            if inside:
                folders.add(name)
            if recursive or not inside:
                blob = hashlib.sha256(data).hexdigest()
                name = path[len(folder) :]
                yield TreeEntry(path=name, type="blob", mode="100644", sha=blob, size=len(data))
        for name in folders:
            yield TreeEntry(path=name, type="tree", mode="040000", sha=f"{folder}{name}/")

    def contents(self, repository: str, path: str, ref: str) -> bytes:
        """A file."""
        del repository, ref
        return self._files[path]
