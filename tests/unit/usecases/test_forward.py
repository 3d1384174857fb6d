import hashlib
import hmac
from dataclasses import replace

import pytest

from prowless.domain.config.central import CentralConfig
from prowless.domain.config.plugins import Plugins
from prowless.domain.errors import PermanentError, RetryableError
from prowless.domain.external_plugins import ExternalPlugin, Forward
from prowless.ports.endpoints import Answer
from prowless.ports.stores import Delivery
from prowless.usecases.forward import ForwardDelivery
from prowless.usecases.forwards import RequestForwards
from tests.fakes.clock import NOW, FixedClock
from tests.fakes.config import FixedConfig
from tests.fakes.endpoints import MemoryEndpoints
from tests.fakes.flow import MemoryForwardQueue
from tests.fakes.stores import MemoryDeliveries, MemoryObjects

BODY = b'{"action": "created",\n "repository": {"full_name": "acme/app"}} '
HOOK = ExternalPlugin(name="hook", endpoint="https://hook.example/hook")
PICKER = ExternalPlugin(name="picker", endpoint="https://picker.example", events=("issue_comment", "pull_request"))
ROW = Delivery(
    guid="g1",
    event="issue_comment",
    repository="acme/app",
    scope="acme",
    body="deliveries/g1.json",
    received_at=NOW,
    headers={"user-agent": "GitHub-Hookshot/1", "x-github-hook-id": "7"},
)
LAST = 10


class World:
    def __init__(self):
        self.clock = FixedClock()
        self.deliveries = MemoryDeliveries()
        self.state = MemoryObjects()
        self.endpoints = MemoryEndpoints()
        self.queue = MemoryForwardQueue()
        self.secret = '{"acme": ["newest", "older"]}'
        self.configure({"acme": (HOOK,), "acme/app": (PICKER,)})

    def configure(self, external):
        config = FixedConfig(central=CentralConfig(plugins=Plugins(external=external)))
        self.request = RequestForwards(config=config, deliveries=self.deliveries, queue=self.queue, clock=self.clock)
        self.forward = ForwardDelivery(
            deliveries=self.deliveries,
            state=self.state,
            config=config,
            endpoints=self.endpoints,
            secrets=lambda: self.secret,
            max_receives=LAST,
            clock=self.clock,
        )

    def store(self, **changes):
        row = replace(ROW, **changes)
        self.deliveries.record(row)
        self.state.put(row.body, BODY, "application/json")
        return row

    def ask(self):
        self.request(self.deliveries.get("g1"))
        return sorted(message["plugin"] for message in self.queue.drain())

    def handle(self, plugin="hook", receives=1):
        self.forward({"delivery": "g1", "plugin": plugin}, receives)

    def forwarded(self, plugin="hook"):
        return self.deliveries.get("g1").forwards[plugin]


@pytest.fixture
def world():
    return World()


@pytest.mark.parametrize(
    ("row", "asked"),
    [
        ({}, ["hook", "picker"]),
        ({"event": "issues"}, ["hook"]),
        ({"repository": "acme/other"}, ["hook"]),
        ({"repository": "other/app"}, []),
        ({"repository": "", "organization": "acme", "event": "organization"}, ["hook"]),
        ({"repository": "", "organization": ""}, []),
    ],
)
def test_a_delivery_goes_to_the_plugins_of_its_organisation_and_its_repository_that_want_the_event(world, row, asked):
    world.store(**row)
    assert world.ask() == asked
    assert {name: one.state for name, one in world.deliveries.get("g1").forwards.items()} == dict.fromkeys(
        asked, "queued"
    )


def test_a_repeated_request_asks_only_for_what_may_have_been_lost(world):
    world.store(
        forwards={"hook": Forward(state="retrying", at=NOW), "picker": Forward(state="queued", at=NOW)},
    )
    assert world.ask() == ["picker"]


@pytest.mark.parametrize(
    ("known", "asked"),
    [
        (Forward(state="delivered", at=0), []),
        (Forward(state="queued", at=NOW), []),
        (Forward(state="retrying", at=NOW - 3_600_000), []),
        (Forward(state="sending", at=NOW - 7_200_001), ["hook"]),
        (Forward(state="failed", at=NOW), ["hook"]),
    ],
)
def test_of_a_delivery_that_is_done_only_what_was_given_up_is_asked_for_again(world, known, asked):
    world.store(outcome="done", forwards={"hook": known})
    assert world.ask() == asked


def test_the_raw_body_goes_with_githubs_headers_and_a_signature_of_the_newest_secret(world):
    world.store(forwards={"hook": Forward(state="queued", at=NOW)})
    world.handle()
    [sent] = world.endpoints.posted
    assert (sent.url, sent.body) == (HOOK.endpoint, BODY)
    assert sent.headers == {
        "User-Agent": "GitHub-Hookshot/1",
        "X-GitHub-Hook-Id": "7",
        "Accept": "*/*",
        "Content-Type": "application/json",
        "X-GitHub-Event": "issue_comment",
        "X-GitHub-Delivery": "g1",
        "X-Hub-Signature": "sha1=" + hmac.new(b"newest", BODY, "sha1").hexdigest(),
        "X-Hub-Signature-256": "sha256=" + hmac.new(b"newest", BODY, hashlib.sha256).hexdigest(),
    }
    assert world.forwarded() == Forward(state="delivered", at=NOW, attempts=1, status=200)


def test_what_was_delivered_is_not_sent_again(world):
    world.store(forwards={"hook": Forward(state="delivered", at=NOW)})
    world.handle()
    assert world.endpoints.posted == []


@pytest.mark.parametrize(
    ("answer", "status", "reason"),
    [
        (Answer(status=500), 500, "it answered 500"),
        (Answer(status=408), 408, "it answered 408"),
        (Answer(status=429), 429, "it answered 429"),
        (RetryableError("hook.example: no answer"), 0, "hook.example: no answer"),
    ],
)
def test_a_passing_fault_is_kept_and_raised_so_that_the_message_comes_again(world, answer, status, reason):
    world.store(forwards={"hook": Forward(state="retrying", at=NOW, attempts=2)})
    world.endpoints.answers = [answer]
    with pytest.raises(RetryableError, match="delivery g1: external plugin hook"):
        world.handle(receives=3)
    assert world.forwarded() == Forward(state="retrying", at=NOW, attempts=3, status=status, reason=reason)


def test_an_endpoint_may_ask_for_a_longer_pause(world):
    world.store(forwards={"hook": Forward(state="queued", at=NOW)})
    world.endpoints.answers = [Answer(status=503, retry_after_s=120)]
    with pytest.raises(RetryableError) as raised:
        world.handle()
    assert raised.value.retry_after_ms == 120_000


def test_after_the_last_receive_it_has_failed_and_the_error_takes_it_to_the_dead_letter_queue(world):
    world.store(forwards={"hook": Forward(state="retrying", at=NOW, attempts=9)})
    world.endpoints.answers = [Answer(status=502)]
    with pytest.raises(RetryableError):
        world.handle(receives=LAST)
    assert world.forwarded() == Forward(state="failed", at=NOW, attempts=10, status=502, reason="it answered 502")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(status=404), "it answered 404, which trying again does not change"),
        (Answer(status=302), "redirects are not followed"),
        (PermanentError("10.0.0.1: it resolves to nothing"), "resolves to nothing"),
    ],
)
def test_a_refusal_is_kept_and_not_tried_again(world, answer, reason):
    world.store(forwards={"hook": Forward(state="queued", at=NOW)})
    world.endpoints.answers = [answer]
    world.handle()
    assert world.forwarded().state == "failed"
    assert reason in world.forwarded().reason


def test_a_plugin_that_is_no_longer_configured_gets_nothing(world):
    world.store(forwards={"hook": Forward(state="queued", at=NOW)})
    world.configure({"acme/app": (PICKER,)})
    world.handle()
    assert world.endpoints.posted == []
    assert "sends it no issue_comment events of this repository any more" in world.forwarded().reason


def test_the_endpoint_is_the_one_that_is_configured_when_it_is_sent(world):
    """So a corrected endpoint counts for what waits in the queue, and for a redrive of the dead letters."""
    world.store(forwards={"hook": Forward(state="failed", at=NOW, attempts=10)})
    world.configure({"acme": (replace(HOOK, endpoint="https://right.example"),)})
    world.handle()
    assert [sent.url for sent in world.endpoints.posted] == ["https://right.example"]
    assert (world.forwarded().state, world.forwarded().attempts) == ("delivered", 11)


def test_without_its_body_or_its_secret_nothing_is_sent(world):
    world.store(forwards={"hook": Forward(state="queued", at=NOW)})
    world.secret = '{"other": ["x"]}'
    world.handle()
    assert "no level 'acme'" in world.forwarded().reason
    world.state.stored.clear()
    world.handle()
    assert "its body deliveries/g1.json is not in the state bucket" in world.forwarded().reason
    assert world.endpoints.posted == []


def test_a_message_that_sqs_hands_out_twice_is_not_sent_twice_at_a_time(world):
    world.store(forwards={"hook": Forward(state="sending", at=NOW, attempts=1)})
    with pytest.raises(RetryableError, match="by somebody else") as raised:
        world.handle()
    assert world.endpoints.posted == []
    assert raised.value.retry_after_ms == 60_000
    world.clock.advance(60_000)
    world.handle(receives=2)
    assert (world.forwarded().state, world.forwarded().attempts) == ("delivered", 2)


def test_who_loses_the_race_for_a_forward_sends_nothing(world):
    world.store(forwards={"hook": Forward(state="queued", at=NOW)})
    world.deliveries.change_forward = lambda *_: False
    with pytest.raises(RetryableError, match="by somebody else"):
        world.handle()
    assert world.endpoints.posted == []


def test_a_message_about_no_delivery_is_an_error_with_its_names(world):
    with pytest.raises(PermanentError, match="'g1' is to be forwarded to hook"):
        world.handle()


def test_no_secret_is_in_a_log(world, caplog):
    caplog.set_level("DEBUG")
    world.store(forwards={"hook": Forward(state="queued", at=NOW)})
    world.handle()
    assert caplog.records
    assert not any("newest" in record.getMessage() or "sha256=" in record.getMessage() for record in caplog.records)
