"""Which jobs an event selects, in Prow's two steps (`pkg/pjutil/filter.go`, `pkg/config/jobs.go:482-530`).

First a filter says whether a job matches the command; then the job says whether it runs on that branch and these files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prowless.domain.config.enabled import not_enabled
from prowless.domain.regex import compile_regex
from prowless.domain.wording import counted, listed, shown

if TYPE_CHECKING:
    from prowless.domain.changes import Changes
    from prowless.domain.commands import Commands
    from prowless.domain.config.jobs import BranchJob, Postsubmit, Presubmit, RepositoryConfig

FAILED_STATES = frozenset({"error", "failure"})
"""Commit status states that `/retest` reruns (`pkg/plugins/trigger/generic-comment.go:280`)."""

BRANCHES = "branches"
"""The rule of jobs that do not run on a branch."""

_PATTERN = 200
_REASON = 500


@dataclass(frozen=True, slots=True)
class Match:
    """A filter's yes: `forced` runs the job whatever changed, `default` decides if no rule of the job does.

    `why` is what the filter compared.
    """

    rule: str
    forced: bool
    default: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class Miss:
    """A filter's no, and what it compared."""

    why: str


@dataclass(frozen=True, slots=True)
class Choice:
    """Whether a job runs, by which rule, and why: the values that were compared, bounded and printable."""

    run: bool
    rule: str
    reason: str


Filter = Callable[["Presubmit"], Match | Miss]


def trigger_off(config: RepositoryConfig) -> Choice | None:
    """What becomes of every job where plugins.yaml does not enable the trigger plugin; None where it does."""
    if config.plugins.has("trigger"):
        return None
    return _choice("plugins", not_enabled("trigger", config.repository), run=False)


def command_filter(body: str) -> Filter:
    """Jobs whose trigger is found in the text (`filter.go:127`)."""

    def select(job: Presubmit) -> Match | Miss:
        if job.triggered_by(body):
            return Match("trigger", forced=True, default=True, why=f"the comment matches its trigger ({_command(job)})")
        return Miss(f"the comment does not match its trigger ({_command(job)})")

    return select


def test_all_filter(job: Presubmit) -> Match | Miss:
    """Jobs that need no person (`filter.go:150`)."""
    if job.needs_explicit_trigger:
        return Miss(_manual(job))
    return Match("test-all", forced=False, default=False)


def retest_filter(contexts: Mapping[str, str], *, required_only: bool = False) -> Filter:
    """Jobs whose context failed, and automatic ones without a context yet (`filter.go:238`, `:258`).

    Args:
        contexts: state of every context of the head's combined status, whoever set it.
        required_only: leave optional jobs out, as `/retest-required` does.
    """
    name = "retest-required" if required_only else "retest"

    def select(job: Presubmit) -> Match | Miss:
        if required_only and job.optional:
            return Miss(f"optional is true, and /{name} runs required jobs")
        state = contexts.get(job.context)
        compared = f"its context {shown(job.context)} " + (f"is {shown(state)}" if state else "has no status yet")
        failed = state in FAILED_STATES
        if failed or (not job.needs_explicit_trigger and job.context not in contexts):
            return Match(name, forced=False, default=failed, why=compared)
        return Miss(f"{compared}, and /{name} runs what failed, and automatic jobs without a status")

    return select


def manual_required_filter(job: Presubmit) -> Match | Miss:
    """Required jobs that only a person can start (`filter.go:275`)."""
    if job.optional:
        return Miss("optional is true, and /test-manual-required runs required jobs")
    if not job.needs_explicit_trigger:
        return Miss("it starts without a command, and /test-manual-required runs the others")
    return Match("test-manual-required", forced=True, default=False, why=f"required, and {_manual(job)}")


def comment_filters(
    body: str, commands: Commands, contexts: Callable[[], Mapping[str, str]], *, honour_ok_to_test: bool
) -> list[Filter]:
    """The filters a comment asks for, in Prow's order (`filter.go:289-323`); the first that matches a job counts."""
    filters = [command_filter(body)]
    if commands.retest:
        filters.append(retest_filter(contexts()))
    if commands.retest_required:
        filters.append(retest_filter(contexts(), required_only=True))
    if commands.test_manual_required:
        filters.append(manual_required_filter)
    if commands.test_all or (honour_ok_to_test and commands.ok_to_test):
        filters.append(test_all_filter)
    return filters


def select(job: Presubmit, filters: Sequence[Filter], branch: str, changes: Changes) -> Choice:
    """Whether a presubmit runs (`filter.go:186`).

    Of one that no filter matches, the branch is told first: no command starts it on another one either.
    """
    misses = []
    for matches in filters:
        answer = matches(job)
        if isinstance(answer, Match):
            return presubmit_choice(job, answer, branch, changes)
        misses.append(answer.why)
    if not job.runs_on(branch):
        return _other_branch(job, branch)
    rule = "manual" if job.needs_explicit_trigger else "command"
    return _choice(rule, "; ".join(misses) or _manual(job), run=False)


def presubmit_choice(job: Presubmit, match: Match, branch: str, changes: Changes) -> Choice:
    """Whether a presubmit that matched runs on a branch and these files (`jobs.go:518-530`)."""
    if not job.runs_on(branch):
        return _other_branch(job, branch)
    if job.always_run and not match.forced:
        return _choice(match.rule, "; ".join(filter(None, ["always_run is true", match.why])), run=True)
    if job.always_run or match.forced:
        return _choice(match.rule, match.why, run=True)
    choice = _by_changes(job, changes)
    if choice and (choice.run or not match.default):
        return choice
    if match.default:
        return _choice(match.rule, match.why, run=True)
    return _choice("manual", _manual(job), run=False)


QUEUE_BRANCHES = "gh-readonly-queue/"
"""What GitHub's merge queue calls the branches that it makes for its groups."""


def postsubmit_choice(job: Postsubmit, branch: str, changes: Changes) -> Choice:
    """Whether a postsubmit runs: branch, then changed files, then `always_run`, then yes (`jobs.go:482-507`).

    The merge queue's branches hold what is not merged yet, and `branches: [main]` finds itself in their names. Only
    jobs that name them run there; Prow, which has no merge queue, would run them all.
    """
    if not job.runs_on(branch):
        return _other_branch(job, branch)
    if branch.startswith(QUEUE_BRANCHES) and not any(QUEUE_BRANCHES in pattern for pattern in job.branches):
        return _choice("merge-queue", f"{shown(branch)} is not merged yet, and branches does not name it", run=False)
    if choice := _by_changes(job, changes):
        return choice
    if job.always_run is False:
        return _choice("always_run", "always_run is false, and no rule for changed files is set", run=False)
    matched = "it names no branches" if job.every_branch else f"{_lists(job)} let {shown(branch)} through"
    return _choice("always_run", f"always_run is not false, and {matched}", run=True)


def _by_changes(job: BranchJob, changes: Changes) -> Choice | None:
    if not job.depends_on_changes:
        return None
    rule = "run_if_changed" if job.run_if_changed else "skip_if_only_changed"
    compared = f"{rule} {shown(job.run_if_changed or job.skip_if_only_changed, _PATTERN)}"
    files = changes.files()
    if files is None:
        return _choice(rule, f"the changed files could not be determined, so {compared} does not keep it", run=True)
    if not files:
        return _choice(rule, f"{compared}, and no file changed", run=False)
    number = counted(len(files), "changed file")
    name = changes.deciding_file(job)
    if name is not None:
        verb = "matches" if job.run_if_changed else "does not match"
        return _choice(rule, f"{compared} {verb} {shown(name, 120)} ({number})", run=True)
    which = "none of" if job.run_if_changed else "all of"
    return _choice(rule, f"{compared} matches {which} {number} ({listed(files)})", run=False)


def _other_branch(job: BranchJob, branch: str) -> Choice:
    """Which of the lists decided; `skip_branches` is asked first, as in `BranchJob.runs_on`."""
    skipped = bool(job.skip_branches) and compile_regex("|".join(job.skip_branches)).search(branch)
    name, patterns, verb = (
        ("skip_branches", job.skip_branches, "matches") if skipped else ("branches", job.branches, "does not match")
    )
    return _choice(BRANCHES, f"{name} {shown('|'.join(patterns), _PATTERN)} {verb} {shown(branch)}", run=False)


def _lists(job: BranchJob) -> str:
    named = (("branches", job.branches), ("skip_branches", job.skip_branches))
    return " and ".join(f"{name} {shown('|'.join(patterns), _PATTERN)}" for name, patterns in named if patterns)


def _manual(job: Presubmit) -> str:
    return f"it starts by command only ({_command(job)}): always_run is false, no rule for changed files is set"


def _command(job: Presubmit) -> str:
    return shown(job.rerun_command, 120)


def _choice(rule: str, reason: str, *, run: bool) -> Choice:
    return Choice(run=run, rule=rule, reason=shown(reason, _REASON))
