"""`refs/pull/N/merge`: GitHub's test merge of a pull's head into its base, kept current as either moves."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from prowless_local.github.gitstore import COMMITTER
from prowless_local.github.repositories import Repositories
from prowless_local.github.world import key

if TYPE_CHECKING:
    from prowless_local.github.records import Pull
    from prowless_local.github.timestamps import Clock

FETCHED_COMMITS = 250
"""GitHub lists at most 250 commits of a pull."""


class TrialMerges(Repositories):
    """The test merges."""

    def __init__(self, clock: Clock | None = None) -> None:
        super().__init__(clock)
        self._paused = False

    def pause_test_merges(self) -> None:
        """Let GitHub be slow: a moved pull keeps its old merge reference and says `mergeable: null`."""
        self._paused = True

    def resume_test_merges(self) -> None:
        """Compute the merges that are due, and follow moves at once again."""
        with self.changing():
            self._paused = False
            for pull in self.pull_table.copy().values():
                if pull.state == "open" and pull.mergeable is None:
                    self.keep(self.merge_tested(pull))

    def keep(self, pull: Pull) -> Pull:
        """Replace a pull's record."""
        self.pull_table[key(pull.repository), pull.number] = pull
        return pull

    def merge_tested(self, pull: Pull) -> Pull:
        """The pull with its test merge computed, and the reference written or, on a conflict, removed."""
        if self._paused:
            return replace(pull, mergeable=None)
        git = self.git(pull.repository)
        ref = f"refs/pull/{pull.number}/merge"
        base = git.ref(f"refs/heads/{pull.base_ref}")
        tree = git.merge_tree(base, pull.head_sha) if base else None
        if base is None or tree is None:
            git.set_refs({ref: None})
            return replace(pull, mergeable=False, merge_sha=None)
        merge = git.commit_tree(
            tree,
            [base, pull.head_sha],
            f"Merge {pull.head_sha} into {base}",
            author=self.identity(pull.author),
            committer=COMMITTER,
            at_ms=self.now_ms(),
        )
        git.set_refs({ref: merge})
        return replace(pull, mergeable=True, merge_sha=merge)
