"""Slack, as reports need it."""

from __future__ import annotations

from typing import Protocol


class Slack(Protocol):
    """Posts messages to channels."""

    def post(self, host: str, channel: str, text: str) -> None:
        """Post one message, in at most some ten seconds.

        Args:
            host: which workspace's token is used; `*` is the usual one.
            channel: its name or id.
            text: Slack's markup, up to 40,000 characters.

        Raises:
            AmbiguousError: the answer was lost, so the message may stand there.
            RetryableError: it was not posted, and may be later; with `retry_after_ms` where Slack said so.
            PermanentError: Slack refuses it, or there is no token for the host.
        """
        ...
