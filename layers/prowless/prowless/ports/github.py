"""GitHub, as far as we use it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    """A pull request as GitHub answers for it now. `mergeable` is None while GitHub computes it."""

    repository: str
    number: int
    title: str
    body: str
    author: str
    state: str
    draft: bool
    merged: bool
    mergeable: bool | None
    merge_commit_sha: str
    head_sha: str
    head_ref: str
    head_repository: str
    base_ref: str
    base_sha: str
    html_url: str
    updated_at: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A commit status. `description` has at most 140 characters."""

    context: str
    state: str
    description: str = ""
    target_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """An issue comment."""

    id: int
    author: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedFile:
    """One file of a pull request or comparison."""

    filename: str
    status: str
    previous_filename: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A commit with its parents in order and its whole message."""

    sha: str
    parents: tuple[str, ...]
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRun:
    """A check run. `conclusion` is GitHub's word, empty until it has completed."""

    name: str
    conclusion: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeEntry:
    """An entry of a git tree. `type` is blob, tree or commit (a submodule); `size` is a blob's, in bytes."""

    path: str
    type: str
    mode: str
    sha: str
    size: int = 0

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file, and not a symbolic link, which is a blob as well."""
        return self.type == "blob" and self.mode != LINK_MODE


LINK_MODE = "120000"


class Trees(Protocol):
    """The part of GitHub that reads a repository's files. Errors are those of GitHub."""

    def entries(self, repository: str, sha: str, *, recursive: bool = False) -> list[TreeEntry]:
        """What is in a commit's root or a tree; with `recursive` below it too, with whole paths."""
        ...

    def contents(self, repository: str, path: str, ref: str) -> bytes:
        """A file at a commit."""
        ...


class GitHub(Trees, Protocol):
    """REST calls by repository `org/repo`.

    Every method raises NotFoundError for 404, PermanentError for other refusals (with GitHub's own message),
    RetryableError for 5xx, time-outs and rate limits.
    """

    def login(self) -> str:
        """Who we are: the token's user, or `<app>[bot]`."""
        ...

    def pull(self, repository: str, number: int) -> PullRequest:
        """The pull request now."""
        ...

    def pull_files(self, repository: str, number: int) -> list[ChangedFile]:
        """Changed files, at most GitHub's 3000."""
        ...

    def parents(self, repository: str, sha: str) -> tuple[str, ...]:
        """A commit's parents, in order."""
        ...

    def ref(self, repository: str, ref: str) -> str:
        """The commit a ref (`heads/main`, `pull/7/merge`) points to."""
        ...

    def compare(self, repository: str, base: str, head: str) -> list[ChangedFile]:
        """Files that differ between two commits."""
        ...

    def commits(self, repository: str, base: str, head: str) -> list[Commit]:
        """Commits that `head` has and `base` has not, the first thousand."""
        ...

    def archive(self, repository: str, sha: str, wanted: Callable[[str], bool]) -> dict[str, bytes]:
        """The wanted files of a commit by path, with one download; links are left out, and so are very large files.

        Git makes the archive, so `.gitattributes` may leave out or change files (export-ignore, export-subst, eol).
        Compare with `tree`.

        Raises:
            TooLargeError: the archive, or what is wanted of it, is beyond the adapter's limits.
        """
        ...

    def tree(self, repository: str, sha: str) -> dict[str, str]:
        """Path to blob SHA of every file below a commit or tree."""
        ...

    def statuses(self, repository: str, sha: str) -> dict[str, Status]:
        """The effective status of each context (the combined status, all pages)."""
        ...

    def create_status(self, repository: str, sha: str, status: Status) -> None:
        """Post a status."""
        ...

    def check_runs(self, repository: str, sha: str) -> list[CheckRun]:
        """The newest check run of each name and App, newest first."""
        ...

    def create_check_run(self, repository: str, sha: str, run: CheckRun, title: str, summary: str) -> None:
        """Post a completed check run with its title and summary (Markdown); only Apps may."""
        ...

    def required_contexts(self, repository: str, branch: str) -> tuple[str, ...]:
        """The contexts that the branch's protection requires; none if it is not protected."""
        ...

    def is_member(self, org: str, user: str) -> bool:
        """Whether the user is a member of the organisation, as far as we can see."""
        ...

    def is_team_member(self, org: str, team: str, user: str) -> bool:
        """Whether the user is in the team of that slug or one below it; of a team that is not there nobody is."""
        ...

    def is_collaborator(self, repository: str, user: str) -> bool:
        """Whether the user is a collaborator of the repository."""
        ...

    def permission(self, repository: str, user: str) -> str:
        """What a user may do in the repository: admin, write, read or none."""
        ...

    def comments(self, repository: str, number: int) -> Sequence[Comment]:
        """All comments of an issue or pull request, oldest first."""
        ...

    def create_comment(self, repository: str, number: int, body: str) -> int:
        """Post a comment; its id."""
        ...

    def update_comment(self, repository: str, comment_id: int, body: str) -> None:
        """Edit a comment."""
        ...

    def delete_comment(self, repository: str, comment_id: int) -> None:
        """Delete a comment; one that is gone is not an error."""
        ...

    def add_label(self, repository: str, number: int, label: str) -> None:
        """Put a label on an issue or pull request."""
        ...

    def remove_label(self, repository: str, number: int, label: str) -> None:
        """Take a label off; one that is not there is not an error."""
        ...

    def request(self, method: str, path: str, body: Any = None) -> Any:
        """Any other call, decoded JSON or None."""
        ...
