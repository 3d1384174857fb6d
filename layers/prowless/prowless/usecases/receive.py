"""webhook: make a delivery durable, then answer, with Prow's replies (`pkg/github/webhooks.go:31-72`)."""

from __future__ import annotations

import json
import logging
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from prowless.domain import identity
from prowless.domain.webhook_secrets import WebhookSecrets
from prowless.ports.stores import DONE, Deliveries, Delivery, Objects

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from prowless.ports.clock import Clock
    from prowless.ports.flow import DeliveryQueue

log = logging.getLogger(__name__)

MAX_BODY = 4 * 1024 * 1024
"""Bytes: Lambda's events end at 6 MB and JSON escaping may add half again. Reconcile recovers larger bodies."""

_GUID = re.compile(r"[0-9A-Za-z-]{1,64}")
_EVENT = re.compile(r"[a-z0-9_]{1,64}")
_KEPT_HEADER = re.compile(r"user-agent|x-github-(?!event$|delivery$)[a-z0-9-]{1,48}")
_KEPT_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,198}[\x21-\x7e])?")
_MAX_KEPT = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An HTTP request; header names in lower case."""

    method: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """Status code and text of the answer."""

    status: int
    text: str


class Refused(Exception):  # noqa: N818  not an error of ours: the answer to a request that is not a delivery
    """A request that is not acceptable, with the reply it gets."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.reply = Reply(status, text)


class ReceiveDelivery:
    """Check, store, enqueue, answer: durable before 2xx."""

    def __init__(
        self,
        *,
        deliveries: Deliveries,
        bodies: Objects,
        queue: DeliveryQueue,
        secrets: Callable[[bool], str],
        clock: Clock,
    ) -> None:
        """`secrets(refresh)` gives the text of the webhook secret, read anew when asked."""
        self._deliveries = deliveries
        self._bodies = bodies
        self._queue = queue
        self._secrets = secrets
        self._clock = clock

    def __call__(self, request: Request) -> Reply:
        """The answer; one log line for each request, with its delivery id."""
        guid = request.headers.get("x-github-delivery", "")
        try:
            reply = self._receive(request)
        except Refused as refused:
            reply = refused.reply
            log.warning("delivery refused: %s", reply.text, extra={"delivery": guid[:64], "status": reply.status})
        return reply

    def _receive(self, request: Request) -> Reply:
        event, guid, signature = _envelope(request)
        data, scope = self._verified(request, signature)
        facts = {"delivery": guid, "event": event}
        delivery = self._row(request, event, guid, data, scope)
        self._bodies.put(delivery.body, request.body, "application/json", only_if_absent=True)
        row = self._deliveries.record(delivery)
        undelivered = any(forward.given_up(delivery.received_at) for forward in row.forwards.values())
        if row.outcome == DONE and not undelivered:
            log.info("delivery known and done", extra=facts)
            return Reply(200, "Event received before, and handled.")
        group = identity.message_group(row.repository_id, row.pull or None, data.get("ref"), event)
        self._queue.send(row, group)
        self._deliveries.enqueued(guid)
        log.info("delivery stored", extra={**facts, "repository": row.repository, "pull": row.pull})
        return Reply(200, "Event received. Have a nice day.")

    def _verified(self, request: Request, signature: str) -> tuple[dict[str, Any], str]:
        try:
            data = json.loads(request.body)
        except (ValueError, RecursionError):
            raise Refused(403, "403 Forbidden: the payload is not JSON") from None
        if not isinstance(data, dict):
            raise Refused(403, "403 Forbidden: the payload is not a JSON object")
        repository, organization = owners(data)
        app_id = ""
        if request.headers.get("x-github-hook-installation-target-type") == "integration" and "installation" in data:
            app_id = request.headers.get("x-github-hook-installation-target-id", "")
        for refresh in (False, True):
            secrets = WebhookSecrets.parse(self._secrets(refresh))
            scope = secrets.scope(repository, organization, app_id)
            if secrets.verifies(scope, request.body, signature):
                return data, scope
        raise Refused(403, "403 Forbidden: Invalid X-Hub-Signature-256")

    def _row(self, request: Request, event: str, guid: str, data: dict[str, Any], scope: str) -> Delivery:
        now = self._clock.now_ms()
        repository, organization = owners(data)
        day = datetime.fromtimestamp(now / 1000, UTC).strftime("%Y-%m-%d")
        return Delivery(
            guid=guid,
            event=event,
            action=_text(data, "action"),
            repository=repository,
            repository_id=_number(data, "repository", "id"),
            organization="" if repository else organization,
            pull=_pull_number(data),
            scope=scope,
            body=f"deliveries/{day}/{guid}.json",
            received_at=now,
            headers=_kept(request.headers),
        )


def _envelope(request: Request) -> tuple[str, str, str]:
    """Event, GUID and signature, in Prow's order of checks."""
    headers = request.headers
    if request.method != "POST":
        raise Refused(405, "405 Method not allowed")
    event = headers.get("x-github-event", "")
    if not _EVENT.fullmatch(event):
        raise Refused(400, "400 Bad Request: Missing X-GitHub-Event Header")
    guid = headers.get("x-github-delivery", "")
    if not _GUID.fullmatch(guid):
        raise Refused(400, "400 Bad Request: Missing X-GitHub-Delivery Header")
    signature = headers.get("x-hub-signature-256", "")
    if not signature:
        raise Refused(403, "403 Forbidden: Missing X-Hub-Signature-256")
    if headers.get("content-type") != "application/json":
        raise Refused(400, "400 Bad Request: Hook only accepts content-type: application/json")
    if len(request.body) > MAX_BODY:
        raise Refused(413, f"413 Content Too Large: at most {MAX_BODY} bytes")
    return event, guid, signature


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    """GitHub's own headers, for external plugins; event and delivery are fields of the row, signatures made anew."""
    names = [name for name in sorted(headers) if _KEPT_HEADER.fullmatch(name) and _KEPT_VALUE.fullmatch(headers[name])]
    return {name: headers[name] for name in names[:_MAX_KEPT]}


def owners(data: Mapping[str, Any]) -> tuple[str, str]:
    """The repository (`org/repo`) that a body speaks about, or nothing, and the organisation.

    Not `repository.owner`: a body could name an owner there whose secret its sender has.
    """
    repository = _text(data, "repository", "full_name")
    return repository, repository.partition("/")[0] or _text(data, "organization", "login")


def _text(data: Any, *path: str) -> str:
    for key in path:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, str) else ""


def _number(data: Any, *path: str) -> int:
    for key in path:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, int) and not isinstance(data, bool) else 0


def _pull_number(data: dict[str, Any]) -> int:
    if number := _number(data, "pull_request", "number"):
        return number
    issue = data.get("issue")
    return _number(data, "issue", "number") if isinstance(issue, dict) and "pull_request" in issue else 0
