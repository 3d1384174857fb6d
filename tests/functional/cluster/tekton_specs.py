"""What a PipelineRun says of its tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from tests.functional.cluster.kube import Kube


def task_run(kube: Kube, run: dict[str, Any], task: str) -> dict[str, Any]:
    return kube.get("TaskRun", f"{run['metadata']['name']}-{task}")


def tasks(run: dict[str, Any]) -> list[str]:
    return [child["pipelineTaskName"] for child in run["status"].get("childReferences", [])]


def skipped(run: dict[str, Any]) -> dict[str, str]:
    return {task["name"]: task["reason"] for task in run["status"].get("skippedTasks", [])}


OK = "taskSpec: {steps: [{image: x, script: 'true'}]}"
BAD = "taskSpec: {steps: [{image: x, script: exit 3}]}"
