"""Functions that die between two of their calls.

A call is a request to AWS, to GitHub or to a cluster. A function that was killed makes no further call: what its
`finally` clauses still try fails, as it would in a process that is gone.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from prowless.adapters.github.transport import Transport
from prowless.adapters.kubernetes.client import Client
from prowless_local.aws import Killed
from prowless_local.aws.functions import calling_function

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.functional.scenarios.world import World


_OWN = re.compile(r"(?<=/codeload/).+|[0-9a-f]{40}|[0-9a-f-]{36}|(?<=/)[0-9]+")
"""What differs from run to run in a path."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A function's n-th call of one kind since the watch began, and whether it was made (`after`) or not (`before`)."""

    function: str
    call: str
    number: int
    phase: str

    def __str__(self) -> str:
        return f"{self.function}, {self.phase} {self.call} #{self.number}"


class Calls:
    """Sees every call that functions make, and kills one of them at one moment, once.

    `moments` are those that somebody else could tell apart: after each call, and before the first of an invocation.
    """

    def __init__(self, world: World, kill: str = "", instead: Callable[[], None] | None = None) -> None:
        """`kill` is a moment's text; without it nobody dies. `instead` is called then, and the function goes on."""
        self.moments: list[Moment] = []
        self.killed = False
        self._kill = kill
        self._instead = instead
        self._shorts = {logical: function.spec.short for logical, function in world.aws.functions.items()}
        self._count: Counter[tuple[str, str]] = Counter()
        self._mine = threading.local()
        self._lock = threading.Lock()

    def begin(self, _function: str, _event: Any, phase: str) -> None:
        """An invocation begins or ends, in the thread that runs it."""
        if phase == "before":
            self._mine.dead = False
            self._mine.answered = False

    def aws(self, call: Any, phase: str) -> None:
        """Before or after a call of AWS."""
        self._call(phase, f"{call.service} {call.operation}")

    def around(self, original: Callable[..., Any], name: Callable[..., str]) -> Callable[..., Any]:
        """The same for a method that makes other calls."""

        def method(*arguments: Any, **keywords: Any) -> Any:
            called = _OWN.sub("*", name(*arguments))
            self._call("before", called)
            answer = original(*arguments, **keywords)
            self._call("after", called)
            return answer

        return method

    def _call(self, phase: str, name: str) -> None:
        logical = calling_function()
        if logical is None:
            return
        if self._mine.dead:
            raise Killed
        function = self._shorts[logical]
        with self._lock:
            self._count[function, name] += phase == "before"
            moment = Moment(function, name, self._count[function, name], phase)
            if phase == "after" or not self._mine.answered:
                self.moments.append(moment)
            self._mine.answered = phase == "after"
            strikes = str(moment) == self._kill and not self.killed
            self.killed = self.killed or strikes
        if strikes and self._instead:
            self._instead()
        elif strikes:
            self._mine.dead = True
            raise Killed


@contextmanager
def watched(world: World, kill: str = "", instead: Callable[[], None] | None = None) -> Iterator[Calls]:
    """Watch the calls of functions meanwhile, and kill one, or do something else at that moment."""
    calls = Calls(world, kill, instead)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Transport, "_exchange", calls.around(Transport._exchange, lambda _, request: request.name))
        patch.setattr(Client, "_answer", calls.around(Client._answer, lambda _, method, path: f"{method} {path}"))
        world.aws.interceptor, world.aws.call_interceptor = calls.begin, calls.aws
        try:
            yield calls
        finally:
            world.aws.interceptor = world.aws.call_interceptor = None
