"""The configuration in force, read from the state bucket, and its publication.

Apart from config_sync, because every function reads and only one compiles.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from prowless.domain.config import snapshot as snapshots
from prowless.domain.config.central import CentralConfig
from prowless.domain.config.jobs import Periodic, RepositoryConfig
from prowless.domain.errors import ConfigError, ConflictError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from prowless.domain.config.snapshot import Snapshot
    from prowless.ports.clock import Clock
    from prowless.ports.stores import Objects

_FRESH_MS = 5_000
_CACHED_SHARDS = 128


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
        return found if found is not None else self.central().without_jobs(repository)

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


def publish(
    snapshot: Snapshot, objects: Objects, sources: Mapping[str, str], at: int, *, over: str | None = None
) -> bool:
    """Store a snapshot and make it current, the pointer last. False if it was current already.

    Args:
        snapshot: the compiled configuration.
        objects: the state bucket.
        sources: where it came from: repository@branch or folder to commit.
        at: epoch milliseconds.
        over: the tag of the pointer that may be replaced, empty if there was none; None replaces any.

    Raises:
        ConflictError: somebody else published since; nothing became current.
    """
    present = objects.get(snapshots.POINTER)
    changed = not present or json.loads(present).get("snapshot") != snapshot.hash
    if changed:
        for name, data in snapshot.files.items():
            objects.put(snapshots.key(snapshot.hash, name), data, "application/json", only_if_absent=True)
    pointer = snapshots.pointer(snapshot, sources, at)
    if not objects.put(snapshots.POINTER, pointer, "application/json", only_if_absent=over == "", only_over=over or ""):
        raise ConflictError(f"{snapshots.POINTER}: another configuration was published meanwhile")
    objects.put(snapshots.WARNINGS, snapshots.warnings(snapshot), "application/json")
    objects.put(snapshots.LAST_ERROR, snapshots.last_error((), sources, at), "application/json")
    return changed


def record_failure(
    problems: Sequence[str], objects: Objects, sources: Mapping[str, str], at: int, *, retried: bool = False
) -> None:
    """Keep why an attempt failed; the pointer stays as it is. `retried`: it is made again, and may then succeed."""
    data = snapshots.last_error(problems, sources, at, retried=retried)
    objects.put(snapshots.LAST_ERROR, data, "application/json")
