"""What of Tekton's specs is carried out. Everything else is refused by name, before anything runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prowless_local.cluster.pod_support import UnsupportedError, check_container, check_volume, unsupported
from prowless_local.cluster.tekton.durations import seconds

if TYPE_CHECKING:
    from collections.abc import Collection

    from prowless_local.cluster.objects import Obj

_RUN = frozenset(
    {
        "params", "pipelineRef", "pipelineSpec", "status", "taskRunSpecs", "taskRunTemplate", "timeouts", "workspaces",
        "managedBy",
    }
)  # fmt: skip
_PIPELINE = frozenset({"description", "displayName", "finally", "params", "results", "tasks", "workspaces"})
_PIPELINE_TASK = frozenset(
    {
        "description", "displayName", "name", "onError", "params", "retries", "runAfter", "taskRef", "taskSpec",
        "timeout", "when", "workspaces",
    }
)  # fmt: skip
_TASK = frozenset(
    {
        "description", "displayName", "metadata", "params", "results", "stepTemplate", "steps", "volumes", "workspaces",
    }
)  # fmt: skip
_STEP = frozenset({"displayName", "onError", "script", "timeout", "computeResources"})
_TASK_RUN_SPEC = frozenset({"pipelineTaskName", "timeout", "serviceAccountName", "computeResources", "podTemplate"})
_POD_TEMPLATE = frozenset(
    {
        "affinity", "automountServiceAccountToken", "dnsConfig", "dnsPolicy", "enableServiceLinks", "env",
        "hostAliases", "hostNetwork", "hostUsers", "imagePullSecrets", "nodeSelector", "priorityClassName",
        "runtimeClassName", "schedulerName", "securityContext", "tolerations", "topologySpreadConstraints", "volumes",
    }
)  # fmt: skip
_WORKSPACE_KINDS = frozenset({"emptyDir", "secret", "configMap", "projected"})


def check_run(spec: Obj) -> None:
    """Check a PipelineRun's own fields.

    Raises:
        UnsupportedError: naming what is not carried out.
        ValueError: a timeout that is none.
    """
    _refuse(spec, _RUN, "the PipelineRun")
    _check_pod_template((spec.get("taskRunTemplate") or {}).get("podTemplate") or {})
    for task_run_spec in spec.get("taskRunSpecs") or ():
        _refuse(task_run_spec, _TASK_RUN_SPEC, f'taskRunSpecs of "{task_run_spec.get("pipelineTaskName")}"')
        _check_pod_template(task_run_spec.get("podTemplate") or {})
    check_workspaces(spec.get("workspaces") or [])
    for value in (spec.get("timeouts") or {}).values():
        seconds(value)


def check_workspaces(workspaces: list[Obj]) -> None:
    """Check the bindings of workspaces.

    Raises:
        UnsupportedError: naming a volume source that is not carried out.
    """
    for workspace in workspaces:
        known = _WORKSPACE_KINDS | {"name", "subPath"}
        for field in workspace:
            if field not in known:
                raise unsupported(f'workspace "{workspace.get("name")}" with {field}')


def check_pipeline(spec: Obj, *, needs_command: bool) -> None:
    """Check a pipeline and its inline tasks.

    Raises:
        UnsupportedError: naming what is not carried out.
        ValueError: what Tekton would refuse as well.
    """
    _refuse(spec, _PIPELINE, "the pipeline")
    if not spec.get("tasks"):
        raise ValueError("missing field(s): spec.tasks")
    names: set[str] = set()
    for task in (*spec["tasks"], *(spec.get("finally") or ())):
        name = str(task.get("name") or "")
        where = f'task "{name}"'
        if not name or name in names:
            raise ValueError(f"expected exactly one task of each name, got {where}")
        names.add(name)
        _refuse(task, _PIPELINE_TASK, where)
        if (task.get("taskSpec") is None) == (task.get("taskRef") is None):
            raise ValueError(f"expected exactly one of taskRef, taskSpec: {where}")
        if task.get("timeout"):
            seconds(task["timeout"])
        for when in task.get("when") or ():
            _check_when(when, where)
        spec_of_task = task.get("taskSpec")
        if spec_of_task is not None:
            if spec_of_task.get("apiVersion") or spec_of_task.get("kind"):
                raise unsupported(f"a custom task ({spec_of_task.get('kind')}) in {where}")
            check_task(spec_of_task, where, needs_command=needs_command)


def check_task(spec: Obj, where: str, *, needs_command: bool) -> None:
    """Check a task's spec.

    Raises:
        UnsupportedError: naming what is not carried out.
        ValueError: what Tekton would refuse as well.
    """
    _refuse(spec, _TASK, where)
    if not spec.get("steps"):
        raise ValueError(f"missing field(s): steps of {where}")
    for volume in spec.get("volumes") or ():
        check_volume(volume)
    template = spec.get("stepTemplate") or {}
    for index, step in enumerate(spec["steps"]):
        name = step.get("name") or f"unnamed-{index}"
        container = {key: value for key, value in {**template, **step}.items() if key not in _STEP}
        container.setdefault("name", name)
        if step.get("script"):
            if step.get("command"):
                raise ValueError(f'script cannot be used with command: step "{name}" of {where}')
            container["command"] = ["script"]
        try:
            check_container(container, needs_command=needs_command)
        except UnsupportedError as exc:
            raise UnsupportedError(f"{where}: {exc}") from exc
        if step.get("onError") not in {None, "", "continue", "stopAndFail"}:
            raise ValueError(f'invalid value: "{step["onError"]}": onError of step "{name}" of {where}')
        if step.get("timeout"):
            seconds(step["timeout"])


def _check_pod_template(template: Obj) -> None:
    _refuse(template, _POD_TEMPLATE, "podTemplate")
    for volume in template.get("volumes") or ():
        check_volume(volume)


def _check_when(when: Obj, where: str) -> None:
    if when.get("cel"):
        raise unsupported(f"when.cel of {where}")
    if when.get("operator") not in {"in", "notin"}:
        raise ValueError(f'invalid value: operator "{when.get("operator")}" of when of {where}: in, notin')


def _refuse(holder: Obj, known: Collection[str], where: str) -> None:
    for field, value in holder.items():
        if field not in known and value not in (None, [], "", False):
            raise unsupported(f"{field} of {where}")
