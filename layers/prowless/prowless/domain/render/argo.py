"""Argo Workflows: from a PodSpec, and from a `workflow_spec` of the job's own."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from prowless.domain.errors import ConfigError
from prowless.domain.render.labels import labels_and_annotations
from prowless.domain.render.literal import untagged, variables, with_helpers
from prowless.domain.render.pod import all_containers, hide_token, job_environment, pod_spec, token_unwanted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prowless.domain.clusters import Cluster
    from prowless.domain.prowjob import ProwJob, ProwJobSpec

_KEEP_SECONDS = 86_400
"""How long a finished Workflow stays: long enough to be collected after a day's outage of ours."""

_LEAST_KEPT_SECONDS = 3_600
"""The least that a job's own `ttlStrategy` may ask for: a result that is gone before the next poll (at most five
minutes, more while the cluster does not answer) would be taken for a run that somebody deleted."""

_SPEC_FIELDS = {
    "affinity": "affinity",
    "automountServiceAccountToken": "automountServiceAccountToken",
    "dnsConfig": "dnsConfig",
    "dnsPolicy": "dnsPolicy",
    "hostAliases": "hostAliases",
    "hostNetwork": "hostNetwork",
    "imagePullSecrets": "imagePullSecrets",
    "nodeSelector": "nodeSelector",
    "priorityClassName": "podPriorityClassName",
    "schedulerName": "schedulerName",
    "securityContext": "securityContext",
    "serviceAccountName": "serviceAccountName",
    "tolerations": "tolerations",
    "volumes": "volumes",
}
"""Where the fields of a PodSpec go in a WorkflowSpec."""

_HANDLED = frozenset(
    {"containers", "initContainers", "restartPolicy", "activeDeadlineSeconds", "terminationGracePeriodSeconds"}
)
_RESERVED_CONTAINERS = frozenset({"init", "wait", "supervisor"})


def workflow_of_pod(spec: ProwJobSpec, job: ProwJob, cluster: Cluster, *, timeout_seconds: int) -> dict[str, Any]:
    """A Workflow of one pod: one container as a `container` template, several as a `containerSet`.

    Raises:
        ConfigError: the PodSpec has a field, a name or a text that a Workflow cannot carry; all of them are named.
    """
    pod = pod_spec(spec, job)
    problems = [
        f"job {spec.job}: spec.{field} has no place in an Argo Workflow; use a cluster whose engine is `pod`"
        for field in sorted(pod.keys() - _SPEC_FIELDS.keys() - _HANDLED)
    ]
    problems += [
        f"job {spec.job}: a container may not be called {container['name']}: the name is Argo's own"
        for container in all_containers(pod)
        if container.get("name") in _RESERVED_CONTAINERS
    ]
    if token_unwanted(pod):
        hide_token(pod)
    template = _template(pod)
    labels, annotations = labels_and_annotations(spec, job)
    body = {
        "entrypoint": "main",
        "templates": [template],
        "podMetadata": {"labels": dict(labels), "annotations": dict(annotations)},
        "activeDeadlineSeconds": timeout_seconds,
        "ttlStrategy": {"secondsAfterCompletion": _KEEP_SECONDS},
    }
    body |= {target: pod[field] for field, target in _SPEC_FIELDS.items() if field in pod}
    if "terminationGracePeriodSeconds" in pod:
        # A Workflow has no such field. The policy lets this one patch pass, in this form.
        body["podSpecPatch"] = json.dumps({"terminationGracePeriodSeconds": pod["terminationGracePeriodSeconds"]})
    problems += [
        f"job {spec.job}: {where} holds '{{{{', which Argo would read as a template tag"
        for where in _tagged(body, "spec")
    ]
    if problems:
        raise ConfigError(problems)
    return _workflow(job, cluster, labels, annotations, body)


def workflow_of_spec(spec: ProwJobSpec, job: ProwJob, cluster: Cluster, *, timeout_seconds: int) -> dict[str, Any]:
    """A Workflow of the job's own `workflow_spec`.

    Prow's variables become arguments of the Workflow and variables of every container and script template, where the
    spec does not give them itself. Templates that live in the cluster (`templateRef`, `workflowTemplateRef`) get the
    arguments only. An argument's `{{` is written `{ {`: Argo would read it as a tag. A `ttlStrategy` shorter than an
    hour becomes an hour, so that the result is there to be read.
    """
    body: dict[str, Any] = deepcopy(dict(spec.workflow_spec or {}))
    env = job_environment(spec, job)
    arguments = dict(body.get("arguments") or {})
    given = list(arguments.get("parameters") or ())
    names = {parameter.get("name") for parameter in given}
    arguments["parameters"] = given + [
        {"name": name, "value": _spaced(env[name])} for name in sorted(env) if name not in names
    ]
    body["arguments"] = arguments
    for container in _containers_of_templates(body):
        own = list(container.get("env") or ())
        present = {entry.get("name") for entry in own}
        ours = variables({name: value for name, value in env.items() if name not in present})
        container["env"] = with_helpers([*own, *ours])
    labels, annotations = labels_and_annotations(spec, job)
    metadata = dict(body.get("podMetadata") or {})
    metadata["labels"] = {**(metadata.get("labels") or {}), **labels}
    body["podMetadata"] = metadata
    body["activeDeadlineSeconds"] = min(timeout_seconds, body.get("activeDeadlineSeconds") or timeout_seconds)
    ttl = body.get("ttlStrategy") or {"secondsAfterCompletion": _KEEP_SECONDS}
    body["ttlStrategy"] = {
        after: max(_LEAST_KEPT_SECONDS, seconds) if isinstance(seconds, int) else seconds
        for after, seconds in ttl.items()
    }
    return _workflow(job, cluster, labels, annotations, body)


def _workflow(
    job: ProwJob, cluster: Cluster, labels: dict[str, str], annotations: dict[str, str], spec: dict[str, Any]
) -> dict[str, Any]:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": job.id, "namespace": cluster.namespace, "labels": labels, "annotations": annotations},
        "spec": spec,
    }


def _template(pod: dict[str, Any]) -> dict[str, Any]:
    for container in all_containers(pod):
        _protect(container)
    template: dict[str, Any] = {"name": "main"}
    if pod.get("initContainers"):
        template["initContainers"] = pod["initContainers"]
    if pod.get("activeDeadlineSeconds"):
        template["activeDeadlineSeconds"] = pod["activeDeadlineSeconds"]
    containers = pod["containers"]
    if len(containers) == 1:
        return template | {"container": {**containers[0], "name": "main"}}
    return template | {"containerSet": {"containers": containers}}


def _protect(container: dict[str, Any]) -> None:
    """Keep Argo from reading tags into the job's own texts (`docker ps --format '{{.Names}}'`)."""
    for field in ("command", "args"):
        if field in container:
            container[field] = [untagged(text) if isinstance(text, str) else text for text in container[field]]
    env = [
        {**entry, "value": untagged(entry["value"])} if isinstance(entry.get("value"), str) else entry
        for entry in container.get("env") or ()
    ]
    texts = [str(text) for field in ("command", "args") for text in container.get(field) or ()]
    if env := with_helpers(env, texts):
        container["env"] = env


def _tagged(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, str) and "{{" in value:
        yield path
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _tagged(item, f"{path}[{index}]")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _tagged(item, f"{path}.{key}")


def _spaced(text: str) -> str:
    while "{{" in text:
        text = text.replace("{{", "{ {")
    return text


def _containers_of_templates(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every container and script of every template, also of those written inline in steps and tasks."""
    pending = [template for template in body.get("templates") or () if isinstance(template, dict)]
    while pending:
        template = pending.pop()
        for kind in ("container", "script"):
            if isinstance(template.get(kind), dict):
                yield template[kind]
        yield from (template.get("containerSet") or {}).get("containers") or ()
        tasks = list((template.get("dag") or {}).get("tasks") or ())
        for group in template.get("steps") or ():
            tasks += group if isinstance(group, list) else [group]
        pending += [task["inline"] for task in tasks if isinstance(task, dict) and isinstance(task.get("inline"), dict)]
