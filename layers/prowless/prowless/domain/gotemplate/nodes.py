"""What a parsed template consists of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class TemplateError(Exception):
    """A template that cannot be parsed or executed, in Go's words: `template: NAME:LINE: what`."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant; None is Go's `nil`."""

    value: Any


@dataclass(frozen=True, slots=True)
class Dot:
    """The value at hand."""


@dataclass(frozen=True, slots=True)
class Variable:
    """`$name`, without its `$`; the empty name is what the template was given."""

    name: str


@dataclass(frozen=True, slots=True)
class Function:
    """A predefined function, as the first word of a command."""

    name: str


@dataclass(frozen=True, slots=True)
class Chain:
    """Fields below a value: `.Spec.Job` is a chain on Dot."""

    base: Operand
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Commands, each one's result being the last argument of the next; `names` are the variables that it sets."""

    line: int
    commands: tuple[tuple[Operand, ...], ...]
    names: tuple[str, ...] = ()
    declares: bool = True


Operand = Literal | Dot | Variable | Function | Chain | Pipeline


@dataclass(frozen=True, slots=True)
class Text:
    """Text as it is."""

    text: str


@dataclass(frozen=True, slots=True)
class Action:
    """A pipeline whose value is written, unless it sets a variable."""

    pipeline: Pipeline


@dataclass(frozen=True, slots=True)
class Branch:
    """`if`, `with` or `range`."""

    keyword: str
    pipeline: Pipeline
    body: Nodes
    otherwise: Nodes = ()


@dataclass(frozen=True, slots=True)
class Call:
    """`template "name" pipeline`."""

    line: int
    name: str
    pipeline: Pipeline | None


@dataclass(frozen=True, slots=True)
class Jump:
    """`break` or `continue`."""

    keyword: str


Node = Text | Action | Branch | Call | Jump
Nodes = tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed template; `defined` has the nodes of each `define` and `block`."""

    name: str
    nodes: Nodes
    defined: Mapping[str, Nodes] = field(default_factory=dict)
