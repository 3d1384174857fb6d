"""Rows and objects: what is kept between two invocations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from prowless.domain.external_plugins import Forward
    from prowless.domain.prowjob import Phase, ProwJob
    from prowless.domain.refs import JobType


class ProwJobs(Protocol):
    """The ProwJobs table: headers only. Writes carry the row's version: nobody overwrites what he has not seen."""

    def create(self, job: ProwJob) -> bool:
        """Store a new row; false if the id exists already, which is how a repeated event starts nothing twice."""
        ...

    def get(self, prowjob: str) -> ProwJob | None:
        """The row, strongly consistent."""
        ...

    def mutate(self, prowjob: str, change: Callable[[ProwJob], ProwJob]) -> ProwJob:
        """Read, change and write under the row's version, again on a lost race (bounded), and the row that results.

        `change` may run several times and must be pure; returning its argument unchanged writes nothing.

        Raises:
            NotFoundError: no such row.
            RetryableError: the race was lost too often.
        """
        ...

    def of_pull(self, repository: str, number: int) -> list[ProwJob]:
        """Full rows of a pull request's runs, newest first."""
        ...

    def of_group(self, repository: str, head_sha: str) -> list[ProwJob]:
        """Full rows of the runs (batches) of a merge group, newest first."""
        ...

    def of_job(self, job_type: JobType, repository: str, job: str, limit: int) -> list[ProwJob]:
        """Full rows of a job's newest runs, newest first."""
        ...

    def active(self, cluster: str, phase: Phase, limit: int) -> list[ProwJob]:
        """Full rows of a cluster's runs in one unfinished phase, oldest first."""
        ...


class Control(Protocol):
    """The Control table: counters, periodic state, claims, leases and what is newest; one typed key each."""

    def counters(self, keys: Iterable[str]) -> dict[str, int]:
        """The present value of each counter, 0 where there is none."""
        ...

    def admit(self, before: ProwJob, after: ProwJob, limits: Mapping[str, int]) -> bool:
        """One transaction: the row from `before` to `after`, and one more in each counter that is below its limit.

        False if a counter was full or the row had changed; then nothing was written.
        """
        ...

    def release(self, before: ProwJob, after: ProwJob) -> bool:
        """The mirror of `admit`: the row from `before` to `after` and one less in each counter that `before` holds."""
        ...

    def claim(self, key: str, owner: str, expires_at: int) -> str:
        """Take the key if it is free; the owner that holds it now. `expires_at` in epoch seconds."""
        ...

    def lease(self, key: str, owner: str, now: int, until: int) -> bool:
        """Hold the key until then (epoch milliseconds), if it is free, expired or already ours."""
        ...

    def unlease(self, key: str, owner: str) -> None:
        """Let go of a lease that is still ours."""
        ...

    def newest(self, key: str, build_id: str, expires_at: int) -> str:
        """Offer a build id as the newest of the key; the newest known after that (decimal order)."""
        ...

    def value(self, key: str) -> Mapping[str, Any] | None:
        """A plain value, strongly consistent."""
        ...

    def store(self, key: str, value: Mapping[str, Any], expected: Mapping[str, Any] | None) -> bool:
        """Store a plain value if the present one is as expected (None: absent); false if it was not."""
        ...


DONE = "done"
"""Outcome of a delivery whose actions were all carried out."""

REFUSED = "refused"
"""Outcome of a delivery with actions that GitHub or the stores refuse for good; its record names them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One webhook delivery's row in the ledger. Times are epoch milliseconds.

    `organization` is set where there is no repository. `forwards` say by external plugin how it got the delivery.
    """

    guid: str
    event: str
    action: str = ""
    repository: str = ""
    repository_id: int = 0
    organization: str = ""
    pull: int = 0
    scope: str = ""
    body: str = ""
    received_at: int
    receives: int = 1
    enqueued: bool = False
    outcome: str = ""
    decisions: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    forwards: Mapping[str, Forward] = field(default_factory=dict)


class Deliveries(Protocol):
    """The ledger of deliveries."""

    def record(self, delivery: Delivery) -> Delivery:
        """Store the row, or count one more receive of the row that is there; the row as it is now."""
        ...

    def enqueued(self, guid: str) -> None:
        """Note that the pointer is on the queue."""
        ...

    def get(self, guid: str) -> Delivery | None:
        """The row, strongly consistent."""
        ...

    def of_pull(self, repository: str, number: int, limit: int) -> list[Delivery]:
        """The newest deliveries about a pull request, newest first. `repository` as GitHub writes it."""
        ...

    def finish(self, guid: str, outcome: str, decisions: str) -> None:
        """Note how it ended and where its decisions are."""
        ...

    def open_forwards(self, guid: str, forwards: Mapping[str, Forward]) -> None:
        """Store the first forwards of a row; those of a row that has some stay as they are."""
        ...

    def change_forward(self, guid: str, plugin: str, before: Forward | None, after: Forward) -> bool:
        """Store one forward of a row with opened ones, if it is as in `before` (None: absent); false if it was not."""
        ...


class Objects(Protocol):
    """One S3 bucket: the state bucket, or an artifact bucket."""

    @property
    def name(self) -> str:
        """The bucket's name."""
        ...

    def put(
        self, key: str, data: bytes, content_type: str, *, only_if_absent: bool = False, only_over: str = ""
    ) -> bool:
        """Store an object; false if it was there already and `only_if_absent` was asked, or it is not `only_over`.

        `only_over` is the tag of the object that may be replaced.
        """
        ...

    def get(self, key: str) -> bytes | None:
        """The object, or None."""
        ...

    def tagged(self, key: str) -> tuple[bytes | None, str]:
        """The object with the tag that stands for this content; (None, "") if it is not there."""
        ...


class Artifacts(Protocol):
    """The artifact buckets."""

    def bucket(self, name: str) -> Objects:
        """The bucket of that name; the empty name is the stack's own."""
        ...
