"""Who may run next: pure rules over counters (`pkg/plank/reconciler.go:905-979`, `:1133-1160`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from prowless.domain.prowjob import ProwJob


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of the central configuration. 0 is no limit; for a queue it admits nothing, as in Prow."""

    total: int = 0
    queues: Mapping[str, int] = field(default_factory=dict)
    clusters: Mapping[str, int] = field(default_factory=dict)

    def of(self, job: ProwJob) -> dict[str, int]:
        """Counter key to limit, for every counter this run must hold."""
        limits: dict[str, int] = {}
        if self.total > 0:
            limits["counter#total"] = self.total
        if cap := self.clusters.get(job.cluster, 0):
            limits[f"counter#cluster#{job.cluster}"] = cap
        if job.max_concurrency > 0:
            limits[f"counter#job#{job.type}#{job.repository}#{job.job}"] = job.max_concurrency
        capacity = self.queues.get(job.job_queue_name, -1) if job.job_queue_name else -1
        if capacity >= 0:
            limits[f"counter#queue#{job.job_queue_name}"] = capacity
        return limits


def admissible(
    waiting: Iterable[ProwJob], limits: Limits, used: Mapping[str, int]
) -> list[tuple[ProwJob, dict[str, int]]]:
    """The waiting runs that fit now, in their order, each with the limits of the counters it will hold.

    A run that does not fit closes its full counters for everyone behind it, so each job and queue stays first in,
    first out. A run that was stopped while it waited passes at once: it only has its end to report.
    """
    taken = dict(used)
    closed: set[str] = set()
    chosen: list[tuple[ProwJob, dict[str, int]]] = []
    for job in waiting:
        if job.stop_reason:
            chosen.append((job, {}))
            continue
        wanted = limits.of(job)
        if closed.isdisjoint(wanted) and all(taken.get(key, 0) < limit for key, limit in wanted.items()):
            for key in wanted:
                taken[key] = taken.get(key, 0) + 1
            chosen.append((job, wanted))
        else:
            # Nobody behind may overtake in a counter that is this run's own.
            closed.update(key for key in wanted if key.startswith(("counter#job#", "counter#queue#")))
    return chosen
