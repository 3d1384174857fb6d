"""The pod of a container, script or containerSet template."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prowless_local.cluster.argo.host import COMPLETED_LABEL, ON_EXIT_LABEL, WORKFLOW_LABEL, Output
from prowless_local.cluster.argo.nodes import pod_name
from prowless_local.cluster.argo.variables import as_text
from prowless_local.cluster.objects import Obj, clone, name_of, namespace_of, owner_reference
from prowless_local.cluster.wiring import Ended, Script, Wiring

if TYPE_CHECKING:
    from collections.abc import Callable

    from prowless_local.cluster.runners import Exit

MAIN = "main"
_STAGING = "argo-staging"
_STAGING_PATH = "/argo/staging"
_LARGEST_PARAMETER = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class PodRequest:
    """What the pod of a node is made from. `deadline_seconds` is the shortest of those that apply."""

    workflow: Obj
    spec: Obj
    node: Obj
    template: Obj
    on_exit: bool
    wants_result: bool
    deadline_seconds: int | None
    finished: Callable[[Output], None]


def main_containers(template: Obj) -> list[str]:
    """The containers whose end is the node's end."""
    if template.get("containerSet"):
        return [str(container["name"]) for container in template["containerSet"]["containers"]]
    return [MAIN]


def output_container(template: Obj) -> str:
    """The container that outputs are taken from."""
    names = main_containers(template)
    return MAIN if MAIN in names else names[-1]


def build(request: PodRequest) -> tuple[Obj, Wiring]:
    """The Pod object, and how it is wired."""
    template, workflow = request.template, request.workflow
    containers, scripts, after = _containers(template)
    sidecars = [_without(c, "mirrorVolumeMounts") for c in template.get("sidecars") or ()]
    _mirror_mounts(sidecars, containers)
    inits = [_without(c, "mirrorVolumeMounts") for c in template.get("initContainers") or ()]
    spec: Obj = {
        "restartPolicy": "Never",
        "serviceAccountName": template.get("serviceAccountName") or request.spec.get("serviceAccountName") or "default",
        "terminationGracePeriodSeconds": 30,
        "volumes": _volumes(request, bool(scripts)),
        "containers": [*containers, *sidecars],
        **json.loads(request.spec.get("podSpecPatch") or "{}"),
    }
    if inits:
        _mirror_mounts(inits, containers)
        spec["initContainers"] = inits
    if request.deadline_seconds is not None:
        spec["activeDeadlineSeconds"] = request.deadline_seconds
    pod: Obj = {"apiVersion": "v1", "kind": "Pod", "metadata": _metadata(request, containers), "spec": spec}
    pod["metadata"]["namespace"] = namespace_of(workflow)
    return pod, _wiring(request, scripts, after, frozenset(c["name"] for c in sidecars))


def _containers(template: Obj) -> tuple[list[Obj], tuple[Script, ...], dict[str, tuple[str, ...]]]:
    if template.get("containerSet"):
        shared = template["containerSet"].get("volumeMounts") or []
        containers, after = [], {}
        for container in template["containerSet"]["containers"]:
            own = _without(container, "dependencies")
            own["volumeMounts"] = [*shared, *(own.get("volumeMounts") or [])]
            containers.append(own)
            after[str(own["name"])] = tuple(container.get("dependencies") or ())
        return containers, (), {name: needed for name, needed in after.items() if needed}
    if template.get("script"):
        main = _without(template["script"], "source")
        file = "script"
        main["args"] = [*(main.get("args") or []), f"{_STAGING_PATH}/{file}"]
        main["volumeMounts"] = [{"name": _STAGING, "mountPath": _STAGING_PATH}, *(main.get("volumeMounts") or [])]
        script = Script(
            container=MAIN, volume=_STAGING, file=file, source=as_text(template["script"].get("source") or "")
        )
        return [{**main, "name": MAIN}], (script,), {}
    return [{**clone(template["container"]), "name": MAIN}], (), {}


def _volumes(request: PodRequest, scripted: bool) -> list[Obj]:  # noqa: FBT001 one call
    own = request.template.get("volumes") or []
    names = {volume.get("name") for volume in own}
    shared = [volume for volume in request.spec.get("volumes") or () if volume.get("name") not in names]
    staging = [{"name": _STAGING, "emptyDir": {}}] if scripted else []
    return [*staging, *clone(own), *clone(shared)]


def _metadata(request: PodRequest, containers: list[Obj]) -> Obj:
    node, workflow = request.node, request.workflow
    names = [container["name"] for container in containers]
    labels = {WORKFLOW_LABEL: name_of(workflow), COMPLETED_LABEL: "false"}
    if request.on_exit:
        labels[ON_EXIT_LABEL] = "true"
    annotations = {
        "workflows.argoproj.io/node-name": node["name"],
        "workflows.argoproj.io/node-id": node["id"],
        "kubectl.kubernetes.io/default-container": MAIN if MAIN in names else names[-1],
    }
    for holder in (request.spec.get("podMetadata") or {}, request.template.get("metadata") or {}):
        labels.update(holder.get("labels") or {})
        annotations.update(holder.get("annotations") or {})
    return {
        "name": pod_name(name_of(workflow), node["name"], str(request.template.get("name") or "")),
        "labels": labels,
        "annotations": annotations,
        "ownerReferences": [owner_reference(workflow)],
    }


def _wiring(
    request: PodRequest, scripts: tuple[Script, ...], after: dict[str, tuple[str, ...]], sidecars: frozenset[str]
) -> Wiring:
    source = output_container(request.template)
    declared = (request.template.get("outputs") or {}).get("parameters") or []
    paths = {str(p["name"]): p["valueFrom"] for p in declared if (p.get("valueFrom") or {}).get("path")}

    def on_exit(ended: Ended) -> Exit:
        if ended.container == source:
            request.finished(_output(ended, paths))
        return ended.exit

    return Wiring(
        after=after,
        sidecars=sidecars,
        captured=frozenset({source} if request.wants_result else ()),
        outputs={source: tuple(str(value_from["path"]) for value_from in paths.values())},
        scripts=scripts,
        on_exit=on_exit,
    )


def _output(ended: Ended, paths: dict[str, Obj]) -> Output:
    output = Output()
    if ended.exit.stdout is not None:
        output.result = ended.exit.stdout.removesuffix("\n")
    for name, value_from in paths.items():
        content = ended.read(str(value_from["path"]), _LARGEST_PARAMETER)
        if content is not None:
            output.parameters[name] = content.decode(errors="replace").removesuffix("\n")
        elif value_from.get("default") is not None:
            output.parameters[name] = as_text(value_from["default"])
        elif not output.problem:
            output.problem = f'output parameter "{name}": no such file: {value_from["path"]}'
    return output


def _mirror_mounts(others: list[Obj], mains: list[Obj]) -> None:
    """Give the main container's mounts to those that mirror them."""
    for container in others:
        if container.pop("_mirror", False):
            container["volumeMounts"] = [*(container.get("volumeMounts") or []), *(mains[0].get("volumeMounts") or [])]


def _without(container: Obj, field: str) -> Obj:
    own: Obj = {key: clone(value) for key, value in container.items() if key != field}
    if field == "mirrorVolumeMounts" and container.get(field):
        own["_mirror"] = True
    return own
