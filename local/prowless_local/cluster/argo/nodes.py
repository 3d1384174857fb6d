"""`status.nodes` of a Workflow: the tree of what ran, as Argo draws it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from prowless_local.cluster.objects import Obj, rfc3339

if TYPE_CHECKING:
    from collections.abc import Callable

_FNV_OFFSET, _FNV_PRIME = 0x811C9DC5, 0x01000193
_LONGEST_POD_PREFIX = 242  # workflow/util/pod_name.go
_SEPARATOR = re.compile(r"^(\[\d+\])?\.")
FULFILLED = frozenset({"Succeeded", "Failed", "Error", "Skipped", "Omitted"})
COMPLETED = frozenset({"Succeeded", "Failed", "Error"})
UNSUCCESSFUL = frozenset({"Failed", "Error"})
_DONE = frozenset({"Succeeded", "Skipped", "Omitted"})
_EXECUTABLE = frozenset({"Pod", "Container"})


def fnv32a(text: str) -> int:
    """The hash in node ids and pod names."""
    value = _FNV_OFFSET
    for byte in text.encode():
        value = ((value ^ byte) * _FNV_PRIME) & 0xFFFFFFFF
    return value


def pod_name(workflow: str, node_name: str, template: str) -> str:
    """The name of a node's pod, in Argo's v2 form."""
    if workflow == node_name:
        return workflow
    prefix = f"{workflow}-{template}" if template else workflow
    return f"{prefix[:_LONGEST_POD_PREFIX]}-{fnv32a(node_name)}"


class Nodes:
    """The nodes of one workflow, changed in place."""

    def __init__(
        self, workflow: str, nodes: dict[str, Obj], moments: dict[str, tuple[int, int]], now_ms: Callable[[], int]
    ) -> None:
        self._workflow = workflow
        self._nodes = nodes
        self._moments = moments  # start and end in milliseconds, which the nodes have in seconds only
        self._now_ms = now_ms

    def id_of(self, name: str) -> str:
        """The id of the node of that name."""
        return name if name == self._workflow else f"{self._workflow}-{fnv32a(name)}"

    def named(self, name: str) -> Obj | None:
        """A node by name."""
        return self._nodes.get(self.id_of(name))

    def get(self, node_id: str) -> Obj | None:
        """A node by id."""
        return self._nodes.get(node_id)

    def all(self) -> list[Obj]:
        """All of them, oldest first."""
        return list(self._nodes.values())

    def add(
        self,
        name: str,
        kind: str,
        phase: str,
        *,
        call: Obj,
        boundary: str = "",
        message: str = "",
        scope: str = "local",
        flag: Obj | None = None,
    ) -> Obj:
        """A new node; `call` is the step, task or entrypoint that it is for."""
        node: Obj = {
            "id": self.id_of(name),
            "name": name,
            "displayName": self._display_name(name, boundary),
            "type": kind,
            "phase": phase,
            "templateScope": f"local/{self._workflow}" if scope == "local" else f"namespaced/{scope}",
            "startedAt": rfc3339(self._now_ms()),
            "finishedAt": None,
        }
        if call.get("template"):
            node["templateName"] = call["template"]
        if call.get("templateRef"):
            node["templateRef"] = call["templateRef"]
        if boundary:
            node["boundaryID"] = boundary
        if message:
            node["message"] = message
        if flag:
            node["nodeFlag"] = dict(flag)
        if phase in FULFILLED:
            node["finishedAt"] = node["startedAt"]
        self._moments[node["id"]] = (self._now_ms(), self._now_ms() if phase in FULFILLED else 0)
        self._nodes[node["id"]] = node
        return node

    def mark(self, node: Obj, phase: str, message: str | None = None) -> Obj:
        """Set phase and message; the end time comes with the first phase that is final."""
        node["phase"] = phase
        if message is not None:
            if message:
                node["message"] = message
            else:
                node.pop("message", None)
        if phase in FULFILLED and not node.get("finishedAt"):
            node["finishedAt"] = rfc3339(self._now_ms())
            self._moments[node["id"]] = (self._moments.get(node["id"], (0, 0))[0], self._now_ms())
        return node

    def started_ms(self, node: Obj) -> int:
        """When it began."""
        return self._moments.get(node["id"], (0, 0))[0]

    def finished_ms(self, node: Obj) -> int:
        """When it ended, 0 if it has not."""
        return self._moments.get(node["id"], (0, 0))[1]

    def link(self, parent: str, child: str) -> None:
        """Make a node (by name) the child of another one (by name)."""
        node = self.named(parent)
        child_id = self.id_of(child)
        if node is not None and child_id not in node.setdefault("children", []):
            node["children"].append(child_id)

    def children(self, node: Obj) -> list[Obj]:
        """The children that exist."""
        return [child for child_id in node.get("children") or () if (child := self._nodes.get(child_id))]

    def children_fulfilled(self, node: Obj) -> bool:
        """Whether the node and everything below it has ended."""
        below = (self._nodes.get(node_id) for node_id in self._below(node))
        return is_fulfilled(node) and all(is_fulfilled(other) for other in below if other is not None)

    def retries(self, node: Obj) -> list[Obj]:
        """The attempts below a Retry node."""
        return [child for child in self.children(node) if (child.get("nodeFlag") or {}).get("retried")]

    def outbound(self, node: Obj) -> list[Obj]:
        """The nodes that what comes after this one hangs below (`getOutboundNodes` in Argo's operator.go)."""
        children = self.children(node)
        match node["type"]:
            case "Retry":
                return children[-1:]
            case "Steps" | "DAG":
                found = [self._nodes[node_id] for node_id in node.get("outboundNodes") or () if node_id in self._nodes]
                return [leaf for child in found for leaf in self.outbound(child)]
            case "TaskGroup" | "Container" | "Pod":
                below = [child for child in children if child["type"] == "Container" or node["type"] == "TaskGroup"]
                return [leaf for child in below for leaf in self.outbound(child)] or [node]
            case _:
                return [node]

    def is_for_exit(self, node: Obj) -> bool:
        """Whether the node belongs to the exit handler."""
        while node.get("boundaryID"):
            parent = self._nodes.get(node["boundaryID"])
            if parent is None:
                break
            node = parent
        return str(node["name"]).startswith(f"{self._workflow}.onExit")

    def count(self, boundary: str, kinds: tuple[str, ...], phases: frozenset[str]) -> int:
        """How many nodes of a boundary (any, if empty) are of such types and in such phases."""
        return sum(
            1
            for node in self._nodes.values()
            if node["type"] in kinds and node["phase"] in phases and boundary in {"", node.get("boundaryID")}
        )

    def set_progress(self) -> str:
        """Write every node's progress; returns the workflow's."""
        own = {}
        for node in self._nodes.values():
            if node["type"] in _EXECUTABLE:
                own[node["id"]] = (1 if node["phase"] in _DONE else 0, 1)
                node["progress"] = f"{own[node['id']][0]}/1"
        for node in self._nodes.values():
            if node["type"] not in _EXECUTABLE:
                below = self._below(node)
                done = sum(own[node_id][0] for node_id in below if node_id in own)
                total = sum(1 for node_id in below if node_id in own)
                if total:
                    node["progress"] = f"{done}/{total}"
        return f"{sum(done for done, _ in own.values())}/{len(own)}"

    def _below(self, node: Obj) -> set[str]:
        seen: set[str] = set()
        left = list(node.get("children") or ())
        while left:
            node_id = left.pop()
            if node_id not in seen:
                seen.add(node_id)
                left += (self._nodes.get(node_id) or {}).get("children") or ()
        return seen

    def _display_name(self, name: str, boundary: str) -> str:
        parent = self._nodes.get(boundary)
        if parent is None:
            return name
        return _SEPARATOR.sub("", name.removeprefix(parent["name"]))


def is_fulfilled(node: Obj) -> bool:
    """Whether it has ended, in whatever way."""
    return node["phase"] in FULFILLED
