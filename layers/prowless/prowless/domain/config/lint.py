"""What is valid and surely not meant so: Prow's `checkconfig` warnings about a whole configuration, by their names.

(`cmd/checkconfig/main.go:950-1010`, `:1440-1700`.) Those that decoding comes across are not here: unknown fields, long
names, repositories without the trigger plugin.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from prowless.domain.config import warning_names
from prowless.domain.config.addresses import address_problem
from prowless.domain.config.document import Table
from prowless.domain.config.manifests import refused_jobs
from prowless.domain.config.templates import template_problems
from prowless.domain.config.validate import JENKINS, KUBERNETES
from prowless.domain.schedule import MAX_RETRIES
from prowless.domain.wording import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from prowless.domain.config.compile import Compiled
    from prowless.domain.config.document import Document, Sources
    from prowless.domain.config.findings import Problems
    from prowless.domain.config.jobs import Job

_LISTED = 10
_IMAGES = ("clonerefs", "initupload", "entrypoint", "sidecar")
_TOP_LEVEL_CLONE = ("clone_depth", "clone_uri", "path_alias")


def lint(compiled: Compiled, sources: Sources, problems: Problems, annotations: Sequence[str] = ()) -> None:
    """Add the warnings about a configuration that compiles.

    Args:
        compiled: the configuration.
        sources: what it was compiled from, for the sections that nothing else reads.
        problems: collects the warnings.
        annotations: keys that every job must have.
    """
    jobs = [
        *chain.from_iterable((*shard.presubmits, *shard.postsubmits) for shard in compiled.repositories),
        *compiled.periodics,
    ]
    _not_decorated(jobs, problems)
    for at, name, text in refused_jobs(compiled.central, compiled.repositories, compiled.periodics):
        problems.warn_once(at, text, name)
    for job in jobs:
        for name, text in _job_warnings(job, annotations):
            problems.warn(job.source, text, name)
        if note := _bucket_note(job):
            problems.note_once(job.source, note)
    for periodic in compiled.periodics:
        if (attempts := periodic.retry.get("attempts") or 0) > MAX_RETRIES:
            problems.note(periodic.source, f"job {periodic.name}: {attempts} attempts of retry count as {MAX_RETRIES}")
        if any(getattr(periodic, field) for field in _TOP_LEVEL_CLONE):
            text = (
                "periodic jobs might clone 0, 1, or more repos, top level `clone_depth`, `clone_uri`, and `path_alias` "
                f'don\'t have any effect. Name: "{periodic.name}"'
            )
            problems.warn(periodic.source, text, warning_names.PERIODIC_CLONE)
    if sources.config and isinstance(sources.config.data, Table):
        for name, at, text in _section_warnings(sources.config, sources.config.data):
            problems.warn(at, text, name)


def _not_decorated(jobs: Sequence[Job], problems: Problems) -> None:
    bare = [job for job in jobs if job.agent == KUBERNETES and not job.decorate]
    if bare:
        names = [shown(job.name) for job in bare[:_LISTED]]
        names += [f"and {len(bare) - _LISTED} more"] if len(bare) > _LISTED else []
        text = f"the following jobs use the kubernetes provider but do not use the pod utilities: [{' '.join(names)}]"
        problems.warn(bare[0].source, text, warning_names.NOT_DECORATED)


def _job_warnings(job: Job, annotations: Sequence[str]) -> Iterator[tuple[str, str]]:
    missing = [key for key in annotations if key not in job.annotations]
    if missing:
        yield warning_names.ANNOTATIONS, f"job '{job.name}' is missing required annotations: {', '.join(missing)}"
    if job.agent == JENKINS and job.cluster != "default":
        yield warning_names.CLUSTER, f"{job.name}: cannot set cluster field if agent is {JENKINS}"
    slack = job.reporter_config.get("slack")
    text = slack.get("report_template") if isinstance(slack, dict) else None
    if isinstance(text, str):
        for problem in template_problems(text):
            yield warning_names.TEMPLATES, f"job {job.name}: reporter_config.slack.report_template: {problem}"
    if job.agent == KUBERNETES and job.decorate and (problem := _decoration_problem(job.decoration_config)):
        yield warning_names.DECORATION, f"job {job.name}: {problem}"


def _decoration_problem(config: Mapping[str, Any]) -> str:
    """What `DecorationConfig.Validate` (`types.go:873`) wants for Prow and we do not need."""
    images = config.get("utility_images")
    if not images:
        return "utility image config is not specified"
    missing = [f'"{name}"' for name in _IMAGES if not images.get(name)]
    if missing:
        return f"the following utility images are not specified: [{' '.join(missing)}]"
    return "" if config.get("gcs_configuration") else "GCS upload configuration is not specified"


def _bucket_note(job: Job) -> str:
    """A bucket that Prow writes to and we do not, or not in the same place."""
    bucket = str((job.decoration_config.get("gcs_configuration") or {}).get("bucket") or "")
    scheme, separator, _ = bucket.partition("://")
    if separator:
        return "" if scheme == "s3" else f"artifact bucket {shown(bucket)} cannot be used: only s3:// buckets can"
    return f"artifact bucket {shown(bucket)} is taken for an S3 bucket of that name" if bucket else ""


def _section_warnings(document: Document, config: Table) -> Iterator[tuple[str, str, str]]:
    """Name, place and text of what is said about sections that have no effect here."""
    link = config.get("status_error_link")
    if isinstance(link, str) and address_problem(link):
        place = document.at(config.line_of("status_error_link"))
        yield warning_names.URLS, place, f"status_error_link is not a valid url: {shown(link)}"
    for index, query in enumerate(_dicts(_below(config, "tide", "queries"))):
        if "lgtm" in _texts(query, "labels") and "needs-ok-to-test" in _texts(query, "missingLabels"):
            text = (
                f'the tide query at position {index} forbids the "needs-ok-to-test" label and requires the "lgtm" '
                "label, which is not recommended"
            )
            yield warning_names.OK_TO_TEST, document.at(getattr(query, "line", 0)), text
    hooks = _below(config, "managed_webhooks", "org_repo_config")
    for name in hooks if isinstance(hooks, Table) else ():
        if "/" in name and name.partition("/")[0] in hooks:
            text = (
                f'org-level and repo-level webhooks are configured together for "{shown(name)}", '
                "which is not allowed as there will be duplicated webhook events"
            )
            yield warning_names.WEBHOOKS, document.at(hooks.line_of(name)), text


def _below(config: Table, section: str, field: str) -> Any:
    found = config.get(section)
    return found.get(field) if isinstance(found, dict) else None


def _dicts(items: Any) -> list[dict[str, Any]]:
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _texts(query: Mapping[str, Any], field: str) -> list[Any]:
    items = query.get(field)
    return items if isinstance(items, list) else []
