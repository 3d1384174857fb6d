"""GitHub's merge queue, as far as CI sees it: groups that come and go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prowless_local.github.gitstore import COMMITTER
from prowless_local.github.pulls import Pulls
from prowless_local.github.records import MergeGroup
from prowless_local.github.views import commits as commit_views
from prowless_local.github.world import key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prowless_local.github.timestamps import Clock

QUEUE_BOT = "github-merge-queue[bot]"


class MergeGroups(Pulls):
    """Merge groups."""

    def __init__(self, clock: Clock | None = None) -> None:
        super().__init__(clock)
        self._groups: dict[tuple[str, str], MergeGroup] = {}

    def create_merge_group(
        self, repository: str, numbers: Sequence[int], *, base_sha: str | None = None, by: str = QUEUE_BOT
    ) -> MergeGroup:
        """Merge pulls one after another on their base and ask for checks.

        Sends `push` for the `gh-readonly-queue/…` branch and `merge_group` checks_requested.

        Args:
            repository: `owner/name`.
            numbers: The pulls in their order; all have the first one's base branch.
            base_sha: What the group builds on, such as an earlier group's head; the base branch when None.
            by: The sender.

        Raises:
            ValueError: No pull is given, or they conflict.
        """
        if not numbers:
            raise ValueError("a merge group needs a pull request")
        with self.changing():
            target, git = self.repository(repository), self.git(repository)
            pulls = [self.pull(repository, number) for number in numbers]
            branch = pulls[0].base_ref
            start = base_sha or self.head(repository, branch)
            tip = start
            for pull in pulls:
                tree = git.merge_tree(tip, pull.head_sha)
                if tree is None:
                    raise ValueError(f"{repository}#{pull.number} conflicts with what is before it in the queue")
                title = f"Merge pull request #{pull.number} from {pull.head_ref}\n\n{pull.title}"
                author = self.identity(pull.author)
                now = self.now_ms()
                tip = git.commit_tree(tree, [tip, pull.head_sha], title, author=author, committer=COMMITTER, at_ms=now)
            ref = f"refs/heads/gh-readonly-queue/{branch}/pr-{numbers[-1]}-{start}"
            group = MergeGroup(
                repository=target.full_name,
                numbers=tuple(numbers),
                head_sha=tip,
                head_ref=ref,
                base_sha=start,
                base_ref=f"refs/heads/{branch}",
            )
            before = git.ref(ref)
            git.set_refs({ref: tip})
            self._groups[key(repository), ref] = group
            self.moved(target, ref, before, tip, by=by)
            self._say_group("checks_requested", group, by=by)
            return group

    def destroy_merge_group(self, group: MergeGroup, reason: str = "dequeued", *, by: str = QUEUE_BOT) -> None:
        """Take a group out of the queue. Sends `merge_group` destroyed and the branch's deletion.

        Args:
            group: As `create_merge_group` returned it.
            reason: merged (the base moves to the group's head and the pulls are merged), invalidated or dequeued.
            by: The sender.

        Raises:
            KeyError: The group is no longer in the queue.
        """
        with self.changing():
            target, git = self.repository(group.repository), self.git(group.repository)
            del self._groups[key(group.repository), group.head_ref]
            self._say_group("destroyed", group, by=by, reason=reason)
            if reason == "merged":
                before = git.ref(group.base_ref)
                for number in group.numbers:
                    self.close_as_merged(self.pull(group.repository, number), group.head_sha, by=by)
                git.set_refs({group.base_ref: group.head_sha})
                self.moved(target, group.base_ref, before, group.head_sha, by=by)
            self.delete_branch(group.repository, group.head_ref.removeprefix("refs/heads/"), by=by)

    def _say_group(self, action: str, group: MergeGroup, *, by: str, reason: str = "") -> None:
        repository = self.repository(group.repository)
        commit = self.git(group.repository).commit(group.head_sha)
        view = {
            "head_sha": group.head_sha,
            "head_ref": group.head_ref,
            "base_sha": group.base_sha,
            "base_ref": group.base_ref,
            "head_commit": commit_views.head_commit(commit) if commit else None,
        }
        payload = {"action": action, "merge_group": view, **({"reason": reason} if reason else {})}
        self.emit("merge_group", repository, payload, sender=by)
        self.report("merge_group", action, group.repository, group, sha=group.head_sha)
