"""The stores in memory. They pass the same contract suites as the AWS adapters (`tests/contract/stores`).

Every call is atomic and nothing is held while a caller's function runs, so threads meet the races that DynamoDB has.
"""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from prowless.domain.errors import NotFoundError, PermanentError, RetryableError
from prowless.domain.prowjob import Phase, ProwJob
from prowless.domain.refs import JobType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from prowless.domain.external_plugins import Forward
    from prowless.ports.stores import Delivery

MUTATE_TRIES = 10


class MemoryProwJobs:
    """`ProwJobs` in a dictionary, `rows`."""

    def __init__(self) -> None:
        self.rows: dict[str, ProwJob] = {}
        self.lock = threading.RLock()

    def create(self, job: ProwJob) -> bool:
        _sortable(job.build_id)
        with self.lock:
            if job.id in self.rows:
                return False
            self.rows[job.id] = job
            return True

    def get(self, prowjob: str) -> ProwJob | None:
        with self.lock:
            return self.rows.get(prowjob)

    def mutate(self, prowjob: str, change: Callable[[ProwJob], ProwJob]) -> ProwJob:
        for _ in range(MUTATE_TRIES):
            before = self.get(prowjob)
            if before is None:
                raise NotFoundError(f"ProwJob {prowjob} does not exist")
            after = change(before)
            if after == before:
                return before
            with self.lock:
                if self.still(before):
                    return self.write(before, after)
        raise RetryableError(f"ProwJob {prowjob} was changed by others {MUTATE_TRIES} times in a row")

    def of_pull(self, repository: str, number: int) -> list[ProwJob]:
        return self._newest_first(lambda job: job.pull == number != 0 and job.repository == repository)

    def of_group(self, repository: str, head_sha: str) -> list[ProwJob]:
        wanted = (JobType.BATCH, repository, head_sha)
        return self._newest_first(lambda job: (job.type, job.repository, job.head_sha) == wanted and bool(head_sha))

    def of_job(self, job_type: JobType, repository: str, job: str, limit: int) -> list[ProwJob]:
        wanted = (job_type, repository, job)
        return self._newest_first(lambda row: (row.type, row.repository, row.job) == wanted)[:limit]

    def active(self, cluster: str, phase: Phase, limit: int) -> list[ProwJob]:
        with self.lock:
            rows = [job for job in self.rows.values() if job.cluster == cluster and job.phase is phase]
        return sorted((job for job in rows if job.active_order()), key=ProwJob.active_order)[:limit]

    def still(self, before: ProwJob) -> bool:
        """Whether the row is at the version of `before`; call with `lock` held."""
        present = self.rows.get(before.id)
        return present is not None and present.version == before.version

    def write(self, before: ProwJob, after: ProwJob) -> ProwJob:
        """The row after `before`; call with `lock` held."""
        if after.id != before.id:
            raise ValueError(f"a row keeps its id: {before.id} cannot become {after.id}")
        written = replace(after, version=before.version + 1)
        self.rows[before.id] = written
        return written

    def _newest_first(self, wanted: Callable[[ProwJob], bool]) -> list[ProwJob]:
        with self.lock:
            rows = [job for job in self.rows.values() if wanted(job)]
        return sorted(rows, key=lambda job: _sortable(job.build_id), reverse=True)


@dataclass(frozen=True)
class Lease:
    owner: str
    until: int


class MemoryControl:
    """`Control` in dictionaries, over the rows of a `MemoryProwJobs`."""

    def __init__(self, prowjobs: MemoryProwJobs) -> None:
        self.prowjobs = prowjobs
        self.used: dict[str, int] = {}
        self.claims: dict[str, str] = {}
        self.leases: dict[str, Lease] = {}
        self.builds: dict[str, str] = {}
        self.values: dict[str, str] = {}
        self.lock = prowjobs.lock

    def counters(self, keys: Iterable[str]) -> dict[str, int]:
        with self.lock:
            return {key: self.used.get(key, 0) for key in keys}

    def admit(self, before: ProwJob, after: ProwJob, limits: Mapping[str, int]) -> bool:
        if before.held or set(after.held) != set(limits):
            raise ValueError(f"ProwJob {before.id}: admit must hold exactly the counters of `limits`")
        with self.lock:
            if not self.prowjobs.still(before) or any(self.used.get(k, 0) >= limit for k, limit in limits.items()):
                return False
            self.prowjobs.write(before, after)
            for key in limits:
                self.used[key] = self.used.get(key, 0) + 1
            return True

    def release(self, before: ProwJob, after: ProwJob) -> bool:
        if after.held:
            raise ValueError(f"ProwJob {before.id}: release must leave no counter held")
        with self.lock:
            if not self.prowjobs.still(before):
                return False
            self.prowjobs.write(before, after)
            for key in before.held:
                self.used[key] = max(0, self.used.get(key, 0) - 1)
            return True

    def claim(self, key: str, owner: str, expires_at: int) -> str:
        with self.lock:
            return self.claims.setdefault(key, owner)

    def lease(self, key: str, owner: str, now: int, until: int) -> bool:
        with self.lock:
            present = self.leases.get(key)
            if present and present.owner != owner and present.until > now:
                return False
            self.leases[key] = Lease(owner, until)
            return True

    def unlease(self, key: str, owner: str) -> None:
        with self.lock:
            present = self.leases.get(key)
            if present and present.owner == owner:
                del self.leases[key]

    def newest(self, key: str, build_id: str, expires_at: int) -> str:
        _sortable(build_id)
        with self.lock:
            self.builds[key] = max(self.builds.get(key, "0"), build_id, key=int)
            return self.builds[key]

    def value(self, key: str) -> Mapping[str, Any] | None:
        with self.lock:
            text = self.values.get(key)
        return None if text is None else json.loads(text)

    def store(self, key: str, value: Mapping[str, Any], expected: Mapping[str, Any] | None) -> bool:
        with self.lock:
            if self.values.get(key) != (None if expected is None else _json(expected)):
                return False
            self.values[key] = _json(value)
            return True


class MemoryDeliveries:
    """`Deliveries` in a dictionary, `rows`."""

    def __init__(self) -> None:
        self.rows: dict[str, Delivery] = {}
        self.lock = threading.Lock()

    def record(self, delivery: Delivery) -> Delivery:
        with self.lock:
            present = self.rows.get(delivery.guid)
            row = replace(present, receives=present.receives + 1) if present else delivery
            self.rows[delivery.guid] = row
            return row

    def enqueued(self, guid: str) -> None:
        self._update(guid, enqueued=True)

    def get(self, guid: str) -> Delivery | None:
        with self.lock:
            return self.rows.get(guid)

    def of_pull(self, repository: str, number: int, limit: int) -> list[Delivery]:
        with self.lock:
            found = [row for row in self.rows.values() if (row.repository, row.pull) == (repository, number)]
        return sorted(found, key=lambda row: row.received_at, reverse=True)[:limit]

    def finish(self, guid: str, outcome: str, decisions: str) -> None:
        self._update(guid, outcome=outcome, decisions=decisions)

    def open_forwards(self, guid: str, forwards: Mapping[str, Forward]) -> None:
        present = self.get(guid)
        self._update(guid, forwards=(present.forwards if present else {}) or dict(forwards))

    def change_forward(self, guid: str, plugin: str, before: Forward | None, after: Forward) -> bool:
        with self.lock:
            row = self.rows.get(guid)
            if row is None or not row.forwards or row.forwards.get(plugin) != before:
                return False
            self.rows[guid] = replace(row, forwards={**row.forwards, plugin: after})
            return True

    def _update(self, guid: str, **changes: Any) -> None:
        with self.lock:
            if guid not in self.rows:
                raise NotFoundError(f"delivery {guid} has no row")
            self.rows[guid] = replace(self.rows[guid], **changes)


@dataclass(frozen=True)
class Stored:
    data: bytes
    content_type: str


class MemoryObjects:
    """`Objects` in a dictionary, `stored`."""

    def __init__(self, name: str = "bucket") -> None:
        self.name = name
        self.stored: dict[str, Stored] = {}
        self.lock = threading.Lock()

    def put(
        self, key: str, data: bytes, content_type: str, *, only_if_absent: bool = False, only_over: str = ""
    ) -> bool:
        with self.lock:
            if (only_if_absent and key in self.stored) or (only_over and only_over != self._tag(key)):
                return False
            self.stored[key] = Stored(bytes(data), content_type)
            return True

    def get(self, key: str) -> bytes | None:
        with self.lock:
            found = self.stored.get(key)
        return found.data if found else None

    def tagged(self, key: str) -> tuple[bytes | None, str]:
        with self.lock:
            return self.stored[key].data if key in self.stored else None, self._tag(key)

    def _tag(self, key: str) -> str:
        return hashlib.sha256(self.stored[key].data).hexdigest() if key in self.stored else ""

    def keys(self, prefix: str = "") -> list[str]:
        """The keys below a prefix, sorted; for assertions."""
        with self.lock:
            return sorted(key for key in self.stored if key.startswith(prefix))

    def json(self, key: str) -> Any:
        """A JSON object that must be there; for assertions."""
        return json.loads(self.stored[key].data)


class MemoryArtifacts:
    """`Artifacts`: buckets come into being when they are named; `default` is the stack's own."""

    def __init__(self, default_bucket: str = "artifacts") -> None:
        self.buckets: dict[str, MemoryObjects] = {}
        self._default = default_bucket

    @property
    def default(self) -> MemoryObjects:
        return self.bucket("")

    def bucket(self, name: str) -> MemoryObjects:
        scheme, separator, rest = name.partition("://")
        if separator and scheme != "s3":
            raise PermanentError(f"artifact bucket {name}: only s3:// buckets can be written")
        plain = (rest if separator else name).rstrip("/") or self._default
        return self.buckets.setdefault(plain, MemoryObjects(plain))


def _sortable(build_id: str) -> int:
    if not (build_id.isascii() and build_id.isdecimal()):
        raise ValueError(f"a build id is decimal digits, not {build_id!r}")
    return int(build_id)


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
