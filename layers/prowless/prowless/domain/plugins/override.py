"""Prow's `/override` and `/override-sticky`: green for contexts that somebody entitled names.

(`pkg/plugins/override/override.go`)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prowless.domain import status as status_rules
from prowless.domain.actions import PassCheck, Record
from prowless.domain.plugins.entitlement import SKIP_RETEST, contexts_in, entitled, who_can_use
from prowless.domain.plugins.request import MOST_NAMES, SUCCESS, given, unique
from prowless.domain.specs import presubmit_spec, pull_refs
from prowless.domain.view import StatusFact
from prowless.domain.wording import listed, shown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from prowless.domain.config.jobs import Presubmit
    from prowless.domain.plugins.request import Request
    from prowless.domain.view import CheckFact

_OVERRIDE = re.compile(r"/override(?: ([^\r]+))?\r?", re.IGNORECASE)
_STICKY = re.compile(r"/override-sticky(?: ([^\r]+))?\r?", re.IGNORECASE)

OVERRIDDEN = "Overridden by"
"""Begins the description of an overridden status (`override.go:326`); tools search for it."""

_PERSISTS = (
    "\n\nThese overrides will persist across retests on the current HEAD SHA. Pushing a new commit will clear them. "
    "Use `/override-cancel` to remove them."
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The contexts, check runs or jobs named. `nameless`: the command came without any."""

    names: tuple[str, ...]
    nameless: bool = False


@dataclass(frozen=True, slots=True)
class _Known:
    """What may be overridden.

    `jobs` are presubmits by context, `statuses` those that are no success or required, `checks` all conclusions by
    name; `done` are contexts and check runs that are green already, so that a repeated command is no error.
    """

    jobs: Mapping[str, Presubmit]
    statuses: Mapping[str, StatusFact]
    checks: Mapping[str, str]
    done: Collection[str]

    def failed(self) -> set[str]:
        """All names that an answer lists."""
        return self.names(self.statuses) | _failed(self.checks)

    def names(self, contexts: Iterable[str]) -> set[str]:
        """Contexts, and the names of their jobs."""
        listed = set(contexts)
        return listed | {self.jobs[context].name for context in listed if context in self.jobs}

    def chosen(self, contexts: Iterable[str], wanted: Collection[str]) -> list[str]:
        """The contexts that are wanted by their own name or their job's."""
        return [c for c in contexts if c in wanted or (c in self.jobs and self.jobs[c].name in wanted)]


class Override:
    """Green for the contexts that are named, with a ProwJob for each that is a job's (`override.go:378-602`).

    `sticky` marks the status so that Tide does not run its job again when the base branch moves; there is no Tide here,
    but one may read our statuses. Beyond Prow a context that this user has overridden already is no error, so that half
    a command can be repeated.
    """

    plugin = "override"

    def __init__(self, *, sticky: bool = False) -> None:
        """`sticky` makes it `/override-sticky`."""
        self._sticky = sticky
        self._pattern = _STICKY if sticky else _OVERRIDE

    @property
    def name(self) -> str:
        """The command."""
        return "/override-sticky" if self._sticky else "/override"

    def read(self, body: str, text: str) -> Wanted | None:
        """The contexts on all lines that are this command, also in code blocks."""
        del text
        lines = given(self._pattern, body)
        if not lines:
            return None
        return Wanted(unique(name for line in lines for name in contexts_in(line or "")), None in lines)

    def follow(self, wanted: Wanted, request: Request) -> str:
        """Answer, keep the ProwJobs, then post the statuses and check runs."""
        user = request.event.author
        if wanted.nameless:
            said = f"{self.name} requires failed status contexts to operate on, but none was given"
            request.answer(self.name, said)
            return f"{self.name} names no context"
        if not entitled(request, user):
            use = who_can_use(request.config.plugins)
            request.answer(self.name, f"{user} unauthorized: {self.name} is restricted to {use}")
            return f"{self.name}: {shown(user)} may not override in {request.pull.repository}"
        if refused := request.misses_head(self.name):
            return f"{self.name}: {refused}"
        text = f"{OVERRIDDEN} {user}" + (f" {SKIP_RETEST}" if self._sticky else "")
        known = _known(request, text)
        if unknown := sorted(set(wanted.names) - known.failed() - known.names(known.done)):
            request.answer(self.name, _unknown(self.name, unknown, sorted(known.failed())))
            return f"{self.name}: no failed context {listed(unknown)}"
        contexts = known.chosen(known.statuses, wanted.names)
        checks = [name for name in known.checks if name in wanted.names]
        done = sorted({*contexts, *checks, *known.chosen(known.done, wanted.names)})
        if done:
            persists = _PERSISTS if self._sticky else ""
            names = ", ".join(done)
            request.answer(self.name, f"Overrode contexts on behalf of {user}: {names}{persists}")
        self._carry_out(request, known, sorted(contexts), checks, text)
        return f"{self.name}: {listed(done) or 'nothing'}"

    def _carry_out(
        self, request: Request, known: _Known, contexts: Iterable[str], checks: Iterable[str], text: str
    ) -> None:
        pull = request.pull
        base = request.view.base_head() if contexts else ""
        for context in contexts:
            if job := known.jobs.get(context):
                spec = presubmit_spec(job, pull_refs(pull, base))
                url = request.event.html_url
                request.actions.append(Record(spec=spec, cause=request.event.cause(), description=text, url=url))
            target_url = known.statuses[context].target_url
            request.set_status(context, SUCCESS, status_rules.description(text, base), target_url)
        for name in checks:
            request.actions.append(
                PassCheck(
                    repository=pull.repository,
                    sha=pull.head_sha,
                    name=name,
                    title=f"Prow override - {shown(name, 200)}",
                    summary=f"Prow has received override command for the {shown(name, 200)} checkrun.",
                )
            )


def _known(request: Request, text: str) -> _Known:
    """Statuses that are not a success, required contexts whatever their state, and check runs."""
    statuses, checks = request.statuses(), _best(request.view.check_runs())
    failed = {context: status for context, status in statuses.items() if status.state != SUCCESS}
    for context in request.view.required_contexts():
        if context not in _failed(checks):
            failed.setdefault(context, statuses.get(context, StatusFact(state="")))
    mine = [context for context, status in statuses.items() if _is_override(status, text)]
    return _Known(
        jobs={job.context: job for job in reversed(request.config.presubmits)},
        statuses=failed,
        checks=checks,
        done=[*mine, *(name for name, conclusion in checks.items() if conclusion == SUCCESS)],
    )


def _failed(checks: Mapping[str, str]) -> set[str]:
    return {name for name, conclusion in checks.items() if conclusion not in {SUCCESS, ""}}


def _best(checks: Iterable[CheckFact]) -> dict[str, str]:
    """Conclusion by name, the best of several Apps' (`override.go:762`); neutral counts as success, as in Prow."""
    found: dict[str, str] = {}
    for check in checks:
        conclusion = SUCCESS if check.conclusion == "neutral" else check.conclusion
        known = found.setdefault(check.name, conclusion)
        if conclusion == SUCCESS or (not conclusion and known != SUCCESS):
            found[check.name] = conclusion
    return found


def _is_override(status: StatusFact, text: str) -> bool:
    return status.state == SUCCESS and f"{status.description} ".startswith((f"{text} ", f"{text}\u2001"))


def _unknown(command: str, unknown: list[str], known: list[str]) -> str:
    return (
        f"{command} requires failed status contexts, check run or a prowjob name to operate on.\n"
        f"The following unknown contexts/checkruns were given:\n{_lines(unknown)}\n\n"
        f"Only the following failed contexts/checkruns were expected:\n{_lines(known)}\n\n"
        "If you are trying to override a checkrun that has a space in it, you must put a double quote on the context.\n"
    )


def _lines(names: list[str]) -> str:
    return "\n".join(f" - `{shown(name, 200)}`" for name in names[:MOST_NAMES])
