"""The configuration in force, and the documents it is made from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from prowless.domain.config.central import CentralConfig
    from prowless.domain.config.document import Document
    from prowless.domain.config.jobs import Periodic, RepositoryConfig
    from prowless.domain.view import InRepoConfig


class ConfigSource(Protocol):
    """The compiled configuration in force. Values are shared between calls: treat them as immutable.

    Every method raises ConfigError if the snapshot was made by a newer release than this one.
    """

    def snapshot(self) -> str:
        """The hash of the snapshot that is current now, empty if nothing was ever published.

        It is read anew at every call: call it at the start of an event, the other methods then answer from it.
        """
        ...

    def central(self) -> CentralConfig:
        """The central part; Prow's defaults if nothing was published."""
        ...

    def periodics(self) -> tuple[Periodic, ...]:
        """All periodics, in configured order."""
        ...

    def repository(self, repository: str) -> RepositoryConfig:
        """One repository's jobs, none if it has no shard."""
        ...


class DocumentParser(Protocol):
    """Reads a configuration file's bytes."""

    def __call__(self, path: str, data: bytes, *, max_nodes: int = ...) -> Document:
        """The document with positions, of at most `max_nodes` values with aliases expanded.

        Raises:
            ConfigError: not YAML, or beyond the limits of size, depth or aliases.
        """
        ...


class InRepoCompiler(Protocol):
    """Makes jobs of the text of a repository's own files."""

    def __call__(self, files: Mapping[str, bytes], central: CentralConfig, static: RepositoryConfig) -> InRepoConfig:
        """The static jobs with those of the files, or the static ones alone and what is wrong with the files."""
        ...


class OwnersParser(Protocol):
    """Reads OWNERS files, whoever wrote them: with narrow limits."""

    def __call__(self, path: str, data: bytes) -> Document:
        """The document.

        Raises:
            ConfigError: not YAML, or too large.
        """
        ...


class IgnoreRules(Protocol):
    """Reads `.prowignore` files."""

    def __call__(self, files: Mapping[str, bytes]) -> Callable[[str], bool]:
        """Whether a path is to be left out; `files` are the `.prowignore` files that count, by path.

        Raises:
            ConfigError: a file is too large or not in gitignore's syntax.
        """
        ...
