"""Tekton's `$(variables)`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_REFERENCE = re.compile(r"\$\(([A-Za-z][^()$\s]*)\)")
_QUOTED = re.compile(r"""\[(?:'([^'\]]+)'|"([^"\]]+)")\]""")
_INDEXED = re.compile(r"(.+)\[(\d+|\*)\]")
_OURS = re.compile(r"(params|tasks|workspaces|results|context|steps?|credentials)\b")


class SubstitutionError(Exception):
    """A variable cannot be replaced."""


@dataclass(slots=True)
class Values:
    """What variables stand for: strings, lists of strings, and objects of strings, by their dotted names."""

    found: dict[str, Any] = field(default_factory=dict)

    def put(self, name: str, value: Any) -> None:
        """A value; an object also has its keys as variables."""
        self.found[name] = value
        if isinstance(value, dict):
            for key, item in value.items():
                self.found[f"{name}.{key}"] = item

    def joined(self, other: Values) -> Values:
        """Both, the other one's where they overlap."""
        return Values(found={**self.found, **other.found})

    def without(self, names: Iterable[str]) -> Values:
        """All but these and their keys."""
        hidden = tuple(names)
        kept = {
            key: value
            for key, value in self.found.items()
            if not any(key == name or key.startswith(f"{name}.") for name in hidden)
        }
        return Values(found=kept)


def canonical(reference: str) -> str:
    """The dotted form: `params['x']` and `params["x"]` are `params.x`."""
    return _QUOTED.sub(lambda match: f".{match[1] or match[2]}", reference)


def references(value: Any) -> list[str]:
    """The variables in all strings of a JSON value, in their dotted form."""
    if isinstance(value, dict):
        return [name for item in value.values() for name in references(item)]
    if isinstance(value, list):
        return [name for item in value for name in references(item)]
    return [canonical(match[1]) for match in _REFERENCE.finditer(value)] if isinstance(value, str) else []


def replaced(value: Any, values: Values) -> Any:
    """A copy with the known variables replaced; unknown ones stay.

    A list element, or a whole string, that is nothing but a reference to a list or object becomes it.

    Raises:
        SubstitutionError: an index that the list does not have.
    """
    if isinstance(value, dict):
        return {key: replaced(item, values) for key, item in value.items()}
    if isinstance(value, list):
        result: list[Any] = []
        for item in value:
            new = replaced(item, values)
            if isinstance(item, str) and isinstance(new, list):
                result += new
            else:
                result.append(new)
        return result
    if not isinstance(value, str) or "$(" not in value:
        return value
    alone = _REFERENCE.fullmatch(value)
    if alone:
        found = _lookup(canonical(alone[1]), values.found)
        return value if found is None else found
    return _REFERENCE.sub(lambda match: _inside(match, values.found), value)


def require_resolved(value: Any, where: str) -> None:
    """Refuse what would reach a step with one of Tekton's variables still in it.

    Raises:
        SubstitutionError: with the variable.
    """
    for name in references(value):
        if _OURS.match(name):
            raise SubstitutionError(f'non-existent variable "{name}" in {where}')


def _inside(match: re.Match[str], found: Mapping[str, Any]) -> str:
    value = _lookup(canonical(match[1]), found)
    return value if isinstance(value, str) else match[0]


def _lookup(name: str, found: Mapping[str, Any]) -> Any:
    if name in found:
        return found[name]
    indexed = _INDEXED.fullmatch(name)
    if indexed is None or indexed[1] not in found:
        return None
    value, index = found[indexed[1]], indexed[2]
    if index == "*":
        return value if isinstance(value, list | dict) else None
    if not isinstance(value, list):
        return None
    if int(index) >= len(value):
        raise SubstitutionError(f"index {index} of $({name}) is out of bound of size {len(value)}")
    return value[int(index)]
