"""What a template refers to, against the types of its data, without executing it: every branch is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prowless.domain.gotemplate.nodes import Action, Branch, Call, Chain, Dot, Function, Pipeline, Variable
from prowless.domain.gotemplate.values import Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prowless.domain.gotemplate.nodes import Nodes, Operand, Template

TEXT, NUMBER, FLAG, MAP, ANY = "text", "number", "flag", "map", "any"
"""Kinds without fields; `map` is of texts, and nothing is known below `any`."""

_ZERO: dict[str, Any] = {TEXT: "", NUMBER: 0, FLAG: False, ANY: None}


@dataclass(frozen=True, slots=True)
class Struct:
    """A Go struct: the name that errors have, and its fields."""

    name: str
    fields: Mapping[str, Kind]

    def record(self, values: Mapping[str, Any]) -> Record:
        """The struct with these values; other fields have their zero value."""
        zero = {name: _zero(kind) for name, kind in self.fields.items() if name not in values}
        return Record(self.name, {name: zero.get(name, values.get(name)) for name in self.fields})


@dataclass(frozen=True, slots=True)
class ListOf:
    """A slice."""

    item: Kind


@dataclass(frozen=True, slots=True)
class Pointer:
    """A struct that may be nil."""

    to: Struct


Kind = str | Struct | ListOf | Pointer


def _zero(kind: Kind) -> Any:
    if isinstance(kind, Struct):
        return kind.record({})
    if isinstance(kind, ListOf):
        return []
    if kind == MAP:
        return {}
    return None if isinstance(kind, Pointer) else _ZERO[kind]


def unknown_fields(template: Template, data: Kind) -> list[str]:
    """The fields that the data's types do not have, each once, in Go's words.

    A defined template may be given anything, so its fields are not known.
    """
    check = _Check()
    for problem in check.nodes(template.nodes, data, {"": data}):
        check.found.setdefault(f"template: {template.name}:{problem}")
    return list(check.found)


class _Check:
    def __init__(self) -> None:
        self.found: dict[str, None] = {}
        self._line = 1

    def nodes(self, nodes: Nodes, dot: Kind, variables: dict[str, Kind]) -> Iterator[str]:
        for node in nodes:
            if isinstance(node, Branch):
                yield from self._branch(node, dot, dict(variables))
            elif isinstance(node, Action | Call) and node.pipeline:
                kind, problems = self._pipeline(node.pipeline, dot, variables)
                yield from problems
                variables.update(dict.fromkeys(node.pipeline.names, kind))

    def _branch(self, node: Branch, dot: Kind, variables: dict[str, Kind]) -> Iterator[str]:
        kind, problems = self._pipeline(node.pipeline, dot, variables)
        yield from problems
        inner = dot
        if node.keyword == "with":
            inner = kind
        elif node.keyword == "range":
            inner = kind = kind.item if isinstance(kind, ListOf) else ANY
        names = node.pipeline.names
        variables.update(dict.fromkeys(names[:-1], ANY))
        variables.update(dict.fromkeys(names[-1:], kind))
        yield from self.nodes(node.body, inner, dict(variables))
        yield from self.nodes(node.otherwise, dot, variables)

    def _pipeline(self, pipeline: Pipeline, dot: Kind, variables: Mapping[str, Kind]) -> tuple[Kind, list[str]]:
        self._line = pipeline.line
        kind: Kind = ANY
        problems: list[str] = []
        for command in pipeline.commands:
            kinds = [self._operand(operand, dot, variables, problems) for operand in command]
            kind = ANY if len(pipeline.commands) > 1 else _result(command, kinds)
        return kind, problems

    def _operand(self, operand: Operand, dot: Kind, variables: Mapping[str, Kind], problems: list[str]) -> Kind:
        match operand:
            case Dot():
                return dot
            case Variable(name):
                return variables.get(name, ANY)
            case Pipeline():
                kind, found = self._pipeline(operand, dot, variables)
                problems += found
                return kind
            case Chain(base, fields):
                return self._below(self._operand(base, dot, variables, problems), fields, problems)
        return ANY

    def _below(self, kind: Kind, fields: tuple[str, ...], problems: list[str]) -> Kind:
        for name in fields:
            struct = kind.to if isinstance(kind, Pointer) else kind
            if not isinstance(struct, Struct):
                return ANY
            if name not in struct.fields:
                problems.append(f"{self._line}: can't evaluate field {name} in type {struct.name}")
                return ANY
            kind = struct.fields[name]
        return kind


def _result(command: tuple[Operand, ...], kinds: list[Kind]) -> Kind:
    """What a command gives, where that is known: its only value, or an item of a list."""
    if len(command) == 1:
        return kinds[0]
    is_index = command[0] == Function("index") and len(command) == 3  # noqa: PLR2004  index, list and number
    return kinds[1].item if is_index and isinstance(kinds[1], ListOf) else ANY
