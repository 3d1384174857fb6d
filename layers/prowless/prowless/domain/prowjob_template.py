"""Templates over a ProwJob: the address of a run and a report's text (`pkg/config/config.go:600-650,3158-3208`)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from prowless.domain.gotemplate import TemplateError, execute, parse
from prowless.domain.gotemplate.fields import ANY, FLAG, MAP, NUMBER, TEXT, ListOf, Pointer, Struct
from prowless.domain.wording import shown

if TYPE_CHECKING:
    from prowless.domain.gotemplate.values import Record
    from prowless.domain.prowjob import ProwJob, ProwJobSpec
    from prowless.domain.refs import Pull, Refs

MAX_URL = 2_000
MAX_STRANGERS_TEXT = 300
"""Characters of a title or branch name, which a stranger chose."""

_PULL = Struct(
    "v1.Pull",
    {
        "Number": NUMBER,
        **dict.fromkeys(("Author", "SHA", "Title", "Ref", "HeadRef", "Link", "CommitLink", "AuthorLink"), TEXT),
    },
)
_REFS = Struct(
    "*v1.Refs",
    {
        **dict.fromkeys(("Org", "Repo", "RepoLink", "BaseRef", "BaseSHA", "BaseLink"), TEXT),
        "Pulls": ListOf(_PULL),
        **dict.fromkeys(("PathAlias", "CloneURI"), TEXT),
        **dict.fromkeys(("WorkDir", "Auxiliary", "SkipSubmodules", "SkipFetchHead"), FLAG),
        "CloneDepth": NUMBER,
        "BloblessFetch": ANY,
        "SparseCheckoutFiles": ListOf(TEXT),
    },
)
_SPEC = Struct(
    "v1.ProwJobSpec",
    {
        **dict.fromkeys(("Type", "Agent", "Cluster", "Namespace", "Job", "Context", "RerunCommand"), TEXT),
        "Refs": Pointer(_REFS),
        "ExtraRefs": ListOf(_REFS),
        **dict.fromkeys(("Report", "ErrorOnEviction", "Hidden"), FLAG),
        "MaxConcurrency": NUMBER,
        **dict.fromkeys(("PodSpec", "JenkinsSpec", "PipelineRunSpec", "TektonPipelineRunSpec"), ANY),
        **dict.fromkeys(("DecorationConfig", "ReporterConfig", "RerunAuthConfig", "ProwJobDefault"), ANY),
        "JobQueueName": TEXT,
    },
)
_STATUS = Struct(
    "v1.ProwJobStatus",
    {
        **dict.fromkeys(("StartTime", "PendingTime", "CompletionTime"), ANY),
        **dict.fromkeys(("State", "Description", "URL", "PodName", "BuildID", "JenkinsBuildID"), TEXT),
        "PodRevivalCount": NUMBER,
        "PrevReportStates": MAP,
    },
)
_METADATA = {
    **dict.fromkeys(("Name", "GenerateName", "Namespace", "UID", "ResourceVersion"), TEXT),
    **dict.fromkeys(("Labels", "Annotations"), MAP),
    **dict.fromkeys(("CreationTimestamp", "DeletionTimestamp", "Generation", "Finalizers", "OwnerReferences"), ANY),
}
PROWJOB = Struct(
    "*v1.ProwJob",
    {
        "Kind": TEXT,
        "APIVersion": TEXT,
        **_METADATA,
        "ObjectMeta": Struct("v1.ObjectMeta", _METADATA),
        "TypeMeta": Struct("v1.TypeMeta", {"Kind": TEXT, "APIVersion": TEXT}),
        "Spec": _SPEC,
        "Status": _STATUS,
    },
)
"""The fields of Prow's object by their Go names. Methods are not there."""


def job_url(template: str, spec: ProwJobSpec, job: ProwJob) -> str:
    """The address that `job_url_template` gives a run.

    Raises:
        TemplateError: the template fails, or what it writes is not an address.
    """
    url = execute(parse("JobURL", template), _prowjob(spec, job)).strip()
    if not url.startswith(("http://", "https://")) or not url.isprintable() or " " in url or len(url) > MAX_URL:
        raise TemplateError(f"template: JobURL: not an address: {shown(url)}")
    return url


def report_text(template: str, spec: ProwJobSpec, job: ProwJob) -> str:
    """What a report template adds to the failure comment.

    Raises:
        TemplateError: the template fails.
    """
    return execute(parse("Report", template), _prowjob(spec, job))


def message(template: str, spec: ProwJobSpec, job: ProwJob) -> str:
    """What Slack's report template says about a run.

    Raises:
        TemplateError: the template fails.
    """
    return execute(parse("", template), _prowjob(spec, job))


def _prowjob(spec: ProwJobSpec, job: ProwJob) -> Record:
    metadata = {
        "Name": job.id,
        "Namespace": spec.namespace,
        "Labels": {"prow.k8s.io/type": job.type.value, "prow.k8s.io/job": job.job, **spec.labels},
        "Annotations": {"prow.k8s.io/job": job.job, **spec.annotations},
        "CreationTimestamp": _time(job.created_at),
    }
    values = {
        "Type": spec.type.value,
        "Refs": _refs(spec.refs) if spec.refs else None,
        "ExtraRefs": [_refs(refs) for refs in spec.extra_refs],
        "Agent": spec.agent,
        "Cluster": spec.cluster,
        "Namespace": spec.namespace,
        "Job": spec.job,
        "Context": spec.context,
        "RerunCommand": spec.rerun_command,
        "Report": spec.report,
        "MaxConcurrency": spec.max_concurrency,
        "JobQueueName": spec.job_queue_name,
    }
    status = {
        "StartTime": _time(job.created_at),
        "PendingTime": _time(job.pending_at),
        "CompletionTime": _time(job.completed_at),
        "State": job.state.value,
        "Description": job.description,
        "URL": job.url,
        "PodName": job.id,
        "BuildID": job.build_id,
        "PrevReportStates": dict(job.reported),
    }
    kind = {"Kind": "ProwJob", "APIVersion": "prow.k8s.io/v1"}
    return PROWJOB.record({**kind, **metadata, "Spec": _SPEC.record(values), "Status": _STATUS.record(status)})


def _refs(refs: Refs) -> Record:
    return _REFS.record(
        {
            "Org": refs.org,
            "Repo": refs.repo,
            "RepoLink": refs.repo_link,
            "BaseRef": refs.base_ref,
            "BaseSHA": refs.base_sha,
            "BaseLink": refs.base_link,
            "Pulls": [_pull(pull) for pull in refs.pulls],
            "PathAlias": refs.path_alias,
            "CloneURI": refs.clone_uri,
        }
    )


def _pull(pull: Pull) -> Record:
    return _PULL.record(
        {
            "Number": pull.number,
            "Author": pull.author,
            "SHA": pull.sha,
            "Title": shown(pull.title, MAX_STRANGERS_TEXT),
            "HeadRef": shown(pull.head_ref, MAX_STRANGERS_TEXT),
            "Link": pull.link,
            "CommitLink": pull.commit_link,
            "AuthorLink": pull.author_link,
        }
    )


def _time(milliseconds: int) -> Any:
    """As Go writes a time; nil if it has not come."""
    if not milliseconds:
        return None
    return datetime.fromtimestamp(milliseconds // 1000, UTC).strftime("%Y-%m-%d %H:%M:%S +0000 UTC")
