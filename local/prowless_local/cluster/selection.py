"""Label and field selectors, as `kubectl -l` and `--field-selector` write them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from prowless_local.cluster.api_errors import bad_request
from prowless_local.cluster.objects import labels_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from prowless_local.cluster.objects import Obj

_BETWEEN_TERMS = re.compile(r",(?![^(]*\))")
_SET_TERM = re.compile(r"(?P<key>[^\s=!()]+)\s+(?P<op>in|notin)\s*\((?P<values>[^()]*)\)")
_EQUALITY_TERM = re.compile(r"(?P<key>[^\s=!()]+)\s*(?P<op>==|=|!=)\s*(?P<value>[^\s=!()]*)")
_EXISTS_TERM = re.compile(r"(?P<no>!?)\s*(?P<key>[^\s=!()]+)")
_FIELDS = ("metadata.name", "metadata.namespace", "status.phase", "spec.nodeName", "spec.restartPolicy")


def label_matcher(selector: str) -> Callable[[Obj], bool]:
    """A predicate for objects.

    Raises:
        ApiError: 400, the selector does not parse.
    """
    terms = [_label_term(term.strip()) for term in _BETWEEN_TERMS.split(selector)] if selector.strip() else []
    return lambda obj: all(term(labels_of(obj)) for term in terms)


def field_matcher(selector: str) -> Callable[[Obj], bool]:
    """A predicate for objects, over the few fields that can be selected by.

    Raises:
        ApiError: 400, the selector does not parse or names another field.
    """
    terms = [_field_term(term.strip()) for term in selector.split(",")] if selector.strip() else []
    return lambda obj: all(term(obj) for term in terms)


def _label_term(term: str) -> Callable[[dict[str, str]], bool]:
    if match := _SET_TERM.fullmatch(term):
        values = {value.strip() for value in match["values"].split(",")}
        key, wanted = match["key"], match["op"] == "in"
        return lambda labels: (labels.get(key) in values) is wanted
    if match := _EQUALITY_TERM.fullmatch(term):
        key, value, equal = match["key"], match["value"], match["op"] != "!="
        return lambda labels: (labels.get(key) == value) is equal
    if match := _EXISTS_TERM.fullmatch(term):
        key, present = match["key"], not match["no"]
        return lambda labels: (key in labels) is present
    raise bad_request(f"unable to parse requirement: {term!r} is not a label selector")


def _field_term(term: str) -> Callable[[Obj], bool]:
    match = _EQUALITY_TERM.fullmatch(term)
    if match is None:
        raise bad_request(f"invalid field selector: {term!r}; can't understand it")
    path, value, equal = match["key"], match["value"], match["op"] != "!="
    if path not in _FIELDS:
        raise bad_request(f"field label not supported: {path}")
    return lambda obj: (_field(obj, path) == value) is equal


def _field(obj: Obj, path: str) -> str:
    value: Any = obj
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return "" if value is None else str(value)
