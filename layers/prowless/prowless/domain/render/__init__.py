"""From a resolved job to the manifest that a cluster runs. Pure: the same job always gives the same manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prowless.domain.errors import ConfigError
from prowless.domain.render.argo import workflow_of_pod, workflow_of_spec
from prowless.domain.render.pod import render_pod
from prowless.domain.render.tekton import pipeline_run

if TYPE_CHECKING:
    from prowless.domain.clusters import Cluster
    from prowless.domain.prowjob import ProwJob, ProwJobSpec

_CARRIES = {
    "kubernetes": ("pod_spec", "spec"),
    "tekton-pipeline": ("pipeline_run_spec", "pipeline_run_spec"),
    "argo-workflow": ("workflow_spec", "workflow_spec"),
}


def render(spec: ProwJobSpec, job: ProwJob, cluster: Cluster, *, timeout_seconds: int) -> dict[str, Any]:
    """The manifest of a run, named after the ProwJob; `kind` is Workflow, PipelineRun or Pod.

    `timeout_seconds` is the most the run may take; a shorter one in the job's own spec stays.

    Raises:
        ConfigError: the job cannot be rendered; each problem names the field.
    """
    if spec.agent not in _CARRIES:
        raise ConfigError([f"job {spec.job}: agent {spec.agent!r} is not one of {', '.join(_CARRIES)}"])
    attribute, field = _CARRIES[spec.agent]
    if not getattr(spec, attribute):
        raise ConfigError([f"job {spec.job}: agent {spec.agent} needs {field}"])
    match spec.agent:
        case "tekton-pipeline":
            return pipeline_run(spec, job, cluster, timeout_seconds=timeout_seconds)
        case "argo-workflow":
            return workflow_of_spec(spec, job, cluster, timeout_seconds=timeout_seconds)
    match cluster.engine:
        case "argo":
            return workflow_of_pod(spec, job, cluster, timeout_seconds=timeout_seconds)
        case "pod":
            return render_pod(spec, job, cluster, timeout_seconds=timeout_seconds)
    raise ConfigError(
        [f"job {spec.job}: cluster {cluster.alias} has engine {cluster.engine!r}, which runs no PodSpec jobs yet"]
    )
