"""One line for each thing that happens in a running stack: deliveries, statuses, comments."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from prowless_local.screen import Line

if TYPE_CHECKING:
    from prowless_local.github import Change
    from prowless_local.screen import Screen
    from prowless_local.stack import Stack

_WIDTH = 70


def plain(description: str | None) -> str:
    """A status description without Prow's padding and base SHA, which say nothing to a reader."""
    return (description or "").partition(" BaseSHA:")[0].rstrip("\u2001 ")


def commented(change: Change) -> str:
    """A comment in one line: who, and how it begins."""
    words = " ".join(change.record.body.split())
    return f"{change.record.author} commented: {textwrap.shorten(words, _WIDTH, placeholder=' …')}"


def follow(stack: Stack, screen: Screen) -> None:
    """Show what happens on the embedded GitHub from now on."""
    if stack.github is None:
        return

    def on_change(change: Change) -> None:
        if change.kind == "status":
            status = change.record
            where = f"{change.repository} {status.sha[:7]}"
            screen.say(Line(where, "", status.context, status.state, plain(status.description), screen.elapsed()))
        elif change.kind == "comment" and change.action == "created":
            screen.step(commented(change))
        elif change.kind == "delivery" and change.record.event in {"pull_request", "push", "issue_comment"}:
            sent = change.record
            answer = sent.status_code or sent.status
            screen.note(f"delivery {sent.event} {sent.action or ''} {sent.guid[:8]}: {answer}")

    stack.github.subscribe(on_change)
