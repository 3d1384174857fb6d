"""The functions: loaded from the folders that the template names, and called as Lambda calls them.

A function is built once (Lambda's INIT) and then reused. Event and result go through JSON both ways, errors come back
as Lambda writes them, and the function sees only the variables that the template gives it.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import sys
import threading
import traceback
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from prowless.runtime.environment import Environment
from prowless_local.aws.faults import Killed, LambdaServiceError
from prowless_local.aws.moto_hooks.runtime import Invocation
from prowless_local.template import REGION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from prowless_local.aws.wiring import FunctionSpec
    from prowless_local.clock import Clock

_SYNC_PAYLOAD_LIMIT = 6 * 1024 * 1024

_calling = threading.local()


class FunctionError(Exception):
    """A function failed. `payload` is what Lambda would answer: errorType, errorMessage, stackTrace."""

    def __init__(self, function: str, payload: Mapping[str, Any]) -> None:
        trace = "".join(payload.get("stackTrace") or [])
        super().__init__(f"{function}: {payload.get('errorType')}: {payload.get('errorMessage')}\n{trace}")
        self.function = function
        self.payload = payload


@dataclass(slots=True, kw_only=True)
class Context:
    """Lambda's context object."""

    function_name: str
    invoked_function_arn: str
    memory_limit_in_mb: int
    log_group_name: str
    log_stream_name: str
    deadline_ms: int
    clock: Clock
    function_version: str = "$LATEST"
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    identity: None = None
    client_context: None = None
    tenant_id: str | None = None

    def get_remaining_time_in_millis(self) -> int:
        """What is left of the function's time-out."""
        return max(0, self.deadline_ms - self.clock.now_ms())


def calling_function() -> str | None:
    """The logical id of the function that the current thread runs, if any."""
    stack: list[str] = getattr(_calling, "stack", [])
    return stack[-1] if stack else None


@contextlib.contextmanager
def _called(logical_id: str) -> Iterator[None]:
    if not hasattr(_calling, "stack"):
        _calling.stack = []
    _calling.stack.append(logical_id)
    try:
        yield
    finally:
        _calling.stack.pop()


class Function:
    """One function.

    Args:
        spec: what the template says about it.
        clock: the stack's.
        extra_environment: variables that the stack adds, e.g. KUBECONFIG of the embedded cluster.
    """

    def __init__(self, spec: FunctionSpec, clock: Clock, extra_environment: Mapping[str, str]) -> None:
        self.spec = spec
        self._clock = clock
        self.variables = {
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_python{sys.version_info.major}.{sys.version_info.minor}",
            "AWS_LAMBDA_FUNCTION_NAME": spec.name,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(spec.memory_mb),
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{spec.name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": "local",
            "LAMBDA_TASK_ROOT": str(spec.code),
            "TZ": ":UTC",
            "_HANDLER": spec.handler,
            **spec.variables,
            **extra_environment,
        }
        self._building = threading.Lock()
        self._handler: Callable[[Any, Any], Any] | None = None

    def build(self) -> Callable[[Any, Any], Any]:
        """The function's callable; made once. A failed attempt is repeated with the next call, as Lambda does."""
        with self._building:
            if self._handler is None:
                with _called(self.spec.logical_id):
                    handler = self._load()
                    bind = getattr(handler, "bind", None)
                    if bind is not None:
                        handler = bind(Environment(variables=dict(self.variables), clock=self._clock))
                self._handler = handler
            return self._handler

    def invoke(self, payload: bytes, intercept: Callable[[Any, str], None]) -> Invocation:
        """Call it and wait. `intercept` is called with the event and `before` or `after`, and may raise a fault.

        Raises:
            LambdaServiceError: the interceptor raised it, or the payload is no JSON.
        """
        spec = self.spec
        with self._clock.busy(spec.short):
            started = self._clock.now_ms()
            context = Context(
                function_name=spec.name,
                invoked_function_arn=spec.arn,
                memory_limit_in_mb=spec.memory_mb,
                log_group_name=self.variables["AWS_LAMBDA_LOG_GROUP_NAME"],
                log_stream_name="local",
                deadline_ms=started + spec.timeout_seconds * 1000,
                clock=self._clock,
            )
            try:
                event = json.loads(payload)
            except ValueError as exc:
                raise LambdaServiceError("InvalidRequestContentException") from exc
            try:
                handler = self.build()
                intercept(event, "before")
                with _called(spec.logical_id):
                    answer = handler(event, context)
                result = _marshal(answer)
                intercept(event, "after")
            except (Killed, SystemExit):
                message = f"RequestId: {context.aws_request_id} Error: Runtime exited with error: signal: killed"
                return _failure("Runtime.ExitError", message, None, state_machine_error="Lambda.Unknown")
            except LambdaServiceError:
                raise
            except Exception as exc:  # noqa: BLE001 the boundary of the function: Lambda reports every exception
                return _failure(type(exc).__name__, str(exc), exc)
            if self._clock.now_ms() - started > spec.timeout_seconds * 1000:
                message = (
                    f"RequestId: {context.aws_request_id} Error: Task timed out after {spec.timeout_seconds}.00 seconds"
                )
                return _failure("Sandbox.Timedout", message, None)
            return result

    def _load(self) -> Callable[[Any, Any], Any]:
        """The object that `Handler` names, from a module of its own name, so that every app.py is another module."""
        module_name, _, attribute = self.spec.handler.rpartition(".")
        file = self.spec.code / f"{module_name.replace('.', '/')}.py"
        unique = f"prowless_local_function_{self.spec.logical_id}"
        found = importlib.util.spec_from_file_location(unique, file)
        if found is None or found.loader is None or not file.is_file():
            raise ImportError(f"Unable to import module '{module_name}': there is no {file}")
        module = importlib.util.module_from_spec(found)
        sys.modules[unique] = module
        try:
            found.loader.exec_module(module)
        except BaseException:
            del sys.modules[unique]
            raise
        handler: Callable[[Any, Any], Any] | None = getattr(module, attribute, None)
        if handler is None:
            raise AttributeError(f"Handler '{attribute}' missing on module '{module_name}'")
        return handler


class MarshalError(TypeError):
    """The function returned something that is no JSON; Lambda calls this `Runtime.MarshalError`."""


def _marshal(answer: Any) -> Invocation:
    try:
        payload = json.dumps(answer, ensure_ascii=False).encode()
    except (TypeError, ValueError) as exc:
        return _failure("Runtime.MarshalError", f"Unable to marshal response: {exc}", None)
    if len(payload) > _SYNC_PAYLOAD_LIMIT:
        message = f"Response payload size exceeded maximum allowed payload size ({_SYNC_PAYLOAD_LIMIT} bytes)."
        return _failure("Function.ResponseSizeTooLarge", message, None)
    return Invocation(payload=payload)


def _failure(
    kind: str, message: str, exc: BaseException | None, *, state_machine_error: str | None = None
) -> Invocation:
    frames = traceback.format_tb(exc.__traceback__)[1:] if exc is not None else []
    payload = {"errorMessage": message, "errorType": kind, "requestId": str(uuid.uuid4()), "stackTrace": frames}
    return Invocation(payload=json.dumps(payload).encode(), failed=True, state_machine_error=state_machine_error)
