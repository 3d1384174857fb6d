"""DAG templates: each task when what it depends on has ended as it should (Argo's `dag.go`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prowless_local.cluster.argo.calls import continues, node_scope, not_run_scope, resolved
from prowless_local.cluster.argo.expressions import ExpressionError, dependencies, depends_holds, when_holds
from prowless_local.cluster.argo.host import CallError, DeferredError, Execution, Placement
from prowless_local.cluster.argo.loops import aggregated, expanded, is_loop
from prowless_local.cluster.argo.nodes import COMPLETED, UNSUCCESSFUL, is_fulfilled
from prowless_local.cluster.argo.variables import Scope, TemplateError, as_text

if TYPE_CHECKING:
    from prowless_local.cluster.argo.operation import Operation
    from prowless_local.cluster.objects import Obj

_PHASE_OF_RESULT = {
    "Succeeded": "Succeeded",
    "Failed": "Failed",
    "Errored": "Error",
    "Skipped": "Skipped",
    "Omitted": "Omitted",
}


def execute(operation: Operation, execution: Execution) -> Obj:
    """Execute as many tasks as can be executed now; returns the DAG node."""
    node = operation.new_tree_node(execution, "DAG")
    run = _Dag(operation, node, execution)
    for target in run.targets:
        run.execute_task(target)
    phase = run.assess(shutting_down=bool(operation.shutdown) and not execution.place.on_exit)
    if phase == "Running":
        return node
    run.close()
    if phase in UNSUCCESSFUL:
        return operation.nodes.mark(node, phase)
    try:
        outputs = operation.tree_outputs(execution.template, run.scope_of(list(run.tasks)))
    except TemplateError as exc:
        return operation.nodes.mark(node, "Error", str(exc))
    if outputs:
        node["outputs"] = outputs
        operation.export(outputs)
    return operation.nodes.mark(node, "Succeeded")


class _Dag:
    """One execution of a DAG template."""

    def __init__(self, operation: Operation, node: Obj, execution: Execution) -> None:
        template = execution.template
        self._operation = operation
        self._nodes = operation.nodes
        self._node = node
        self._template_scope = execution.scope
        self._place = Placement(boundary=node["id"], on_exit=execution.place.on_exit)
        self._fail_fast = template["dag"].get("failFast", True)
        self.tasks: dict[str, Obj] = {str(task["name"]): task for task in template["dag"]["tasks"]}
        self._logic = {name: self._depends(task) for name, task in self.tasks.items()}
        self._needed = {name: dependencies(logic) for name, logic in self._logic.items()}
        self._visited: set[str] = set()
        chosen = str(template["dag"].get("target") or "").split()
        leaves = set(self.tasks) - {needed for names in self._needed.values() for needed in names}
        self.targets = chosen or sorted(leaves)

    def execute_task(self, name: str) -> None:
        """Execute what a task depends on, then the task, as far as it goes now."""
        if name in self._visited or name not in self.tasks:
            return
        self._visited.add(name)
        node = self._task_node(name)
        if node is not None and is_fulfilled(node):
            return
        for needed in self._needed[name]:
            self.execute_task(needed)
        full_name = f"{self._node['name']}.{name}"
        try:
            if node is None and not self._turn_has_come(name):
                return
            call = resolved(self.tasks[name], self.scope_of(self._ancestors(name)))
            if is_loop(call):
                self._execute_loop(name, call)
            else:
                self._execute_call(name, call, self._parents(name))
        except (TemplateError, ExpressionError) as exc:
            place = self._place
            self._operation.mark_error(full_name, self.tasks[name], self._template_scope, place, str(exc))
            self._connect(full_name, self._parents(name))

    def assess(self, *, shutting_down: bool) -> str:
        """The phase of the whole (`assessDAGPhase`). A task that did not run counts as the branch that led to it."""
        phases = dict.fromkeys((self._nodes.id_of(f"{self._node['name']}.{name}") for name in self.targets), "")
        below = self._nodes.children(self._node)
        queue = [(child, "Succeeded") for child in below]
        seen: set[tuple[str, str]] = set()
        while queue:
            node, branch = queue.pop(0)
            if (node["id"], branch) in seen:
                continue
            seen.add((node["id"], branch))
            if not is_fulfilled(node):
                return "Running"
            if node["phase"] in COMPLETED:
                branch = node["phase"]
            if node["id"] in phases and phases[node["id"]] not in UNSUCCESSFUL:
                phases[node["id"]] = branch
            following = [c for c in self._nodes.children(node) if c not in self._nodes.retries(node)]
            if node["type"] == "Retry":
                following = [c for attempt in self._nodes.retries(node) for c in self._nodes.children(attempt)]
            queue += [(child, branch) for child in following]
        if shutting_down:
            return "Failed"
        return self._conclude(phases)

    def close(self) -> None:
        """Say what the DAG node ends with."""
        ends = [node for name in self.targets if (node := self._task_node(name)) is not None]
        self._node["outboundNodes"] = [leaf["id"] for node in ends for leaf in self._nodes.outbound(node)]

    def scope_of(self, names: list[str]) -> Scope:
        """What these tasks offer to others."""
        scope: Scope = dict(self._operation.scope)
        for name in names:
            node = self._task_node(name)
            if node is None:
                continue
            prefix = f"tasks.{name}"
            if node["type"] == "TaskGroup":
                scope.update(aggregated(prefix, self._nodes.children(node)))
            scope.update(node_scope(self._nodes, prefix, node))
            scope.update(not_run_scope(self._operation, prefix, node, self.tasks[name], self._template_scope))
        return scope

    def _conclude(self, phases: dict[str, str]) -> str:
        result = "Succeeded"
        for name in self.targets:
            branch = phases[self._nodes.id_of(f"{self._node['name']}.{name}")]
            if not branch:
                result = "Running"
                if not self._fail_fast:
                    break
            elif branch in UNSUCCESSFUL:
                if continues(self.tasks[name], branch):
                    continue
                result = branch
                if self._fail_fast:
                    break
        return result

    def _turn_has_come(self, name: str) -> bool:
        """Whether the task is to be executed now; if it never will, it is marked so."""
        if not self._logic[name]:
            return True
        for needed in self._needed[name]:
            node = self._task_node(needed)
            if node is None or not is_fulfilled(node):
                return False
        if depends_holds(self._logic[name], self._has_result):
            return True
        full_name = f"{self._node['name']}.{name}"
        self._nodes.add(
            full_name,
            "Skipped",
            "Omitted",
            call=self.tasks[name],
            boundary=self._node["id"],
            message="omitted: depends condition not met",
            scope=self._template_scope,
        )
        self._connect(full_name, self._parents(name))
        return False

    def _execute_loop(self, name: str, call: Obj) -> None:
        full_name = f"{self._node['name']}.{name}"
        calls = expanded(call)
        group = self._task_node(name)
        if group is None:
            kind, phase = ("TaskGroup", "Running") if calls else ("Skipped", "Skipped")
            group = self._nodes.add(
                full_name,
                kind,
                phase,
                call=self.tasks[name],
                boundary=self._node["id"],
                message="" if calls else "Skipped, empty params",
                scope=self._template_scope,
            )
            self._connect(full_name, self._parents(name))
        for item in calls:
            self._execute_call(str(item["name"]), item, [group])
        children = [self._nodes.named(f"{self._node['name']}.{item['name']}") for item in calls]
        if calls and all(child is not None and is_fulfilled(child) for child in children):
            failed = [child["phase"] for child in children if child is not None and child["phase"] in UNSUCCESSFUL]
            self._nodes.mark(group, failed[-1] if failed else "Succeeded")

    def _execute_call(self, name: str, call: Obj, parents: list[Obj]) -> None:
        full_name = f"{self._node['name']}.{name}"
        if self._nodes.named(full_name) is None and not when_holds(as_text(call.get("when") or "")):
            self._nodes.add(
                full_name,
                "Skipped",
                "Skipped",
                call=call,
                boundary=self._node["id"],
                message=f"when '{call['when']}' evaluated false",
                scope=self._template_scope,
            )
            self._connect(full_name, parents)
            return
        task = {**call, "dag": True}
        try:
            self._operation.execute(full_name, task, self._template_scope, call.get("arguments") or {}, self._place)
        except DeferredError:
            return
        except CallError as exc:
            node = self._nodes.named(full_name)
            if node is not None:
                self._nodes.mark(node, "Error", f"task '{full_name}' errored: {exc}")
        self._connect(full_name, parents)

    def _connect(self, name: str, parents: list[Obj]) -> None:
        for parent in parents:
            self._nodes.link(parent["name"], name)

    def _parents(self, name: str) -> list[Obj]:
        """The nodes that a task hangs below: the ends of what it depends on, else the DAG itself."""
        found = [node for needed in self._needed[name] if (node := self._task_node(needed)) is not None]
        return [leaf for node in found for leaf in self._nodes.outbound(node)] or [self._node]

    def _ancestors(self, name: str) -> list[str]:
        seen: dict[str, None] = {}
        left = list(self._needed[name])
        while left:
            other = left.pop()
            if other not in seen:
                seen[other] = None
                left += self._needed.get(other, [])
        return list(seen)

    def _task_node(self, name: str) -> Obj | None:
        return self._nodes.named(f"{self._node['name']}.{name}")

    def _has_result(self, task: str, result: str) -> bool:
        node = self._task_node(task)
        if node is None:
            return False
        if not result:
            return node["phase"] in self._fine(self.tasks[task])
        if result in {"AnySucceeded", "AllFailed"}:
            phases = [child["phase"] for child in self._nodes.children(node)] if node["type"] == "TaskGroup" else []
            if result == "AnySucceeded":
                return "Succeeded" in phases
            return bool(phases) and all(phase == "Failed" for phase in phases)
        return bool(node["phase"] == _PHASE_OF_RESULT.get(result))

    @staticmethod
    def _fine(task: Obj) -> set[str]:
        """The phases of a task that a dependency without a result accepts."""
        on = task.get("continueOn") or {}
        extra = {phase for field, phase in (("error", "Error"), ("failed", "Failed")) if on.get(field)}
        return {"Succeeded", "Skipped", *extra}

    @staticmethod
    def _depends(task: Obj) -> str:
        if task.get("depends"):
            return str(task["depends"])
        return " && ".join(str(name) for name in task.get("dependencies") or ())
