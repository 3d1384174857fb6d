"""forward: bring a stored delivery to an external plugin as GitHub brought it to us (`pkg/hook/server.go:257`)."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from prowless.domain.errors import PermanentError, RetryableError
from prowless.domain.external_plugins import Forward, is_passing
from prowless.domain.webhook_secrets import WebhookSecrets
from prowless.domain.wording import shown
from prowless.usecases.forwards import external_plugins

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from prowless.domain.external_plugins import ExternalPlugin
    from prowless.ports.clock import Clock
    from prowless.ports.config import ConfigSource
    from prowless.ports.endpoints import Answer, Endpoints
    from prowless.ports.stores import Deliveries, Delivery, Objects

log = logging.getLogger(__name__)

_SENDING_MS = 60_000
"""Longer than the function may take: who has not finished by then was killed."""

_OK = range(200, 300)
_REDIRECTS = range(300, 400)


class ForwardDelivery:
    """Sends deliveries on. At least once: who is killed between request and record makes it twice."""

    def __init__(
        self,
        *,
        deliveries: Deliveries,
        state: Objects,
        config: ConfigSource,
        endpoints: Endpoints,
        secrets: Callable[[], str],
        max_receives: int,
        clock: Clock,
    ) -> None:
        """`max_receives` are the queue's."""
        self._deliveries = deliveries
        self._state = state
        self._config = config
        self._endpoints = endpoints
        self._secrets = secrets
        self._max_receives = max_receives
        self._clock = clock

    def __call__(self, message: Mapping[str, Any], receives: int) -> None:
        """Handle a message `{"delivery": guid, "plugin": name}` that has come so many times.

        Raises:
            RetryableError: the plugin did not take it; after the last receive the queue's DLQ keeps it.
            PermanentError: the message speaks about no delivery.
        """
        guid, name = str(message.get("delivery", "")), str(message.get("plugin", ""))
        delivery = self._deliveries.get(guid)
        if delivery is None:
            raise PermanentError(f"delivery {guid!r} is to be forwarded to {shown(name)} but has no row")
        known = delivery.forwards.get(name)
        if known is not None and known.state == "delivered":
            log.info("delivery was forwarded already", extra={"delivery": guid, "plugin": name})
            return
        plugins = external_plugins(self._config, delivery.event, delivery.repository, delivery.organization)
        plugin = next((one for one in plugins if one.name == name), None)
        sending = self._claim(delivery, name, known)
        after, wait_s = self._attempt(delivery, plugin, sending)
        passing = after.state == "retrying"
        if passing and receives >= self._max_receives:
            after = replace(after, state="failed")
        self._deliveries.change_forward(guid, name, sending, after)
        facts = {"delivery": guid, "plugin": name, "attempts": after.attempts, "status": after.status}
        level = logging.INFO if after.state == "delivered" else logging.WARNING
        log.log(level, "forward %s: %s", after.state, after.reason or "taken", extra=facts)
        if passing:
            text = f"delivery {guid}: external plugin {shown(name)}: {after.reason}"
            raise RetryableError(text, retry_after_ms=wait_s * 1000)

    def _claim(self, delivery: Delivery, name: str, known: Forward | None) -> Forward:
        """Note that it is being sent, so that a message that SQS hands out twice is not sent twice at a time."""
        now = self._clock.now_ms()
        sending = Forward(state="sending", at=now, attempts=(known.attempts if known else 0) + 1)
        busy = known is not None and known.state == "sending" and now - known.at < _SENDING_MS
        if busy or not self._deliveries.change_forward(delivery.guid, name, known, sending):
            text = f"delivery {delivery.guid} is being forwarded to {shown(name)} by somebody else"
            raise RetryableError(text, retry_after_ms=_SENDING_MS)
        return sending

    def _attempt(self, delivery: Delivery, plugin: ExternalPlugin | None, sending: Forward) -> tuple[Forward, int]:
        """What came of one request, and how many seconds the endpoint asked us to wait."""
        answer = None
        try:
            answer = self._post(delivery, plugin)
            state, reason = _judged(answer)
        except RetryableError as error:
            state, reason = "retrying", str(error)
        except PermanentError as error:
            state, reason = "failed", str(error)
        status, wait = (answer.status, answer.retry_after_s) if answer else (0, 0)
        after = replace(sending, state=state, at=self._clock.now_ms(), status=status, reason=shown(reason, 300))
        return after, wait

    def _post(self, delivery: Delivery, plugin: ExternalPlugin | None) -> Answer:
        if plugin is None:
            raise PermanentError(f"the configuration sends it no {delivery.event} events of this repository any more")
        body = self._state.get(delivery.body)
        if body is None:
            raise PermanentError(f"its body {delivery.body} is not in the state bucket")
        signatures = WebhookSecrets.parse(self._secrets()).signatures(delivery.scope, body)
        return self._endpoints.post(plugin.endpoint, headers_of(delivery) | signatures, body)


def headers_of(delivery: Delivery) -> dict[str, str]:
    """GitHub's headers as they came, apart from signatures."""
    kept = {name.title().replace("Github", "GitHub"): value for name, value in delivery.headers.items()}
    return kept | {
        "Accept": "*/*",
        "Content-Type": "application/json",
        "X-GitHub-Event": delivery.event,
        "X-GitHub-Delivery": delivery.guid,
    }


def _judged(answer: Answer) -> tuple[str, str]:
    if answer.status in _OK:
        return "delivered", ""
    if is_passing(answer.status):
        return "retrying", f"it answered {answer.status}"
    if answer.status in _REDIRECTS:
        return "failed", f"it answered {answer.status}, and redirects are not followed: configure where it leads"
    return "failed", f"it answered {answer.status}, which trying again does not change"
