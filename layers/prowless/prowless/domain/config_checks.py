"""Pull requests that may change the central configuration: when it is checked, and what is said about it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from prowless.domain.actions import CheckConfig
from prowless.domain.status import MAX_DESCRIPTION_BYTES, truncate
from prowless.domain.wording import MAX_LINE, counted, fenced, shown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from prowless.domain.decisions import Verdict
    from prowless.domain.events import PullRequestEvent

_ACTIONS = frozenset({"opened", "reopened", "synchronize", "ready_for_review"})
_NUMBER = re.compile(r"\d+")


def is_source(sources: Iterable[tuple[str, str]], repository: str, branch: str) -> bool:
    """Whether the central configuration is read from this branch; GitHub does not tell `Acme` from `acme`."""
    return any(name.lower() == repository.lower() and ref == branch for name, ref in sources)


def with_check(verdict: Verdict, event: PullRequestEvent, sources: Collection[tuple[str, str]]) -> Verdict:
    """The verdict on a pull request's event, with a check of the configuration where the event calls for one.

    Which files are changed is left to the check. A pull that moves to another base is checked, so that what was said
    before can be taken back.
    """
    wanted = event.action in _ACTIONS and is_source(sources, event.repository, event.base_ref)
    moved = event.base_changed and any(name.lower() == event.repository.lower() for name, _ in sources)
    if not (wanted or moved):
        return verdict
    action = CheckConfig(repository=event.repository, number=event.number)
    summary = f"{verdict.summary}; the central configuration is checked if the change touches it"
    return replace(verdict, actions=(*verdict.actions, action), summary=summary)


def new_warnings(before: Iterable[str], now: Sequence[str]) -> tuple[str, ...]:
    """Those warnings of now that were not there before, or fewer times. Where they stand does not count."""
    known = Counter(_NUMBER.sub("", line) for line in before)
    found = []
    for line in now:
        kind = _NUMBER.sub("", line)
        if known[kind] > 0:
            known[kind] -= 1
        else:
            found.append(line)
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigReport:
    """What compiling the configuration with a pull request's change showed. Without `errors` the rest counts."""

    errors: tuple[str, ...] = ()
    new_warnings: tuple[str, ...] = ()
    warnings: int = 0
    jobs: int = 0
    repositories: int = 0

    @property
    def state(self) -> str:
        """The commit status's state."""
        return "failure" if self.errors else "success"

    @property
    def description(self) -> str:
        """The commit status's description."""
        if self.errors:
            return truncate(shown(self.errors[0], MAX_LINE), MAX_DESCRIPTION_BYTES)
        repositories = f"{self.repositories} {'repository' if self.repositories == 1 else 'repositories'}"
        return (
            f"Configuration is valid: {counted(self.jobs, 'job')} in {repositories}, "
            f"{counted(self.warnings, 'warning')}"
        )

    def comment(self, head: str) -> str:
        """A comment's text; empty if there is nothing to tell beyond the status."""
        parts = []
        if self.errors:
            count = counted(len(self.errors), "error")
            lead = f"The central configuration does not load with this change ({head}): {count}. "
            parts.append(f"{lead}Merged, the last good one would stay in force.\n\n{fenced(self.errors)}")
        if self.new_warnings:
            count = counted(len(self.new_warnings), "new warning")
            parts.append(f"{count} with this change ({head}):\n\n{fenced(self.new_warnings)}")
        return "\n\n".join(parts)

    def settled(self, head: str) -> str:
        """What an earlier comment becomes when there is nothing to tell any more."""
        return f"{self.description} ({head})."
