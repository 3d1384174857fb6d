"""What the rules for pull request events and for comments share: facts of a pull, and how verdicts on it are made."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from prowless.domain import approvals, commands, filters, in_repo_jobs, replies
from prowless.domain import status as status_rules
from prowless.domain.actions import (
    AbortPull,
    Action,
    AddLabel,
    Approve,
    Comment,
    NoteHead,
    RemoveLabel,
    SetStatus,
    Start,
    Withdraw,
)
from prowless.domain.approvals import Approval
from prowless.domain.changes import Changes
from prowless.domain.decisions import Decision, Verdict
from prowless.domain.filters import Choice, Filter
from prowless.domain.refs import JobType, Refs
from prowless.domain.specs import PullFacts, presubmit_spec, pull_refs
from prowless.domain.trust import NEEDS_OK_TO_TEST, OK_TO_TEST, distrust
from prowless.domain.wording import listed, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from prowless.domain.config.jobs import Presubmit, RepositoryConfig
    from prowless.domain.events import CommentEvent
    from prowless.domain.identity import Cause
    from prowless.domain.view import InRepoConfig, View


CONFLICT = "mergeable"
NOT_MERGED = "merge-ref"
_OBSTACLES = {
    CONFLICT: "the pull request conflicts with {branch}. Resolve the conflict and push",
    NOT_MERGED: "GitHub has not computed the merge with {branch}. Comment /test all later",
}
_SUCCESS = "success"


@dataclass(slots=True)
class PullRules:
    """One event of one pull request: its cause, the repository's jobs, facts, and the actions so far."""

    cause: Cause
    config: RepositoryConfig
    view: View
    actions: list[Action] = field(default_factory=list)
    own: InRepoConfig | None = None
    """What the repository's own files came to, once they were read."""

    def load(self, pull: PullFacts, *, wait: bool = True) -> None:
        """Add the jobs of the repository's own files, where these count.

        The pull's author wrote them: call it once somebody trusted stands behind the head. Waiting for the merge may
        bring another head, which is not read unless it may run as well. Without `wait`, nothing is read before GitHub
        has computed the merge.
        """
        if not self.config.in_repo or self.own is not None:
            return
        if pull.mergeable is not False and self.view.test_merge(wait=wait) is None and not wait:
            return
        if self._overtaken(pull):
            return
        own = self.own = self.view.in_repo()
        self.config = own.config
        present = self.view.pull()
        if own.problems:
            self.actions.append(in_repo_jobs.failure(own, present.repository, present.head_sha))
            self.actions.append(in_repo_jobs.comment(own, present))

    def told(self, verdict: Verdict) -> Verdict:
        """The verdict with what the record says about the repository's own files."""
        return in_repo_jobs.told(verdict, self.config, self.own)

    def if_trusted(self, *, renew: bool) -> Verdict:
        """`buildAllIfTrusted`: start if the author is trusted or somebody vouched for the head."""
        pull = self.view.pull()
        if pull.state != "open":
            return self.closed(pull)
        if not self.view.trusted(pull.author):
            if not self.approved(pull):
                return self._show_waiting(pull)
            self._show_vouched(pull)
        return self.automatic(pull, renew=renew)

    def _show_vouched(self, pull: PullFacts) -> None:
        """Let the labels say so, also after a push that went back to an approved commit."""
        if OK_TO_TEST not in pull.labels:
            self.label(OK_TO_TEST)
        if NEEDS_OK_TO_TEST in pull.labels:
            if not self.config.trust.sticky:
                self.ask_no_more(pull)
            self.unlabel(NEEDS_OK_TO_TEST)

    def _show_waiting(self, pull: PullFacts) -> Verdict:
        """Nobody vouched for the present head; who vouched for an earlier one is told so."""
        if not self.config.trust.sticky and (OK_TO_TEST in pull.labels or self.view.ledger().approvals):
            # In this order: a repetition must still find what the comment tells of.
            self.ask_again(pull)
            self.withhold(pull)
        return self.blocked("trust", f"{self.distrust(pull.author)}, and {self.unapproved(pull)}")

    def automatic(self, pull: PullFacts, *, renew: bool) -> Verdict:
        """`buildAllButDrafts`."""
        if pull.draft:
            return self.nothing("draft", "draft is true: a draft's jobs start by command only")
        self.load(pull)
        choices = self.choices([filters.test_all_filter], pull)

        def start(job: Presubmit, refs: Refs) -> Start:
            return Start(spec=presubmit_spec(job, refs), cause=self.cause, automatic=True, renew=renew)

        verdict = self.started(choices, pull, start)
        obstacle = obstacle_of(verdict) or self.obstacle()
        if obstacle:
            self._show_obstacle(obstacle)
        self.settle(pull)
        return replace(verdict, actions=tuple(self.actions))

    def obstacle(self) -> str:
        """The rule that keeps the repository's own jobs from being known, if they are there: there is no merge."""
        if self.own is None or not self.own.present or not self.own.unknown:
            return ""
        return _no_merge(self.view.pull()).rule

    def no_merge(self) -> str:
        """Why there is no merge to test, in words."""
        return _no_merge(self.view.pull()).reason

    def _show_obstacle(self, rule: str) -> None:
        pull = self.view.pull()
        branch = shown(pull.base_ref, 40)
        said = _OBSTACLES[rule].format(branch=branch)
        self._set_status(status_rules.MERGE_CONTEXT, "error", f"No job was started: {said}")

    def settle(self, pull: PullFacts) -> None:
        """Take back our statuses on the head that do not hold any more, whoever posted them, and whether jobs start.

        Any event may find one: a push or another pull of the same head posts there too. A head that came meanwhile has
        an event of its own.
        """
        own = self.own
        if self.view.pull().head_sha != pull.head_sha or (self.config.in_repo and own is None):
            return
        if own is None or not (own.problems or own.unknown):
            self._take_back(status_rules.IN_REPO_CONTEXT)
        if self._red(status_rules.MERGE_CONTEXT) and not self._lacks_merge(pull):
            self._take_back(status_rules.MERGE_CONTEXT)

    def settle_all(self) -> None:
        """Take back all our statuses on the head: there are no jobs that they could speak of."""
        for context in (status_rules.IN_REPO_CONTEXT, status_rules.MERGE_CONTEXT):
            self._take_back(context)

    def _red(self, context: str) -> bool:
        return self.view.contexts().get(context, _SUCCESS) != _SUCCESS

    def _lacks_merge(self, pull: PullFacts) -> bool:
        """Whether there are jobs that start by themselves, or may be, and no merge to test."""
        if self.obstacle():
            return True
        if not any(choice.run for choice in self.choices([filters.test_all_filter], pull)):
            return False
        merge = None if pull.mergeable is False else self.view.test_merge()
        return merge is None or self.view.pull().head_sha != pull.head_sha

    def _take_back(self, context: str) -> None:
        if not self._red(context):
            return
        if context == status_rules.IN_REPO_CONTEXT:
            self.actions.append(in_repo_jobs.withdrawal(self.view.pull()))
        self._set_status(context, _SUCCESS, status_rules.SETTLED)

    def _set_status(self, context: str, state: str, text: str) -> None:
        pull = self.view.pull()
        self.actions.append(
            SetStatus(
                repository=pull.repository,
                sha=pull.head_sha,
                context=context,
                state=state,
                description=status_rules.truncate(text, status_rules.MAX_DESCRIPTION_BYTES),
            )
        )

    def choices(self, chosen: Sequence[Filter], pull: PullFacts) -> list[Choice]:
        """What these filters say about each presubmit, in configured order."""
        jobs = self.config.presubmits
        changes = Changes(self.view.changed_files, jobs, pull.base_ref)
        return [filters.select(job, chosen, pull.base_ref, changes) for job in jobs]

    def started(self, choices: Iterable[Choice], pull: PullFacts, start: Callable[[Presubmit, Refs], Start]) -> Verdict:
        """Decisions and starts for the chosen jobs, all of them blocked if the pull cannot be merged on its base."""
        pairs = list(zip(self.config.presubmits, choices, strict=True))
        refs, obstacle = self._refs(pull) if any(choice.run for _, choice in pairs) else (pull_refs(pull, ""), None)
        decisions = []
        for job, choice in pairs:
            blocked = choice.run and obstacle is not None
            final = obstacle if blocked and obstacle else choice
            decisions.append(Decision.of(job.name, JobType.PRESUBMIT, final, blocked=blocked))
            if choice.run and not blocked:
                self.actions.append(start(job, refs))
        return Verdict.of(decisions, self.actions, f"{pull.repository} has no presubmits")

    def _refs(self, pull: PullFacts) -> tuple[Refs, Choice | None]:
        """The refs under test, or what stands in their way. Waiting for the merge may have brought a newer head."""
        merge = None if pull.mergeable is False else self.view.test_merge()
        present = self.view.pull()
        if self._overtaken(pull):
            moved = f"{present.head_sha} was pushed while this was decided, and it is not approved"
            return pull_refs(present, ""), Choice(run=False, rule="approval", reason=moved)
        if merge:
            return pull_refs(present, merge.base_sha), None
        return pull_refs(present, ""), _no_merge(present)

    def _overtaken(self, pull: PullFacts) -> bool:
        """Whether another head came since the pull was judged, and nobody vouched for that one."""
        present = self.view.pull()
        return present.head_sha != pull.head_sha and self.binds(present) and not self.approved(present)

    def trusted_pull(self, pull: PullFacts) -> bool:
        """`pull-request.go:365-382`, with an approval in place of the label."""
        return approvals.trusted_pull(pull, self.config.trust, self.view)

    def approved(self, pull: PullFacts) -> bool:
        """Whether somebody vouched for the pull as it stands."""
        return approvals.approved(pull, self.config.trust, self.view)

    def binds(self, pull: PullFacts) -> bool:
        """Whether the pull may run approved commits only."""
        return approvals.binds(pull, self.config.trust, self.view)

    def unapproved(self, pull: PullFacts) -> str:
        """That nobody vouched for the pull as it stands."""
        labels = f"(labels: {listed(sorted(pull.labels)) or 'none'})"
        if self.config.trust.sticky:
            return f"the label {OK_TO_TEST} is missing {labels}"
        return f"nobody approved {pull.head_sha} {labels}"

    def approve(self, pull: PullFacts, *, by: str, at: int, source: str) -> None:
        """Keep that somebody vouched for the present head, and no longer ask for it."""
        approval = Approval(sha=pull.head_sha, by=by, at=at, source=source)
        self.actions.append(Approve(repository=pull.repository, number=pull.number, approval=approval))
        self.ask_no_more(pull)

    def withhold(self, pull: PullFacts) -> None:
        """Let the labels say that the present head waits for an approval."""
        if OK_TO_TEST in pull.labels:
            self.unlabel(OK_TO_TEST)
        if NEEDS_OK_TO_TEST not in pull.labels and not self.config.trust.ignore_ok_to_test:
            self.label(NEEDS_OK_TO_TEST)

    def ask_again(self, pull: PullFacts) -> None:
        """Say that an earlier approval does not hold for the present head: one comment, edited for each newer head."""
        body = replies.new_head(pull, self.config.trust)
        said = Comment(repository=pull.repository, number=pull.number, body=body, key=_standing(pull), standing=True)
        self.actions.append(said)

    def ask_no_more(self, pull: PullFacts) -> None:
        """Take back what `ask_again` said."""
        self.actions.append(Withdraw(repository=pull.repository, number=pull.number, key=_standing(pull)))

    def note_head(self, pull: PullFacts) -> None:
        """Keep the present head, so that the next one who speaks of it is understood."""
        self.actions.append(NoteHead(repository=pull.repository, number=pull.number, sha=pull.head_sha))

    def distrust(self, user: str) -> str:
        """Why a user is not trusted, in words."""
        return distrust(self.config.trust, self.config.repository, user)

    def way_out(self) -> str:
        """What an untrusted pull waits for."""
        return "ignore_ok_to_test is true" if self.config.trust.ignore_ok_to_test else "waiting for /ok-to-test"

    def closed(self, pull: PullFacts) -> Verdict:
        """Nothing runs: the pull is not open."""
        return self.nothing("closed", f"state is {shown(pull.state)}, and jobs start on open pull requests only")

    def nothing(self, rule: str, reason: str) -> Verdict:
        """Every presubmit is skipped, by one rule."""
        return self._all(Choice(run=False, rule=rule, reason=reason), blocked=False)

    def blocked(self, rule: str, reason: str) -> Verdict:
        """Every presubmit is blocked, by one rule."""
        return self._all(Choice(run=False, rule=rule, reason=reason), blocked=True)

    def without_trigger(self) -> Verdict | None:
        """Nothing runs where plugins.yaml does not enable the trigger plugin; None where it does."""
        off = filters.trigger_off(self.config)
        return self._all(off, blocked=False) if off else None

    def _all(self, choice: Choice, *, blocked: bool) -> Verdict:
        decisions = tuple(
            Decision.of(job.name, JobType.PRESUBMIT, choice, blocked=blocked) for job in self.config.presubmits
        )
        unread = self.config.in_repo and self.own is None
        notes = (in_repo_jobs.NOT_READ,) if unread else ()
        return Verdict(decisions=decisions, actions=tuple(self.actions), summary=choice.reason, notes=notes)

    def abort(self, except_head: str = "") -> None:
        """Stop the pull's unfinished runs, except those of one head."""
        pull = self.view.pull()
        self.actions.append(AbortPull(repository=pull.repository, number=pull.number, except_head=except_head))

    def label(self, label: str) -> None:
        """Put a label on the pull."""
        pull = self.view.pull()
        self.actions.append(AddLabel(repository=pull.repository, number=pull.number, label=label))

    def unlabel(self, label: str) -> None:
        """Take a label off the pull."""
        pull = self.view.pull()
        self.actions.append(RemoveLabel(repository=pull.repository, number=pull.number, label=label))

    def answer(self, event: CommentEvent, kind: str, reply: str) -> None:
        """Answer a comment, once for each kind of answer."""
        body = commands.response(login=event.author, reply=reply, body=event.body, url=event.html_url)
        self.say(kind, body)

    def say(self, kind: str, body: str) -> None:
        """Post a comment, once for each kind and event."""
        pull = self.view.pull()
        key = f"{kind} {self.cause}"
        self.actions.append(Comment(repository=pull.repository, number=pull.number, body=body, key=key))


def _standing(pull: PullFacts) -> str:
    return f"approval {pull.repository}#{pull.number}"


def _no_merge(pull: PullFacts) -> Choice:
    """Why there is no merge to test."""
    branch = shown(pull.base_ref)
    if pull.mergeable is False:
        conflict = f"mergeable is false: the pull request conflicts with {branch}"
        return Choice(run=False, rule=CONFLICT, reason=conflict)
    reason = f"GitHub has not computed the merge of {pull.head_sha} on {branch}: try /test all later"
    return Choice(run=False, rule=NOT_MERGED, reason=reason)


def obstacle_of(verdict: Verdict) -> str:
    """The rule of the missing merge that blocked a verdict's jobs, if one did."""
    return next((one.rule for one in verdict.decisions if one.rule in _OBSTACLES), "")


def with_more(first: Verdict, more: Verdict) -> Verdict:
    """A verdict and one that decides about no job."""
    summary = "; ".join(text for text in (first.summary, more.summary) if text)
    return noted(replace(first, actions=joined_actions(first, more), summary=summary), first, more)


def joined_actions(first: Verdict, more: Verdict) -> tuple[Action, ...]:
    """The actions of both, what both ask for once."""
    return (*first.actions, *(action for action in more.actions if action not in first.actions))


def noted(verdict: Verdict, *parts: Verdict) -> Verdict:
    """The verdict with all that its parts tell the record beside decisions."""
    problems = dict.fromkeys(line for part in parts for line in part.problems)
    notes = dict.fromkeys(line for part in parts for line in part.notes)
    return replace(verdict, problems=tuple(problems), notes=tuple(notes))
