"""The two small languages of Argo: `when` (a subset of govaluate) and `depends`."""

from __future__ import annotations

import operator
import re
from typing import TYPE_CHECKING, Any

import re2

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_WHEN_TOKEN = re.compile(
    r"""\s*(?:
        (?P<string>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
      | (?P<number>\d+(?:\.\d+)?(?![\w.]))
      | (?P<op>\|\||&&|==|!=|<=|>=|=~|!~|[<>!(),])
      | (?P<word>[A-Za-z_][\w.]*)
      | (?P<other>\S)
    )""",
    re.VERBOSE,
)
_DEPENDS_TOKEN = re.compile(r"\s*(?:(?P<op>\|\||&&|[!()])|(?P<name>\w[\w-]*(?:\.[A-Z][A-Za-z]+)?)|(?P<other>\S))")
_DEPENDENCY = re.compile(r"\w[\w-]*(?:\.[A-Z][A-Za-z]+)?")
_LONGEST = 10_000
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
RESULTS = frozenset(
    {"Succeeded", "Failed", "Errored", "Skipped", "Omitted", "Daemoned", "AnySucceeded", "AllFailed"}
)  # workflow/common/ancestry.go


class ExpressionError(Exception):
    """An expression that does not parse, or does more than is supported."""


def when_holds(expression: str) -> bool:
    """Evaluate a `when` whose variables are already replaced. Bare words are strings, as in Argo.

    Raises:
        ExpressionError: with Argo's wording where Argo would refuse it too.
    """
    if not expression:
        return True
    result = _When(expression).value()
    if not isinstance(result, bool):
        raise ExpressionError(f"Expected boolean evaluation for '{expression}'. Got {result}")
    return result


def dependencies(depends: str) -> list[str]:
    """The tasks that a `depends` names, each once, in order."""
    names = (match[0].partition(".")[0] for match in _DEPENDENCY.finditer(depends))
    return list(dict.fromkeys(names))


def depends_holds(depends: str, has: Callable[[str, str], bool]) -> bool:
    """Evaluate a `depends`; `has(task, result)` says whether a task ended so. A bare name stands for result "".

    Raises:
        ExpressionError: it does not parse, or names an unknown result.
    """
    return bool(_Depends(depends, has).value())


class _Parser:
    """Tokens with one of look-ahead; `or`, `and` and `not` are common to both languages."""

    def __init__(self, text: str, token: re.Pattern[str], what: str) -> None:
        if len(text) > _LONGEST:
            raise ExpressionError(f"Invalid {what}: longer than {_LONGEST} characters")
        self.text = text
        self._what = what
        self._tokens: Iterator[re.Match[str]] = token.finditer(text.rstrip())
        self.kind = self.token = ""
        self.advance()

    def advance(self) -> str:
        """The present token; then the next one is present."""
        taken = self.token
        match = next(self._tokens, None)
        self.kind = str(match.lastgroup) if match else "end"
        self.token = match[self.kind] if match else ""
        if self.kind == "other":
            raise self.error(f"operator '{self.token}' is not supported by the embedded cluster")
        return taken

    def error(self, why: str) -> ExpressionError:
        """An error about this expression."""
        return ExpressionError(f"Invalid {self._what} expression '{self.text}': {why}")

    def take(self, token: str) -> bool:
        """Consume the token if it is this operator."""
        if self.kind == "op" and self.token == token:
            self.advance()
            return True
        return False

    def value(self) -> Any:
        """The whole expression."""
        result = self.either()
        if self.kind != "end":
            raise self.error(f"unexpected '{self.token}'")
        return result

    def either(self) -> Any:
        """`a || b`."""
        result = self.both()
        while self.take("||"):
            right = self.both()
            result = self.truth(result) or self.truth(right)
        return result

    def both(self) -> Any:
        """`a && b`."""
        result = self.comparison()
        while self.take("&&"):
            right = self.comparison()
            result = self.truth(result) and self.truth(right)
        return result

    def comparison(self) -> Any:
        """What binds closer than `&&`."""
        raise NotImplementedError

    def truth(self, value: Any) -> bool:
        """A boolean operand."""
        if not isinstance(value, bool):
            raise self.error(f"'{value}' is not a boolean")
        return value

    def closing(self) -> None:
        """The closing parenthesis."""
        if not self.take(")"):
            raise self.error("unbalanced parenthesis")


class _When(_Parser):
    def __init__(self, text: str) -> None:
        super().__init__(text, _WHEN_TOKEN, "'when'")

    def comparison(self) -> Any:
        left = self._unary()
        if self.kind == "op" and self.token in {"==", "!=", "=~", "!~", *_COMPARISONS}:
            sign = self.advance()
            return self._compare(sign, left, self._unary())
        if self.kind == "word" and self.token.lower() == "in":
            self.advance()
            return left in self._list()
        return left

    def _unary(self) -> Any:
        if self.take("!"):
            return not self.truth(self._unary())
        if self.take("("):
            inner = self.either()
            self.closing()
            return inner
        kind, token = self.kind, self.token
        self.advance()
        match kind:
            case "string":
                return re.sub(r"\\(.)", r"\1", token[1:-1])
            case "number":
                return float(token)
            case "word":
                return {"true": True, "false": False}.get(token, token)
            case _:
                raise self.error("a value is missing")

    def _list(self) -> list[Any]:
        if not self.take("("):
            raise self.error("'in' needs a list in parentheses")
        items = [self._unary()]
        while self.take(","):
            items.append(self._unary())
        self.closing()
        return items

    def _compare(self, sign: str, left: Any, right: Any) -> bool:
        if sign in {"==", "!="}:
            return (type(left) is type(right) and left == right) is (sign == "==")
        if sign in {"=~", "!~"}:
            try:
                found = re2.search(str(right), str(left)) is not None
            except re2.error as exc:
                raise self.error(f"'{right}' is not a regular expression") from exc
            return found is (sign == "=~")
        if type(left) is not type(right) or isinstance(left, bool):
            raise self.error(f"'{left}' and '{right}' cannot be compared with {sign}")
        return bool(_COMPARISONS[sign](left, right))


class _Depends(_Parser):
    def __init__(self, text: str, has: Callable[[str, str], bool]) -> None:
        self._has = has
        super().__init__(text, _DEPENDS_TOKEN, "'depends'")

    def comparison(self) -> Any:
        if self.take("!"):
            return not self.truth(self.comparison())
        if self.take("("):
            inner = self.either()
            self.closing()
            return inner
        if self.kind != "name":
            raise self.error("a task is missing")
        task, dot, result = self.advance().partition(".")
        if dot and result not in RESULTS:
            raise ExpressionError(f"task result '{result}' for task '{task}' is invalid")
        return self._has(task, result)
