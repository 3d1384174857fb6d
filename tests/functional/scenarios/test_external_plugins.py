"""External plugins get GitHub's deliveries as GitHub sent them: once, in the end, and the ledger says how it went."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from tests.functional.scenarios.kills import Calls, watched
from tests.functional.scenarios.posting import headers_of, send
from tests.functional.scenarios.world import HOUR, MINUTE, REPOSITORY
from tests.infra.policies import Policies, needs

from prowless.adapters.endpoints import HttpEndpoints

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.functional.scenarios.world import World

    from prowless_local.aws.calls import Call


class Hook:
    """A Prow hook: `got` are (event, delivery, body); it answers with `statuses` in order, then 200."""

    def __init__(self) -> None:
        self.got: list[tuple[str, str, bytes]] = []
        self.headers: list[Mapping[str, str]] = []
        self.statuses: list[int] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.headers.append(dict(self.headers.items()))
                hook.got.append((self.headers["X-GitHub-Event"], self.headers["X-GitHub-Delivery"], body))
                self.send_response(hook.statuses.pop(0) if hook.statuses else 200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing on standard error."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def hook() -> Iterator[Hook]:
    made = Hook()
    yield made
    made.close()


def plugins(hook: Hook, *events: str) -> dict[str, Any]:
    return {"external_plugins": {REPOSITORY: [{"name": "hook", "endpoint": hook.url, "events": list(events)}]}}


def forwards(world: World) -> list[dict[str, Any]]:
    return [row["forwards"]["hook"] for row in world.items("DeliveriesTable") if "forwards" in row]


def star(world: World, body: bytes, guid: str = "g-star") -> None:
    """The same delivery, whenever it is sent."""
    headers = headers_of(body, world.stack.webhook_secret, X_GitHub_Event="star", X_GitHub_Delivery=guid)
    assert send(world.stack.webhook_url, headers, body)[0] == 200
    world.settle()


def test_an_external_plugin_gets_what_github_sent_signed_while_the_jobs_run(
    start: Callable[..., World], hook: Hook
) -> None:
    world = start(plugins=plugins(hook, "pull_request"))
    pull = world.open_pull()
    pull.await_state("success")
    [(event, guid, body)] = hook.got
    assert event == "pull_request"
    [row] = [row for row in world.items("DeliveriesTable") if row["event"] == "pull_request"]
    assert body == world.stack.state.get(row["body"])
    [headers] = hook.headers
    signed = hmac.new(world.stack.webhook_secret.encode(), body, hashlib.sha256).hexdigest()
    assert headers["X-Hub-Signature-256"] == f"sha256={signed}"
    assert headers["Content-Type"] == "application/json"
    assert headers["User-Agent"] == row["headers"]["user-agent"]
    assert (guid, row["forwards"]["hook"]["state"]) == (row["guid"], "delivered")
    world.rest()


def test_an_endpoint_that_is_down_twice_gets_the_delivery_once_it_is_up(
    start: Callable[..., World], hook: Hook
) -> None:
    world = start(plugins=plugins(hook, "pull_request"))
    hook.statuses = [503, 503]
    world.open_pull()
    world.until(
        lambda: [one["state"] for one in forwards(world)] == ["delivered"], "it is delivered", within=2 * MINUTE
    )
    assert forwards(world)[0]["attempts"] == len(hook.got) == 3
    assert len({guid for _, guid, _ in hook.got}) == 1
    world.pass_time(HOUR)
    assert len(hook.got) == 3
    world.rest()


def test_an_endpoint_that_stays_down_is_given_up_and_a_redelivery_by_github_brings_it_back(
    start: Callable[..., World], hook: Hook
) -> None:
    world = start(plugins=plugins(hook, "star"))
    body = json.dumps({"action": "created", "repository": {"id": 1, "full_name": REPOSITORY}}).encode()
    hook.statuses = [500] * 10
    star(world, body)
    world.until(lambda: world.messages("ForwardsDeadLetterQueue") == 1, "it is given up", within=2 * HOUR)
    assert world.messages("ForwardsQueue") == 0
    [given_up] = forwards(world)
    assert (given_up["state"], given_up["attempts"], given_up["status"]) == ("failed", 10, 500)
    star(world, body)
    assert [one["state"] for one in forwards(world)] == ["delivered"]
    star(world, body)
    assert len(hook.got) == 11
    assert {body for _, _, body in hook.got} == {body}


def test_an_endpoint_that_refuses_is_not_asked_again(start: Callable[..., World], hook: Hook) -> None:
    world = start(plugins=plugins(hook))
    hook.statuses = [403] * 10
    pull = world.open_pull()
    pull.await_state("success")
    world.rest()
    assert {(one["state"], one["attempts"], one["status"]) for one in forwards(world)} == {("failed", 1, 403)}


@contextmanager
def posts_watched(world: World, kill: str = "") -> Iterator[Calls]:
    """As `watched`, and the requests to endpoints are calls as well."""
    with watched(world, kill) as calls, pytest.MonkeyPatch.context() as patch:
        patch.setattr(HttpEndpoints, "post", calls.around(HttpEndpoints.post, lambda *_: "POST"))
        yield calls


def test_whoever_is_killed_on_the_way_the_endpoint_gets_it_and_the_ledger_says_so(
    start: Callable[..., World], hook: Hook
) -> None:
    world = start(plugins=plugins(hook, "star"))
    body = json.dumps({"action": "created", "repository": {"id": 1, "full_name": REPOSITORY}}).encode()
    star(world, body, "warm")
    world.pass_time(MINUTE)
    with posts_watched(world) as undisturbed:
        star(world, body, "undisturbed")
    moments = [str(one) for one in undisturbed.moments if one.function in {"dispatch", "forward"}]
    assert len(moments) > 10
    twice = []
    for number, moment in enumerate(moments):
        world.pass_time(MINUTE)
        with posts_watched(world, moment) as calls:
            star(world, body, f"g-{number}")
            world.until(world.is_quiet, moment, within=HOUR)
        assert calls.killed, moment
        got = [guid for _, guid, _ in hook.got].count(f"g-{number}")
        [row] = [row for row in world.items("DeliveriesTable") if row["guid"] == f"g-{number}"]
        assert (row["outcome"], row["forwards"]["hook"]["state"]) == ("done", "delivered"), moment
        assert got in {1, 2}, moment
        twice += [moment] * (got - 1)
    assert twice == ["forward, after POST #1"]


def test_the_roles_allow_what_forwarding_needs_and_nothing_more(start: Callable[..., World], hook: Hook) -> None:
    world = start(plugins=plugins(hook, "star"))
    policies = Policies(world.aws.template)
    seen: list[Call] = []
    world.aws.call_interceptor = lambda call, phase: seen.append(call) if phase == "before" else None
    hook.statuses = [503]
    star(world, b'{"action": "created", "repository": {"id": 1, "full_name": "acme/calculator"}}')
    world.until(world.is_quiet, "it is delivered", within=2 * MINUTE)
    lacking = [policies.denied(call.function, call.service, call.operation, call.params) for call in seen]
    assert [need for some in lacking for need in some] == []
    made = [
        need
        for call in seen
        if call.function == "ForwardFunction"
        for need in needs(call.service, call.operation, call.params)
    ]
    by_lambda = {"Logs: logs:CreateLogStream", "Logs: logs:PutLogEvents"}
    by_lambda |= {f"Receive: sqs:{name}" for name in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")}
    assert policies.unused("ForwardFunction", made) == by_lambda
