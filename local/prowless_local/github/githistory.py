"""Read commits, trees and differences out of a bare repository; answers about SHAs are kept, they never change."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from prowless_local.github.gitstore import GitError, GitRepository, Identity

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

FULL_SHA = re.compile(r"[0-9a-f]{40}\Z")
SHORT_SHA = re.compile(r"[0-9a-f]{7,39}\Z")
LOG_FORMAT = "%x01%H%x00%T%x00%P%x00%an%x00%ae%x00%at%x00%cn%x00%ce%x00%ct%x00%B%x02"
LOG_FIELDS = 10
MEMORY_ENTRIES = 4096
PATCH_LIMIT = 100_000
"""Characters; GitHub leaves out the patch of a large file too, without saying where its limit is."""

STATUS_WORDS = {"A": "added", "D": "removed", "M": "modified", "R": "renamed", "C": "copied", "T": "changed"}

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A commit with the paths it changed against its first parent (a rename is a removal and an addition)."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Identity
    author_ms: int
    committer: Identity
    committer_ms: int
    message: str
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    modified: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """One file of a difference; `patch` is None for binary and very large files."""

    filename: str
    status: str
    sha: str
    additions: int
    deletions: int
    previous_filename: str | None = None
    patch: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeEntry:
    """An entry of a tree; `size` is None for folders and submodules."""

    path: str
    mode: str
    type: str
    sha: str
    size: int | None


class GitHistory(GitRepository):
    """A repository that can also be read."""

    _memory: dict[Hashable, object]

    def commit(self, sha: str) -> Commit | None:
        """The commit with exactly this SHA, or None."""
        if not FULL_SHA.match(sha):
            return None
        return self._remember(("commit", sha), lambda: self._commit(sha))

    def resolve(self, name: str) -> str | None:
        """The commit a branch, tag, reference or (abbreviated) SHA names, or None.

        The order is git's: a SHA, `refs/<name>`, a tag, a branch.
        """
        if FULL_SHA.match(name):
            return name if self.commit(name) else None
        for candidate in (name, f"refs/{name}", f"refs/tags/{name}", f"refs/heads/{name}"):
            sha = self.ref(candidate)
            if sha:
                return sha
        if not SHORT_SHA.match(name):
            return None
        found = self.run("rev-parse", "--quiet", "--verify", f"{name}^{{commit}}", accept=(0, 1, 128)).decode().strip()
        return found or None

    def commits(self, *revisions: str, limit: int) -> tuple[Commit, ...]:
        """Commits of a revision range, newest first, at most `limit`."""
        arguments = ["log", f"--max-count={limit}", f"--format=tformat:{LOG_FORMAT}", "--name-status", "--no-renames"]
        raw = self.run(*arguments, "--diff-merges=first-parent", "-z", *revisions, "--")
        return tuple(
            _parse_commit(chunk) for chunk in raw.decode(errors="replace").split("\x01") if chunk.strip("\0\n")
        )

    def between(self, base: str, head: str, limit: int) -> tuple[Commit, ...]:
        """Commits of head that base lacks, oldest first; the newest `limit` of them."""
        return self._remember(
            ("between", base, head, limit), lambda: self.commits(f"{base}..{head}", limit=limit)[::-1]
        )

    def is_ancestor(self, ancestor: str, descendant: str) -> bool:
        """Whether one commit is the other or in its history."""
        return self.merge_base(ancestor, descendant) == ancestor

    def merge_base(self, one: str, other: str) -> str | None:
        """The best common ancestor, or None."""

        def ask() -> str | None:
            return self.run("merge-base", one, other, accept=(0, 1)).decode().strip() or None

        return self._remember(("base", one, other), ask)

    def ahead_behind(self, base: str, head: str) -> tuple[int, int]:
        """How many commits head has that base lacks, and the reverse."""
        behind, ahead = self.run("rev-list", "--left-right", "--count", f"{base}...{head}").split()
        return int(ahead), int(behind)

    def difference(self, base: str, head: str) -> tuple[FileChange, ...]:
        """What changed from one commit to another, renames detected, in path order.

        `base` may be a tree, so that a first commit can be shown.
        """
        return self._remember(("diff", base, head), lambda: self._difference(base, head))

    def tree(self, treeish: str, *, recursive: bool, path: str = "") -> tuple[TreeEntry, ...]:
        """The entries of a tree or, with `path`, the one entry there; empty when there is none."""

        def ask() -> tuple[TreeEntry, ...]:
            flags = ["-r", "-t"] if recursive else []
            raw = self.run("ls-tree", "-l", "-z", *flags, treeish, "--", *([path] if path else []))
            return tuple(_parse_entry(line) for line in raw.decode(errors="replace").split("\0") if line)

        if not FULL_SHA.match(treeish):
            return ask()
        return self._remember(("tree", treeish, recursive, path), ask)

    def object_type(self, sha: str) -> str | None:
        """`commit`, `tree`, `blob`, `tag`, or None when there is no such object."""

        def ask() -> str | None:
            try:
                return self.run("cat-file", "-t", sha).decode().strip()
            except GitError:
                return None

        return self._remember(("type", sha), ask)

    def blob(self, sha: str) -> bytes:
        """A file's content."""
        return self._remember(("blob", sha), lambda: self.run("cat-file", "blob", sha))

    def _commit(self, sha: str) -> Commit | None:
        try:
            found = self.commits(sha, limit=1)
        except GitError:
            return None
        return found[0] if found else None

    def _difference(self, base: str, head: str) -> tuple[FileChange, ...]:
        raw = self.run("diff", "--raw", "--numstat", "-z", "-M", "--abbrev=40", base, head).decode(errors="replace")
        patches = self.run("diff", "-M", "-p", "--no-ext-diff", "--no-textconv", base, head).decode(errors="replace")
        texts = iter(re.split(r"^diff --git .*\n", patches, flags=re.MULTILINE)[1:])
        changes, counts = _parse_raw(raw.split("\0"))
        found = []
        for (letter, sha, old, new), (added, deleted) in zip(changes, counts, strict=True):
            text = next(texts)
            if letter == "T":
                text += next(texts)  # a file that becomes a link is shown as a deletion and a creation
            start = re.search(r"^@@", text, flags=re.MULTILINE)
            patch = text[start.start() :].rstrip("\n") if start and len(text) <= PATCH_LIMIT else None
            change = FileChange(
                filename=new,
                status=STATUS_WORDS[letter],
                sha=sha,
                additions=added,
                deletions=deleted,
                previous_filename=old if letter in "RC" else None,
                patch=patch,
            )
            found.append(change)
        return tuple(found)

    def _remember(self, key: Hashable, ask: Callable[[], _T]) -> _T:
        memory = self.__dict__.setdefault("_memory", {})
        if key in memory:
            return memory[key]  # type: ignore[no-any-return]  # the key decides the type
        value = ask()
        if value is None:
            return value  # an object that is missing now may be pushed later
        if len(memory) >= MEMORY_ENTRIES:
            memory.clear()
        memory[key] = value
        return value


def _parse_commit(chunk: str) -> Commit:
    header, _, changes = chunk.partition("\x02")
    fields = header.split("\0", LOG_FIELDS - 1)
    sha, tree, parents, author, author_email, author_at, committer, committer_email, committed_at, message = fields
    words = [word for word in changes.strip("\n").split("\0") if word]
    paths: dict[str, list[str]] = {}
    for letter, path in zip(words[::2], words[1::2], strict=True):
        paths.setdefault(letter.strip()[0], []).append(path)
    return Commit(
        sha=sha,
        tree=tree,
        parents=tuple(parents.split()),
        author=Identity(name=author, email=author_email),
        author_ms=int(author_at) * 1000,
        committer=Identity(name=committer, email=committer_email),
        committer_ms=int(committed_at) * 1000,
        message=message.rstrip("\n"),
        added=tuple(paths.get("A", ())),
        removed=tuple(paths.get("D", ())),
        modified=tuple(paths.get("M", []) + paths.get("T", [])),
    )


def _parse_raw(words: list[str]) -> tuple[list[tuple[str, str, str, str]], list[tuple[int, int]]]:
    """Split `--raw --numstat -z`: (letter, blob, old path, new path) of each file, then its (added, deleted) lines."""
    changes: list[tuple[str, str, str, str]] = []
    counts: list[tuple[int, int]] = []
    position = 0
    while position < len(words) and words[position]:
        word = words[position]
        if word.startswith(":"):
            _, _, before, after, status = word.split(" ")
            paths = 2 if status[0] in "RC" else 1
            old, new = words[position + 1], words[position + paths]
            changes.append((status[0], before if status[0] == "D" else after, old, new))
            position += 1 + paths
        else:
            added, deleted, path = word.split("\t", 2)
            counts.append((int(added) if added != "-" else 0, int(deleted) if deleted != "-" else 0))
            position += 1 if path else 3
    return changes, counts


def _parse_entry(line: str) -> TreeEntry:
    meta, _, path = line.partition("\t")
    mode, kind, sha, size = meta.split()
    return TreeEntry(path=path, mode=mode, type=kind, sha=sha, size=None if size == "-" else int(size))
