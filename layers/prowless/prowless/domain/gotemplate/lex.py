"""A template's text as pieces: text between actions, and the tokens of each action."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prowless.domain.gotemplate.nodes import TemplateError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_TEMPLATE = 64 * 1024
"""Characters of a template."""

_SPACE = " \t\r\n"
_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]+)
    |(?P<string>"(?:\\.|[^"\\\n])*")
    |(?P<raw>`[^`]*`)
    |(?P<char>'(?:\\.[^'\n]*|[^'\\\n])')
    |(?P<number>[+-]?\.?[0-9][0-9A-Za-z_.]*)
    |(?P<variable>\$\w*)
    |(?P<field>\.[^\W\d]\w*)
    |(?P<dot>\.)
    |(?P<word>[^\W\d]\w*)
    |(?P<mark>:=|[=|(),])""",
    re.VERBOSE,
)
_CLOSE = re.compile(r"[ \t\r\n]+-\}\}|\}\}")
_COMMENT = re.compile(r"[ \t\r\n]*/\*")
_COMMENT_END = re.compile(r"\*/(?:[ \t\r\n]+-)?\}\}")
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))", re.DOTALL)
_ESCAPED = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", "'": "'", '"': '"'}
_LAST = 0x10FFFF
_SURROGATES = range(0xD800, 0xE000)


@dataclass(frozen=True, slots=True)
class Token:
    """A part of an action: `kind` as in the expression above, `text` as written, `value` of a constant."""

    kind: str
    text: str
    value: Any = None
    spaced: bool = False


@dataclass(frozen=True, slots=True)
class Piece:
    """Text, or an action's tokens."""

    line: int
    text: str = ""
    tokens: tuple[Token, ...] | None = None


def pieces(name: str, source: str) -> Iterator[Piece]:
    """The pieces of a template, comments left out and spaces trimmed where the markers say so.

    Raises:
        TemplateError: something is not closed, or a character has no meaning.
    """
    if len(source) > MAX_TEMPLATE:
        raise TemplateError(f"template: {name}: longer than {MAX_TEMPLATE} characters")
    position, trim = 0, False
    while position < len(source):
        opening = source.find("{{", position)
        text = source[position : opening if opening >= 0 else len(source)]
        text = text.lstrip(_SPACE) if trim else text
        line = 1 + source.count("\n", 0, position)
        if opening < 0:
            yield Piece(line, text)
            return
        start = opening + 2
        if source[start : start + 1] == "-" and source[start + 1 : start + 2] in tuple(_SPACE):
            text, start = text.rstrip(_SPACE), start + 2
        if text:
            yield Piece(line, text)
        action = _Action(name, source, start)
        if tokens := action.tokens():
            yield Piece(action.line, tokens=tokens)
        elif not action.comment:
            raise action.error("missing value for command")
        position, trim = action.end, action.trims


class _Action:
    """One action from after its `{{`; `end` is after its `}}`."""

    def __init__(self, name: str, source: str, start: int) -> None:
        self._name = name
        self._source = source
        self.end = start
        self.line = 1 + source.count("\n", 0, start)
        self.trims = False
        self.comment = False

    def error(self, text: str) -> TemplateError:
        return TemplateError(f"template: {self._name}:{self.line}: {text}")

    def tokens(self) -> tuple[Token, ...]:
        if comment := _COMMENT.match(self._source, self.end):
            self._comment(comment.end())
            return ()
        found: list[Token] = []
        spaced = False
        while not (close := _CLOSE.match(self._source, self.end)):
            match = _TOKEN.match(self._source, self.end)
            if match is None:
                raise self._unreadable()
            self.end = match.end()
            kind = match.lastgroup or ""
            if kind != "space":
                found.append(Token(kind, match[0], self._value(kind, match[0]), spaced))
            spaced = kind == "space"
        self._closed(close)
        return tuple(found)

    def _comment(self, start: int) -> None:
        end = self._source.find("*/", start)
        if end < 0:
            raise self.error("unclosed comment")
        close = _COMMENT_END.match(self._source, end)
        if close is None:
            raise self.error("comment ends before closing delimiter")
        self.comment = True
        self._closed(close)

    def _closed(self, close: re.Match[str]) -> None:
        self.end, self.trims = close.end(), close[0].endswith("-}}")

    def _unreadable(self) -> TemplateError:
        rest = self._source[self.end : self.end + 1]
        if not rest:
            return self.error("unclosed action")
        known = {'"': "unterminated quoted string", "`": "unterminated raw quoted string"}
        if rest in known:
            return self.error(known[rest])
        if rest == "'":
            return self.error("unterminated character constant")
        if rest == "}":
            return self.error('unexpected "}" in command')
        return self.error(f"unrecognized character in action: U+{ord(rest):04X} '{rest}'")

    def _value(self, kind: str, text: str) -> Any:
        if kind == "string":
            return self._unquoted(text[1:-1])
        if kind == "raw":
            return text[1:-1]
        if kind == "char":
            value = self._unquoted(text[1:-1])
            if len(value) == 1:
                return ord(value)
            raise self.error(f"malformed character constant: {text}")
        return self._number(text) if kind == "number" else None

    def _number(self, text: str) -> int | float:
        try:
            return int(text, 0)
        except ValueError:
            pass
        try:
            return float(text)
        except ValueError:
            raise self.error(f'bad number syntax: "{text}"') from None

    def _unquoted(self, text: str) -> str:
        def one(match: re.Match[str]) -> str:
            code = match[1] or match[2] or match[3]
            if code or match[4]:
                number = int(code, 16) if code else int(match[4], 8)
                if number <= _LAST and number not in _SURROGATES:
                    return chr(number)
            elif match[5] in _ESCAPED:
                return _ESCAPED[match[5]]
            raise self.error("invalid syntax")

        return _ESCAPE.sub(one, text)
