"""GitHub Apps: keys, installations, and who a request's credentials are."""

from __future__ import annotations

import base64
import binascii
import secrets
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from prowless_local.github.accounts import Accounts
from prowless_local.github.records import App, Installation
from prowless_local.github.world import found, key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from prowless_local.github.records import Account
    from prowless_local.github.timestamps import Clock

TOKEN_LIFE_MS = 60 * 60 * 1000
LONGEST_JWT_SECONDS = 10 * 60
CLOCK_DRIFT_SECONDS = 60
"""How far in the future `iat` may lie; GitHub asks clients to date it a minute back for the same reason."""

DEFAULT_PERMISSIONS: Mapping[str, str] = {
    "checks": "write",
    "contents": "read",
    "issues": "write",
    "members": "read",
    "merge_queues": "read",
    "metadata": "read",
    "pull_requests": "write",
    "statuses": "write",
}
LEVELS = {"read": 1, "write": 2, "admin": 3}


class BadCredentialsError(Exception):
    """The credentials are not valid; the message is GitHub's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who makes a request.

    Attributes:
        kind: anonymous, user, installation or app.
        login: The user or the App's bot; empty when anonymous.
        app_id: The App's id, for installation and app.
        installation: For an installation token.
        permissions: What an installation token may do.
        repositories: Lower-case full names an installation token is limited to; None means all of the account.
    """

    kind: str
    login: str = ""
    app_id: int = 0
    installation: Installation | None = None
    permissions: Mapping[str, str] = field(default_factory=dict)
    repositories: frozenset[str] | None = None

    @property
    def budget(self) -> str:
        """Whose rate limit a request counts against."""
        return f"installation ID {self.installation.id}" if self.installation else f"{self.kind} {self.login}".strip()

    def may(self, permission: str, level: str) -> bool:
        """Whether an installation token has a permission."""
        return LEVELS.get(self.permissions.get(permission, ""), 0) >= LEVELS[level]

    def covers(self, repository: str) -> bool:
        """Whether an installation token includes a repository."""
        if self.installation is None:
            return False
        owner = repository.partition("/")[0]
        allowed = self.repositories is None or key(repository) in self.repositories
        return allowed and key(owner) == key(self.installation.account)


ANONYMOUS = Principal(kind="anonymous")


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallationToken:
    """A minted token and what it allows."""

    token: str = field(repr=False)
    expires_ms: int
    principal: Principal


class Apps(Accounts):
    """Apps and credentials."""

    def __init__(self, clock: Clock | None = None) -> None:
        super().__init__(clock)
        self._installation_tokens: dict[str, InstallationToken] = {}
        self._public_keys: dict[int, rsa.RSAPublicKey] = {}
        self._everywhere: set[int] = set()

    def create_app(
        self,
        app_id: int,
        private_key_pem: str | None = None,
        *,
        slug: str = "prowless",
        owner: str = "app-owner",
        permissions: Mapping[str, str] | None = None,
        orgs: Iterable[str] | None = None,
    ) -> App:
        """Register an App and install it.

        Args:
            app_id: Its id, `iss` of its JWTs.
            private_key_pem: Its RSA key; a new one when None.
            slug: Its name; its bot is `<slug>[bot]`.
            owner: Login of who owns it.
            permissions: Permission to level; `DEFAULT_PERMISSIONS` when None.
            orgs: Where it is installed; None means on every organisation, also later ones.

        Raises:
            ValueError: The id is taken, or the key is no RSA private key.
        """
        with self.changing():
            if app_id in self.apps:
                raise ValueError(f"App {app_id} exists already")
            pem = private_key_pem or _new_key()
            installations: dict[str, int] = {}
            app = App(
                app_id=app_id,
                slug=slug,
                owner=self.create_user(owner).login,
                private_key_pem=pem,
                permissions=dict(permissions or DEFAULT_PERMISSIONS),
                installations=installations,
                created_ms=self.now_ms(),
            )
            self._public_keys[app_id] = _public_key(pem)
            self.apps[app_id] = app
            if orgs is None:
                self._everywhere.add(app_id)
            self.create_user(app.bot)
            everyone = [one.login for one in self.accounts.values() if one.type == "Organization"]
            for org in everyone if orgs is None else orgs:
                self.install(app_id, org)
            return app

    def install(self, app_id: int, owner: str) -> Installation:
        """Install an App on an organisation or user, for all repositories; the existing one if it is installed."""
        with self.changing():
            app = found(self.apps, app_id, f"App {app_id}")
            account = self.account(owner)
            known = self.installation_of(app_id, owner)
            if known is not None:
                return known
            installation = Installation(
                id=next(self.ids),
                app_id=app_id,
                account=account.login,
                permissions=app.permissions,
                created_ms=self.now_ms(),
            )
            self.installations[installation.id] = installation
            app.installations[account.login] = installation.id
            return installation

    def installation_of(self, app_id: int, owner: str) -> Installation | None:
        """The App's installation on an account, or None."""
        for one in self.installations.copy().values():
            if one.app_id == app_id and key(one.account) == key(owner):
                return one
        return None

    def account_created(self, account: Account) -> None:
        """Install the Apps that are on every organisation."""
        super().account_created(account)
        if account.type == "Organization":
            for app_id in self._everywhere:
                self.install(app_id, account.login)

    def mint(
        self,
        installation: Installation,
        permissions: Mapping[str, str],
        repositories: frozenset[str] | None,
    ) -> InstallationToken:
        """A new installation token that is valid for an hour."""
        app = self.apps[installation.app_id]
        principal = Principal(
            kind="installation",
            login=app.bot,
            app_id=app.app_id,
            installation=installation,
            permissions=dict(permissions),
            repositories=repositories,
        )
        token = InstallationToken(
            token=f"ghs_{secrets.token_hex(18)}",
            expires_ms=self.now_ms() + TOKEN_LIFE_MS,
            principal=principal,
        )
        self._installation_tokens[token.token] = token
        return token

    def principal(self, authorization: str | None) -> Principal:
        """Who an `Authorization` header is.

        Raises:
            BadCredentialsError: The token is unknown or expired, or the JWT breaks one of GitHub's rules.
        """
        credential = _credential(authorization)
        if credential is None:
            return ANONYMOUS
        if credential.count(".") == 2:  # noqa: PLR2004 - header, claims and signature of a JWT
            return self._app_principal(credential)
        login = self.personal_tokens.get(credential)
        if login is not None:
            return Principal(kind="user", login=login)
        minted = self._installation_tokens.get(credential)
        if minted is None or minted.expires_ms <= self.now_ms():
            raise BadCredentialsError("Bad credentials")
        return minted.principal

    def _app_principal(self, token: str) -> Principal:
        claims = self._unverified(token)
        issuer = str(claims.get("iss", ""))
        app = next((one for one in self.apps.values() if issuer in {str(one.app_id), one.client_id}), None)
        if app is None:
            raise BadCredentialsError("Integration not found")
        unchecked: Any = {"verify_exp": False, "verify_iat": False, "verify_nbf": False, "verify_iss": False}
        try:
            jwt.decode(token, self._public_keys[app.app_id], algorithms=["RS256"], options=unchecked)
        except jwt.PyJWTError as exc:
            raise BadCredentialsError("A JSON web token could not be decoded") from exc
        self._check_times(claims)
        return Principal(kind="app", login=app.bot, app_id=app.app_id)

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        now = self.now_ms() // 1000
        expires, issued = claims.get("exp"), claims.get("iat")
        if not isinstance(expires, int) or expires <= now:
            raise BadCredentialsError(
                "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the "
                "assertion expires"
            )
        if expires > now + LONGEST_JWT_SECONDS:
            raise BadCredentialsError("'Expiration time' claim ('exp') is too far in the future")
        if not isinstance(issued, int) or issued > now + CLOCK_DRIFT_SECONDS:
            raise BadCredentialsError(
                "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
            )

    @staticmethod
    def _unverified(token: str) -> dict[str, Any]:
        try:
            claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
        except jwt.PyJWTError as exc:
            raise BadCredentialsError("A JSON web token could not be decoded") from exc
        return claims


def _credential(authorization: str | None) -> str | None:
    scheme, _, value = (authorization or "").strip().partition(" ")
    match scheme.lower():
        case "":
            return None
        case "bearer" | "token":
            return value.strip()
        case "basic":
            try:
                user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError) as exc:
                raise BadCredentialsError("Bad credentials") from exc
            return password if password not in {"", "x-oauth-basic"} else user
        case _:
            raise BadCredentialsError("Bad credentials")


def _new_key() -> str:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    encoded = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    return encoded.decode()


@cache  # loading a key checks it, which takes longer than the rest of a fake's start
def _public_key(pem: str) -> rsa.RSAPublicKey:
    private = serialization.load_pem_private_key(pem.encode(), password=None)
    if not isinstance(private, rsa.RSAPrivateKey):
        raise ValueError("an App's key must be an RSA private key in PEM form")  # noqa: TRY004 - a bad value, not type
    return private.public_key()
