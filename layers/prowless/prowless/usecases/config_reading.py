"""The files of the configuration's repositories at given commits: few calls, bounded, every unreadable file named."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from prowless.domain.config.document import Sources
from prowless.domain.errors import ConfigError, NotFoundError, TooLargeError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from prowless.domain.config.document import Document
    from prowless.ports.clock import Clock
    from prowless.ports.config import DocumentParser, IgnoreRules
    from prowless.ports.github import GitHub
    from prowless.usecases.config_sources import ConfigRepository

MAX_FILES = 5_000
"""Job files of one source; the largest public configuration has about 2,700."""

MAX_NODES = 3_000_000
"""Values of all files together, aliases expanded. Each takes some 200 bytes; kubernetes/test-infra has 600,000."""

MAX_ODD_FILES = 200
"""Files that are not in the archive as they are in the tree, which cost a call each."""

MAX_READING_MS = 120_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What was read. `problems` are the files that could not be, each with its place."""

    sources: Sources
    problems: tuple[str, ...] = ()


@dataclass(slots=True)
class _Found:
    """The documents so far, and how much may follow."""

    until: int
    documents: dict[str, list[Document]] = field(
        default_factory=lambda: {"config": [], "plugins": [], "settings": [], "jobs": []}
    )
    problems: list[str] = field(default_factory=list)
    nodes: int = 0

    def add(self, kind: str, document: Document, now: int) -> None:
        self.nodes += document.nodes
        if self.nodes > MAX_NODES:
            raise ConfigError([f"{document.path}: with this file there are more than {MAX_NODES} values"])
        if now > self.until:
            raise ConfigError([f"{document.path}: reading took more than {MAX_READING_MS // 1000} s up to here"])
        self.documents[kind].append(document)


class ConfigReader:
    """Reads configurations from GitHub."""

    def __init__(self, *, github: GitHub, parse: DocumentParser, ignore_rules: IgnoreRules, clock: Clock) -> None:
        """`parse` reads one file, `ignore_rules` the `.prowignore` files."""
        self._github = github
        self._parse = parse
        self._ignore_rules = ignore_rules
        self._clock = clock

    def read(self, repositories: Sequence[ConfigRepository], commits: Mapping[str, str]) -> Reading:
        """All files of the sources at those commits, which are by origin.

        Raises:
            ConfigError: there are no sources, or there is too much to read on.
        """
        if not repositories:
            raise ConfigError(["CONFIG_SOURCES is empty: name the repositories or use `prowless config push`"])
        found = _Found(self._clock.now_ms() + MAX_READING_MS)
        for source in repositories:
            try:
                self._read(source, commits[source.origin], found)
            except TooLargeError as exc:
                raise ConfigError([f"{source.origin}: {exc}"]) from exc
        several = {kind: documents for kind, documents in found.documents.items() if kind != "jobs"}
        found.problems.extend(
            f"CONFIG_SOURCES names more than one {kind} file: {', '.join(document.path for document in documents)}"
            for kind, documents in several.items()
            if len(documents) > 1
        )
        single = {kind: documents[0] for kind, documents in several.items() if documents}
        jobs = tuple(found.documents["jobs"])
        return Reading(sources=Sources(**single, jobs=jobs, origin=dict(commits)), problems=tuple(found.problems))

    def _read(self, source: ConfigRepository, sha: str, found: _Found) -> None:
        paths = list(source.named.items())
        files: dict[str, bytes] = {}
        if source.jobs:
            tree = self._github.tree(source.repository, sha)
            jobs = [path for path in sorted(tree) if source.is_job_file(path)]
            if len(jobs) > MAX_FILES:
                raise ConfigError([f"{source.origin}: {len(jobs)} job files are more than {MAX_FILES}"])
            files = self._archived(source, sha, {path: blob for path, blob in tree.items() if source.reads(path)})
            rules = {path: self._content(source, path, sha, files) for path in tree if source.is_ignore_file(path)}
            ignored = self._ignore_rules(rules)
            paths += [("jobs", path) for path in jobs if not ignored(path)]
        for kind, path in paths:
            try:
                data = self._content(source, path, sha, files)
                document = self._parse(f"{source.repository}/{path}", data)
            except NotFoundError:
                found.problems.append(f"{source.origin}: there is no file {path}")
            except TooLargeError as exc:
                found.problems.append(f"{source.repository}/{path}: {exc}")
            except ConfigError as exc:
                found.problems.extend(exc.problems)
            else:
                found.add(kind, document, self._clock.now_ms())

    def _content(self, source: ConfigRepository, path: str, sha: str, archived: Mapping[str, bytes]) -> bytes:
        return archived[path] if path in archived else self._github.contents(source.repository, path, sha)

    def _archived(self, source: ConfigRepository, sha: str, tree: Mapping[str, str]) -> dict[str, bytes]:
        """The files of the archive that are as in the tree; the others are left to be read one by one.

        `.gitattributes` makes `git archive` leave out and change files; links are read as what they point to.
        """
        files = self._github.archive(source.repository, sha, tree.__contains__)
        same = {path: data for path, data in files.items() if _blob(data, tree[path]) == tree[path]}
        odd = len(tree) - len(same)
        if odd > MAX_ODD_FILES:
            problem = (
                f"{source.origin}: {odd} files are not in the repository's archive as they were committed, and only "
                f"{MAX_ODD_FILES} are read one by one: do .gitattributes (export-ignore, export-subst, eol) apply?"
            )
            raise ConfigError([problem])
        return same


def _blob(data: bytes, like: str) -> str:
    """Git's name of a file's content, with the hash that the other name was made with."""
    kind = "sha1" if len(like) == 40 else "sha256"  # noqa: PLR2004  hexadecimal digits of a SHA-1
    return hashlib.new(kind, b"blob %d\x00" % len(data) + data, usedforsecurity=False).hexdigest()
