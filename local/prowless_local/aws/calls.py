"""Which function calls which AWS operation: recorded for tests of policies, and a place for tests to break in."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import botocore.client
import botocore.session

from prowless_local.aws.functions import calling_function

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of an AWS API by a function: its logical id, boto3's service name, the operation, its parameters."""

    function: str
    service: str
    operation: str
    params: Mapping[str, Any]


class CallLog:
    """The last calls that functions made.

    Args:
        limit: how many are kept; 0 keeps none.
    """

    def __init__(self, limit: int) -> None:
        self.calls: deque[Call] = deque(maxlen=limit)
        self.intercept: Callable[[Call, str], None] | None = None
        self._lock = threading.Lock()

    def around(self, call: Call, phase: str) -> None:
        """Record a call when it begins, and let a test break in before and after it."""
        if phase == "before":
            with self._lock:
                self.calls.append(call)
        if self.intercept is not None:
            self.intercept(call, phase)


_logs: list[CallLog] = []
_making = threading.Lock()


def watch(log: CallLog) -> None:
    """Let this log see the calls of functions from now on."""
    _install()
    _logs.append(log)


def unwatch(log: CallLog) -> None:
    """Stop that. Clients that were made meanwhile are of no more use: their calls raise RuntimeError."""
    if log in _logs:
        _logs.remove(log)


def _install() -> None:
    """Wrap the one method that every call of a botocore client goes through, and the one that makes clients.

    A client remembers the function that made it, so that its calls from other threads count as that function's. It
    also remembers the stack: once that is closed, a request would go to the real AWS.
    """
    client_type: Any = botocore.client.BaseClient
    if hasattr(client_type, "watched_by_prowless"):
        return
    client_type.watched_by_prowless = True
    original = client_type._make_api_call  # noqa: SLF001 botocore's events cannot stop a call, nor tell its end
    create = botocore.session.Session.create_client

    def _make_api_call(self: Any, operation_name: str, api_params: dict[str, Any]) -> Any:
        made_in = getattr(self, "made_in_stack", None)
        if made_in is not None and made_in not in _logs:
            raise RuntimeError(f"{operation_name}: the embedded stack that this client belongs to is closed")
        function = calling_function() or getattr(self, "made_by_function", None)
        if not _logs or function is None:
            return original(self, operation_name, api_params)
        service = self.meta.service_model.service_name
        call = Call(function=function, service=service, operation=operation_name, params=api_params)
        log = _logs[-1]
        log.around(call, "before")
        result = original(self, operation_name, api_params)
        log.around(call, "after")
        return result

    def create_client(self: Any, *arguments: Any, **keywords: Any) -> Any:
        with _making:  # boto3's default session is not thread-safe, and ours serves all functions
            client: Any = create(self, *arguments, **keywords)
        client.made_by_function = calling_function()
        client.made_in_stack = _logs[-1] if _logs else None
        return client

    client_type._make_api_call = _make_api_call  # noqa: SLF001 see above
    botocore.session.Session.create_client = create_client  # type: ignore[method-assign]  # keeps its signature
