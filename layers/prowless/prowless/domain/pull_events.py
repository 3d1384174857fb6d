"""What a pull_request event means (`pkg/plugins/trigger/pull-request.go:46-168`)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from prowless.domain import replies
from prowless.domain.comments import CommentRules
from prowless.domain.decisions import Outcome, Start, Verdict
from prowless.domain.pull_rules import PullRules, unlabelled, with_more
from prowless.domain.trust import LGTM, NEEDS_OK_TO_TEST, OK_TO_TEST, is_bot

if TYPE_CHECKING:
    from prowless.domain.events import PullRequestEvent
    from prowless.domain.specs import PullFacts


class PullEventRules(PullRules):
    """The rules for pull_request events."""

    def handle(self, event: PullRequestEvent) -> Verdict:
        """`pkg/plugins/trigger/pull-request.go:46-168`."""
        verdict = Verdict(summary=f"pull_request {event.action} starts nothing")
        if not self.config.presubmits:
            return replace(verdict, summary=f"{event.repository} has no presubmits")
        if off := self.without_trigger():
            return _joined(off, self._described(event)) if event.action == "opened" else off
        match event.action:
            case "opened":
                verdict = _joined(self._opened(), self._described(event))
            case "reopened" | "ready_for_review":
                verdict = self._if_trusted(renew=True)
            case "edited" if event.base_changed:
                verdict = self._if_trusted(renew=True)
            case "synchronize":
                self.abort(except_head=self.view.pull().head_sha)
                verdict = self._if_trusted(renew=False)
            case "labeled" if event.label in {LGTM, OK_TO_TEST}:
                verdict = self._labeled(event)
            case "closed" | "converted_to_draft":
                verdict = self._stopped(event.action)
        return verdict

    def _described(self, event: PullRequestEvent) -> Verdict:
        return CommentRules(self.cause, self.config, self.view).comment(event.description())

    def _opened(self) -> Verdict:
        pull = self.view.pull()
        if pull.state != "open":
            return self.closed(pull)
        if not self.view.trusted(pull.author):
            self._welcome(pull)
            return self.blocked("trust", f"{self.distrust(pull.author)}: {self.way_out()}")
        if pull.draft:
            self.say("draft", replies.DRAFT)
        return self.automatic(pull, renew=False)

    def _welcome(self, pull: PullFacts) -> None:
        trust = self.config.trust
        if not trust.ignore_ok_to_test and OK_TO_TEST not in pull.labels:
            self.label(NEEDS_OK_TO_TEST)
        self.say("welcome", replies.welcome(pull, trust))

    def _if_trusted(self, *, renew: bool) -> Verdict:
        """`buildAllIfTrusted`: start if the author or the label says so."""
        pull = self.view.pull()
        if pull.state != "open":
            return self.closed(pull)
        if not self.view.trusted(pull.author):
            if OK_TO_TEST not in pull.labels:
                return self.blocked("trust", f"{self.distrust(pull.author)}, and {unlabelled(pull)}")
            if NEEDS_OK_TO_TEST in pull.labels:
                self.unlabel(NEEDS_OK_TO_TEST)
        return self.automatic(pull, renew=renew)

    def _labeled(self, event: PullRequestEvent) -> Verdict:
        pull = self.view.pull()
        if pull.state != "open":
            return self.closed(pull)
        if event.label == OK_TO_TEST and is_bot(self.view.bot(), event.sender):
            return Verdict(summary="the label was put on for a command, which starts the jobs itself")
        if event.label == LGTM and self.trusted_pull(pull):
            return Verdict(summary="the pull request is trusted, so its jobs have been started already")
        return self.automatic(pull, renew=True)

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
    more = [a for a in second.actions if not (isinstance(a, Start) and a.spec.job in started)]
    decisions = [
        two if two.verdict is Outcome.RUN and one.verdict is not Outcome.RUN else one
        for one, two in zip(first.decisions, second.decisions, strict=True)
    ]
    return Verdict.of(decisions, [*first.actions, *more], first.summary)
