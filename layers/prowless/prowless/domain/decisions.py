"""What a decision is made from and what it is: facts, decisions and actions as data."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from prowless.domain.approvals import Approval, PullLedger
    from prowless.domain.config.jobs import RepositoryConfig
    from prowless.domain.filters import Choice
    from prowless.domain.identity import Cause
    from prowless.domain.prowjob import ProwJobSpec
    from prowless.domain.refs import JobType
    from prowless.domain.specs import PullFacts

ABORTED_DESCRIPTION = "Aborted by trigger plugin."
"""`pkg/plugins/trigger/pull-request.go:170`; tools and people search for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusFact:
    """The effective status of a context."""

    state: str
    description: str = ""
    target_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialMerge:
    """The merge commit that a pull's jobs test: the present head on `base_sha`, its first parent."""

    sha: str
    base_sha: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InRepoConfig:
    """A repository's jobs at one commit: the static ones, and those of its own `.prow.yaml` or `.prow/` there.

    `problems` are what makes these files unusable, `unknown` says why nothing is known about them; either way `config`
    has the static jobs alone. `notes` are warnings. `present`: there are such files.
    """

    config: RepositoryConfig
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    unknown: str = ""
    present: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckFact:
    """A check run on the head. `conclusion` is GitHub's word, empty until it has completed."""

    name: str
    conclusion: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFact:
    """An unfinished run of a pull request. `cause` is the event that started it."""

    job: str
    context: str
    cause: str


class View(Protocol):
    """Facts about the event's pull request or push, fetched when first asked for and then kept by the view.

    An error of GitHub's is raised, never taken for an answer.
    """

    def pull(self) -> PullFacts:
        """The pull request as it stands now."""
        ...

    def test_merge(self, *, wait: bool = True) -> TrialMerge | None:
        """GitHub's test merge whose second parent is the present head; None if there is none, after a `wait` or now."""
        ...

    def has_own_files(self) -> bool:
        """Whether the present head names files of the repository's own configuration; nothing in them is read."""
        ...

    def in_repo(self) -> InRepoConfig:
        """The static jobs with those of the repository's own files in the tree under test.

        That is the test merge of a pull, the commit of a push, the head of a merge group. A pull's author wrote these
        files: ask only once it is known that somebody trusted stands behind them.
        """
        ...

    def trusted(self, user: str) -> bool:
        """Whether the user is trusted in the repository."""
        ...

    def changed_files(self) -> Sequence[str] | None:
        """Changed files of the pull or push; None if the list is known to be incomplete."""
        ...

    def contexts(self) -> Mapping[str, str]:
        """State of every context of the present head's combined status."""
        ...

    def statuses(self) -> Mapping[str, StatusFact]:
        """Every context of the present head's combined status."""
        ...

    def ledger(self) -> PullLedger:
        """The heads that the pull is known to have had, and its approved commits."""
        ...

    def bot(self) -> str:
        """Our own login."""
        ...

    def permission(self, user: str) -> str:
        """What the user may do in the repository: admin, write, read or none."""
        ...

    def in_team(self, team: str, user: str) -> bool:
        """Whether the user is in a team of the repository's organisation, which its slug names."""
        ...

    def top_level_approver(self, user: str) -> bool:
        """Whether the OWNERS file at the root of the base branch names the user, who is a collaborator, as approver."""
        ...

    def required_contexts(self) -> Sequence[str]:
        """The contexts that the protection of the base branch requires."""
        ...

    def check_runs(self) -> Sequence[CheckFact]:
        """The check runs on the present head; none where we cannot post any, not being an App."""
        ...

    def base_head(self) -> str:
        """The commit at the head of the pull's base branch; nothing if the branch is gone."""
        ...

    def unfinished(self) -> Sequence[RunFact]:
        """The pull's unfinished runs."""
        ...

    def group(self) -> Sequence[PullFacts] | None:
        """The pulls of the event's merge group in their order, as far as can be told; None if the group is gone."""
        ...


class Outcome(StrEnum):
    """What became of a job at an event."""

    RUN = "run"
    SKIP = "skip"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One job at one event."""

    job: str
    type: JobType
    verdict: Outcome
    rule: str
    reason: str

    @classmethod
    def of(cls, job: str, job_type: JobType, choice: Choice, *, blocked: bool = False) -> Decision:
        """What a choice means for a job; `blocked`: something stands in the way of what the rules allow."""
        outcome = Outcome.BLOCKED if blocked else Outcome.RUN if choice.run else Outcome.SKIP
        return cls(job=job, type=job_type, verdict=outcome, rule=choice.rule, reason=choice.reason)

    def to_dict(self) -> dict[str, str]:
        """As `explain` shows it."""
        return {
            "job": self.job,
            "type": self.type.value,
            "verdict": self.verdict.value,
            "rule": self.rule,
            "reason": self.reason,
        }


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """All that follows from an event. `summary` is one sentence, and all there is for an event that concerns no job.

    `problems` are what makes the repository's own configuration unusable, `notes` what else is to be known about it.
    """

    decisions: tuple[Decision, ...] = ()
    actions: tuple[Action, ...] = ()
    summary: str = ""
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, decisions: Sequence[Decision], actions: Sequence[Action], empty: str) -> Verdict:
        """A verdict whose summary counts the decisions; `empty` is said if there are none."""
        count = Counter(decision.verdict for decision in decisions)
        summary = ", ".join(f"{count[outcome]} {outcome}" for outcome in Outcome if count[outcome])
        return cls(decisions=tuple(decisions), actions=tuple(actions), summary=summary or empty)

    def to_dict(self) -> dict[str, Any]:
        """What is kept for `explain`; actions are carried out, not kept."""
        return {
            "summary": self.summary,
            "decisions": [decision.to_dict() for decision in self.decisions],
            "problems": list(self.problems),
            "notes": list(self.notes),
        }
