"""One look at a workflow: everything that can happen now happens (Argo's `operator.go`, `operate`)."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from prowless_local.cluster import resources
from prowless_local.cluster.api_errors import ApiError
from prowless_local.cluster.argo import dag, podspec, podstatus, retries, steps
from prowless_local.cluster.argo.host import (
    COMPLETED_LABEL,
    ArgoHost,
    CallError,
    DeferredError,
    Execution,
    Memory,
    Output,
    Placement,
)
from prowless_local.cluster.argo.nodes import UNSUCCESSFUL, Nodes, is_fulfilled, pod_name
from prowless_local.cluster.argo.podspec import PodRequest
from prowless_local.cluster.argo.support import check_template
from prowless_local.cluster.argo.templates import LOCAL, Templates
from prowless_local.cluster.argo.variables import (
    Scope,
    TemplateError,
    as_text,
    processed,
    replaced,
    require_resolved,
    strings,
    workflow_scope,
)
from prowless_local.cluster.objects import Obj, name_of, namespace_of, owned_by, rfc3339, uid_of
from prowless_local.cluster.pod_support import UnsupportedError
from prowless_local.cluster.store import Key

if TYPE_CHECKING:
    from collections.abc import Mapping

_DEEPEST = 100  # Argo's limit for templates that call themselves
_ACTIVE = frozenset({"Pending", "Running"})


class Operation:
    """The state of one look. `workflow` is a copy that is changed, and stored afterwards."""

    def __init__(self, workflow: Obj, spec: Obj, memory: Memory, host: ArgoHost) -> None:
        self.workflow = workflow
        self.spec = spec
        self.memory = memory
        self.host = host
        self.now_ms = host.clock.now_ms()
        status = workflow.setdefault("status", {})
        self.nodes = Nodes(name_of(workflow), status.setdefault("nodes", {}), memory.moments, host.clock.now_ms)
        self.templates = Templates(host.store, namespace_of(workflow), spec)
        self.scope: Scope = workflow_scope(workflow, spec, self.config_map_value)
        self._depth = 0

    @property
    def shutdown(self) -> str:
        """`Stop`, `Terminate` or empty."""
        return str(self.workflow["spec"].get("shutdown") or "")

    @property
    def deadline_ms(self) -> int | None:
        """When the workflow's time is up."""
        seconds = self.spec.get("activeDeadlineSeconds")
        return None if seconds is None else self.memory.started_ms + int(float(seconds) * 1000)

    @property
    def past_deadline(self) -> bool:
        """Whether it is up."""
        return self.deadline_ms is not None and self.now_ms >= self.deadline_ms

    def may_execute(self, *, on_exit: bool) -> bool:
        """Whether shutting down leaves room for this (`ShutdownStrategy.ShouldExecute`)."""
        return {"Terminate": False, "Stop": on_exit}.get(self.shutdown, True)

    def wake_at(self, moment_ms: int) -> None:
        """Look again at that time."""
        if moment_ms not in self.memory.wakes:
            self.memory.wakes.add(moment_ms)
            self.host.wake(namespace_of(self.workflow), name_of(self.workflow), moment_ms)

    def config_map_value(self, name: str, key: str) -> str | None:
        """A key of a ConfigMap of the workflow's namespace."""
        found = self.host.store.read(resources.CONFIGMAPS, namespace_of(self.workflow), name)
        return (found.get("data") or {}).get(key) if found else None

    def reconcile_pods(self) -> None:
        """Take over what became of the pods, and end those that must not go on."""
        if self.deadline_ms is not None:
            self.wake_at(self.deadline_ms)
        for node in self.nodes.all():
            if node["type"] != "Pod" or is_fulfilled(node):
                continue
            pod = self._pod_of(node)
            if pod is None:
                if node["id"] in self.memory.created:
                    self.nodes.mark(node, "Error", "pod deleted")
                elif self._must_end(node):
                    self.nodes.mark(node, "Failed", self._must_end(node))
                continue
            podstatus.assess(self.nodes, node, pod, self._template_of(node), self.memory.outputs.get(node["id"]))
            self._after_assessment(node, pod)

    def execute(self, name: str, call: Obj, scope: str, arguments: Obj, place: Placement) -> Obj:
        """Execute the template that a call names, as far as it goes now; returns its node.

        Raises:
            CallError: it cannot be executed; its node is marked.
            DeferredError: not now, because enough is running.
        """
        node = self.nodes.named(name)
        if node is not None and is_fulfilled(node):
            return node
        self._depth += 1
        try:
            self._check_depth()
            inner, template = self.templates.resolve(call, scope)
            self._check(inner, template)
            local = {"node.name": name}
            strategy = template.get("retryStrategy") or self.spec.get("retryStrategy")
            if not _is_tree(template) and strategy is None:
                local["pod.name"] = self._pod_name(name, template)
            if call.get("name"):
                local[f"{'tasks' if 'dag' in call else 'steps'}.name"] = call["name"]
            template = processed(template, arguments, self.scope, local, self.config_map_value)
            self._check_parallelism(template, node, place.boundary)
            execution = Execution(name=name, call=call, scope=inner, template=template, place=place)
            return self._run(execution) if strategy is None else self._execute_attempts(execution, strategy)
        except (TemplateError, UnsupportedError) as exc:
            self.mark_error(name, call, scope, place, str(exc))
            raise CallError(str(exc)) from exc
        finally:
            self._depth -= 1

    def mark_error(self, name: str, call: Obj, scope: str, place: Placement, message: str) -> Obj:
        """Mark a node as errored, made for it if need be."""
        node = self.nodes.named(name)
        if node is not None:
            return self.nodes.mark(node, "Error", message)
        return self.nodes.add(
            name, "Skipped", "Error", call=call, boundary=place.boundary, message=message, scope=scope, flag=place.flag
        )

    def export(self, outputs: Obj | None) -> None:
        """Make outputs with a `globalName` outputs of the workflow."""
        for parameter in (outputs or {}).get("parameters") or ():
            if parameter.get("globalName") and parameter.get("value") is not None:
                kept = self.workflow["status"].setdefault("outputs", {}).setdefault("parameters", [])
                kept[:] = [other for other in kept if other["name"] != parameter["globalName"]]
                kept.append({"name": parameter["globalName"], "value": parameter["value"]})
                self.scope[f"workflow.outputs.parameters.{parameter['globalName']}"] = parameter["value"]

    def tree_outputs(self, template: Obj, scope: Mapping[str, str | None]) -> Obj | None:
        """The declared outputs of a steps or DAG template, from the scope of its steps.

        Raises:
            TemplateError: one of them has no value.
        """
        declared = (template.get("outputs") or {}).get("parameters") or []
        found = []
        for parameter in declared:
            source = parameter.get("valueFrom") or {}
            value = source.get("parameter", parameter.get("value"))
            default = source.get("default")
            try:
                value = replaced(value, scope, strict=True)
            except TemplateError:
                if default is None:
                    raise
                value = default
            found.append({**parameter, "value": as_text(value)})
        return {"parameters": found} if found else None

    def _run(self, execution: Execution) -> Obj:
        if execution.template.get("steps") is not None:
            return steps.execute(self, execution)
        if execution.template.get("dag") is not None:
            return dag.execute(self, execution)
        return self._execute_pod(execution)

    def _execute_attempts(self, execution: Execution, strategy: Obj) -> Obj:
        name = execution.name
        parent = self.new_tree_node(execution, "Retry")
        place = replace(execution.place, flag={**(execution.place.flag or {}), "retried": True})
        while True:
            may_go_on = retries.assess(self, parent, strategy)
            attempts = self.nodes.retries(parent)
            if is_fulfilled(parent):
                if attempts and attempts[-1].get("outputs"):
                    parent["outputs"] = attempts[-1]["outputs"]
                return parent
            if not may_go_on:
                return parent
            unfinished = bool(attempts) and not is_fulfilled(attempts[-1])
            number = len(attempts) - 1 if unfinished else len(attempts)
            attempt = f"{name}({number})"
            local = self._retry_scope(attempts[: -1 if unfinished else None], number)
            local["pod.name"] = self._pod_name(attempt, execution.template)
            self.nodes.link(name, attempt)
            template = replaced(execution.template, local)
            if not is_fulfilled(self._run(replace(execution, name=attempt, template=template, place=place))):
                return parent

    def _retry_scope(self, earlier: list[Obj], number: int) -> dict[str, str]:
        last = earlier[-1] if earlier else {}
        took = (self.nodes.finished_ms(last) - self.nodes.started_ms(last)) / 1000 if last else 0
        return {
            "retries": str(number),
            "lastRetry.exitCode": (last.get("outputs") or {}).get("exitCode", "0"),
            "lastRetry.status": str(last.get("phase", "")),
            "lastRetry.duration": f"{took:g}",
            "lastRetry.message": str(last.get("message", "")),
        }

    def _execute_pod(self, execution: Execution) -> Obj:
        template, place = execution.template, execution.place
        require_resolved({key: value for key, value in template.items() if key != "inputs"})
        node = self.nodes.named(execution.name) or self._new_node(execution, "Pod", "Pending")
        if node["id"] in self.memory.created or is_fulfilled(node):
            return node
        why_not = self._must_end(node, on_exit=place.on_exit)
        if why_not:
            return self.nodes.mark(node, "Failed", why_not)
        pod, wiring = podspec.build(self._pod_request(node, template, place))
        try:
            self.host.pods.create(pod, wiring)
        except ApiError as exc:
            if exc.reason != "AlreadyExists":
                return self.nodes.mark(node, "Error", exc.message)
            # The pod of an earlier workflow of this name is still ending; its deletion brings us back here.
            return self.nodes.mark(node, "Pending", f"waiting: {exc.message}")
        self.memory.created.add(node["id"])
        node.pop("message", None)
        if template.get("containerSet"):
            self._add_container_nodes(node, execution)
        return node

    def _pod_request(self, node: Obj, template: Obj, place: Placement) -> PodRequest:
        limits = [retries.seconds(template[k]) for k in ("activeDeadlineSeconds", "timeout") if template.get(k)]
        if self.deadline_ms is not None and not place.on_exit:
            limits.append((self.deadline_ms - self.now_ms) / 1000)
        node_id = node["id"]

        def finished(output: Output) -> None:
            self.memory.outputs[node_id] = output

        return PodRequest(
            workflow=self.workflow,
            spec={**self.spec, "volumes": replaced(self.spec.get("volumes") or [], self.scope)},
            node=node,
            template=template,
            on_exit=place.on_exit,
            wants_result=self._result_is_wanted(node),
            deadline_seconds=max(1, int(min(limits))) if limits else None,
            finished=finished,
        )

    def _add_container_nodes(self, node: Obj, execution: Execution) -> None:
        containers = execution.template["containerSet"]["containers"]
        for container in containers:
            name = f"{node['name']}.{container['name']}"
            call, scope = execution.call, execution.scope
            self.nodes.add(name, "Container", "Pending", call=call, boundary=node["id"], scope=scope)
        for container in containers:
            for parent in container.get("dependencies") or [""]:
                above = f"{node['name']}.{parent}" if parent else node["name"]
                self.nodes.link(above, f"{node['name']}.{container['name']}")

    def _new_node(self, execution: Execution, kind: str, phase: str) -> Obj:
        place = execution.place
        node = self.nodes.add(
            execution.name,
            kind,
            phase,
            call=execution.call,
            boundary=place.boundary,
            scope=execution.scope,
            flag=place.flag,
        )
        if execution.template.get("inputs"):
            node["inputs"] = execution.template["inputs"]
        if execution.call.get("inline"):
            self.memory.inline[node["id"]] = execution.template
        return node

    def new_tree_node(self, execution: Execution, kind: str) -> Obj:
        """The node of a steps or DAG template, or of attempts; made with the first look."""
        return self.nodes.named(execution.name) or self._new_node(execution, kind, "Running")

    def _after_assessment(self, node: Obj, pod: Obj) -> None:
        if is_fulfilled(node):
            self.export(node.get("outputs"))
            key = Key(resource=resources.PODS, namespace=namespace_of(pod), name=name_of(pod))
            self.host.store.mutate(key, uid_of(pod), _mark_completed)
            return
        why = self._must_end(node)
        if why:
            self.host.pods.stop(pod)
            self.nodes.mark(node, "Failed", why)
            for child in self.nodes.children(node):
                if child["type"] == "Container" and not is_fulfilled(child):
                    self.nodes.mark(child, "Failed", why)

    def _must_end(self, node: Obj, *, on_exit: bool | None = None) -> str:
        """Why a node may not (go on to) run, if so."""
        for_exit = self.nodes.is_for_exit(node) if on_exit is None else on_exit
        if not self.may_execute(on_exit=for_exit):
            return f"workflow shutdown with strategy: {self.shutdown}"
        return "Step exceeded its deadline" if self.past_deadline and not for_exit else ""

    def _check_parallelism(self, template: Obj, node: Obj | None, boundary: str) -> None:
        most = self.spec.get("parallelism")
        leaf = node is None and not _is_tree(template)
        if most and leaf and self.nodes.count("", ("Pod",), _ACTIVE) >= retries.whole(most, "spec.parallelism"):
            raise DeferredError
        parent = self.nodes.get(boundary)
        if parent is None or (node is not None and node["phase"] in _ACTIVE):
            return
        outer = self._template_of(parent)
        kinds = ("Pod", "Steps", "DAG")
        if outer.get("failFast") and self.nodes.count(boundary, kinds, UNSUCCESSFUL):
            if not self.nodes.count(boundary, ("Pod",), _ACTIVE):
                self.nodes.mark(parent, "Failed", "template has failed or errored children and failFast enabled")
            raise DeferredError
        limit = outer.get("parallelism")
        if limit and self.nodes.count(boundary, kinds, _ACTIVE) >= retries.whole(limit, "parallelism"):
            raise DeferredError

    def _check_depth(self) -> None:
        if self._depth > _DEEPEST:
            raise TemplateError(f"max depth exceeded: templates call each other more than {_DEEPEST} deep")

    def _check(self, scope: str, template: Obj) -> None:
        key = (scope, str(template.get("name") or ""))
        if key not in self.memory.checked or not key[1]:
            check_template(template, needs_command=self.host.needs_command)
            self.memory.checked.add(key)

    def _result_is_wanted(self, node: Obj) -> bool:
        """Whether a sibling or the boundary uses this step's `outputs.result`."""
        boundary = self.nodes.get(str(node.get("boundaryID") or ""))
        if boundary is None:
            return False
        step = re.sub(r"\(.*\)$", "", str(node["displayName"]))
        pattern = re.compile(rf"(steps|tasks)\.{re.escape(step)}\.outputs\.result")
        return any(pattern.search(text) for text in strings(self._template_of(boundary)))

    def _template_of(self, node: Obj) -> Obj:
        """The template a node was made from, with nothing replaced."""
        if node["id"] in self.memory.inline:
            return self.memory.inline[node["id"]]
        scope = str(node["templateScope"])
        inner = scope.removeprefix("namespaced/") if scope.startswith("namespaced/") else LOCAL
        call = {key: node.get(name) for key, name in (("template", "templateName"), ("templateRef", "templateRef"))}
        try:
            return self.templates.resolve(call, inner)[1]
        except (TemplateError, UnsupportedError):
            return {}

    def _pod_name(self, node_name: str, template: Obj) -> str:
        return pod_name(name_of(self.workflow), node_name, str(template.get("name") or ""))

    def _pod_of(self, node: Obj) -> Obj | None:
        name = self._pod_name(node["name"], self._template_of(node))
        pod = self.host.store.read(resources.PODS, namespace_of(self.workflow), name)
        return pod if pod is not None and owned_by(pod, uid_of(self.workflow)) else None

    def stamp(self) -> str:
        """The present time, as objects have it."""
        return rfc3339(self.now_ms)


def _is_tree(template: Obj) -> bool:
    return template.get("steps") is not None or template.get("dag") is not None


def _mark_completed(pod: Obj) -> None:
    pod["metadata"]["labels"][COMPLETED_LABEL] = "true"
