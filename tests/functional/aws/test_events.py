"""Schedules, rules, and the status changes of executions."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from prowless_local.aws import EmbeddedAws
from prowless_local.aws.functions import FunctionError
from prowless_local.aws.schedules import parse_schedule
from prowless_local.clock import VirtualClock


def test_schedules_fire_on_the_clock(template):
    with EmbeddedAws(template, clock=VirtualClock()) as aws:
        tick = aws.function("tick").build()
        aws.clock.advance(3600)
        minutes = [event for _, event in tick.events if "due" in event]
        hours = [event for _, event in tick.events if "due" not in event]
    assert len(minutes) == 60
    assert (minutes[0], minutes[-1]) == ({"due": "2026-01-05T12:01:00Z"}, {"due": "2026-01-05T13:00:00Z"})
    [hour] = hours
    assert (hour["source"], hour["detail-type"], hour["detail"]) == ("aws.events", "Scheduled Event", {})
    assert hour["time"] == "2026-01-05T13:00:00Z"
    assert hour["resources"] == ["arn:aws:events:us-east-1:123456789012:rule/TickFunctionHourly"]


def test_schedules_can_be_left_to_the_test(aws):
    tick = aws.function("tick").build()
    aws.clock.advance(3600)
    assert tick.events == []
    aws.tick("tick")
    assert len(tick.events) == 2
    tick.failures = 1
    with pytest.raises(FunctionError, match="asked to fail"):
        aws.tick("tick")
    with pytest.raises(KeyError, match="has no schedule"):
        aws.tick("echo")


def test_a_put_event_reaches_the_rules_that_match(aws):
    watch = aws.function("watch").build()
    entry = {"DetailType": "Thing", "Detail": json.dumps({"a": 1})}
    answer = aws.client("events").put_events(
        Entries=[{"Source": "prowless.test", **entry}, {"Source": "somebody.else", **entry}]
    )
    assert answer["FailedEntryCount"] == 0
    aws.settle()
    [(_, event)] = watch.events
    assert (event["source"], event["detail-type"], event["detail"]) == ("prowless.test", "Thing", {"a": 1})
    assert event["time"] == "2026-01-05T12:00:00Z"


def test_a_failed_delivery_is_repeated(aws):
    watch = aws.function("watch").build()
    watch.failures = 1
    entry = {"Source": "prowless.test", "DetailType": "Thing", "Detail": "{}"}
    aws.client("events").put_events(Entries=[entry])
    aws.clock.advance(61)
    assert len(watch.events) == 2


def test_the_end_of_an_execution_is_told_with_its_reason(aws):
    watch = aws.function("watch").build()
    states = aws.client("stepfunctions")
    machine = aws.resources["Machine"].ref
    for name, then in (("good", "x"), ("bad", "fail")):
        body = json.dumps({"rounds": 0, "then": then})
        arn = states.start_execution(stateMachineArn=machine, name=name, input=body)["executionArn"]
        aws.wait_for_execution(arn)
    aws.settle()
    [(at, event)] = watch.events  # the rule wants no successes
    assert event["source"] == "aws.states"
    assert event["detail-type"] == "Step Functions Execution Status Change"
    assert event["resources"] == [arn]
    assert event["detail"] == {
        "executionArn": arn,
        "stateMachineArn": machine,
        "name": "bad",
        "status": "FAILED",
        "startDate": at,
        "stopDate": at,
        "input": '{"rounds": 0, "then": "fail"}',
        "inputDetails": {"included": True},
        "output": None,
        "outputDetails": None,
        "error": "Broken",
        "cause": "as asked",
    }


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        ("rate(1 minute)", "2026-01-05T12:00:30", "2026-01-05T12:01:30"),
        ("rate(2 hours)", "2026-01-05T12:00:00", "2026-01-05T14:00:00"),
        ("cron(0/15 * * * ? *)", "2026-01-05T12:00:00", "2026-01-05T12:15:00"),
        ("cron(5 4 * * ? *)", "2026-01-05T04:05:00", "2026-01-06T04:05:00"),
        ("cron(0 9 ? * MON-FRI *)", "2026-01-09T09:00:00", "2026-01-12T09:00:00"),
        ("cron(0 0 29 2 ? *)", "2026-01-05T00:00:00", "2028-02-29T00:00:00"),
        ("cron(30 6,18 1 JAN,JUL ? *)", "2026-01-05T00:00:00", "2026-07-01T06:30:00"),
        ("cron(0 0 1 1 ? 2025)", "2026-01-05T00:00:00", None),
    ],
)
def test_schedule_expressions(expression, after, expected):
    found = parse_schedule(expression).next_after(datetime.fromisoformat(after).replace(tzinfo=UTC))
    assert found == (datetime.fromisoformat(expected).replace(tzinfo=UTC) if expected else None)


@pytest.mark.parametrize(
    "expression",
    [
        *("rate(1 minutes)", "rate(5 minute)", "rate(0 days)", "every minute", "cron(* * * * *)", "cron(0 0 * * * *)"),
        *("cron(0 0 L * ? *)", "cron(60 0 * * ? *)", "cron(0 0 ? * MON#1 *)", "at(2026-01-05T12:00:00)"),
    ],
)
def test_schedule_expressions_that_are_wrong_or_unknown(expression):
    with pytest.raises(ValueError, match=r"."):
        parse_schedule(expression)
