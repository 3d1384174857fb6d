"""The workflow controller: looks at a workflow whenever it, or one of its pods, has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prowless_local.cluster import resources
from prowless_local.cluster.argo.calls import failures
from prowless_local.cluster.argo.host import (
    COMPLETED_LABEL,
    PHASE_LABEL,
    WORKFLOW_LABEL,
    ArgoHost,
    CallError,
    DeferredError,
    Memory,
    Placement,
)
from prowless_local.cluster.argo.nodes import UNSUCCESSFUL, is_fulfilled, pod_name
from prowless_local.cluster.argo.operation import Operation
from prowless_local.cluster.argo.support import check_workflow
from prowless_local.cluster.argo.templates import LOCAL, Templates, executed_spec, workflow_template
from prowless_local.cluster.argo.variables import TemplateError
from prowless_local.cluster.objects import Obj, clone, deleting, labels_of, name_of, namespace_of, rfc3339, uid_of
from prowless_local.cluster.pod_support import UnsupportedError
from prowless_local.cluster.store import Change, Key

if TYPE_CHECKING:
    from collections.abc import Callable

    from prowless_local.clock import Clock
    from prowless_local.cluster.loop import Loop
    from prowless_local.cluster.pods import PodController
    from prowless_local.cluster.store import Store

_MOST_LOOKS = 50  # at one workflow in a row, each of which changed something
_WORKFLOW_PHASES = {
    "Pending": "Pending",
    "Running": "Running",
    "Succeeded": "Succeeded",
    "Skipped": "Succeeded",
    "Omitted": "Succeeded",
    "Failed": "Failed",
    "Error": "Error",
}


class WorkflowController:
    """Runs every Workflow object of the cluster."""

    def __init__(
        self,
        store: Store,
        loop: Loop,
        clock: Clock,
        pods: PodController,
        note: Callable[[str], None],
        *,
        needs_command: bool,
    ) -> None:
        self._loop = loop
        self._note = note
        self._host = ArgoHost(store=store, pods=pods, clock=clock, needs_command=needs_command, wake=self._wake)
        self._memories: dict[tuple[str, str], Memory] = {}
        store.subscribe(self._told)

    def _told(self, change: Change) -> None:
        if change.key.resource is resources.PODS:
            owner = labels_of(change.obj).get(WORKFLOW_LABEL)
            if owner:
                self._queue(change.key.namespace, owner)
        elif change.key.resource is resources.WORKFLOWS:
            before = change.previous or {}
            if change.type == "MODIFIED" and before.get("spec") == change.obj.get("spec"):
                return  # our own status, or labels
            self._queue(change.key.namespace, change.key.name)

    def _queue(self, namespace: str, name: str) -> None:
        self._loop.post(lambda: self._look(namespace, name), ("workflow", namespace, name))

    def _wake(self, namespace: str, name: str, moment_ms: int) -> None:
        seconds = (moment_ms - self._host.clock.now_ms()) / 1000
        self._loop.call_later(seconds, lambda: self._look(namespace, name))

    def _look(self, namespace: str, name: str) -> None:
        """Operate on one workflow until nothing changes any more."""
        workflow = self._host.store.read(resources.WORKFLOWS, namespace, name)
        if workflow is None or deleting(workflow):
            self._memories.pop((namespace, name), None)
            return
        if labels_of(workflow).get(COMPLETED_LABEL) == "true":
            return
        memory = self._memories.get((namespace, name))
        if memory is None or memory.uid != uid_of(workflow):
            memory = self._memories[namespace, name] = Memory(uid=uid_of(workflow))
        for _ in range(_MOST_LOOKS):
            workflow = clone(workflow)
            before = clone(workflow)
            self._operate(workflow, memory)
            if workflow == before:
                break
            if workflow["status"].get("finishedAt"):
                break
        self._persist(workflow)
        if workflow["status"].get("finishedAt"):
            self._memories.pop((namespace, name), None)

    def _persist(self, workflow: Obj) -> None:
        def write(stored: Obj) -> None:
            stored["status"] = workflow["status"]
            for field in ("labels", "annotations"):
                own = workflow["metadata"].get(field)
                if own:
                    stored["metadata"][field] = {**(stored["metadata"].get(field) or {}), **own}

        key = Key(resource=resources.WORKFLOWS, namespace=namespace_of(workflow), name=name_of(workflow))
        self._host.store.mutate(key, uid_of(workflow), write)

    def _operate(self, workflow: Obj, memory: Memory) -> None:
        try:
            spec = executed_spec(self._host.store, workflow)
            if not memory.started_ms:
                self._begin(workflow, spec, memory)
            operation = Operation(workflow, spec, memory, self._host)
            operation.reconcile_pods()
        except (TemplateError, UnsupportedError) as exc:
            if not memory.started_ms:
                memory.started_ms = self._host.clock.now_ms()
                self._set_phase(workflow, "Running", "")
            self._finish(workflow, "Error", f"invalid spec: {exc}")
            return
        node = self._execute_entrypoint(operation)
        if node is None or not is_fulfilled(node):
            self._note_progress(operation)
            return
        self._conclude(operation, node)

    def _begin(self, workflow: Obj, spec: Obj, memory: Memory) -> None:
        """Check the workflow, and mark it as running."""
        templates = Templates(self._host.store, namespace_of(workflow), spec)
        check_workflow(spec, LOCAL, templates.resolve, needs_command=self._host.needs_command)
        memory.started_ms = self._host.clock.now_ms()
        metadata = workflow["metadata"]
        for field in ("labels", "annotations"):
            extra = (spec.get("workflowMetadata") or {}).get(field)
            if extra:
                metadata[field] = {**(metadata.get(field) or {}), **extra}
        metadata["annotations"] = {
            **(metadata.get("annotations") or {}),
            "workflows.argoproj.io/pod-name-format": "v2",
        }
        self._set_phase(workflow, "Running", "")
        reference = workflow["spec"].get("workflowTemplateRef")
        if reference:
            found = workflow_template(self._host.store, namespace_of(workflow), reference["name"])
            workflow["status"]["storedWorkflowTemplateSpec"] = clone(found["spec"])

    def _execute_entrypoint(self, operation: Operation) -> Obj | None:
        """The entry node; None if there is none (yet)."""
        spec, workflow = operation.spec, operation.workflow
        try:
            return operation.execute(
                name_of(workflow), {"template": spec["entrypoint"]}, LOCAL, spec.get("arguments") or {}, Placement()
            )
        except DeferredError:
            return operation.nodes.named(name_of(workflow))
        except CallError as exc:
            self._finish(workflow, "Error", f"error in entry template execution: {exc}")
            return None

    def _conclude(self, operation: Operation, node: Obj) -> None:
        """Run the exit handler, then finish."""
        workflow, phase = operation.workflow, _WORKFLOW_PHASES[node["phase"]]
        exit_node: Obj | None = None
        if operation.spec.get("onExit"):
            try:
                exit_node = self._execute_exit_handler(operation, phase)
            except CallError as exc:
                self._finish(workflow, "Error", f"error in exit template execution : {exc}")
                return
            if exit_node is not None and not is_fulfilled(exit_node):
                self._note_progress(operation)
                return
        message = str(node.get("message", ""))
        if node["phase"] in UNSUCCESSFUL and operation.shutdown:
            message = f"Stopped with strategy '{operation.shutdown}'"
        if phase == "Succeeded":
            message = ""
            if exit_node is not None and exit_node["phase"] in UNSUCCESSFUL:
                phase, message = exit_node["phase"], str(exit_node.get("message", ""))
        self._note_progress(operation)
        self._finish(workflow, phase, message)

    def _execute_exit_handler(self, operation: Operation, phase: str) -> Obj | None:
        """The exit handler's node; None if shutting down leaves no room for it."""
        workflow, nodes = operation.workflow, operation.nodes
        name = f"{name_of(workflow)}.onExit"
        if nodes.named(name) is None and not operation.may_execute(on_exit=True):
            return None
        took = (operation.now_ms - operation.memory.started_ms) / 1000
        pods = {node["id"]: _pod_of(workflow, node) for node in nodes.all()}
        operation.scope["workflow.status"] = phase
        operation.scope["workflow.failures"] = failures(nodes, pods)
        operation.scope["workflow.duration"] = f"{took:f}"
        place = Placement(on_exit=True, flag={"hooked": True})
        arguments = operation.spec.get("arguments") or {}
        try:
            return operation.execute(name, {"template": operation.spec["onExit"]}, LOCAL, arguments, place)
        except DeferredError:
            return nodes.named(name) or {"phase": "Pending"}

    def _note_progress(self, operation: Operation) -> None:
        status = operation.workflow["status"]
        status["progress"] = operation.nodes.set_progress()
        active = operation.nodes.count("", ("Pod",), frozenset({"Running", "Pending"}))
        _set_condition(status, "PodRunning", "True" if active else "False")

    def _set_phase(self, workflow: Obj, phase: str, message: str) -> None:
        status = workflow.setdefault("status", {})
        status["phase"] = phase
        if message:
            status["message"] = message
        if not status.get("startedAt"):
            status["startedAt"] = rfc3339(self._host.clock.now_ms())
            status["finishedAt"] = None
        labels = workflow["metadata"]["labels"] = dict(labels_of(workflow))
        labels[PHASE_LABEL] = phase
        labels.setdefault(COMPLETED_LABEL, "false")

    def _finish(self, workflow: Obj, phase: str, message: str) -> None:
        self._set_phase(workflow, phase, message)
        status = workflow["status"]
        status["finishedAt"] = rfc3339(self._host.clock.now_ms())
        workflow["metadata"]["labels"][COMPLETED_LABEL] = "true"
        _set_condition(status, "PodRunning", "False")
        _set_condition(status, "Completed", "True")
        entry = (status.get("nodes") or {}).get(name_of(workflow))
        if phase == "Error":
            if entry and entry["phase"] == "Running":
                entry.update(
                    {"phase": "Error", "message": "Workflow operation error", "finishedAt": status["finishedAt"]}
                )
            self._note(f"workflow {namespace_of(workflow)}/{name_of(workflow)}: {message}")


def _pod_of(workflow: Obj, node: Obj) -> str:
    template = str(node.get("templateName") or (node.get("templateRef") or {}).get("template") or "")
    return pod_name(name_of(workflow), node["name"], template)


def _set_condition(status: Obj, kind: str, value: str) -> None:
    conditions = status.setdefault("conditions", [])
    for condition in conditions:
        if condition["type"] == kind:
            condition["status"] = value
            return
    conditions.append({"type": kind, "status": value})
