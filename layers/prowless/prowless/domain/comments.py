"""What a comment on a pull request means (`pkg/plugins/trigger/generic-comment.go:38-207`)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from prowless.domain import approvals, commands, filters, plugins, replies
from prowless.domain.actions import PruneHelp, RevokeApprovals, Start
from prowless.domain.decisions import Decision, Outcome, Verdict
from prowless.domain.pull_rules import PullRules, with_more
from prowless.domain.specs import RETEST_LABEL, PullFacts, presubmit_spec
from prowless.domain.trust import NEEDS_OK_TO_TEST, OK_TO_TEST, is_bot
from prowless.domain.wording import markdown, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prowless.domain.config.jobs import Presubmit
    from prowless.domain.events import CommentEvent
    from prowless.domain.filters import Choice
    from prowless.domain.refs import Refs


NO_COMMAND = "the comment holds no command of ours"
_MOST_ELSEWHERE = 10


class CommentRules(PullRules):
    """The rules for comments, reviews, review comments and descriptions."""

    def comment(self, event: CommentEvent) -> Verdict:
        """`pkg/plugins/trigger/generic-comment.go:38-207`, in its order."""
        if event.action != "created" or not event.is_pull or event.state != "open":
            return Verdict(summary="only new comments on open pull requests hold commands")
        text = commands.drop_code_blocks(event.body)
        asked = commands.parse(text)
        testing = asked.concern_testing or any(job.triggered_by(text) for job in self.config.presubmits)
        others = plugins.parse(event.body, text)
        perhaps = self.config.in_repo and not self.without_trigger() and commands.may_trigger(text)
        if not testing and not others and not perhaps:
            return Verdict(summary=NO_COMMAND)
        if is_bot(self.view.bot(), event.author):
            return Verdict(summary="our own comment")
        if perhaps and not testing:
            testing = self._own_trigger(event, asked, text)
        if not testing and not others:
            return Verdict(summary=NO_COMMAND)
        verdict = (self.without_trigger() or self._gated(event, asked)) if testing else Verdict()
        if others and self.view.pull().state == "open":
            verdict = with_more(verdict, others.follow(asked, event, self.config, self.view))
        elif not testing:
            verdict = self.closed(self.view.pull())
        return self.told(verdict)

    def _own_trigger(self, event: CommentEvent, asked: commands.Commands, text: str) -> bool:
        """Whether the comment is the trigger of one of the repository's own jobs, as far as these may be read for it.

        The plugins that follow know these jobs then as well.
        """
        pull = self.view.pull()
        if pull.state != "open" or not (self.view.trusted(event.author) or self.trusted_pull(pull)):
            return False
        if not self._unbound(event, asked, pull):
            self.load(pull, wait=False)
        return any(job.triggered_by(text) for job in self.config.presubmits)

    def _gated(self, event: CommentEvent, asked: commands.Commands) -> Verdict:
        """The commands of a comment on an open pull, if its author or the pull is trusted."""
        pull = self.view.pull()
        if pull.state != "open":
            return self.closed(pull)
        commenter = self.view.trusted(event.author)
        if not commenter and not self.trusted_pull(pull):
            self.answer(event, "trust", replies.untrusted(self.config.trust))
            users = dict.fromkeys([event.author, pull.author])
            reason = f"{'; '.join(map(self.distrust, users))}; {self.unapproved(pull)}"
            return self.blocked("trust", reason)
        honour = not self.config.trust.ignore_ok_to_test
        if honour and asked.ok_to_test_cancel:
            return self._revoke(event, pull, commenter=commenter)
        if honour and (refused := self._vouched(event, asked, pull, commenter=commenter)):
            return self._refused(event, pull, refused)
        return self._commanded(event, asked, pull, honour=honour)

    def _vouched(self, event: CommentEvent, asked: commands.Commands, pull: PullFacts, *, commenter: bool) -> str:
        """Follow an /ok-to-test; why it is not followed, if so."""
        binds = self.binds(pull)
        trusted = self.approved(pull) if binds else OK_TO_TEST in pull.labels
        if asked.ok_to_test:
            if wrong := approvals.misnamed(pull.head_sha, asked.commits):
                return wrong
            if binds and commenter and not trusted:
                if unbound := approvals.unbound(event, pull.head_sha, self.view.ledger(), asked.commits):
                    return unbound
                self.approve(pull, by=event.author, at=event.created_at, source=event.kind)
            elif binds and trusted:
                self.ask_no_more(pull)  # who approved it may have come no further
            if OK_TO_TEST not in pull.labels:
                self.label(OK_TO_TEST)
        if (asked.ok_to_test or trusted) and NEEDS_OK_TO_TEST in pull.labels:
            self.unlabel(NEEDS_OK_TO_TEST)
        return ""

    def _refused(self, event: CommentEvent, pull: PullFacts, reason: str) -> Verdict:
        """A comment that may be about another commit than the present head."""
        self.note_head(pull)
        self.answer(event, "approval", replies.unbound(reason, pull, self.config.trust))
        return self.blocked("approval", reason)

    def _commanded(self, event: CommentEvent, asked: commands.Commands, pull: PullFacts, *, honour: bool) -> Verdict:
        unbound = self._unbound(event, asked, pull) if self.config.in_repo else ""
        if unbound and not asked.test_help:
            return self._refused(event, pull, unbound)
        if not unbound:
            self.load(pull)
        # Prow matches the raw body here, code blocks included, once something outside of them was a command.
        chosen = filters.comment_filters(event.body, asked, self.view.contexts, honour_ok_to_test=honour)
        choices = self.choices(chosen, pull)
        run = sum(choice.run for choice in choices)
        note = None if self._unknown(asked, run) else asked.help_note(run)
        if note is not None:
            if not asked.test_help:
                self.settle(pull)
            return self._helped(event, pull, note, choices)
        if any(choice.run for choice in choices) and (unbound := self._unbound(event, asked, pull)):
            return self._refused(event, pull, unbound)
        if asked.any_test:
            self.actions.append(PruneHelp(repository=pull.repository, number=pull.number))
        retest = asked.retest or asked.retest_required

        def start(job: Presubmit, refs: Refs) -> Start:
            spec = presubmit_spec(job, refs, {RETEST_LABEL: "true"} if retest else None)
            return Start(spec=spec, cause=self.cause, retest=retest)

        verdict = self.started(choices, pull, start)
        blocked = next((d.reason for d in verdict.decisions if d.verdict is Outcome.BLOCKED), "")
        if not blocked and self._unknown(asked, run):
            blocked = f"{self.no_merge()}, and before that the jobs of .prow.yaml and .prow/ are not known"
        if blocked:
            self.answer(event, "blocked", f"No job was started: {blocked}.")
        self.settle(pull)
        return replace(verdict, actions=tuple(self.actions))

    def _unknown(self, asked: commands.Commands, run: int) -> bool:
        """Whether a command met no job, but may mean one of the repository's own, which are not known."""
        return run == 0 and not asked.test_help and not asked.empty_test and bool(self.obstacle())

    def _unbound(self, event: CommentEvent, asked: commands.Commands, pull: PullFacts) -> str:
        """Why the comment does not vouch for the present head, if it has to; nothing if all is well."""
        if not self.binds(pull) or self.approved(pull):
            return ""
        return approvals.unbound(event, pull.head_sha, self.view.ledger(), asked.commits)

    def _revoke(self, event: CommentEvent, pull: PullFacts, *, commenter: bool) -> Verdict:
        if not commenter:
            self.answer(event, "revoke", replies.ONLY_TRUSTED_REVOKE)
            return self.blocked("trust", f"only who is trusted may revoke {OK_TO_TEST}: {self.distrust(event.author)}")
        if not self.config.trust.sticky:
            self.actions.append(RevokeApprovals(repository=pull.repository, number=pull.number))
        self.withhold(pull)
        return self.nothing("ok-to-test", f"{shown(event.author)} revoked {OK_TO_TEST}")

    def _helped(self, event: CommentEvent, pull: PullFacts, note: str, choices: Sequence[Choice]) -> Verdict:
        """The list of commands instead of runs; of jobs of other branches that the comment names, why not here."""
        pairs = list(zip(self.config.presubmits, choices, strict=True))
        elsewhere = {}
        if note == commands.TARGET_NOT_FOUND_NOTE:
            elsewhere = {
                job.name: choice
                for job, choice in pairs
                if choice.rule == filters.BRANCHES and job.triggered_by(event.body)
            }
        lines = [f"{markdown(name, 120)}: {markdown(one.reason, 500)}.\n" for name, one in elsewhere.items()]
        self._help(event, pull, "\n".join([note, *lines[:_MOST_ELSEWHERE], ""]) if lines else note)
        verdict = self.nothing("help", "the comment was answered with the list of commands")
        decisions = (
            Decision.of(one.job, one.type, elsewhere[one.job]) if one.job in elsewhere else one
            for one in verdict.decisions
        )
        return replace(verdict, decisions=tuple(decisions))

    def _help(self, event: CommentEvent, pull: PullFacts, note: str) -> None:
        on_branch = [job for job in self.config.presubmits if job.runs_on(pull.base_ref)]
        automatic = self.choices([filters.test_all_filter], pull)
        body = commands.help_message(
            pull.repository,
            pull.base_ref,
            note,
            test_all={job.name for job, choice in zip(self.config.presubmits, automatic, strict=True) if choice.run},
            optional={job.rerun_command for job in on_branch if job.optional},
            required={job.rerun_command for job in on_branch if not job.optional},
        )
        self.answer(event, "help", body)
