"""The compiled configuration as immutable objects: one shard per repository and a pointer that is moved last.

config/snapshots/<hash>/central.json
config/snapshots/<hash>/periodics.json
config/snapshots/<hash>/repos/<org>/<repo>.json
config/current.json        the pointer
config/last_error.json     why the newest attempt did not become current, or that it did
config/warnings.json       all warnings of the current snapshot; the pointer has the first ones
config/synced.json         which commits config_sync has dealt with, for good or bad
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from prowless.domain.config.central import CentralConfig
    from prowless.domain.config.jobs import Periodic, RepositoryConfig

SCHEMA = 1
"""Version of the shards' shape. A reader refuses a newer one, so that an old release cannot misread it."""

POINTER = "config/current.json"
LAST_ERROR = "config/last_error.json"
WARNINGS = "config/warnings.json"
SYNCED = "config/synced.json"

_POINTER_WARNINGS = 200
"""Functions read the pointer every few seconds."""

_MAX_WARNINGS = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A compiled configuration. `files` are bytes by name below the snapshot's folder; equal input gives equal bytes.

    `warnings` and `notes` are what check-config tells by these names, each with its file and line. `jobs` is how many
    there are.
    """

    hash: str
    files: Mapping[str, bytes]
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    jobs: int = 0


def build(
    central: CentralConfig,
    periodics: Iterable[Periodic],
    repositories: Iterable[RepositoryConfig],
    warnings: Iterable[str] = (),
    notes: Iterable[str] = (),
) -> Snapshot:
    """The snapshot of a checked configuration."""
    scheduled = [job.to_dict() for job in periodics]
    files = {
        "central.json": _encode({"schema": SCHEMA, **central.to_dict()}),
        "periodics.json": _encode({"schema": SCHEMA, "periodics": scheduled}),
    }
    jobs = len(scheduled)
    for repository in repositories:
        jobs += len(repository.presubmits) + len(repository.postsubmits)
        files[shard_name(repository.repository)] = _encode({"schema": SCHEMA, **repository.to_dict()})
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(f"{name}\n{len(files[name])}\n".encode())
        digest.update(files[name])
    return Snapshot(hash=digest.hexdigest()[:32], files=files, warnings=tuple(warnings), notes=tuple(notes), jobs=jobs)


def shard_name(repository: str) -> str:
    """The name of a repository's shard in its snapshot."""
    return f"repos/{repository}.json"


def key(snapshot: str, name: str) -> str:
    """The object key of one file of a snapshot."""
    return f"config/snapshots/{snapshot}/{name}"


def pointer(snapshot: Snapshot, sources: Mapping[str, str], published_at: int) -> bytes:
    """The pointer's content. `sources` say where the configuration came from; `published_at` in epoch milliseconds."""
    return _encode(
        {
            "snapshot": snapshot.hash,
            "schema": SCHEMA,
            "sources": dict(sources),
            "published_at": published_at,
            "jobs": snapshot.jobs,
            "notes": len(snapshot.notes),
            "warnings": list(snapshot.warnings[:_POINTER_WARNINGS]),
        }
    )


def warnings(snapshot: Snapshot) -> bytes:
    """What `warnings.json` holds."""
    return _encode({"snapshot": snapshot.hash, "warnings": list(snapshot.warnings[:_MAX_WARNINGS])})


def last_error(problems: Iterable[str], sources: Mapping[str, str], at: int, *, retried: bool = False) -> bytes:
    """What `last_error.json` holds; no problems means that the newest attempt is current.

    `retried`: the configuration itself may be good; it could not be read, and that is tried again.
    """
    return _encode({"problems": list(problems)[:200], "sources": dict(sources), "at": at, "retried": retried})


def synced(sources: Mapping[str, str], settings: str) -> bytes:
    """What `synced.json` holds: each source's commit, and CONFIG_SOURCES as they were read by."""
    return _encode({"sources": dict(sources), "settings": settings, "schema": SCHEMA})


def _encode(data: Any) -> bytes:
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
