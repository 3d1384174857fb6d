"""The values that templates compute with: Go's, as far as they matter for what is written and what is true."""

from __future__ import annotations

from typing import Any

from prowless.domain.gotemplate.nodes import TemplateError

ABSENT = "<no value>"


class Record(dict[str, Any]):
    """A Go struct: its fields by name, all of them there. `type_name` is what errors call it."""

    __slots__ = ("type_name",)

    def __init__(self, type_name: str, fields: dict[str, Any]) -> None:
        super().__init__(fields)
        self.type_name = type_name


def true(value: Any) -> bool:
    """Go's truth: not the zero value, not empty; a struct always is."""
    return True if isinstance(value, Record) else bool(value)


def written(value: Any) -> str:
    """A value as an action writes it."""
    if value is None:
        return ABSENT
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Record):
        return f"{{{' '.join(_inner(item) for item in value.values())}}}"
    if isinstance(value, dict):
        return f"map[{' '.join(f'{key}:{_inner(value[key])}' for key in sorted(value))}]"
    if isinstance(value, list):
        return f"[{' '.join(_inner(item) for item in value)}]"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _inner(value: Any) -> str:
    return "<nil>" if value is None else written(value)


def field(value: Any, name: str) -> Any:
    """A field of a struct, or a map's value, None if it has no such key.

    Raises:
        TemplateError: there is no such field, or nothing that could have one.
    """
    if isinstance(value, Record):
        if name not in value:
            raise TemplateError(f"can't evaluate field {name} in type {value.type_name}")
        return value[name]
    if isinstance(value, dict):
        return value.get(name)
    if value is None:
        raise TemplateError(f"nil pointer evaluating {name}")
    raise TemplateError(f"can't evaluate field {name} in type {kind(value)}")


def index(value: Any, *keys: Any) -> Any:
    """What `index` gives: list items by number, map values by key.

    Raises:
        TemplateError: out of range, or a wrong kind of key.
    """
    for key in keys:
        if isinstance(value, list | str):
            if not isinstance(key, int) or isinstance(key, bool):
                raise TemplateError(f"cannot index slice/array with type {kind(key)}")
            if not 0 <= key < len(value):
                raise TemplateError(f"index out of range: {key}")
            value = ord(value[key]) if isinstance(value, str) else value[key]
        elif isinstance(value, dict) and not isinstance(value, Record):
            value = value.get(key)
        else:
            raise TemplateError("index of untyped nil" if value is None else f"can't index item of type {kind(value)}")
    return value


def kind(value: Any) -> str:
    """The value's type, as errors name it."""
    if isinstance(value, Record):
        return value.type_name
    names = {bool: "bool", int: "int", float: "float64", str: "string", list: "slice", dict: "map", type(None): "nil"}
    return names.get(type(value), "value")
