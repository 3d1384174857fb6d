"""A ProwJob: its resolved spec, its header row and its legal transitions (`pkg/apis/prowjobs/v1/types.go:41-71`)."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from prowless.domain.errors import ConflictError
from prowless.domain.refs import JobType, Refs

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA = 1
"""Version of the row's and the execution input's shape, so that a newer release can finish older runs."""

MAX_TEXT = 600
"""Characters of a description that a row keeps: enough for a reason, and the row stays under 4 KB."""

_DIGEST_LENGTH = 32


class State(StrEnum):
    """Prow's states of a ProwJob."""

    TRIGGERED = "triggered"
    PENDING = "pending"
    SUCCESS = "success"
    FAILURE = "failure"
    ABORTED = "aborted"
    ERROR = "error"


FINAL_STATES = frozenset({State.SUCCESS, State.FAILURE, State.ABORTED, State.ERROR})

_LEGAL: Mapping[State, frozenset[State]] = {
    State.TRIGGERED: frozenset({State.PENDING, State.ABORTED, State.ERROR}),
    State.PENDING: frozenset({State.SUCCESS, State.FAILURE, State.ABORTED, State.ERROR}),
    State.SUCCESS: frozenset(),
    State.FAILURE: frozenset(),
    State.ABORTED: frozenset(),
    State.ERROR: frozenset(),
}


class Phase(StrEnum):
    """Where a run stands in our machinery; Prow has no word for it because Prow has no queue before the pod."""

    WAITING = "waiting"
    ADMITTED = "admitted"
    STARTED = "started"
    RELEASED = "released"


_ACTIVE_PREFIX = {Phase.WAITING: "w", Phase.ADMITTED: "a", Phase.STARTED: "r"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProwJobSpec:
    """All a run needs to know, resolved when it was triggered; kept in S3 under its run and its digest.

    `in_repo`: the job comes from the repository's own files, so a pull request may have written it.
    """

    type: JobType
    job: str
    agent: str = "kubernetes"
    cluster: str = "default"
    namespace: str = ""
    context: str = ""
    rerun_command: str = ""
    report: bool = True
    optional: bool = False
    refs: Refs | None = None
    extra_refs: tuple[Refs, ...] = ()
    max_concurrency: int = 0
    job_queue_name: str = ""
    decorate: bool = False
    decoration_config: Mapping[str, Any] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    reporter_config: Mapping[str, Any] = field(default_factory=dict)
    pod_spec: Mapping[str, Any] | None = None
    pipeline_run_spec: Mapping[str, Any] | None = None
    workflow_spec: Mapping[str, Any] | None = None
    in_repo: bool = False

    def to_dict(self) -> dict[str, Any]:
        """JSON of the spec with Prow's key names; empty fields are left out."""
        data: dict[str, Any] = {}
        for f in fields(self):
            value = getattr(self, f.name)
            if isinstance(value, Refs):
                data[f.name] = value.to_dict()
            elif f.name == "extra_refs":
                if value:
                    data[f.name] = [refs.to_dict() for refs in value]
            elif value or f.name in {"type", "job", "agent", "cluster", "report"}:
                data[f.name] = value
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ProwJobSpec:
        """A spec from its JSON; unknown keys are ignored, so an older release can read a newer row."""
        names = {f.name for f in fields(cls)}
        known = {k: v for k, v in data.items() if k in names}
        known["type"] = JobType(data["type"])
        if data.get("refs"):
            known["refs"] = Refs.from_dict(data["refs"])
        known["extra_refs"] = tuple(Refs.from_dict(refs) for refs in data.get("extra_refs") or ())
        return cls(**known)

    def digest(self) -> str:
        """The name of these contents: two specs with one digest are the same."""
        data = json.dumps(self.to_dict(), separators=(",", ":"))
        return hashlib.sha256(data.encode()).hexdigest()[:_DIGEST_LENGTH]

    def job_spec(self, prowjob: str, build_id: str) -> dict[str, Any]:
        """What JOB_SPEC carries (`pkg/pod-utils/downwardapi/jobspec.go:35-86`): empty parts are left out."""
        data: dict[str, Any] = {"type": self.type.value, "job": self.job, "buildid": build_id, "prowjobid": prowjob}
        if self.refs:
            data["refs"] = self.refs.to_dict()
        if self.extra_refs:
            data["extra_refs"] = [refs.to_dict() for refs in self.extra_refs]
        if self.decoration_config:
            data["decoration_config"] = dict(self.decoration_config)
        return data


@dataclass(frozen=True, slots=True, kw_only=True)
class ProwJob:
    """The header row of a ProwJob: what decisions and reports need, under 4 KB.

    Times are epoch milliseconds, 0 if not yet.

    `held` names the counters this run holds; `token` is the task token of the wait that is open; `object` is the
    cluster object (`kind`, `namespace`, `name`, `uid`) once it was seen; `stop_reason` says why it is to be stopped.
    `spec_digest` says which spec the row was made of; none in rows of older releases.
    `version` grows with every write; stores refuse a write based on an older one.
    """

    id: str
    schema: int = SCHEMA
    type: JobType
    job: str
    context: str = ""
    agent: str = "kubernetes"
    org: str = ""
    repo: str = ""
    base_ref: str = ""
    base_sha: str = ""
    pull: int = 0
    head_sha: str = ""
    author: str = ""
    rerun_command: str = ""
    optional: bool = False
    report: bool = True
    cluster: str = "default"
    max_concurrency: int = 0
    job_queue_name: str = ""
    cause: str = ""
    delivery: str = ""
    attempt: int = 0
    retest: bool = False
    spec_digest: str = ""
    build_id: str
    state: State = State.TRIGGERED
    phase: Phase = Phase.WAITING
    description: str = ""
    url: str = ""
    created_at: int
    admitted_at: int = 0
    pending_at: int = 0
    completed_at: int = 0
    deadline_at: int = 0
    stop_reason: str = ""
    stopping_at: int = 0
    unreachable_since: int = 0
    polls: int = 0
    finishers: int = 0
    token: str = field(default="", repr=False)
    held: tuple[str, ...] = ()
    object: Mapping[str, str] = field(default_factory=dict)
    submitted: bool = False
    reported: Mapping[str, str] = field(default_factory=dict)
    superseded: bool = False
    version: int = 0

    @property
    def repository(self) -> str:
        """`org/repo`, or nothing for a periodic without refs."""
        return f"{self.org}/{self.repo}" if self.org else ""

    @property
    def complete(self) -> bool:
        """Prow's meaning: completion time is set, whatever the state (`pkg/apis/prowjobs/v1/types.go`)."""
        return self.completed_at > 0

    @property
    def wanted(self) -> bool:
        """Whether the run still has work to do: no result yet, and nobody asked to stop it."""
        return self.state not in FINAL_STATES and not self.stop_reason

    @property
    def report_sha(self) -> str:
        """The commit that carries the status: the head of pull or merge group, else the base (`report.go:56`)."""
        return self.head_sha or self.base_sha

    @property
    def report_key(self) -> str:
        """What one status belongs to: repository, commit and context."""
        return f"{self.repository}@{self.report_sha}#{self.context}"

    def move(self, state: State, *, description: str, at: int) -> ProwJob:
        """The row in its next state.

        Raises:
            ConflictError: the transition is not one of Prow's; final states are never left.
        """
        description = description[:MAX_TEXT]
        if state is self.state:
            return replace(self, description=description)
        if state not in _LEGAL[self.state]:
            raise ConflictError(f"ProwJob {self.id} ({self.job}) cannot go from {self.state} to {state}")
        moved = replace(self, state=state, description=description)
        if state is State.PENDING:
            return replace(moved, pending_at=at)
        return moved

    def stand_in(self, *, description: str, url: str, at: int) -> ProwJob:
        """The new row as that of a success which was set by hand: it was over before anything could run."""
        begun = self.move(State.PENDING, description=description, at=0)
        over = begun.move(State.SUCCESS, description=description, at=0)
        return replace(over, phase=Phase.RELEASED, url=url, completed_at=at)

    def active_order(self) -> str:
        """The sort key of the index of unfinished runs: waiting, admitted, running, each in order of creation."""
        prefix = _ACTIVE_PREFIX.get(self.phase)
        return f"{prefix}#{self.build_id.zfill(20)}" if prefix else ""

    def keys(self) -> dict[str, str]:
        """The attributes that the row's indexes hash on; absent ones keep the row out of that index."""
        keys = {"job_key": f"{self.type}#{self.repository}#{self.job}"}
        if self.pull:
            keys["pull_key"] = f"{self.repository}#{self.pull}"
        elif self.type is JobType.BATCH and self.head_sha:
            # No repository's name holds an `@`, so pulls and merge groups share the index.
            keys["pull_key"] = f"{self.repository}@{self.head_sha}"
        if order := self.active_order():
            keys |= {"active": self.cluster, "active_order": order}
        return keys


def header(
    spec: ProwJobSpec,
    *,
    prowjob: str,
    build_id: str,
    cause: str,
    delivery: str,
    created_at: int,
    retest: bool = False,
    attempt: int = 0,
) -> ProwJob:
    """The first row of a run of `spec`. A batch belongs to the head of its merge group, also if that has one pull."""
    refs = spec.refs
    pull = refs.pulls[0] if refs and len(refs.pulls) == 1 and spec.type is not JobType.BATCH else None
    group = refs.merged_sha if refs and spec.type is JobType.BATCH else ""
    return ProwJob(
        id=prowjob,
        type=spec.type,
        job=spec.job,
        context=spec.context,
        agent=spec.agent,
        org=refs.org if refs else "",
        repo=refs.repo if refs else "",
        base_ref=refs.base_ref if refs else "",
        base_sha=refs.base_sha if refs else "",
        pull=pull.number if pull else 0,
        head_sha=pull.sha if pull else group,
        author=pull.author if pull else "",
        rerun_command=spec.rerun_command,
        optional=spec.optional,
        report=spec.report,
        cluster=spec.cluster,
        max_concurrency=spec.max_concurrency,
        job_queue_name=spec.job_queue_name,
        cause=cause,
        delivery=delivery,
        attempt=attempt,
        retest=retest,
        spec_digest=spec.digest(),
        build_id=build_id,
        created_at=created_at,
    )
