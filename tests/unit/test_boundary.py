import base64
import json
import logging

import pytest

from prowless.domain.errors import (
    AmbiguousError,
    BusyError,
    ClusterUnreachableError,
    ConfigError,
    ConflictError,
    NotFoundError,
    PermanentError,
    RetryableError,
)
from prowless.runtime import boundary, settings
from prowless.runtime.environment import Environment
from prowless.runtime.observability import logged
from prowless.usecases.receive import MAX_BODY, Reply
from tests.fakes.clock import FixedClock

ENVIRONMENT = Environment(variables={}, clock=FixedClock())


def raising(error):
    def usecase(_event):
        raise error

    return lambda _environment: usecase


def http_event(body="{}", *, encoded=False, method="POST", headers=None):
    return {
        "requestContext": {"http": {"method": method}},
        "headers": headers or {"X-GitHub-Event": "push"},
        "body": body,
        "isBase64Encoded": encoded,
    }


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (RetryableError("x"), "RetryableError"),
        (ClusterUnreachableError("x"), "RetryableError"),
        (AmbiguousError("x"), "RetryableError"),
        (ConflictError("x"), "RetryableError"),
        (PermanentError("x"), "PermanentError"),
        (NotFoundError("x"), "PermanentError"),
        (ConfigError(["x"]), "ConfigError"),
    ],
)
def test_only_the_three_names_that_the_state_machine_matches_leave_a_task(error, name):
    with pytest.raises(Exception, match="x") as raised:
        boundary.task(raising(error)).bind(ENVIRONMENT)({}, None)
    assert type(raised.value).__name__ == name


@pytest.mark.parametrize(("error", "level"), [(BusyError("x"), "INFO"), (RetryableError("x"), "WARNING")])
def test_a_wait_for_a_lease_is_retried_and_no_failure_in_the_log(error, level, caplog):
    caplog.set_level("INFO")
    with pytest.raises(RetryableError, match="x") as raised:
        boundary.task(raising(error)).bind(ENVIRONMENT)({}, None)
    assert type(raised.value) is RetryableError
    assert [record.levelname for record in caplog.records] == [level]


def test_a_fault_of_ours_is_503_so_that_github_counts_the_delivery_as_failed():
    reply = boundary.http(raising(RetryableError("throttled"))).bind(ENVIRONMENT)(http_event(), None)
    assert reply["statusCode"] == 503
    assert "throttled" not in reply["body"]


def test_headers_come_in_lower_case_and_encoded_bodies_decoded():
    seen = []

    def factory(_environment):
        return lambda request: seen.append(request) or Reply(200, "ok")

    handle = boundary.http(factory).bind(ENVIRONMENT)
    handle(http_event(base64.b64encode(b"\xff{}").decode(), encoded=True), None)
    handle(http_event("not base64!", encoded=True), None)
    assert seen[0].headers == {"x-github-event": "push"}
    assert [request.body for request in seen] == [b"\xff{}", b""]


def test_a_body_is_cut_right_behind_the_limit():
    seen = []

    def factory(_environment):
        return lambda request: seen.append(len(request.body)) or Reply(413, "long")

    boundary.http(factory).bind(ENVIRONMENT)(http_event("x" * (MAX_BODY + 1000)), None)
    assert seen == [MAX_BODY + 1]


def test_a_batch_is_decoded_and_a_message_that_is_not_json_is_named():
    handle = boundary.queue(lambda _environment: lambda messages: messages).bind(ENVIRONMENT)
    assert handle({"Records": [{"body": '{"wake": "x"}'}]}, None) == [{"wake": "x"}]
    for body in ("{", "[]"):
        with pytest.raises(PermanentError, match="message m1"):
            handle({"Records": [{"messageId": "m1", "body": body}]}, None)


def test_a_handler_is_built_once_and_importing_it_needs_no_environment():
    built = []
    handler = boundary.schedule(lambda environment: built.append(environment) or (lambda _event: 1))
    assert built == []
    handle = handler.bind(ENVIRONMENT)
    handle({}, None)
    handle({}, None)
    assert built == [ENVIRONMENT]


def test_all_missing_variables_are_reported_at_once():
    with pytest.raises(ConfigError) as raised:
        settings.load(settings.Webhook, {"STATE_BUCKET": "b"})
    assert [problem.split()[2] for problem in raised.value.problems] == [
        "DELIVERIES_TABLE",
        "DELIVERIES_QUEUE_URL",
        "WEBHOOK_SECRET_ARN",
    ]


def test_a_variable_with_a_default_may_be_absent():
    variables = {"PROWJOBS_TABLE": "p", "STATE_BUCKET": "b"}
    assert settings.load(settings.ClusterAccess, variables).kubeconfig == ""


def test_logs_are_one_json_line_with_the_ids_of_the_event(capsys, monkeypatch):

    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "prowless")

    class Context:
        aws_request_id = "r1"

    def handle(_event, _context):
        logging.getLogger("prowless.usecases.poll").warning("cluster does not answer")

    logged(handle)({"prowjob": "p1"}, Context())
    line = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert (line["message"], line["prowjob"], line["correlation_id"]) == ("cluster does not answer", "p1", "r1")


def persistent(handle):
    postponed = []
    built = boundary.Persistent(handle=handle, postpone=lambda receipt, seconds: postponed.append((receipt, seconds)))
    return boundary.persistent_queue(lambda _environment: built).bind(ENVIRONMENT), postponed


def message(receives=1):
    attributes = {"ApproximateReceiveCount": str(receives)}
    return {"Records": [{"body": '{"sync": "x"}', "receiptHandle": "handle", "attributes": attributes}]}


def test_a_message_that_is_done_is_not_postponed():
    handler, postponed = persistent(lambda message, receives: (message["sync"], receives))
    assert (handler(message(3), None), postponed) == (("x", 3), [])


@pytest.mark.parametrize(
    ("receives", "error", "seconds"),
    [
        (1, RetryableError("502"), 20),
        (2, PermanentError("403"), 40),
        (6, ConflictError("overtaken"), 600),
        (30, RetryableError("502"), 600),
        (1, RetryableError("rate limit", retry_after_ms=90_001), 91),
        (1, RetryableError("rate limit", retry_after_ms=86_400_000), 3600),
    ],
)
def test_what_fails_comes_again_soon_and_then_less_and_less_often(receives, error, seconds):
    handler, postponed = persistent(lambda _message, _receives: raising(error)(None)(None))
    with pytest.raises(type(error)):
        handler(message(receives), None)
    assert postponed == [("handle", seconds)]


def test_what_failed_together_does_not_come_back_together():
    postponed = []
    built = boundary.Persistent(
        handle=lambda _message, _receives: raising(RetryableError("502"))(None)(None),
        postpone=lambda _receipt, seconds: postponed.append(seconds),
        spread=iter([0.0, 0.5, 1.0]).__next__,
    )
    handler = boundary.persistent_queue(lambda _environment: built).bind(ENVIRONMENT)
    for _ in range(3):
        with pytest.raises(RetryableError):
            handler(message(2), None)
    assert postponed == [40, 50, 60]


def test_a_message_that_cannot_be_postponed_fails_with_its_own_error():
    def postpone(_receipt, _seconds):
        raise RetryableError("SQS is down")

    built = boundary.Persistent(
        handle=lambda _message, _receives: raising(RetryableError("GitHub is down"))(None)(None), postpone=postpone
    )
    with pytest.raises(RetryableError, match="GitHub is down"):
        boundary.persistent_queue(lambda _environment: built).bind(ENVIRONMENT)(message(), None)
