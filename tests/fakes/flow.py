"""Queues and state machine in memory."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from prowless.ports.flow import Execution
from tests.fakes.clock import FixedClock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prowless.ports.clock import Clock
    from prowless.ports.stores import Delivery

DEDUPLICATION_MS = 300_000
"""SQS forgets a deduplication id after five minutes."""


@dataclass(frozen=True)
class Message:
    body: dict[str, Any]
    group: str
    deduplication_id: str


@dataclass
class MemoryFifo:
    """One FIFO queue: `messages` are what a consumer would still get, in order; `sent` is everything ever accepted."""

    clock: Clock
    messages: list[Message] = field(default_factory=list)
    sent: list[Message] = field(default_factory=list)
    _seen: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, message: Message) -> None:
        now = self.clock.now_ms()
        with self._lock:
            if now - self._seen.get(message.deduplication_id, -DEDUPLICATION_MS) < DEDUPLICATION_MS:
                return
            self._seen[message.deduplication_id] = now
            self.messages.append(message)
            self.sent.append(message)

    def drain(self) -> list[dict[str, Any]]:
        """Take all messages; their bodies, in order."""
        with self._lock:
            taken, self.messages = self.messages, []
        return [message.body for message in taken]


class MemoryQueues:
    """`DeliveryQueue` and `AdmitQueue` in one: `deliveries` and `admits` hold what was sent."""

    def __init__(self, clock: Clock | None = None) -> None:
        clock = clock or FixedClock()
        self.deliveries = MemoryFifo(clock)
        self.admits = MemoryFifo(clock)

    def send(self, delivery: Delivery, group: str) -> None:
        self.deliveries.put(Message({"delivery": delivery.guid}, group, f"{delivery.guid}-{delivery.receives}"))

    def wake(self, reason: str) -> None:
        self.admits.put(Message({"wake": reason}, "admit", json.dumps(["wake", reason])))

    def release(self, prowjob: str, nonce: str) -> None:
        self.admits.put(Message({"release": prowjob}, "admit", json.dumps(["release", prowjob, nonce])))


class MemoryForwardQueue:
    """`ForwardQueue`: `messages` are what was sent."""

    def __init__(self) -> None:
        self.messages: list[dict[str, str]] = []

    def send(self, guid: str, plugin: str) -> None:
        self.messages.append({"delivery": guid, "plugin": plugin})

    def drain(self) -> list[dict[str, str]]:
        """Take all messages."""
        taken, self.messages = self.messages, []
        return taken


class MemoryStarter:
    """`Starter`: `executions` by name, `inputs` as JSON by name, `woken` the outputs by token.

    `open_wait` makes a token that `wake` will complete, as a waiting state does; `finish` closes an execution.
    """

    def __init__(self) -> None:
        self.executions: dict[str, Execution] = {}
        self.inputs: dict[str, str] = {}
        self.waits: set[str] = set()
        self.woken: dict[str, dict[str, Any]] = {}
        self.lock = threading.Lock()

    def start(self, prowjob: str, finisher: int = 0) -> Execution:
        name = f"{prowjob}-finish-{finisher}" if finisher else prowjob
        with self.lock:
            if name not in self.executions:
                self.executions[name] = Execution(name=name, status="RUNNING")
                self.inputs[name] = json.dumps({"prowjob": prowjob, "schema": 1, "finish": bool(finisher)})
            return self.executions[name]

    def describe(self, prowjob: str, finisher: int = 0) -> Execution | None:
        return self.executions.get(f"{prowjob}-finish-{finisher}" if finisher else prowjob)

    def wake(self, token: str, output: Mapping[str, Any]) -> bool:
        with self.lock:
            if token not in self.waits:
                return False
            self.waits.remove(token)
            self.woken[token] = dict(output)
            return True

    def open_wait(self, token: str) -> str:
        """Open a wait under this token; the token."""
        self.waits.add(token)
        return token

    def finish(self, name: str, status: str = "SUCCEEDED", cause: str = "") -> None:
        """Close an execution."""
        self.executions[name] = replace(self.executions[name], status=status, cause=cause)


class MemoryConfigQueue:
    """`ConfigQueue`: `messages` holds what was sent, `postponed` the receipts that are to come again and when."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.messages = MemoryFifo(clock or FixedClock())
        self.postponed: list[tuple[str, int]] = []

    def sync(self, cause: str) -> None:
        self.messages.put(Message({"sync": cause}, "sync", json.dumps(["sync", cause])))

    def check(self, repository: str, number: int, cause: str) -> None:
        group = f"check {repository}#{number}"
        self.messages.put(Message({"check": repository, "pull": number}, group, json.dumps([group, cause])))

    def postpone(self, receipt: str, seconds: int) -> None:
        self.postponed.append((receipt, seconds))
