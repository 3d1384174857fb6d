"""One repository of the GitHub in memory: commits, trees and what differs between them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from prowless.domain.errors import NotFoundError
from prowless.ports.github import LINK_MODE, ChangedFile, CheckRun, Comment, PullRequest, Status, TreeEntry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Link(bytes):
    """Content of a symbolic link: where it leads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryCommit:
    """A commit: its whole tree and its parents."""

    files: Mapping[str, bytes]
    parents: tuple[str, ...]
    message: str = ""


@dataclass(slots=True, kw_only=True)
class MemoryRepository:
    """What one repository holds. Tests may look at it and change it."""

    name: str
    commits: dict[str, MemoryCommit] = field(default_factory=dict)
    trees: dict[str, Mapping[str, bytes]] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    pulls: dict[int, PullRequest] = field(default_factory=dict)
    comments: dict[int, list[Comment]] = field(default_factory=dict)
    labels: dict[int, list[str]] = field(default_factory=dict)
    statuses: dict[str, list[Status]] = field(default_factory=dict)
    check_runs: dict[str, list[CheckRun]] = field(default_factory=dict)
    required_contexts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    collaborators: set[str] = field(default_factory=set)
    admins: set[str] = field(default_factory=set)

    def store(self, changes: Mapping[str, bytes | str | None], parents: tuple[str, ...], message: str = "") -> str:
        """Store a commit that changes files of its first parent; its SHA."""
        files = dict(self.commits[parents[0]].files) if parents else {}
        for path, content in changes.items():
            if content is None:
                files.pop(path, None)
            else:
                files[path] = content.encode() if isinstance(content, str) else content
        identity = repr((self.name, len(self.commits), sorted(files.items()), parents))
        sha = hashlib.sha256(identity.encode()).hexdigest()[:40]
        self.commits[sha] = MemoryCommit(files=files, parents=parents, message=message)
        return sha

    def entries(self, sha: str, *, recursive: bool) -> list[TreeEntry]:
        """What is in a commit's root or in a folder's tree."""
        if sha not in self.commits and sha not in self.trees:
            raise NotFoundError(f"{self.name} has no tree {sha}")
        files = self.commits[sha].files if sha in self.commits else self.trees[sha]
        return sorted(self._entries(files, recursive=recursive), key=lambda entry: entry.path)

    def _entries(self, files: Mapping[str, bytes], *, recursive: bool) -> Iterator[TreeEntry]:
        folders: dict[str, dict[str, bytes]] = {}
        for path, content in files.items():
            folder, inside, name = path.partition("/")
            if inside:
                folders.setdefault(folder, {})[name] = content
            else:
                mode = LINK_MODE if isinstance(content, Link) else "100644"
                yield TreeEntry(path=path, type="blob", mode=mode, sha=blob_sha(content), size=len(content))
        for folder, below in folders.items():
            sha = hashlib.sha256(repr(sorted(below.items())).encode()).hexdigest()[:40]
            self.trees[sha] = below
            yield TreeEntry(path=folder, type="tree", mode="040000", sha=sha)
            if recursive:
                for entry in self._entries(below, recursive=True):
                    yield replace(entry, path=f"{folder}/{entry.path}")

    def merge(self, pull: PullRequest) -> PullRequest:
        """Keep the pull with a test merge on its base branch of now; not mergeable if both changed the same file."""
        base = self.refs[f"heads/{pull.base_ref}"]
        start, ours, theirs = (
            self.commits[sha].files for sha in (self.merge_base(base, pull.head_sha), base, pull.head_sha)
        )
        changed = {path: theirs.get(path) for path in {*start, *theirs} if start.get(path) != theirs.get(path)}
        clash = any(ours.get(path) not in {start.get(path), content} for path, content in changed.items())
        merge = "" if clash else self.store(changed, (base, pull.head_sha))
        self.refs[f"pull/{pull.number}/head"] = pull.head_sha
        if clash:
            self.refs.pop(f"pull/{pull.number}/merge", None)
        else:
            self.refs[f"pull/{pull.number}/merge"] = merge
        merged = self.pulls[pull.number] = replace(pull, merge_commit_sha=merge, mergeable=not clash)
        return merged

    def changes(self, base: str, head: str) -> list[ChangedFile]:
        """What the head changed since it left the base."""
        return list(_differences(self.commits[self.merge_base(base, head)].files, self.commits[head].files))

    def between(self, base: str, head: str) -> list[str]:
        """The commits that the head has and the base has not, newest first."""
        known = set(self._ancestry(base))
        return [sha for sha in self._ancestry(head) if sha not in known]

    def merge_base(self, base: str, head: str) -> str:
        """The newest commit both have."""
        seen = set(self._ancestry(base))
        for sha in self._ancestry(head):
            if sha in seen:
                return sha
        raise NotFoundError(f"{self.name}: no common ancestor of {base} and {head}")

    def _ancestry(self, sha: str) -> Iterator[str]:
        queue = [sha]
        seen = set()
        while queue:
            current = queue.pop(0)
            if current not in seen:
                seen.add(current)
                yield current
                queue.extend(self.commits[current].parents)


def _differences(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> Iterator[ChangedFile]:
    """Added, modified, removed, and renamed where the content stayed exactly the same."""
    gone = {path: content for path, content in before.items() if path not in after}
    for path in sorted({*before, *after}):
        if path in before and path in after:
            if before[path] != after[path]:
                yield ChangedFile(filename=path, status="modified")
        elif path in after:
            old = next((name for name, content in gone.items() if content == after[path]), "")
            gone.pop(old, None)
            yield ChangedFile(filename=path, status="renamed" if old else "added", previous_filename=old)
    for path in sorted(gone):
        yield ChangedFile(filename=path, status="removed")


def blob_sha(content: bytes) -> str:
    """Git's own name of a blob, so that equal content is recognised across commits."""
    return hashlib.sha1(b"blob %d\x00" % len(content) + content, usedforsecurity=False).hexdigest()
