"""What an operation on a workflow works with, and what is remembered between two of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from prowless_local.clock import Clock
    from prowless_local.cluster.objects import Obj
    from prowless_local.cluster.pods import PodController
    from prowless_local.cluster.store import Store

COMPLETED_LABEL = "workflows.argoproj.io/completed"
PHASE_LABEL = "workflows.argoproj.io/phase"
WORKFLOW_LABEL = "workflows.argoproj.io/workflow"
ON_EXIT_LABEL = "workflows.argoproj.io/on-exit"


class CallError(Exception):
    """A step, task or entrypoint could not be called; its node, if any, is marked already."""


class DeferredError(Exception):
    """Something runs later, because as much as allowed runs already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where in the tree a template is executed. `flag` becomes the node's `nodeFlag`."""

    boundary: str = ""
    on_exit: bool = False
    flag: Obj | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One execution of a template: the node's name, the call that it is for, and the scope of the template's calls."""

    name: str
    call: Obj
    scope: str
    template: Obj
    place: Placement


@dataclass(slots=True)
class Output:
    """What a pod's main container left behind: values, or why one is missing."""

    parameters: dict[str, str] = field(default_factory=dict)
    result: str | None = None
    problem: str = ""


@dataclass(slots=True)
class Memory:
    """What is known of one workflow and stands in no object."""

    uid: str
    created: set[str] = field(default_factory=set)  # ids of nodes whose pod was created
    outputs: dict[str, Output] = field(default_factory=dict)
    moments: dict[str, tuple[int, int]] = field(default_factory=dict)
    checked: set[tuple[str, str]] = field(default_factory=set)
    inline: dict[str, Obj] = field(default_factory=dict)  # per node id, a template that has no name to find it by
    wakes: set[int] = field(default_factory=set)
    started_ms: int = 0


@dataclass(slots=True)
class ArgoHost:
    """The cluster, as far as the engine needs it. `wake(key, at_ms)` operates on a workflow again at that time."""

    store: Store
    pods: PodController
    clock: Clock
    needs_command: bool
    wake: Callable[[str, str, int], None]
