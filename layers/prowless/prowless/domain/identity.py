"""Where ids come from: a ProwJob is named after the event that caused it, so repeating the event repeats the name."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

_BUILD_ID_RANDOM_BITS = 22


@dataclass(frozen=True, slots=True)
class Cause:
    """What made a job run, as the event's own identity and never its delivery's.

    `parts` are compared in order; build one with the class methods.
    """

    parts: tuple[str, ...]

    @classmethod
    def pull_request(cls, repository: str, number: int, action: str, head_sha: str, updated_at: str) -> Cause:
        """A pull request event: opened, synchronize, reopened and so on."""
        return cls(("pull", repository, str(number), action, head_sha, updated_at))

    @classmethod
    def comment(cls, repository: str, kind: str, comment_id: int, edited_at: str) -> Cause:
        """A comment, review or review comment, in one version of its text."""
        return cls((kind, repository, str(comment_id), edited_at))

    @classmethod
    def push(cls, repository: str, ref: str, before: str, after: str) -> Cause:
        """A push that moved a ref. With `before`, so that going back to an earlier commit is an event of its own."""
        return cls(("push", repository, ref, before, after))

    @classmethod
    def merge_group(cls, repository: str, head_sha: str) -> Cause:
        """A merge group's checks being requested."""
        return cls(("merge_group", repository, head_sha))

    @classmethod
    def due(cls, job: str, due_at: int) -> Cause:
        """A periodic's time having come; `due_at` in epoch milliseconds."""
        return cls(("due", job, str(due_at)))

    @classmethod
    def retry(cls, job: str, due_at: int, number: int) -> Cause:
        """A periodic's retry having come; `due_at` in epoch milliseconds, `number` from 1."""
        return cls(("retry", job, str(due_at), str(number)))

    def __str__(self) -> str:
        """One line for records and logs."""
        return " ".join(self.parts)


def _digest(*parts: str) -> bytes:
    # JSON keeps ("a", "b c") and ("a b", "c") apart.
    return hashlib.sha256(json.dumps(parts, separators=(",", ":")).encode()).digest()


def prowjob_id(cause: Cause, job: str, attempt: int = 0) -> str:
    """The ProwJob's id: 36 characters in UUID form, as Prow's names are; legal as a Kubernetes and execution name."""
    digest = _digest("prowjob", *cause.parts, job, str(attempt)).hex()
    return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}"


def build_id(prowjob: str, created_at: int) -> str:
    """A snowflake in decimal digits: (milliseconds << 22) | 22 bits of the id (`pkg/pjutil/tot.go:80`)."""
    low = int.from_bytes(_digest("build", prowjob)[:4], "big") >> (32 - _BUILD_ID_RANDOM_BITS)
    return str((created_at << _BUILD_ID_RANDOM_BITS) | low)


def automatic_claim(repository: str, number: int, head_sha: str, job: str) -> str:
    """The claim that automatic runs of one head share, so a late delivery and reconcile meet."""
    return _digest("automatic", repository, str(number), head_sha, job).hex()[:32]


def message_group(repository_id: int, pull: int | None, ref: str | None, event: str) -> str:
    """The FIFO group of a delivery: one pull's events keep their order, different pulls run in parallel."""
    subject = f"pull/{pull}" if pull is not None else (ref or event)
    return _digest("group", str(repository_id), subject).hex()[:32]
