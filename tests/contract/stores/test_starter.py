"""The `Starter` port: in memory, and over a state machine that moto runs."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws
from tests.contract.stores.backends import REGION, client
from tests.fakes.flow import MemoryStarter

from prowless.adapters.aws.machine import StepFunctionsStarter
from prowless.domain.errors import NotFoundError, PermanentError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prowless.ports.flow import Starter

ACCOUNT = "123456789012"


@dataclass(frozen=True)
class Machine:
    """A starter, and what its executions do: `open_wait` gives the token of a run's wait, once it is open.

    `settle` returns when a woken execution has ended.
    """

    starter: Starter
    input_of: Callable[[str], dict[str, Any]]
    stop: Callable[[str], None]
    open_wait: Callable[[str], str]
    settle: Callable[[str], None]


def in_memory() -> Machine:
    starter = MemoryStarter()
    return Machine(
        starter=starter,
        input_of=lambda name: json.loads(starter.inputs[name]),
        stop=lambda name: starter.finish(name, "ABORTED", "Test: stopped"),
        open_wait=lambda prowjob: starter.open_wait(f"token of {prowjob}"),
        settle=lambda _: None,
    )


class MotoMachine:
    """A machine that sends its task token to a queue and waits."""

    def __init__(self) -> None:
        self.states, self.sqs = client("stepfunctions"), client("sqs")
        self.made = 0

    def __call__(self) -> Machine:
        self.made += 1
        queue = self.sqs.create_queue(QueueName=f"tokens-{self.made}")["QueueUrl"]
        wait = {
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
            "Parameters": {"QueueUrl": queue, "MessageBody": {"prowjob.$": "$.prowjob", "token.$": "$$.Task.Token"}},
            "TimeoutSeconds": 60,
            "End": True,
        }
        arn = self.states.create_state_machine(
            name=f"prowjob-{self.made}",
            definition=json.dumps({"StartAt": "Wait", "States": {"Wait": wait}}),
            roleArn=f"arn:aws:iam::{ACCOUNT}:role/machine",
        )["stateMachineArn"]

        def execution(name: str) -> str:
            return f"{arn.replace(':stateMachine:', ':execution:')}:{name}"

        return Machine(
            starter=StepFunctionsStarter(self.states, arn),
            input_of=lambda name: json.loads(self.states.describe_execution(executionArn=execution(name))["input"]),
            stop=lambda name: self._stop(execution(name), queue),
            open_wait=lambda _: self._token(queue),
            settle=lambda name: self._settle(execution(name)),
        )

    def _token(self, queue: str) -> str:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            for message in self.sqs.receive_message(QueueUrl=queue).get("Messages", []):
                return json.loads(message["Body"])["token"]
            time.sleep(0.01)
        raise TimeoutError("the wait did not open")

    def _stop(self, arn: str, queue: str) -> None:
        # moto does not stop an execution inside a wait for a token, so the wait is made to fail.
        self.states.send_task_failure(taskToken=self._token(queue), error="Test", cause="stopped")
        self._settle(arn)

    def _settle(self, arn: str) -> None:
        deadline = time.monotonic() + 30
        while self.states.describe_execution(executionArn=arn)["status"] == "RUNNING":
            assert time.monotonic() < deadline
            time.sleep(0.01)


@pytest.fixture(scope="module")
def moto_machine() -> Iterator[MotoMachine]:
    settings = {"stepfunctions": {"execute_state_machine": True}}
    with pytest.MonkeyPatch.context() as patch, mock_aws(config=settings):
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        yield MotoMachine()


@pytest.fixture(params=["memory", "moto"])
def machine(request: pytest.FixtureRequest) -> Machine:
    return in_memory() if request.param == "memory" else request.getfixturevalue("moto_machine")()


def test_an_execution_is_named_after_its_run(machine: Machine) -> None:
    execution = machine.starter.start("run-1")
    assert (execution.name, execution.status, execution.cause) == ("run-1", "RUNNING", "")
    assert machine.input_of("run-1") == {"prowjob": "run-1", "schema": 1, "finish": False}


def test_a_finishing_execution_is_numbered(machine: Machine) -> None:
    assert machine.starter.start("run-1", 2).name == "run-1-finish-2"
    assert machine.input_of("run-1-finish-2") == {"prowjob": "run-1", "schema": 1, "finish": True}


def test_a_start_that_is_repeated_starts_nothing_twice(machine: Machine) -> None:
    machine.starter.start("run-1")
    assert machine.starter.start("run-1").status == "RUNNING"


def test_a_closed_execution_is_described_and_not_started_again(machine: Machine) -> None:
    machine.starter.start("run-1")
    machine.stop("run-1")
    execution = machine.starter.start("run-1")
    assert execution.name == "run-1"
    assert execution.status in {"ABORTED", "FAILED"}
    assert execution.cause.startswith("Test")  # moto loses the second half
    assert machine.starter.start("run-1", 1).status == "RUNNING"


def test_describing_starts_nothing(machine: Machine) -> None:
    assert machine.starter.describe("run-1") is None
    assert machine.starter.describe("run-1", 1) is None
    machine.starter.start("run-1")
    execution = machine.starter.describe("run-1")
    assert execution is not None
    assert (execution.name, execution.status, execution.cause) == ("run-1", "RUNNING", "")
    assert machine.starter.describe("run-1", 1) is None


def test_a_closed_execution_is_described_with_its_cause(machine: Machine) -> None:
    machine.starter.start("run-1", 2)
    machine.stop("run-1-finish-2")
    execution = machine.starter.describe("run-1", 2)
    assert execution is not None
    assert execution.name == "run-1-finish-2"
    assert execution.status in {"ABORTED", "FAILED"}
    assert execution.cause.startswith("Test")


def test_a_wait_is_completed_once(machine: Machine) -> None:
    machine.starter.start("run-1")
    token = machine.open_wait("run-1")
    assert machine.starter.wake(token, {"outcome": "done"})
    if isinstance(machine.starter, MemoryStarter):
        assert machine.starter.woken == {token: {"outcome": "done"}}
    machine.settle("run-1")
    assert not machine.starter.wake(token, {"outcome": "done"})


@pytest.mark.parametrize("token", ["", "never opened"])
def test_a_stale_token_is_not_an_error(machine: Machine, token: str) -> None:
    assert not machine.starter.wake(token, {})


def test_a_starter_that_was_told_no_machine_says_so() -> None:
    with pytest.raises(PermanentError, match="STATE_MACHINE_ARN"):
        StepFunctionsStarter(None).start("run-1")
    with pytest.raises(PermanentError, match="STATE_MACHINE_ARN"):
        StepFunctionsStarter(None).describe("run-1")


def test_a_missing_machine_is_named(moto_machine: MotoMachine) -> None:
    starter = StepFunctionsStarter(moto_machine.states, f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:nowhere")
    with pytest.raises(NotFoundError, match="state machine nowhere"):
        starter.start("run-1")
