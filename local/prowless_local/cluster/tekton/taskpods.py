"""The pod of a TaskRun: a container per step, one after the other."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from prowless_local.cluster.objects import Obj, clone, name_of, namespace_of, owner_reference, uid_of
from prowless_local.cluster.runners import Exit
from prowless_local.cluster.tekton.durations import seconds
from prowless_local.cluster.tekton.naming import child_name, pod_labels
from prowless_local.cluster.tekton.substitution import SubstitutionError, Values, replaced, require_resolved
from prowless_local.cluster.wiring import Ended, Script, Wiring

RESULTS_PATH = "/tekton/results"
_SCRIPTS_PATH = "/tekton/scripts"
_SCRIPTS_VOLUME = "tekton-internal-scripts"
_IMPLICIT = {
    "tekton-internal-workspace": "/workspace",
    "tekton-internal-home": "/tekton/home",
    "tekton-internal-results": RESULTS_PATH,
}
_LARGEST_RESULTS = 4096  # a termination message's limit, which Tekton passes results through
_RESULT, _INTERNAL = 1, 3  # pkg/result/result.go
_PREAMBLE = "#!/bin/sh\nset -e\n"
_STEP_FIELDS = frozenset({"script", "onError", "timeout", "displayName", "computeResources", "name"})


@dataclass(slots=True)
class TaskPod:
    """A pod to be created, and how it is wired."""

    pod: Obj
    wiring: Wiring
    ignored: frozenset[str] = field(default_factory=frozenset)


def step_name(step: Obj, index: int) -> str:
    """A step's name, as in status."""
    return str(step.get("name") or f"unnamed-{index}")


def pod_name(taskrun: Obj, retries: int) -> str:
    """The name of the pod of that attempt."""
    return child_name(name_of(taskrun), f"-pod-retry{retries}" if retries else "-pod")


def build(taskrun: Obj, task: Obj, task_name: str, retries: int) -> TaskPod:
    """The pod for a TaskRun's (next) attempt.

    Raises:
        SubstitutionError: a parameter without a value, a workspace without a binding, an unknown variable.
    """
    bindings = _bindings(taskrun, task)
    values = _values(taskrun, task, task_name, retries, bindings)
    body = {key: value for key, value in task.items() if key not in {"params", "results", "workspaces", "description"}}
    spec = replaced(body, values)
    require_resolved(spec, f'the task of TaskRun "{name_of(taskrun)}"')
    volumes, mounts = _volumes(taskrun, spec, bindings)
    containers: list[Obj] = []
    scripts: list[Script] = []
    for index, step in enumerate(spec["steps"]):
        merged = _merged(step, spec.get("stepTemplate") or {}, taskrun)
        containers.append(_container(merged, index, mounts, scripts))
    pod: Obj = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": pod_name(taskrun, retries),
            "namespace": namespace_of(taskrun),
            "labels": dict(pod_labels(taskrun)),
            "annotations": dict(taskrun["metadata"].get("annotations") or {}),
            "ownerReferences": [owner_reference(taskrun)],
        },
        "spec": {
            "restartPolicy": "Never",
            "serviceAccountName": taskrun["spec"].get("serviceAccountName", "default"),
            "terminationGracePeriodSeconds": 30,
            "volumes": volumes,
            "containers": containers,
        },
    }
    return TaskPod(pod=pod, wiring=_wiring(spec, task, containers, tuple(scripts)))


def parameters(taskrun: Obj, task: Obj) -> dict[str, Any]:
    """The values of a task's parameters: given ones over defaults.

    Raises:
        SubstitutionError: one has neither.
    """
    found = {p["name"]: p["default"] for p in task.get("params") or () if p.get("default") is not None}
    found.update({p["name"]: p.get("value") for p in taskrun["spec"].get("params") or ()})
    missing = [p["name"] for p in task.get("params") or () if p["name"] not in found]
    if missing:
        raise SubstitutionError(
            f"invalid input params for task: missing values for these params which have no default values: {missing}"
        )
    return found


def _bindings(taskrun: Obj, task: Obj) -> dict[str, tuple[Obj, Obj]]:
    """Per declared workspace that is bound: the declaration and the binding."""
    bound = {binding["name"]: binding for binding in taskrun["spec"].get("workspaces") or ()}
    found = {}
    for declared in task.get("workspaces") or ():
        name = declared["name"]
        if name in bound:
            found[name] = (declared, bound[name])
        elif not declared.get("optional"):
            raise SubstitutionError(f'declared workspace "{name}" is required but has not been bound')
    for name, binding in bound.items():
        found.setdefault(name, ({"name": name}, binding))
    return found


def _values(taskrun: Obj, task: Obj, task_name: str, retries: int, bindings: dict[str, tuple[Obj, Obj]]) -> Values:
    values = Values()
    for name, value in parameters(taskrun, task).items():
        values.put(f"params.{name}", value)
    for declared in task.get("workspaces") or ():
        values.put(f"workspaces.{declared['name']}.bound", "false")
        values.put(f"workspaces.{declared['name']}.path", "")
    for name, (declared, _) in bindings.items():
        values.put(f"workspaces.{name}.bound", "true")
        values.put(f"workspaces.{name}.path", _mount_path(declared))
        values.put(f"workspaces.{name}.volume", _volume_name(taskrun, name))
        values.put(f"workspaces.{name}.claim", "")
    for result in task.get("results") or ():
        values.put(f"results.{result['name']}.path", f"{RESULTS_PATH}/{result['name']}")
    context = {
        "context.taskRun.name": name_of(taskrun),
        "context.taskRun.namespace": namespace_of(taskrun),
        "context.taskRun.uid": uid_of(taskrun),
        "context.task.name": task_name,
        "context.task.retry-count": str(retries),
    }
    for name, value in context.items():
        values.put(name, value)
    return values


def _volumes(taskrun: Obj, spec: Obj, bindings: dict[str, tuple[Obj, Obj]]) -> tuple[list[Obj], list[Obj]]:
    """The pod's volumes, and the mounts that every step has."""
    volumes = [{"name": name, "emptyDir": {}} for name in (*_IMPLICIT, _SCRIPTS_VOLUME)]
    mounts: list[Obj] = [{"name": name, "mountPath": path} for name, path in _IMPLICIT.items()]
    volumes += clone((taskrun["spec"].get("podTemplate") or {}).get("volumes") or [])
    volumes += clone(spec.get("volumes") or [])
    for name, (declared, binding) in bindings.items():
        source = {key: clone(value) for key, value in binding.items() if key not in {"name", "subPath"}}
        volumes.append({"name": _volume_name(taskrun, name), **(source or {"emptyDir": {}})})
        mount: Obj = {"name": _volume_name(taskrun, name), "mountPath": _mount_path(declared)}
        if binding.get("subPath"):
            mount["subPath"] = binding["subPath"]
        if declared.get("readOnly"):
            mount["readOnly"] = True
        mounts.append(mount)
    return volumes, mounts


def _merged(step: Obj, template: Obj, taskrun: Obj) -> Obj:
    """The step over the stepTemplate; the pod template's environment comes last."""
    env = {variable["name"]: variable for variable in template.get("env") or ()}
    env.update({variable["name"]: variable for variable in step.get("env") or ()})
    env.update({v["name"]: v for v in (taskrun["spec"].get("podTemplate") or {}).get("env") or ()})
    return {**template, **step, "env": list(env.values())}


def _container(step: Obj, index: int, mounts: list[Obj], scripts: list[Script]) -> Obj:
    name = f"step-{step_name(step, index)}"
    container: Obj = {key: clone(value) for key, value in step.items() if key not in _STEP_FIELDS}
    own = container.get("volumeMounts") or []
    taken = {mount["mountPath"] for mount in own}
    container["volumeMounts"] = [*(mount for mount in mounts if mount["mountPath"] not in taken), *own]
    if step.get("script"):
        file = f"script-{index}"
        source = str(step["script"])
        source = source if source.lstrip().startswith("#!") else _PREAMBLE + source
        scripts.append(Script(container=name, volume=_SCRIPTS_VOLUME, file=file, source=source.lstrip()))
        container["command"] = [f"{_SCRIPTS_PATH}/{file}"]
        container["volumeMounts"].append({"name": _SCRIPTS_VOLUME, "mountPath": _SCRIPTS_PATH, "readOnly": True})
    return {"name": name, **container}


def _wiring(spec: Obj, task: Obj, containers: list[Obj], scripts: tuple[Script, ...]) -> Wiring:
    names = [str(container["name"]) for container in containers]
    steps = dict(zip(names, spec["steps"], strict=True))
    declared = [str(result["name"]) for result in task.get("results") or ()]

    def on_exit(ended: Ended) -> Exit:
        return _recorded(ended, declared, ignore=steps[ended.container].get("onError") == "continue")

    return Wiring(
        after={name: (names[index],) for index, name in enumerate(names[1:])},
        timeouts={name: seconds(step["timeout"]) for name, step in steps.items() if step.get("timeout")},
        scripts=scripts,
        on_exit=on_exit,
        skipped=lambda _, __: Exit(code=1, reason="Error", message=_message([("Reason", "Skipped", _INTERNAL)])),
    )


def _recorded(ended: Ended, results: list[str], *, ignore: bool) -> Exit:
    """A step's end as Tekton's entrypoint leaves it: results and what it decided in the termination message."""
    entries: list[tuple[str, str, int]] = []
    total = 0
    for name in results:
        content = ended.read(f"{RESULTS_PATH}/{name}", _LARGEST_RESULTS + 1)
        if content is not None:
            total += len(content)
            entries.append((name, content.decode(errors="replace"), _RESULT))
    if total > _LARGEST_RESULTS:
        text = f"Termination message is above max allowed size {_LARGEST_RESULTS}, caused by large task result."
        return Exit(code=ended.exit.code or 1, reason="Error", message=text)
    code = ended.exit.code
    if ended.timed_out:
        entries.append(("Reason", "TimeoutExceeded", _INTERNAL))
        code = code or 1
    elif code and ignore:
        entries.append(("ExitCode", str(code), _INTERNAL))
        code = 0
    if not entries:
        return ended.exit
    reason = ended.exit.reason if code == ended.exit.code else ("Error" if code else "Completed")
    return Exit(code=code, reason=reason, message=_message(entries))


def _message(entries: list[tuple[str, str, int]]) -> str:
    return json.dumps([{"key": key, "value": value, "type": kind} for key, value, kind in entries])


def _mount_path(declared: Obj) -> str:
    return str(declared.get("mountPath") or f"/workspace/{declared['name']}")


def _volume_name(taskrun: Obj, workspace: str) -> str:
    return f"ws-{hashlib.sha256(f'{uid_of(taskrun)}/{workspace}'.encode()).hexdigest()[:5]}"
