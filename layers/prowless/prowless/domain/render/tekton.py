"""Tekton PipelineRuns of a job's `pipeline_run_spec` (`cmd/pipeline/controller.go:660-773`)."""

from __future__ import annotations

import re
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from prowless.domain.errors import ConfigError
from prowless.domain.render.checkout import clone_uri
from prowless.domain.render.labels import labels_and_annotations
from prowless.domain.render.literal import variables, with_helpers
from prowless.domain.render.pod import job_environment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prowless.domain.clusters import Cluster
    from prowless.domain.prowjob import ProwJob, ProwJobSpec
    from prowless.domain.refs import Refs

_IMPLICIT = "PROW_IMPLICIT_GIT_REF"
_EXTRA = re.compile(r"PROW_EXTRA_GIT_REF_(0|[1-9][0-9]{0,3})")
_GIT_TASK = "git-clone"

_FINALLY_SECONDS = 600
"""For `finally` tasks after a time-out: as long as poll gives a stopped run to end."""


def pipeline_run(spec: ProwJobSpec, job: ProwJob, cluster: Cluster, *, timeout_seconds: int) -> dict[str, Any]:
    """A PipelineRun of the job's own spec.

    Prow's variables become parameters, as Prow's own controller passes them, where the spec does not give them; beyond
    Prow, tasks written inline get them as variables of their steps too (`stepTemplate.env`). A task that refers to
    `PROW_IMPLICIT_GIT_REF` or `PROW_EXTRA_GIT_REF_<n>` becomes a `git-clone` task with `url` and `revision`, and keeps
    its name and everything else, which Prow's controller drops.

    Raises:
        ConfigError: a git reference that the job does not have.
    """
    body: dict[str, Any] = deepcopy(dict(spec.pipeline_run_spec or {}))
    env = job_environment(spec, job)
    body["params"] = _merged(body.get("params"), env)
    problems: list[str] = []
    for where, task in _tasks(body.get("pipelineSpec") or {}):
        try:
            _resolve(task, spec)
        except ConfigError as exc:
            problems += [f"job {spec.job}: pipeline_run_spec.pipelineSpec.{where}: {text}" for text in exc.problems]
        if isinstance(task.get("taskSpec"), dict) and "steps" in task["taskSpec"]:
            _equip(task["taskSpec"], env)
    if problems:
        raise ConfigError(problems)
    if not body.get("timeouts"):
        # Without `tasks` each TaskRun would end at Tekton's own default of one hour.
        body["timeouts"] = {
            "tasks": f"{timeout_seconds}s",
            "finally": f"{_FINALLY_SECONDS}s",
            "pipeline": f"{timeout_seconds + _FINALLY_SECONDS}s",
        }
    labels, annotations = labels_and_annotations(spec, job)
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "PipelineRun",
        "metadata": {
            "name": job.id,
            "namespace": spec.namespace or cluster.namespace,
            "labels": labels,
            "annotations": annotations,
        },
        "spec": body,
    }


def _merged(given: Any, values: dict[str, str]) -> list[dict[str, Any]]:
    params = list(given or ())
    names = {param.get("name") for param in params}
    return params + [{"name": name, "value": values[name]} for name in sorted(values) if name not in names]


def _tasks(pipeline: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for field in ("tasks", "finally"):
        for index, task in enumerate(pipeline.get(field) or ()):
            if isinstance(task, dict):
                yield f"{field}[{index}]", task


def _resolve(task: dict[str, Any], spec: ProwJobSpec) -> None:
    name = (task.get("taskRef") or {}).get("name") or ""
    refs: Refs | None
    if name == _IMPLICIT:
        refs = spec.refs
    elif match := _EXTRA.fullmatch(name):
        index = int(match[1])
        refs = spec.extra_refs[index] if index < len(spec.extra_refs) else None
    else:
        return
    if refs is None:
        raise ConfigError([f"taskRef {name}: this job has no such git reference"])
    task["taskRef"] = {"name": _GIT_TASK}
    task["params"] = _merged(task.get("params"), {"url": clone_uri(refs), "revision": _revision(refs)})


def _revision(refs: Refs) -> str:
    if refs.merged_sha:
        return refs.merged_sha
    if refs.pulls:
        return refs.pulls[0].sha or f"pull/{refs.pulls[0].number}/head"
    return refs.base_sha or refs.base_ref


def _equip(task_spec: dict[str, Any], env: dict[str, str]) -> None:
    template = dict(task_spec.get("stepTemplate") or {})
    own = list(template.get("env") or ())
    present = {entry.get("name") for entry in own}
    ours = variables({name: value for name, value in env.items() if name not in present})
    template["env"] = with_helpers([*own, *ours])
    task_spec["stepTemplate"] = template
