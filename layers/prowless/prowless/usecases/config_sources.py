"""Where the central configuration is kept: the entries of CONFIG_SOURCES."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from prowless.domain.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from prowless.ports.github import GitHub

PROW_IGNORE = ".prowignore"
_WILDCARD = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigRepository:
    """One entry of CONFIG_SOURCES: files of a repository's branch. `jobs` are globs; `*` also matches slashes."""

    repository: str
    ref: str
    config: str = ""
    plugins: str = ""
    settings: str = ""
    jobs: tuple[str, ...] = ()

    @property
    def origin(self) -> str:
        """`org/repo@branch`."""
        return f"{self.repository}@{self.ref}"

    @property
    def named(self) -> dict[str, str]:
        """The single files: kind to path."""
        kinds = {"config": self.config, "plugins": self.plugins, "settings": self.settings}
        return {kind: path for kind, path in kinds.items() if path}

    @classmethod
    def parse(cls, text: str) -> tuple[ConfigRepository, ...]:
        """The entries of CONFIG_SOURCES.

        Raises:
            ConfigError: not a JSON list of objects with `repository`, `ref` and what to read there.
        """
        try:
            return tuple(cls._of(entry) for entry in json.loads(text or "[]"))
        except (ValueError, TypeError, AttributeError) as exc:
            wanted = '[{"repository": "org/repo", "ref": "main", "config": "config.yaml", "jobs": ["jobs/*"]}]'
            raise ConfigError([f"CONFIG_SOURCES is not a list like {wanted}: {exc}"]) from exc

    @classmethod
    def _of(cls, entry: dict[str, Any]) -> ConfigRepository:
        jobs = entry.get("jobs", [])
        if not isinstance(jobs, list) or not all(isinstance(glob, str) and glob for glob in jobs):
            raise ValueError("jobs must be a list of globs")
        source = cls(**{**entry, "jobs": tuple(jobs)})
        if not all(isinstance(text, str) for text in (source.repository, source.ref, *source.named.values())):
            raise ValueError("repository, ref, config, plugins and settings must be texts")
        if source.repository.count("/") != 1 or not source.ref:
            raise ValueError("repository must be org/repo, and ref a branch")
        if not source.named and not jobs:
            raise ValueError(f"{source.origin}: nothing to read: name config, plugins, settings or jobs")
        return source

    def is_job_file(self, path: str) -> bool:
        """Whether the path is a job file of this source, as far as no `.prowignore` says otherwise."""
        return is_job_file(path) and path not in self.named.values() and any(fnmatchcase(path, g) for g in self.jobs)

    def is_ignore_file(self, path: str) -> bool:
        """Whether the path is a `.prowignore` that counts: one in a job folder, which is what a glob begins with."""
        roots = tuple(_root(glob) for glob in self.jobs)
        return path.rpartition("/")[2] == PROW_IGNORE and bool(roots) and path.startswith(roots)

    def reads(self, path: str) -> bool:
        """Whether what the path holds may matter to the configuration."""
        return path in self.named.values() or self.is_job_file(path) or self.is_ignore_file(path)


def heads(sources: Iterable[ConfigRepository], github: GitHub) -> dict[str, str]:
    """The commit that each source is at now, by its origin."""
    return {source.origin: github.ref(source.repository, f"heads/{source.ref}") for source in sources}


def fingerprint(sources: Sequence[ConfigRepository]) -> str:
    """A name for what CONFIG_SOURCES says, which is another one when it says something else."""
    return hashlib.sha256(repr(sources).encode()).hexdigest()[:16]


def is_job_file(path: str) -> bool:
    """Whether Prow would read the file: YAML, and no part of its path begins with two dots (`config.go:1700`)."""
    return path.endswith((".yaml", ".yml")) and not any(part.startswith("..") for part in path.split("/"))


def _root(glob: str) -> str:
    """The folder that a glob begins with, with its slash; empty for the whole repository."""
    literal = _WILDCARD.split(glob, maxsplit=1)[0]
    return literal[: literal.rfind("/") + 1]
