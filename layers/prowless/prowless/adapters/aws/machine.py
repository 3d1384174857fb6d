"""The state machine `prowjob`: starting, describing and waking its executions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from prowless.domain.errors import PermanentError, RetryableError
from prowless.domain.prowjob import SCHEMA
from prowless.ports.flow import Execution

from .errors import code_of, translated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from types_boto3_stepfunctions.client import SFNClient

_STALE = frozenset({"InvalidToken", "TaskDoesNotExist", "TaskTimedOut"})
_CAUSE_LIMIT = 2000
"""A cause may hold a whole stack trace; the row that quotes it stays small."""


class StepFunctionsStarter:
    """`Starter` over Step Functions. An execution's name is its ProwJob's id, so a run is started once."""

    def __init__(self, client: SFNClient, state_machine_arn: str = "") -> None:
        """Without `state_machine_arn` it can only `wake`; functions that start or describe nothing are not told it."""
        self._client = client
        self._arn = state_machine_arn
        self._subject = f"state machine {state_machine_arn.rpartition(':')[2]}".rstrip()

    def start(self, prowjob: str, finisher: int = 0) -> Execution:
        """Start the run's execution, or its n-th finishing one; if that name exists, it is described instead.

        A start whose answer was lost and is repeated while the execution runs gets the same answer: name and input
        are equal, and the input carries nothing that changes.
        """
        name = self._named(prowjob, finisher)
        data = {"prowjob": prowjob, "schema": SCHEMA, "finish": bool(finisher)}
        with translated(f"{self._subject}, execution {name}"):
            try:
                self._client.start_execution(stateMachineArn=self._arn, name=name, input=json.dumps(data))
            except ClientError as exc:
                if code_of(exc) != "ExecutionAlreadyExists":
                    raise
                if closed := self._describe(name):
                    return closed
                # Names are free again 90 days after an execution has ended; this one was, between the two calls.
                raise RetryableError(f"{self._subject}: execution {name} expired just now; start it again") from exc
        return Execution(name=name, status="RUNNING")

    def describe(self, prowjob: str, finisher: int = 0) -> Execution | None:
        """The run's execution, or its n-th finishing one, as it is now; None if there is none or it has expired."""
        name = self._named(prowjob, finisher)
        with translated(f"{self._subject}, execution {name}"):
            return self._describe(name)

    def wake(self, token: str, output: Mapping[str, Any]) -> bool:
        """Complete a wait; false if the token is stale (its wait ended, timed out, or never was)."""
        if not token:
            return False
        with translated(f"{self._subject}, open wait"):
            try:
                self._client.send_task_success(taskToken=token, output=json.dumps(output))
            except ClientError as exc:
                if code_of(exc) not in _STALE:
                    raise
                return False
        return True

    def _named(self, prowjob: str, finisher: int) -> str:
        if not self._arn:
            raise PermanentError("this function was not told STATE_MACHINE_ARN, so it has no executions")
        return f"{prowjob}-finish-{finisher}" if finisher else prowjob

    def _describe(self, name: str) -> Execution | None:
        arn = f"{self._arn.replace(':stateMachine:', ':execution:', 1)}:{name}"
        try:
            answer = self._client.describe_execution(executionArn=arn)
        except ClientError as exc:
            if code_of(exc) != "ExecutionDoesNotExist":
                raise
            return None
        cause = ": ".join(part for part in (answer.get("error", ""), answer.get("cause", "")) if part)
        return Execution(name=name, status=answer["status"], cause=cause[:_CAUSE_LIMIT])
