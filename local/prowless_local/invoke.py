"""Call one function with an event of one's own, in a stack that is made for it and gone afterwards."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Any

from prowless_local import sample
from prowless_local.stack import Options, Stack

if TYPE_CHECKING:
    from pathlib import Path

SIGNED_HERE = "signed by prowless local invoke"
"""The value of X-Hub-Signature-256 in an event file that is replaced by a signature with this stack's secret."""


def invoke(config: Path, function: str, event: Any) -> Any:
    """The function's result.

    Raises:
        FunctionError: the function failed.
        KeyError: there is no such function.
    """
    with Stack(Options(config=config, schedules=False, webhooks=False)) as stack:
        sample.prepare_for(stack, stack.aws.function(function).spec.short)
        return stack.aws.invoke(function, signed(event, stack.webhook_secret))


def signed(event: Any, secret: str) -> Any:
    """The event, its placeholder for a signature replaced by one that the secret makes."""
    headers = event.get("headers") if isinstance(event, dict) else None
    if not isinstance(headers, dict) or headers.get("x-hub-signature-256") != SIGNED_HERE:
        return event
    digest = hmac.new(secret.encode(), str(event.get("body", "")).encode(), hashlib.sha256).hexdigest()
    return {**event, "headers": {**headers, "x-hub-signature-256": f"sha256={digest}"}}
