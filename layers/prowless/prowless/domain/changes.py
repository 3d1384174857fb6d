"""What the changed files of an event say to its jobs (`pkg/config/jobs.go:461-480`).

A pattern per job and a name per file make 75,000 searches of 250 jobs and 300 files, so all patterns are looked for in
one pass over each name, when the first job asks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prowless.domain.regex import compile_set

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from prowless.domain.config.jobs import BranchJob

_Files = dict[str, str | None]


class Changes:
    """The changed files of one event, for the jobs of one branch."""

    def __init__(self, fetch: Callable[[], Sequence[str] | None], jobs: Iterable[BranchJob], branch: str) -> None:
        """Nothing is fetched or compiled before the first question.

        Args:
            fetch: the changed files, the same at every call; None if they cannot be known, and then every job runs.
            jobs: those that may ask if they run on the branch.
            branch: the base branch of the pull, or the branch that was pushed.
        """
        self.files = fetch
        self._jobs = jobs
        self._branch = branch
        self._found: tuple[_Files, _Files] | None = None

    def deciding_file(self, job: BranchJob) -> str | None:
        """The first file that asks for the job: one that matches, or one that is not skipped (`jobs.go:461`).

        No files ask for nothing, in both rules.

        Raises:
            ConfigError: a pattern of the branch's jobs is not RE2.
        """
        if self._found is None:
            self._found = self._search()
        matching, unskipped = self._found
        return matching[job.run_if_changed] if job.run_if_changed else unskipped[job.skip_if_only_changed]

    def _search(self) -> tuple[_Files, _Files]:
        """By pattern, the first file that it matches and the first that it does not."""
        jobs = [job for job in self._jobs if job.runs_on(self._branch)]
        matching: _Files = {job.run_if_changed: None for job in jobs if job.run_if_changed}
        unskipped: _Files = {job.skip_if_only_changed: None for job in jobs if job.skip_if_only_changed}
        patterns = tuple(matching | unskipped)
        regexes = compile_set(patterns)
        wanted = {at for at, pattern in enumerate(patterns) if pattern in matching}
        skipping = {at for at, pattern in enumerate(patterns) if pattern in unskipped}
        for name in self.files() or ():
            hits = regexes.search(name)
            found, missed = wanted.intersection(hits), skipping.difference(hits)
            matching.update((patterns[at], name) for at in found)
            unskipped.update((patterns[at], name) for at in missed)
            wanted -= found
            skipping -= missed
            if not wanted and not skipping:
                break
        return matching, unskipped
