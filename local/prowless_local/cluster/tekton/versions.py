"""v1beta1 and v1 of Tekton's kinds. They are stored as v1, like Tekton itself stores them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prowless_local.cluster.objects import Obj, clone

if TYPE_CHECKING:
    from prowless_local.cluster.resources import Resource

_TASKRUN_TEMPLATE_FIELDS = ("serviceAccountName", "podTemplate")
_TASKRUN_SPEC_FIELDS = {"taskServiceAccountName": "serviceAccountName", "taskPodTemplate": "podTemplate"}


def stored(resource: Resource, version: str, obj: Obj) -> Obj:
    """The object in the stored version (`pkg/apis/pipeline/v1beta1/*_conversion.go`)."""
    if version == resource.versions[0]:
        return dict(clone(obj))
    obj = clone(obj)
    obj["apiVersion"] = resource.api_version
    spec = obj.get("spec")
    if isinstance(spec, dict):
        if resource.kind == "PipelineRun":
            _upgrade_pipelinerun(spec)
        for task_spec in _task_specs(resource.kind, spec):
            _rename_step_resources(task_spec, "resources", "computeResources")
    return dict(obj)


def served(resource: Resource, version: str, obj: Obj) -> Obj:
    """The object in the version that was asked for; shared with the store if that is the stored one."""
    if version == resource.versions[0]:
        return obj
    obj = clone(obj)
    obj["apiVersion"] = resource.api_version_of(version)
    spec = obj.get("spec")
    if isinstance(spec, dict):
        if resource.kind == "PipelineRun":
            _downgrade_pipelinerun(spec)
        for task_spec in _task_specs(resource.kind, spec):
            _rename_step_resources(task_spec, "computeResources", "resources")
    return dict(obj)


def _upgrade_pipelinerun(spec: Obj) -> None:
    template = {field: spec.pop(field) for field in _TASKRUN_TEMPLATE_FIELDS if field in spec}
    if template:
        spec["taskRunTemplate"] = template
    if "timeout" in spec:
        spec.setdefault("timeouts", {}).setdefault("pipeline", spec.pop("timeout"))
    for task_run_spec in _dicts(spec.get("taskRunSpecs")):
        for old, new in _TASKRUN_SPEC_FIELDS.items():
            if old in task_run_spec:
                task_run_spec[new] = task_run_spec.pop(old)


def _downgrade_pipelinerun(spec: Obj) -> None:
    spec.update(spec.pop("taskRunTemplate", None) or {})
    for task_run_spec in _dicts(spec.get("taskRunSpecs")):
        for old, new in _TASKRUN_SPEC_FIELDS.items():
            if new in task_run_spec:
                task_run_spec[old] = task_run_spec.pop(new)


def _task_specs(kind: str, spec: Obj) -> list[Obj]:
    if kind == "Task":
        return [spec]
    if kind == "TaskRun":
        return _dicts([spec.get("taskSpec")])
    pipeline = spec if kind == "Pipeline" else spec.get("pipelineSpec")
    if not isinstance(pipeline, dict):
        return []
    tasks = [*_dicts(pipeline.get("tasks")), *_dicts(pipeline.get("finally"))]
    return _dicts([task.get("taskSpec") for task in tasks])


def _rename_step_resources(task_spec: Obj, old: str, new: str) -> None:
    for step in (*_dicts(task_spec.get("steps")), *_dicts(task_spec.get("sidecars"))):
        if old in step:
            step[new] = step.pop(old)


def _dicts(value: Any) -> list[Obj]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
