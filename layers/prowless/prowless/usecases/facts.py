"""What decisions ask about a pull request or push: fetched from GitHub when first asked for, then kept."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from prowless.domain import owners
from prowless.domain.errors import ConfigError, NotFoundError, PermanentError
from prowless.domain.events import MAX_PUSHED_FILES, NO_COMMIT, MergeGroupEvent, PushEvent
from prowless.domain.trust import trusted_user
from prowless.domain.view import CheckFact, InRepoConfig, RunFact, StatusFact, TrialMerge
from prowless.usecases import merge_groups

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from prowless.domain.approvals import PullLedger
    from prowless.domain.events import Event
    from prowless.domain.prowjob import ProwJob
    from prowless.domain.specs import PullFacts
    from prowless.domain.trust import TrustOptions
    from prowless.ports.config import OwnersParser
    from prowless.ports.github import ChangedFile, GitHub, PullRequest
    from prowless.usecases.in_repo import InRepoTrees

MERGE_PATIENCE_SECONDS = (0.5, 1.0, 2.0)
"""Pauses while GitHub computes the test merge; it usually takes under a second."""

MOST_FILES = 3000
"""GitHub lists no more files of a pull request than this."""

_COMMIT = re.compile(r"[0-9a-f]{40,64}")


class GitHubFacts:
    """The `View` of one event, over GitHub's API. Every error of GitHub's is raised, never taken for an answer."""

    def __init__(
        self,
        *,
        github: GitHub,
        event: Event,
        number: int,
        trust: TrustOptions,
        pause: Callable[[float], None],
        unfinished: Callable[[str, int], Sequence[ProwJob]],
        ledger: Callable[[str, int], PullLedger],
        in_repo: InRepoTrees,
        parse_owners: OwnersParser,
    ) -> None:
        """Where facts come from.

        Args:
            github: GitHub.
            event: the event.
            number: the pull request's, 0 for a push or merge group.
            trust: the repository's options.
            pause: waits for some seconds.
            unfinished: the unfinished runs of a pull request.
            ledger: the heads and approvals of a pull request.
            in_repo: the repository's own configuration.
            parse_owners: reads OWNERS files.
        """
        self._parse_owners = parse_owners
        self._read_ledger = ledger
        self._in_repo = in_repo
        self._own: InRepoConfig | None = None
        self._ledger: PullLedger | None = None
        self._unfinished = unfinished
        self._github = github
        self._event = event
        self._repository = event.repository
        self._number = number
        self._trust = trust
        self._pause = pause
        self._pull: PullRequest | None = None
        self._merge: tuple[TrialMerge | None] | None = None
        self._files: tuple[list[str] | None] | None = None
        self._statuses: dict[str, StatusFact] | None = None
        self._trusted: dict[str, bool] = {}
        self._login = ""

    def pull(self) -> PullFacts:
        """The pull request as it stands now."""
        return merge_groups.pull_facts(self._pull_now())

    def test_merge(self, *, wait: bool = True) -> TrialMerge | None:
        """GitHub's test merge of the present head, once it is computed; it is waited for at most once."""
        if self._merge is None:
            patience = MERGE_PATIENCE_SECONDS if wait else ()
            self._pull, merge = await_test_merge(self._github, self._pull_now(), self._pause, patience)
            if merge is None and not wait:
                return None
            self._merge = (merge,)
        return self._merge[0]

    def has_own_files(self) -> bool:
        """Whether the present head names files of the repository's own configuration; nothing in them is read."""
        return self._in_repo.unmerged(self._pull_now().head_sha).present

    def in_repo(self) -> InRepoConfig:
        """The static jobs with those of the repository's own files in the tree under test."""
        if self._own is None:
            self._own = self._in_tree()
        return self._own

    def _in_tree(self) -> InRepoConfig:
        event = self._event
        if isinstance(event, PushEvent):
            return self._in_repo.at(event.after)
        if isinstance(event, MergeGroupEvent):
            return self._in_repo.at(event.head_sha)
        merge = self.test_merge()
        return self._in_repo.at(merge.sha) if merge else self._in_repo.unmerged(self._pull_now().head_sha)

    def trusted(self, user: str) -> bool:
        """Whether the user is trusted in the repository."""
        if user not in self._trusted:
            self._trusted[user] = trusted_user(self._trust, self._github, self._repository, user)
        return self._trusted[user]

    def changed_files(self) -> Sequence[str] | None:
        """Changed files of the pull request, push or merge group; None if GitHub does not tell them all."""
        if self._files is None:
            self._files = (self._listed(),)
        return self._files[0]

    def _listed(self) -> list[str] | None:
        if self._number:
            found = self._github.pull_files(self._repository, self._number)
            return None if len(found) >= MOST_FILES else _names(found)
        if isinstance(self._event, MergeGroupEvent):
            return self._of_group(self._event)
        return self._pushed(self._event) if isinstance(self._event, PushEvent) else None

    def _of_group(self, event: MergeGroupEvent) -> list[str] | None:
        try:
            return _names(self._github.compare(self._repository, event.base_sha, event.head_sha))
        except PermanentError:  # also if there is no such commit any more
            return None

    def _pushed(self, event: PushEvent) -> list[str] | None:
        if event.before == NO_COMMIT or not _COMMIT.fullmatch(event.before):
            return _told(event)
        try:
            return _names(self._github.compare(self._repository, event.before, event.after))
        except NotFoundError:
            # The former head of a forced push may be gone; what the payload lists is then all there is.
            return _told(event)
        except PermanentError:
            return None

    def contexts(self) -> Mapping[str, str]:
        """State of every context of the present head's combined status."""
        return {context: status.state for context, status in self.statuses().items()}

    def statuses(self) -> Mapping[str, StatusFact]:
        """Every context of the present head's combined status."""
        if self._statuses is None:
            found = self._github.statuses(self._repository, self._pull_now().head_sha)
            self._statuses = {
                context: StatusFact(state=one.state, description=one.description, target_url=one.target_url)
                for context, one in found.items()
            }
        return self._statuses

    def permission(self, user: str) -> str:
        """What the user may do in the repository: admin, write, read or none."""
        return self._github.permission(self._repository, user)

    def in_team(self, team: str, user: str) -> bool:
        """Whether the user is in a team of the repository's organisation."""
        return self._github.is_team_member(self._repository.partition("/")[0], team, user)

    def top_level_approver(self, user: str) -> bool:
        """Whether the OWNERS file at the root of the base branch names the user, who is a collaborator, as approver.

        Files that are no YAML name nobody.
        """
        base = self.base_head()
        if not base:
            return False
        files = (self._decoded(name, base) for name in (owners.OWNERS, owners.OWNERS_ALIASES))
        named = user.lower() in owners.top_level_approvers(*files)
        return named and self._github.is_collaborator(self._repository, user)

    def _decoded(self, path: str, sha: str) -> Any:
        try:
            return self._parse_owners(path, self._github.contents(self._repository, path, sha)).data
        except (NotFoundError, ConfigError):
            return None

    def required_contexts(self) -> Sequence[str]:
        """The contexts that the protection of the base branch requires; none if the branch is gone."""
        try:
            return self._github.required_contexts(self._repository, self._pull_now().base_ref)
        except NotFoundError:
            return ()

    def check_runs(self) -> Sequence[CheckFact]:
        """The check runs on the present head; none where we may not post any: only Apps with that permission may."""
        if not self.bot().endswith("[bot]"):
            return ()
        try:
            found = self._github.check_runs(self._repository, self._pull_now().head_sha)
        except PermanentError:
            return ()
        return [CheckFact(name=run.name, conclusion=run.conclusion) for run in found]

    def base_head(self) -> str:
        """The commit at the head of the pull's base branch; nothing if the branch is gone."""
        try:
            return self._github.ref(self._repository, f"heads/{self._pull_now().base_ref}")
        except NotFoundError:
            return ""

    def unfinished(self) -> Sequence[RunFact]:
        """The pull's unfinished presubmits, newest first."""
        runs = self._unfinished(self._repository, self._number)
        return [RunFact(job=run.job, context=run.context, cause=run.cause) for run in runs]

    def group(self) -> Sequence[PullFacts] | None:
        """The pulls of the event's merge group; None if the group is gone."""
        event = self._event
        return merge_groups.pulls(self._github, event) if isinstance(event, MergeGroupEvent) else ()

    def ledger(self) -> PullLedger:
        """The heads that the pull is known to have had, and its approved commits."""
        if self._ledger is None:
            self._ledger = self._read_ledger(self._repository, self._number)
        return self._ledger

    def bot(self) -> str:
        """Our own login."""
        self._login = self._login or self._github.login()
        return self._login

    def _pull_now(self) -> PullRequest:
        if self._pull is None:
            self._pull = self._github.pull(self._repository, self._number)
        return self._pull


def await_test_merge(
    github: GitHub,
    pull: PullRequest,
    pause: Callable[[float], None],
    patience: Sequence[float] = MERGE_PATIENCE_SECONDS,
) -> tuple[PullRequest, TrialMerge | None]:
    """The pull request and the test merge of its head, computed now or within `patience`, in which it may move."""
    for seconds in (*patience, None):
        if pull.mergeable is False:
            break
        try:
            merge = github.ref(pull.repository, f"pull/{pull.number}/merge")
            parents = github.parents(pull.repository, merge)
        except NotFoundError:
            parents = ()
        if len(parents) == 2 and parents[1] == pull.head_sha:  # noqa: PLR2004  a merge of two
            return pull, TrialMerge(sha=merge, base_sha=parents[0])
        if seconds is not None:
            pause(seconds)
            pull = github.pull(pull.repository, pull.number)
    return pull, None


def _names(files: Sequence[ChangedFile]) -> list[str]:
    return [file.filename for file in files]


def _told(event: PushEvent) -> list[str] | None:
    """What the payload lists, None if that was cut off."""
    return None if len(event.files) >= MAX_PUSHED_FILES else list(event.files)
