"""config_sync: compile what the source repositories hold; publish it, or keep the last good one and say why."""

from __future__ import annotations

import logging
import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from prowless.domain.config.compile import compile_sources
from prowless.domain.config.document import Sources
from prowless.domain.errors import ConfigError, NotFoundError, RetryableError
from prowless.usecases.snapshots import publish, record_failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from prowless.domain.config.document import Document
    from prowless.ports.clock import Clock
    from prowless.ports.config import DocumentParser, IgnoreRules
    from prowless.ports.github import GitHub
    from prowless.ports.stores import Objects
    from prowless.usecases.config_sources import ConfigRepository

log = logging.getLogger(__name__)

PROW_IGNORE = ".prowignore"
_ROUNDS = 3
_WILDCARD = re.compile(r"[*?\[]")
MAX_FILES = 5_000
"""Job files of one source; the largest public configuration has about 2,700."""


class SyncConfig:
    """Compiles what the source repositories hold now, and publishes it."""

    def __init__(
        self,
        *,
        repositories: Sequence[ConfigRepository],
        github: GitHub,
        objects: Objects,
        parse: DocumentParser,
        ignore_rules: IgnoreRules,
        clock: Clock,
    ) -> None:
        """`parse` reads one file, `ignore_rules` the `.prowignore` files."""
        self._repositories = repositories
        self._github = github
        self._objects = objects
        self._parse = parse
        self._ignore_rules = ignore_rules
        self._clock = clock

    def __call__(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """What happened: `{"snapshot": hash, "changed": bool}`, or `{"problems": [...]}` with the last good one kept.

        Args:
            event: `{"repository": ..., "sha": ...}` of the push. It only says that something moved: the branches'
                present commits are read, so that a late or repeated event cannot bring back an older configuration.

        Raises:
            RetryableError: GitHub or S3 failed, or the sources moved at every try; calling again may help.
        """
        log.info("configuration sync", extra={"cause": f"{event.get('repository')}@{event.get('sha')}"})
        heads = self._heads()
        for _ in range(_ROUNDS):
            try:
                snapshot = compile_sources(self._read(heads))
            except ConfigError as exc:
                log.warning("configuration refused; the last good one stays", extra={"problems": exc.problems[:20]})
                record_failure(exc.problems, self._objects, heads, self._clock.now_ms())
                return {"problems": list(exc.problems)}
            now = self._heads()
            if now == heads:
                changed = publish(snapshot, self._objects, heads, self._clock.now_ms())
                return {"snapshot": snapshot.hash, "changed": changed, "warnings": list(snapshot.warnings)}
            heads = now
        raise RetryableError("the configuration's repositories moved during every try; nothing was published")

    def _heads(self) -> dict[str, str]:
        return {
            source.origin: self._github.ref(source.repository, f"heads/{source.ref}") for source in self._repositories
        }

    def _read(self, heads: Mapping[str, str]) -> Sources:
        """All files of all sources at those commits, every unreadable one reported at once."""
        if not self._repositories:
            raise ConfigError(["CONFIG_SOURCES is empty: name the repositories or use `prowless config push`"])
        found: dict[str, list[Document]] = {"config": [], "plugins": [], "settings": [], "jobs": []}
        problems: list[str] = []
        for source in self._repositories:
            sha = heads[source.origin]
            for kind, path in self._paths(source, sha):
                try:
                    data = self._github.contents(source.repository, path, sha)
                    found[kind].append(self._parse(f"{source.repository}/{path}", data))
                except NotFoundError:
                    problems.append(f"{source.origin}: there is no file {path}")
                except ConfigError as exc:
                    problems.extend(exc.problems)
        problems.extend(
            f"CONFIG_SOURCES names more than one {kind} file: {', '.join(document.path for document in documents)}"
            for kind, documents in found.items()
            if kind != "jobs" and len(documents) > 1
        )
        if problems:
            raise ConfigError(problems)
        single = {kind: documents[0] for kind, documents in found.items() if kind != "jobs" and documents}
        return Sources(**single, jobs=tuple(found["jobs"]), origin=dict(heads))

    def _paths(self, source: ConfigRepository, sha: str) -> list[tuple[str, str]]:
        named = [(kind, getattr(source, kind)) for kind in ("config", "plugins", "settings")]
        paths = [(kind, path) for kind, path in named if path]
        if source.jobs:
            tree = sorted(self._github.tree(source.repository, sha))
            left_out = {path for _, path in paths}
            found = [path for path in tree if path not in left_out and is_job_file(path) and _wanted(path, source.jobs)]
            ignored = self._ignored(source, sha, tree)
            files = [path for path in found if not ignored(path)]
            if len(files) > MAX_FILES:
                raise ConfigError([f"{source.origin}: {len(files)} job files are more than {MAX_FILES}"])
            paths += [("jobs", path) for path in files]
        return paths

    def _ignored(self, source: ConfigRepository, sha: str, tree: Iterable[str]) -> Callable[[str], bool]:
        """The rules of the `.prowignore` files in the job folders, which are what the globs begin with."""
        roots = tuple(_root(glob) for glob in source.jobs)
        names = [path for path in tree if path.rpartition("/")[2] == PROW_IGNORE and path.startswith(roots)]
        return self._ignore_rules({path: self._github.contents(source.repository, path, sha) for path in names})


def _wanted(path: str, globs: Iterable[str]) -> bool:
    return any(fnmatchcase(path, glob) for glob in globs)


def _root(glob: str) -> str:
    """The folder that a glob begins with, with its slash; empty for the whole repository."""
    literal = _WILDCARD.split(glob, maxsplit=1)[0]
    return literal[: literal.rfind("/") + 1]


def is_job_file(path: str) -> bool:
    """Whether Prow would read the file: YAML, and no part of its path begins with two dots (`config.go:1700`)."""
    return path.endswith((".yaml", ".yml")) and not any(part.startswith("..") for part in path.split("/"))
