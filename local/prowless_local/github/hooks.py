"""Webhooks: signed deliveries, sent in order by a background thread for each hook, each attempt kept as GitHub does.

GitHub waits ten seconds for an answer, never sends again by itself, and keeps deliveries for three days.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import threading
import time
import uuid
from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from prowless_local.github.timestamps import iso8601

if TYPE_CHECKING:
    import itertools
    from collections.abc import Callable, Mapping

    from prowless_local.github.timestamps import Clock

ANSWER_TIMEOUT_SECONDS = 10
"""GitHub's own deadline for the receiver."""

LARGEST_PAYLOAD = 25 * 1024 * 1024
"""GitHub does not send larger ones."""

KEPT_MS = 3 * 24 * 60 * 60 * 1000
KEPT_ANSWER_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """Where deliveries go. `scope` is `app:<id>`, `org` or `org/repo`."""

    id: int
    url: str
    secret: str = field(repr=False)
    events: tuple[str, ...]
    scope: str
    target_id: int

    def wants(self, event: str) -> bool:
        """Whether the hook is subscribed to the event."""
        return "*" in self.events or event in self.events

    @property
    def target(self) -> str:
        """GitHub's name for what the hook is installed on."""
        if self.scope.startswith("app:"):
            return "integration"
        return "repository" if "/" in self.scope else "organization"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One attempt to deliver an event. Redeliveries share the `guid`; `status_code` is 0 without an answer."""

    id: int
    guid: str
    hook_id: int
    event: str
    action: str | None
    delivered_ms: int
    redelivery: bool
    installation_id: int | None
    repository_id: int | None
    request_headers: Mapping[str, str]
    body: bytes = field(repr=False)
    url: str
    status: str = "pending"
    status_code: int = 0
    duration: float = 0.0
    response_headers: Mapping[str, str] = field(default_factory=dict)
    response_body: str = field(default="", repr=False)

    def as_item(self) -> dict[str, Any]:
        """An item of the list that GitHub's delivery API answers."""
        return {
            "id": self.id,
            "guid": self.guid,
            "delivered_at": iso8601(self.delivered_ms),
            "redelivery": self.redelivery,
            "duration": round(self.duration, 2),
            "status": self.status,
            "status_code": self.status_code,
            "event": self.event,
            "action": self.action,
            "installation_id": self.installation_id,
            "repository_id": self.repository_id,
            "throttled_at": None,
        }

    def as_detail(self) -> dict[str, Any]:
        """The delivery with request and response."""
        return {
            **self.as_item(),
            "url": self.url,
            "request": {"headers": dict(self.request_headers), "payload": json.loads(self.body)},
            "response": {"headers": dict(self.response_headers), "payload": self.response_body},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a receiver said, or why it said nothing (`status_code` 0)."""

    status: str
    status_code: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""


class Hooks:
    """The registered hooks and their deliveries. Thread-safe.

    Args:
        clock: Gives deliveries their time.
        ids: Shared source of ids.
        on_delivery: Called by the sending thread after each attempt.
        spawn: Starts a thread. A hook has one only while it has something to send, so that a virtual clock that
            counts its threads stands still exactly as long.
    """

    def __init__(
        self,
        clock: Clock,
        ids: itertools.count[int],
        on_delivery: Callable[[Delivery], None],
        *,
        spawn: Callable[[Callable[[], None], str], object],
    ) -> None:
        self._clock = clock
        self._ids = ids
        self._on_delivery = on_delivery
        self._hooks: dict[int, Hook] = {}
        self._queues: dict[int, deque[Delivery]] = {}
        self._sending: set[int] = set()
        self._spawn = spawn
        self._deliveries: deque[Delivery] = deque()
        self._idle = threading.Condition()
        self._waiting = 0
        self._to_drop = 0
        self._closed = False

    def add(self, url: str, secret: str, events: tuple[str, ...], *, scope: str, target_id: int) -> Hook:
        """Register a hook; `target_id` is the App's, organisation's or repository's."""
        hook = Hook(id=next(self._ids), url=url, secret=secret, events=events, scope=scope, target_id=target_id)
        with self._idle:
            self._hooks[hook.id] = hook
            self._queues[hook.id] = deque()
        return hook

    def all(self) -> list[Hook]:
        """Registered hooks, oldest first."""
        with self._idle:
            return list(self._hooks.values())

    def drop_next(self, count: int) -> None:
        """Lose the next deliveries: they are neither sent nor kept."""
        with self._idle:
            self._to_drop += count

    def enqueue(
        self,
        hook: Hook,
        event: str,
        payload: Mapping[str, Any],
        *,
        installation_id: int | None,
        repository_id: int | None,
    ) -> str | None:
        """Queue an event for a hook; its GUID, or None when it is dropped or too large to be sent."""
        body = json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()
        with self._idle:
            if self._to_drop:
                self._to_drop -= 1
                return None
        if len(body) > LARGEST_PAYLOAD:
            return None
        guid = str(uuid.uuid4())
        delivery = Delivery(
            id=next(self._ids),
            guid=guid,
            hook_id=hook.id,
            event=event,
            action=payload.get("action"),
            delivered_ms=self._clock.now_ms(),
            redelivery=False,
            installation_id=installation_id,
            repository_id=repository_id,
            request_headers=_request_headers(hook, event, guid, body),
            body=body,
            url=hook.url,
        )
        self._put(delivery)
        return guid

    def redeliver(self, delivery: Delivery) -> None:
        """Send an earlier delivery's bytes once more, under the same GUID."""
        self._put(
            replace(
                delivery,
                id=next(self._ids),
                delivered_ms=self._clock.now_ms(),
                redelivery=True,
                status="pending",
                status_code=0,
                duration=0.0,
                response_headers={},
                response_body="",
            )
        )

    def deliveries(self, hook_ids: set[int] | None = None) -> list[Delivery]:
        """Attempts of the last three days, newest first, of all hooks or some."""
        horizon = self._clock.now_ms() - KEPT_MS
        with self._idle:
            kept = [one for one in self._deliveries if one.delivered_ms >= horizon]
        return [one for one in reversed(kept) if hook_ids is None or one.hook_id in hook_ids]

    def flush(self, timeout_seconds: float) -> None:
        """Wait until everything queued has been attempted.

        Raises:
            TimeoutError: It has not been within the time.
        """
        with self._idle:
            if not self._idle.wait_for(lambda: self._waiting == 0, timeout_seconds):
                raise TimeoutError(f"{self._waiting} webhook deliveries are still under way after {timeout_seconds} s")

    def close(self) -> None:
        """Send nothing more; returns when the attempts under way are over."""
        with self._idle:
            self._closed = True
            self._idle.wait_for(lambda: not self._sending, ANSWER_TIMEOUT_SECONDS + 1)

    def _put(self, delivery: Delivery) -> None:
        with self._idle:
            if self._closed:
                return
            self._waiting += 1
            self._queues[delivery.hook_id].append(delivery)
            if delivery.hook_id in self._sending:
                return
            self._sending.add(delivery.hook_id)
            self._spawn(lambda: self._send_all(delivery.hook_id), f"github-hook-{delivery.hook_id}")

    def _send_all(self, hook_id: int) -> None:
        """Send what is queued, then end; whoever queues next starts another thread."""
        while (delivery := self._next(hook_id)) is not None:
            try:
                self._attempt(delivery)
            finally:
                with self._idle:
                    self._waiting -= 1
                    self._idle.notify_all()

    def _next(self, hook_id: int) -> Delivery | None:
        with self._idle:
            waiting = self._queues[hook_id]
            if waiting and not self._closed:
                return waiting.popleft()
            self._sending.discard(hook_id)
            self._waiting -= len(waiting)
            waiting.clear()
            self._idle.notify_all()
            return None

    def _attempt(self, delivery: Delivery) -> None:
        started = time.monotonic()
        answer = post(delivery.url, delivery.request_headers, delivery.body)
        done = replace(
            delivery,
            status=answer.status,
            status_code=answer.status_code,
            duration=time.monotonic() - started,
            response_headers=answer.headers,
            response_body=answer.body,
        )
        with self._idle:
            self._deliveries.append(done)
        self._on_delivery(done)


def spawn_thread(target: Callable[[], None], name: str) -> threading.Thread:
    """Start a thread that does not keep the process alive."""
    thread = threading.Thread(target=target, name=name, daemon=True)
    thread.start()
    return thread


def signature(secret: str, body: bytes) -> str:
    """The value of `X-Hub-Signature-256`."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def post(url: str, headers: Mapping[str, str], body: bytes) -> Answer:
    """Send a delivery; a receiver that cannot be reached or is too slow is an answer too."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=ANSWER_TIMEOUT_SECONDS)
    target = parts.path or "/"
    try:
        connection.request("POST", f"{target}?{parts.query}" if parts.query else target, body, dict(headers))
        response = connection.getresponse()
        text = response.read(KEPT_ANSWER_BYTES).decode(errors="replace")
        ok = http.client.OK <= response.status < http.client.MULTIPLE_CHOICES
        status = "OK" if ok else f"Invalid HTTP Response: {response.status}"
        return Answer(status=status, status_code=response.status, headers=dict(response.getheaders()), body=text)
    except TimeoutError:
        return Answer(status="timed out")
    except (OSError, http.client.HTTPException) as exc:
        return Answer(status="failed to connect to host", body=str(exc))
    finally:
        connection.close()


def _request_headers(hook: Hook, event: str, guid: str, body: bytes) -> dict[str, str]:
    headers = {
        "Accept": "*/*",
        "Content-Type": "application/json",
        "User-Agent": "GitHub-Hookshot/fa4e5a1",
        "X-GitHub-Delivery": guid,
        "X-GitHub-Event": event,
        "X-GitHub-Hook-ID": str(hook.id),
        "X-GitHub-Hook-Installation-Target-ID": str(hook.target_id),
        "X-GitHub-Hook-Installation-Target-Type": hook.target,
    }
    if hook.secret:
        headers["X-Hub-Signature-256"] = signature(hook.secret, body)
    return headers
