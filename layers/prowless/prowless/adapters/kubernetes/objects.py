"""What the three engines share: one object per run, its pods, and their logs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from prowless.adapters.kubernetes.client import Client, RefusedError
from prowless.domain.errors import PermanentError
from prowless.domain.render.labels import ID
from prowless.ports.engine import TERMINAL, Node, ObjectRef

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from prowless.ports.engine import Observation, RunPhase

_BAD_REQUEST = 400
_NOT_FOUND = 404
_CONFLICT = 409
_MAX_MESSAGE = 1000
EVICTED = "Evicted"
"""The reason of a pod that its node took back."""
EVICTED_WORDS = "Job pod was evicted by the cluster."
MAX_NODES = 1000
"""Steps of a run that are looked at; a Workflow object of 1.5 MB holds no more."""


class ObjectEngine(ABC):
    """One kind of object on one cluster; `plural` and `api` make its path."""

    kind: str
    api: str
    plural: str
    pod_label: str

    def __init__(self, client: Client) -> None:
        self._client = client

    def create(self, manifest: Mapping[str, Any], prowjob: str) -> ObjectRef:
        """Create the object; an existing one of that name that carries our ProwJob id is success."""
        metadata = manifest["metadata"]
        namespace, name = metadata["namespace"], metadata["name"]
        path = self._path(namespace)
        try:
            stored = self._client.create(path, manifest)
        except RefusedError as exc:
            if exc.code != _CONFLICT:
                raise
            stored = self._standing(namespace, name, exc)
            owner = (stored.get("metadata", {}).get("labels") or {}).get(ID)
            if owner != prowjob:
                raise PermanentError(f"{exc} (it belongs to {owner or 'somebody else'}, not to this run)") from exc
        return ObjectRef(kind=self.kind, namespace=namespace, name=name, uid=stored["metadata"]["uid"])

    def observe(self, ref: ObjectRef) -> Observation | None:
        """The object as it stands, or None if it is gone (or another object took its name)."""
        stored = self._get(ref)
        return None if stored is None else self._observation(stored)

    def stop(self, ref: ObjectRef) -> None:
        """Ask for an orderly end; an object that is gone or finished is not an error."""
        stored = self._get(ref)
        if stored is None or self._phase(stored) in TERMINAL:
            return
        try:
            self._stop(ref, stored)
        except RefusedError:
            # Gone, or ended between our two calls: Tekton's webhook refuses to touch a finished run.
            again = self._get(ref)
            if again is not None and self._phase(again) not in TERMINAL:
                raise

    def delete(self, ref: ObjectRef) -> None:
        """Remove the object, its pods after it; one that is gone, or is not ours, is not an error."""
        if not ref.uid:
            stored = self._get(ref)
            if stored is None:
                return
            ref = replace(ref, uid=stored["metadata"]["uid"])
        self._delete(ref, {"propagationPolicy": "Background"})

    def steps(self, ref: ObjectRef) -> list[Node]:
        """The containers that have logs: pods in order of start, a pod's containers in the order of its spec."""
        found = [steps for pod in self._pods(ref) if (steps := self._steps_of(pod))]
        found.sort(key=lambda steps: (min(step.started_at for step in steps), steps[0].pod))
        return [step for steps in found for step in steps][:MAX_NODES]

    def logs(self, ref: ObjectRef, step: Node, limit: int) -> Iterator[bytes]:
        """A step's log, at most `limit` bytes from its beginning; nothing if the pod is gone or did not start it."""
        path = f"/api/v1/namespaces/{_part(ref.namespace)}/pods/{_part(step.pod)}/log"
        try:
            yield from self._client.stream(path, {"container": step.container, "limitBytes": limit}, limit)
        except RefusedError as exc:
            if exc.code not in {_BAD_REQUEST, _NOT_FOUND}:
                raise

    @abstractmethod
    def _phase(self, stored: Mapping[str, Any]) -> RunPhase:
        """Where the object stands."""

    @abstractmethod
    def _observation(self, stored: Mapping[str, Any]) -> Observation:
        """The object in the words of all engines."""

    @abstractmethod
    def _stop(self, ref: ObjectRef, stored: Mapping[str, Any]) -> None:
        """Ask for an orderly end of an object that has not ended."""

    @abstractmethod
    def _named(self, pod: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """(container, step name) of the pod's containers that do the job's work."""

    def _pods(self, ref: ObjectRef) -> list[dict[str, Any]]:
        return self._labelled("/api/v1", "pods", ref.namespace, ref.name)

    def _labelled(self, api: str, plural: str, namespace: str, name: str) -> list[dict[str, Any]]:
        """The objects of another kind that carry the run's label."""
        path = f"{api}/namespaces/{_part(namespace)}/{plural}"
        return self._client.pages(path, {"labelSelector": f"{self.pod_label}={name}"}, most=MAX_NODES)

    def _steps_of(self, pod: Mapping[str, Any]) -> list[Node]:
        status = pod.get("status") or {}
        states = {
            entry["name"]: entry.get("state") or {}
            for entry in [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
        }
        steps = (
            container_step(name, pod["metadata"]["name"], container, states.get(container) or {})
            for container, name in self._named(pod)
        )
        return [step for step in steps if step is not None]

    def _delete(self, ref: ObjectRef, options: Mapping[str, Any]) -> None:
        body: dict[str, Any] = {"apiVersion": "v1", "kind": "DeleteOptions", **options}
        if ref.uid:
            body["preconditions"] = {"uid": ref.uid}
        try:
            self._client.delete(self._path(ref.namespace, ref.name), body)
        except RefusedError as exc:
            # A conflict is our precondition: another object has the name, so ours is gone.
            if not (_gone(exc, ref) or (exc.code == _CONFLICT and ref.uid)):
                raise

    def _get(self, ref: ObjectRef) -> dict[str, Any] | None:
        try:
            stored = self._client.get(self._path(ref.namespace, ref.name))
        except RefusedError as exc:
            if _gone(exc, ref):
                return None
            raise
        metadata = stored["metadata"]
        # Without a uid nobody saw it created: it is ours if it says so, for our objects are named after their runs.
        ours = ref.uid == metadata["uid"] if ref.uid else (metadata.get("labels") or {}).get(ID) == ref.name
        return stored if ours else None

    def _standing(self, namespace: str, name: str, conflict: RefusedError) -> dict[str, Any]:
        """The object that has the name. If there is none, the conflict was about something else, and says what."""
        try:
            return self._client.get(self._path(namespace, name))
        except RefusedError as exc:
            if exc.code != _NOT_FOUND:
                raise
            raise conflict from exc

    def _path(self, namespace: str, name: str = "") -> str:
        path = f"{self.api}/namespaces/{_part(namespace)}/{self.plural}"
        return f"{path}/{_part(name)}" if name else path


def container_step(name: str, pod: str, container: str, state: Mapping[str, Any]) -> Node | None:
    """A container that has a log, because it runs or ran, as a step; None for one that did not start."""
    ended = state.get("terminated")
    running = ended or state.get("running")
    if running is None:
        return None
    return Node(
        name=name,
        phase=("Succeeded" if ended.get("exitCode") == 0 else "Failed") if ended else "Running",
        started_at=epoch_ms(running.get("startedAt")),
        finished_at=epoch_ms(ended.get("finishedAt")) if ended else 0,
        message=bounded(ended.get("message") or ended.get("reason")) if ended else "",
        exit_code=ended.get("exitCode") if ended else None,
        pod=pod,
        container=container,
    )


def waiting(pod: Mapping[str, Any]) -> tuple[int, int]:
    """Since when a pod waits for a node, and on its node for its containers to start (`reconciler.go:560`); or 0."""
    status = pod.get("status") or {}
    if status.get("phase", "Pending") != "Pending":
        return 0, 0
    if since := epoch_ms(status.get("startTime")):
        return 0, since
    return epoch_ms(pod["metadata"].get("creationTimestamp")), 0


def failed_init_containers(pod: Mapping[str, Any]) -> list[str]:
    """Init containers that ended badly: they say why nothing else ran, so their logs belong to the run's."""
    return [
        entry["name"]
        for entry in (pod.get("status") or {}).get("initContainerStatuses") or ()
        if ((entry.get("state") or {}).get("terminated") or {}).get("exitCode", 0) != 0
    ]


def epoch_ms(text: str | None) -> int:
    """RFC 3339 to epoch milliseconds; 0 for nothing."""
    return round(datetime.fromisoformat(text).timestamp() * 1000) if text else 0


def bounded(text: str | None) -> str:
    """An engine's message, at most 1000 characters."""
    text = (text or "").strip()
    return text if len(text) <= _MAX_MESSAGE else text[: _MAX_MESSAGE - 1] + "…"


def _gone(exc: RefusedError, ref: ObjectRef) -> bool:
    """Whether the object is not there. A kind that is not installed is a 404 too, but names no object."""
    return exc.code == _NOT_FOUND and exc.details.get("name") == ref.name


def _part(text: str) -> str:
    return quote(text, safe="")
