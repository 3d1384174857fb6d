"""config_sync: compile what the source repositories hold; publish it, or keep the last good one and say why."""

from __future__ import annotations

import json
import logging
from collections import OrderedDict
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from prowless.domain.config import snapshot as snapshots
from prowless.domain.config.central import CentralConfig
from prowless.domain.config.compile import compile_sources
from prowless.domain.config.document import Sources
from prowless.domain.config.jobs import Periodic, RepositoryConfig
from prowless.domain.errors import ConfigError, NotFoundError, RetryableError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from prowless.domain.config.document import Document
    from prowless.domain.config.snapshot import Snapshot
    from prowless.ports.clock import Clock
    from prowless.ports.config import DocumentParser
    from prowless.ports.github import GitHub
    from prowless.ports.stores import Objects

log = logging.getLogger(__name__)

_FRESH_MS = 5_000
_CACHED_SHARDS = 128
_ROUNDS = 3
MAX_FILES = 5_000
"""Job files of one source; the largest public configuration has about 2,700."""


class SnapshotConfig:
    """The ConfigSource over the state bucket: the pointer is read often, shards once per snapshot."""

    def __init__(self, objects: Objects, clock: Clock) -> None:
        """Nothing is read before the first question."""
        self._objects = objects
        self._clock = clock
        self._snapshot = ""
        self._read_at: int | None = None
        self._cache: OrderedDict[tuple[str, str], Any] = OrderedDict()

    def snapshot(self) -> str:
        """See ConfigSource."""
        data = self._objects.get(snapshots.POINTER)
        pointer = json.loads(data) if data else {}
        if pointer.get("schema", 0) > snapshots.SCHEMA:
            raise ConfigError(
                [f"{snapshots.POINTER}: written by a newer release (schema {pointer['schema']}): update this stack"]
            )
        self._snapshot = pointer.get("snapshot", "")
        self._read_at = self._clock.now_ms()
        return self._snapshot

    def central(self) -> CentralConfig:
        """See ConfigSource. The pointer is at most five seconds old."""
        central: CentralConfig = self._part("central.json", lambda data: CentralConfig.from_dict(data or {}))
        return central

    def periodics(self) -> tuple[Periodic, ...]:
        """See ConfigSource. The pointer is at most five seconds old."""
        periodics: tuple[Periodic, ...] = self._part(
            "periodics.json", lambda data: tuple(Periodic.from_dict(job) for job in (data or {}).get("periodics", ()))
        )
        return periodics

    def repository(self, repository: str) -> RepositoryConfig:
        """See ConfigSource. The pointer is at most five seconds old."""
        found: RepositoryConfig | None = self._part(
            snapshots.shard_name(repository), lambda data: RepositoryConfig.from_dict(data) if data else None
        )
        if found is not None:
            return found
        return RepositoryConfig(repository=repository, trust=self.central().trust_for(repository))

    def _part(self, name: str, decode: Callable[[Any], Any]) -> Any:
        if self._read_at is None or self._clock.now_ms() - self._read_at > _FRESH_MS:
            self.snapshot()
        key = (self._snapshot, name)
        if key not in self._cache:
            data = self._objects.get(snapshots.key(*key)) if self._snapshot else None
            self._cache[key] = decode(json.loads(data) if data else None)
            if len(self._cache) > _CACHED_SHARDS:
                self._cache.popitem(last=False)
        self._cache.move_to_end(key)
        return self._cache[key]


def publish(snapshot: Snapshot, objects: Objects, sources: Mapping[str, str], at: int) -> bool:
    """Store a snapshot and make it current, the pointer last. False if it was current already.

    Args:
        snapshot: the compiled configuration.
        objects: the state bucket.
        sources: where it came from: repository@branch or folder to commit.
        at: epoch milliseconds.
    """
    present = objects.get(snapshots.POINTER)
    changed = not present or json.loads(present).get("snapshot") != snapshot.hash
    if changed:
        for name, data in snapshot.files.items():
            objects.put(snapshots.key(snapshot.hash, name), data, "application/json", only_if_absent=True)
    objects.put(snapshots.POINTER, snapshots.pointer(snapshot, sources, at), "application/json")
    objects.put(snapshots.LAST_ERROR, snapshots.last_error((), sources, at), "application/json")
    return changed


def record_failure(problems: Sequence[str], objects: Objects, sources: Mapping[str, str], at: int) -> None:
    """Keep why an attempt failed; the pointer stays as it is."""
    objects.put(snapshots.LAST_ERROR, snapshots.last_error(problems, sources, at), "application/json")


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

    @classmethod
    def parse(cls, text: str) -> tuple[ConfigRepository, ...]:
        """The entries of CONFIG_SOURCES.

        Raises:
            ConfigError: not a JSON list of objects with `repository` and `ref`.
        """
        try:
            entries = json.loads(text or "[]")
            return tuple(cls(**{**entry, "jobs": tuple(entry.get("jobs", ()))}) for entry in entries)
        except (ValueError, TypeError, AttributeError) as exc:
            wanted = '[{"repository": "org/repo", "ref": "main", "config": "config.yaml", "jobs": ["jobs/*"]}]'
            raise ConfigError([f"CONFIG_SOURCES is not a list like {wanted}: {exc}"]) from exc


class SyncConfig:
    """Compiles what the source repositories hold now, and publishes it."""

    def __init__(
        self,
        *,
        repositories: Sequence[ConfigRepository],
        github: GitHub,
        objects: Objects,
        parse: DocumentParser,
        clock: Clock,
    ) -> None:
        """`parse` reads one file."""
        self._repositories = repositories
        self._github = github
        self._objects = objects
        self._parse = parse
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
            taken = {path for _, path in paths}
            files = [
                path
                for path in sorted(self._github.tree(source.repository, sha))
                if path not in taken and is_job_file(path) and any(fnmatchcase(path, glob) for glob in source.jobs)
            ]
            if len(files) > MAX_FILES:
                raise ConfigError([f"{source.origin}: {len(files)} job files are more than {MAX_FILES}"])
            paths += [("jobs", path) for path in files]
        return paths


def is_job_file(path: str) -> bool:
    """Whether Prow would read the file: YAML, and no part of its path begins with two dots (`config.go:1700`)."""
    return path.endswith((".yaml", ".yml")) and not any(part.startswith("..") for part in path.split("/"))
