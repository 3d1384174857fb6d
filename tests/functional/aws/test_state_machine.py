"""Executions: waits, tokens, time-outs, retries, stops, on virtual time."""

from __future__ import annotations

import itertools
import json
import threading
import time
from datetime import timedelta

import pytest

from prowless_local.aws import EmbeddedAws, Killed, LambdaServiceError
from prowless_local.clock import VirtualClock

DAY = 86400


class Machine:
    """The state machine of the small stack."""

    def __init__(self, aws):
        self.aws = aws
        self.states = aws.client("stepfunctions")
        self.arn = aws.resources["Machine"].ref
        self.poll = aws.function("poll").build()

    def start(self, name: str = "x", **body) -> str:
        text = json.dumps({"rounds": 1, "then": "done", **body})
        return self.states.start_execution(stateMachineArn=self.arn, name=name, input=text)["executionArn"]

    def run(self, name: str = "x", seconds: float = 30 * DAY, **body) -> dict:
        return self.aws.wait_for_execution(self.start(name, **body), seconds)

    def token(self) -> str:
        """The token of the wait that the machine is in."""
        self.aws.settle()
        return self.poll.events[-1][1]["token"]

    def history(self, arn: str) -> list[str]:
        answer = self.states.get_execution_history(executionArn=arn, maxResults=1000)
        return [event["type"] for event in answer["events"]]


@pytest.fixture
def machine(aws) -> Machine:
    return Machine(aws)


def test_a_day_of_polling_takes_seconds(machine):
    started = time.monotonic()
    described = machine.run(rounds=288)  # of five minutes
    assert described["status"] == "SUCCEEDED"
    assert described["stopDate"] - described["startDate"] == timedelta(days=1)
    times = [at for at, _ in machine.poll.events]
    assert {(later - earlier) / 1000 for earlier, later in itertools.pairwise(times)} == {300}
    assert time.monotonic() - started < 20


def test_a_wait_ends_the_moment_its_token_is_sent(machine):
    arn = machine.start()
    machine.token()
    machine.aws.clock.advance(100)
    machine.states.send_task_success(taskToken=machine.token(), output='{"outcome": "finished"}')
    described = machine.aws.wait_for_execution(arn)
    assert described["stopDate"] - described["startDate"] == timedelta(seconds=100)
    assert json.loads(described["output"])["answer"] == {"outcome": "finished"}


def test_a_function_can_complete_the_wait_that_it_is_called_for(machine):
    machine.poll.finish_at = 2
    described = machine.run(rounds=10)
    assert json.loads(described["output"])["answer"] == {"outcome": "finished"}
    assert len(machine.poll.events) == 3
    assert described["stopDate"] - described["startDate"] == timedelta(seconds=600)


def test_a_token_that_has_been_used_or_has_run_out_is_told_apart_from_one_that_never_was(machine):
    machine.start(rounds=2)
    first = machine.token()
    machine.aws.clock.advance(301)
    second = machine.token()
    assert first != second
    errors = machine.states.exceptions
    with pytest.raises(errors.TaskTimedOut):
        machine.states.send_task_success(taskToken=first, output="{}")
    machine.states.send_task_success(taskToken=second, output="{}")
    for send in (
        lambda: machine.states.send_task_success(taskToken=second, output="{}"),
        lambda: machine.states.send_task_failure(taskToken=second),
        lambda: machine.states.send_task_heartbeat(taskToken=second),
    ):
        with pytest.raises(errors.TaskTimedOut):
            send()
    with pytest.raises(errors.TaskDoesNotExist):
        machine.states.send_task_success(taskToken="00000000-0000-0000-0000-000000000000", output="{}")
    with pytest.raises(errors.InvalidToken):
        machine.states.send_task_success(taskToken="nonsense", output="{}")


def test_output_that_is_no_json_is_refused_and_leaves_the_token_usable(machine):
    arn = machine.start()
    token = machine.token()
    with pytest.raises(machine.states.exceptions.InvalidOutput):
        machine.states.send_task_success(taskToken=token, output="{")
    machine.states.send_task_success(taskToken=token, output="{}")
    assert machine.aws.wait_for_execution(arn)["status"] == "SUCCEEDED"


def test_only_one_of_many_completions_is_taken(machine):
    arn = machine.start()
    token = machine.token()
    taken = []

    def send(number: int) -> None:
        try:
            machine.states.send_task_success(taskToken=token, output=str(number))
            taken.append(number)
        except machine.states.exceptions.TaskTimedOut:
            pass

    threads = [threading.Thread(target=send, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [json.loads(machine.aws.wait_for_execution(arn)["output"])["answer"]] == taken


def test_a_failure_by_token_keeps_its_error_and_cause(machine):
    arn = machine.start()
    machine.states.send_task_failure(taskToken=machine.token(), error="Lost", cause="nobody knows")
    described = machine.aws.wait_for_execution(arn)
    assert (described["status"], described["error"], described["cause"]) == ("FAILED", "Lost", "nobody knows")


def test_a_retried_wait_has_a_token_of_its_own(machine):
    arn = machine.start()
    first = machine.token()
    machine.states.send_task_failure(taskToken=first, error="RetryableError", cause="again")
    machine.aws.clock.advance(31)
    second = machine.token()
    assert second != first
    machine.states.send_task_success(taskToken=second, output="{}")
    assert machine.aws.wait_for_execution(arn)["status"] == "SUCCEEDED"


def test_a_function_error_is_retried_after_its_interval(machine):
    class RetryableError(Exception):
        pass

    machine.poll.errors = [RetryableError("one"), RetryableError("two")]
    machine.poll.finish_at = 0
    described = machine.run()
    assert described["status"] == "SUCCEEDED"
    assert described["stopDate"] - described["startDate"] == timedelta(seconds=30 + 60)
    types = machine.history(described["executionArn"])
    assert types.count("TaskScheduled") == 3
    assert types.count("TaskFailed") == 2


def test_times_in_the_context_are_the_clocks_and_look_like_aws(machine):
    machine.start(rounds=2)
    machine.aws.clock.advance(301)
    [(_, first), (_, second)] = machine.poll.events
    assert first["started"] == second["started"] == "2026-01-05T12:00:00.000Z"
    assert (first["entered"], second["entered"]) == ("2026-01-05T12:00:00.000Z", "2026-01-05T12:05:00.000Z")


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Killed, "Lambda.Unknown"),
        (lambda: LambdaServiceError("ServiceException"), "Lambda.ServiceException"),
        (lambda: ValueError("a bug"), "ValueError"),
    ],
)
def test_a_states_errors_have_the_names_that_aws_gives_them(machine, fault, error):
    def break_in(function, event, phase):
        raise fault()

    machine.aws.interceptor = break_in
    described = machine.run(rounds=0, then="echo", echo={})
    assert json.loads(described["output"])["error"]["Error"] == error


def test_throttling_is_retried_with_its_backoff(machine):
    refusals = [LambdaServiceError("TooManyRequestsException") for _ in range(2)]

    def throttle(function, event, phase):
        if refusals:
            raise refusals.pop()

    machine.aws.interceptor = throttle
    described = machine.run(rounds=0, then="echo", echo={"n": 1})
    assert json.loads(described["output"])["step"]["echoed"]["event"] == {"n": 1}
    assert described["stopDate"] - described["startDate"] == timedelta(seconds=600 + 1200)


def test_a_function_that_takes_longer_than_its_task_times_out(machine):
    def slow(function, event, phase):
        machine.aws.clock.sleep(60)

    machine.aws.interceptor = slow
    described = machine.run(rounds=0, then="echo", echo={})
    assert json.loads(described["output"])["error"]["Error"] == "States.Timeout"
    assert described["stopDate"] - described["startDate"] == timedelta(seconds=20)


@pytest.mark.parametrize("body", [{"rounds": 5}, {"rounds": 0, "then": "wait"}])
def test_an_execution_can_be_stopped_while_it_waits(machine, body):
    arn = machine.start(**body)
    machine.aws.settle()
    machine.aws.clock.advance(10)
    answer = machine.states.stop_execution(executionArn=arn, error="Aborted", cause="by a test")
    described = machine.states.describe_execution(executionArn=arn)
    assert (described["status"], described["error"], described["cause"]) == ("ABORTED", "Aborted", "by a test")
    assert described["stopDate"] == answer["stopDate"] == described["startDate"] + timedelta(seconds=10)
    machine.aws.clock.advance(2 * DAY)
    assert machine.states.describe_execution(executionArn=arn) | {"ResponseMetadata": 0} == described | {
        "ResponseMetadata": 0
    }
    assert machine.history(arn)[-1] == "ExecutionAborted"


def test_an_execution_can_be_stopped_in_a_retrys_pause(machine):
    machine.aws.interceptor = lambda *_: (_ for _ in ()).throw(LambdaServiceError("TooManyRequestsException"))
    arn = machine.start(rounds=0, then="echo", echo={})
    machine.aws.settle()
    machine.states.stop_execution(executionArn=arn)
    machine.aws.settle()
    assert machine.history(arn)[-1] == "ExecutionAborted"
    now = machine.aws.clock.now_ms()
    machine.aws.clock.advance(1)
    assert machine.aws.clock.now_ms() == now + 1000


def test_an_execution_can_be_stopped_while_a_function_runs(machine):
    entered, leave = threading.Event(), threading.Event()

    def hold(function, event, phase):
        if phase == "before":
            entered.set()
            leave.wait(10)

    machine.aws.interceptor = hold
    arn = machine.start(rounds=0, then="echo", echo={})
    assert entered.wait(10)
    machine.states.stop_execution(executionArn=arn)
    assert machine.states.describe_execution(executionArn=arn)["status"] == "ABORTED"
    leave.set()
    machine.aws.settle()
    described = machine.states.describe_execution(executionArn=arn)
    assert (described["status"], "output" in described) == ("ABORTED", False)


def test_an_execution_can_be_stopped_right_after_its_start(machine):
    for number in range(20):
        arn = machine.start(f"n{number}", rounds=3)
        machine.states.stop_execution(executionArn=arn)
        assert machine.states.describe_execution(executionArn=arn)["status"] == "ABORTED"
    machine.aws.settle()


def test_stopping_an_execution_that_has_ended_changes_nothing(machine):
    described = machine.run(rounds=0)
    machine.states.stop_execution(executionArn=described["executionArn"], error="Late")
    again = machine.states.describe_execution(executionArn=described["executionArn"])
    assert (again["status"], "error" in again) == ("SUCCEEDED", False)


def test_a_name_is_taken_once(machine):
    errors = machine.states.exceptions
    arn = machine.start("one", rounds=2)
    assert machine.start("one", rounds=2) == arn  # the same input while it runs: the same execution
    with pytest.raises(errors.ExecutionAlreadyExists):
        machine.start("one", rounds=3)
    machine.aws.wait_for_execution(arn, DAY)
    with pytest.raises(errors.ExecutionAlreadyExists):
        machine.start("one", rounds=2)
    assert len(machine.poll.events) == 2


def test_starting_the_same_execution_at_the_same_time_starts_one(machine):
    threads = [threading.Thread(target=machine.start, args=("same",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    listed = machine.states.list_executions(stateMachineArn=machine.arn)["executions"]
    machine.aws.settle()
    assert (len(listed), len(machine.poll.events)) == (1, 1)


@pytest.mark.parametrize("name", ["a b", "a/b", "a:b", "x" * 81, "ä*"])
def test_a_name_that_aws_would_refuse_is_refused(machine, name):
    with pytest.raises(machine.states.exceptions.ClientError, match=r"InvalidName|ValidationException|name"):
        machine.start(name)


def test_executions_without_a_name_get_one_each(machine):
    arns = {machine.states.start_execution(stateMachineArn=machine.arn)["executionArn"] for _ in range(3)}
    assert len(arns) == 3
    machine.aws.settle()


def test_the_machines_own_time_out_ends_it(edited):
    path = edited()
    definition = path.parent / "statemachines" / "machine.asl.yaml"
    definition.write_text(definition.read_text().replace("TimeoutSeconds: 400000", "TimeoutSeconds: 1000"))
    with EmbeddedAws(path, clock=VirtualClock(), schedules=False) as aws:
        machine = Machine(aws)
        described = machine.run(rounds=50)
        token = machine.token()
        with pytest.raises(machine.states.exceptions.TaskTimedOut):
            machine.states.send_task_success(taskToken=token, output="{}")
        aws.clock.advance(DAY)
        assert len(machine.poll.events) == 4
        watch = aws.function("watch").build()
        assert [event["detail"]["status"] for _, event in watch.events] == ["TIMED_OUT"]
    assert described["status"] == "TIMED_OUT"
    assert described["stopDate"] - described["startDate"] == timedelta(seconds=1000)


def test_closing_the_stack_ends_what_runs(template):
    clock = VirtualClock()
    with EmbeddedAws(template, clock=clock, schedules=False) as aws:
        machine = Machine(aws)
        before = threading.active_count()
        machine.start("token")
        machine.start("wait", rounds=0, then="wait")
        aws.interceptor = lambda *_: (_ for _ in ()).throw(LambdaServiceError("TooManyRequestsException"))
        machine.start("retry", rounds=0, then="echo", echo={})
        aws.settle()
        assert threading.active_count() > before
    give_up = time.monotonic() + 10
    while threading.active_count() >= before and time.monotonic() < give_up:
        time.sleep(0.01)
    assert threading.active_count() < before  # the HTTP server is gone, too


def test_a_service_integration_reaches_the_queue(machine):
    machine.run("sender", rounds=0, then="send")
    machine.aws.settle()
    [(_, [record])] = machine.aws.function("work").build().script.batches
    assert json.loads(record["body"]) == {"release": "sender"}


def test_a_text_as_output_is_json(aws):
    states = aws.client("stepfunctions")
    definition = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": "done", "End": True}}}
    role = "arn:aws:iam::123456789012:role/x"
    arn = states.create_state_machine(name="text", definition=json.dumps(definition), roleArn=role)["stateMachineArn"]
    started = states.start_execution(stateMachineArn=arn, name="a")["executionArn"]
    assert aws.wait_for_execution(started)["output"] == '"done"'


def test_branches_of_a_parallel_state_wait_together(aws):
    branch = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 100, "End": True}}}
    states = aws.client("stepfunctions")
    definition = {"StartAt": "P", "States": {"P": {"Type": "Parallel", "Branches": [branch, branch], "End": True}}}
    role = "arn:aws:iam::123456789012:role/x"
    arn = states.create_state_machine(name="par", definition=json.dumps(definition), roleArn=role)["stateMachineArn"]
    started = states.start_execution(stateMachineArn=arn, name="a")["executionArn"]
    described = aws.wait_for_execution(started, 1000)
    assert described["stopDate"] - described["startDate"] == timedelta(seconds=100)


def test_many_executions_share_the_clock(machine):
    arns = [machine.start(f"n{number}", rounds=12) for number in range(10)]
    for arn in arns:
        assert machine.aws.wait_for_execution(arn, DAY)["status"] == "SUCCEEDED"
    assert len(machine.poll.events) == 120


def test_on_the_wall_clock_a_wait_is_completed_by_token(template):
    with EmbeddedAws(template, schedules=False) as aws:
        machine = Machine(aws)
        arn = machine.start()
        aws.clock.run_until(lambda: bool(machine.poll.events), 10)
        machine.states.send_task_success(taskToken=machine.token(), output='{"outcome": "finished"}')
        described = aws.wait_for_execution(arn, 10)
        assert described["status"] == "SUCCEEDED"
        assert described["stopDate"] - described["startDate"] < timedelta(seconds=5)
