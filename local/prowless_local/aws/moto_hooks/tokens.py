"""Task tokens: who may complete a wait, and what a late one hears."""

from __future__ import annotations

import json
import re
import threading
from typing import Any

from moto.core.exceptions import AWSError
from moto.core.responses import EmptyResult
from moto.stepfunctions.parser.asl.component.state.exec.execute_state import ExecutionState
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import ResourceCondition
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback import (
    StateTaskServiceCallback,
)
from moto.stepfunctions.parser.asl.eval.callback.callback import (
    CallbackEndpoint,
    CallbackOutcomeFailure,
    CallbackOutcomeSuccess,
    CallbackPoolManager,
)
from moto.stepfunctions.responses import StepFunctionResponse

from prowless_local.aws.moto_hooks.runtime import current, replace

_LARGEST_OUTPUT = 262_144  # bytes, https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
_TOKEN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")  # moto's tokens are UUIDs

_lock = threading.Lock()
_open: dict[str, Any] = {}
_closed: set[str] = set()


def apply() -> None:
    """Install this module's hooks."""
    _register()
    _new_token_per_attempt()
    _send_task()


def forget() -> None:
    """Forget every token: the executions that they belong to are gone."""
    with _lock:
        _open.clear()
        _closed.clear()


def _close(token: str) -> Any:
    """The endpoint of an open token, which is closed from now on; None if it is not open."""
    with _lock:
        endpoint = _open.pop(token, None)
        if endpoint is not None:
            _closed.add(token)
        return endpoint


def _register() -> None:
    """A token is open from its state's entry until it is completed, its wait ends or its execution does.

    moto looks for a token in every execution, one after the other, fails with HTTP 500 on one that is just starting,
    and lets a second completion replace the first.
    """

    def make_add(original: Any) -> Any:
        def add(self: Any, callback_id: str) -> Any:
            endpoint = original(self, callback_id)
            if current() is not None:
                with _lock:
                    _open[callback_id] = endpoint
            return endpoint

        return add

    def make_interrupt(original: Any) -> Any:
        def interrupt_all(self: Any) -> None:
            _close(self.callback_id)
            original(self)

        return interrupt_all

    replace(CallbackPoolManager, "add", make_add)
    replace(CallbackEndpoint, "interrupt_all", make_interrupt)


def _new_token_per_attempt() -> None:
    """A retried task waits with a token of its own, and a token dies with its attempt.

    moto keeps one token for all attempts, so a failure sent by token would end every later attempt at once, too; and
    after a time-out the old token still accepts what nobody reads.
    """

    def make(original: Any) -> Any:
        def _evaluate_with_timeout(self: Any, env: Any) -> None:
            waits = isinstance(self, StateTaskServiceCallback) and (
                self.resource.condition == ResourceCondition.WaitForTaskToken
            )
            if current() is None or not waits:
                original(self, env)
                return
            context = env.states.context_object
            if context.context_object_data["State"]["RetryCount"] > 0:
                env.callback_pool_manager.add(context.update_task_token())
            token = context.context_object_data["Task"]["Token"]
            try:
                original(self, env)
            finally:
                _close(token)

        return _evaluate_with_timeout

    replace(ExecutionState, "_evaluate_with_timeout", make)


def _send_task() -> None:
    """SendTaskSuccess, SendTaskFailure and SendTaskHeartbeat answer as AWS does.

    A token that was completed, timed out or belongs to a finished execution: `TaskTimedOut`. One that was never given
    out: `TaskDoesNotExist`, or `InvalidToken` if it does not even look like one. Output that is no JSON:
    `InvalidOutput`. moto says `InvalidToken` to all of the first, or HTTP 500, and drops the cause of a failure.
    """

    def success(self: Any) -> Any:
        token, output = self._get_param("taskToken"), self._get_param("output")
        try:
            json.loads(output)
        except ValueError as exc:
            raise AWSError(f"Invalid Output: '{exc}'", exception_type="InvalidOutput", status=400) from exc
        if len(output.encode()) > _LARGEST_OUTPUT:
            raise AWSError("Invalid Output: too large", exception_type="InvalidOutput", status=400)
        _complete(token, CallbackOutcomeSuccess(callback_id=token, output=output))
        return EmptyResult()

    def failure(self: Any) -> Any:
        token = self._get_param("taskToken")
        error, cause = self._get_param("error"), self._get_param("cause")
        _complete(token, CallbackOutcomeFailure(callback_id=token, error=error, cause=cause))
        return EmptyResult()

    def heartbeat(self: Any) -> Any:
        token = self._get_param("taskToken")
        with _lock:
            endpoint = _open.get(token)
        if endpoint is None:
            raise _stale(token)
        endpoint.notify_heartbeat()
        return EmptyResult()

    for name, method in (
        ("send_task_success", success),
        ("send_task_failure", failure),
        ("send_task_heartbeat", heartbeat),
    ):
        replace(StepFunctionResponse, name, _instead(method))


def _instead(method: Any) -> Any:
    """A maker for `replace`: the method while a stack runs, else moto's own."""

    def make(original: Any) -> Any:
        def send_task(self: Any) -> Any:
            return original(self) if current() is None else method(self)

        return send_task

    return make


def _complete(token: str, outcome: Any) -> None:
    endpoint = _close(token)
    if endpoint is None:
        raise _stale(token)
    endpoint.notify(outcome)


def _stale(token: str) -> AWSError:
    with _lock:
        known = token in _closed
    if known:
        message = "Task Timed Out: 'Provided task does not exist anymore'"
        return AWSError(message, exception_type="TaskTimedOut", status=400)
    if _TOKEN.fullmatch(token):
        return AWSError(f"Task does not exist: '{token}'", exception_type="TaskDoesNotExist", status=400)
    return AWSError("Invalid Token: 'Invalid token'", exception_type="InvalidToken", status=400)
