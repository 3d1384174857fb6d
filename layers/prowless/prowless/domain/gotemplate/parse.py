"""From a template's text to its nodes (`text/template/parse`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prowless.domain.gotemplate.functions import NAMES
from prowless.domain.gotemplate.lex import pieces
from prowless.domain.gotemplate.nodes import (
    Action,
    Branch,
    Call,
    Chain,
    Dot,
    Function,
    Jump,
    Literal,
    Pipeline,
    Template,
    TemplateError,
    Text,
    Variable,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prowless.domain.gotemplate.lex import Token
    from prowless.domain.gotemplate.nodes import Node, Nodes, Operand

MAX_DEPTH = 50
"""Blocks and parentheses inside each other."""

_BRANCHES = frozenset({"if", "with", "range"})
_KEYWORDS = _BRANCHES | {"block", "break", "continue", "define", "else", "end", "template"}
_CONSTANTS = {"true": True, "false": False}


def parse(name: str, source: str) -> Template:
    """A template.

    Args:
        name: what errors call it.
        source: its text.

    Raises:
        TemplateError: the text is not a template.
    """
    parser = _Parser(name, source)
    return Template(name, parser.nodes(), parser.defined)


class _Parser:
    def __init__(self, name: str, source: str) -> None:
        self._name = name
        self._pieces = pieces(name, source)
        self._depth = 0
        self._loops = 0
        self.line = 1
        self.variables: list[str] = [""]
        self.defined: dict[str, Nodes] = {}

    def error(self, text: str) -> TemplateError:
        return TemplateError(f"template: {self._name}:{self.line}: {text}")

    def nodes(self) -> Nodes:
        """The whole template."""
        found, ending = self._list()
        if ending:
            raise self.error(f"unexpected {{{{{ending[0].text}}}}}")
        return found

    def deeper(self, by: int) -> None:
        self._depth += by
        if self._depth > MAX_DEPTH:
            raise self.error(f"nested deeper than {MAX_DEPTH}")

    def _list(self) -> tuple[Nodes, tuple[Token, ...]]:
        """Nodes up to an `end`, an `else` (its tokens), or the template's end (no tokens)."""
        found: list[Node] = []
        for piece in self._pieces:
            self.line = piece.line
            if piece.tokens is None:
                found.append(Text(piece.text))
                continue
            first, *rest = piece.tokens
            if first.kind != "word" or first.text not in _KEYWORDS:
                found.append(Action(self._pipeline(piece.tokens)))
            elif first.text in {"end", "else"}:
                return tuple(found), piece.tokens
            else:
                found += self._keyword(first.text, rest)
        return tuple(found), ()

    def _keyword(self, word: str, rest: Sequence[Token]) -> list[Node]:
        if word in _BRANCHES:
            return [self._branch(word, rest)]
        if word in {"break", "continue"}:
            if not self._loops:
                raise self.error(f"{{{{{word}}}}} outside {{{{range}}}}")
            return [Jump(word)]
        if not rest or rest[0].kind not in {"string", "raw"}:
            raise self.error(f"unexpected {_shown(rest)} in {word} clause")
        name, pipeline = rest[0].value, self._pipeline(rest[1:]) if rest[1:] else None
        if word == "template":
            return [Call(self.line, name, pipeline)]
        line = self.line
        outer, self.variables = self.variables, [""]
        self.defined[name] = self._block(word)
        self.variables = outer
        return [Call(line, name, pipeline)] if word == "block" else []

    def _block(self, word: str) -> Nodes:
        """Nodes up to their `end`."""
        self.deeper(1)
        body, ending = self._list()
        self.deeper(-1)
        if not ending:
            raise self.error("unexpected EOF")
        if ending[0].text == "else":
            raise self.error(f"unexpected {{{{else}}}} in {word} clause")
        return body

    def _branch(self, word: str, rest: Sequence[Token]) -> Branch:
        self.deeper(1)
        known = len(self.variables)
        pipeline = self._pipeline(rest, word)
        self._loops += word == "range"
        body, ending = self._list()
        self._loops -= word == "range"
        otherwise: Nodes = ()
        if ending and ending[0].text == "else":
            if len(ending) > 1:
                if ending[1].text != word or word == "range":
                    raise self.error(f"unexpected {_shown(ending[1:])} in else clause")
                otherwise = (self._branch(word, ending[2:]),)
            else:
                otherwise = self._block("else")
        elif not ending:
            raise self.error("unexpected EOF")
        del self.variables[known:]
        self.deeper(-1)
        return Branch(word, pipeline, body, otherwise)

    def _pipeline(self, tokens: Sequence[Token], word: str = "command") -> Pipeline:
        return _PipelineParser(self, tokens, word).whole()


class _PipelineParser:
    """The tokens of one action."""

    def __init__(self, parser: _Parser, tokens: Sequence[Token], word: str) -> None:
        self._parser = parser
        self._tokens = tokens
        self._at = 0
        self._word = word

    def whole(self) -> Pipeline:
        pipeline = self._pipeline()
        if self._peek() is not None:
            raise self._unexpected()
        return pipeline

    def _peek(self, ahead: int = 0) -> Token | None:
        return self._tokens[self._at + ahead] if self._at + ahead < len(self._tokens) else None

    def _is(self, text: str, ahead: int = 0) -> bool:
        token = self._peek(ahead)
        return token is not None and token.kind == "mark" and token.text == text

    def _unexpected(self) -> TemplateError:
        return self._parser.error(f"unexpected {_shown(self._tokens[self._at :])} in operand")

    def _pipeline(self) -> Pipeline:
        names, declares = self._declarations()
        commands: list[tuple[Operand, ...]] = []
        while True:
            command = self._command()
            if not command:
                raise self._parser.error(f"missing value for {self._word}")
            if commands and isinstance(command[0], Literal | Dot):
                raise self._parser.error(f"non executable command in pipeline stage {len(commands) + 1}")
            commands.append(command)
            if not self._is("|"):
                break
            self._at += 1
        if declares:
            self._parser.variables += names
        return Pipeline(self._parser.line, tuple(commands), names, declares)

    def _declarations(self) -> tuple[tuple[str, ...], bool]:
        first = self._peek()
        if first is None or first.kind != "variable":
            return (), True
        names = [first.text[1:]]
        ahead = 1
        if self._is(",", 1) and self._word == "range" and (second := self._peek(2)) and second.kind == "variable":
            names.append(second.text[1:])
            ahead = 3
        declares = self._is(":=", ahead)
        if not declares and not self._is("=", ahead):
            return (), True
        if not declares:
            for name in names:
                self._known(name)
        self._at += ahead + 1
        return tuple(names), declares

    def _command(self) -> tuple[Operand, ...]:
        operands: list[Operand] = []
        while (token := self._peek()) is not None and not (token.kind == "mark" and token.text in {"|", ")"}):
            operands.append(self._operand(token, first=not operands))
        return tuple(operands)

    def _operand(self, token: Token, *, first: bool) -> Operand:
        self._at += 1
        operand: Operand
        if token.kind == "mark" and token.text == "(":
            self._parser.deeper(1)
            operand = self._pipeline()
            self._parser.deeper(-1)
            if not self._is(")"):
                raise self._parser.error("unclosed left paren")
            self._at += 1
        else:
            operand = self._term(token, first=first)
        fields: list[str] = [token.text[1:]] if token.kind == "field" else []
        while (following := self._peek()) and following.kind == "field" and not following.spaced:
            fields.append(following.text[1:])
            self._at += 1
        if fields and isinstance(operand, Literal | Function):
            raise self._parser.error(f"unexpected . after term {_shown([token])}")
        return Chain(operand, tuple(fields)) if fields else operand

    def _term(self, token: Token, *, first: bool) -> Operand:
        match token.kind:
            case "field" | "dot":
                return Dot()
            case "variable":
                self._known(token.text[1:])
                return Variable(token.text[1:])
            case "string" | "raw" | "char" | "number":
                return Literal(token.value)
            case "word" if token.text in _CONSTANTS:
                return Literal(_CONSTANTS[token.text])
            case "word" if token.text == "nil":
                if first:
                    raise self._parser.error("nil is not a command")
                return Literal(None)
            case "word" if token.text in NAMES:
                return Function(token.text)
            case "word" if token.text not in _KEYWORDS:
                raise self._parser.error(f'function "{token.text}" not defined')
        self._at -= 1
        raise self._unexpected()

    def _known(self, name: str) -> None:
        if name not in self._parser.variables:
            raise self._parser.error(f'undefined variable "${name}"')


def _shown(tokens: Sequence[Token]) -> str:
    if not tokens:
        return '"}}"'
    token = tokens[0]
    text = token.text if len(token.text) <= 20 else f"{token.text[:17]}..."  # noqa: PLR2004  as long as in Go
    return text if token.kind in {"string", "raw"} else f"<{text}>" if token.kind == "word" else f'"{text}"'
