"""Clusters and the engines on them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prowless.domain.clusters import Cluster


class RunPhase(StrEnum):
    """What an engine says of a run, in one vocabulary for all engines."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    FAILURE = "failure"
    ERROR = "error"


TERMINAL = frozenset({RunPhase.SUCCESS, RunPhase.FAILURE, RunPhase.ERROR})


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One step of a run. Times are epoch milliseconds, 0 if not yet."""

    name: str
    phase: str
    started_at: int = 0
    finished_at: int = 0
    message: str = ""
    exit_code: int | None = None
    pod: str = ""
    container: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """An object as it stands. `message` is the engine's own words, bounded; `stopped`: it ended because we asked.

    While the only pod of a run waits, `unscheduled_since` (for a node) or `pending_since` (on its node, for its
    containers to start) is epoch milliseconds, else 0.
    """

    phase: RunPhase
    message: str = ""
    started_at: int = 0
    finished_at: int = 0
    nodes: tuple[Node, ...] = ()
    uid: str = ""
    stopped: bool = False
    unscheduled_since: int = 0
    pending_since: int = 0

    @property
    def terminal(self) -> bool:
        """Whether nothing more will happen."""
        return self.phase in TERMINAL


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectRef:
    """A cluster object. `kind` is Workflow, PipelineRun or Pod."""

    kind: str
    namespace: str
    name: str
    uid: str = ""

    def to_dict(self) -> dict[str, str]:
        """As the row keeps it."""
        return {"kind": self.kind, "namespace": self.namespace, "name": self.name, "uid": self.uid}

    @classmethod
    def from_dict(cls, data: Mapping[str, str]) -> ObjectRef:
        """From the row."""
        return cls(kind=data["kind"], namespace=data["namespace"], name=data["name"], uid=data.get("uid", ""))


class Engine(Protocol):
    """One kind of object on one cluster.

    Every method raises ClusterUnreachableError when the API does not answer or answers 5xx/429, and PermanentError with
    the API's own message for 401, 403, 404 of the kind itself, 422 and a 409 that is not our own object.
    """

    def create(self, manifest: Mapping[str, Any], prowjob: str) -> ObjectRef:
        """Create the object; an existing one of that name that carries our ProwJob id is success."""
        ...

    def observe(self, ref: ObjectRef) -> Observation | None:
        """The object as it stands, or None if it is gone (or another object took its name)."""
        ...

    def stop(self, ref: ObjectRef) -> None:
        """Ask for an orderly end; an object that is gone or finished is not an error."""
        ...

    def delete(self, ref: ObjectRef) -> None:
        """Remove the object; one that is gone is not an error."""
        ...

    def steps(self, ref: ObjectRef) -> list[Node]:
        """The steps that have logs, in order of start; `pod` and `container` say where."""
        ...

    def logs(self, ref: ObjectRef, step: Node, limit: int) -> Iterator[bytes]:
        """A step's log, at most `limit` bytes; nothing if the pod is gone."""
        ...


class Clusters(Protocol):
    """The way to a cluster."""

    def engine(self, cluster: Cluster, kind: str) -> Engine:
        """The engine for one kind of object (Workflow, PipelineRun, Pod) on that cluster."""
        ...
