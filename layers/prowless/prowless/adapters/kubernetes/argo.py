"""Argo Workflows."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from prowless.adapters.kubernetes.objects import (
    EVICTED,
    EVICTED_WORDS,
    MAX_NODES,
    ObjectEngine,
    bounded,
    epoch_ms,
    failed_init_containers,
    waiting,
)
from prowless.ports.engine import Node, Observation, RunPhase

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prowless.ports.engine import ObjectRef

_PHASES = {
    "": RunPhase.PENDING,
    "Pending": RunPhase.PENDING,
    "Running": RunPhase.RUNNING,
    "Succeeded": RunPhase.SUCCESS,
    "Failed": RunPhase.FAILURE,
    "Error": RunPhase.ERROR,
}
_NODE_NAME = "workflows.argoproj.io/node-name"
_OWN_CONTAINERS = frozenset({"init", "wait", "supervisor"})
_OWN_PREFIXES = ("artifact-plugin-", "init-artifact-")
_MAX_NODES_BYTES = 16 * 1024 * 1024
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS


class ArgoEngine(ObjectEngine):
    """Workflows of `argoproj.io/v1alpha1`.

    `Error` is final at once, as it is for Argo itself. A stop is Argo's `Stop`, which lets exit handlers run.
    """

    kind = "Workflow"
    api = "/apis/argoproj.io/v1alpha1"
    plural = "workflows"
    pod_label = "workflows.argoproj.io/workflow"

    def _phase(self, stored: Mapping[str, Any]) -> RunPhase:
        return _PHASES.get((stored.get("status") or {}).get("phase") or "", RunPhase.RUNNING)

    def _observation(self, stored: Mapping[str, Any]) -> Observation:
        status = stored.get("status") or {}
        phase = self._phase(stored)
        shutdown = bool((stored.get("spec") or {}).get("shutdown"))
        return Observation(
            phase=phase,
            message=bounded(status.get("message")),
            started_at=epoch_ms(status.get("startedAt")),
            finished_at=epoch_ms(status.get("finishedAt")),
            nodes=tuple(_node(node) for node in _nodes(status)),
            uid=stored["metadata"]["uid"],
            stopped=shutdown and phase in {RunPhase.FAILURE, RunPhase.ERROR},
        )

    def observe(self, ref: ObjectRef) -> Observation | None:
        """The Workflow as it stands.

        Its nodes do not say since when its only pod waits and for what, so the pod is looked at as long as it does.
        And a Workflow whose only pod was evicted is an error, though Argo calls that a failure.
        """
        stored = self._get(ref)
        if stored is None:
            return None
        seen = self._observation(stored)
        if _one_pod_waits(_nodes(stored.get("status") or {})):
            pods = self._pods(ref)
            unscheduled, pending = waiting(pods[0]) if len(pods) == 1 else (0, 0)
            return replace(seen, unscheduled_since=unscheduled, pending_since=pending)
        if seen.phase is not RunPhase.FAILURE or seen.stopped:
            return seen
        reasons = [(pod.get("status") or {}).get("reason") for pod in self._pods(ref)]
        return replace(seen, phase=RunPhase.ERROR, message=EVICTED_WORDS) if reasons == [EVICTED] else seen

    def _stop(self, ref: ObjectRef, stored: Mapping[str, Any]) -> None:
        if not (stored.get("spec") or {}).get("shutdown"):
            self._client.merge(self._path(ref.namespace, ref.name), {"spec": {"shutdown": "Stop"}})

    def _named(self, pod: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        metadata = pod["metadata"]
        workflow = (metadata.get("labels") or {}).get(self.pod_label, "")
        node = (metadata.get("annotations") or {}).get(_NODE_NAME, "")
        # `<workflow>` for a run of one pod, else `<workflow>.step(0)` or `<workflow>[0].step`.
        step = node.removeprefix(workflow).lstrip(".")
        containers = [container["name"] for container in pod["spec"].get("containers") or ()]
        for name in [*failed_init_containers(pod), *containers]:
            if name in _OWN_CONTAINERS or name.startswith(_OWN_PREFIXES):
                continue
            yield name, name if not step else step if name == "main" else f"{step}.{name}"


def _nodes(status: Mapping[str, Any]) -> list[dict[str, Any]]:
    nodes = status.get("nodes") or _decompressed(status.get("compressedNodes") or "")
    found = [node for node in nodes.values() if isinstance(node, dict)]
    return sorted(found, key=lambda node: (node.get("startedAt") or "9", node.get("name") or ""))[:MAX_NODES]


def _decompressed(text: str) -> dict[str, Any]:
    """The nodes of a large Workflow, gzipped and base64 encoded; nothing for another compression."""
    if not text:
        return {}
    try:
        inflater = zlib.decompressobj(_GZIP_OR_ZLIB)
        data = inflater.decompress(base64.b64decode(text, validate=True), _MAX_NODES_BYTES)
        nodes = json.loads(data)
    except (binascii.Error, zlib.error, ValueError):
        return {}
    return nodes if isinstance(nodes, dict) else {}


def _one_pod_waits(nodes: list[dict[str, Any]]) -> bool:
    # The containers of a container set have nodes of their own below their pod's.
    others = [(node.get("type"), node.get("phase")) for node in nodes if node.get("type") != "Container"]
    return others == [("Pod", "Pending")]


def _node(node: Mapping[str, Any]) -> Node:
    code = str((node.get("outputs") or {}).get("exitCode") or "")
    return Node(
        name=node.get("displayName") or node.get("name") or node.get("id") or "",
        phase=node.get("phase") or "Pending",
        started_at=epoch_ms(node.get("startedAt")),
        finished_at=epoch_ms(node.get("finishedAt")),
        message=bounded(node.get("message")),
        exit_code=int(code) if code.isdecimal() else None,
    )
