"""From a configured job to the resolved spec of one run (`pkg/pjutil/pjutil.go`)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from prowless.domain.prowjob import ProwJobSpec
from prowless.domain.refs import JobType, Pull, Refs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from prowless.domain.config.jobs import Job, Periodic, Postsubmit, Presubmit
    from prowless.domain.events import MergeGroupEvent, PushEvent

IS_OPTIONAL_LABEL = "prow.k8s.io/is-optional"
RETEST_LABEL = "prow.k8s.io/retest"
RE_RUN_LABEL = "prow.k8s.io/re-run"


@dataclass(frozen=True, slots=True, kw_only=True)
class PullFacts:
    """A pull request as it stands now. `mergeable` is None while GitHub computes it; `html_url` may be empty."""

    repository: str
    number: int
    title: str = ""
    author: str
    state: str = "open"
    draft: bool = False
    mergeable: bool | None = None
    head_sha: str
    head_ref: str = ""
    base_ref: str
    html_url: str = ""
    labels: frozenset[str] = frozenset()

    @property
    def repository_url(self) -> str:
        """The repository's page."""
        link, separator, _ = self.html_url.rpartition("/pull/")
        return link if separator else f"https://github.com/{self.repository}"

    @property
    def site(self) -> str:
        """The page of the GitHub that serves the pull, without a slash at the end."""
        return self.repository_url.removesuffix(f"/{self.repository}")


def pull_refs(pull: PullFacts, base_sha: str) -> Refs:
    """The refs of a pull's present head merged on `base_sha` (`pjutil.go` createRefs), the same for all its jobs."""
    org, _, repo = pull.repository.partition("/")
    link = pull.repository_url
    return Refs(
        org=org,
        repo=repo,
        repo_link=link,
        base_ref=pull.base_ref,
        base_sha=base_sha,
        base_link=f"{link}/commit/{base_sha}",
        pulls=(_pull(pull),),
    )


def group_refs(group: MergeGroupEvent, pulls: Iterable[PullFacts]) -> Refs:
    """The refs of a merge group: its base, its pulls in their order, and the head that holds them already."""
    org, _, repo = group.repository.partition("/")
    return Refs(
        org=org,
        repo=repo,
        repo_link=group.repository_url,
        base_ref=group.branch,
        base_sha=group.base_sha,
        base_link=f"{group.repository_url}/commit/{group.base_sha}",
        pulls=tuple(_pull(pull) for pull in pulls),
        merged_sha=group.head_sha,
    )


def push_refs(push: PushEvent) -> Refs:
    """The refs of a push; the base link is the comparison (`pkg/plugins/trigger/push.go:52-60`)."""
    org, _, repo = push.repository.partition("/")
    return Refs(
        org=org,
        repo=repo,
        repo_link=push.repository_url,
        base_ref=push.branch,
        base_sha=push.after,
        base_link=push.compare,
    )


def presubmit_spec(job: Presubmit, refs: Refs, labels: Mapping[str, str] | None = None) -> ProwJobSpec:
    """The spec of a presubmit on a pull's refs. `labels` come on top of the job's."""
    return ProwJobSpec(
        type=JobType.PRESUBMIT,
        context=job.context,
        report=not job.skip_report,
        rerun_command=job.rerun_command,
        optional=job.optional,
        refs=_primary(refs, job),
        labels={**job.labels, **(labels or {}), IS_OPTIONAL_LABEL: str(job.optional).lower()},
        **_common(job),
    )


def batch_spec(job: Presubmit, refs: Refs) -> ProwJobSpec:
    """The spec of a presubmit on a merge group (`pjutil.go` BatchSpec).

    Prow's batches, which are Tide's, report nothing; GitHub's queue waits for the status, so ours report as the job
    does on a pull. There is nothing to comment for another run: GitHub makes a new group.
    """
    return ProwJobSpec(
        type=JobType.BATCH,
        context=job.context,
        report=not job.skip_report,
        optional=job.optional,
        refs=_primary(refs, job),
        labels=job.labels,
        **_common(job),
    )


def postsubmit_spec(job: Postsubmit, refs: Refs) -> ProwJobSpec:
    """The spec of a postsubmit on a push's refs."""
    return ProwJobSpec(
        type=JobType.POSTSUBMIT,
        context=job.context,
        report=not job.skip_report,
        refs=_primary(refs, job),
        labels=job.labels,
        **_common(job),
    )


def periodic_spec(job: Periodic, retry: int = 0) -> ProwJobSpec:
    """The spec of a periodic, which has no refs of its own; `retry` numbers its runs after one that failed."""
    labels = {**job.labels, RE_RUN_LABEL: str(retry)} if retry else job.labels
    return ProwJobSpec(type=JobType.PERIODIC, labels=labels, **_common(job))


def _pull(pull: PullFacts) -> Pull:
    link = pull.repository_url
    return Pull(
        number=pull.number,
        author=pull.author,
        sha=pull.head_sha,
        title=pull.title,
        head_ref=pull.head_ref,
        link=f"{link}/pull/{pull.number}",
        commit_link=f"{link}/pull/{pull.number}/commits/{pull.head_sha}",
        author_link=f"{pull.site}/{pull.author}",
    )


def _common(job: Job) -> dict[str, Any]:
    return {
        "job": job.name,
        "agent": job.agent,
        "cluster": job.cluster,
        "namespace": job.namespace,
        "extra_refs": job.extra_refs,
        "max_concurrency": job.max_concurrency,
        "job_queue_name": job.job_queue_name,
        "decorate": job.decorate,
        "decoration_config": job.decoration_config,
        "annotations": job.annotations,
        "reporter_config": job.reporter_config,
        "pod_spec": job.spec,
        "pipeline_run_spec": job.pipeline_run_spec,
        "workflow_spec": job.workflow_spec,
        "in_repo": job.in_repo,
    }


def _primary(refs: Refs, job: Job) -> Refs:
    """The job's own clone options on its main repository (`pjutil.go` CompletePrimaryRefs)."""
    options: dict[str, Any] = {
        "path_alias": job.path_alias,
        "clone_uri": job.clone_uri,
        "skip_submodules": job.skip_submodules,
        "clone_depth": job.clone_depth,
        "skip_fetch_head": job.skip_fetch_head,
    }
    own = {name: value for name, value in options.items() if value}
    return replace(refs, **own) if own else refs
