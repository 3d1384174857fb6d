"""What a pull_request event means (`pkg/plugins/trigger/pull-request.go:46-168`)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from prowless.domain import approvals, replies
from prowless.domain.actions import RevokeApprovals, Start
from prowless.domain.comments import CommentRules
from prowless.domain.decisions import Outcome, Verdict
from prowless.domain.pull_rules import PullRules, joined_actions, noted, with_more
from prowless.domain.trust import LGTM, NEEDS_OK_TO_TEST, OK_TO_TEST, is_bot
from prowless.domain.wording import shown

if TYPE_CHECKING:
    from prowless.domain.decisions import Decision
    from prowless.domain.events import PullRequestEvent
    from prowless.domain.specs import PullFacts

_ANEW = {"reopened", "ready_for_review"}


class PullEventRules(PullRules):
    """The rules for pull_request events."""

    def handle(self, event: PullRequestEvent) -> Verdict:
        """`pkg/plugins/trigger/pull-request.go:46-168`."""
        verdict = Verdict(summary=f"pull_request {event.action} starts nothing")
        if not self.config.presubmits and not self.config.in_repo:
            nothing = replace(verdict, summary=f"{event.repository} has no presubmits")
            return self._left_over(event) or self._jobless(event, nothing)
        if off := self.without_trigger():
            return _joined(off, self._described(event)) if event.action == "opened" else self._jobless(event, off)
        match event.action:
            case "opened":
                verdict = _joined(self._opened(), self._described(event))
            case action if action in _ANEW:
                verdict = self.if_trusted(renew=True)
            case "edited" if event.base_changed:
                verdict = self.if_trusted(renew=True)
            case "synchronize":
                self.abort(except_head=self.view.pull().head_sha)
                verdict = self.if_trusted(renew=False)
            case "labeled" if event.label in {LGTM, OK_TO_TEST}:
                verdict = self._labeled(event)
            case "unlabeled" if event.label == OK_TO_TEST:
                verdict = self._unlabeled(event)
            case "closed" | "converted_to_draft":
                verdict = self._stopped(event.action)
        return self.told(verdict)

    def _jobless(self, event: PullRequestEvent, verdict: Verdict) -> Verdict:
        """There were jobs once, perhaps: what was said of them goes when the pull is judged anew on the same head."""
        if event.action in _ANEW or (event.action == "edited" and event.base_changed):
            self.settle_all()
        return replace(verdict, actions=tuple(self.actions))

    def _described(self, event: PullRequestEvent) -> Verdict:
        rules = CommentRules(self.cause, self.config, self.view, own=self.own)
        verdict = rules.comment(event.description())
        self.own = rules.own
        return verdict

    def _opened(self) -> Verdict:
        pull = self.view.pull()
        if pull.state != "open":
            return self.closed(pull)
        if not self.view.trusted(pull.author):
            if not self._has_jobs():
                return Verdict(summary=f"{pull.repository} has no presubmits")
            self._welcome(pull)
            return self.blocked("trust", f"{self.distrust(pull.author)}: {self.way_out()}")
        if pull.draft and self._has_jobs():
            self.say("draft", replies.DRAFT)
        return self.automatic(pull, renew=False)

    def _has_jobs(self) -> bool:
        """Whether there is anything to speak of: Prow is silent where no presubmit is (`pull-request.go:61`)."""
        return bool(self.config.presubmits) or self.view.has_own_files()

    def _welcome(self, pull: PullFacts) -> None:
        trust = self.config.trust
        if not trust.ignore_ok_to_test and OK_TO_TEST not in pull.labels:
            self.label(NEEDS_OK_TO_TEST)
        self.say("welcome", replies.welcome(pull, trust))

    def _labeled(self, event: PullRequestEvent) -> Verdict:
        pull = self.view.pull()
        if pull.state != "open":
            return self.closed(pull)
        if event.label == OK_TO_TEST and is_bot(self.view.bot(), event.sender):
            return Verdict(summary="the label was put on for a command, which starts the jobs itself")
        if event.label not in pull.labels:
            return self.nothing("label", f"the label {event.label} has been taken off since")
        if event.label == LGTM and self.trusted_pull(pull):
            return Verdict(summary="the pull request is trusted, so its jobs have been started already")
        if self.binds(pull) and not self.approved(pull) and (reason := self._elsewhere(event, pull)):
            self.note_head(pull)
            self.say("approval", replies.unbound(reason, pull, self.config.trust))
            if event.label == OK_TO_TEST:
                self.withhold(pull)
            return self.blocked("approval", reason)
        if event.label == OK_TO_TEST:
            self._vouched(event, pull)
        return self.automatic(pull, renew=True)

    def _vouched(self, event: PullRequestEvent, pull: PullFacts) -> None:
        if self.binds(pull):
            if self.approved(pull):
                self.ask_no_more(pull)  # who approved it may have come no further
            else:
                self.approve(pull, by=event.sender, at=event.at, source="label")
        if NEEDS_OK_TO_TEST in pull.labels:
            self.unlabel(NEEDS_OK_TO_TEST)

    def _elsewhere(self, event: PullRequestEvent, pull: PullFacts) -> str:
        """Why a label cannot be taken to be about the present head; nothing if it can."""
        if event.head_sha != pull.head_sha:
            return f"the label {event.label} was put on {event.head_sha}, and the head is {pull.head_sha} now"
        return approvals.unseen(pull.head_sha, self.view.ledger(), event.at)

    def _unlabeled(self, event: PullRequestEvent) -> Verdict:
        """Who takes the label off by hand takes the approvals back. Prow reads the label only when it needs it."""
        if self.config.trust.sticky or is_bot(self.view.bot(), event.sender):
            return Verdict(summary=f"the label {OK_TO_TEST} is gone, which starts and stops nothing")
        self.actions.append(RevokeApprovals(repository=event.repository, number=event.number))
        return Verdict(actions=tuple(self.actions), summary=f"{shown(event.sender)} took back what was approved")

    def _left_over(self, event: PullRequestEvent) -> Verdict | None:
        """Runs that an earlier configuration started end with their head as well."""
        if event.action not in {"closed", "converted_to_draft", "synchronize"} or not self.view.unfinished():
            return None
        if event.action != "synchronize":
            return self._stopped(event.action)
        self.abort(except_head=self.view.pull().head_sha)
        return Verdict(actions=tuple(self.actions), summary="synchronize: unfinished runs of other heads are stopped")

    def _stopped(self, action: str) -> Verdict:
        pull = self.view.pull()
        if (pull.state == "open") if action == "closed" else not pull.draft:
            return Verdict(summary=f"the pull request was {action}, and that has been undone since")
        self.abort()
        return Verdict(actions=tuple(self.actions), summary=f"{action}: unfinished runs are stopped")


def _joined(first: Verdict, second: Verdict) -> Verdict:
    """Two verdicts on one event: a job runs if either says so, and once."""
    if not second.decisions and not second.actions:
        return first
    if not second.decisions:
        return with_more(first, second)
    started = {action.spec.job for action in first.actions if isinstance(action, Start)}
    more = [a for a in joined_actions(first, second) if a not in first.actions]
    more = [a for a in more if not (isinstance(a, Start) and a.spec.job in started)]
    # Both begin with the static jobs; only one of them may know the repository's own.
    both = [_either(one, two) for one, two in zip(first.decisions, second.decisions, strict=False)]
    decisions = [*both, *max(first.decisions, second.decisions, key=len)[len(both) :]]
    return noted(Verdict.of(decisions, [*first.actions, *more], first.summary), first, second)


def _either(one: Decision, two: Decision) -> Decision:
    """What runs of two decisions on one job, else the first."""
    return two if two.verdict is Outcome.RUN and one.verdict is not Outcome.RUN else one
