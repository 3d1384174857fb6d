"""Decisions: which jobs an event runs, skips or blocks, by which rule, and what is to be done about it.

Pure: facts come lazily from a View, actions go out as data. The rules are those of Prow's trigger plugin
(`pkg/plugins/trigger/`); every job of the repository gets a decision, also the ones that do not run.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from prowless.domain import commands, filters, merge_groups, plugin_commands, replies
from prowless.domain.decisions import (
    AbortPull,
    Action,
    AddLabel,
    Comment,
    Decision,
    Outcome,
    PruneHelp,
    RemoveLabel,
    Start,
    SyncConfig,
    Verdict,
    View,
)
from prowless.domain.events import CommentEvent, MergeGroupEvent, PullRequestEvent, PushEvent
from prowless.domain.filters import Choice, Filter
from prowless.domain.refs import JobType, Refs
from prowless.domain.specs import RETEST_LABEL, PullFacts, postsubmit_spec, presubmit_spec, pull_refs, push_refs
from prowless.domain.trust import LGTM, NEEDS_OK_TO_TEST, OK_TO_TEST, distrust, is_bot
from prowless.domain.wording import listed, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from prowless.domain.config.jobs import Presubmit, RepositoryConfig
    from prowless.domain.identity import Cause


def decide(
    event: PullRequestEvent | CommentEvent | PushEvent | MergeGroupEvent,
    config: RepositoryConfig,
    view: View,
    *,
    config_sources: Collection[tuple[str, str]] = (),
) -> Verdict:
    """What an event means under a repository's configuration.

    Args:
        event: the event.
        config: the jobs of the event's repository.
        view: facts, asked for only where a rule needs them.
        config_sources: (repository, branch) pairs whose pushes change the central configuration.

    Raises:
        Whatever the view raises; then nothing was decided.
    """
    match event:
        case PullRequestEvent():
            return _Pull(event.cause(), config, view).handle(event)
        case CommentEvent():
            return _Pull(event.cause(), config, view).comment(event)
        case PushEvent():
            return _push(event, config, view, config_sources)
        case MergeGroupEvent():
            return merge_groups.decide(event, config, view)


def _push(
    event: PushEvent, config: RepositoryConfig, view: View, config_sources: Collection[tuple[str, str]]
) -> Verdict:
    """`pkg/plugins/trigger/push.go:62-110`, without its stop at the first error."""
    if event.gone:
        return Verdict(summary=f"{event.ref} was deleted")
    decisions: list[Decision] = []
    actions: list[Action] = []
    if event.ref.startswith("refs/heads/") and (event.repository, event.branch) in config_sources:
        actions.append(SyncConfig(repository=event.repository, sha=event.after))
    for job in config.postsubmits:
        choice = filters.postsubmit_choice(job, event.branch, view.changed_files)
        decisions.append(Decision.of(job.name, JobType.POSTSUBMIT, choice))
        if choice.run:
            actions.append(Start(spec=postsubmit_spec(job, push_refs(event)), cause=event.cause()))
    return Verdict.of(decisions, actions, f"{event.repository} has no postsubmits")


@dataclass(slots=True)
class _Pull:
    """The rules for one event of one pull request."""

    cause: Cause
    config: RepositoryConfig
    view: View
    actions: list[Action] = field(default_factory=list)

    def handle(self, event: PullRequestEvent) -> Verdict:
        """`pkg/plugins/trigger/pull-request.go:46-168`."""
        verdict = Verdict(summary=f"pull_request {event.action} starts nothing")
        if not self.config.presubmits:
            return replace(verdict, summary=f"{event.repository} has no presubmits")
        match event.action:
            case "opened":
                described = _Pull(self.cause, self.config, self.view)
                verdict = _joined(self._opened(), described.comment(event.description()))
            case "reopened" | "ready_for_review":
                verdict = self._if_trusted(renew=True)
            case "edited" if event.base_changed:
                verdict = self._if_trusted(renew=True)
            case "synchronize":
                self._abort(except_head=self.view.pull().head_sha)
                verdict = self._if_trusted(renew=False)
            case "labeled" if event.label in {LGTM, OK_TO_TEST}:
                verdict = self._labeled(event)
            case "closed" | "converted_to_draft":
                verdict = self._stopped(event.action)
        return verdict

    def _opened(self) -> Verdict:
        pull = self.view.pull()
        if pull.state != "open":
            return self._closed(pull)
        if not self.view.trusted(pull.author):
            self._welcome(pull)
            return self._blocked("trust", f"{self._distrust(pull.author)}: {self._way_out()}")
        if pull.draft:
            self._say("draft", replies.DRAFT)
        return self._automatic(pull, renew=False)

    def _welcome(self, pull: PullFacts) -> None:
        trust = self.config.trust
        if not trust.ignore_ok_to_test and OK_TO_TEST not in pull.labels:
            self._label(NEEDS_OK_TO_TEST)
        self._say("welcome", replies.welcome(pull, trust))

    def _if_trusted(self, *, renew: bool) -> Verdict:
        """`buildAllIfTrusted`: start if the author or the label says so."""
        pull = self.view.pull()
        if pull.state != "open":
            return self._closed(pull)
        if not self.view.trusted(pull.author):
            if OK_TO_TEST not in pull.labels:
                return self._blocked("trust", f"{self._distrust(pull.author)}, and {_unlabelled(pull)}")
            if NEEDS_OK_TO_TEST in pull.labels:
                self._unlabel(NEEDS_OK_TO_TEST)
        return self._automatic(pull, renew=renew)

    def _labeled(self, event: PullRequestEvent) -> Verdict:
        pull = self.view.pull()
        if pull.state != "open":
            return self._closed(pull)
        if event.label == OK_TO_TEST and is_bot(self.view.bot(), event.sender):
            return Verdict(summary="the label was put on for a command, which starts the jobs itself")
        if event.label == LGTM and self._trusted_pull(pull):
            return Verdict(summary="the pull request is trusted, so its jobs have been started already")
        return self._automatic(pull, renew=True)

    def _stopped(self, action: str) -> Verdict:
        pull = self.view.pull()
        if (pull.state == "open") if action == "closed" else not pull.draft:
            return Verdict(summary=f"the pull request was {action}, and that has been undone since")
        self._abort()
        return Verdict(actions=tuple(self.actions), summary=f"{action}: unfinished runs are stopped")

    def comment(self, event: CommentEvent) -> Verdict:
        """`pkg/plugins/trigger/generic-comment.go:38-207`, in its order."""
        if event.action != "created" or not event.is_pull or event.state != "open":
            return Verdict(summary="only new comments on open pull requests hold commands")
        text = commands.drop_code_blocks(event.body)
        asked = commands.parse(text)
        testing = asked.concern_testing or any(job.triggered_by(text) for job in self.config.presubmits)
        others = plugin_commands.parse(event.body, text)
        if not testing and not others:
            return Verdict(summary="the comment holds no command of ours")
        if is_bot(self.view.bot(), event.author):
            return Verdict(summary="our own comment")
        verdict = self._gated(event, asked) if testing else Verdict()
        if others and self.view.pull().state == "open":
            return _with(verdict, plugin_commands.follow(others, asked, event, self.config, self.view))
        return verdict if testing else self._closed(self.view.pull())

    def _gated(self, event: CommentEvent, asked: commands.Commands) -> Verdict:
        """The commands of a comment on an open pull, if its author or the pull is trusted."""
        pull = self.view.pull()
        if pull.state != "open":
            return self._closed(pull)
        commenter = self.view.trusted(event.author)
        if not commenter and not self._trusted_pull(pull):
            self._answer(event, "trust", replies.untrusted(self.config.trust))
            users = dict.fromkeys([event.author, pull.author])
            reason = f"{'; '.join(map(self._distrust, users))}; {_unlabelled(pull)}"
            return self._blocked("trust", reason)
        honour = not self.config.trust.ignore_ok_to_test
        if honour:
            self._mark_trusted(pull, asked)
            if asked.ok_to_test_cancel:
                return self._revoke(event, pull, commenter=commenter)
        return self._commanded(event, asked, pull, honour=honour)

    def _commanded(self, event: CommentEvent, asked: commands.Commands, pull: PullFacts, *, honour: bool) -> Verdict:
        # Prow matches the raw body here, code blocks included, once something outside of them was a command.
        chosen = filters.comment_filters(event.body, asked, self.view.contexts, honour_ok_to_test=honour)
        choices = self._choices(chosen, pull)
        note = asked.help_note(sum(choice.run for choice in choices))
        if note is not None:
            self._help(event, pull, note)
            return self._nothing("help", "the comment was answered with the list of commands")
        if asked.any_test:
            self.actions.append(PruneHelp(repository=pull.repository, number=pull.number))
        retest = asked.retest or asked.retest_required

        def start(job: Presubmit, refs: Refs) -> Start:
            spec = presubmit_spec(job, refs, {RETEST_LABEL: "true"} if retest else None)
            return Start(spec=spec, cause=self.cause, retest=retest)

        verdict = self._started(choices, pull, start)
        blocked = next((d for d in verdict.decisions if d.verdict is Outcome.BLOCKED), None)
        if blocked is None:
            return verdict
        self._answer(event, "blocked", f"No job was started: {blocked.reason}.")
        return replace(verdict, actions=tuple(self.actions))

    def _mark_trusted(self, pull: PullFacts, asked: commands.Commands) -> None:
        if asked.ok_to_test and OK_TO_TEST not in pull.labels:
            self._label(OK_TO_TEST)
        if (asked.ok_to_test or OK_TO_TEST in pull.labels) and NEEDS_OK_TO_TEST in pull.labels:
            self._unlabel(NEEDS_OK_TO_TEST)

    def _revoke(self, event: CommentEvent, pull: PullFacts, *, commenter: bool) -> Verdict:
        if not commenter:
            self._answer(event, "revoke", replies.ONLY_TRUSTED_REVOKE)
            return self._blocked(
                "trust", f"only who is trusted may revoke {OK_TO_TEST}: {self._distrust(event.author)}"
            )
        if OK_TO_TEST in pull.labels:
            self._unlabel(OK_TO_TEST)
        if NEEDS_OK_TO_TEST not in pull.labels:
            self._label(NEEDS_OK_TO_TEST)
        return self._nothing("ok-to-test", f"{shown(event.author)} revoked {OK_TO_TEST}")

    def _help(self, event: CommentEvent, pull: PullFacts, note: str) -> None:
        on_branch = [job for job in self.config.presubmits if job.runs_on(pull.base_ref)]
        automatic = self._choices([filters.test_all_filter], pull)
        body = commands.help_message(
            pull.repository,
            pull.base_ref,
            note,
            test_all={job.name for job, choice in zip(self.config.presubmits, automatic, strict=True) if choice.run},
            optional={job.rerun_command for job in on_branch if job.optional},
            required={job.rerun_command for job in on_branch if not job.optional},
        )
        self._answer(event, "help", body)

    def _automatic(self, pull: PullFacts, *, renew: bool) -> Verdict:
        """`buildAllButDrafts`."""
        if pull.draft:
            return self._nothing("draft", "draft is true: a draft's jobs start by command only")
        choices = self._choices([filters.test_all_filter], pull)

        def start(job: Presubmit, refs: Refs) -> Start:
            return Start(spec=presubmit_spec(job, refs), cause=self.cause, automatic=True, renew=renew)

        return self._started(choices, pull, start)

    def _choices(self, chosen: Sequence[Filter], pull: PullFacts) -> list[Choice]:
        jobs = self.config.presubmits
        return [filters.select(job, chosen, pull.base_ref, self.view.changed_files) for job in jobs]

    def _started(
        self, choices: Iterable[Choice], pull: PullFacts, start: Callable[[Presubmit, Refs], Start]
    ) -> Verdict:
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
        base = "" if pull.mergeable is False else self.view.tested_base()
        present = self.view.pull()
        if base:
            return pull_refs(present, base), None
        branch = shown(present.base_ref)
        reason = f"GitHub has not computed the merge of {present.head_sha} on {branch}: try /test all later"
        obstacle = Choice(run=False, rule="merge-ref", reason=reason)
        if present.mergeable is False:
            conflict = f"mergeable is false: the pull request conflicts with {branch}"
            obstacle = Choice(run=False, rule="mergeable", reason=conflict)
        return pull_refs(present, ""), obstacle

    def _trusted_pull(self, pull: PullFacts) -> bool:
        """`pull-request.go:365-382`."""
        return self.view.trusted(pull.author) or OK_TO_TEST in pull.labels

    def _distrust(self, user: str) -> str:
        return distrust(self.config.trust, self.config.repository, user)

    def _way_out(self) -> str:
        return "ignore_ok_to_test is true" if self.config.trust.ignore_ok_to_test else "waiting for /ok-to-test"

    def _closed(self, pull: PullFacts) -> Verdict:
        return self._nothing("closed", f"state is {shown(pull.state)}, and jobs start on open pull requests only")

    def _nothing(self, rule: str, reason: str) -> Verdict:
        return self._all(Choice(run=False, rule=rule, reason=reason), blocked=False)

    def _blocked(self, rule: str, reason: str) -> Verdict:
        return self._all(Choice(run=False, rule=rule, reason=reason), blocked=True)

    def _all(self, choice: Choice, *, blocked: bool) -> Verdict:
        decisions = tuple(
            Decision.of(job.name, JobType.PRESUBMIT, choice, blocked=blocked) for job in self.config.presubmits
        )
        return Verdict(decisions=decisions, actions=tuple(self.actions), summary=choice.reason)

    def _abort(self, except_head: str = "") -> None:
        pull = self.view.pull()
        self.actions.append(AbortPull(repository=pull.repository, number=pull.number, except_head=except_head))

    def _label(self, label: str) -> None:
        pull = self.view.pull()
        self.actions.append(AddLabel(repository=pull.repository, number=pull.number, label=label))

    def _unlabel(self, label: str) -> None:
        pull = self.view.pull()
        self.actions.append(RemoveLabel(repository=pull.repository, number=pull.number, label=label))

    def _answer(self, event: CommentEvent, kind: str, reply: str) -> None:
        body = commands.response(login=event.author, reply=reply, body=event.body, url=event.html_url)
        self._say(kind, body)

    def _say(self, kind: str, body: str) -> None:
        pull = self.view.pull()
        key = f"{kind} {self.cause}"
        self.actions.append(Comment(repository=pull.repository, number=pull.number, body=body, key=key))


def _unlabelled(pull: PullFacts) -> str:
    return f"the label {OK_TO_TEST} is missing (labels: {listed(sorted(pull.labels)) or 'none'})"


def _with(first: Verdict, more: Verdict) -> Verdict:
    """A verdict and one that decides about no job."""
    summary = "; ".join(text for text in (first.summary, more.summary) if text)
    return replace(first, actions=(*first.actions, *more.actions), summary=summary)


def _joined(first: Verdict, second: Verdict) -> Verdict:
    """Two verdicts on one event: a job runs if either says so, and once."""
    if not second.decisions and not second.actions:
        return first
    if not second.decisions:
        return _with(first, second)
    started = {action.spec.job for action in first.actions if isinstance(action, Start)}
    more = [a for a in second.actions if not (isinstance(a, Start) and a.spec.job in started)]
    decisions = [
        two if two.verdict is Outcome.RUN and one.verdict is not Outcome.RUN else one
        for one, two in zip(first.decisions, second.decisions, strict=True)
    ]
    return Verdict.of(decisions, [*first.actions, *more], first.summary)
