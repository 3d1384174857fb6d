"""Requests that are no deliveries: who is refused with what answer, and that nothing is left of them."""

from __future__ import annotations

import json
import logging
import uuid

import pytest
from tests.functional.scenarios.conftest import running
from tests.functional.scenarios.posting import (
    FOREIGN,
    GLOBAL,
    OURS,
    SECRETS,
    changed,
    headers_of,
    sample_body,
    send,
)

from prowless.usecases.receive import MAX_BODY

BODY = sample_body()
GUID = "72d3162e-cc78-11e3-81ab-4c9367dc0958"


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A world that hears nobody but us; for requests that must not change anything."""
    with running(tmp_path_factory.mktemp("webhooks"), webhooks=False, webhook_secret=SECRETS) as world:
        yield world


def stored(world) -> list:
    bodies = world.keys("StateBucket", "deliveries/")
    rows = [world.items(table) for table in ("DeliveriesTable", "ProwJobsTable", "ControlTable")]
    queued = [world.messages(queue) for queue in ("DeliveriesQueue", "AdmitQueue")]
    return [bodies, *rows, queued, world.executions(), world.created]


REFUSED = {
    "another method": ({"method": "GET"}, {}, 405, "Method not allowed"),
    "no event": ({}, {"X_GitHub_Event": None}, 400, "Missing X-GitHub-Event"),
    "no delivery": ({}, {"X_GitHub_Delivery": None}, 400, "Missing X-GitHub-Delivery"),
    "a delivery id that is a path": ({}, {"X_GitHub_Delivery": "../../x"}, 400, "Missing X-GitHub-Delivery"),
    "no signature": ({}, {"X_Hub_Signature_256": None}, 403, "Missing X-Hub-Signature-256"),
    "the old SHA-1 signature": ({}, {"X_Hub_Signature_256": "sha1=" + 40 * "0"}, 403, "Invalid X-Hub-Signature-256"),
    "a signature of nobody": ({"secret": "guess"}, {}, 403, "Invalid X-Hub-Signature-256"),
    "a signature by another organisation": ({"secret": FOREIGN}, {}, 403, "Invalid X-Hub-Signature-256"),
    "a signature of the wider level": ({"secret": GLOBAL}, {}, 403, "Invalid X-Hub-Signature-256"),
    "a form": ({}, {"Content_Type": "application/x-www-form-urlencoded"}, 400, "content-type: application/json"),
    "a charset": ({}, {"Content_Type": "application/json; charset=utf-8"}, 400, "content-type: application/json"),
    "not JSON": ({"body": b"payload=%7B%7D"}, {}, 403, "not JSON"),
    "not an object": ({"body": b'["acme/calculator"]'}, {}, 403, "not a JSON object"),
    "not text": ({"body": b"\xff\xfe{}"}, {}, 403, "not JSON"),
    "nesting without end": ({"body": b"[" * 200_000}, {}, 403, "not JSON"),
    "too long": ({"body": b'{"a":"' + b"x" * MAX_BODY + b'"}'}, {}, 413, "413"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_request_that_is_no_delivery_is_refused_and_leaves_nothing(shared, case, caplog):
    before = stored(shared)
    request, headers, status, text = REFUSED[case]
    body, secret = request.get("body", BODY), request.get("secret", OURS)
    given = headers_of(body, secret, **{"X_GitHub_Delivery": GUID, **headers})
    with caplog.at_level(logging.INFO, "prowless"):
        answer = send(shared.stack.webhook_url, given, body, request.get("method", "POST"))
    assert answer[0] == status
    assert text in answer[1]
    shared.settle()
    assert stored(shared) == before
    (line,) = [record for record in caplog.records if record.name.startswith("prowless.")]
    assert line.delivery == given.get("X-GitHub-Delivery", "")


def test_an_event_that_no_rule_acts_on_is_kept_and_done_with_a_word(shared):
    """External plugins may want it."""
    guid = str(uuid.uuid4())
    body = b'{"zen": "Keep it logically awesome.", "repository": {"full_name": "acme/calculator"}}'
    headers = headers_of(body, OURS, X_GitHub_Event="ping", X_GitHub_Delivery=guid)
    assert send(shared.stack.webhook_url, headers, body)[0] == 200
    shared.settle()
    [row] = [row for row in shared.items("DeliveriesTable") if row["guid"] == guid]
    assert (row["event"], row["outcome"]) == ("ping", "done")


def test_the_owner_of_a_repository_cannot_be_made_up(shared):
    """Whose secret decides follows from the repository's name, not from another field beside it."""
    before = stored(shared)
    repository = {**json.loads(BODY)["repository"], "owner": {"login": "globex"}}
    body = changed(BODY, repository=repository, organization={"login": "globex"})
    assert send(shared.stack.webhook_url, headers_of(body, FOREIGN), body)[0] == 403
    shared.settle()
    assert stored(shared) == before


def test_the_largest_body_is_taken(shared):
    head = b'{"repository": {"full_name": "acme/calculator"}, "more": "'
    body = head + b"x" * (MAX_BODY - len(head) - 2) + b'"}'
    assert len(body) == MAX_BODY
    headers = headers_of(body, OURS, X_GitHub_Event="ping")
    assert send(shared.stack.webhook_url, headers, body)[0] == 200
    shared.settle()


def test_another_path_is_not_found(shared):
    url = shared.stack.webhook_url.replace("/github/webhook", "/github/other")
    assert send(url, headers_of(BODY, OURS), BODY)[0] == 404
