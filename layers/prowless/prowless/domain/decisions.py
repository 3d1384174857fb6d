"""Decisions: what became of each job at an event, by which rule, and all that follows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prowless.domain.actions import Action
    from prowless.domain.filters import Choice
    from prowless.domain.refs import JobType


class Outcome(StrEnum):
    """What became of a job at an event."""

    RUN = "run"
    SKIP = "skip"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One job at one event."""

    job: str
    type: JobType
    verdict: Outcome
    rule: str
    reason: str

    @classmethod
    def of(cls, job: str, job_type: JobType, choice: Choice, *, blocked: bool = False) -> Decision:
        """What a choice means for a job; `blocked`: something stands in the way of what the rules allow."""
        outcome = Outcome.BLOCKED if blocked else Outcome.RUN if choice.run else Outcome.SKIP
        return cls(job=job, type=job_type, verdict=outcome, rule=choice.rule, reason=choice.reason)

    def to_dict(self) -> dict[str, str]:
        """As `explain` shows it."""
        return {
            "job": self.job,
            "type": self.type.value,
            "verdict": self.verdict.value,
            "rule": self.rule,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """All that follows from an event. `summary` is one sentence, and all there is for an event that concerns no job.

    `problems` are what makes the repository's own configuration unusable, `notes` what else is to be known about it.
    """

    decisions: tuple[Decision, ...] = ()
    actions: tuple[Action, ...] = ()
    summary: str = ""
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, decisions: Sequence[Decision], actions: Sequence[Action], empty: str) -> Verdict:
        """A verdict whose summary counts the decisions; `empty` is said if there are none."""
        count = Counter(decision.verdict for decision in decisions)
        summary = ", ".join(f"{count[outcome]} {outcome}" for outcome in Outcome if count[outcome])
        return cls(decisions=tuple(decisions), actions=tuple(actions), summary=summary or empty)

    def to_dict(self) -> dict[str, Any]:
        """What is kept for `explain`; actions are carried out, not kept."""
        return {
            "summary": self.summary,
            "decisions": [decision.to_dict() for decision in self.decisions],
            "problems": list(self.problems),
            "notes": list(self.notes),
        }
