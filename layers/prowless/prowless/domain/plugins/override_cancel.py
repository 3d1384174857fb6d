"""Prow's `/override-cancel`: overridden contexts fail again (`pkg/plugins/override/override.go:604-686`)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from prowless.domain.plugins.entitlement import contexts_in, entitled, who_can_use
from prowless.domain.plugins.override import OVERRIDDEN
from prowless.domain.plugins.request import given, unique
from prowless.domain.wording import listed, shown

if TYPE_CHECKING:
    from prowless.domain.plugins.request import Request

_CANCEL = re.compile(r"/override-cancel(?: ([^\r]+))?\r?", re.IGNORECASE)


class OverrideCancel:
    """Failure for the overridden contexts that are named, or for all of them, whoever overrode them."""

    name = "/override-cancel"
    plugin = "override"

    def read(self, body: str, text: str) -> tuple[str, ...] | None:
        """The contexts on all lines that are this command, also in code blocks; none if one line names none."""
        del text
        lines = given(_CANCEL, body)
        if not lines:
            return None
        return () if None in lines else unique(name for line in lines for name in contexts_in(line or ""))

    def follow(self, wanted: tuple[str, ...], request: Request) -> str:
        """Answer, then post the statuses. Check runs and ProwJobs stay as they are, as in Prow."""
        user = request.event.author
        if not entitled(request, user):
            use = who_can_use(request.config.plugins)
            request.answer(self.name, f"{user} unauthorized: {self.name} is restricted to {use}")
            return f"{self.name}: {shown(user)} may not override in {request.pull.repository}"
        if refused := request.misses_head(self.name):
            return f"{self.name}: {refused}"
        met = {
            context: status
            for context, status in sorted(request.statuses().items())
            if OVERRIDDEN in status.description and (not wanted or context in wanted)
        }
        if not met:
            request.answer(self.name, "No overrides found to cancel")
            return f"{self.name}: no overrides found"
        request.answer(self.name, f"Cancelled overrides on behalf of {user}: {', '.join(met)}")
        for context, status in met.items():
            request.set_status(context, "failure", f"Override cancelled by {user}", status.target_url)
        return f"{self.name}: {listed(list(met))}"
