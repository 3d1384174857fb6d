"""How an execution starts, stops, ends and is described."""

from __future__ import annotations

import json
import re
import threading
import uuid
from typing import Any

from moto.core.exceptions import AWSError
from moto.core.responses import ActionResult
from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker
from moto.stepfunctions.parser.models import StepFunctionsParserBackend, stepfunctions_parser_backends
from moto.stepfunctions.responses import StepFunctionResponse

from prowless_local.aws.moto_hooks.runtime import current, replace
from prowless_local.aws.moto_hooks.timing import ClockedDatetime

_NAME = re.compile(r"""[^\s<>{}\[\]?*"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f\ufffe\uffff]{1,80}""")
_starting = threading.Lock()
_ending = threading.Lock()


def apply() -> None:
    """Install this module's hooks."""
    _names()
    _prepared_start()
    _stopped_before_the_first_state()
    _stop()
    _final_states_stay()
    _ends_are_told()
    _description()


def _names() -> None:
    """StartExecution refuses invalid names, invents missing ones, and takes one caller at a time.

    moto calls an unnamed execution `None`, accepts any name, and looks for a name before it adds it without a lock, so
    two callers at the same time would both start the "same" execution.
    """

    def make(original: Any) -> Any:
        def start_execution(
            self: Any,
            state_machine_arn: str,
            name: str | None = None,
            execution_input: str | None = None,
            trace_header: str | None = None,
        ) -> Any:
            if name is not None and not _NAME.fullmatch(name):
                raise AWSError(f"Invalid Name: '{name}'", exception_type="InvalidName", status=400)
            with _starting:
                return original(self, state_machine_arn, name or str(uuid.uuid4()), execution_input, trace_header)

        return start_execution

    replace(StepFunctionsParserBackend, "start_execution", make)


def _prepared_start() -> None:
    """An execution can be stopped, and completed by token, from the moment StartExecution returns.

    moto makes the execution's environment in its thread, so a StopExecution right after the start fails with HTTP 500.
    The start time in `$$.Execution.StartTime` is text, as in AWS, not an object that only JSON turns into text.
    """

    def make_environment(original: Any) -> Any:
        def _get_evaluation_environment(self: Any) -> Any:
            if getattr(self, "env", None) is not None:
                return self.env
            environment = original(self)
            execution = environment.states.context_object.context_object_data["Execution"]
            if not isinstance(execution["StartTime"], str):
                execution["StartTime"] = execution["StartTime"].isoformat()
            return environment

        return _get_evaluation_environment

    def make_start(original: Any) -> Any:
        def start(self: Any) -> None:
            program = self._get_evaluation_entrypoint()
            self.env = self._get_evaluation_environment()
            self.env.next_state_name = program.start_at.start_at_name
            original(self)

        return start

    replace(ExecutionWorker, "_get_evaluation_environment", make_environment)
    replace(ExecutionWorker, "start", make_start)


def _stopped_before_the_first_state() -> None:
    """An execution that is stopped before its thread runs just ends; moto's thread dies of a RuntimeError."""

    def make(original: Any) -> Any:
        def _execution_logic(self: Any) -> None:
            try:
                original(self)
            except RuntimeError:
                if self.env.is_running():
                    raise

        return _execution_logic

    replace(ExecutionWorker, "_execution_logic", make)


def _stop() -> None:
    """StopExecution ends an execution at once, wherever it is, and keeps error and cause.

    In moto an execution that waits for a task token stays RUNNING for ever, one whose Lambda runs stays RUNNING until
    that returns, and error and cause are dropped. Stopping an execution that has ended changes nothing.
    """

    def make(original: Any) -> Any:
        def stop_execution(self: Any) -> Any:
            if current() is None:
                return original(self)
            arn = self._get_param("executionArn")
            execution = self.stepfunction_backend.describe_execution(arn)
            error, cause = self._get_param("error"), self._get_param("cause")
            if finish(execution, ExecutionStatus.ABORTED, error=error, cause=cause):
                execution.exec_worker.env.set_stop(stop_date=execution.stop_date, error=error, cause=cause)
                interrupt(execution)
            return ActionResult({"stopDate": execution.stop_date})

        return stop_execution

    replace(StepFunctionResponse, "stop_execution", make)


def finish(execution: Any, status: Any, *, error: str | None, cause: str | None, output: Any = None) -> bool:
    """Give an execution its final status, once, and tell the stack; false if it had one."""
    with _ending:
        if execution.exec_status is not ExecutionStatus.RUNNING:
            return False
        execution.stop_date = ClockedDatetime.now(execution.start_date.tzinfo)
        execution.output, execution.error, execution.cause = output, error, cause
        execution.exec_status = status
    runtime = current()
    if runtime is not None:
        runtime.execution_ended(execution)
    return True


def abandon() -> None:
    """Stop everything that runs, so that its threads end."""
    for backend in (regions for account in stepfunctions_parser_backends.values() for regions in account.values()):
        for machine in backend.state_machines:
            for execution in machine.executions:
                if finish(execution, ExecutionStatus.ABORTED, error=None, cause="the stack is closed"):
                    execution.exec_worker.env.set_stop(stop_date=execution.stop_date, error=None, cause=None)
                    interrupt(execution)


def interrupt(execution: Any) -> None:
    """Wake everything in an execution that waits for a task token."""
    for endpoint in list(execution.exec_worker.env.callback_pool_manager._pool.values()):  # noqa: SLF001 moto has no way
        endpoint.interrupt_all()


def _final_states_stay() -> None:
    """An error that comes after the end does not replace ABORTED, TIMED_OUT or SUCCEEDED by FAILED; in moto it does.

    Running out of the state machine's TimeoutSeconds also wakes what waits for a token, which moto leaves behind.
    """

    def make_error(original: Any) -> Any:
        def set_error(self: Any, error: Any) -> None:
            if self.is_running() or current() is None:
                original(self, error=error)

        return set_error

    def make_timed_out(original: Any) -> Any:
        def set_timed_out(self: Any) -> None:
            if current() is None:
                original(self)
            elif self.is_running():
                original(self)
                for endpoint in list(self.callback_pool_manager._pool.values()):  # noqa: SLF001 moto has no way
                    endpoint.interrupt_all()

        return set_timed_out

    replace(Environment, "set_error", make_error)
    replace(Environment, "set_timed_out", make_timed_out)


def _ends_are_told() -> None:
    """The stack learns of every end, for EventBridge's status change; moto sends no such event."""

    def make(original: Any) -> Any:
        def _reflect_execution_status(self: Any) -> None:
            execution = self.execution
            if current() is None:
                original(self)
                return
            state = execution.exec_worker.env.program_state()
            status = _STATUS.get(type(state).__name__, ExecutionStatus.FAILED)
            failure = getattr(state, "error", None) or {}
            failure = failure if isinstance(failure, dict) else {}
            output = execution.exec_worker.env.states.get_input() if status is ExecutionStatus.SUCCEEDED else None
            plain = json.loads(to_json_str(output))  # datetimes become text, where moto answers HTTP 500 later
            finish(execution, status, error=failure.get("error"), cause=failure.get("cause"), output=plain)

        return _reflect_execution_status

    replace(BaseExecutionWorkerCommunication, "_reflect_execution_status", make)


_STATUS = {
    "ProgramEnded": ExecutionStatus.SUCCEEDED,
    "ProgramStopped": ExecutionStatus.ABORTED,
    "ProgramTimedOut": ExecutionStatus.TIMED_OUT,
}


def _description() -> None:
    """DescribeExecution gives the output as JSON text, and a stop date to whatever has stopped.

    moto gives a string output without its quotes, and no stop date to TIMED_OUT.
    """

    def make(original: Any) -> Any:
        def describe_execution(self: Any) -> Any:
            result = original(self)
            execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
            if execution.status == "SUCCEEDED":
                result._result["output"] = json.dumps(execution.output, separators=(",", ":"))  # noqa: SLF001 no accessor
            if execution.status != "RUNNING":
                result._result["stopDate"] = execution.stop_date  # noqa: SLF001 no accessor
            return result

        return describe_execution

    replace(StepFunctionResponse, "describe_execution", make)
