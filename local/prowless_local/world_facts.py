"""Facts for `prowless explain` without a network: the world file's, then the payload's; the rest is assumed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from prowless.domain import owners
from prowless.domain.approvals import Approval, HeadSeen, PullLedger
from prowless.domain.errors import ConfigError
from prowless.domain.events import CommentEvent, MergeGroupEvent, PullRequestEvent, PushEvent, moment
from prowless.domain.specs import PullFacts
from prowless.domain.trust import trusted_user
from prowless.domain.view import CheckFact, InRepoConfig, RunFact, StatusFact, TrialMerge
from prowless.domain.wording import shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from prowless.domain.events import Event
    from prowless.domain.trust import TrustOptions
    from prowless.usecases.in_repo import InRepoTrees
    from prowless_local.world import World

NO_COMMIT_KNOWN = "0" * 40
"""Stands for a commit that nobody told us; the output says so."""

_MEMBER = frozenset({"MEMBER", "OWNER"})
_COLLABORATOR = frozenset({"MEMBER", "OWNER", "COLLABORATOR"})
_APART = frozenset({"test_merge_base", "base_head"})
"""Keys of the file's pull that GitHub's pull request does not have."""


class WorldFacts:
    """The `View` of one event over a payload and a World. `notes` say what was assumed because nobody tells it."""

    def __init__(
        self, *, event: Event, body: Mapping[str, Any], world: World, trust: TrustOptions, in_repo: InRepoTrees
    ) -> None:
        """`body` is the decoded payload that `event` was parsed from, `in_repo` reads the world's files."""
        self._in_repo = in_repo
        self._event = event
        self._body = body
        self._world = world
        self._trust = trust
        self._associations = _associations(body)
        self._notes: dict[str, None] = {}
        self._pull: PullFacts | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """What was assumed, in the order in which the rules asked."""
        return tuple(self._notes)

    def _note(self, text: str) -> None:
        self._notes[text] = None

    def pull(self) -> PullFacts:
        """The pull request as the payload shows it, with the file's changes."""
        if self._pull is None:
            told = {key: value for key, value in self._world.pull.items() if key not in _APART}
            if "labels" in told:
                told["labels"] = frozenset(told["labels"])
            self._pull = replace(self._payload_pull(told), **told)
        return self._pull

    def _payload_pull(self, told: Mapping[str, Any]) -> PullFacts:
        """The payload's part. A comment's has an issue only, which knows neither head nor base."""
        event = self._event
        if not isinstance(event, PullRequestEvent | CommentEvent):
            raise TypeError(f"a {type(event).__name__} has no pull request")
        raw = _table(self._body.get("pull_request")) or _table(self._body.get("issue"))
        head, base = _table(raw.get("head")), _table(raw.get("base"))
        base_ref = _string(base.get("ref"))
        if not base_ref and "base_ref" not in told:
            base_ref = _string(_table(self._body.get("repository")).get("default_branch")) or "main"
            self._note(f"the base branch is not known, taken to be {shown(base_ref)}: give pull.base_ref in --world")
        mergeable = raw.get("mergeable")
        labels = raw.get("labels")
        return PullFacts(
            repository=event.repository,
            number=event.number,
            title=_string(raw.get("title")),
            author=_string(_table(raw.get("user")).get("login")),
            state=event.state,
            draft=raw.get("draft") is True,
            mergeable=mergeable if isinstance(mergeable, bool) else None,
            head_sha=_string(head.get("sha")) or NO_COMMIT_KNOWN,
            head_ref=_string(head.get("ref")),
            base_ref=base_ref,
            html_url=_string(raw.get("html_url")),
            labels=frozenset(
                _string(_table(label).get("name")) for label in (labels if isinstance(labels, list) else ())
            ),
        )

    def test_merge(self, *, wait: bool = True) -> TrialMerge | None:
        """The file's base of the test merge; otherwise a clean merge on the payload's base is assumed."""
        del wait
        base = self._merge_base()
        return TrialMerge(sha=NO_COMMIT_KNOWN, base_sha=base) if base else None

    def _merge_base(self) -> str | None:
        if "test_merge_base" in self._world.pull:
            base: str | None = self._world.pull["test_merge_base"]
            return base
        pull = self.pull()
        if pull.mergeable is None:
            self._note(
                "whether the pull request can be merged is not known, taken as yes: give pull.mergeable in --world"
            )
        return self._payload_base()

    def _payload_base(self) -> str:
        known = _string(_table(_table(self._body.get("pull_request")).get("base")).get("sha"))
        return known or NO_COMMIT_KNOWN

    def has_own_files(self) -> bool:
        """Whether the file's files hold some."""
        return self._in_repo.unmerged(self.pull().head_sha).present

    def in_repo(self) -> InRepoConfig:
        """The static jobs with those of the file's files; none if it does not tell."""
        if self._world.files is None:
            self._note(".prow.yaml and .prow/ are not known, taken as absent: give files in --world")
        if isinstance(self._event, PullRequestEvent | CommentEvent):
            pull = self.pull()
            if pull.mergeable is False or self.test_merge() is None:
                return self._in_repo.unmerged(pull.head_sha)
        return self._in_repo.at(NO_COMMIT_KNOWN)

    def base_head(self) -> str:
        """The file's head of the base branch, else the payload's base."""
        told = _string(self._world.pull.get("base_head"))
        if not told:
            self._note(
                "the head of the base branch is not known, the payload's is taken: give pull.base_head in --world"
            )
        return told or self._payload_base()

    def trusted(self, user: str) -> bool:
        """Whether the user is trusted, by the same rule as with GitHub's answers."""
        answers = self._answers()
        trusted = trusted_user(self._trust, answers, self._event.repository, user)
        if not trusted:
            for text in answers.unknown:
                self._note(text)
        return trusted

    def _answers(self) -> _Answers:
        return _Answers(self._world, self._event.repository, self._associations, self._bot())

    def changed_files(self) -> Sequence[str] | None:
        """The file's list, else what a push's payload lists; None, with which every job runs, if neither tells."""
        if self._world.changed_files is not None:
            return self._world.changed_files[0]
        if isinstance(self._event, PushEvent):
            self._note("changed files are those of the payload's commits; dispatch asks GitHub to compare")
            return self._event.files
        self._note("changed files are not known, so jobs that depend on them run: give changed_files in --world")
        return None

    def contexts(self) -> Mapping[str, str]:
        """States of the file's statuses; none if it does not tell."""
        return {context: status.state for context, status in self.statuses().items()}

    def statuses(self) -> Mapping[str, StatusFact]:
        """The file's statuses; none if it does not tell."""
        if self._world.statuses is None:
            self._note("statuses are not known, taken as none: give statuses in --world")
            return {}
        return {context: StatusFact(**status) for context, status in self._world.statuses.items()}

    def permission(self, user: str) -> str:
        """The file's answer, else none."""
        if user.lower() not in self._world.permissions:
            self._note(f"the permission of {shown(user)} is not known, taken as none: give permissions in --world")
        return self._world.permissions.get(user.lower(), "none")

    def in_team(self, team: str, user: str) -> bool:
        """The file's answer, else no."""
        if team not in self._world.teams:
            self._note(f"members of team {shown(team)} are not known, taken as none: give teams in --world")
        return user.lower() in self._world.teams.get(team, ())

    def top_level_approver(self, user: str) -> bool:
        """What the file's OWNERS says, else no."""
        if owners.OWNERS not in (self._world.files or {}):
            self._note("the OWNERS file is not known, taken as none: give files in --world")
        decoded = (self._decoded(name) for name in (owners.OWNERS, owners.OWNERS_ALIASES))
        named = user.lower() in owners.top_level_approvers(*decoded)
        return named and self._answers().is_collaborator(self._event.repository, user)

    def _decoded(self, name: str) -> Any:
        from prowless.adapters.config_files import parse_document  # noqa: PLC0415  only `/override` reads such files

        text = (self._world.files or {}).get(name, "")
        try:
            return parse_document(name, text.encode()).data
        except ConfigError as error:
            self._note(f"{name} names nobody: {shown(str(error), 200)}")
        return None

    def required_contexts(self) -> Sequence[str]:
        """The file's list, else none."""
        if self._world.required_contexts is None:
            self._note("the contexts that the branch requires are not known, taken as none: give required_contexts")
        return self._world.required_contexts or ()

    def check_runs(self) -> Sequence[CheckFact]:
        """The file's check runs, else none."""
        if self._world.check_runs is None:
            self._note("check runs are not known, taken as none: give check_runs in --world")
        return [CheckFact(name=name, conclusion=word) for name, word in (self._world.check_runs or {}).items()]

    def unfinished(self) -> Sequence[RunFact]:
        """The file's unfinished runs, each started by another event; none if it does not tell."""
        if self._world.unfinished is None:
            self._note("unfinished runs are not known, taken as none: give unfinished in --world")
            return ()
        return [RunFact(job=job, context=context, cause="") for job, context in self._world.unfinished.items()]

    def group(self) -> Sequence[PullFacts] | None:
        """The file's pulls of the merge group; none if it does not tell."""
        event = self._event
        if not isinstance(event, MergeGroupEvent):
            return ()
        if self._world.group is None:
            self._note("the pulls of the merge group are not known, taken as none: give group in --world")
            return ()
        pulls = self._world.group[0]
        if pulls is None:
            return None
        base = event.base_ref.removeprefix("refs/heads/")
        return [PullFacts(repository=event.repository, base_ref=base, **pull) for pull in pulls]

    def ledger(self) -> PullLedger:
        """The file's heads and approvals; else the present head has been there for long, and nothing is approved."""
        heads = self._world.heads
        if heads is None:
            self._note("when the head was pushed is not known, taken as long ago: give heads in --world")
            heads = [{"sha": self.pull().head_sha, "at": ""}]
        if self._world.approvals is None:
            self._note("approved commits are not known, taken as none: give approvals in --world")
        ledger = PullLedger(approvals=tuple(_approval(sha) for sha in self._world.approvals or ()))
        for index, head in enumerate(heads):
            at = moment(head["at"])
            ledger = ledger.saw(HeadSeen(sha=head["sha"], at=at, seen=at, opened=index == 0))
        if isinstance(self._event, PullRequestEvent):
            ledger = ledger.saw(HeadSeen(sha=self._event.head_sha, at=self._event.at, seen=self._event.at))
        return ledger

    def bot(self) -> str:
        """The file's login of ours; otherwise nobody in the payload is taken to be us."""
        if self._world.bot is None:
            self._note("our own login is not known, nobody is taken to be us: give bot in --world")
        return self._bot()

    def _bot(self) -> str:
        # A slash is in no login, so an unknown bot is nobody.
        return self._world.bot or "unknown/bot"


class _Answers:
    """`Membership` over the file, and over the associations that the payload shows."""

    def __init__(self, world: World, repository: str, associations: Mapping[str, str], bot: str) -> None:
        self._world = world
        self._org = repository.partition("/")[0].lower()
        self._associations = associations
        self._bot = bot
        self.unknown: list[str] = []

    def login(self) -> str:
        return self._bot

    def is_member(self, org: str, user: str) -> bool:
        known = self._world.members.get(org.lower())
        if known is not None:
            return user.lower() in known
        if org.lower() == self._org and self._associations.get(user.lower()) in _MEMBER:
            return True
        self.unknown.append(
            f"members of {shown(org)} are not known, {shown(user)} is taken not to be one: give members in --world"
        )
        return False

    def is_collaborator(self, repository: str, user: str) -> bool:
        if self._world.collaborators is not None:
            return user.lower() in self._world.collaborators
        if self._associations.get(user.lower()) in _COLLABORATOR:
            return True
        self.unknown.append(
            f"collaborators of {repository} are not known, {shown(user)} is taken not to be one: "
            "give collaborators in --world"
        )
        return False


def _associations(body: Mapping[str, Any]) -> dict[str, str]:
    """Login to `author_association` of everything in the payload that has both."""
    found = {}
    for name in ("pull_request", "issue", "comment", "review"):
        thing = _table(body.get(name))
        login = _string(_table(thing.get("user")).get("login"))
        if login:
            found[login.lower()] = _string(thing.get("author_association"))
    return found


def _approval(sha: str) -> Approval:
    return Approval(sha=sha, by="", at=0, source="world")


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _string(value: Any) -> str:
    return value if isinstance(value, str) else ""
