"""Decisions: which jobs an event runs, skips or blocks, by which rule, and what is to be done about it.

Pure: facts come lazily from a View, actions go out as data. The rules are those of Prow's trigger plugin
(`pkg/plugins/trigger/`); every job of the repository gets a decision, also the ones that do not run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prowless.domain import filters, in_repo_jobs, merge_groups
from prowless.domain.actions import Action, Start, SyncConfig
from prowless.domain.changes import Changes
from prowless.domain.comments import CommentRules
from prowless.domain.config_checks import is_source, with_check
from prowless.domain.decisions import Decision, Verdict
from prowless.domain.events import CommentEvent, MergeGroupEvent, PullRequestEvent, PushEvent
from prowless.domain.pull_events import PullEventRules
from prowless.domain.refs import JobType
from prowless.domain.specs import postsubmit_spec, push_refs

if TYPE_CHECKING:
    from collections.abc import Collection

    from prowless.domain.config.jobs import RepositoryConfig
    from prowless.domain.view import View


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
        config_sources: (repository, branch) pairs that the central configuration is read from.

    Raises:
        Whatever the view raises; then nothing was decided.
    """
    match event:
        case PullRequestEvent():
            verdict = PullEventRules(event.cause(), config, view).handle(event)
            return with_check(verdict, event, config_sources)
        case CommentEvent():
            return CommentRules(event.cause(), config, view).comment(event)
        case PushEvent():
            return _push(event, config, view, config_sources)
    return merge_groups.decide(event, config, view)


def _push(
    event: PushEvent, config: RepositoryConfig, view: View, config_sources: Collection[tuple[str, str]]
) -> Verdict:
    """`pkg/plugins/trigger/push.go:62-110`, without its stop at the first error."""
    if event.gone:
        return Verdict(summary=f"{event.ref} was deleted")
    decisions: list[Decision] = []
    actions: list[Action] = []
    if event.ref.startswith("refs/heads/") and is_source(config_sources, event.repository, event.branch):
        actions.append(SyncConfig(repository=event.repository, sha=event.after))
    off = filters.trigger_off(config)
    own = view.in_repo() if config.in_repo and not off else None
    if own and own.problems:
        actions.append(in_repo_jobs.failure(own, event.repository, event.after))
    jobs = (own.config if own else config).postsubmits
    changes = Changes(view.changed_files, jobs, event.branch)
    for job in jobs:
        choice = off or filters.postsubmit_choice(job, event.branch, changes)
        decisions.append(Decision.of(job.name, JobType.POSTSUBMIT, choice))
        if choice.run:
            actions.append(Start(spec=postsubmit_spec(job, push_refs(event)), cause=event.cause()))
    verdict = Verdict.of(decisions, actions, f"{event.repository} has no postsubmits")
    return in_repo_jobs.told(verdict, config, own)
