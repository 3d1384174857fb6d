"""Jobs that stand in each other's way: one name, or one context, on one branch (`pkg/config/config.go:2853-2930`)."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from prowless.domain.errors import ConfigError
from prowless.domain.wording import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from prowless.domain.config.jobs import BranchJob

    _Found = tuple[int, BranchJob]
    _ByLabel = dict[str, list[_Found]]

MAX_CONFLICTS = 100
"""Pairs with one context that are told of one list of jobs, and names that are told to be there twice."""
MAX_SHOWN = 200
"""Characters of a name or context."""
_MAX_REPEATED = 10
"""Jobs of one name and context with skip lists only. From the second on they are told of as duplicates, and each has to
be asked about every branch."""


def list_problems(jobs: Sequence[BranchJob], kind: str) -> Iterator[tuple[str, str]]:
    """What is wrong between the presubmits or postsubmits of one repository: names and contexts on one branch.

    Each with the place of the later job. The time grows with the number of jobs and of their branches, not with that
    of pairs; of the conflicts over contexts the first found are told.
    """
    contexts = _pairs_of_contexts(jobs)
    pairs = list(islice(contexts, MAX_CONFLICTS))
    for later, earlier in sorted(pairs):
        job, other = jobs[later], jobs[earlier]
        names = f"{shown(other.name, MAX_SHOWN)} and {shown(job.name, MAX_SHOWN)}"
        yield job.source, f'jobs {names} report to the same GitHub context "{shown(job.context, MAX_SHOWN)}"'
    if len(pairs) == MAX_CONFLICTS and (last := next(contexts, None)):
        yield jobs[last[0]].source, f"and more {kind} jobs that report to the same GitHub contexts are not listed"
    duplicates = _duplicates(jobs)
    if duplicates:
        found = sorted(duplicates)
        listed = [shown(name, MAX_SHOWN) for name in found[:MAX_CONFLICTS]]
        more = f" and {len(found) - MAX_CONFLICTS} more" if len(found) > MAX_CONFLICTS else ""
        message = f"duplicated {kind} jobs (consider both inrepo and central config): [{' '.join(listed)}]{more}"
        yield duplicates[found[0]], message


def _duplicates(jobs: Sequence[BranchJob]) -> dict[str, str]:
    """The names that two jobs have on one branch, with the place of the second."""
    found: dict[str, str] = {}
    for name, group in _groups(jobs, lambda job: job.name):
        index = _Index()
        for at, job in group:
            if next(index.meeting(job, None), None):
                found[name] = job.source
                break
            index.add("", at, job)
    return found


def _pairs_of_contexts(jobs: Sequence[BranchJob]) -> Iterator[tuple[int, int]]:
    """The later and the earlier of two jobs with different names and one context on one branch, each pair once."""
    for _, group in _groups(jobs, lambda job: job.context):
        index = _Index()
        for at, job in group:
            met: set[int] = set()
            for earlier, _ in index.meeting(job, job.name):
                if earlier not in met:
                    met.add(earlier)
                    yield at, earlier
            index.add(job.name, at, job)


def _groups(jobs: Iterable[BranchJob], key: Callable[[BranchJob], str]) -> Iterator[tuple[str, list[_Found]]]:
    """The jobs that are not alone with their key."""
    groups: dict[str, list[_Found]] = {}
    for at, job in enumerate(jobs):
        groups.setdefault(key(job), []).append((at, job))
    return ((name, group) for name, group in groups.items() if len(group) > 1)


class _Index:
    """Jobs by what `BranchJob.intersects` looks at, so that not every pair has to be asked; each has a label."""

    def __init__(self) -> None:
        self._all: _ByLabel = {}
        self._every: _ByLabel = {}
        self._skipping: _ByLabel = {}
        self._naming: dict[str, _ByLabel] = {}

    def add(self, label: str, at: int, job: BranchJob) -> None:
        """Take in a job at its position."""
        if not job.branches and job.skip_branches:
            if len(self._skipping.get(label, ())) >= _MAX_REPEATED:
                return
            _append(self._skipping, label, at, job)
        _append(self._all, label, at, job)
        if job.every_branch:
            _append(self._every, label, at, job)
        for branch in dict.fromkeys(job.branches):
            _append(self._naming.setdefault(branch, {}), label, at, job)

    def meeting(self, job: BranchJob, label: str | None) -> Iterator[_Found]:
        """Those with another label that a job intersects; some come several times."""
        for found in self._near(job, label):
            for other, jobs in found.items():
                if other != label:
                    yield from jobs

    def _near(self, job: BranchJob, label: str | None) -> Iterator[_ByLabel]:
        if job.every_branch:
            yield self._all
            return
        yield self._every
        if not job.branches:
            yield self._skipping
            if len(self._skipping.get(label or "", ())) < _MAX_REPEATED:
                yield from (
                    found
                    for branch, found in self._naming.items()
                    if found.keys() != {label} and _runs_on(job, [branch])
                )
            return
        yield from (self._naming[branch] for branch in job.branches if branch in self._naming)
        for other, jobs in self._skipping.items():
            if other != label:
                yield {other: [found for found in jobs if _runs_on(found[1], job.branches)]}


def _append(to: _ByLabel, label: str, at: int, job: BranchJob) -> None:
    to.setdefault(label, []).append((at, job))


def _runs_on(job: BranchJob, branches: Sequence[str]) -> bool:
    """Whether a job with a skip list runs on one of the branches; no, if the list is none, which is told elsewhere."""
    try:
        return any(job.runs_on(branch) for branch in branches)
    except ConfigError:
        return False
