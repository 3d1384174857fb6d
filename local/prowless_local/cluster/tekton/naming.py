"""Names, labels and conditions of Tekton's objects."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from prowless_local.cluster.objects import Obj, name_of, uid_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST = 63
_HEAD = _LONGEST - 32
PIPELINE_LABEL = "tekton.dev/pipeline"
PIPELINERUN_LABEL = "tekton.dev/pipelineRun"
PIPELINERUN_UID_LABEL = "tekton.dev/pipelineRunUID"
PIPELINETASK_LABEL = "tekton.dev/pipelineTask"
MEMBER_LABEL = "tekton.dev/memberOf"
TASK_LABEL = "tekton.dev/task"
TASKRUN_LABEL = "tekton.dev/taskRun"
TASKRUN_UID_LABEL = "tekton.dev/taskRunUID"
MANAGED_LABEL = "app.kubernetes.io/managed-by"
CANCELLED_BY_RUN = "TaskRun cancelled as the PipelineRun it belongs to has been cancelled."
CANCELLED_BY_TIMEOUT = "TaskRun cancelled as the PipelineRun it belongs to has timed out."


def child_name(parent: str, suffix: str) -> str:
    """A child's name, at most 63 characters (knative.dev/pkg/kmeta/names.go)."""
    if len(parent) <= _LONGEST - len(suffix):
        return parent + suffix
    if _HEAD - len(suffix) > 0:
        return parent[: _HEAD - len(suffix)] + _md5(parent) + suffix
    name = parent[:_HEAD] + _md5(parent + suffix)
    name += suffix[: max(0, _LONGEST - len(name))]
    return name.rstrip("-._")


def condition(obj: Obj) -> Obj:
    """The `Succeeded` condition, empty if there is none."""
    for found in (obj.get("status") or {}).get("conditions") or ():
        if found.get("type") == "Succeeded":
            return dict(found)
    return {}


def set_condition(status: Obj, value: str, reason: str, message: str, stamp: str) -> None:
    """Set the `Succeeded` condition; its time changes with the status only."""
    old = condition({"status": status})
    changed = old.get("status") != value
    status["conditions"] = [
        {
            "type": "Succeeded",
            "status": value,
            "reason": reason,
            "message": message,
            "lastTransitionTime": stamp if changed else old["lastTransitionTime"],
        }
    ]


def is_done(obj: Obj | None) -> bool:
    """Whether a run has ended."""
    return obj is not None and condition(obj).get("status") in {"True", "False"}


def taskrun_labels(run: Obj, task_name: str, *, final: bool) -> dict[str, str]:
    """The labels of a PipelineRun's TaskRun."""
    return {
        **(run["metadata"].get("labels") or {}),
        PIPELINERUN_LABEL: name_of(run),
        PIPELINERUN_UID_LABEL: uid_of(run),
        PIPELINETASK_LABEL: task_name,
        MEMBER_LABEL: "finally" if final else "tasks",
    }


def pod_labels(taskrun: Obj) -> Mapping[str, str]:
    """The labels of a TaskRun's pod."""
    return {
        **(taskrun["metadata"].get("labels") or {}),
        TASKRUN_LABEL: name_of(taskrun),
        TASKRUN_UID_LABEL: uid_of(taskrun),
        MANAGED_LABEL: "tekton-pipelines",
    }


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
