"""A TaskRun's status from its pod's (Tekton's `pkg/pod/status.go`)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prowless_local.cluster.objects import clone
from prowless_local.cluster.tekton.naming import set_condition

if TYPE_CHECKING:
    from prowless_local.cluster.objects import Obj

_RESULT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a TaskRun's pod ended, or that it has not (`status` Unknown)."""

    status: str
    reason: str
    message: str


def apply(status: Obj, pod: Obj, task: Obj, stamp: str, *, on_error: str) -> None:
    """Write what the pod says into the TaskRun's status."""
    containers = (pod.get("status") or {}).get("containerStatuses") or []
    status["podName"] = pod["metadata"]["name"]
    status["steps"] = [_step(container) for container in containers]
    outcome = _outcome(pod, containers)
    if outcome.status != "Unknown":
        status["completionTime"] = stamp
        problem = _set_results(status, containers, task)
        if problem and outcome.status == "True":
            outcome = Outcome(status="False", reason="TaskRunValidationFailed", message=problem)
        if outcome.status == "False" and on_error == "continue":
            outcome = Outcome(status="False", reason="FailureIgnored", message=outcome.message)
    set_condition(status, outcome.status, outcome.reason, outcome.message, stamp)


def terminate_steps(status: Obj, reason: str, stamp: str) -> None:
    """Mark steps that have not ended as ended with the TaskRun."""
    for step in status.get("steps") or ():
        state = step.pop("running", None) or step.pop("waiting", None)
        if state is not None:
            step["terminated"] = {
                "exitCode": 1,
                "startedAt": state.get("startedAt", stamp),
                "finishedAt": stamp,
                "reason": reason,
                "message": f"Step {step['name']} terminated as pod {status.get('podName', '')} is terminated",
            }
            step["terminationReason"] = reason


def _outcome(pod: Obj, containers: list[Obj]) -> Outcome:
    status = pod.get("status") or {}
    match status.get("phase"):
        case "Succeeded":
            return Outcome(status="True", reason="Succeeded", message="All Steps have completed executing")
        case "Failed":
            reason, message = _failure(status, containers)
            return Outcome(status="False", reason=reason, message=message)
        case "Running":
            text = "Not all Steps in the Task have finished executing"
            return Outcome(status="Unknown", reason="Running", message=text)
        case _:
            return Outcome(status="Unknown", reason="Pending", message=_waiting(containers))


def _waiting(containers: list[Obj]) -> str:
    for container in containers:
        waiting = (container.get("state") or {}).get("waiting") or {}
        if waiting.get("message"):
            return f'build step "{container["name"]}" is pending with reason "{waiting["message"]}"'
    return "Pending"


def _failure(status: Obj, containers: list[Obj]) -> tuple[str, str]:
    if status.get("message"):
        return "Failed", str(status["message"])
    for container in containers:
        terminated = (container.get("state") or {}).get("terminated") or {}
        entries = _entries(terminated)
        if any(entry.get("key") == "Reason" and entry.get("value") == "TimeoutExceeded" for entry in entries):
            return "StepFailed", f'"{container["name"]}" exited because the step exceeded the specified timeout limit'
        if terminated.get("exitCode"):
            text = (
                f'"{container["name"]}" exited with code {terminated["exitCode"]}: {terminated.get("reason", "Error")}'
            )
            if terminated.get("reason") == "StartError" or (terminated.get("message") and not entries):
                text += f" ({terminated['message']})"
            return "StepFailed", text
    return "Failed", "build failed for unspecified reasons."


def _step(container: Obj) -> Obj:
    state = clone(container.get("state") or {})
    name = str(container["name"]).removeprefix("step-")
    step: Obj = {"name": name, "container": container["name"], **state}
    terminated = step.get("terminated")
    if terminated:
        entries = _entries(terminated)
        found = {entry["key"]: entry["value"] for entry in entries if entry.get("type") != _RESULT}
        step["terminationReason"] = found.get("Reason") or (
            "Continued" if "ExitCode" in found else terminated["reason"]
        )
        if "ExitCode" in found:
            terminated["exitCode"] = int(found["ExitCode"])
        if entries:
            terminated.pop("message", None)
    return step


def _set_results(status: Obj, containers: list[Obj], task: Obj) -> str:
    """Write the results; returns what is wrong with them."""
    texts: dict[str, str] = {}
    for container in containers:
        for entry in _entries((container.get("state") or {}).get("terminated") or {}):
            if entry.get("type") == _RESULT:
                texts[entry["key"]] = entry["value"]
    results, wrong = [], []
    for declared in task.get("results") or ():
        name = declared["name"]
        if name not in texts:
            continue
        wanted = declared.get("type") or ("object" if declared.get("properties") else "string")
        kind, value = ("string", texts[name]) if wanted == "string" else _typed(texts[name])
        if kind != wanted:
            wrong.append(f'"{name}": task result is expected to be "{wanted}" type but was initialized to a '
                         f'different type "{kind}"')  # fmt: skip
        results.append({"name": name, "type": kind, "value": value})
    if results:
        status["results"] = results
    if not wrong:
        return ""
    return (
        "Provided results don't match declared results; may be invalid JSON or missing result declaration:  "
        + ", ".join(wrong)
    )


def _typed(text: str) -> tuple[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return "string", text
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return "array", value
    if isinstance(value, dict) and all(isinstance(item, str) for item in value.values()):
        return "object", value
    return "string", text


def _entries(terminated: Obj) -> list[Obj]:
    """The termination message's entries, none if it is something else."""
    try:
        entries = json.loads(terminated.get("message") or "[]")
    except ValueError:
        return []
    return entries if isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries) else []
