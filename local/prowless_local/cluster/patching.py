"""Patches: JSON merge patch (RFC 7386) and JSON patch (RFC 6902)."""

from __future__ import annotations

import json
from typing import Any

from prowless_local.cluster.api_errors import ApiError, bad_request, unsupported_media
from prowless_local.cluster.objects import Obj, clone

MERGE = "application/merge-patch+json"
JSON = "application/json-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"


def patched(obj: Obj, patch: Any, content_type: str, *, custom: bool) -> Obj:
    """A changed copy of the object.

    A strategic merge patch is taken for built-in kinds only, as in a real cluster, and only while it is the same as a
    merge patch, that is without lists and directives.

    Raises:
        ApiError: 400 a patch of the wrong form, 415 a format that is not taken, 422 a JSON patch that does not apply.
    """
    kind = content_type.partition(";")[0].strip()
    accepted = [JSON, MERGE] if custom else [JSON, MERGE, STRATEGIC]
    if kind not in accepted:
        raise unsupported_media(kind, accepted)
    if kind == JSON:
        return _json_patched(obj, patch)
    if not isinstance(patch, dict):
        raise bad_request("a merge patch must be a JSON object")
    if kind == STRATEGIC and _beyond_merge(patch):
        message = (
            "the embedded cluster takes strategic merge patches without lists and directives only: use merge-patch"
        )
        raise ApiError(415, "UnsupportedMediaType", message)
    merged = merge(obj, patch)
    if not isinstance(merged, dict):
        raise bad_request("a merge patch must leave an object")
    return merged


def merge(target: Any, patch: Any) -> Any:
    """RFC 7386: objects are merged, null removes, anything else replaces."""
    if not isinstance(patch, dict):
        return clone(patch)
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result


def _beyond_merge(patch: Any) -> bool:
    if isinstance(patch, list):
        return True
    return isinstance(patch, dict) and any(key.startswith("$") or _beyond_merge(value) for key, value in patch.items())


def _json_patched(obj: Obj, patch: Any) -> Obj:
    if not isinstance(patch, list) or not all(isinstance(item, dict) for item in patch):
        raise bad_request("a JSON patch must be a list of operations")
    document = clone(obj)
    for operation in patch:
        try:
            document = _apply(document, operation)
        except (KeyError, IndexError, TypeError, ValueError) as exc:
            shown = json.dumps(operation)[:200]
            raise ApiError(422, "Invalid", f"the server rejected our request: {shown} does not apply") from exc
    if not isinstance(document, dict):
        raise bad_request("a JSON patch must leave an object")
    return document


def _apply(document: Any, operation: Obj) -> Any:
    path = _pointer(operation["path"])
    match operation["op"]:
        case "add" | "replace" as kind:
            return _put(document, path, clone(operation["value"]), replace=kind == "replace")
        case "remove":
            return _remove(document, path)
        case "test":
            if _get(document, path) != operation["value"]:
                raise ValueError("test")
            return document
        case "move":
            value = _get(document, _pointer(operation["from"]))
            return _put(_remove(document, _pointer(operation["from"])), path, value, replace=False)
        case "copy":
            return _put(document, path, clone(_get(document, _pointer(operation["from"]))), replace=False)
        case _:
            raise ValueError("op")


def _pointer(path: str) -> list[str]:
    if path and not path.startswith("/"):
        raise ValueError("path")
    return [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]


def _get(document: Any, path: list[str]) -> Any:
    for part in path:
        document = document[int(part)] if isinstance(document, list) else document[part]
    return document


def _put(document: Any, path: list[str], value: Any, *, replace: bool) -> Any:
    if not path:
        return value
    target, last = _get(document, path[:-1]), path[-1]
    if isinstance(target, list):
        index = len(target) if last == "-" else int(last)
        if not 0 <= index <= len(target):
            raise IndexError(last)
        if replace:
            target[index] = value
        else:
            target.insert(index, value)
    elif replace and last not in target:
        raise KeyError(last)
    else:
        target[last] = value
    return document


def _remove(document: Any, path: list[str]) -> Any:
    target, last = _get(document, path[:-1]), path[-1]
    if isinstance(target, list):
        del target[int(last)]
    else:
        del target[last]
    return document
