"""Asynchronous invocations: Lambda's own queue, its retries, and where what fails for good is sent.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from prowless_local.aws.faults import LambdaServiceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from prowless_local.aws.functions import Function
    from prowless_local.aws.moto_hooks.runtime import Invocation
    from prowless_local.clock import Clock

_LOG = logging.getLogger(__name__)
_RETRY_SECONDS = (60, 120)


class BackgroundCalls:
    """Calls functions without anybody waiting.

    Args:
        clock: the stack's.
        call: invokes a function and waits.
        send: puts a text on the queue of an ARN.
    """

    def __init__(
        self,
        clock: Clock,
        call: Callable[[Function, bytes], Invocation],
        send: Callable[[str, str], None],
    ) -> None:
        self._clock = clock
        self._call = call
        self._send = send
        self._closed = False

    def close(self) -> None:
        """Repeat nothing any more."""
        self._closed = True

    def start(self, function: Function, payload: bytes, attempt: int = 1) -> None:
        """Call in the background; a failure is repeated after a minute, then two, as often as the function says."""
        self._clock.spawn(lambda: self._attempt(function, payload, attempt), f"async {function.spec.short}")

    def _attempt(self, function: Function, payload: bytes, attempt: int) -> None:
        try:
            result = self._call(function, payload)
        except LambdaServiceError as exc:
            error: Any = {"errorType": exc.code, "errorMessage": str(exc)}
        else:
            if not result.failed:
                return
            error = json.loads(result.payload)
        if self._closed:
            return
        reason = f"{error['errorType']}: {error['errorMessage']}"
        _LOG.warning("%s failed in the background (attempt %d): %s", function.spec.short, attempt, reason)
        if attempt <= function.spec.async_retries:
            pause = _RETRY_SECONDS[min(attempt, len(_RETRY_SECONDS)) - 1]
            self._clock.call_later(pause, lambda: self.start(function, payload, attempt + 1))
        elif function.spec.on_failure:
            self._send(function.spec.on_failure, json.dumps(self._record(function, payload, attempt, error)))

    def _record(self, function: Function, payload: bytes, attempt: int, error: dict[str, Any]) -> dict[str, Any]:
        """What Lambda sends to an on-failure destination."""
        now = datetime.fromtimestamp(self._clock.now_ms() / 1000, UTC)
        return {
            "version": "1.0",
            "timestamp": f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}Z",
            "requestContext": {
                "requestId": error.get("requestId", ""),
                "functionArn": f"{function.spec.arn}:$LATEST",
                "condition": "RetriesExhausted",
                "approximateInvokeCount": attempt,
            },
            "requestPayload": json.loads(payload),
            "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
            "responsePayload": error,
        }
