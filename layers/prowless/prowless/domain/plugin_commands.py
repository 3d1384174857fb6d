"""Comment commands beside the trigger plugin's: Prow's `/skip` and `/override`, and our `/cancel`.

Each is independent of the others, and answers at most once for one comment: what is said first stands, however often
the event is handled. So an answer comes before what it tells of.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prowless.domain import commands, filters, replies
from prowless.domain import status as status_rules
from prowless.domain.decisions import AbortPull, Action, Comment, SetStatus, StatusFact, Verdict, View
from prowless.domain.regex import compile_regex
from prowless.domain.trust import OK_TO_TEST
from prowless.domain.wording import listed, shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prowless.domain.config.jobs import RepositoryConfig
    from prowless.domain.events import CommentEvent

_SKIP = compile_regex(r"(?mi)^/skip\s*$")
_OVERRIDE = re.compile(r"/override(?: ([^\r]+))?\r?", re.IGNORECASE)
_CANCEL = re.compile(r"/cancel(?:[ \t]+([^\r]*))?\r?")
_ALL = "all"
_SUCCESS = "success"

OVERRIDDEN = "Overridden by"
"""Begins the description of an overridden status (`pkg/plugins/override/override.go`); tools search for it."""

SKIPPED = "Skipped"
"""Description of a status that `/skip` set (`pkg/plugins/skip/skip.go`)."""

_MOST_NAMES = 100
"""Names in one command that are read, and contexts that an answer lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginCommands:
    """What a comment asks for. `override` and `cancel` hold the names given; None: the command is not there."""

    skip: bool = False
    override: tuple[str, ...] | None = None
    nameless: bool = False
    """Whether an `/override` came without a context."""
    cancel: tuple[str, ...] | None = None

    def __bool__(self) -> bool:
        """Whether there is any."""
        return self.skip or self.override is not None or self.cancel is not None


_NONE = PluginCommands()


def parse(body: str, text: str) -> PluginCommands:
    """The commands in a comment.

    Args:
        body: the whole comment: Prow reads `/skip` and `/override` inside of code blocks too.
        text: the comment without code blocks, where ours counts.
    """
    overrides = _given(_OVERRIDE, body)
    cancels = _given(_CANCEL, text)
    if not overrides and not cancels and "/skip" not in body.lower():
        return _NONE
    contexts = [name for given in overrides for name in contexts_in(given or "")]
    jobs = [name for given in cancels for name in (given or _ALL).replace(",", " ").split() or [_ALL]]
    return PluginCommands(
        skip=_SKIP.search(body),
        override=_unique(contexts) if overrides else None,
        nameless=None in overrides,
        cancel=_unique(jobs) if cancels else None,
    )


def _given(pattern: re.Pattern[str], text: str) -> list[str | None]:
    found = (pattern.fullmatch(line) for line in text.split("\n") if line.startswith("/"))
    return [match[1] for match in found if match]


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))[:_MOST_NAMES]


def contexts_in(given: str) -> list[str]:
    """The contexts after `/override`: separated by spaces, in double quotes if there are spaces in them."""
    parts = re.findall(r'(?:[^ "]|"[^"]*(?:"|$))+', given)
    return [part.strip().strip('"') for part in parts]


def follow(
    asked: PluginCommands, testing: commands.Commands, event: CommentEvent, config: RepositoryConfig, view: View
) -> Verdict:
    """What these commands do on an open pull.

    Args:
        asked: the commands.
        testing: the trigger plugin's commands of the same comment.
        event: the comment.
        config: the jobs of its repository.
        view: facts.
    """
    plugins = _Plugins(event, config, view)
    summaries = []
    if asked.cancel is not None:
        summaries.append(plugins.cancel(asked.cancel))
    if asked.skip:
        summaries.append(plugins.skip(testing))
    if asked.override is not None:
        summaries.append(plugins.override(asked.override, nameless=asked.nameless))
    return Verdict(actions=tuple(plugins.actions), summary="; ".join(summaries))


class _Plugins:
    """One comment's commands; each method answers with its summary."""

    def __init__(self, event: CommentEvent, config: RepositoryConfig, view: View) -> None:
        self.actions: list[Action] = []
        self._event = event
        self._config = config
        self._view = view
        self._pull = view.pull()

    def skip(self, testing: commands.Commands) -> str:
        """Green for what is not required, has a status and is not run by this comment (`skip.go:85-165`)."""
        pull, statuses = self._pull, self._view.statuses()
        honour = not self._config.trust.ignore_ok_to_test
        chosen = filters.comment_filters(self._event.body, testing, self._view.contexts, honour_ok_to_test=honour)
        done = []
        for job in self._config.presubmits:
            present = statuses.get(job.context)
            if present is None or present.state == _SUCCESS or job.context_required or job.context in done:
                continue
            if filters.select(job, chosen, pull.base_ref, self._view.changed_files).run:
                continue
            self._set(job.context, SKIPPED, "")
            done.append(job.context)
        return f"/skip: {listed(done) or 'nothing to skip'}"

    def override(self, wanted: tuple[str, ...], *, nameless: bool) -> str:
        """Green for the contexts that an administrator names (`override.go:330-560`).

        Beyond Prow a context that this user has overridden already is no error, so that half a command can be repeated.
        """
        user = self._event.author
        if nameless:
            self._answer("override", "/override requires failed status contexts to operate on, but none was given")
            return "/override names no context"
        if self._view.permission(user) != "admin":
            self._answer("override", f"{user} unauthorized: /override is restricted to Repo administrators.")
            return f"/override: {shown(user)} is no administrator of {self._pull.repository}"
        text = f"{OVERRIDDEN} {user}"
        statuses = self._view.statuses()
        named = {job.context: job.name for job in reversed(self._config.presubmits)}
        failed = {context: status for context, status in statuses.items() if status.state != _SUCCESS}
        ours = {name: status for name, status in statuses.items() if _is_override(status, text)}
        known = {*failed, *(named[context] for context in failed if context in named)}
        mine = {*ours, *(named[context] for context in ours if context in named)}
        if unknown := sorted(set(wanted) - known - mine):
            self._answer("override", _unknown(unknown, sorted(known)))
            return f"/override: no failed context {listed(unknown)}"
        done = sorted(c for c in {**failed, **ours} if c in wanted or named.get(c) in wanted)
        if done:
            self._answer("override", f"Overrode contexts on behalf of {user}: {', '.join(done)}")
        base = self._view.base_head() if done else ""
        for context in done:
            if context in failed:
                self._set(context, status_rules.description(text, base), failed[context].target_url)
        return f"/override: {listed(done) or 'nothing'}"

    def cancel(self, wanted: tuple[str, ...]) -> str:
        """Stop the pull's unfinished runs, of some jobs or all; who may `/test` may do that. Prow has no such command.

        Runs that the same comment starts go on.
        """
        pull, user = self._pull, self._event.author
        trusted = self._view.trusted(user) or self._view.trusted(pull.author) or OK_TO_TEST in pull.labels
        if not trusted:
            self._answer("trust", replies.untrusted(self._config.trust))
            return f"/cancel: neither {shown(user)} nor the pull request is trusted"
        cause = str(self._event.cause())
        jobs = () if _ALL in wanted else wanted
        runs = [run for run in self._view.unfinished() if run.cause != cause]
        met = sorted({run.job for run in runs if not jobs or run.job in jobs or run.context in jobs})
        if not met:
            of = f" of {_quoted(jobs)}" if jobs else ""
            self._answer("cancel", f"There is nothing to cancel: no run{of} is under way.")
            return "/cancel: nothing to cancel"
        self._answer("cancel", f"Cancelled on behalf of {user}: {_quoted(met)}.")
        self.actions.append(
            AbortPull(
                repository=pull.repository,
                number=pull.number,
                description=f"Aborted by {user} with /cancel.",
                except_cause=cause,
                jobs=jobs,
            )
        )
        return f"/cancel: {listed(met)}"

    def _set(self, context: str, description: str, target_url: str) -> None:
        pull = self._pull
        self.actions.append(
            SetStatus(
                repository=pull.repository,
                sha=pull.head_sha,
                context=context,
                state=_SUCCESS,
                description=description,
                target_url=target_url,
            )
        )

    def _answer(self, kind: str, reply: str) -> None:
        event, pull = self._event, self._pull
        body = commands.response(login=event.author, reply=reply, body=event.body, url=event.html_url)
        key = f"{kind} {event.cause()}"
        self.actions.append(Comment(repository=pull.repository, number=pull.number, body=body, key=key))


def _is_override(status: StatusFact, text: str) -> bool:
    return status.state == _SUCCESS and f"{status.description} ".startswith((f"{text} ", f"{text}\u2001"))


def _unknown(unknown: list[str], known: list[str]) -> str:
    return (
        "/override requires failed status contexts, check run or a prowjob name to operate on.\n"
        f"The following unknown contexts/checkruns were given:\n{_lines(unknown)}\n\n"
        f"Only the following failed contexts/checkruns were expected:\n{_lines(known)}\n\n"
        "If you are trying to override a checkrun that has a space in it, you must put a double quote on the context.\n"
    )


def _lines(names: list[str]) -> str:
    return "\n".join(f" - `{shown(name, 200)}`" for name in names[:_MOST_NAMES])


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"`{shown(name, 200)}`" for name in names)
