"""What decisions are made from: facts about the pull request, push or merge group of an event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from prowless.domain.approvals import PullLedger
    from prowless.domain.config.jobs import RepositoryConfig
    from prowless.domain.specs import PullFacts


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
