"""Calling functions: what Lambda promises them, and what it makes of their failures."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import urllib.request

import boto3
import pytest

from prowless_local.aws import EmbeddedAws, Killed, LambdaServiceError
from prowless_local.aws.functions import FunctionError
from prowless_local.clock import VirtualClock


def test_a_function_gets_its_event_and_lambdas_context(aws):
    result = aws.invoke("echo", {"a": [1, None, "é"]})
    assert result["event"] == {"a": [1, None, "é"]}
    assert result["name"] == "prowless-EchoFunction"
    assert result["arn"] == "arn:aws:lambda:us-east-1:123456789012:function:prowless-EchoFunction"
    assert (result["left"], result["memory"]) == (2000, 256)
    assert re.fullmatch(r"[0-9a-f-]{36}", result["request"])


def test_a_function_sees_what_the_template_gives_it_and_nothing_else(template, monkeypatch):
    monkeypatch.setenv("HOME_OF_THE_USER", "secret")
    extra = {"*": {"FOR_ALL": "1"}, "work": {"KUBECONFIG": "k"}, "PollFunction": {"NOT": "here"}}
    with EmbeddedAws(template, {"Stage": "prod"}, clock=VirtualClock(), extra_environment=extra) as aws:
        variables = aws.function("work").build().script.variables
    ours = {name for name in variables if not name.startswith(("AWS_", "_", "LAMBDA_")) and name != "TZ"}
    assert ours == {"STAGE", "TABLE", "FOR_ALL", "KUBECONFIG"}
    assert (variables["STAGE"], variables["TABLE"]) == ("prod", "prowless-Table")
    assert variables["AWS_LAMBDA_FUNCTION_NAME"] == "prowless-WorkFunction"


def test_a_misspelt_function_in_the_extra_environment_is_an_error(template):
    with (
        pytest.raises(ValueError, match="functions that do not exist: wrok"),
        EmbeddedAws(template, clock=VirtualClock(), extra_environment={"wrok": {}}),
    ):
        pass


def test_a_function_is_built_once(aws):
    assert aws.function("work").build() is aws.function("WorkFunction").build()


@pytest.mark.parametrize(
    ("event", "kind", "message"),
    [
        ({"mode": "raise"}, "RetryableError", "asked to fail"),
        ({"mode": "decimal"}, "Runtime.MarshalError", "Unable to marshal response"),
        ({"mode": "slow"}, "Sandbox.Timedout", "Task timed out after 2.00 seconds"),
    ],
)
def test_failures_look_as_lambda_shows_them(aws, event, kind, message):
    failures = []

    def call() -> None:
        try:
            aws.invoke("echo", event)
        except FunctionError as error:
            failures.append(error)

    aws.clock.spawn(call, "caller")
    aws.clock.advance(10)
    assert failures[0].payload["errorType"] == kind
    assert message in failures[0].payload["errorMessage"]
    assert isinstance(failures[0].payload["stackTrace"], list)


def test_a_killed_function_gives_no_answer(aws):
    def kill(function, event, phase):
        if (function, phase) == ("echo", "after"):
            raise Killed

    aws.interceptor = kill
    with pytest.raises(FunctionError, match="signal: killed") as error:
        aws.invoke("echo", {})
    assert error.value.payload["errorType"] == "Runtime.ExitError"
    aws.interceptor = None
    assert aws.invoke("echo", {})["event"] == {}


def test_a_function_can_be_killed_between_two_calls_of_aws(aws):
    seen = []

    def kill(call, phase):
        seen.append((call.function, call.service, call.operation, phase))
        if phase == "after":
            raise Killed

    aws.call_interceptor = kill
    event = {"rawPath": "/hook", "body": "x", "requestContext": {"requestId": "1"}}
    with pytest.raises(FunctionError, match="killed"):
        aws.invoke("web", event)
    call = ("WebFunction", "sqs", "SendMessage")
    assert seen == [(*call, "before"), (*call, "after")]
    aws.settle()
    assert len(aws.function("work").build().script.batches) == 1  # the call was made, its answer was lost


def test_calls_are_recorded_with_their_function(template):
    with EmbeddedAws(template, clock=VirtualClock(), record_calls=10) as aws:
        aws.invoke("web", {"rawPath": "/items/1", "pathParameters": {}})
        aws.client("s3").list_buckets()
        assert [(c.function, c.service, c.operation) for c in aws.calls] == [
            ("WebFunction", "secretsmanager", "GetSecretValue")
        ]
        assert aws.calls[0].params == {"SecretId": aws.resources["Token"].ref}


def test_a_call_from_a_functions_own_thread_counts_as_the_functions(template):
    with EmbeddedAws(template, clock=VirtualClock(), record_calls=10) as aws:
        handler = aws.function("web").build()
        thread = threading.Thread(target=handler, args=({"rawPath": "/items/1", "pathParameters": {}}, None))
        thread.start()
        thread.join()
        assert [c.function for c in aws.calls] == ["WebFunction"]


def test_invoke_by_api_runs_the_function(aws):
    client = aws.client("lambda")
    answer = client.invoke(FunctionName=aws.resources["EchoFunction"].ref, Payload=b'{"x": 1}')
    assert json.loads(answer["Payload"].read())["event"] == {"x": 1}
    assert "FunctionError" not in answer
    answer = client.invoke(FunctionName=aws.resources["EchoFunction"].attributes["Arn"], Payload=b'{"mode": "raise"}')
    assert answer["FunctionError"] == "Unhandled"
    assert json.loads(answer["Payload"].read())["errorType"] == "RetryableError"
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.invoke(FunctionName="nobody")


def test_lambda_can_refuse(aws):
    def refuse(*_):
        raise LambdaServiceError("TooManyRequestsException")

    aws.interceptor = refuse
    client = aws.client("lambda")
    with pytest.raises(client.exceptions.TooManyRequestsException):
        client.invoke(FunctionName=aws.resources["EchoFunction"].ref)


def test_an_asynchronous_call_is_repeated_after_a_minute_and_then_after_two(aws):
    watch = aws.function("watch").build()
    watch.failures = 9
    start = aws.clock.now_ms()
    answer = aws.client("lambda").invoke(
        FunctionName=aws.resources["WatchFunction"].ref, InvocationType="Event", Payload=b'{"n": 1}'
    )
    assert answer["StatusCode"] == 202
    aws.clock.advance(3600)
    assert [(at - start) / 1000 for at, _ in watch.events] == [0, 60, 180]


def test_what_fails_for_good_goes_to_the_functions_destination(edited):
    destination = "DestinationConfig: {OnFailure: {Type: SQS, Destination: !GetAtt PlainQueue.Arn}}"
    path = edited(("MaximumRetryAttempts: 1", f"MaximumRetryAttempts: 1\n        {destination}"))
    with EmbeddedAws(path, clock=VirtualClock(), schedules=False) as aws:
        name = aws.resources["EchoFunction"].ref
        aws.client("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=b'{"mode": "raise"}')
        aws.clock.advance(300)
        [(_, [record])] = aws.function("work").build().script.batches
    sent = json.loads(record["body"])
    assert sent["requestPayload"] == {"mode": "raise"}
    assert sent["requestContext"]["condition"] == "RetriesExhausted"
    assert sent["requestContext"]["approximateInvokeCount"] == 2
    assert sent["responsePayload"]["errorType"] == "RetryableError"


def test_secrets_are_the_given_ones_or_generated(template):
    with EmbeddedAws(template, clock=VirtualClock(), secrets={"Token": "hush"}) as aws:
        assert aws.invoke("web", {"rawPath": "/items/", "pathParameters": {}})["secret"] == "hush"
    with EmbeddedAws(template, clock=VirtualClock()) as aws:
        generated = aws.invoke("web", {"rawPath": "/items/", "pathParameters": {}})["secret"]
    assert re.fullmatch(r"[A-Za-z0-9]{24}", generated)
    with pytest.raises(ValueError, match="Nobody"), EmbeddedAws(template, secrets={"Nobody": ""}):
        pass


def test_state_is_gone_when_the_stack_is_closed(template):
    for _ in range(2):
        with EmbeddedAws(template, clock=VirtualClock()) as aws:
            table = aws.resources["Table"].ref
            assert aws.client("dynamodb").scan(TableName=table)["Count"] == 0
            aws.client("dynamodb").put_item(TableName=table, Item={"id": {"S": "1"}, "owner": {"S": "me"}})
            by_owner = {"IndexName": "by_owner", "KeyConditionExpression": "#o = :o"}
            names = {"ExpressionAttributeNames": {"#o": "owner"}, "ExpressionAttributeValues": {":o": {"S": "me"}}}
            assert aws.client("dynamodb").query(TableName=table, **by_owner, **names)["Items"][0]["id"] == {"S": "1"}


def test_only_one_stack_at_a_time(aws, template):
    with pytest.raises(RuntimeError, match="running in this process already"):
        EmbeddedAws(template).start()
    assert aws.invoke("echo", {})["event"] == {}


def test_the_users_credentials_are_neither_used_nor_lost(template, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAREAL")
    with EmbeddedAws(template, clock=VirtualClock()) as aws:
        assert "AWS_PROFILE" not in os.environ
        assert aws.client("sqs")._request_signer._credentials.access_key != "AKIAREAL"
    assert (os.environ["AWS_PROFILE"], os.environ["AWS_ACCESS_KEY_ID"]) == ("production", "AKIAREAL")


def test_a_client_of_a_closed_stack_cannot_reach_the_real_aws(template):
    with EmbeddedAws(template, clock=VirtualClock()) as aws:
        ours, theirs = aws.client("s3"), boto3.client("sqs")
    for call in (ours.list_buckets, theirs.list_queues):
        with pytest.raises(RuntimeError, match="is closed"):
            call()


def test_another_process_reaches_the_same_state_over_http(template):
    with EmbeddedAws(template, clock=VirtualClock(), endpoint_port=0) as aws:
        bucket = aws.resources["Bucket"].ref
        environment = {**os.environ, "AWS_ENDPOINT_URL": aws.endpoint_url}
        program = (
            "import boto3, sys; item = {'id': {'S': 'x'}, 'owner': {'S': 'y'}}; "
            "boto3.client('dynamodb').put_item(TableName=sys.argv[1], Item=item)"
        )
        command = [sys.executable, "-c", program, aws.resources["Table"].ref]
        subprocess.run(command, env=environment, check=True, timeout=30)
        assert aws.client("dynamodb").scan(TableName=aws.resources["Table"].ref)["Count"] == 1
        s3 = aws.client("s3")
        upload = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "a/b"})
        assert upload.startswith(aws.endpoint_url)
        kind = {"Content-Type": "text/plain"}  # moto loses the body of form data, urllib's default
        request = urllib.request.Request(upload, data=b"from outside", method="PUT", headers=kind)
        urllib.request.urlopen(request, timeout=5).close()
        assert s3.get_object(Bucket=bucket, Key="a/b")["Body"].read() == b"from outside"
        download = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a/b"})
        with urllib.request.urlopen(download, timeout=5) as response:
            assert response.read() == b"from outside"


def test_conditions_hold_between_threads(aws):
    table = aws.resources["Table"].ref
    client = aws.client("dynamodb")
    won, lost = [], []

    def put(number: int) -> None:
        item = {"id": {"S": "one"}, "owner": {"S": str(number)}}
        try:
            client.put_item(TableName=table, Item=item, ConditionExpression="attribute_not_exists(id)")
            won.append(number)
        except client.exceptions.ConditionalCheckFailedException:
            lost.append(number)

    threads = [threading.Thread(target=put, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(lost)) == (1, 15)
