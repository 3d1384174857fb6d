"""A bare repository on disk, written by git's own plumbing and independent of the user's git configuration."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

ZERO_SHA = "0" * 40
GIT_TIMEOUT_SECONDS = 120
QUIET_CONFIG = ("-c", "gc.auto=0", "-c", "maintenance.auto=false", "-c", "core.quotePath=false")


class GitError(RuntimeError):
    """A git command failed; says which and what it wrote to its error stream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who wrote a commit."""

    name: str
    email: str

    def line(self, at_ms: int) -> str:
        """The identity as a commit object spells it."""
        return f"{self.name} <{self.email}> {at_ms // 1000} +0000"


COMMITTER = Identity(name="GitHub", email="noreply@github.com")


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """A git process's environment: nothing of the user's configuration, nor of a surrounding git command."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": os.devnull,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_LITERAL_PATHSPECS": "1",
        "LC_ALL": "C",
        "TZ": "UTC",
        **(extra or {}),
    }


def git_binary() -> str:
    """Path of git.

    Raises:
        GitError: git is not installed.
    """
    found = shutil.which("git")
    if found is None:
        raise GitError("git was not found on PATH; the fake GitHub needs git 2.39 or newer")
    return found


class GitRepository:
    """A bare repository. Not thread-safe for writers: the fake writes under its lock; readers need none.

    The references are mirrored in memory, because nothing else writes to the directory.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._git = git_binary()
        self._refs: dict[str, str] = {}

    def initialise(self, default_branch: str, *, borrow_from: GitRepository | None = None) -> None:
        """Create the directory; `borrow_from` lends its objects, as a fork's parent does."""
        arguments = ["init", "--quiet", "--bare", "--template=", f"--initial-branch={default_branch}", str(self.path)]
        self._execute([self._git, *arguments])
        if borrow_from is not None:
            info = self.path / "objects" / "info"
            info.mkdir(parents=True, exist_ok=True)
            (info / "alternates").write_text(f"{borrow_from.path / 'objects'}\n", encoding="utf-8")

    def run(
        self,
        *arguments: str,
        stdin: bytes = b"",
        extra_env: Mapping[str, str] | None = None,
        accept: Sequence[int] = (0,),
    ) -> bytes:
        """What a git command writes to its output.

        Raises:
            GitError: The exit code is not one of `accept`.
        """
        command = [self._git, f"--git-dir={self.path}", *QUIET_CONFIG, *arguments]
        return self._execute(command, stdin=stdin, extra_env=extra_env, accept=accept).stdout

    def merge_tree(self, ours: str, theirs: str) -> str | None:
        """The tree of a merge of two commits, or None when they conflict or share no history."""
        command = ["merge-tree", "--write-tree", "--no-messages", ours, theirs]
        result = self._execute([self._git, f"--git-dir={self.path}", *QUIET_CONFIG, *command], accept=(0, 1, 128))
        return result.stdout.decode().split("\n", 1)[0] if result.returncode == 0 else None

    def commit_tree(
        self, tree: str, parents: Sequence[str], message: str, *, author: Identity, committer: Identity, at_ms: int
    ) -> str:
        """Write a commit of an existing tree; its SHA."""
        lines = [
            f"tree {tree}",
            *(f"parent {parent}" for parent in parents),
            f"author {author.line(at_ms)}",
            f"committer {committer.line(at_ms)}",
            "",
            message,
        ]
        written = self.run("hash-object", "-t", "commit", "-w", "--stdin", stdin="\n".join(lines).encode())
        return written.decode().strip()

    def write_commit(
        self,
        ref: str,
        parent: str | None,
        files: Mapping[str, str | bytes | None],
        message: str,
        *,
        author: Identity,
        at_ms: int,
    ) -> str:
        """Commit files on top of a parent and point a reference to the commit.

        A file whose content starts with `#!` is executable; None deletes the file or folder.

        Raises:
            ValueError: A path is not one that git could check out.
            GitError: git refused.
        """
        stream = fast_import_stream(ref, parent, files, message, author=author, at_ms=at_ms)
        written = self.run("fast-import", "--quiet", "--force", "--date-format=raw", stdin=stream)
        sha = written.decode().strip()
        self._refs[ref] = sha
        return sha

    def fetch(self, source: GitRepository, sha: str) -> None:
        """Copy a commit and its history from another repository of the same network."""
        self.run("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", str(source.path), sha)

    def set_refs(self, changes: Mapping[str, str | None]) -> None:
        """Point references to commits; None deletes, also when there is nothing to delete."""
        wanted = {ref: sha for ref, sha in changes.items() if self._refs.get(ref) != sha}
        if not wanted:
            return
        lines = [f"update {ref} {sha}" if sha else f"delete {ref}" for ref, sha in wanted.items()]
        self.run("update-ref", "--stdin", stdin=("\n".join(lines) + "\n").encode())
        for ref, sha in wanted.items():
            if sha:
                self._refs[ref] = sha
            else:
                self._refs.pop(ref, None)

    def ref(self, name: str) -> str | None:
        """The SHA of a full reference name (`refs/heads/main`), or None."""
        return self._refs.get(name)

    def refs(self, prefix: str = "refs/") -> dict[str, str]:
        """References that start with a prefix."""
        return {name: sha for name, sha in sorted(self._refs.copy().items()) if name.startswith(prefix)}

    def _execute(
        self,
        command: Sequence[str],
        *,
        stdin: bytes = b"",
        extra_env: Mapping[str, str] | None = None,
        accept: Sequence[int] = (0,),
    ) -> subprocess.CompletedProcess[bytes]:
        result = subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            env=environment(extra_env),
            timeout=GIT_TIMEOUT_SECONDS,
            check=False,
        )
        if result.returncode not in accept:
            words = " ".join(command[1:])
            raise GitError(
                f"git {words} ended with {result.returncode}: {result.stderr.decode(errors='replace').strip()}"
            )
        return result


def fast_import_stream(
    ref: str,
    parent: str | None,
    files: Mapping[str, str | bytes | None],
    message: str,
    *,
    author: Identity,
    at_ms: int,
) -> bytes:
    """The commit as `git fast-import` reads it; it answers with the commit's SHA."""
    out = bytearray()
    line = author.line(at_ms)
    out += f"commit {ref}\nmark :1\nauthor {line}\ncommitter {line}\n".encode()
    out += _data(message.encode())
    if parent:
        out += f"from {parent}\n".encode()
    deletions_first = sorted(files.items(), key=lambda item: (item[1] is not None, item[0]))
    for path, content in deletions_first:
        quoted = _quoted(path)
        if content is None:
            out += f"D {quoted}\n".encode()
            continue
        raw = content.encode() if isinstance(content, str) else content
        mode = "100755" if raw.startswith(b"#!") else "100644"
        out += f"M {mode} inline {quoted}\n".encode() + _data(raw)
    out += b"\nget-mark :1\ndone\n"
    return bytes(out)


def _data(raw: bytes) -> bytes:
    return f"data {len(raw)}\n".encode() + raw + b"\n"


def _quoted(path: str) -> str:
    parts = path.split("/")
    if not path or PurePosixPath(path).is_absolute() or any(part in {"", ".", "..", ".git"} for part in parts):
        raise ValueError(f"{path!r} is not a file path inside a repository")
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
