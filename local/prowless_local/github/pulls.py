"""Pull requests: opened, pushed to, edited, closed, merged."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from prowless_local.github.gitstore import COMMITTER
from prowless_local.github.records import Pull
from prowless_local.github.trial_merges import FETCHED_COMMITS, TrialMerges
from prowless_local.github.views import pulls as views
from prowless_local.github.world import found, key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prowless_local.github.githistory import Commit, FileChange
    from prowless_local.github.records import Comment, Label, Repository


class Pulls(TrialMerges):
    """What happens to pull requests."""

    def open_pull(
        self,
        repository: str,
        branch: str,
        files: Mapping[str, str | bytes | None],
        title: str,
        author: str,
        *,
        base: str | None = None,
        body: str = "",
        draft: bool = False,
        fork: bool = False,
    ) -> int:
        """Commit files to a branch and open a pull request from it; its number. Sends `push` and `opened`.

        Args:
            repository: `owner/name` of the base.
            branch: The head; created from the base branch when it is new.
            files: Path to content, None deletes; empty to use the branch as it is.
            title: Title.
            author: Login of who commits and opens.
            base: Base branch, the default one when None.
            body: Description.
            draft: Open as a draft.
            fork: The branch is in the author's fork, created when needed, instead of the repository itself.

        Raises:
            KeyError: The repository or a branch does not exist.
        """
        with self.changing():
            target = self.repository(repository)
            base_ref = base or target.default_branch
            base_sha = self.head(repository, base_ref)
            source = self.fork(repository, author) if fork else target
            is_new = self.git(source.full_name).ref(f"refs/heads/{branch}") is None
            if files or is_new:
                start = base_sha if is_new else None
                self.commit(source.full_name, branch, files, title, author, parent=start)
            now = self.now_ms()
            pull = Pull(
                id=next(self.ids),
                repository=target.full_name,
                number=self._next_number(target.full_name),
                title=title,
                body=body,
                author=self.create_user(author).login,
                head_repository=source.full_name,
                head_ref=branch,
                head_sha=self.head(source.full_name, branch),
                base_ref=base_ref,
                base_sha=base_sha,
                created_ms=now,
                updated_ms=now,
                draft=draft,
            )
            pull = self._with_head(pull)
            self._say("opened", pull, sender=author, shown=replace(pull, mergeable=None, merge_sha=None))
            return pull.number

    def push_to_pull(
        self,
        repository: str,
        number: int,
        files: Mapping[str, str | bytes | None],
        message: str = "Change files",
        *,
        author: str = "",
        force: bool = False,
    ) -> str:
        """Push a commit to a pull's head; its SHA. Sends `push` and `synchronize`.

        With `force` the commit replaces all of the pull's commits and sits on the present base.
        """
        with self.changing():
            pull = self.pull(repository, number)
            parent = self.head(repository, pull.base_ref) if force else None
            who = author or pull.author
            return self.commit(pull.head_repository, pull.head_ref, files, message, who, parent=parent)

    def edit_pull(
        self,
        repository: str,
        number: int,
        *,
        title: str | None = None,
        body: str | None = None,
        base: str | None = None,
        sender: str = "",
    ) -> None:
        """Change title, description or base branch. Sends `edited` with the former values."""
        with self.changing():
            pull = self.pull(repository, number)
            edited = pull
            changes: dict[str, Any] = {}
            if title is not None:
                changes["title"] = {"from": pull.title}
                edited = replace(edited, title=title)
            if body is not None:
                changes["body"] = {"from": pull.body or None}
                edited = replace(edited, body=body)
            if base is not None:
                changes["base"] = {"ref": {"from": pull.base_ref}, "sha": {"from": pull.base_sha}}
                edited = replace(edited, base_ref=base, base_sha=self.head(repository, base))
                edited = self.merge_tested(edited)
            self._say("edited", self._touched(edited), sender=sender or pull.author, changes=changes)

    def close_pull(self, repository: str, number: int, *, by: str = "") -> None:
        """Close without merging. Sends `closed`."""
        with self.changing():
            pull = self.pull(repository, number)
            self.git(repository).set_refs({f"refs/pull/{number}/merge": None})
            closed = replace(pull, state="closed", closed_ms=self.now_ms())
            self._say("closed", self._touched(closed), sender=by or pull.author)

    def reopen_pull(self, repository: str, number: int, *, by: str = "") -> None:
        """Open a closed pull again. Sends `reopened`.

        Raises:
            ValueError: It was merged.
        """
        with self.changing():
            pull = self.pull(repository, number)
            if pull.merged:
                raise ValueError(f"{repository}#{number} was merged and cannot be reopened")
            pull = self._with_head(replace(pull, state="open", closed_ms=None))
            self._say("reopened", self._touched(pull), sender=by or pull.author)

    def ready_for_review(self, repository: str, number: int, *, by: str = "") -> None:
        """Turn a draft into an ordinary pull. Sends `ready_for_review`."""
        self._set_draft(repository, number, draft=False, by=by)

    def convert_to_draft(self, repository: str, number: int, *, by: str = "") -> None:
        """Turn a pull into a draft. Sends `converted_to_draft`."""
        self._set_draft(repository, number, draft=True, by=by)

    def merge(self, repository: str, number: int, by: str = "", *, method: str = "merge") -> str:
        """Merge a pull into its base; the SHA on the base. Sends `closed` (merged) and `push`.

        Args:
            repository: `owner/name`.
            number: The pull.
            by: Login of who merges; the author when empty.
            method: `merge` (a merge commit) or `squash`.

        Raises:
            ValueError: It is not open, or conflicts with the base.
        """
        with self.changing():
            pull = self.pull(repository, number)
            git = self.git(repository)
            base = self.head(repository, pull.base_ref)
            tree = git.merge_tree(base, pull.head_sha)
            if pull.state != "open" or tree is None:
                raise ValueError(f"{repository}#{number} cannot be merged: it is {pull.state} or conflicts")
            who = by or pull.author
            source = f"{pull.head_repository.partition('/')[0]}/{pull.head_ref}"
            squash = method == "squash"
            title = f"{pull.title} (#{number})" if squash else f"Merge pull request #{number} from {source}"
            merged = git.commit_tree(
                tree,
                [base] if squash else [base, pull.head_sha],
                title if squash else f"{title}\n\n{pull.title}",
                author=self.identity(pull.author if squash else who),
                committer=COMMITTER,
                at_ms=self.now_ms(),
            )
            self.close_as_merged(pull, merged, by=who)
            git.set_refs({f"refs/heads/{pull.base_ref}": merged})
            self.moved(self.repository(repository), f"refs/heads/{pull.base_ref}", base, merged, by=who)
            return merged

    def close_as_merged(self, pull: Pull, merge_sha: str, *, by: str) -> None:
        """Record that a pull was merged, and send `closed`."""
        self.git(pull.repository).set_refs({f"refs/pull/{pull.number}/merge": None})
        now = self.now_ms()
        merged = replace(
            pull, state="closed", closed_ms=now, merged_ms=now, merged_by=by, merge_sha=merge_sha, mergeable=None
        )
        self._say("closed", self._touched(merged), sender=by)

    def pull_files(self, pull: Pull) -> tuple[FileChange, ...]:
        """What the pull changes, from where it left its base."""
        git = self.git(pull.repository)
        start = git.merge_base(pull.base_sha, pull.head_sha) or pull.base_sha
        return git.difference(start, pull.head_sha)

    def pull_commits(self, pull: Pull) -> tuple[Commit, ...]:
        """The pull's commits, oldest first, at most 250."""
        return self.git(pull.repository).between(pull.base_sha, pull.head_sha, FETCHED_COMMITS)

    def comments(self, repository: str, number: int) -> list[Comment]:
        """A pull's comments, oldest first."""
        wanted = (key(repository), number)
        return [
            one for _, one in sorted(self.comment_table.copy().items()) if (key(one.repository), one.number) == wanted
        ]

    def label(self, repository: str, name: str) -> Label:
        """A repository's label.

        Raises:
            KeyError: There is none of that name.
        """
        return found(self.label_table.get(key(repository), {}), key(name), f"label {name} in {repository}")

    def branch_moved(
        self, repository: Repository, branch: str, before: str | None, after: str | None, *, by: str
    ) -> None:
        """Pulls from the branch get a new head (or are closed with it), pulls to it a new test merge."""
        super().branch_moved(repository, branch, before, after, by=by)
        for pull in self.pull_table.copy().values():
            if pull.state != "open":
                continue
            if (pull.head_repository, pull.head_ref) == (repository.full_name, branch):
                if after is None:
                    self.close_pull(pull.repository, pull.number, by=by)
                else:
                    self._synchronize(pull, after, by=by)
            elif (pull.repository, pull.base_ref) == (repository.full_name, branch) and after is not None:
                self.keep(self.merge_tested(pull))

    def say_pull(self, action: str, pull: Pull, *, sender: str, **extra: Any) -> None:
        """Keep a changed pull, with a new `updated_at`, and send `pull_request`."""
        self._say(action, self._touched(pull), sender=sender, **extra)

    def _synchronize(self, pull: Pull, sha: str, *, by: str) -> None:
        moved = replace(pull, head_sha=sha, base_sha=self.head(pull.repository, pull.base_ref))
        moved = self._touched(self._with_head(moved))
        shown = replace(moved, mergeable=None, merge_sha=pull.merge_sha)
        self._say("synchronize", moved, sender=by, shown=shown, before=pull.head_sha, after=sha)

    def _with_head(self, pull: Pull) -> Pull:
        git = self.git(pull.repository)
        if pull.head_repository != pull.repository:
            git.fetch(self.git(pull.head_repository), pull.head_sha)
        git.set_refs({f"refs/pull/{pull.number}/head": pull.head_sha})
        return self.merge_tested(pull)

    def _set_draft(self, repository: str, number: int, *, draft: bool, by: str) -> None:
        with self.changing():
            pull = self.pull(repository, number)
            if pull.draft != draft:
                changed = self._touched(replace(pull, draft=draft))
                self._say("converted_to_draft" if draft else "ready_for_review", changed, sender=by or pull.author)

    def _touched(self, pull: Pull) -> Pull:
        return replace(pull, updated_ms=self.now_ms())

    def _say(self, action: str, pull: Pull, *, sender: str, shown: Pull | None = None, **extra: Any) -> None:
        self.keep(pull)
        repository = self.repository(pull.repository)
        if self.is_heard("pull_request", repository):
            view = views.pull_request(self, shown or pull)
            payload = {"action": action, "number": pull.number, "pull_request": view, **extra}
            self.emit("pull_request", repository, payload, sender=sender)
        self.report("pull", action, pull.repository, pull, number=pull.number, sha=pull.head_sha)

    def _next_number(self, full_name: str) -> int:
        return max((number for name, number in self.pull_table if name == key(full_name)), default=0) + 1
