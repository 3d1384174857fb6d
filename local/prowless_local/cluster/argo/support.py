"""What of a Workflow is carried out. Everything else is refused by name, before anything runs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from prowless_local.cluster.argo.expressions import RESULTS, dependencies
from prowless_local.cluster.argo.variables import EXPRESSION, TemplateError, strings
from prowless_local.cluster.pod_support import UnsupportedError, check_container, check_volume, unsupported

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from prowless_local.cluster.objects import Obj

    Resolve = Callable[[Obj, str], tuple[str, Obj]]

_WORKFLOW = frozenset(
    {
        "activeDeadlineSeconds", "arguments", "entrypoint", "onExit", "parallelism", "podMetadata", "podSpecPatch",
        "retryStrategy", "shutdown", "templates", "volumes", "workflowMetadata", "workflowTemplateRef",
    }
)  # fmt: skip
_WORKFLOW_WITHOUT_EFFECT = frozenset(
    {
        "affinity", "archiveLogs", "artifactGC", "artifactRepositoryRef", "automountServiceAccountToken", "dnsConfig",
        "dnsPolicy", "executor", "hostAliases", "hostNetwork", "imagePullSecrets", "metrics", "nodeSelector",
        "podDisruptionBudget", "podGC", "podPriority", "podPriorityClassName", "podResources", "priority",
        "schedulerName", "securityContext", "serviceAccountName", "tolerations", "ttlStrategy", "volumeClaimGC",
    }
)  # fmt: skip
KINDS = ("container", "script", "containerSet", "steps", "dag")
_TEMPLATE = frozenset(
    {
        *KINDS, "activeDeadlineSeconds", "failFast", "initContainers", "inputs", "metadata", "name", "outputs",
        "parallelism", "retryStrategy", "sidecars", "timeout", "volumes",
    }
)  # fmt: skip
_TEMPLATE_WITHOUT_EFFECT = frozenset(
    {
        "affinity", "annotations", "archiveLocation", "automountServiceAccountToken", "executor", "hostAliases",
        "memoize", "metrics", "nodeSelector", "podResources", "priority", "priorityClassName", "schedulerName",
        "securityContext", "serviceAccountName", "tolerations",
    }
)  # fmt: skip
_CALL = frozenset(
    {
        "arguments", "continueOn", "dependencies", "depends", "inline", "name", "template", "templateRef", "when",
        "withItems", "withParam", "withSequence",
    }
)  # fmt: skip
_PATCH = re.compile(r'\{"terminationGracePeriodSeconds": [0-9]+\}')
_RETRY = frozenset({"affinity", "backoff", "limit", "retryPolicy"})
_POLICIES = frozenset({"", "Always", "OnError", "OnFailure"})


def check_workflow(spec: Obj, scope: str, resolve: Resolve, *, needs_command: bool) -> None:
    """Check everything that can be reached from the entrypoint and the exit handler.

    Raises:
        UnsupportedError: naming what is not carried out.
        TemplateError: what Argo would refuse as well.
    """
    _refuse(spec, _WORKFLOW | _WORKFLOW_WITHOUT_EFFECT, "spec")
    _refuse(spec.get("workflowMetadata") or {}, ("labels", "annotations"), "workflowMetadata")
    _check_retry(spec.get("retryStrategy") or {}, "spec")
    if spec.get("podSpecPatch") and not _PATCH.fullmatch(str(spec["podSpecPatch"])):
        raise unsupported("podSpecPatch of spec, but for terminationGracePeriodSeconds")
    if (spec.get("arguments") or {}).get("artifacts"):
        raise unsupported("arguments.artifacts of the workflow")
    for volume in spec.get("volumes") or ():
        check_volume(volume)
    if not spec.get("entrypoint"):
        raise TemplateError("spec.entrypoint is required")
    seen: set[tuple[str, str]] = set()
    for name in (spec["entrypoint"], spec.get("onExit")):
        if name:
            _walk({"template": name}, scope, resolve, seen, needs_command=needs_command)


def check_template(template: Obj, *, needs_command: bool) -> None:
    """Check one template by itself.

    Raises:
        UnsupportedError: naming what is not carried out.
        TemplateError: what Argo would refuse as well.
    """
    where = f'template "{template.get("name", "")}"'
    _refuse(template, _TEMPLATE | _TEMPLATE_WITHOUT_EFFECT, where)
    if any(EXPRESSION.search(text) for text in strings(template)):
        raise unsupported(f"an expression tag ({{{{=…}}}}) in {where}")
    if len([kind for kind in KINDS if template.get(kind) is not None]) != 1:
        raise TemplateError(f"{where} must have exactly one of {', '.join(KINDS)}")
    _check_retry(template.get("retryStrategy") or {}, where)
    _check_data(template, where)
    for volume in template.get("volumes") or ():
        check_volume(volume)
    for container in _containers(template):
        try:
            check_container(container, needs_command=needs_command)
        except UnsupportedError as exc:
            raise UnsupportedError(f"{where}: {exc}") from exc
    for call in _calls(template):
        _refuse(call, _CALL, f'"{call.get("name", "")}" of {where}')
        if (call.get("arguments") or {}).get("artifacts"):
            raise unsupported(f'arguments.artifacts of "{call.get("name", "")}" of {where}')
    if template.get("dag"):
        check_dag(template, where)


def check_dag(template: Obj, where: str) -> None:
    """Check names, dependencies and cycles of a DAG.

    Raises:
        TemplateError: what Argo would refuse as well.
    """
    tasks = template["dag"].get("tasks") or []
    names = [str(task.get("name") or "") for task in tasks]
    if not tasks or len(set(names)) != len(names) or not all(names):
        raise TemplateError(f"{where}: a DAG needs tasks, each with a name of its own")
    if any(task.get("depends") for task in tasks) and any(task.get("dependencies") for task in tasks):
        raise TemplateError(f"{where} cannot use both 'depends' and 'dependencies' in the same DAG template")
    before = {
        str(task["name"]): [*dependencies(str(task.get("depends") or "")), *(task.get("dependencies") or ())]
        for task in tasks
    }
    for name, needed in before.items():
        for other in needed:
            if other not in before:
                raise TemplateError(f"{where}: task '{name}' depends on '{other}', which is not defined")
    for task in tasks:
        for token in str(task.get("depends") or "").replace("(", " ").replace(")", " ").split():
            _, dot, result = token.strip("!&|").partition(".")
            if dot and result not in RESULTS:
                raise TemplateError(f"task result '{result}' in depends of task '{task['name']}' is invalid")
    _check_cycles(before, where)


def _check_cycles(before: dict[str, list[str]], where: str) -> None:
    done: set[str] = set()
    while len(done) < len(before):
        ready = [name for name, needed in before.items() if name not in done and done.issuperset(needed)]
        if not ready:
            left = ", ".join(sorted(set(before) - done))
            raise TemplateError(f"{where}: the tasks depend on each other in a circle: {left}")
        done.update(ready)


def _walk(call: Obj, scope: str, resolve: Resolve, seen: set[tuple[str, str]], *, needs_command: bool) -> None:
    if "{{" in str(call.get("template") or ""):
        return  # known when it is called, and checked then
    scope, template = resolve(call, scope)
    if (scope, str(template.get("name"))) in seen and "inline" not in call:
        return
    seen.add((scope, str(template.get("name"))))
    check_template(template, needs_command=needs_command)
    for inner in _calls(template):
        _walk(inner, scope, resolve, seen, needs_command=needs_command)


def _calls(template: Obj) -> list[Obj]:
    """The steps or tasks of a template."""
    found: list[Any] = []
    for group in template.get("steps") or ():
        found += group if isinstance(group, list) else [group]
    found += (template.get("dag") or {}).get("tasks") or []
    if not all(isinstance(call, dict) for call in found):
        raise TemplateError(f'template "{template.get("name", "")}": steps and tasks must be objects')
    return found


def _containers(template: Obj) -> list[Obj]:
    """The containers as a pod would have them."""
    found = []
    if template.get("container"):
        found.append({**template["container"], "name": "main"})
    if template.get("script"):
        script = {key: value for key, value in template["script"].items() if key != "source"}
        found.append({**script, "name": "main"})
    grouped = (template.get("containerSet") or {}).get("containers") or ()
    helpers = (*(template.get("initContainers") or ()), *(template.get("sidecars") or ()))
    for container in (*grouped, *helpers):
        found += [{k: v for k, v in container.items() if k not in {"dependencies", "mirrorVolumeMounts"}}]
    return found


def _check_data(template: Obj, where: str) -> None:
    """Inputs and outputs, and what is particular to a kind."""
    for side in ("inputs", "outputs"):
        for artifact in (template.get(side) or {}).get("artifacts") or ():
            if not artifact.get("optional"):
                raise unsupported(f'{side}.artifacts "{artifact.get("name")}" of {where}')
    for parameter in (template.get("inputs") or {}).get("parameters") or ():
        _refuse(
            parameter.get("valueFrom") or {},
            ("configMapKeyRef", "default"),
            f'input "{parameter.get("name")}" of {where}',
        )
    for parameter in (template.get("outputs") or {}).get("parameters") or ():
        source = parameter.get("valueFrom") or {}
        _refuse(source, ("path", "parameter", "default"), f'output "{parameter.get("name")}" of {where}')
    container_set = template.get("containerSet") or {}
    _refuse(container_set, ("containers", "volumeMounts"), f"containerSet of {where}")
    names = [container.get("name") for container in container_set.get("containers") or ()]
    for container in container_set.get("containers") or ():
        for dependency in container.get("dependencies") or ():
            if dependency not in names:
                raise TemplateError(f"{where}: container '{container.get('name')}' depends on unknown '{dependency}'")


def _check_retry(strategy: Obj, where: str) -> None:
    _refuse(strategy, _RETRY, f"retryStrategy of {where}")
    if strategy.get("retryPolicy", "") not in _POLICIES:
        raise unsupported(f'retryPolicy "{strategy["retryPolicy"]}" of {where}')


def _refuse(holder: Obj, known: Collection[str], where: str) -> None:
    for field, value in holder.items():
        if field not in known and value not in (None, [], "", False):
            raise unsupported(f"{field} of {where}")
