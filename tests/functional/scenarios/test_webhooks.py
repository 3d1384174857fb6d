"""Deliveries posted by hand, as `curl` would: who is heard, and what one delivery starts however often it comes."""

from __future__ import annotations

import json

import pytest
from tests.functional.scenarios.posting import (
    FOREIGN,
    FORMER,
    OURS,
    SECRETS,
    headers_of,
    openssl_signature,
    sample_body,
    send,
)

BODY = sample_body()
GUID = "72d3162e-cc78-11e3-81ab-4c9367dc0958"


@pytest.fixture
def deaf(start):
    """A world that hears nobody but us."""
    return start(webhooks=False, webhook_secret=SECRETS)


@pytest.mark.parametrize("secret", [OURS, FORMER])
def test_a_body_signed_by_openssl_starts_a_run(deaf, secret):
    pull = deaf.open_pull()
    status, text = send(deaf.stack.webhook_url, headers_of(BODY, secret, X_GitHub_Delivery=GUID), BODY)
    assert (status, text) == (200, "Event received. Have a nice day.\n")
    pull.await_state("success")
    deaf.rest()
    (row,) = deaf.items("DeliveriesTable")
    assert (row["guid"], row["event"], row["scope"], row["outcome"]) == (GUID, "pull_request", "acme", "done")
    assert deaf.stack.state.get(row["body"]) == BODY
    assert deaf.run().delivery == GUID


def test_a_delivery_that_is_sent_three_times_starts_one_run(deaf):
    pull = deaf.open_pull()
    headers = headers_of(BODY, OURS)
    answers = [send(deaf.stack.webhook_url, headers, BODY)[0] for _ in range(2)]
    deaf.settle()
    deaf.pass_time(7)
    answers.append(send(deaf.stack.webhook_url, headers, BODY)[0])
    assert answers == [200, 200, 200]
    deaf.rest()
    assert len(deaf.created) == len(deaf.runs()) == 1
    assert pull.posted() == ["pending", "success"]


def test_a_body_that_speaks_of_another_repository_than_it_is_signed_for_starts_nothing(deaf):
    """The secret of globex is good for globex/calculator, and for nothing else that the body names."""
    deaf.open_pull()
    data = json.loads(sample_body("globex"))
    data["pull_request"] = json.loads(BODY)["pull_request"]
    body = json.dumps(data).encode()
    assert send(deaf.stack.webhook_url, headers_of(body, FOREIGN), body)[0] == 200
    deaf.until(deaf.is_quiet, "the message is given up", within=7200)
    assert deaf.dead_letters() == ["DeliveriesDeadLetterQueue"]
    assert (deaf.runs(), deaf.created) == ([], [])


def test_the_hmac_is_githubs():
    """GitHub's own example: docs.github.com, "Validating webhook deliveries"."""
    expected = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert openssl_signature(b"Hello, World!", "It's a Secret to Everybody") == expected
