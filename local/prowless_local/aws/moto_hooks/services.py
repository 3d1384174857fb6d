"""Lambda's Invoke, SQS, EventBridge's PutEvents, and calls that must not run into each other."""

from __future__ import annotations

import itertools
import json
import threading
import time
from typing import Any

from moto.awslambda.responses import LambdaResponse
from moto.awslambda_simple.models import LambdaSimpleBackend
from moto.core.serialize import ResponseSerializer
from moto.core.utils import iso_8601_datetime_without_milliseconds, utcnow
from moto.dynamodb.responses import DynamoHandler
from moto.events.models import EventsBackend
from moto.s3.responses import S3Response
from moto.sqs.models import Queue, SQSBackend

from prowless_local.aws.faults import LambdaServiceError
from prowless_local.aws.moto_hooks.interpreter import function_name
from prowless_local.aws.moto_hooks.runtime import current, replace

_DEDUPLICATION_MS = 300_000
_sequence = itertools.count(18_870_000_000_000_000_000)
_one_at_a_time = {service: threading.RLock() for service in ("dynamodb", "s3", "sqs")}


def apply() -> None:
    """Install this module's hooks."""
    _invoke()
    _messages()
    _received()
    _events()
    _one_call_at_a_time()
    _attribute_values()


def _invoke() -> None:
    """Invoke runs our function; with InvocationType Event in the background, with Lambda's retries.

    moto without Docker answers every Invoke with its own input.
    """

    def make_invoke(original: Any) -> Any:
        def invoke(  # noqa: PLR0917 moto's signature
            self: Any, name: str, qualifier: str | None, body: Any, headers: Any, response_headers: dict[str, str]
        ) -> Any:
            runtime = current()
            if runtime is None:
                return original(self, name, qualifier, body, headers, response_headers)
            if not runtime.has_function(function_name(name)):
                self.get_function(name, qualifier)  # which answers 404
            payload = (body.encode() if isinstance(body, str) else body) or b"{}"
            if headers.get("X-Amz-Invocation-Type") == "Event":
                runtime.invoke_function_later(function_name(name), payload)
                return b""
            result = runtime.invoke_function(function_name(name), payload)
            if result.failed:
                response_headers["x-amz-function-error"] = "Unhandled"
            return result.payload

        return invoke

    def make_response(original: Any) -> Any:
        def invoke(self: Any) -> Any:
            try:
                return original(self)
            except LambdaServiceError as exc:
                status = {"TooManyRequestsException": 429, "InvalidRequestContentException": 400}.get(exc.code, 500)
                headers = {"x-amzn-errortype": exc.code, "status": str(status)}
                return status, headers, json.dumps({"Type": "Service", "message": str(exc)})

        return invoke

    replace(LambdaSimpleBackend, "invoke", make_invoke)
    replace(LambdaResponse, "invoke", make_response)


def _messages() -> None:
    """A queue tells the stack of every message, deduplicates for five minutes and numbers messages upwards.

    moto has nobody to tell, forgets a deduplication id when its message is deleted (AWS does not: an equal message
    within five minutes is swallowed even then), and makes up random sequence numbers.
    """

    def make(original: Any) -> Any:
        def add_message(self: Any, message: Any) -> None:
            runtime = current()
            if runtime is None:
                original(self, message)
                return
            now = runtime.clock.now_ms()
            if self.fifo_queue:
                seen = self.__dict__.setdefault("prowless_deduplication", {})
                scope = message.group_id if self.deduplication_scope == "messageGroup" else None
                key = (scope, message.deduplication_id)
                for old in [k for k, at in seen.items() if now - at >= _DEDUPLICATION_MS]:
                    del seen[old]
                if key in seen:
                    return
                seen[key] = now
                message.sequence_number = str(next(_sequence))
            original(self, message)
            runtime.message_added(self.name, max(0.0, (message.delayed_until - now) / 1000))

        return add_message

    replace(Queue, "add_message", make)


def _received() -> None:
    """Receiving is atomic, a long poll does not keep others out, and a batch that comes back comes back in order.

    moto scans the queue without a lock. Of a FIFO group's batch that becomes visible again it passes over the first
    message, because the second still counts as in flight when the first is looked at.
    """

    def make(original: Any) -> Any:
        def receive_message(  # noqa: PLR0917 moto's signature
            self: Any, queue_name: str, count: int, wait_seconds: int, visibility: int, names: Any = None
        ) -> list[Any]:
            if current() is None:
                received: list[Any] = original(self, queue_name, count, wait_seconds, visibility, names)
                return received
            give_up = time.monotonic() + wait_seconds
            while True:
                with _one_at_a_time["sqs"]:
                    pending = self.get_queue(queue_name).pending_messages
                    pending.difference_update([message for message in pending if message.visible])
                    received = original(self, queue_name, count, 0, visibility, names)
                if received or time.monotonic() >= give_up:
                    return received
                time.sleep(0.02)

        return receive_message

    replace(SQSBackend, "receive_message", make)


def _events() -> None:
    """PutEvents delivers to the template's rules; moto raises NotImplementedError for Lambda targets."""

    def make(original: Any) -> Any:
        def put_events(self: Any, events: list[dict[str, Any]]) -> Any:
            answers = original(self, events)
            runtime = current()
            if runtime is None:
                return answers
            for event, answer in zip(events, answers, strict=True):
                bus = (event.get("EventBusName") or "default").rsplit("/", 1)[-1]
                if "EventId" in answer and bus == "default":
                    runtime.event_put(
                        {
                            "version": "0",
                            "id": answer["EventId"],
                            "detail-type": event["DetailType"],
                            "source": event["Source"],
                            "account": self.account_id,
                            "time": iso_8601_datetime_without_milliseconds(utcnow()),
                            "region": self.region_name,
                            "resources": event.get("Resources", []),
                            "detail": json.loads(event["Detail"]),
                        }
                    )
            return answers

        return put_events

    replace(EventsBackend, "put_events", make)


def _one_call_at_a_time() -> None:
    """Calls to DynamoDB and S3, and what changes a queue, are atomic, as the services promise.

    moto checks a condition and writes afterwards, without a lock; threads that do so at the same time both win.
    """

    def locked(service: str) -> Any:
        def make(original: Any) -> Any:
            def call(self: Any, *arguments: Any, **keywords: Any) -> Any:
                with _one_at_a_time[service]:
                    return original(self, *arguments, **keywords)

            return call

        return make

    replace(DynamoHandler, "call_action", locked("dynamodb"))
    for name in ("bucket_response", "key_response", "ambiguous_response"):
        replace(S3Response, name, locked("s3"))
    for name in ("send_message", "send_message_batch", "delete_message", "delete_message_batch"):
        replace(SQSBackend, name, locked("sqs"))
    for name in ("change_message_visibility", "change_message_visibility_batch", "purge_queue"):
        replace(SQSBackend, name, locked("sqs"))


def _attribute_values() -> None:
    """An attribute value of DynamoDB is written as it is: it has one of ten members.

    moto looks for all ten, under every name that each might have: a third of the time of a read.
    """

    def make(original: Any) -> Any:
        def _serialize_type_structure(self: Any, serialized: Any, value: Any, shape: Any, key: str) -> None:
            if shape.name != "AttributeValue" or type(value) is not dict or not key:
                original(self, serialized, value, shape, key)
                return
            written = self.MAP_TYPE()
            for name, member in value.items():
                self._serialize(written, member, shape.members[name], name)
            self._default_serialize(serialized, written, shape, key)

        return _serialize_type_structure

    replace(ResponseSerializer, "_serialize_type_structure", make)
