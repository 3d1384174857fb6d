"""What the contract suite sets up, on each implementation of the port."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from tests.fakes.github import MemoryGitHub

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prowless.adapters.github.github import RestGitHub
    from prowless.ports.github import GitHub
    from prowless_local.github import FakeGitHub

    Files = Mapping[str, str | bytes | None]


class World(Protocol):
    """A GitHub seen through the port, and the things people do there."""

    github: GitHub

    def create_repository(self, name: str, files: Files) -> None:
        """A repository with one commit on main."""
        ...

    def commit(self, name: str, files: Files) -> str:
        """Push to main; the SHA."""
        ...

    def open_pull(self, name: str, files: Files, author: str = "alice", *, draft: bool = False) -> int:
        """A pull request from the author's fork, titled `A change`, described `Why`; its number."""
        ...

    def push(self, name: str, number: int, files: Files) -> str:
        """Push to a pull's head; the SHA."""
        ...

    def close_pull(self, name: str, number: int) -> None:
        """Close without merging."""
        ...

    def comment(self, name: str, number: int, author: str, body: str) -> int:
        """Somebody comments; the id."""
        ...

    def add_member(self, org: str, user: str) -> None:
        """A user joins an organisation."""
        ...

    def add_collaborator(self, name: str, user: str) -> None:
        """A user may write to a repository."""
        ...

    def add_admin(self, name: str, user: str) -> None:
        """A user may do everything in a repository."""
        ...

    def add_team_member(self, org: str, team: str, user: str) -> None:
        """A user joins a team."""
        ...

    def require_contexts(self, name: str, contexts: tuple[str, ...]) -> None:
        """Protect main."""
        ...


class MemoryWorld:
    """The fake of the use cases' tests."""

    def __init__(self) -> None:
        self.github = MemoryGitHub()

    def create_repository(self, name: str, files: Files) -> None:
        self.github.create_repository(name, files)

    def commit(self, name: str, files: Files) -> str:
        return self.github.commit(name, files)

    def open_pull(self, name: str, files: Files, author: str = "alice", *, draft: bool = False) -> int:
        return self.github.open_pull(name, files, author=author, title="A change", body="Why", draft=draft).number

    def push(self, name: str, number: int, files: Files) -> str:
        return self.github.push(name, number, files).head_sha

    def close_pull(self, name: str, number: int) -> None:
        self.github.change_pull(name, number, state="closed")

    def comment(self, name: str, number: int, author: str, body: str) -> int:
        return self.github.comment(name, number, author, body)

    def add_member(self, org: str, user: str) -> None:
        self.github.add_member(org, user)

    def add_collaborator(self, name: str, user: str) -> None:
        self.github.add_collaborator(name, user)

    def add_admin(self, name: str, user: str) -> None:
        self.github.add_admin(name, user)

    def add_team_member(self, org: str, team: str, user: str) -> None:
        self.github.add_team_member(org, team, user)

    def require_contexts(self, name: str, contexts: tuple[str, ...]) -> None:
        self.github.repositories[name].required_contexts["main"] = contexts


class ServerWorld:
    """The adapter against the embedded stack's GitHub."""

    def __init__(self, server: FakeGitHub, github: RestGitHub) -> None:
        self.github = github
        self._server = server
        self._pulls = 0

    def create_repository(self, name: str, files: Files) -> None:
        self._server.create_repository(name, {"README.md": b"", **files})

    def commit(self, name: str, files: Files) -> str:
        return self._server.commit(name, "main", files)

    def open_pull(self, name: str, files: Files, author: str = "alice", *, draft: bool = False) -> int:
        self._pulls += 1
        branch = f"change-{self._pulls}"
        return self._server.open_pull(name, branch, files, "A change", author, body="Why", draft=draft, fork=True)

    def push(self, name: str, number: int, files: Files) -> str:
        return self._server.push_to_pull(name, number, files)

    def close_pull(self, name: str, number: int) -> None:
        self._server.close_pull(name, number)

    def comment(self, name: str, number: int, author: str, body: str) -> int:
        return self._server.comment(name, number, body, author)

    def add_member(self, org: str, user: str) -> None:
        self._server.add_member(org, user)

    def add_collaborator(self, name: str, user: str) -> None:
        self._server.add_collaborator(name, user)

    def add_admin(self, name: str, user: str) -> None:
        self._server.add_admin(name, user)

    def add_team_member(self, org: str, team: str, user: str) -> None:
        self._server.add_team_member(org, team, user)

    def require_contexts(self, name: str, contexts: tuple[str, ...]) -> None:
        self._server.require_contexts(name, "main", contexts)
