"""A node's state from its pod's (`assessNodeStatus` and `inferFailedReason` in Argo's operator.go)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prowless_local.cluster.argo.podspec import main_containers, output_container

if TYPE_CHECKING:
    from prowless_local.cluster.argo.host import Output
    from prowless_local.cluster.argo.nodes import Nodes
    from prowless_local.cluster.objects import Obj

_EMISSARY_ERROR = 64
_ENDED_BY_US = frozenset({137, 143})


def assess(nodes: Nodes, node: Obj, pod: Obj, template: Obj, output: Output | None) -> None:
    """Bring a Pod node, and the Container nodes below it, up to date."""
    status = pod.get("status") or {}
    _assess_containers(nodes, node, pod)
    node["hostNodeName"] = "embedded"
    code = _exit_code(pod, template)
    if code is not None:
        node.setdefault("outputs", {})["exitCode"] = str(code)
    match status.get("phase"):
        case "Succeeded":
            _succeed(nodes, node, template, output)
        case "Failed":
            phase, message = _why_failed(pod, main_containers(template))
            if phase == "Succeeded":
                _succeed(nodes, node, template, output)
            else:
                _keep_outputs(node, template, output)
                nodes.mark(node, phase, message)
        case "Running":
            nodes.mark(node, "Running", "")
        case _:
            nodes.mark(node, "Pending", _pending_reason(status))


def _succeed(nodes: Nodes, node: Obj, template: Obj, output: Output | None) -> None:
    _keep_outputs(node, template, output)
    if output is not None and output.problem:
        nodes.mark(node, "Error", output.problem)
    else:
        nodes.mark(node, "Succeeded", "")


def _keep_outputs(node: Obj, template: Obj, output: Output | None) -> None:
    if output is None:
        return
    if output.result is not None:
        node.setdefault("outputs", {})["result"] = output.result
    kept = []
    for parameter in (template.get("outputs") or {}).get("parameters") or ():
        if parameter["name"] in output.parameters:
            kept.append({**parameter, "value": output.parameters[parameter["name"]]})
        elif parameter.get("value") is not None:
            kept.append(dict(parameter))
    if kept:
        node.setdefault("outputs", {})["parameters"] = kept


def _pending_reason(status: Obj) -> str:
    for container in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
        waiting = (container.get("state") or {}).get("waiting") or {}
        if waiting.get("message"):
            return f"{waiting['reason']}: {waiting['message']}"
    return ""


def _exit_code(pod: Obj, template: Obj) -> int | None:
    name = output_container(template)
    for container in (pod.get("status") or {}).get("containerStatuses") or ():
        terminated = (container.get("state") or {}).get("terminated")
        if container["name"] == name and terminated:
            return int(terminated["exitCode"])
    return None


def _why_failed(pod: Obj, mains: list[str]) -> tuple[str, str]:
    status = pod["status"]
    if status.get("message"):
        return ("Error" if status.get("reason") == "Unsupported" else "Failed"), str(status["message"])
    regular = sorted(status.get("containerStatuses") or (), key=lambda container: container["name"] not in mains)
    for container in (*(status.get("initContainerStatuses") or ()), *regular):
        state = container.get("state") or {}
        if state.get("waiting"):
            waiting = state["waiting"]
            why = f"{waiting.get('reason', '')}: {waiting.get('message', '')}"
            return "Error", f"Pod failed before {container['name']} container starts due to {why}"
        terminated = state.get("terminated")
        if not terminated or terminated["exitCode"] == 0:
            continue
        if container["name"] not in mains and container in regular and terminated["exitCode"] in _ENDED_BY_US:
            continue
        return "Failed", _message(container["name"], terminated)
    ended = [c["name"] for c in regular if (c.get("state") or {}).get("terminated")]
    if set(mains) - set(ended):
        return "Failed", "pod failed: main container did not complete successfully"
    return "Succeeded", ""


def _message(name: str, terminated: Obj) -> str:
    message = f"{terminated.get('reason', 'Error')} (exit code {terminated['exitCode']})"
    if terminated.get("message"):
        message += f": {terminated['message']}"
    return f"{name}: {message}"


def _assess_containers(nodes: Nodes, node: Obj, pod: Obj) -> None:
    """The nodes of a containerSet's containers."""
    status = pod.get("status") or {}
    for container in status.get("containerStatuses") or ():
        child = nodes.named(f"{node['name']}.{container['name']}")
        if child is None:
            continue
        state = container.get("state") or {}
        terminated = state.get("terminated")
        if terminated and terminated["exitCode"] == 0:
            nodes.mark(child, "Succeeded")
        elif terminated:
            phase = "Error" if terminated["exitCode"] == _EMISSARY_ERROR else "Failed"
            nodes.mark(child, phase, _message(container["name"], terminated))
        elif status.get("phase") == "Failed":
            nodes.mark(child, "Failed", "Pod Failed whilst container running")
        else:
            nodes.mark(child, "Running" if state.get("running") else "Pending")
