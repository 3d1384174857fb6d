"""Queues and the functions that take their messages."""

from __future__ import annotations

import threading
import time

import pytest

from prowless_local.aws import EmbeddedAws, LambdaServiceError


@pytest.fixture
def script(aws):
    return aws.function("work").build().script


def send(aws, body: str, group: str = "g", deduplication: str | None = None) -> None:
    aws.client("sqs").send_message(
        QueueUrl=aws.resources["WorkQueue"].ref,
        MessageBody=body,
        MessageGroupId=group,
        MessageDeduplicationId=deduplication or f"{group}-{body}",
    )


def bodies(script) -> list[list[str]]:
    return [[record["body"] for record in records] for _, records in script.batches]


def receive(aws, queue: str) -> list[str]:
    answer = aws.client("sqs").receive_message(QueueUrl=aws.resources[queue].ref, MaxNumberOfMessages=10)
    return [message["Body"] for message in answer.get("Messages", [])]


def test_a_message_arrives_in_lambdas_shape_and_is_deleted(aws, script):
    aws.invoke("web", {"rawPath": "/hook", "body": "hello", "requestContext": {"requestId": "r-1"}})
    aws.settle()
    [(at, [record])] = script.batches
    assert record["body"] == "hello"
    assert record["eventSource"] == "aws:sqs"
    assert record["eventSourceARN"] == aws.resources["WorkQueue"].attributes["Arn"]
    assert record["awsRegion"] == "us-east-1"
    assert record["messageAttributes"]["kind"]["stringValue"] == "hook"
    attributes = record["attributes"]
    assert attributes["ApproximateReceiveCount"] == "1"
    assert (attributes["MessageGroupId"], attributes["MessageDeduplicationId"]) == ("one", "r-1")
    assert attributes["SentTimestamp"] == str(at)
    assert len(attributes["SequenceNumber"]) == 20
    assert {"messageId", "receiptHandle", "md5OfBody"} <= record.keys()
    aws.clock.advance(3600)
    assert len(script.batches) == 1


def test_a_group_is_delivered_in_order(aws, script):
    for number in range(7):
        send(aws, str(number))
    aws.settle()
    assert [body for batch in bodies(script) for body in batch] == list("0123456")
    assert max(len(batch) for batch in bodies(script)) <= 2
    sequence = [int(record["attributes"]["SequenceNumber"]) for _, records in script.batches for record in records]
    assert sequence == sorted(sequence)


def test_groups_run_in_parallel_and_a_group_does_not(aws, script):
    together = threading.Barrier(2, timeout=10)
    running: list[str] = []
    overlaps: list[list[str]] = []

    def during(batch: list[str]) -> None:
        running.append(batch[0][0])
        if batch[0] in {"a0", "b0"}:
            together.wait()
        overlaps.append(sorted(running))
        running.remove(batch[0][0])

    script.during = during
    for number in range(4):
        send(aws, f"a{number}", "a")
        send(aws, f"b{number}", "b")
    aws.settle()
    assert all(overlap.count("a") <= 1 and overlap.count("b") <= 1 for overlap in overlaps)
    for group in "ab":
        assert [b for batch in bodies(script) for b in batch if b[0] == group] == [f"{group}{n}" for n in range(4)]


def test_a_failed_batch_comes_back_after_its_visibility_timeout_and_blocks_its_group(aws, script):
    script.crash = {"bad"}
    start = aws.clock.now_ms()
    send(aws, "bad", "g")
    aws.settle()
    send(aws, "after", "g")
    send(aws, "other", "h")
    aws.clock.advance(61)
    seen = [((at - start) // 1000, [r["body"] for r in records]) for at, records in script.batches]
    assert seen == [(0, ["bad"]), (0, ["other"]), (60, ["bad", "after"])]
    assert script.batches[2][1][0]["attributes"]["ApproximateReceiveCount"] == "2"


def test_a_batch_that_fails_as_a_whole_comes_back_in_order_each_time(aws, script):
    script.crash = {"one", "two", "three"}
    send(aws, "one")
    aws.settle()
    send(aws, "two")
    send(aws, "three")
    aws.clock.advance(181)
    assert bodies(script) == [["one"], ["one", "two"], ["one", "two"], ["two", "three"]]


def test_after_the_last_receive_a_message_goes_to_the_dead_letter_queue(aws, script):
    script.crash = {"bad"}
    send(aws, "bad")
    aws.clock.advance(119)
    assert receive(aws, "DeadQueue") == []
    aws.clock.advance(120)
    assert bodies(script) == [["bad"]] * 3
    assert receive(aws, "DeadQueue") == ["bad"]
    send(aws, "next")
    aws.settle()
    assert bodies(script)[-1] == ["next"]


def test_only_what_a_function_reports_as_failed_comes_back(aws, script):
    script.fail = {"two"}
    with aws.clock.busy("the sender"):
        send(aws, "one")
        send(aws, "two")
    aws.settle()
    delivered = [body for batch in bodies(script) for body in batch]
    assert delivered == ["one", "two"]
    script.fail = set()
    aws.clock.advance(61)
    assert [body for batch in bodies(script) for body in batch] == ["one", "two", "two"]
    aws.clock.advance(600)
    assert receive(aws, "DeadQueue") == []


def test_a_killed_function_leaves_its_messages(aws, script):
    script.kill = {"x"}
    send(aws, "x")
    aws.settle()
    script.kill = set()
    aws.clock.advance(61)
    assert bodies(script) == [["x"], ["x"]]


def test_a_function_may_say_when_its_message_comes_again(aws, script):
    def postpone(_bodies):
        record = script.batches[-1][1][0]
        aws.client("sqs").change_message_visibility(
            QueueUrl=aws.resources["WorkQueue"].ref, ReceiptHandle=record["receiptHandle"], VisibilityTimeout=7
        )

    script.during, script.crash = postpone, {"x"}
    send(aws, "x")
    aws.settle()
    script.during, script.crash = None, set()
    aws.clock.advance(8)
    assert bodies(script) == [["x"], ["x"]]


def test_when_lambda_refuses_the_message_comes_back(aws, script):
    refusals = [LambdaServiceError("TooManyRequestsException")]

    def intercept(function, event, phase):
        if refusals:
            raise refusals.pop()

    aws.interceptor = intercept
    send(aws, "x")
    aws.clock.advance(61)
    assert bodies(script) == [["x"]]


def test_an_equal_message_within_five_minutes_is_swallowed_even_after_the_first_is_gone(aws, script):
    send(aws, "x", deduplication="same")
    aws.clock.advance(299)
    send(aws, "x", deduplication="same")
    aws.settle()
    assert bodies(script) == [["x"]]
    aws.clock.advance(1)
    send(aws, "x", deduplication="same")
    aws.settle()
    assert bodies(script) == [["x"], ["x"]]


def test_a_delayed_message_waits(aws, script):
    start = aws.clock.now_ms()
    aws.client("sqs").send_message(QueueUrl=aws.resources["PlainQueue"].ref, MessageBody="later", DelaySeconds=45)
    aws.clock.advance(3600)
    [(at, _)] = script.batches
    assert 45_000 <= at - start <= 45_100


def test_messages_of_a_standard_queue_arrive_in_batches(aws, script):
    url = aws.resources["PlainQueue"].ref
    with aws.clock.busy("the sender"):
        entries = [{"Id": str(n), "MessageBody": str(n)} for n in range(10)]
        aws.client("sqs").send_message_batch(QueueUrl=url, Entries=entries)
    aws.settle()
    assert sorted(body for batch in bodies(script) for body in batch) == [str(n) for n in range(10)]


def test_on_the_wall_clock_a_message_arrives_at_once(template):
    with EmbeddedAws(template, schedules=False) as aws:
        script = aws.function("work").build().script
        arrived = threading.Event()
        script.during = lambda _: arrived.set()
        delays = []
        for number in range(5):
            arrived.clear()
            started = time.monotonic()
            send(aws, str(number))
            assert arrived.wait(5)
            delays.append(time.monotonic() - started)
        assert min(delays) < 0.1
        aws.settle()
