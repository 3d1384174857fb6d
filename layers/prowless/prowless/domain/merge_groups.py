"""GitHub's merge queue, which Prow does not know: what a merge group runs.

A group is like a batch of Tide's (`pkg/tide/tide.go:1545`), only that GitHub has merged its pulls already: the runs are
ProwJobs of type batch on the group's head, and GitHub merges when the required contexts there are green.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prowless.domain import filters, in_repo_jobs
from prowless.domain.actions import AbortGroup, Action, Start
from prowless.domain.changes import Changes
from prowless.domain.decisions import Decision, Verdict
from prowless.domain.filters import Choice, Match
from prowless.domain.refs import JobType
from prowless.domain.specs import batch_spec, group_refs
from prowless.domain.wording import shown

if TYPE_CHECKING:
    from prowless.domain.config.jobs import Presubmit, RepositoryConfig
    from prowless.domain.events import MergeGroupEvent
    from prowless.domain.view import View

RULE = "merge-group"
MERGED = "merged"
"""GitHub's reason for the end of a group that did what it was made for; the others are `invalidated`, `dequeued`."""


def decide(event: MergeGroupEvent, config: RepositoryConfig, view: View) -> Verdict:
    """What a `merge_group` event means: checks_requested starts the base branch's jobs, destroyed stops them.

    Runs of a group that was merged go on: optional ones may not be over, and what they test is now the branch.

    A group that is gone by now starts nothing.
    """
    if off := filters.trigger_off(config):
        decisions = [Decision.of(job.name, JobType.BATCH, off) for job in config.presubmits]
        return Verdict(decisions=tuple(decisions), summary=off.reason)
    match event.action:
        case "checks_requested":
            return _requested(event, config, view)
        case "destroyed" if event.reason == MERGED:
            return Verdict(summary="the merge group was merged: runs that are not over yet go on")
        case "destroyed":
            why = f" ({shown(event.reason)})" if event.reason else ""
            text = f"Aborted as the merge group was destroyed{why}."
            abort = AbortGroup(repository=event.repository, head_sha=event.head_sha, description=text)
            return Verdict(actions=(abort,), summary=f"the merge group was destroyed{why}: unfinished runs are stopped")
        case _:
            return Verdict(summary=f"merge_group {shown(event.action)} starts nothing")


def choice(job: Presubmit, branch: str, changes: Changes) -> Choice:
    """Whether a presubmit runs on a merge group of that branch: automatic ones do, and `run_before_merge`."""
    if job.run_before_merge and not job.always_run:
        why = "run_before_merge is true"
        return filters.presubmit_choice(
            job, Match("run_before_merge", forced=True, default=True, why=why), branch, changes
        )
    return filters.presubmit_choice(job, Match(RULE, forced=False, default=False), branch, changes)


def _requested(event: MergeGroupEvent, config: RepositoryConfig, view: View) -> Verdict:
    own = view.in_repo() if config.in_repo else None
    jobs = (own.config if own else config).presubmits
    changes = Changes(view.changed_files, jobs, event.branch)
    choices = [choice(job, event.branch, changes) for job in jobs]
    pulls = view.group() if any(one.run for one in choices) else ()
    if pulls is None:
        gone = Choice(run=False, rule=RULE, reason=f"{shown(event.head_ref)} is not at {event.head_sha} any more")
        choices = [gone if one.run else one for one in choices]
    refs = group_refs(event, pulls or ())
    decisions: list[Decision] = []
    actions: list[Action] = []
    if own and own.problems:
        actions.append(in_repo_jobs.failure(own, event.repository, event.head_sha))
    for job, one in zip(jobs, choices, strict=True):
        decisions.append(Decision.of(job.name, JobType.BATCH, one))
        if one.run:
            actions.append(Start(spec=batch_spec(job, refs), cause=event.cause()))
    verdict = Verdict.of(decisions, actions, f"{event.repository} has no presubmits")
    return in_repo_jobs.told(verdict, config, own)
