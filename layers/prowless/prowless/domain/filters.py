"""Which jobs an event selects, in Prow's two steps (`pkg/pjutil/filter.go`, `pkg/config/jobs.go:482-530`).

First a filter says whether a job matches the command; then the job says whether it runs on that branch and these files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prowless.domain.commands import Commands
    from prowless.domain.config.jobs import BranchJob, Postsubmit, Presubmit

FAILED_STATES = frozenset({"error", "failure"})
"""Commit status states that `/retest` reruns (`pkg/plugins/trigger/generic-comment.go:280`)."""

Changes = Callable[[], Sequence[str] | None]
"""The changed files, fetched when first asked for; None if they cannot be known, and then every job runs."""


@dataclass(frozen=True, slots=True)
class Match:
    """A filter's answer: `forced` runs the job whatever changed, `default` decides if no rule of the job does."""

    rule: str
    forced: bool
    default: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """Whether a job runs, by which rule, and why."""

    run: bool
    rule: str
    reason: str


Filter = Callable[["Presubmit"], Match | None]


def command_filter(body: str) -> Filter:
    """Jobs whose trigger is found in the text (`filter.go:127`)."""
    match = Match("trigger", forced=True, default=True)
    return lambda job: match if job.triggered_by(body) else None


def test_all_filter(job: Presubmit) -> Match | None:
    """Jobs that need no person (`filter.go:150`)."""
    return None if job.needs_explicit_trigger else Match("test-all", forced=False, default=False)


def retest_filter(contexts: Mapping[str, str], *, required_only: bool = False) -> Filter:
    """Jobs whose context failed, and automatic ones without a context yet (`filter.go:238`, `:258`).

    Args:
        contexts: state of every context of the head's combined status, whoever set it.
        required_only: leave optional jobs out, as `/retest-required` does.
    """
    name = "retest-required" if required_only else "retest"

    def select(job: Presubmit) -> Match | None:
        if required_only and job.optional:
            return None
        failed = contexts.get(job.context) in FAILED_STATES
        if failed or (not job.needs_explicit_trigger and job.context not in contexts):
            return Match(name, forced=False, default=failed)
        return None

    return select


def manual_required_filter(job: Presubmit) -> Match | None:
    """Required jobs that only a person can start (`filter.go:275`)."""
    if job.optional or not job.needs_explicit_trigger:
        return None
    return Match("test-manual-required", forced=True, default=False)


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
    """Whether a presubmit runs (`filter.go:186`)."""
    for matches in filters:
        if match := matches(job):
            return presubmit_choice(job, match, branch, changes)
    if job.needs_explicit_trigger:
        return Choice(run=False, rule="manual", reason=f"starts by command only: {job.rerun_command}")
    return Choice(run=False, rule="command", reason="the comment does not name it")


def presubmit_choice(job: Presubmit, match: Match, branch: str, changes: Changes) -> Choice:
    """Whether a presubmit that matched runs on a branch and these files (`jobs.go:518-530`)."""
    if not job.runs_on(branch):
        return _other_branch(job, branch)
    if job.always_run:
        return Choice(run=True, rule=match.rule, reason="runs always")
    if match.forced:
        return Choice(run=True, rule=match.rule, reason="asked for by command")
    choice = _by_changes(job, changes)
    if choice and (choice.run or not match.default):
        return choice
    if match.default:
        return Choice(run=True, rule=match.rule, reason="its context failed")
    return Choice(run=False, rule="manual", reason=f"starts by command only: {job.rerun_command}")


def postsubmit_choice(job: Postsubmit, branch: str, changes: Changes) -> Choice:
    """Whether a postsubmit runs: branch, then changed files, then `always_run`, then yes (`jobs.go:482-507`)."""
    if not job.runs_on(branch):
        return _other_branch(job, branch)
    if choice := _by_changes(job, changes):
        return choice
    if job.always_run is False:
        return Choice(run=False, rule="always_run", reason="always_run is false and no changed files are named")
    return Choice(run=True, rule="always_run", reason="runs on every push to its branches")


def _by_changes(job: BranchJob, changes: Changes) -> Choice | None:
    if not job.depends_on_changes:
        return None
    rule = "run_if_changed" if job.run_if_changed else "skip_if_only_changed"
    files = changes()
    if files is None:
        return Choice(run=True, rule=rule, reason="the changed files could not be determined")
    pattern = (job.run_if_changed or job.skip_if_only_changed)[:200]
    if job.matches_changes(files):
        reason = f"a changed file matches {pattern!r}" if job.run_if_changed else f"not only {pattern!r} changed"
        return Choice(run=True, rule=rule, reason=reason)
    reason = f"no changed file matches {pattern!r}" if job.run_if_changed else f"nothing but {pattern!r} changed"
    return Choice(run=False, rule=rule, reason=reason)


def _other_branch(job: BranchJob, branch: str) -> Choice:
    lists = [f"branches {list(job.branches)}"] if job.branches else []
    lists += [f"skip_branches {list(job.skip_branches)}"] if job.skip_branches else []
    return Choice(
        run=False, rule="branches", reason=f"branch {branch!r} is not selected by {' and '.join(lists)}"[:500]
    )
