"""Prow's checks of jobs, in Prow's words (`pkg/config/config.go:2235-3140`)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from prowless.domain.config.job_options import option_problems
from prowless.domain.cron import parse_cron
from prowless.domain.durations import parse_duration_ms
from prowless.domain.errors import ConfigError
from prowless.domain.refs import JobType
from prowless.domain.regex import compile_regex

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from prowless.domain.config.jobs import BranchJob, Job, Periodic, Postsubmit, Presubmit

KUBERNETES = "kubernetes"
TEKTON = "tekton-pipeline"
ARGO = "argo-workflow"
JENKINS = "jenkins"
"""Its jobs are read, with a warning: no engine runs them."""
AGENTS = frozenset({KUBERNETES, TEKTON, ARGO})

_JOB_NAME = r"^[A-Za-z0-9-._]+$"
_JENKINS_NAME = r"^[A-Za-z0-9-._]([A-Za-z0-9-._/]*[A-Za-z0-9-_])?$"
_DOTS = frozenset({".", ".."})
"""Names become parts of paths. Prow allows these."""
_BASE_ENV = ("CI", "JOB_NAME", "JOB_SPEC", "JOB_TYPE", "PROW_JOB_ID", "BUILD_ID", "BUILD_NUMBER")
_REFS_ENV = ("REPO_OWNER", "REPO_NAME", "SRC_BASE", "SRC_HOST", "PULL_BASE_REF", "PULL_BASE_SHA", "PULL_REFS")
_PULL_ENV = ("PULL_NUMBER", "PULL_PULL_SHA", "PULL_HEAD_REF", "PULL_TITLE")
_RESERVED_ENV: Mapping[JobType, frozenset[str]] = {
    JobType.PERIODIC: frozenset(_BASE_ENV),
    JobType.POSTSUBMIT: frozenset(_BASE_ENV + _REFS_ENV),
    JobType.PRESUBMIT: frozenset(_BASE_ENV + _REFS_ENV + _PULL_ENV),
}
_TEST_MOUNTS = frozenset({"logs", "code", "tools"})
_TEST_MOUNT_PATHS = frozenset({"/logs", "/home/prow/go", "/tools"})
_DECORATION_VOLUMES = _TEST_MOUNTS | {"gcs-credentials", "s3-credentials"}
_UTILITY_CONTAINERS = frozenset({"clonerefs", "initupload", "place-entrypoint", "sidecar"})
_IMPLICIT_REF = "PROW_IMPLICIT_GIT_REF"
_EXTRA_REF = re.compile(r"PROW_EXTRA_GIT_REF_(\d+)")


def job_problems(job: Job, job_type: JobType, queues: Collection[str], pod_namespace: str) -> Iterator[str]:
    """What is wrong with a job whatever its type, after defaults (`validateJobBase`)."""
    pattern = _JENKINS_NAME if job.agent == JENKINS else _JOB_NAME
    if not compile_regex(pattern).search(job.name) or not _DOTS.isdisjoint(job.name.split("/")):
        yield f'name: must match regex "{pattern}"'
    if job.max_concurrency < 0:
        yield f"max_concurrency: {job.max_concurrency} must be a non-negative number"
    if job.job_queue_name and job.job_queue_name not in queues:
        yield f"invalid job queue name {job.job_queue_name}"
    if job.agent in AGENTS:
        yield from _agent_problems(job, pod_namespace)
    if job.spec is not None:
        yield from _pod_problems(job, job.spec, job_type)
    if job.agent == TEKTON and job.pipeline_run_spec is not None:
        yield from _pipeline_problems(job, job.pipeline_run_spec, job_type)
    yield from option_problems(job)


def presubmit_problems(job: Presubmit) -> Iterator[str]:
    """What is wrong with a presubmit's triggering (`validateTriggering`, `SetPresubmitRegexes`)."""
    yield from _change_rule_problems(job, always=job.always_run)
    if bool(job.trigger) != bool(job.rerun_command):
        yield f'either both of job.Trigger and job.RerunCommand must be set, wasnt the case for job "{job.name}"'
        return
    try:
        if not compile_regex(job.trigger).search(job.rerun_command):
            yield f'for job {job.name}, rerun command "{job.rerun_command}" does not match trigger "{job.trigger}"'
    except ConfigError as exc:
        yield f"could not compile trigger regex for {job.name}: {exc}"


def postsubmit_problems(job: Postsubmit) -> Iterator[str]:
    """What is wrong with a postsubmit's rules (`validateAlwaysRun`)."""
    yield from _change_rule_problems(job, always=job.always_run is True)


def branch_job_problems(job: BranchJob) -> Iterator[str]:
    """What is wrong with regular expressions and reporting."""
    for kind, patterns in (("positive", job.branches), ("negative", job.skip_branches)):
        if patterns and (problem := _regex_problem("|".join(patterns))):
            yield f"could not set branch regexes for {job.name}: could not compile {kind} branch regex: {problem}"
    for name in ("run_if_changed", "skip_if_only_changed"):
        if problem := _regex_problem(getattr(job, name)):
            yield f"could not set change regexes for {job.name}: could not compile {name} regex: {problem}"
    if not job.skip_report and not job.context:
        yield "job is set to report but has no context configured"


def periodic_problems(job: Periodic) -> Iterator[str]:
    """What is wrong with a periodic's schedule (`validatePeriodics`)."""
    rules = [rule for rule in (job.cron, job.interval, job.minimum_interval) if rule]
    if len(rules) > 1:
        yield f"cron, interval, and minimum_interval are mutually exclusive in periodic {job.name}"
    elif not rules:
        yield f"at least one of cron, interval, or minimum_interval must be set in periodic {job.name}"
    elif job.cron:
        try:
            parse_cron(job.cron)
        except ConfigError as exc:
            yield f"invalid cron string {job.cron} in periodic {job.name}: {exc}"
    elif problem := _duration_problem(rules[0]):
        yield f"cannot parse duration for {job.name}: {problem}"
    if job.retry and (problem := _duration_problem(job.retry.get("interval", ""))):
        yield f"cannot parse Retry duration for {job.name}: {problem}"


def _agent_problems(job: Job, pod_namespace: str) -> Iterator[str]:
    """`validateAgent`, with our agent and its spec beside Prow's."""
    agent = job.agent
    specs = (("job specs", job.spec, KUBERNETES), ("job pipeline_run_spec", job.pipeline_run_spec, TEKTON))
    for what, spec, wanted in (*specs, ("job workflow_spec", job.workflow_spec, ARGO)):
        if spec is not None and agent != wanted:
            yield f'{what} require agent: {wanted} (found "{agent}")'
    if agent == KUBERNETES and job.spec is None:
        yield "kubernetes jobs require a spec"
    if agent == TEKTON and job.pipeline_run_spec is None:
        yield f"agent: {TEKTON} jobs require a pipeline_run_spec"
    if agent == ARGO and job.workflow_spec is None:
        yield f"agent: {ARGO} jobs require a workflow_spec"
    if job.decorate and agent == TEKTON:
        yield f'decoration requires agent: {KUBERNETES} (found "{agent}")'
    if job.error_on_eviction and agent != KUBERNETES:
        yield f'error_on_eviction only applies to agent: {KUBERNETES} (found "{agent}")'
    if job.namespace and job.namespace != pod_namespace and agent != TEKTON:
        yield f'namespace customization requires agent: {TEKTON} (found "{agent}")'


def _pod_problems(job: Job, spec: Mapping[str, Any], job_type: JobType) -> Iterator[str]:
    """`validatePodSpec` and `validateDecoration`."""
    shape = list(_shape_problems(spec))
    if shape:
        yield from shape
        return
    inits = [c.get("name", "") for c in spec.get("initContainers") or () if c.get("restartPolicy") != "Always"]
    if inits:
        yield f"pod spec may not use init containers(sidecar container is supported): [{' '.join(inits)}]"
    containers = spec.get("containers") or []
    if not containers:
        yield "pod spec must specify at least 1 container, found: 0"
    if len(containers) > 1:
        yield from _several_containers(containers, decorated=job.decorate)
    for container in containers:
        yield from _env_problems(container, _RESERVED_ENV[job_type])
        if job.decorate and not [*(container.get("command") or ()), *(container.get("args") or ()), ""][0]:
            yield "decorated job containers must specify command and/or args"
    yield from _volume_problems(spec, containers, _reserved_volumes(job))


def _shape_problems(spec: Mapping[str, Any]) -> Iterator[str]:
    """Types that the other checks and the renderer rely on; Go's decoder would have refused them."""
    for field in ("containers", "initContainers", "volumes"):
        if not _is_list(spec.get(field), dict):
            yield f"spec.{field}: expected a list of mappings"
    containers = spec.get("containers")
    for index, container in enumerate(containers if isinstance(containers, list) else ()):
        if isinstance(container, dict):
            for problem in _container_shape(container):
                yield f"spec.containers[{index}].{problem}"


def _container_shape(container: Mapping[str, Any]) -> Iterator[str]:
    for field in ("command", "args"):
        if not _is_list(container.get(field), str):
            yield f"{field}: expected a list of texts: put numbers and booleans in quotes"
    for field in ("env", "volumeMounts"):
        items = container.get(field) or []
        if not _is_list(items, dict):
            yield f"{field}: expected a list of mappings"
            continue
        for item in items:
            if not all(isinstance(item.get(name, ""), str) for name in ("name", "value", "mountPath")):
                yield f"{field}: {item.get('name')}: expected texts: put numbers and booleans in quotes"


def _is_list(items: Any, of: type) -> bool:
    return items is None or (isinstance(items, list) and all(isinstance(item, of) for item in items))


def _several_containers(containers: Sequence[Mapping[str, Any]], *, decorated: bool) -> Iterator[str]:
    if not decorated:
        yield f"pod utility decoration must be enabled to use multiple containers: {len(containers)}"
        return
    names: set[str] = set()
    for container in containers:
        name = container.get("name") or ""
        if not name:
            yield ("container does not have name. all containers must have names when defining multiple containers")
        if name in names:
            yield f'container named "{name}" is defined more than once'
        names.add(name)
        if name in _UTILITY_CONTAINERS:
            yield (
                f"container name {name} is a reserved for decoration. please specify a different container name that "
                "does not conflict with pod utility container names"
            )


def _env_problems(container: Mapping[str, Any], reserved: Collection[str]) -> Iterator[str]:
    names: set[str] = set()
    for item in container.get("env") or ():
        name = item.get("name", "")
        if name in names:
            yield f'env var named "{name}" is defined more than once'
        names.add(name)
        if name in reserved:
            yield f"env {name} is reserved"


def _reserved_volumes(job: Job) -> frozenset[str]:
    """`decorate.VolumeMounts`."""
    if not job.decorate:
        return _DECORATION_VOLUMES
    own = {str(name) for name in job.decoration_config.get("ssh_key_secrets") or ()}
    token = job.decoration_config.get("oauth_token_secret") or {}
    return _DECORATION_VOLUMES | own | ({str(token["name"])} if token.get("name") else set())


def _volume_problems(
    spec: Mapping[str, Any], containers: Sequence[Mapping[str, Any]], reserved: Collection[str]
) -> Iterator[str]:
    names: set[str] = set()
    for volume in spec.get("volumes") or ():
        name = volume.get("name", "")
        if name in names:
            yield f'volume named "{name}" is defined more than once'
        names.add(name)
        if name in reserved:
            yield f"volume {name} is a reserved for decoration"
    for container in containers:
        for mount in container.get("volumeMounts") or ():
            name, path = mount.get("name", ""), mount.get("mountPath", "")
            if name not in names and name not in reserved:
                yield f'volumeMount named "{name}" is undefined'
            if name in _TEST_MOUNTS:
                yield f"volumeMount name {name} is reserved for decoration"
            if path in _TEST_MOUNT_PATHS:
                yield f"mount {name} at {path} conflicts with decoration mount"


def _pipeline_problems(job: Job, spec: Mapping[str, Any], job_type: JobType) -> Iterator[str]:
    """`ValidatePipelineRunSpec`: the extra refs that tasks name are exactly those that the job has."""
    used: set[int] = set()
    pipeline = spec.get("pipelineSpec")
    tasks = pipeline.get("tasks") if isinstance(pipeline, dict) else None
    for task in tasks if isinstance(tasks, list) else ():
        reference = task.get("taskRef") if isinstance(task, dict) else None
        name = str(reference.get("name") or "") if isinstance(reference, dict) else ""
        if job_type is JobType.PERIODIC and name == _IMPLICIT_REF:
            yield f"periodic jobs do not have an implicit git ref to replace {_IMPLICIT_REF}"
        if match := _EXTRA_REF.search(name):
            if len(match[1]) > 1 and match[1].startswith("0"):
                yield f'task "{task.get("name")}": leading zeros are not allowed in PROW_EXTRA_GIT_REF_* indexes'
            used.add(int(match[1][:9]))
    for index in range(len(job.extra_refs)):
        if index not in used:
            yield f"extra_refs[{index}] is not used; some task must reference PROW_EXTRA_GIT_REF_{index}"
    if len(job.extra_refs) < len(used):
        indexes = ", ".join(str(index) for index in sorted(used))
        yield (
            f"{len(job.extra_refs)} extra_refs are specified, but the following PROW_EXTRA_GIT_REF_* indexes are used: "
            f"{indexes}"
        )


def _change_rule_problems(job: BranchJob, *, always: bool) -> Iterator[str]:
    for name in ("run_if_changed", "skip_if_only_changed"):
        if always and getattr(job, name):
            yield (
                f"job {job.name} is set to always run but also declares {name} targets, which are mutually exclusive"
            )
    if job.run_if_changed and job.skip_if_only_changed:
        yield f"job {job.name} declares run_if_changed and skip_if_only_changed, which are mutually exclusive"


def _duration_problem(written: str) -> str:
    try:
        parse_duration_ms(written)
    except ConfigError as exc:
        return str(exc)
    return ""


def _regex_problem(pattern: str) -> str:
    try:
        compile_regex(pattern)
    except ConfigError as exc:
        return str(exc)
    return ""
