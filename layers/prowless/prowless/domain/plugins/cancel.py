"""Our `/cancel [JOB…|all]`, which Prow does not have."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from prowless.domain import approvals, replies
from prowless.domain.actions import AbortPull
from prowless.domain.plugins.request import given, quoted, unique
from prowless.domain.wording import listed, shown

if TYPE_CHECKING:
    from prowless.domain.plugins.request import Request

_CANCEL = re.compile(r"/cancel(?:[ \t]([^\r]*))?\r?")
_ALL = "all"


class Cancel:
    """Stop the pull's unfinished runs, of some jobs or all; who may `/test` may do that."""

    name = "/cancel"
    plugin = "trigger"

    def read(self, body: str, text: str) -> tuple[str, ...] | None:
        """The names or contexts of jobs, or `all`."""
        del body
        lines = given(_CANCEL, text)
        jobs = (name for line in lines for name in (line or _ALL).replace(",", " ").split() or [_ALL])
        return unique(jobs) if lines else None

    def follow(self, wanted: tuple[str, ...], request: Request) -> str:
        """Runs that the same comment starts go on."""
        pull, user, view = request.pull, request.event.author, request.view
        trusted = view.trusted(user) or approvals.trusted_pull(pull, request.config.trust, view)
        if not trusted:
            request.answer("trust", replies.untrusted(request.config.trust))
            return f"/cancel: neither {shown(user)} nor the pull request is trusted"
        cause = str(request.event.cause())
        jobs = () if _ALL in wanted else wanted
        runs = [run for run in view.unfinished() if run.cause != cause]
        met = sorted({run.job for run in runs if not jobs or run.job in jobs or run.context in jobs})
        if not met:
            of = f" of {quoted(jobs)}" if jobs else ""
            request.answer("cancel", f"There is nothing to cancel: no run{of} is under way.")
            return "/cancel: nothing to cancel"
        request.answer("cancel", f"Cancelled on behalf of {user}: {quoted(met)}.")
        request.actions.append(
            AbortPull(
                repository=pull.repository,
                number=pull.number,
                description=f"Aborted by {user} with /cancel.",
                except_cause=cause,
                jobs=jobs,
            )
        )
        return f"/cancel: {listed(met)}"
