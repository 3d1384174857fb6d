"""Whom the hooks serve, and how they are put in place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from prowless_local.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """The answer of a function: its payload, and whether that describes an error of the function.

    `state_machine_error` is the name that a state machine sees where it differs from the payload's `errorType`.
    """

    payload: bytes
    failed: bool = False
    state_machine_error: str | None = None


class Runtime(Protocol):
    """What the hooks need of the running stack."""

    @property
    def clock(self) -> Clock:
        """The stack's clock."""
        ...

    def has_function(self, name: str) -> bool:
        """Whether there is a function of that name."""
        ...

    def invoke_function(self, name: str, payload: bytes) -> Invocation:
        """Call a function and wait for it. Raises LambdaServiceError if Lambda itself refuses."""
        ...

    def invoke_function_later(self, name: str, payload: bytes) -> None:
        """Call a function the asynchronous way, with Lambda's retries."""
        ...

    def message_added(self, queue: str, delay_seconds: float) -> None:
        """A message was put on a queue and becomes visible after that many seconds."""
        ...

    def event_put(self, event: dict[str, Any]) -> None:
        """An event was put on the default bus, in the shape that targets receive."""
        ...

    def execution_ended(self, execution: Any) -> None:
        """An execution reached a final status."""
        ...


_running: list[Runtime] = []


def current() -> Runtime | None:
    """The running stack, if any."""
    return _running[0] if _running else None


def attach(runtime: Runtime) -> None:
    """Make it the running stack."""
    if _running:
        raise RuntimeError("an embedded stack is running in this process already: close it first")
    _running.append(runtime)


def detach() -> None:
    """There is no running stack any more."""
    _running.clear()


def replace(owner: Any, name: str, make: Callable[[Any], Any]) -> None:
    """Put `make(original)` in the original's place, once."""
    original = getattr(owner, name)
    if not hasattr(original, "replaced_by_prowless"):
        new = make(original)
        new.replaced_by_prowless = original
        setattr(owner, name, staticmethod(new) if isinstance(vars(owner)[name], staticmethod) else new)
