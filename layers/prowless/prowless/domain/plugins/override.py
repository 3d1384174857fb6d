"""Prow's `/override`: green for contexts that somebody entitled names (`pkg/plugins/override/override.go`)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prowless.domain import status as status_rules
from prowless.domain.plugins.request import MOST_NAMES, SUCCESS, given, unique
from prowless.domain.wording import listed, shown

if TYPE_CHECKING:
    from prowless.domain.decisions import StatusFact
    from prowless.domain.plugins.request import Request

_OVERRIDE = re.compile(r"/override(?: ([^\r]+))?\r?", re.IGNORECASE)

OVERRIDDEN = "Overridden by"
"""Begins the description of an overridden status (`pkg/plugins/override/override.go`); tools search for it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The contexts or jobs named. `nameless`: an `/override` came without any."""

    names: tuple[str, ...]
    nameless: bool = False


class Override:
    """Green for the contexts that an administrator names (`override.go:330-560`).

    Beyond Prow a context that this user has overridden already is no error, so that half a command can be repeated.
    """

    name = "/override"
    plugin = "override"

    def read(self, body: str, text: str) -> Wanted | None:
        """The contexts on all lines that are this command, also in code blocks."""
        del text
        lines = given(_OVERRIDE, body)
        if not lines:
            return None
        return Wanted(unique(name for line in lines for name in contexts_in(line or "")), None in lines)

    def follow(self, wanted: Wanted, request: Request) -> str:
        """Answer, then post the statuses."""
        user, view = request.event.author, request.view
        if wanted.nameless:
            request.answer("override", "/override requires failed status contexts to operate on, but none was given")
            return "/override names no context"
        if view.permission(user) != "admin":
            request.answer("override", f"{user} unauthorized: /override is restricted to Repo administrators.")
            return f"/override: {shown(user)} is no administrator of {request.pull.repository}"
        if refused := request.misses_head("override"):
            return f"/override: {refused}"
        text = f"{OVERRIDDEN} {user}"
        statuses = view.statuses()
        named = {job.context: job.name for job in reversed(request.config.presubmits)}
        failed = {context: status for context, status in statuses.items() if status.state != SUCCESS}
        ours = {name: status for name, status in statuses.items() if _is_override(status, text)}
        known = {*failed, *(named[context] for context in failed if context in named)}
        mine = {*ours, *(named[context] for context in ours if context in named)}
        if unknown := sorted(set(wanted.names) - known - mine):
            request.answer("override", _unknown(unknown, sorted(known)))
            return f"/override: no failed context {listed(unknown)}"
        done = sorted(c for c in {**failed, **ours} if c in wanted.names or named.get(c) in wanted.names)
        if done:
            request.answer("override", f"Overrode contexts on behalf of {user}: {', '.join(done)}")
        base = view.base_head() if done else ""
        for context in done:
            if context in failed:
                description = status_rules.description(text, base)
                request.set_status(context, SUCCESS, description, failed[context].target_url)
        return f"/override: {listed(done) or 'nothing'}"


def contexts_in(line: str) -> list[str]:
    """The contexts after `/override`: separated by spaces, in double quotes if there are spaces in them."""
    parts = re.findall(r'(?:[^ "]|"[^"]*(?:"|$))+', line)
    return [part.strip().strip('"') for part in parts]


def _is_override(status: StatusFact, text: str) -> bool:
    return status.state == SUCCESS and f"{status.description} ".startswith((f"{text} ", f"{text}\u2001"))


def _unknown(unknown: list[str], known: list[str]) -> str:
    return (
        "/override requires failed status contexts, check run or a prowjob name to operate on.\n"
        f"The following unknown contexts/checkruns were given:\n{_lines(unknown)}\n\n"
        f"Only the following failed contexts/checkruns were expected:\n{_lines(known)}\n\n"
        "If you are trying to override a checkrun that has a space in it, you must put a double quote on the context.\n"
    )


def _lines(names: list[str]) -> str:
    return "\n".join(f" - `{shown(name, 200)}`" for name in names[:MOST_NAMES])
