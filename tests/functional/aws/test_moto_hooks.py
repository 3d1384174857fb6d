"""A canary per hook: what stock moto 5.2.5 does, which is why the hook exists, and that the hook is still in its place.

The hooks ask for a running stack and do what moto does when there is none, so here moto runs by itself. When a canary
fails after an upgrade, read the hook's docstring: it may be needed no more, or need another place.
"""

from __future__ import annotations

import datetime as dt
import inspect
import json
import sys
import threading
import time
from pathlib import Path

import boto3
import moto.core.utils
import moto.sqs.models
import pytest
from moto import mock_aws
from moto.awslambda.responses import LambdaResponse
from moto.awslambda_simple.models import LambdaSimpleBackend
from moto.core.botocore_stubber import BotocoreStubber
from moto.core.serialize import ResponseSerializer
from moto.dynamodb.responses import DynamoHandler
from moto.events.models import EventsBackend
from moto.s3.responses import S3Response
from moto.sqs.models import Queue, SQSBackend
from moto.stepfunctions.parser import models as parser_models
from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.asl.component.common.path import result_path
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.program import program
from moto.stepfunctions.parser.asl.component.state import state
from moto.stepfunctions.parser.asl.component.state.exec import execute_state
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel import branches_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_callback
from moto.stepfunctions.parser.asl.component.state.wait.wait_function import wait_function
from moto.stepfunctions.parser.asl.eval import environment
from moto.stepfunctions.parser.asl.eval.callback import callback
from moto.stepfunctions.parser.asl.eval.program_state import ProgramError, ProgramStopped
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.utils import boto_client, json_path
from moto.stepfunctions.parser.backend import execution, execution_worker
from moto.stepfunctions.responses import StepFunctionResponse

from prowless_local.aws import moto_hooks
from prowless_local.aws.moto_hooks import interpreter, lifecycle, runtime, services, timing, tokens

ROLE = "arn:aws:iam::123456789012:role/x"


@pytest.fixture(autouse=True)
def hooks():
    moto_hooks.apply()


@pytest.fixture
def stock(monkeypatch):
    """Makes clients for moto by itself, with its interpreter."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}, "lambda": {"use_docker": False}}):
        yield boto3.client


def start(stock, states: dict, name: str | None = "a") -> str:
    """Start an execution of a machine with these states, the first one first."""
    client = stock("stepfunctions")
    definition = json.dumps({"StartAt": next(iter(states)), "States": states})
    arn = client.create_state_machine(name="m", definition=definition, roleArn=ROLE)["stateMachineArn"]
    named = {"name": name} if name else {}
    return client.start_execution(stateMachineArn=arn, **named)["executionArn"]


def found(arn: str):
    """The object that moto has for an execution."""
    backend = parser_models.stepfunctions_parser_backends["123456789012"]["us-east-1"]
    return backend.describe_execution(arn)


def eventually(done) -> None:
    give_up = time.monotonic() + 10
    while not done():
        assert time.monotonic() < give_up
        time.sleep(0.005)


def token_wait(stock) -> dict:
    """A state that puts its token on a queue and waits for it."""
    url = stock("sqs").create_queue(QueueName="q")["QueueUrl"]
    parameters = {"QueueUrl": url, "MessageBody": {"token.$": "$$.Task.Token"}}
    return {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "Parameters": parameters}


def read_token(stock) -> str:
    sqs = stock("sqs")
    url = sqs.get_queue_url(QueueName="q")["QueueUrl"]
    bodies: list[str] = []

    def received() -> bool:
        bodies.extend(message["Body"] for message in sqs.receive_message(QueueUrl=url).get("Messages", []))
        return bool(bodies)

    eventually(received)
    return json.loads(bodies[0])["token"]


def original(function):
    """What a hook has replaced."""
    return function.replaced_by_prowless


def test_every_hook_has_its_canary():
    names = {name for name in globals() if name.startswith("test_")}
    for module in (timing, interpreter, lifecycle, tokens, services):
        hooks = [name for name in module.apply.__code__.co_names if inspect.isfunction(getattr(module, name, None))]
        assert len(hooks) >= 3
        for hook in hooks:
            assert getattr(module, hook).__doc__, hook
            assert f"test_{module.__name__.rpartition('.')[2]}{hook}" in names


def test_applying_the_hooks_again_changes_nothing():
    moto_hooks.apply()
    before = Queue.add_message
    moto_hooks.apply()
    assert Queue.add_message is before
    assert not hasattr(original(before), "replaced_by_prowless")


def test_a_hook_whose_place_is_gone_is_an_error():
    with pytest.raises(AttributeError):
        runtime.replace(Queue, "no_such_method", lambda function: function)


def test_batchless_the_interpreter_needs_two_names_of_batch_only():
    folder = Path(parser_models.__file__).parent
    lines = [line for file in folder.rglob("*.py") for line in file.read_text().splitlines() if "moto.batch" in line]
    assert lines == ["from moto.batch.utils import JobStatus"]
    assert "moto.batch" not in sys.modules or sys.modules["moto.batch"].__file__


def test_timing_timestamps(aws):
    """Everything in moto that tells the time goes through `moto.core.utils`, whose functions read its `datetime`."""
    now = aws.clock.now_ms()
    assert moto.sqs.models.unix_time_millis() == moto.core.utils.unix_time_millis() == now
    assert moto.core.utils.utcnow() == dt.datetime.fromtimestamp(now / 1000, dt.UTC).replace(tzinfo=None)
    assert "datetime.datetime.now(" in inspect.getsource(moto.core.utils.utcnow)


def test_timing_interpreter_waits(aws):
    """These modules wait, sleep, start threads and read the machine's clock by the names that are replaced."""
    for module in (environment, program, execute_state, branches_decl, state_task_service_callback):
        assert module.threading is timing._THREADING
    for module in (execute_state, execution_worker):
        assert module.Thread is timing._new_thread
    assert callback.Event is timing._new_event
    for module in (retrier_decl, wait_function, state_task_service_callback):
        assert module.time is timing._TIME
    for module in (state, execution, parser_models):
        assert module.datetime is timing._DATETIME
    real = {id(thing) for thing in (threading, threading.Thread, threading.Event, time, time.sleep, dt)}
    left = {
        f"{name}.{attribute}"
        for name, module in sys.modules.items()
        if name.startswith("moto.stepfunctions.parser")
        for attribute, value in vars(module).items()
        if id(value) in real
    }
    assert left == set()
    assert isinstance(environment.threading.Event(), type(aws.clock.event()))


def test_timing_wait_states():
    """A Wait is measured in whole seconds of floating-point time."""
    source = inspect.getsource(original(wait_function.WaitFunction._wait_interval))
    assert "int(t1 - t0)" in source


def test_timing_retry_pauses():
    """A retry sleeps with `time.sleep`, which nothing can end."""
    source = inspect.getsource(original(retrier_decl.RetrierDecl._eval_body))
    assert "time.sleep(interval_seconds)" in source


def test_interpreter_direct_lambda(stock):
    """A Lambda task makes a client and sends a request; Lambda without Docker answers with its input."""
    source = inspect.getsource(original(lambda_eval_utils._invoke_lambda_function))
    assert "lambda_client.invoke(**parameters)" in source
    called = inspect.getsource(lambda_eval_utils.execute_lambda_function_integration)
    assert "_invoke_lambda_function(" in called


def test_interpreter_kept_clients(stock):
    """Every service integration makes a client of its own."""
    first, second = (original(boto_client.boto_client_for)(region="us-east-1", service="sqs") for _ in range(2))
    assert first is not second
    for name, module in sys.modules.items():
        if name.startswith("moto.stepfunctions") and hasattr(module, "boto_client_for"):
            assert module.boto_client_for is boto_client.boto_client_for


def test_interpreter_kept_programs():
    """Parsing the same definition again gives another program: nothing is kept."""
    definition = '{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}'
    parse = original(AmazonStateLanguageParser.parse)
    assert parse(definition)[0] is not parse(definition)[0]
    assert AmazonStateLanguageParser.parse(definition)[0] is AmazonStateLanguageParser.parse(definition)[0]


def test_interpreter_kept_paths():
    """Both places parse a path whenever they use it."""
    for module in (json_path, result_path):
        parse = original(module.parse)
        assert parse("$.a.b") is not parse("$.a.b")
        assert module.parse("$.a.b") is module.parse("$.a.b")
        assert "parse(" in inspect.getsource(module).replace("import parse", "")


def test_lifecycle_names(stock):
    """An execution without a name is called None, and any name will do."""
    backend = parser_models.stepfunctions_parser_backends["123456789012"]["us-east-1"]
    arn = start(stock, {"A": {"Type": "Succeed"}}).replace(":execution:", ":stateMachine:").rpartition(":")[0]
    assert original(type(backend).start_execution)(backend, arn).execution_arn.endswith(":m:None")
    assert original(type(backend).start_execution)(backend, arn, "a b*").name == "a b*"
    assert "lock" not in inspect.getsource(original(type(backend).start_execution)).replace("locks", "").lower()


def test_lifecycle_prepared_start():
    """The environment is made in the execution's thread, and the start time is an object."""
    worker = execution_worker.ExecutionWorker
    assert "self.env = self._get_evaluation_environment()" in inspect.getsource(original(worker._execution_logic))
    assert "env" not in inspect.getsource(original(worker.start))
    assert "start_time=self.start_date" in inspect.getsource(execution.Execution.get_start_execution_details)


def test_lifecycle_stopped_before_the_first_state(stock):
    """Moving on in a stopped environment is a RuntimeError."""
    arn = start(stock, {"A": {"Type": "Wait", "Seconds": 60, "End": True}})
    env = found(arn).exec_worker.env
    env.set_stop(stop_date=None, cause=None, error=None)
    with pytest.raises(RuntimeError, match="NextState"):
        env.next_state_name = "A"


def test_lifecycle_stop(stock):
    """An execution that waits for a token goes on after its stop, and error and cause are dropped."""
    arn = start(stock, {"A": {**token_wait(stock), "End": True}})
    token = read_token(stock)
    client = stock("stepfunctions")
    client.stop_execution(executionArn=arn, error="E", cause="C")
    time.sleep(0.05)
    assert client.describe_execution(executionArn=arn)["status"] == "RUNNING"
    stepped = found(arn)
    stepped.exec_worker.env.callback_pool_manager.get(token).interrupt_all()
    eventually(lambda: stepped.exec_status is not ExecutionStatus.RUNNING)
    assert client.describe_execution(executionArn=arn).get("cause") != "C"


def test_lifecycle_final_states_stay(stock):
    """An error after the stop replaces it."""
    arn = start(stock, {"A": {"Type": "Wait", "Seconds": 60, "End": True}})
    env = found(arn).exec_worker.env
    env.set_stop(stop_date=None, cause=None, error=None)
    assert isinstance(env.program_state(), ProgramStopped)
    env.set_error({"error": "Late"})
    assert isinstance(env.program_state(), ProgramError)
    assert "callback" not in inspect.getsource(original(environment.Environment.set_timed_out))


def test_lifecycle_ends_are_told():
    """The one place where an execution gets its final status tells nobody."""
    source = inspect.getsource(original(execution.BaseExecutionWorkerCommunication._reflect_execution_status))
    assert "self.execution.exec_status = ExecutionStatus.SUCCEEDED" in source
    assert "events" not in source


def test_lifecycle_description(stock):
    """A text as output comes without its quotes."""
    arn = start(stock, {"A": {"Type": "Pass", "Result": "done", "End": True}})
    eventually(lambda: found(arn).status == "SUCCEEDED")
    source = inspect.getsource(original(StepFunctionResponse.describe_execution))
    assert 'response["output"] = execution.output' in source
    assert "TIMED_OUT" not in source


def test_tokens_register(stock):
    """A second completion of a token is accepted while its wait has not read the first."""
    pool = callback.CallbackPoolManager(activity_store={})
    pool.add("t")
    outcome = callback.CallbackOutcomeSuccess(callback_id="t", output="1")
    assert pool.notify("t", outcome)
    assert pool.notify("t", outcome)


def test_tokens_new_token_per_attempt():
    """The token is made when the state begins, before its attempts."""
    service = state_task_service_callback.StateTaskServiceCallback
    assert "update_task_token()" in inspect.getsource(service._eval_body)
    assert "update_task_token" not in inspect.getsource(execute_state)
    assert "self._evaluate_with_timeout(env)" in inspect.getsource(execute_state.ExecutionState._eval_state)


def test_tokens_send_task(stock):
    """A token that has been used is said to be invalid."""
    arn = start(stock, {"A": {**token_wait(stock), "End": True}})
    token = read_token(stock)
    client = stock("stepfunctions")
    client.send_task_success(taskToken=token, output="{}")
    eventually(lambda: found(arn).status == "SUCCEEDED")
    with pytest.raises(client.exceptions.InvalidToken):
        client.send_task_success(taskToken=token, output="{}")
    assert "cause" not in inspect.getsource(original(StepFunctionResponse.send_task_failure))


def test_services_invoke():
    """Lambda without Docker answers with its input."""
    backend = LambdaSimpleBackend("us-east-1", "123456789012")
    assert original(LambdaSimpleBackend.invoke)(backend, "f", None, '{"a": 1}', {}, {}) == b'{"a": 1}'
    assert "self.backend.invoke(" in inspect.getsource(original(LambdaResponse.invoke))


def test_services_messages(stock):
    """A deduplication id is forgotten when its message is deleted."""
    sqs = stock("sqs")
    url = sqs.create_queue(QueueName="q.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    for _ in range(2):
        sqs.send_message(QueueUrl=url, MessageBody="x", MessageGroupId="g", MessageDeduplicationId="d")
        [message] = sqs.receive_message(QueueUrl=url, VisibilityTimeout=60)["Messages"]
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert "random.choice(string.digits)" in inspect.getsource(original(SQSBackend.send_message))


def test_services_received(stock):
    """Receiving scans the queue without a lock, polls by waiting inside, and turns round a batch that comes back."""
    source = inspect.getsource(original(SQSBackend.receive_message))
    assert "_messages_lock" not in source
    assert "queue.wait_for_messages(1)" in source
    sqs = stock("sqs")
    url = sqs.create_queue(QueueName="q.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    for body in "ab":
        sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId="g", MessageDeduplicationId=body)
    received = []
    while len(received) < 2:
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=2, VisibilityTimeout=0)
        received += ["".join(message["Body"] for message in answer["Messages"])] if "Messages" in answer else []
    assert received == ["ab", "b"]


def test_services_events(stock):
    """An event for a function cannot be delivered."""
    events = stock("events")
    events.put_rule(Name="r", EventPattern='{"source": ["x"]}')
    target = {"Id": "1", "Arn": "arn:aws:lambda:us-east-1:123456789012:function:f"}
    events.put_targets(Rule="r", Targets=[target])
    with pytest.raises(NotImplementedError):
        events.put_events(Entries=[{"Source": "x", "DetailType": "t", "Detail": "{}"}])
    assert original(EventsBackend.put_events)


def test_services_one_call_at_a_time():
    """None of the entrances to DynamoDB, S3 and the queues takes a lock; all of them are still there."""
    entrances = [
        DynamoHandler.call_action,
        *(getattr(S3Response, name) for name in ("bucket_response", "key_response", "ambiguous_response")),
        *(getattr(SQSBackend, name) for name in ("send_message", "delete_message", "change_message_visibility")),
    ]
    for entrance in entrances:
        assert "lock" not in inspect.getsource(original(entrance)).lower()
    for name in ("bucket_dispatch", "key_dispatch", "ambiguous_dispatch"):
        assert name.replace("dispatch", "response") in inspect.getsource(getattr(S3Response, name))
    assert "lock" not in inspect.getsource(BotocoreStubber).lower()


def test_services_attribute_values(stock):
    """Every member of a structure is looked for; what is written is the same."""
    assert "in shape.members.items()" in inspect.getsource(original(ResponseSerializer._serialize_type_structure))
    client = boto3.client("dynamodb", "us-east-1")
    client.create_table(
        TableName="t",
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    values = {"s": {"S": "x"}, "n": {"N": "1"}, "b": {"B": b"bytes"}, "o": {"BOOL": False}, "null": {"NULL": True}}
    item = {"k": {"S": "a"}, **values, "l": {"L": [*values.values(), {"M": values}]}, "m": {"M": {"l": {"L": []}}}}
    client.put_item(TableName="t", Item={**item, "ss": {"SS": ["x", "y"]}})
    got = client.get_item(TableName="t", Key={"k": {"S": "a"}})["Item"]
    assert (got.pop("ss")["SS"], got) == (["x", "y"], item)
