"""Steps templates: groups one after the other, the steps of a group together (Argo's `steps.go`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prowless_local.cluster.argo.calls import continues, node_scope, not_run_scope, resolved
from prowless_local.cluster.argo.expressions import ExpressionError, when_holds
from prowless_local.cluster.argo.host import CallError, DeferredError, Execution, Placement
from prowless_local.cluster.argo.loops import aggregated, expanded, is_loop
from prowless_local.cluster.argo.nodes import UNSUCCESSFUL, is_fulfilled
from prowless_local.cluster.argo.variables import Scope, TemplateError, as_text

if TYPE_CHECKING:
    from prowless_local.cluster.argo.operation import Operation
    from prowless_local.cluster.objects import Obj


def execute(operation: Operation, execution: Execution) -> Obj:
    """Execute as many groups as can be executed now; returns the Steps node."""
    node = operation.new_tree_node(execution, "Steps")
    run = _Steps(operation, node, execution.scope, Placement(boundary=node["id"], on_exit=execution.place.on_exit))
    previous: Obj | None = None
    for index, group in enumerate(execution.template["steps"]):
        steps = group if isinstance(group, list) else [group]
        group_node = run.open_group(f"{execution.name}[{index}]", previous)
        run.execute_group(group_node, steps)
        if not is_fulfilled(group_node):
            return node
        if group_node["phase"] in UNSUCCESSFUL:
            run.close(group_node)
            return operation.nodes.mark(node, "Failed", group_node.get("message", ""))
        run.offer(group_node, steps)
        previous = group_node
    if previous is not None:
        run.close(previous)
    try:
        outputs = operation.tree_outputs(execution.template, run.scope)
    except TemplateError as exc:
        return operation.nodes.mark(node, "Error", str(exc))
    if outputs:
        node["outputs"] = outputs
        operation.export(outputs)
    return operation.nodes.mark(node, "Succeeded")


class _Steps:
    """One execution of a steps template."""

    def __init__(self, operation: Operation, node: Obj, template_scope: str, place: Placement) -> None:
        self._operation = operation
        self._nodes = operation.nodes
        self._node = node
        self._template_scope = template_scope
        self._place = place
        self.scope: Scope = dict(operation.scope)

    def open_group(self, name: str, previous: Obj | None) -> Obj:
        """The StepGroup node, below what the group before it ended with."""
        group = self._nodes.named(name)
        if group is None:
            group = self._nodes.add(
                name, "StepGroup", "Running", call={}, boundary=self._node["id"], scope=self._template_scope
            )
        for parent in [self._node] if previous is None else self._ends(previous):
            self._nodes.link(parent["name"], name)
        return group

    def close(self, last: Obj) -> None:
        """Say what the Steps node ends with."""
        self._node["outboundNodes"] = [node["id"] for node in self._ends(last) if node is not last]

    def execute_group(self, group: Obj, steps: list[Obj]) -> None:
        """Start the steps of a group that are not started, and see whether it has ended."""
        if is_fulfilled(group):
            return
        try:
            calls = self._calls(group, steps)
            by_name = {f"{group['name']}.{call['name']}": call for call in calls}
            deferred = [name for name, call in by_name.items() if not self._start(group, name, call)]
        except (TemplateError, ExpressionError) as exc:
            self._nodes.mark(group, "Error", str(exc))
            return
        except CallError as exc:
            self._nodes.mark(group, "Error", f"step group deemed errored due to {exc}")
            return
        children = self._nodes.children(group)
        if deferred or not all(is_fulfilled(child) for child in children):
            return
        for child in children:
            failed = child["phase"] in UNSUCCESSFUL
            if failed and not continues(by_name.get(child["name"], {}), child["phase"]):
                self._nodes.mark(group, "Failed", f"child '{child['id']}' failed")
                return
        self._nodes.mark(group, "Succeeded")

    def offer(self, group: Obj, steps: list[Obj]) -> None:
        """Put the outputs of a finished group into the scope of the next ones."""
        for step in steps:
            prefix = f"steps.{step['name']}"
            node = self._nodes.named(f"{group['name']}.{step['name']}")
            if node is None:
                start = f"{group['name']}.{step['name']}("
                looped = [child for child in self._nodes.children(group) if child["name"].startswith(start)]
                ran = [child for child in looped if child["phase"] != "Skipped"]
                if ran:
                    self.scope.update(aggregated(prefix, ran))
                self.scope.update(node_scope(self._nodes, prefix, group))
            else:
                self.scope.update(node_scope(self._nodes, prefix, node))
                self.scope.update(not_run_scope(self._operation, prefix, node, step, self._template_scope))

    def _calls(self, group: Obj, steps: list[Obj]) -> list[Obj]:
        """The steps with their variables replaced and their loops expanded."""
        calls: list[Obj] = []
        for step in steps:
            call = resolved(step, self.scope)
            if not is_loop(call):
                calls.append(call)
                continue
            items = expanded(call)
            name = f"{group['name']}.{step['name']}"
            if not items and self._nodes.named(name) is None:
                self._skip(group, name, step, "Skipped, empty params")
            calls += items
        return calls

    def _start(self, group: Obj, name: str, call: Obj) -> bool:
        """Start one step; false if it has to wait for others."""
        if not when_holds(as_text(call.get("when") or "")):
            if self._nodes.named(name) is None:
                self._skip(group, name, call, f"when '{call['when']}' evaluated false")
            return True
        self._nodes.link(group["name"], name)
        try:
            self._operation.execute(name, call, self._template_scope, call.get("arguments") or {}, self._place)
        except DeferredError:
            return False
        except CallError as exc:
            raise CallError(f"child {name} error: {exc}") from exc
        return True

    def _skip(self, group: Obj, name: str, call: Obj, why: str) -> None:
        boundary, scope = self._node["id"], self._template_scope
        self._nodes.add(name, "Skipped", "Skipped", call=call, boundary=boundary, message=why, scope=scope)
        self._nodes.link(group["name"], name)

    def _ends(self, group: Obj) -> list[Obj]:
        """What comes after this group hangs below these."""
        return [leaf for child in self._nodes.children(group) for leaf in self._nodes.outbound(child)] or [group]
