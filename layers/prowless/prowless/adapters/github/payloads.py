"""GitHub's JSON as the port's values."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from prowless.domain.errors import PermanentError
from prowless.ports.github import ChangedFile, CheckRun, Comment, Commit, PullRequest, Status, TreeEntry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@contextmanager
def understood(what: str) -> Iterator[None]:
    """Turn a missing or odd field into PermanentError."""
    try:
        yield
    except (KeyError, TypeError, AttributeError, ValueError) as exc:
        raise PermanentError(f"GitHub: {what} came in a shape we do not understand ({exc!r})") from exc


def pull_request(repository: str, data: Any) -> PullRequest:
    """`GET /repos/org/repo/pulls/N`. A deleted fork has no repository, a deleted account no user: both are empty."""
    head, base = data["head"], data["base"]
    return PullRequest(
        repository=repository,
        number=data["number"],
        title=data["title"] or "",
        body=data.get("body") or "",
        author=_login(data),
        state=data["state"],
        draft=bool(data.get("draft")),
        merged=bool(data.get("merged")),
        mergeable=data.get("mergeable"),
        merge_commit_sha=data.get("merge_commit_sha") or "",
        head_sha=head["sha"],
        head_ref=head["ref"],
        head_repository=(head.get("repo") or {}).get("full_name") or "",
        base_ref=base["ref"],
        base_sha=base["sha"],
        html_url=data["html_url"],
        updated_at=data["updated_at"],
        labels=tuple(label["name"] for label in data.get("labels") or ()),
    )


def changed_file(data: Any) -> ChangedFile:
    """An entry of a pull request's or a comparison's files."""
    return ChangedFile(
        filename=data["filename"], status=data["status"], previous_filename=data.get("previous_filename") or ""
    )


def commit(data: Any) -> Commit:
    """An entry of a comparison's commits."""
    parents = tuple(str(parent["sha"]) for parent in data["parents"])
    return Commit(sha=data["sha"], parents=parents, message=data["commit"]["message"] or "")


def comment(data: Any) -> Comment:
    """An issue comment."""
    return Comment(id=data["id"], author=_login(data), body=data.get("body") or "")


def tree_entry(data: Any) -> TreeEntry:
    """An entry of a git tree; submodules and trees have no size."""
    return TreeEntry(
        path=str(data["path"]),
        type=str(data["type"]),
        mode=str(data["mode"]),
        sha=str(data["sha"]),
        size=int(data.get("size") or 0),
    )


def status(data: Any) -> Status:
    """An entry of the combined status."""
    return Status(
        context=data["context"],
        state=data["state"],
        description=data.get("description") or "",
        target_url=data.get("target_url") or "",
    )


def check_run(data: Any) -> CheckRun:
    """A check run; one that has not completed has no conclusion."""
    return CheckRun(name=data["name"], conclusion=data.get("conclusion") or "")


def status_body(value: Status) -> dict[str, str]:
    """The body that posts a status. GitHub refuses an empty target URL, so it is left out."""
    body = {"context": value.context, "state": value.state, "description": value.description}
    return body | ({"target_url": value.target_url} if value.target_url else {})


def _login(data: Any) -> str:
    return (data.get("user") or {}).get("login") or ""


def tree_changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[ChangedFile]:
    """What differs between two trees of path to blob SHA, by path."""
    changes = []
    for path in sorted({*before, *after}):
        if path not in before:
            changes.append(ChangedFile(filename=path, status="added"))
        elif path not in after:
            changes.append(ChangedFile(filename=path, status="removed"))
        elif before[path] != after[path]:
            changes.append(ChangedFile(filename=path, status="modified"))
    return changes
