import hashlib
import hmac
import json
import logging

import pytest

from prowless.domain.external_plugins import Forward
from prowless.usecases.receive import MAX_BODY, ReceiveDelivery, Request
from tests.fakes.clock import NOW, FixedClock
from tests.fakes.flow import MemoryQueues
from tests.fakes.stores import MemoryDeliveries, MemoryObjects

BODY = {
    "action": "opened",
    "repository": {"id": 5, "full_name": "acme/app", "owner": {"login": "acme"}},
    "pull_request": {"number": 7},
}


class World:
    def __init__(self, levels='{"acme": ["s3cret"], "*": ["other"]}'):
        self.secret = levels
        self.refreshed = None
        self.deliveries = MemoryDeliveries()
        self.bodies = MemoryObjects()
        self.queues = MemoryQueues()
        self.receive = ReceiveDelivery(
            deliveries=self.deliveries, bodies=self.bodies, queue=self.queues, secrets=self.secrets, clock=FixedClock()
        )

    def secrets(self, refresh):
        return self.refreshed if refresh and self.refreshed else self.secret

    def post(self, body=BODY, key="s3cret", method="POST", **headers):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {
            "x-github-event": "pull_request",
            "x-github-delivery": "0b989ba4-242f-11e5-81e1-c7b6966d2516",
            "x-hub-signature-256": "sha256=" + hmac.new(key.encode(), data, hashlib.sha256).hexdigest(),
            "content-type": "application/json",
        } | {name.replace("_", "-"): value for name, value in headers.items()}
        return self.receive(
            Request(method=method, headers={k: v for k, v in given.items() if v is not None}, body=data)
        )

    def nothing_happened(self):
        return not (self.deliveries.rows or self.bodies.stored or self.queues.deliveries.sent)


@pytest.fixture
def world():
    return World()


def test_a_good_delivery_is_stored_enqueued_and_answered(world):
    reply = world.post()
    assert (reply.status, reply.text) == (200, "Event received. Have a nice day.")
    [row] = world.deliveries.rows.values()
    assert (row.event, row.action, row.repository, row.pull, row.scope) == (
        "pull_request", "opened", "acme/app", 7, "acme",
    )  # fmt: skip
    assert row.enqueued
    assert json.loads(world.bodies.get(row.body)) == BODY
    assert world.queues.deliveries.drain() == [{"delivery": row.guid}]


@pytest.mark.parametrize(
    ("change", "status", "text"),
    [
        ({"method": "GET"}, 405, "405 Method not allowed"),
        ({"x_github_event": None}, 400, "Missing X-GitHub-Event"),
        ({"x_github_event": "Push\n"}, 400, "Missing X-GitHub-Event"),
        ({"x_github_delivery": None}, 400, "Missing X-GitHub-Delivery"),
        ({"x_github_delivery": "../../etc"}, 400, "Missing X-GitHub-Delivery"),
        ({"x_hub_signature_256": None}, 403, "Missing X-Hub-Signature-256"),
        ({"content_type": "application/json; charset=utf-8"}, 400, "content-type: application/json"),
        ({"content_type": "application/x-www-form-urlencoded"}, 400, "content-type: application/json"),
        ({"body": b"x" * (MAX_BODY + 1)}, 413, "413"),
        ({"body": b"{not json"}, 403, "not JSON"),
        ({"body": b"[1]"}, 403, "not a JSON object"),
        ({"body": b"[" * 200_000}, 403, "not JSON"),
        ({"key": "wrong"}, 403, "Invalid X-Hub-Signature-256"),
        ({"key": "other"}, 403, "Invalid X-Hub-Signature-256"),
        ({"x_hub_signature_256": "sha256=ä"}, 403, "Invalid X-Hub-Signature-256"),
    ],
)
def test_bad_input_gets_prows_status_one_log_line_and_leaves_nothing(world, caplog, change, status, text):
    caplog.set_level(logging.INFO)
    reply = world.post(**change)
    assert reply.status == status
    assert text in reply.text
    assert world.nothing_happened()
    assert len(caplog.records) == 1
    assert hasattr(caplog.records[0], "delivery")


def test_an_event_no_rule_acts_on_is_stored_and_enqueued_for_the_external_plugins(world):
    assert world.post(x_github_event="star").status == 200
    [row] = world.deliveries.rows.values()
    assert (row.event, row.enqueued) == ("star", True)


def test_an_event_of_an_organisation_is_stored_with_its_name():
    world = World()
    assert world.post({"action": "member_added", "organization": {"login": "acme"}}, x_github_event="x").status == 200
    [row] = world.deliveries.rows.values()
    assert (row.repository, row.organization, row.scope) == ("", "acme", "acme")


def test_githubs_own_headers_are_kept_and_others_are_not(world):
    kept = {"user_agent": "GitHub-Hookshot/1", "x_github_hook_id": "7", "x_github_enterprise_host": "git.acme"}
    world.post(
        **kept, x_github_bad="a\nb", x_github_long="x" * 201, authorization="Bearer x", x_forwarded_for="1.2.3.4"
    )
    [row] = world.deliveries.rows.values()
    assert row.headers == {name.replace("_", "-"): value for name, value in kept.items()}


@pytest.mark.parametrize(
    ("state", "at", "messages"),
    [("failed", NOW, 2), ("delivered", NOW, 1), ("retrying", NOW, 1), ("queued", NOW - 3 * 3_600_000, 2)],
)
def test_a_redelivery_after_the_work_is_done_is_enqueued_if_a_forward_was_given_up(world, state, at, messages):
    world.post()
    [guid] = world.deliveries.rows
    world.deliveries.finish(guid, "done", "d.json")
    world.deliveries.open_forwards(guid, {"hook": Forward(state=state, at=at)})
    world.post()
    assert len(world.queues.deliveries.sent) == messages


def test_a_redelivery_before_the_work_is_done_is_enqueued_again_as_a_new_message(world):
    world.post()
    world.post()
    assert len(world.deliveries.rows) == 1
    assert len(world.queues.deliveries.sent) == 2


def test_a_redelivery_after_the_work_is_done_starts_nothing(world):
    world.post()
    [guid] = world.deliveries.rows
    world.deliveries.finish(guid, "done", "d.json")
    assert world.post().text == "Event received before, and handled."
    assert len(world.queues.deliveries.sent) == 1


def test_a_webhook_killed_between_row_and_queue_is_completed_by_the_redelivery(world):
    world.queues.send = lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        world.post()
    [row] = world.deliveries.rows.values()
    assert not row.enqueued
    del world.queues.send
    assert world.post().status == 200
    assert world.queues.deliveries.drain() == [{"delivery": row.guid}]


def test_a_rotated_secret_is_read_anew_before_a_refusal(world):
    world.refreshed = '{"*": ["fresh"]}'
    assert world.post(key="fresh").status == 200


def test_an_apps_secret_serves_only_deliveries_that_name_that_app_and_an_installation():
    world = World('{"app:12": ["s3cret"]}')
    target = {"x_github_hook_installation_target_type": "integration", "x_github_hook_installation_target_id": "12"}
    assert world.post(**target).status == 403
    assert world.post({**BODY, "installation": {"id": 1}}, **target).status == 200


def test_comments_on_a_pull_share_its_group_and_plain_issues_do_not(world):
    world.post()
    comment = {"action": "created", "issue": {"number": 7, "pull_request": {}}, "repository": BODY["repository"]}
    world.post(comment, x_github_event="issue_comment", x_github_delivery="g2")
    issue = {"action": "created", "issue": {"number": 7}, "repository": BODY["repository"]}
    world.post(issue, x_github_event="issue_comment", x_github_delivery="g3")
    groups = [message.group for message in world.queues.deliveries.sent]
    assert groups[0] == groups[1] != groups[2]


def test_a_guid_that_comes_again_with_another_body_keeps_the_first(world):
    """The row vouches for the scope of the body that came first."""
    world.post()
    world.post({**BODY, "repository": {"id": 6, "full_name": "acme/other"}})
    [row] = world.deliveries.rows.values()
    assert row.repository == "acme/app"
    assert json.loads(world.bodies.get(row.body)) == BODY
