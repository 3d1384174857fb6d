"""Delivers the messages of queues to functions, as Lambda's pollers do.

A FIFO queue is taken group by group, in order, one batch of a group at a time; groups run in parallel up to the
mapping's concurrency. What a function does not finish comes back after the queue's visibility time-out, counted, and
goes to the dead-letter queue when the queue's redrive policy says so. There is no polling interval: a message wakes
its mapping when it is sent and when it becomes visible again.
"""

from __future__ import annotations

import functools
import hashlib
import json
import logging
import threading
from typing import TYPE_CHECKING, Any

from moto.sqs.models import sqs_backends

from prowless_local.aws.faults import LambdaServiceError
from prowless_local.template import ACCOUNT, REGION

if TYPE_CHECKING:
    from collections.abc import Callable

    from prowless_local.aws.moto_hooks.runtime import Invocation
    from prowless_local.aws.wiring import QueueSource
    from prowless_local.clock import Clock

_LOG = logging.getLogger(__name__)
_A_MOMENT = 0.001  # moto shows a message again *after* its time, not at it


class QueueMapping:
    """One queue and the function that gets its messages.

    Args:
        source: what the template says.
        clock: the stack's.
        invoke: calls the function with an event.
    """

    def __init__(self, source: QueueSource, clock: Clock, invoke: Callable[[bytes], Invocation]) -> None:
        self.source = source
        self._clock = clock
        self._invoke = invoke
        self._lock = threading.Lock()
        self._version = 0  # counts wakes, so that one that comes while a worker looks is not lost
        self._workers = 0
        self._closed = False

    def close(self) -> None:
        """Take no more messages."""
        self._closed = True

    def wake(self) -> None:
        """Look for messages now."""
        with self._lock:
            self._version += 1
            if self._closed or self._workers >= self.source.concurrency:
                return
            self._workers += 1
        self._clock.spawn(self._work, f"queue {self.source.queue}")

    def wake_later(self, seconds: float) -> None:
        """Look for messages after that many seconds."""
        self._clock.call_later(seconds + _A_MOMENT, self.wake)

    def _work(self) -> None:
        while True:
            with self._lock:
                seen = self._version
            batch, *others = self._receive() or [[]]
            for other in others:
                self._clock.spawn(functools.partial(self._deliver, other), f"queue {self.source.queue}")
            if batch:
                self.wake()  # there may be more that can run beside this
                self._deliver(batch)
                continue
            with self._lock:
                if self._closed or self._version == seen:
                    self._workers -= 1
                    return

    def _receive(self) -> list[list[Any]]:
        """What there is, one list for each message group; a queue that is not FIFO has only one."""
        if self._closed:
            return []
        backend = sqs_backends[ACCOUNT][REGION]
        source = self.source
        groups: dict[str, list[Any]] = {}
        for message in backend.receive_message(source.queue, source.batch_size, 0, source.visibility_seconds, ["All"]):
            groups.setdefault(message.group_id, []).append(message)
        return list(groups.values())

    def _deliver(self, batch: list[Any]) -> None:
        """Call the function with messages of one receive, and delete what it finished."""
        event = {"Records": [self._record(message) for message in batch]}
        done: set[str] = set()
        try:
            result = self._invoke(json.dumps(event).encode())
        except LambdaServiceError as exc:
            _LOG.warning("%s: %s; the messages come back after their visibility time-out", self.source.function, exc)
        else:
            done = self._finished(result, {message.id for message in batch})
        backend = sqs_backends[ACCOUNT][REGION]
        for message in batch:
            if message.id in done:
                backend.delete_message(self.source.queue, message.receipt_handle)
        if len(done) < len(batch):
            now = self._clock.now_ms()
            # What was received are copies, and the function may have changed the visibility of the message itself.
            present = backend.get_queue(self.source.queue)._messages  # noqa: SLF001 `messages` has only the visible ones
            kept = {message.id: message.visible_at for message in present}
            due = min(kept.get(message.id, now) for message in batch if message.id not in done)
            self.wake_later(max(0.0, (due - now) / 1000))

    def _finished(self, result: Invocation, ids: set[str]) -> set[str]:
        """The ids of the messages that may be deleted, from the function's answer."""
        if result.failed:
            error = json.loads(result.payload)
            _LOG.warning("%s failed: %s: %s", self.source.function, error["errorType"], error["errorMessage"])
            return set()
        if not self.source.partial_failures:
            return ids
        answer = json.loads(result.payload)
        if answer in (None, "", {}):
            return ids
        try:
            failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"] or []}
        except (KeyError, TypeError):
            return set()  # Lambda takes an answer that it does not understand for a failed batch
        return ids - failed if failed <= ids else set()

    def _record(self, message: Any) -> dict[str, Any]:
        """A message in the shape of Lambda's SQS event."""
        attributes = {
            "ApproximateReceiveCount": str(message.approximate_receive_count),
            "SentTimestamp": str(message.sent_timestamp),
            "SenderId": message.sender_id,
            "ApproximateFirstReceiveTimestamp": str(message.approximate_first_receive_timestamp),
        }
        fifo = {
            "SequenceNumber": message.sequence_number,
            "MessageGroupId": message.group_id,
            "MessageDeduplicationId": message.deduplication_id,
        }
        return {
            "messageId": message.id,
            "receiptHandle": message.receipt_handle,
            "body": message.body,
            "attributes": {**attributes, **{name: value for name, value in fifo.items() if value is not None}},
            "messageAttributes": {
                name: {
                    "dataType": attribute["DataType"],
                    **({"stringValue": attribute["StringValue"]} if "StringValue" in attribute else {}),
                    **({"binaryValue": attribute["BinaryValue"]} if "BinaryValue" in attribute else {}),
                    "stringListValues": [],
                    "binaryListValues": [],
                }
                for name, attribute in message.message_attributes.items()
            },
            "md5OfBody": hashlib.md5(message.body.encode(), usedforsecurity=False).hexdigest(),
            "eventSource": "aws:sqs",
            "eventSourceARN": self.source.queue_arn,
            "awsRegion": REGION,
        }
