"""Organisations, users, who belongs where, and personal tokens."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

from prowless_local.github.records import Account
from prowless_local.github.world import World, found, key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prowless_local.github.timestamps import Clock

LOGIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9]|-(?=[A-Za-z0-9])){0,38}(?:\[bot\])?\Z")
RESERVED = frozenset(
    {
        "api",
        "app",
        "apps",
        "avatars",
        "codeload",
        "installation",
        "orgs",
        "organizations",
        "rate_limit",
        "repos",
        "user",
        "users",
    }
)
"""First path segments of the API, which share the host with `/<owner>/<repository>`."""


class Accounts(World):
    """Who exists. Logins are created on first mention, because on the real GitHub every author has an account."""

    def __init__(self, clock: Clock | None = None) -> None:
        super().__init__(clock)
        self.personal_tokens: dict[str, str] = {}

    def create_org(self, login: str, members: Iterable[str] = ()) -> Account:
        """Create an organisation, or add members to it.

        Raises:
            ValueError: The login is no valid one, or a user's.
        """
        with self.changing():
            account = self._create(login, "Organization")
            if account.type != "Organization":
                raise ValueError(f"{login} is already a {account.type}")
            team = self.members.setdefault(key(login), set())
            for member in members:
                team.add(key(self.create_user(member).login))
            return account

    def create_user(self, login: str) -> Account:
        """Create a user, or find the one that has the login.

        Raises:
            ValueError: The login is no valid one.
        """
        return self._create(login, "Bot" if login.endswith("[bot]") else "User")

    def create_token(self, user: str) -> str:
        """A new personal access token (classic) of a user, who is created if needed."""
        login = self.create_user(user).login
        token = f"ghp_{secrets.token_hex(18)}"
        self.personal_tokens[token] = login
        return token

    def revoke_token(self, token: str) -> None:
        """Make a personal token invalid."""
        self.personal_tokens.pop(token, None)

    def add_member(self, org: str, login: str) -> None:
        """Make a user a member of an organisation."""
        with self.changing():
            self.account(org)
            self.members.setdefault(key(org), set()).add(key(self.create_user(login).login))

    def remove_member(self, org: str, login: str) -> None:
        """End a user's membership."""
        with self.changing():
            self.members.get(key(org), set()).discard(key(login))

    def add_team_member(self, org: str, slug: str, login: str) -> None:
        """Put a member of an organisation into one of its teams, which is created if needed."""
        with self.changing():
            self.add_member(org, login)
            self.teams.setdefault((key(org), key(slug)), set()).add(key(login))

    def add_collaborator(self, repository: str, login: str) -> None:
        """Give a user write access to one repository."""
        with self.changing():
            name = key(self.repository(repository).full_name)
            self.collaborators.setdefault(name, set()).add(key(self.create_user(login).login))

    def remove_collaborator(self, repository: str, login: str) -> None:
        """Take a user's own access to one repository away."""
        with self.changing():
            self.collaborators.get(key(repository), set()).discard(key(login))
            self.admins.get(key(repository), set()).discard(key(login))

    def add_admin(self, repository: str, login: str) -> None:
        """Make a user an administrator of one repository."""
        with self.changing():
            self.add_collaborator(repository, login)
            self.admins.setdefault(key(self.repository(repository).full_name), set()).add(key(login))

    def account(self, login: str) -> Account:
        """The account of a login.

        Raises:
            KeyError: There is none.
        """
        return found(self.accounts, key(login), f"account {login}")

    def is_member(self, org: str, login: str) -> bool:
        """Whether a user is a member of an organisation."""
        return key(login) in self.members.get(key(org), set())

    def is_team_member(self, org: str, slug: str, login: str) -> bool:
        """Whether a user is in a team."""
        return key(login) in self.teams.get((key(org), key(slug)), set())

    def is_collaborator(self, repository: str, login: str) -> bool:
        """Whether a user may write to a repository: its owner, a member of its organisation, or a collaborator."""
        owner = repository.partition("/")[0]
        if key(owner) == key(login) or self.is_member(owner, login):
            return True
        return key(login) in self.collaborators.get(key(repository), set())

    def permission(self, repository: str, login: str) -> str:
        """GitHub's word for what a user may do in a repository: admin, write, read or none."""
        if key(repository.partition("/")[0]) == key(login) or key(login) in self.admins.get(key(repository), set()):
            return "admin"
        if self.is_collaborator(repository, login):
            return "write"
        return "none" if self.repository(repository).private else "read"

    def association(self, repository: str, login: str) -> str:
        """GitHub's `author_association` of a user with a repository."""
        owner = repository.partition("/")[0]
        if key(owner) == key(login):
            return "OWNER"
        if self.is_member(owner, login):
            return "MEMBER"
        if self.is_collaborator(repository, login):
            return "COLLABORATOR"
        merged = any(pull.merged and key(pull.author) == key(login) for pull in self.pulls(repository))
        return "CONTRIBUTOR" if merged else "NONE"

    def login_of_email(self, email: str) -> str | None:
        """The login that a commit's no-reply address names, or None."""
        name, _, host = email.partition("@")
        login = name.partition("+")[2]
        return login if host == "users.noreply.github.com" and key(login) in self.accounts else None

    def _create(self, login: str, kind: str) -> Account:
        with self.changing():
            known = self.accounts.get(key(login))
            if known is not None:
                return known
            if not LOGIN.match(login) or key(login) in RESERVED:
                raise ValueError(f"{login!r} cannot be a login")
            account = Account(id=next(self.ids), login=login, type=kind, created_ms=self.now_ms())
            self.accounts[key(login)] = account
            self.account_created(account)
            return account

    def account_created(self, account: Account) -> None:
        """For classes that inherit: a new account exists."""
