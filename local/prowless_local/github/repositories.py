"""Repositories, branches, tags and pushes."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from prowless_local.github.events import Events
from prowless_local.github.gitstore import ZERO_SHA, Identity
from prowless_local.github.records import Repository
from prowless_local.github.views import commits as commit_views
from prowless_local.github.world import key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from prowless_local.github.githistory import Commit
    from prowless_local.github.timestamps import Clock

NAME = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,100}\Z")
PUSHED_COMMITS = 2048
"""GitHub's limit of the commits in a push's payload."""


class Repositories(Events):
    """What happens to a repository's own references."""

    def __init__(self, clock: Clock | None = None) -> None:
        super().__init__(clock)
        self.archive_tickets: dict[str, tuple[str, str]] = {}

    def create_repository(
        self,
        full_name: str,
        files: Mapping[str, str | bytes] | None = None,
        default_branch: str = "main",
        *,
        private: bool = False,
        author: str = "",
    ) -> Repository:
        """Create `owner/name` with one commit of `files` on the default branch; no webhook is sent.

        Args:
            full_name: The owner, who is created as an organisation if unknown, and the name.
            files: Path to content; content that starts with `#!` makes the file executable.
            default_branch: Name of the first branch.
            private: Whether reading needs credentials.
            author: Login of who commits; the owner when empty.

        Raises:
            ValueError: The name is not a valid one, or taken.
        """
        owner, _, name = full_name.partition("/")
        if not NAME.match(name) or name.endswith(".git"):
            raise ValueError(f"{full_name!r} cannot be a repository's name")
        with self.changing():
            if key(full_name) in self.repositories:
                raise ValueError(f"{full_name} exists already")
            if key(owner) not in self.accounts:
                self.create_org(owner)
            created = self._add(full_name, default_branch, private=private)
            who = self.identity(author or owner)
            content: dict[str, str | bytes | None] = dict(files or {"README.md": f"# {name}\n"})
            self.git(full_name).write_commit(
                f"refs/heads/{default_branch}", None, content, "Initial commit", author=who, at_ms=self.now_ms()
            )
            self.report("repository", "created", created.full_name, created)
            return created

    def require_contexts(self, repository: str, branch: str, contexts: Iterable[str]) -> None:
        """Protect a branch, with statuses that it requires."""
        with self.changing():
            self.required_contexts[key(self.repository(repository).full_name), branch] = tuple(contexts)

    def fork(self, full_name: str, user: str) -> Repository:
        """A user's fork, created at the first call. Its objects are lent by the parent's git directory."""
        parent = self.repository(full_name)
        login = self.create_user(user).login
        name = f"{login}/{parent.name}"
        with self.changing():
            known = self.repositories.get(key(name))
            if known is not None:
                return known
            created = self._add(name, parent.default_branch, private=parent.private, fork_of=parent.full_name)
            lender = self.git(parent.full_name)
            self.git(name).set_refs(dict(lender.refs("refs/heads/")))
            return created

    def commit(
        self,
        repository: str,
        branch: str,
        files: Mapping[str, str | bytes | None],
        message: str = "Change files",
        author: str = "",
        *,
        parent: str | None = None,
    ) -> str:
        """Push one commit to a branch; its SHA. Pull requests from and to the branch follow.

        Args:
            repository: `owner/name`.
            branch: Created when it is new, from the default branch unless `parent` is given.
            files: Path to content; None deletes.
            message: Commit message.
            author: Login; the repository's owner when empty.
            parent: Commit on top of this SHA instead of the branch's head; a forced push if that drops commits.

        Raises:
            KeyError: There is no such repository.
            ValueError: A path is not valid, or the parent is unknown.
        """
        with self.changing():
            target = self.repository(repository)
            git = self.git(repository)
            ref = f"refs/heads/{branch}"
            before = git.ref(ref)
            start = parent or before or git.ref(f"refs/heads/{target.default_branch}")
            if start is not None and git.commit(start) is None:
                raise ValueError(f"{repository} has no commit {start}")
            who = author or target.owner
            after = git.write_commit(ref, start, files, message, author=self.identity(who), at_ms=self.now_ms())
            self.moved(target, ref, before, after, by=who)
            return after

    def tag(self, repository: str, name: str, sha: str | None = None, *, by: str = "") -> str:
        """Push a lightweight tag on a commit (the default branch's head when None); the tagged SHA."""
        with self.changing():
            target = self.repository(repository)
            git = self.git(repository)
            tagged = sha or git.ref(f"refs/heads/{target.default_branch}")
            if tagged is None or git.commit(tagged) is None:
                raise ValueError(f"{repository} has no commit {tagged}")
            before = git.ref(f"refs/tags/{name}")
            git.set_refs({f"refs/tags/{name}": tagged})
            self.moved(target, f"refs/tags/{name}", before, tagged, by=by or target.owner)
            return tagged

    def delete_branch(self, repository: str, branch: str, *, by: str = "") -> None:
        """Delete a branch, as a push does; one that does not exist is no error."""
        with self.changing():
            target = self.repository(repository)
            before = self.git(repository).ref(f"refs/heads/{branch}")
            if before is not None:
                self.git(repository).set_refs({f"refs/heads/{branch}": None})
                self.moved(target, f"refs/heads/{branch}", before, None, by=by or target.owner)

    def head(self, repository: str, branch: str = "") -> str:
        """The SHA of a branch, of the default one when empty.

        Raises:
            KeyError: There is no such branch.
        """
        name = branch or self.repository(repository).default_branch
        sha = self.git(repository).ref(f"refs/heads/{name}")
        if sha is None:
            raise KeyError(f"the fake GitHub has no branch {name} in {repository}")
        return sha

    def identity(self, login: str) -> Identity:
        """How a user signs commits."""
        account = self.create_user(login)
        return Identity(name=account.login, email=account.email)

    def moved(self, repository: Repository, ref: str, before: str | None, after: str | None, *, by: str) -> None:
        """A reference was pushed: send `push` and let pull requests follow."""
        touched = replace(repository, pushed_ms=self.now_ms())
        self.repositories[key(repository.full_name)] = touched
        self._emit_push(touched, ref, before, after, by=by)
        self.report("push", "pushed", repository.full_name, ref, sha=after or ZERO_SHA)
        if ref.startswith("refs/heads/"):
            self.branch_moved(touched, ref.removeprefix("refs/heads/"), before, after, by=by)

    def branch_moved(
        self, repository: Repository, branch: str, before: str | None, after: str | None, *, by: str
    ) -> None:
        """For classes that inherit: a branch has a new head (None: it is gone)."""

    def _add(self, full_name: str, default_branch: str, *, private: bool, fork_of: str = "") -> Repository:
        now = self.now_ms()
        owner, _, name = full_name.partition("/")
        created = Repository(
            id=next(self.ids),
            full_name=f"{self.account(owner).login}/{name}",
            default_branch=default_branch,
            private=private,
            created_ms=now,
            pushed_ms=now,
            fork_of=fork_of,
        )
        self.add_git(full_name, default_branch, borrow_from=self.git(fork_of) if fork_of else None)
        self.repositories[key(full_name)] = created
        return created

    def _emit_push(self, repository: Repository, ref: str, before: str | None, after: str | None, *, by: str) -> None:
        if not self.is_heard("push", repository):
            return
        git = self.git(repository.full_name)
        commits: tuple[Commit, ...] = ()
        if after is not None and ref.startswith("refs/heads/"):
            others = [sha for name, sha in git.refs("refs/heads/").items() if name != ref]
            known = [before] if before else others
            commits = git.commits(after, *(f"^{sha}" for sha in set(known)), limit=PUSHED_COMMITS)[::-1]
        head = git.commit(after) if after else None
        html = f"{self.url}/{repository.full_name}/compare"
        name = ref.partition("/")[2].partition("/")[2]
        compare = f"{before[:12]}...{after[:12]}" if before and after else name
        pusher = self.create_user(by)
        payload = {
            "ref": ref,
            "before": before or ZERO_SHA,
            "after": after or ZERO_SHA,
            "created": before is None,
            "deleted": after is None,
            "forced": bool(before and after) and not git.is_ancestor(before or "", after or ""),
            "base_ref": None,
            "compare": f"{html}/{compare}",
            "commits": [commit_views.pushed_commit(self, repository, one) for one in commits],
            "head_commit": commit_views.pushed_commit(self, repository, head) if head else None,
            "pusher": {"name": pusher.login, "email": pusher.email},
        }
        self.emit("push", repository, payload, sender=pusher.login)
