"""Plain Pods, as plank runs them (`pkg/plank/reconciler.go:454-700`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prowless.adapters.kubernetes.objects import (
    EVICTED,
    EVICTED_WORDS,
    ObjectEngine,
    bounded,
    epoch_ms,
    failed_init_containers,
    waiting,
)
from prowless.domain.render.labels import ID
from prowless.ports.engine import Observation, RunPhase

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prowless.ports.engine import Node, ObjectRef

_PHASES = {
    "Pending": RunPhase.PENDING,
    "Running": RunPhase.RUNNING,
    "Succeeded": RunPhase.SUCCESS,
    "Failed": RunPhase.FAILURE,
    # The node does not answer; the pod may come back, and the deadline is the limit.
    "Unknown": RunPhase.RUNNING,
}
_WORDS = {"OOMKilled": "Job pod was OOM killed by the cluster.", EVICTED: EVICTED_WORDS}


class PodEngine(ObjectEngine):
    """Pods of the core API. A stop deletes the pod with its grace period, so the pod is gone after it."""

    kind = "Pod"
    api = "/api/v1"
    plural = "pods"
    pod_label = ID

    def _phase(self, stored: Mapping[str, Any]) -> RunPhase:
        return _PHASES.get((stored.get("status") or {}).get("phase") or "Pending", RunPhase.RUNNING)

    def _observation(self, stored: Mapping[str, Any]) -> Observation:
        status = stored.get("status") or {}
        nodes = tuple(self._steps_of(stored))
        phase = self._phase(stored)
        message = status.get("message") or ""
        if phase is RunPhase.FAILURE:
            phase, message = _failure(status, nodes)
        stopping = bool(stored["metadata"].get("deletionTimestamp"))
        unscheduled, pending = waiting(stored)
        return Observation(
            phase=phase,
            message=bounded(message),
            started_at=epoch_ms(status.get("startTime")),
            finished_at=max((node.finished_at for node in nodes), default=0),
            nodes=nodes,
            uid=stored["metadata"]["uid"],
            stopped=stopping and phase in {RunPhase.FAILURE, RunPhase.ERROR},
            unscheduled_since=unscheduled,
            pending_since=pending,
        )

    def _stop(self, ref: ObjectRef, stored: Mapping[str, Any]) -> None:
        if not stored["metadata"].get("deletionTimestamp"):
            self._delete(ref, {})

    def _pods(self, ref: ObjectRef) -> list[dict[str, Any]]:
        pod = self._get(ref)
        return [pod] if pod else []

    def _named(self, pod: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        for name in failed_init_containers(pod):
            yield name, name
        for container in pod["spec"].get("containers") or ():
            yield container["name"], container["name"]


def _failure(status: Mapping[str, Any], nodes: tuple[Node, ...]) -> tuple[RunPhase, str]:
    if status.get("reason") in _WORDS:
        return RunPhase.ERROR, _WORDS[str(status["reason"])]
    statuses = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    if any(((entry.get("state") or {}).get("terminated") or {}).get("reason") == "OOMKilled" for entry in statuses):
        return RunPhase.ERROR, _WORDS["OOMKilled"]
    failed = next((node for node in nodes if node.exit_code), None)
    said = status.get("message") or status.get("reason") or ""
    if failed and not said:
        said = f"container {failed.container} exited with code {failed.exit_code}"
    return RunPhase.FAILURE, said
