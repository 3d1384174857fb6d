"""What steps and DAG tasks have in common: the scope of outputs, and replacing its variables in a call."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from prowless_local.cluster.argo.expressions import ExpressionError, when_holds
from prowless_local.cluster.argo.loops import is_loop
from prowless_local.cluster.argo.variables import Scope, TemplateError, as_text, only_tag, replaced
from prowless_local.cluster.pod_support import UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prowless_local.cluster.argo.nodes import Nodes
    from prowless_local.cluster.argo.operation import Operation
    from prowless_local.cluster.objects import Obj

_NOT_RUN = frozenset({"Skipped", "Omitted"})


def node_scope(nodes: Nodes, prefix: str, node: Obj) -> Scope:
    """What a finished step or task offers to others, under `steps.<name>` or `tasks.<name>`."""
    if node["type"] == "Retry" and nodes.retries(node):
        node = nodes.retries(node)[-1]
    scope: Scope = {
        f"{prefix}.id": node["id"],
        f"{prefix}.status": node["phase"],
        f"{prefix}.startedAt": node["startedAt"],
    }
    if node.get("finishedAt"):
        scope[f"{prefix}.finishedAt"] = node["finishedAt"]
    if node.get("hostNodeName"):
        scope[f"{prefix}.hostNodeName"] = node["hostNodeName"]
    outputs = node.get("outputs") or {}
    if outputs.get("result") is not None:
        scope[f"{prefix}.outputs.result"] = outputs["result"]
    if outputs.get("exitCode") is not None:
        scope[f"{prefix}.exitCode"] = outputs["exitCode"]
    for parameter in outputs.get("parameters") or ():
        if parameter.get("value") is not None:
            scope[f"{prefix}.outputs.parameters.{parameter['name']}"] = as_text(parameter["value"])
    return scope


def not_run_scope(operation: Operation, prefix: str, node: Obj, call: Obj, scope: str) -> Scope:
    """The declared outputs of a step that was skipped: their defaults, or the absence of a value."""
    if node["phase"] not in _NOT_RUN or node.get("outputs"):
        return {}
    try:
        template = operation.templates.resolve(call, scope)[1]
    except (TemplateError, UnsupportedError):
        return {}
    found: Scope = {}
    for parameter in (template.get("outputs") or {}).get("parameters") or ():
        default = (parameter.get("valueFrom") or {}).get("default")
        found[f"{prefix}.outputs.parameters.{parameter['name']}"] = None if default is None else as_text(default)
    return found


def resolved(call: Obj, scope: Mapping[str, str | None]) -> Obj:
    """The call with the outputs of others in it. If its `when` says no already, the rest stays as it is.

    Raises:
        TemplateError: an output that does not exist.
        ExpressionError: a `when` that makes no sense.
    """
    if call.get("when"):
        when = replaced(as_text(call["when"]), scope, strict=True)
        try:
            if not when_holds(when):
                return {**call, "when": when}
        except ExpressionError:
            if not is_loop(call):  # else it may need an item first
                raise
    return dict(replaced(_without_absent(call, scope), scope, strict=True))


def _without_absent(call: Obj, scope: Mapping[str, str | None]) -> Obj:
    """Arguments that are nothing but an absent output count as not given, so that the input's default applies."""
    arguments = call.get("arguments") or {}
    given = arguments.get("parameters")
    if not given:
        return call
    kept = []
    for parameter in given:
        tag = only_tag(parameter.get("value"))
        if tag is None or tag not in scope or scope[tag] is not None:
            kept.append(parameter)
    return {**call, "arguments": {**arguments, "parameters": kept}}


def continues(call: Obj, phase: str) -> bool:
    """Whether `continueOn` lets what follows go on after this phase."""
    on = call.get("continueOn") or {}
    return bool((phase == "Failed" and on.get("failed")) or (phase == "Error" and on.get("error")))


def failures(nodes: Nodes, pod_name_of: Mapping[str, str]) -> str:
    """`{{workflow.failures}}`: a quoted JSON list of what failed."""
    failed = [
        {
            "displayName": node["displayName"],
            "message": node.get("message", ""),
            "templateName": node.get("templateName", ""),
            "phase": node["phase"],
            "podName": pod_name_of[node["id"]],
            "finishedAt": node["finishedAt"],
        }
        for node in nodes.all()
        if node["phase"] in {"Failed", "Error"}
    ]
    return json.dumps(json.dumps(failed or None))
