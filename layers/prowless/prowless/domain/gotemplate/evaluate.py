"""From a parsed template and its data to the text, within limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prowless.domain.gotemplate.functions import FUNCTIONS, MAX_OUTPUT
from prowless.domain.gotemplate.nodes import (
    Action,
    Branch,
    Call,
    Dot,
    Function,
    Literal,
    Pipeline,
    TemplateError,
    Text,
    Variable,
)
from prowless.domain.gotemplate.values import field, true, written

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prowless.domain.gotemplate.nodes import Nodes, Operand, Template

MAX_STEPS = 20_000
"""Nodes and operands that are looked at."""
MAX_MADE = 16 * MAX_OUTPUT
"""Characters and items that all functions together make: what variables can hold beside the data and literals."""
MAX_CALLS = 50
"""Templates that call each other."""


@dataclass(slots=True)
class Budget:
    """What is left to spend; several executions may share one."""

    steps: int = MAX_STEPS
    made: int = MAX_MADE

    @property
    def spent(self) -> bool:
        """Whether a limit was reached."""
        return min(self.steps, self.made) < 0


def execute(template: Template, data: Any, budget: Budget | None = None) -> str:
    """The text that a template makes of its data.

    Args:
        template: the parsed template.
        data: what `.` is.
        budget: less than the usual one, or one for several templates.

    Raises:
        TemplateError: a field is not there, a function refuses its arguments, or a limit is reached.
    """
    run = _Run(template, budget or Budget())
    try:
        run.nodes(template.nodes, data, [("", data)])
    except TemplateError as error:
        raise TemplateError(f"template: {template.name}:{run.line}: executing: {error}") from error
    return "".join(run.output)


class _JumpError(Exception):
    """`break` or `continue` on its way to its loop."""


class _Run:
    def __init__(self, template: Template, budget: Budget) -> None:
        self._template = template
        self._budget = budget
        self.output: list[str] = []
        self.line = 1
        self._size = 0
        self._calls = 0

    def nodes(self, nodes: Nodes, dot: Any, variables: list[tuple[str, Any]]) -> None:
        for node in nodes:
            self._step()
            if isinstance(node, Text):
                self._write(node.text)
            elif isinstance(node, Action):
                value = self._pipeline(node.pipeline, dot, variables)
                if not node.pipeline.names:
                    self._write(written(value))
            elif isinstance(node, Branch):
                known = len(variables)
                self._branch(node, dot, variables)
                del variables[known:]
            elif isinstance(node, Call):
                self._call(node, dot, variables)
            else:
                raise _JumpError(node.keyword)

    def _step(self) -> None:
        self._budget.steps -= 1
        if self._budget.steps < 0:
            raise TemplateError("takes too many steps")

    def _write(self, text: str) -> None:
        self._size += len(text)
        if self._size > MAX_OUTPUT:
            raise TemplateError(f"writes more than {MAX_OUTPUT} characters")
        self.output.append(text)

    def _call(self, node: Call, dot: Any, variables: list[tuple[str, Any]]) -> None:
        self.line = node.line
        nodes = self._template.defined.get(node.name)
        if nodes is None:
            raise TemplateError(f'template "{node.name}" not defined')
        value = self._pipeline(node.pipeline, dot, variables) if node.pipeline else None
        self._calls += 1
        if self._calls > MAX_CALLS:
            raise TemplateError(f"more than {MAX_CALLS} templates inside each other")
        self.nodes(nodes, value, [("", value)])
        self._calls -= 1

    def _branch(self, node: Branch, dot: Any, variables: list[tuple[str, Any]]) -> None:
        if node.keyword == "range":
            self._range(node, dot, variables)
            return
        value = self._pipeline(node.pipeline, dot, variables)
        inner = value if node.keyword == "with" else dot
        if true(value):
            self.nodes(node.body, inner, variables)
        else:
            self.nodes(node.otherwise, dot, variables)

    def _range(self, node: Branch, dot: Any, variables: list[tuple[str, Any]]) -> None:
        names = node.pipeline.names
        items = list(_items(self._value(node.pipeline, dot, variables)))
        known = len(variables)
        for pair in items:
            self._step()
            del variables[known:]
            # One variable is the item, two are its key and the item.
            for name, item in zip(names, pair[-len(names) :] if names else (), strict=True):
                _set(variables, name, item, declares=node.pipeline.declares)
            try:
                self.nodes(node.body, pair[1], variables)
            except _JumpError as jump:
                if jump.args[0] == "break":
                    break
        if not items:
            self.nodes(node.otherwise, dot, variables)

    def _pipeline(self, pipeline: Pipeline, dot: Any, variables: list[tuple[str, Any]]) -> Any:
        value = self._value(pipeline, dot, variables)
        for name in pipeline.names:
            _set(variables, name, value, declares=pipeline.declares)
        return value

    def _value(self, pipeline: Pipeline, dot: Any, variables: list[tuple[str, Any]]) -> Any:
        self.line = pipeline.line
        value: Any = None
        for number, command in enumerate(pipeline.commands):
            value = self._command(command, dot, variables, [value] if number else [])
        return value

    def _command(
        self, command: tuple[Operand, ...], dot: Any, variables: list[tuple[str, Any]], last: list[Any]
    ) -> Any:
        first, *rest = command
        if not isinstance(first, Function):
            if rest or last:
                raise TemplateError("can't give argument to non-function")
            return self._operand(first, dot, variables)
        if first.name in {"and", "or"}:
            return self._logic(first.name, rest, dot, variables, last)
        values = [self._operand(operand, dot, variables) for operand in rest] + last
        return self._called(first.name, values)

    def _logic(
        self, name: str, rest: list[Operand], dot: Any, variables: list[tuple[str, Any]], last: list[Any]
    ) -> Any:
        """The first value that decides, else the last one; what comes after it is not looked at."""
        if not rest and not last:
            raise TemplateError(f"wrong number of args for {name}: want at least 1 got 0")
        value: Any = None
        for operand in rest:
            value = self._operand(operand, dot, variables)
            if true(value) is (name == "or"):
                return value
        return last[0] if last else value

    def _operand(self, operand: Operand, dot: Any, variables: list[tuple[str, Any]]) -> Any:
        self._step()
        match operand:
            case Literal(value):
                return value
            case Dot():
                return dot
            case Variable(name):
                return next(value for known, value in reversed(variables) if known == name)
            case Pipeline():
                return self._pipeline(operand, dot, variables)
            case Function(name):
                return self._called(name, [])
        value = self._operand(operand.base, dot, variables)
        for name in operand.fields:
            value = field(value, name)
        return value

    def _called(self, name: str, values: list[Any]) -> Any:
        value = _result(name, values)
        if isinstance(value, str | list):
            self._budget.made -= len(value)
            if self._budget.made < 0:
                raise TemplateError("its functions make too many characters")
        return value


def _result(name: str, values: list[Any]) -> Any:
    if name == "not":
        if len(values) != 1:
            raise TemplateError(f"wrong number of args for not: want 1 got {len(values)}")
        return not true(values[0])
    if name not in FUNCTIONS:
        raise TemplateError(f"wrong number of args for {name}: want at least 1 got 0")
    try:
        return FUNCTIONS[name](*values)
    except TypeError as error:
        raise TemplateError(f"error calling {name}: wrong number or kind of args") from error


def _items(value: Any) -> Iterable[tuple[Any, Any]]:
    if isinstance(value, list):
        return enumerate(value)
    if isinstance(value, dict):
        return [(key, value[key]) for key in sorted(value)]
    if isinstance(value, int) and not isinstance(value, bool):
        return ((number, number) for number in range(min(value, MAX_STEPS)))
    if value is None:
        return ()
    raise TemplateError("range can't iterate over the value")


def _set(variables: list[tuple[str, Any]], name: str, value: Any, *, declares: bool) -> None:
    if declares:
        variables.append((name, value))
        return
    at = max(at for at, (known, _) in enumerate(variables) if known == name)
    variables[at] = (name, value)
