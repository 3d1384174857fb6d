"""Prow's `/skip`: green for what is not required (`pkg/plugins/skip/skip.go`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prowless.domain import filters
from prowless.domain.changes import Changes
from prowless.domain.plugins.request import SUCCESS
from prowless.domain.regex import compile_regex
from prowless.domain.wording import listed

if TYPE_CHECKING:
    from prowless.domain.plugins.request import Request

_SKIP = compile_regex(r"(?mi)^/skip\s*$")

SKIPPED = "Skipped"
"""Description of a status that `/skip` set (`pkg/plugins/skip/skip.go`)."""


class Skip:
    """`/skip`, which anybody may say."""

    name = "/skip"
    plugin = "skip"

    def read(self, body: str, text: str) -> bool | None:
        """Whether it is there, also in a code block."""
        del text
        return ("/skip" in body.lower() and _SKIP.search(body)) or None

    def follow(self, wanted: bool, request: Request) -> str:  # noqa: FBT001  what `read` answered
        """Green for what is not required, has a status and is not run by this comment (`skip.go:85-165`)."""
        del wanted
        if refused := request.misses_head(self.name):
            return f"/skip: {refused}"
        pull, statuses, config = request.pull, request.statuses(), request.config
        chosen = filters.comment_filters(
            request.event.body,
            request.testing,
            request.view.contexts,
            honour_ok_to_test=not config.trust.ignore_ok_to_test,
        )
        changes = Changes(request.view.changed_files, config.presubmits, pull.base_ref)
        done = []
        for job in config.presubmits:
            present = statuses.get(job.context)
            if present is None or present.state == SUCCESS or job.context_required or job.context in done:
                continue
            if filters.select(job, chosen, pull.base_ref, changes).run:
                continue
            request.set_status(job.context, SUCCESS, SKIPPED)
            done.append(job.context)
        return f"/skip: {listed(done) or 'nothing to skip'}"
