"""The functions that every Go template may call (`text/template/funcs.go`), except `call`."""

from __future__ import annotations

import html
import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

from prowless.domain.gotemplate.nodes import TemplateError
from prowless.domain.gotemplate.values import index, kind, written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

MAX_OUTPUT = 64 * 1024
"""Characters that a template may write, and that one function may make."""
MAX_WIDTH = 1_000
"""Characters that a `printf` verb may be padded to."""
_MAX_DIGITS = 4

_VERB = re.compile(r"%(?P<flags>[-+# 0]*)(?P<width>[0-9]*)(?:\.(?P<precision>[0-9]*))?(?P<verb>.)", re.DOTALL)
_NUMBERS = int | float


def _printf(form: Any, *values: Any) -> str:
    if not isinstance(form, str):
        raise TemplateError("printf needs a format")
    return _joined("printf", _printed(form, iter(values)))


def _printed(form: str, values: Iterator[Any]) -> Iterator[str]:
    end = 0
    for match in _VERB.finditer(form):
        yield form[end : match.start()]
        end = match.end()
        if match["verb"] == "%":
            yield "%"
            continue
        try:
            value = next(values)
        except StopIteration:
            yield f"%!{match['verb']}(MISSING)"
        else:
            yield _formatted(match, value)
    yield form[end:]
    start = "%!(EXTRA "
    for value in values:
        yield f"{start}{kind(value)}={written(value)}"
        start = ", "
    if start == ", ":
        yield ")"


def _formatted(match: re.Match[str], value: Any) -> str:
    verb, flags = match["verb"], match["flags"]
    if max(len(match["width"]), len(match["precision"] or "")) > _MAX_DIGITS:
        raise TemplateError(f"printf: wider than {MAX_WIDTH}")
    width = int(match["width"] or 0)
    precision = None if match["precision"] is None else int(match["precision"] or 0)
    if max(width, precision or 0) > MAX_WIDTH:
        raise TemplateError(f"printf: wider than {MAX_WIDTH}")
    text = _verb(verb, value, precision)
    if text is None:
        return f"%!{verb}({kind(value)}={written(value)})"
    if "-" in flags:
        return text.ljust(width)
    return text.zfill(width) if "0" in flags and isinstance(value, _NUMBERS) else text.rjust(width)


def _joined(name: str, parts: Iterable[str]) -> str:
    """The parts as one text; the first that is too many ends it, before the text is made."""
    kept, size = [], 0
    for part in parts:
        size += len(part)
        if size > MAX_OUTPUT:
            raise TemplateError(f"{name} makes more than {MAX_OUTPUT} characters")
        kept.append(part)
    return "".join(kept)


def _verb(verb: str, value: Any, precision: int | None) -> str | None:
    """A value in one verb's form, or None if the verb does not take such values."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    if verb in {"s", "v"}:
        text = written(value) if value is not None else "<nil>"
        return text[:precision] if precision is not None and isinstance(value, str) else text
    if verb == "q" and isinstance(value, str):
        return json.dumps(value[:precision], ensure_ascii=False)
    if verb in {"d", "x", "X", "o", "b"} and whole:
        return format(value, verb)
    if verb in {"f", "g", "e"} and isinstance(value, float):
        return f"{value:.{6 if precision is None else precision}{verb}}"
    return written(value) if verb == "t" and isinstance(value, bool) else None


def _same(first: Any, *others: Any) -> bool:
    if not others:
        raise TemplateError("missing argument for comparison")
    return any(_comparable(first, other) and first == other for other in others)


def _comparable(first: Any, second: Any) -> bool:
    if isinstance(first, dict | list) or isinstance(second, dict | list):
        raise TemplateError(f"non-comparable type {kind(first if isinstance(first, dict | list) else second)}")
    if first is not None and second is not None and type(first) is not type(second):
        raise TemplateError("incompatible types for comparison")
    return True


def _less(first: Any, second: Any) -> bool:
    if not isinstance(first, str | int | float) or isinstance(first, bool):
        raise TemplateError("invalid type for comparison")
    return _comparable(first, second) and second is not None and first < second


def _length(value: Any) -> int:
    if isinstance(value, str):
        return len(value.encode())
    if isinstance(value, list | dict):
        return len(value)
    raise TemplateError(f"len of type {kind(value)}")


def _slice(value: Any, *bounds: Any) -> Any:
    if not isinstance(value, str | list):
        raise TemplateError(f"can't slice item of type {kind(value)}")
    start, end = [*bounds, *([0, len(value)][len(bounds) :])][:2]
    if not (isinstance(start, int) and isinstance(end, int) and 0 <= start <= end <= len(value)):
        raise TemplateError("slice index out of range")
    return value[start:end]


def _print(*values: Any) -> str:
    """Spaces between operands when neither is a text, as `fmt.Sprint`."""
    return _joined("print", _operands(values))


def _operands(values: tuple[Any, ...]) -> Iterator[str]:
    for number, value in enumerate(values):
        if number and not isinstance(value, str) and not isinstance(values[number - 1], str):
            yield " "
        yield written(value)


def _println(*values: Any) -> str:
    spaced = (f"{' ' if number else ''}{written(value)}" for number, value in enumerate(values))
    return _joined("println", spaced) + "\n"


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "eq": _same,
    "ge": lambda first, second: not _less(first, second),
    "gt": lambda first, second: _less(second, first),
    "html": lambda *values: html.escape(_print(*values)),
    "index": index,
    "js": lambda *values: json.dumps(_print(*values))[1:-1].replace("'", "\\'").replace("<", "\\u003C"),
    "le": lambda first, second: first == second or _less(first, second),
    "len": _length,
    "lt": _less,
    "ne": lambda first, second: _comparable(first, second) and first != second,
    "print": _print,
    "printf": _printf,
    "println": _println,
    "slice": _slice,
    "urlquery": lambda *values: quote_plus(_print(*values)),
}

NAMES = frozenset({*FUNCTIONS, "and", "or", "not"})
"""`and`, `or` and `not` work on truth, and the first two stop early: the evaluator has them."""
