"""GitHub's webhook bodies as typed events: bounded, checked, and with an identity of their own."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from prowless.domain.errors import PermanentError
from prowless.domain.identity import Cause

MAX_TEXT = 262_144
"""Characters of a comment or description that are read. GitHub's own limit is 65,536 (262,144 bytes)."""

MAX_PUSHED_FILES = 3_000
NO_COMMIT = "0" * 40

_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}")
_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_QUEUE_REF = re.compile(r"refs/heads/gh-readonly-queue/.+/pr-([0-9]{1,9})-[0-9a-f]{40,64}")
_REPOSITORY_URL = re.compile(r"/repos/([^/]+/[^/]+)$")
_SURROGATE = re.compile("[\ud800-\udfff]")
"""Half a character, which JSON can carry and UTF-8 cannot; Go's decoder puts U+FFFD in its place as well."""

_CREATED_ACTIONS = frozenset({"created", "opened", "submitted"})


class InvalidEventError(PermanentError):
    """A webhook body that is not what GitHub sends for its event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event(ABC):
    """What every event has. `repositories` are all that the body speaks about, for the check against its scope."""

    repository: str
    repository_id: int = 0
    repository_url: str = ""
    repositories: tuple[str, ...]
    sender: str = ""
    action: str = ""

    @abstractmethod
    def cause(self) -> Cause:
        """The event's own identity, the same in every delivery of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequestEvent(Event):
    """`pull_request`. `label` is the label of labeled and unlabeled; `base_changed`: edited moved the base branch."""

    number: int
    id: int = 0
    state: str
    draft: bool = False
    author: str
    title: str = ""
    body: str = ""
    html_url: str = ""
    head_sha: str
    base_ref: str
    updated_at: str
    label: str = ""
    base_changed: bool = False

    @property
    def at(self) -> int:
        """`updated_at` in epoch milliseconds."""
        return moment(self.updated_at)

    def cause(self) -> Cause:
        """Pull, action, head and time; for labels also the label, for several may come in one second."""
        action = f"{self.action} {self.label}" if self.label else self.action
        return Cause.pull_request(self.repository, self.number, action, self.head_sha, self.updated_at)

    def description(self) -> CommentEvent:
        """The pull's description as a comment: commands in it work as in any other (`pkg/github/types.go:1347`)."""
        return CommentEvent(
            repository=self.repository,
            repository_id=self.repository_id,
            repository_url=self.repository_url,
            repositories=self.repositories,
            sender=self.sender,
            action="created" if self.action == "opened" else self.action,
            kind="pull_request",
            number=self.number,
            is_pull=True,
            state=self.state,
            author=self.author,
            body=self.body,
            html_url=self.html_url,
            comment_id=self.id,
            updated_at=self.updated_at,
            created_at=self.at,
            commit=self.head_sha,
            pull_author=self.author,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentEvent(Event):
    """`issue_comment`, `pull_request_review` or `pull_request_review_comment` (`kind`).

    `action` is created, edited, deleted, or empty if the event does not touch the text. `created_at` is GitHub's time
    in epoch milliseconds. `commit` is the one that a review is of; a plain comment names none.
    """

    kind: str
    number: int
    is_pull: bool
    state: str
    author: str
    body: str
    html_url: str = ""
    comment_id: int
    updated_at: str
    created_at: int = 0
    commit: str = ""
    pull_author: str

    def cause(self) -> Cause:
        """The comment in this version of its text."""
        return Cause.comment(self.repository, self.kind, self.comment_id, self.updated_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class PushEvent(Event):
    """`push`. `files` are those the payload lists, sorted; GitHub cuts that list, so a comparison is the truth."""

    ref: str
    before: str
    after: str
    created: bool = False
    deleted: bool = False
    forced: bool = False
    compare: str = ""
    files: tuple[str, ...] = ()

    @property
    def branch(self) -> str:
        """The ref without `refs/heads/` or `refs/tags/`: Prow treats tags as branches (`pkg/github/types.go:999`)."""
        return self.ref.removeprefix("refs/heads/").removeprefix("refs/tags/")

    @property
    def gone(self) -> bool:
        """Whether the push deleted its ref (`pkg/plugins/trigger/push.go:62`)."""
        return self.deleted or not self.after.strip("0")

    def cause(self) -> Cause:
        """The ref and the commits it moved between."""
        return Cause.push(self.repository, self.ref, self.before, self.after)


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeGroupEvent(Event):
    """`merge_group` of GitHub's merge queue. `reason` says why a group was destroyed: merged, invalidated, dequeued."""

    head_sha: str
    head_ref: str
    base_sha: str
    base_ref: str
    reason: str = ""

    @property
    def branch(self) -> str:
        """The branch that the group is to be merged into."""
        return self.base_ref.removeprefix("refs/heads/")

    @property
    def number(self) -> int:
        """The pull request that the group's ref `gh-readonly-queue/BASE/pr-NUMBER-SHA` names, its last one; else 0."""
        named = _QUEUE_REF.fullmatch(self.head_ref)
        return int(named[1]) if named else 0

    def cause(self) -> Cause:
        """The group's head."""
        return Cause.merge_group(self.repository, self.head_sha)


def parse(name: str, body: Mapping[str, Any]) -> PullRequestEvent | CommentEvent | PushEvent | MergeGroupEvent | None:
    """The event in a webhook body, or None if no rule acts on events of that name.

    Args:
        name: the value of `X-GitHub-Event`.
        body: the decoded body.

    Raises:
        InvalidEventError: a field is missing or has another type or shape than GitHub's; it says which.
    """
    parser = _PARSERS.get(name)
    return parser(_Reader(name, body)) if parser else None


def moment(text: str) -> int:
    """Epoch milliseconds of GitHub's time, which has whole seconds; 0 for what is no time."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return 0
    return round((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)


class _Reader:
    """Typed look-ups in a body; every error names event and path."""

    def __init__(self, event: str, body: Mapping[str, Any]) -> None:
        self.event = event
        self.body = body

    def error(self, path: str, wanted: str) -> InvalidEventError:
        return InvalidEventError(f"webhook body of event {self.event}: {path} is not {wanted}")

    def find(self, path: str) -> Any:
        value: Any = self.body
        for name in path.split("."):
            if not isinstance(value, Mapping):
                return None
            value = value.get(name)
        return value

    def text(self, path: str, *, required: bool = True, limit: int = 1024) -> str:
        value = self.find(path)
        if value is None and not required:
            return ""
        if not isinstance(value, str) or (required and not value):
            raise self.error(path, "a text")
        return _SURROGATE.sub("\ufffd", value[:limit])

    def number(self, path: str) -> int:
        value = self.find(path)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise self.error(path, "a number")
        return value

    def flag(self, path: str) -> bool:
        return self.find(path) is True

    def sha(self, path: str) -> str:
        value = self.find(path)
        if not isinstance(value, str) or not _SHA.fullmatch(value):
            raise self.error(path, "a commit's SHA")
        return value

    def name_of(self, path: str) -> str:
        """A repository's `org/repo`; deleted users and repositories are null in GitHub's bodies."""
        value = self.find(path)
        if not isinstance(value, str) or not _REPOSITORY.fullmatch(value):
            raise self.error(path, "a repository's full name")
        return value

    def login(self, path: str) -> str:
        """A user's login, or `ghost`, which GitHub shows for accounts that are gone."""
        return self.text(path, required=False, limit=100) or "ghost"

    def common(self, *also: str) -> dict[str, Any]:
        """The fields of Event. `also` are further repositories that the body names."""
        repository = self.name_of("repository.full_name")
        owner = self.text("repository.owner.login", required=False) or self.text("repository.owner.name")
        named = f"{owner}/{self.text('repository.name')}"
        return {
            "repository": repository,
            "repository_id": self.number("repository.id"),
            "repository_url": self.text("repository.html_url", required=False) or f"https://github.com/{repository}",
            "repositories": tuple(dict.fromkeys([repository, named, *also])),
            "sender": self.login("sender.login"),
            "action": self.text("action", required=False),
        }


def _pull_request(reader: _Reader) -> PullRequestEvent:
    changed = any(reader.find(f"changes.base.{part}.from") for part in ("ref", "sha"))
    return PullRequestEvent(
        **reader.common(reader.name_of("pull_request.base.repo.full_name")),
        number=reader.number("pull_request.number"),
        id=reader.number("pull_request.id"),
        state=reader.text("pull_request.state"),
        draft=reader.flag("pull_request.draft"),
        author=reader.login("pull_request.user.login"),
        title=reader.text("pull_request.title", required=False),
        body=reader.text("pull_request.body", required=False, limit=MAX_TEXT),
        html_url=reader.text("pull_request.html_url", required=False),
        head_sha=reader.sha("pull_request.head.sha"),
        base_ref=reader.text("pull_request.base.ref"),
        updated_at=reader.text("pull_request.updated_at"),
        label=reader.text("label.name", required=False),
        base_changed=changed,
    )


def _push(reader: _Reader) -> PushEvent:
    return PushEvent(
        **reader.common(),
        ref=reader.text("ref"),
        before=reader.sha("before"),
        after=reader.sha("after"),
        created=reader.flag("created"),
        deleted=reader.flag("deleted"),
        forced=reader.flag("forced"),
        compare=reader.text("compare", required=False),
        files=_pushed_files(reader.find("commits")),
    )


def _pushed_files(commits: Any) -> tuple[str, ...]:
    """The union of added, removed and modified (`pkg/plugins/trigger/push.go:29`), bounded."""
    files: set[str] = set()
    for commit in commits if isinstance(commits, list) else ():
        for kind in ("added", "removed", "modified"):
            names = commit.get(kind) if isinstance(commit, Mapping) else None
            files.update(_SURROGATE.sub("\ufffd", name) for name in _strings(names))
            if len(files) > MAX_PUSHED_FILES:
                return tuple(sorted(files)[:MAX_PUSHED_FILES])
    return tuple(sorted(files))


def _strings(values: Any) -> list[str]:
    return [value for value in values if isinstance(value, str)] if isinstance(values, list) else []


def _issue_comment(reader: _Reader) -> CommentEvent:
    url = _REPOSITORY_URL.search(reader.text("issue.repository_url", required=False))
    return CommentEvent(
        **_comment_common(reader, *((url[1],) if url else ())),
        kind=reader.event,
        number=reader.number("issue.number"),
        is_pull=isinstance(reader.find("issue.pull_request"), Mapping),
        state=reader.text("issue.state"),
        author=reader.login("comment.user.login"),
        body=reader.text("comment.body", required=False, limit=MAX_TEXT),
        html_url=reader.text("comment.html_url", required=False),
        comment_id=reader.number("comment.id"),
        updated_at=reader.text("comment.updated_at"),
        created_at=moment(reader.text("comment.created_at", required=False)),
        pull_author=reader.login("issue.user.login"),
    )


def _review(reader: _Reader, key: str, time: str, created: str) -> CommentEvent:
    # A review comment's `commit_id` moves along with later pushes, and its `original_commit_id` does not.
    commit = reader.text(f"{key}.original_commit_id", required=False)
    return CommentEvent(
        **_comment_common(reader, reader.name_of("pull_request.base.repo.full_name")),
        kind=reader.event,
        number=reader.number("pull_request.number"),
        is_pull=True,
        state=reader.text("pull_request.state"),
        author=reader.login(f"{key}.user.login"),
        body=reader.text(f"{key}.body", required=False, limit=MAX_TEXT),
        html_url=reader.text(f"{key}.html_url", required=False),
        comment_id=reader.number(f"{key}.id"),
        updated_at=reader.text(f"{key}.{time}", required=False),
        created_at=moment(reader.text(f"{key}.{created}", required=False)),
        commit=commit or reader.text(f"{key}.commit_id", required=False),
        pull_author=reader.login("pull_request.user.login"),
    )


def _comment_common(reader: _Reader, *also: str) -> dict[str, Any]:
    common = reader.common(*also)
    action = common["action"]
    if action in _CREATED_ACTIONS:
        common["action"] = "created"
    elif action == "dismissed":
        common["action"] = "deleted"
    elif action not in {"edited", "deleted"}:
        common["action"] = ""
    return common


def _merge_group(reader: _Reader) -> MergeGroupEvent:
    return MergeGroupEvent(
        **reader.common(),
        head_sha=reader.sha("merge_group.head_sha"),
        head_ref=reader.text("merge_group.head_ref"),
        base_sha=reader.sha("merge_group.base_sha"),
        base_ref=reader.text("merge_group.base_ref"),
        reason=reader.text("reason", required=False),
    )


_PARSERS: Mapping[str, Callable[[_Reader], PullRequestEvent | CommentEvent | PushEvent | MergeGroupEvent]] = {
    "pull_request": _pull_request,
    "push": _push,
    "issue_comment": _issue_comment,
    "pull_request_review": lambda reader: _review(reader, "review", "submitted_at", "submitted_at"),
    "pull_request_review_comment": lambda reader: _review(reader, "comment", "updated_at", "created_at"),
    "merge_group": _merge_group,
}
