"""Argo's `{{variables}}`: replacing them in templates, and the values of a workflow as a whole."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from prowless_local.cluster.objects import Obj, annotations_of, epoch_ms, labels_of, name_of, namespace_of, uid_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Scope = dict[str, str | None]  # None: the output of a step that did not run, and has no default

_TAG = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}")
EXPRESSION = re.compile(r"\{\{\s*=")
# What Argo itself knows as its own (workflow/common/common.go); other `{{…}}` belong to the program in the container.
_OURS = re.compile(r"(item|steps|tasks|inputs|outputs|pod|node|workflow)(\.|$)|retries$|lastRetry\.")
_STRICT = ("tasks.", "steps.")


class TemplateError(Exception):
    """A template or its arguments cannot be used as they are."""


def replaced(value: Any, scope: Mapping[str, str | None], *, strict: bool = False) -> Any:
    """A copy with the variables of the scope replaced, in all strings of a JSON value.

    Unknown ones stay, to be replaced later; with `strict`, not those of other steps and tasks.

    Raises:
        TemplateError: a variable that must be known is not.
    """
    if isinstance(value, dict):
        return {key: replaced(item, scope, strict=strict) for key, item in value.items()}
    if isinstance(value, list):
        return [replaced(item, scope, strict=strict) for item in value]
    if not isinstance(value, str) or "{{" not in value:
        return value
    return _TAG.sub(lambda match: _value(match, scope, strict=strict), value)


def _value(match: re.Match[str], scope: Mapping[str, str | None], *, strict: bool) -> str:
    tag = match[1]
    if tag in scope:
        found = scope[tag]
        if found is None:
            why = "output is an absent optional (skipped/omitted node with no default)"
            raise TemplateError(f"unable to substitute {{{{{tag}}}}}: {why}")
        return found
    if strict and tag.startswith(_STRICT):
        raise TemplateError(f"failed to resolve {{{{{tag}}}}}")
    return match[0]


def require_resolved(value: Any) -> None:
    """Refuse what would reach a container with one of Argo's variables still in it.

    Raises:
        TemplateError: with the variable.
    """
    for text in strings(value):
        for match in _TAG.finditer(text):
            if _OURS.match(match[1]):
                raise TemplateError(f"failed to resolve {{{{{match[1]}}}}}")


def strings(value: Any) -> list[str]:
    """All strings in a JSON value."""
    if isinstance(value, dict):
        return [text for item in value.values() for text in strings(item)]
    if isinstance(value, list):
        return [text for item in value for text in strings(item)]
    return [value] if isinstance(value, str) else []


def only_tag(value: Any) -> str | None:
    """The variable, if the value is that variable and nothing else."""
    match = _TAG.fullmatch(value.strip()) if isinstance(value, str) else None
    return match[1] if match else None


def as_text(value: Any) -> str:
    """A parameter's value, which YAML may have made a number or a boolean."""
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"))


def workflow_scope(workflow: Obj, spec: Obj, config_map_value: Callable[[str, str], str | None]) -> Scope:
    """The values that every template of the workflow can use (`setGlobalParameters` in Argo's operator.go).

    Raises:
        TemplateError: a parameter without a value.
    """
    created = workflow["metadata"]["creationTimestamp"]
    parameters = (spec.get("arguments") or {}).get("parameters") or []
    scope: Scope = {
        "workflow.name": name_of(workflow),
        "workflow.namespace": namespace_of(workflow),
        "workflow.uid": uid_of(workflow),
        "workflow.mainEntrypoint": str(spec.get("entrypoint") or ""),
        "workflow.serviceAccountName": str(spec.get("serviceAccountName") or ""),
        "workflow.priority": str(spec.get("priority") or 0),
        "workflow.creationTimestamp": created,
        "workflow.creationTimestamp.RFC3339": created,
        "workflow.creationTimestamp.s": str(epoch_ms(created) // 1000),
        "workflow.parameters": as_text(parameters),
        "workflow.parameters.json": as_text(parameters),
        "workflow.labels": as_text(labels_of(workflow)),
        "workflow.labels.json": as_text(labels_of(workflow)),
        "workflow.annotations": as_text(annotations_of(workflow)),
        "workflow.annotations.json": as_text(annotations_of(workflow)),
        "workflow.status": str((workflow.get("status") or {}).get("phase") or ""),
    }
    for key, value in labels_of(workflow).items():
        scope[f"workflow.labels.{key}"] = value
    for key, value in annotations_of(workflow).items():
        scope[f"workflow.annotations.{key}"] = value
    for parameter in parameters:
        given = parameter_value(parameter, config_map_value)
        if given is None:
            raise TemplateError(
                "either value or valueFrom must be specified in order to set global parameter " + str(parameter["name"])
            )
        scope[f"workflow.parameters.{parameter['name']}"] = given
    for parameter in ((workflow.get("status") or {}).get("outputs") or {}).get("parameters") or ():
        scope[f"workflow.outputs.parameters.{parameter['name']}"] = parameter["value"]
    return scope


def parameter_value(parameter: Obj, config_map_value: Callable[[str, str], str | None]) -> str | None:
    """A declared parameter's own value: `value`, a ConfigMap's key, or `default`."""
    if parameter.get("value") is not None:
        return as_text(parameter["value"])
    source = parameter.get("valueFrom") or {}
    reference = source.get("configMapKeyRef")
    if reference:
        found = config_map_value(str(reference.get("name")), str(reference.get("key")))
        if found is not None:
            return found
    default = source.get("default", parameter.get("default"))
    return None if default is None else as_text(default)


def processed(
    template: Obj,
    arguments: Obj,
    scope: Mapping[str, str | None],
    local: Mapping[str, str],
    config_map_value: Callable[[str, str], str | None],
) -> Obj:
    """The template with its inputs set from the arguments, and everything known by now replaced.

    Raises:
        TemplateError: an input without a value, or with one that its `enum` does not have.
    """
    given = {p["name"]: p.get("value") for p in arguments.get("parameters") or ()}
    known: Scope = {**scope, **local}
    inputs = []
    for parameter in (template.get("inputs") or {}).get("parameters") or ():
        name = str(parameter["name"])
        if given.get(name) is not None:
            value: str | None = as_text(given[name])
        else:
            value = parameter_value(replaced(parameter, known), config_map_value)
        if value is None:
            raise TemplateError(f"inputs.parameters.{name} was not supplied")
        if parameter.get("enum") and value not in [as_text(item) for item in parameter["enum"]]:
            raise TemplateError(f"inputs.parameters.{name}: {value!r} is not one of its enum")
        inputs.append({"name": name, "value": value})
        known[f"inputs.parameters.{name}"] = value
    known["inputs.parameters"] = as_text(inputs)
    for parameter in (template.get("outputs") or {}).get("parameters") or ():
        path = (parameter.get("valueFrom") or {}).get("path")
        if path:
            known[f"outputs.parameters.{parameter['name']}.path"] = str(replaced(path, known))
    body = {key: value for key, value in template.items() if key not in {"inputs", "name"}}
    result: Obj = {"name": template.get("name", ""), **replaced(body, known)}
    if inputs:
        result["inputs"] = {"parameters": inputs}
    return result
