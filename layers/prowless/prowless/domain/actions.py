"""What follows from a decision, as data: whoever dispatches carries it out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prowless.domain.approvals import Approval
    from prowless.domain.identity import Cause
    from prowless.domain.prowjob import ProwJobSpec

ABORTED_DESCRIPTION = "Aborted by trigger plugin."
"""`pkg/plugins/trigger/pull-request.go:170`; tools and people search for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Start a run.

    `automatic` starts were not asked for by a person: they claim (pull, head, job) and do not run if the claim is
    another event's, unless `renew` says that this event starts the head anew (reopened, other base, label).
    """

    spec: ProwJobSpec
    cause: Cause
    automatic: bool = False
    renew: bool = False
    retest: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Keep a successful ProwJob that stands for a result which was set by hand: there is nothing to run or report."""

    spec: ProwJobSpec
    cause: Cause
    description: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AbortPull:
    """Stop the pull's unfinished presubmits, except those of one head or one cause.

    `jobs` are names or contexts; without any, all jobs are meant.
    """

    repository: str
    number: int
    description: str = ABORTED_DESCRIPTION
    except_head: str = ""
    except_cause: str = ""
    jobs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AbortGroup:
    """Stop the unfinished runs of a merge group, which its head names."""

    repository: str
    head_sha: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetStatus:
    """Post a commit status that no run stands behind."""

    repository: str
    sha: str
    context: str
    state: str
    description: str
    target_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PassCheck:
    """Post a successful check run of a name, unless the newest is one."""

    repository: str
    sha: str
    name: str
    title: str
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """Post a comment; `key` is the same whenever the same event asks for it again.

    A `standing` comment says how things are: one that is there already is edited.
    """

    repository: str
    number: int
    body: str
    key: str
    standing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw:
    """Delete our comment of that key, if there is one."""

    repository: str
    number: int
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Approve:
    """Keep that a commit of a pull is approved."""

    repository: str
    number: int
    approval: Approval


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeApprovals:
    """Forget what was approved of a pull."""

    repository: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteHead:
    """Keep that a commit is the head of a pull now."""

    repository: str
    number: int
    sha: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneHelp:
    """Delete our older help comments (`commands.is_help_comment`) of a pull."""

    repository: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AddLabel:
    """Put a label on a pull."""

    repository: str
    number: int
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveLabel:
    """Take a label off a pull."""

    repository: str
    number: int
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckConfig:
    """Compile the central configuration with a pull request's change, if that touches it, and say what came of it."""

    repository: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncConfig:
    """Compile the central configuration anew: one of its sources moved to this commit."""

    repository: str
    sha: str


Action = (
    Start
    | Record
    | AbortPull
    | AbortGroup
    | SetStatus
    | PassCheck
    | Comment
    | Withdraw
    | PruneHelp
    | AddLabel
    | RemoveLabel
    | Approve
    | RevokeApprovals
    | NoteHead
    | CheckConfig
    | SyncConfig
)
