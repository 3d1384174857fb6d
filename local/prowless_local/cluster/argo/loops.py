"""withItems, withParam and withSequence: one step or task into many, and their outputs back into one."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from prowless_local.cluster.argo.retries import whole
from prowless_local.cluster.argo.variables import Scope, TemplateError, as_text, replaced

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prowless_local.cluster.objects import Obj

_LOOPS = ("withItems", "withParam", "withSequence")
_MOST_ITEMS = 10_000
_INDEX = re.compile(r"\((\d+):")
_FORMAT = re.compile(r"%(0?\d*)([dxXo])")


def is_loop(call: Obj) -> bool:
    """Whether the call expands."""
    return any(call.get(field) not in (None, "", []) for field in _LOOPS) or call.get("withItems") == []


def expanded(call: Obj) -> list[Obj]:
    """One call per item, named `name(index:item)`, with `{{item}}` replaced.

    Raises:
        TemplateError: the items are no list.
    """
    body = {key: value for key, value in call.items() if key not in _LOOPS}
    calls = []
    for index, item in enumerate(_items(call)):
        text = _text(item)
        scope: Scope = {"item": text}
        if isinstance(item, dict):
            scope.update({f"item.{key}": _text(value) for key, value in item.items()})
            text = ",".join(sorted(f"{key}:{_text(value)}" for key, value in item.items()))
        name = f"{call['name']}({index}:{text.replace('(', '').replace(')', '')})"
        calls.append({**replaced(body, scope), "name": name})
    return calls


def aggregated(prefix: str, nodes: Iterable[Obj]) -> Scope:
    """The outputs of a loop's nodes as JSON lists, in the order of the items."""
    results: list[Any] = []
    parameters: list[dict[str, str]] = []
    by_name: dict[str, list[str]] = {}
    for node in sorted(nodes, key=_index):
        outputs = node.get("outputs") or {}
        if node["phase"] != "Succeeded":
            continue
        found = {p["name"]: str(p.get("value", "")) for p in outputs.get("parameters") or ()}
        if found:
            parameters.append(found)
        for name, value in found.items():
            by_name.setdefault(name, []).append(value)
        if outputs.get("result") is not None:
            results.append(_parsed(outputs["result"]))
    scope: Scope = {
        f"{prefix}.outputs.result": as_text(results),
        f"{prefix}.outputs.parameters": as_text(parameters),
    }
    for name, values in by_name.items():
        structured = [_parsed(value) for value in values]
        whole_list = structured if all(isinstance(value, dict | list) for value in structured) else values
        scope[f"{prefix}.outputs.parameters.{name}"] = as_text(whole_list)
    return scope


def _items(call: Obj) -> list[Any]:
    if call.get("withItems") is not None:
        items = call["withItems"]
    elif call.get("withParam"):
        try:
            items = json.loads(call["withParam"])
        except ValueError as exc:
            raise TemplateError(
                f"withParam value could not be parsed as a JSON list: {call['withParam'][:200]}"
            ) from exc
    else:
        items = _sequence(call["withSequence"])
    if not isinstance(items, list):
        raise TemplateError(f"the items of '{call['name']}' are not a list")
    if len(items) > _MOST_ITEMS:
        raise TemplateError(f"'{call['name']}' has {len(items)} items, more than {_MOST_ITEMS}")
    return items


def _sequence(sequence: Obj) -> list[str]:
    start = whole(sequence.get("start") or 0, "withSequence.start")
    if sequence.get("end") is not None:
        end = whole(sequence["end"], "withSequence.end")
    elif sequence.get("count") is not None:
        count = whole(sequence["count"], "withSequence.count")
        if count == 0:
            return []
        end = start + count - 1
    else:
        raise TemplateError("neither end nor count was specified in withSequence")
    if abs(end - start) >= _MOST_ITEMS:
        raise TemplateError(f"withSequence has more than {_MOST_ITEMS} items")
    step = 1 if start <= end else -1
    form = str(sequence.get("format") or "%d")
    if len(_FORMAT.findall(form)) != 1 or form.count("%") != 1:
        raise TemplateError(f"withSequence.format {form!r} is not supported by the embedded cluster")
    return [_formatted(form, number) for number in range(start, end + step, step)]


def _formatted(form: str, number: int) -> str:
    return _FORMAT.sub(lambda match: f"{number:{match[1]}{match[2]}}", form)


def _text(item: Any) -> str:
    return as_text(item)


def _parsed(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


def _index(node: Obj) -> int:
    found = _INDEX.findall(node["name"])
    return int(found[-1]) if found else 0
