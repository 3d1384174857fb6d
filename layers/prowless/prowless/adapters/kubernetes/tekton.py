"""Tekton PipelineRuns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prowless.adapters.kubernetes.objects import (
    ObjectEngine,
    bounded,
    container_step,
    epoch_ms,
    failed_init_containers,
)
from prowless.ports.engine import Node, Observation, RunPhase

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prowless.ports.engine import ObjectRef

_STOP = "CancelledRunFinally"
_STEP = "step-"
_TASK = "tekton.dev/pipelineTask"
_OWN_INIT = frozenset({"prepare", "place-scripts", "working-dir-initializer", "place-tools"})


class TektonEngine(ObjectEngine):
    """PipelineRuns of `tekton.dev/v1`.

    The phase follows the condition `Succeeded`, as Prow's controller reads it (`cmd/pipeline/controller.go:629`). A
    stop is `CancelledRunFinally`, which lets `finally` tasks run.
    """

    kind = "PipelineRun"
    api = "/apis/tekton.dev/v1"
    plural = "pipelineruns"
    pod_label = "tekton.dev/pipelineRun"

    def _phase(self, stored: Mapping[str, Any]) -> RunPhase:
        return _judged(stored.get("status") or {})[0]

    def _observation(self, stored: Mapping[str, Any]) -> Observation:
        status = stored.get("status") or {}
        phase, message = _judged(status)
        asked = bool((stored.get("spec") or {}).get("status"))
        return Observation(
            phase=phase,
            message=bounded(message),
            started_at=epoch_ms(status.get("startTime")),
            finished_at=epoch_ms(status.get("completionTime")),
            uid=stored["metadata"]["uid"],
            nodes=self._nodes(stored["metadata"]) if status.get("startTime") else (),
            stopped=asked and phase in {RunPhase.FAILURE, RunPhase.ERROR},
        )

    def _stop(self, ref: ObjectRef, stored: Mapping[str, Any]) -> None:
        if (stored.get("spec") or {}).get("status") != _STOP:
            self._client.merge(self._path(ref.namespace, ref.name), {"spec": {"status": _STOP}})

    def _nodes(self, metadata: Mapping[str, Any]) -> tuple[Node, ...]:
        """The steps of the run's TaskRuns; a task whose pod has no steps yet is a node itself."""
        found: list[Node] = []
        for run in self._labelled(self.api, "taskruns", metadata["namespace"], metadata["name"]):
            found += _steps_of_task_run(run)
        return tuple(sorted(found, key=lambda node: (node.started_at or 1 << 60, node.name)))

    def _named(self, pod: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        task = (pod["metadata"].get("labels") or {}).get(_TASK, "task")
        for name in failed_init_containers(pod):
            if name not in _OWN_INIT:
                yield name, f"{task}.{name}"
        for container in pod["spec"].get("containers") or ():
            if container["name"].startswith(_STEP):
                yield container["name"], f"{task}.{container['name'].removeprefix(_STEP)}"


def _judged(status: Mapping[str, Any]) -> tuple[RunPhase, str]:
    condition = next((c for c in status.get("conditions") or () if c.get("type") == "Succeeded"), None)
    if condition is None:
        if status.get("completionTime"):
            return RunPhase.ERROR, "missing end condition"
        return RunPhase.PENDING, "scheduling"
    said = condition.get("message") or condition.get("reason") or ""
    match condition.get("status"):
        case "True":
            return RunPhase.SUCCESS, said or "succeeded"
        case "False":
            return RunPhase.FAILURE, said or "failed"
    if not status.get("startTime"):
        return RunPhase.PENDING, said or "initializing"
    return RunPhase.RUNNING, said or "running"


def _steps_of_task_run(run: Mapping[str, Any]) -> list[Node]:
    status = run.get("status") or {}
    task = (run["metadata"].get("labels") or {}).get(_TASK) or run["metadata"]["name"]
    pod = status.get("podName") or ""
    steps = [
        container_step(
            f"{task}.{step['name']}",
            pod,
            step.get("container") or f"{_STEP}{step['name']}",
            step,
        )
        for step in status.get("steps") or ()
    ]
    found = [step for step in steps if step is not None]
    if found:
        return found
    phase, message = _judged(status)
    return [
        Node(
            name=task,
            phase=phase.value.capitalize(),
            started_at=epoch_ms(status.get("startTime")),
            finished_at=epoch_ms(status.get("completionTime")),
            message=bounded(message),
            pod=pod,
        )
    ]
