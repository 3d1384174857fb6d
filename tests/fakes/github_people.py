"""Who may do what on the GitHub in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fakes.github_repository import MemoryRepository

T = TypeVar("T")


class MemoryPeople:
    """Members, teams, collaborators and administrators."""

    def __init__(self) -> None:
        self.members: dict[str, set[str]] = {}
        self.teams: dict[tuple[str, str], set[str]] = {}

    # Setting up.

    def add_member(self, org: str, user: str) -> None:
        """Make a user a member of an organisation."""
        self.members.setdefault(org.lower(), set()).add(user.lower())

    def add_admin(self, repository: str, user: str) -> None:
        """Make a user an administrator of a repository."""
        self.add_collaborator(repository, user)
        self._repository(repository).admins.add(user.lower())

    def add_collaborator(self, repository: str, user: str) -> None:
        """Make a user a collaborator of a repository."""
        self._repository(repository).collaborators.add(user.lower())

    def add_team_member(self, org: str, team: str, user: str) -> None:
        """Put a user into a team of an organisation."""
        self.add_member(org, user)
        self.teams.setdefault((org.lower(), team), set()).add(user.lower())

    # The port.

    def is_member(self, org: str, user: str) -> bool:
        def read() -> bool:
            return org.lower() == user.lower() or user.lower() in self.members.get(org.lower(), set())

        return self._call("is_member", (org, user), read)

    def is_collaborator(self, repository: str, user: str) -> bool:
        def read() -> bool:
            return user.lower() in self._repository(repository).collaborators

        return self._call("is_collaborator", (repository, user), read)

    def permission(self, repository: str, user: str) -> str:
        def read() -> str:
            repo = self._repository(repository)
            if user.lower() in repo.admins:
                return "admin"
            member = user.lower() in self.members.get(repository.partition("/")[0].lower(), set())
            return "write" if member or user.lower() in repo.collaborators else "read"

        return self._call("permission", (repository, user), read)

    def is_team_member(self, org: str, team: str, user: str) -> bool:
        def read() -> bool:
            return user.lower() in self.teams.get((org.lower(), team), set())

        return self._call("is_team_member", (org, team, user), read)

    # Inside.

    def _call(self, method: str, arguments: tuple[Any, ...], act: Callable[[], T]) -> T:
        raise NotImplementedError

    def _repository(self, name: str) -> MemoryRepository:
        raise NotImplementedError
