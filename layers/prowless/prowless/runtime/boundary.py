"""Between Lambda and the use cases: events become plain values, errors become the names the state machine knows."""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from prowless.domain.errors import BusyError, ConfigError, PermanentError, ProwlessError, RetryableError
from prowless.runtime.environment import Environment
from prowless.usecases.receive import MAX_BODY, Reply, Request

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger(__name__)

_FIRST_RETRY_S = 20
_LAST_RETRY_S = 600
_LONGEST_RETRY_S = 3600

U = TypeVar("U")
Event = dict[str, Any]
Handle = Callable[[Event, Any], Any]
"""A Lambda handler: event and context in, JSON out."""


class Handler(Generic[U]):
    """A Lambda handler over a use case that a factory builds.

    In Lambda it builds during INIT, elsewhere at the first call, so that importing an `app.py` needs no environment.
    `bind` gives a handler of its own for another environment.
    """

    def __init__(self, factory: Callable[[Environment], U], adapt: Callable[[U, Event, Any], Any]) -> None:
        """`adapt` calls the use case with what it takes of the event."""
        self._factory = factory
        self._adapt = adapt
        self._built: Handle | None = None
        if "AWS_LAMBDA_RUNTIME_API" in os.environ:
            self._built = self._build_in_lambda()

    def __call__(self, event: Event, context: Any) -> Any:
        """Handle one event."""
        if self._built is None:
            self._built = self.bind(Environment.of_process())
        return self._built(event, context)

    def bind(self, environment: Environment) -> Handle:
        """A handler for this environment; mistakes in it are reported here, at once."""
        usecase = self._factory(environment)

        def handle(event: Event, context: Any) -> Any:
            return self._adapt(usecase, event, context)

        return handle

    def _build_in_lambda(self) -> Handle:
        from prowless.runtime.observability import logged  # noqa: PLC0415  Powertools is of no use elsewhere

        return logged(self.bind(Environment.of_process()))


def task(factory: Callable[[Environment], Callable[[Event], Any]]) -> Handler[Callable[[Event], Any]]:
    """A state of the machine. Only RetryableError, PermanentError and ConfigError leave, since names are matched."""

    def adapt(usecase: Callable[[Event], Any], event: Event, _context: Any) -> Any:
        try:
            return usecase(event)
        except ProwlessError as error:
            about = {"prowjob": event.get("prowjob", "")}
            if isinstance(error, BusyError):
                log.info("waits for its turn: %s", error, extra=about)
            else:
                log.warning("task failed: %s", error, extra=about)
            named = _named(error)
            if named is error:
                raise
            raise named from error

    return Handler(factory, adapt)


def _named(error: ProwlessError) -> ProwlessError:
    if type(error) in {RetryableError, PermanentError, ConfigError}:
        return error
    if isinstance(error, ConfigError):
        return ConfigError(list(error.problems))
    if isinstance(error, RetryableError) or not isinstance(error, PermanentError):
        return RetryableError(str(error))
    return PermanentError(str(error))


def queue(factory: Callable[[Environment], Callable[[list[Event]], Any]]) -> Handler[Callable[[list[Event]], Any]]:
    """An SQS event source: the decoded bodies of a batch. An error sends the whole batch back to the queue."""

    def adapt(usecase: Callable[[list[Event]], Any], event: Event, _context: Any) -> Any:
        return usecase([_message(record) for record in event["Records"]])

    return Handler(factory, adapt)


def _message(record: Mapping[str, Any]) -> Event:
    try:
        body = json.loads(record["body"])
    except ValueError as error:
        raise PermanentError(f"message {record.get('messageId')} is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise PermanentError(f"message {record.get('messageId')} is not a JSON object")
    return body


@dataclass(frozen=True, slots=True, kw_only=True)
class Persistent:
    """A use case of one message and how often it has come, and how to have it again: receipt handle and seconds.

    `spread` gives random numbers from 0 to 1: how much of a half is added to a pause, so that what failed together
    does not come back together.
    """

    handle: Callable[[Event, int], Any]
    postpone: Callable[[str, int], None]
    spread: Callable[[], float] = lambda: 0.0


def persistent_queue(factory: Callable[[Environment], Persistent]) -> Handler[Persistent]:
    """An SQS event source with batches of one. What fails comes again soon, then less and less often.

    The queue's visibility timeout, made for functions that hang, would have a push wait for half an hour.
    """

    def adapt(built: Persistent, event: Event, _context: Any) -> Any:
        (record,) = event["Records"]
        receives = int(record["attributes"]["ApproximateReceiveCount"])
        try:
            return built.handle(_message(record), receives)
        except ProwlessError as error:
            asked_ms = error.retry_after_ms if isinstance(error, RetryableError) else None
            seconds = round(retry_seconds(receives, asked_ms or 0) * (1 + built.spread() / 2))
            log.warning("failed, again in %d s: %s", seconds, error)
            with contextlib.suppress(ProwlessError):  # it comes again all the same, only later
                built.postpone(record["receiptHandle"], seconds)
            raise

    return Handler(factory, adapt)


def retry_seconds(receives: int, asked_ms: int) -> int:
    """The pause after so many receives of a message: 20 s, doubled up to 10 minutes; longer if that was asked for."""
    backoff = min(_FIRST_RETRY_S << min(receives - 1, 10), _LAST_RETRY_S)
    return min(max(backoff, -(-asked_ms // 1000)), _LONGEST_RETRY_S)


def schedule(factory: Callable[[Environment], Callable[[Event], Any]]) -> Handler[Callable[[Event], Any]]:
    """An EventBridge schedule or rule: the event as it is."""
    return Handler(factory, lambda usecase, event, _context: usecase(event))


def http(factory: Callable[[Environment], Callable[[Request], Reply]]) -> Handler[Callable[[Request], Reply]]:
    """An HTTP API route, payload format 2.0. A fault of ours is 503: GitHub records the delivery as failed."""

    def adapt(usecase: Callable[[Request], Reply], event: Event, _context: Any) -> Any:
        try:
            reply = usecase(_request(event))
        except ProwlessError:
            log.exception("delivery not stored")
            reply = Reply(503, "503 Service Unavailable: the delivery could not be stored; it will be recovered.")
        return {
            "statusCode": reply.status,
            "headers": {"content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff"},
            "body": reply.text + "\n",
        }

    return Handler(factory, adapt)


def _request(event: Event) -> Request:
    body = event.get("body") or ""
    try:
        data = base64.b64decode(body, validate=True) if event.get("isBase64Encoded") else body.encode()
    except (binascii.Error, ValueError):
        data = b""
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    return Request(method=event["requestContext"]["http"]["method"], headers=headers, body=data[: MAX_BODY + 1])
