"""The secret that holds GitHub's credentials, and their use as it stands now."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from prowless.adapters.github.auth import AppAuth, TokenAuth
from prowless.domain.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from prowless.adapters.github.auth import Auth
    from prowless.adapters.github.paths import Scope
    from prowless.adapters.github.transport import Transport
    from prowless.ports.clock import Clock

_SHAPE = (
    'expected {"token": "…"} or {"app_id": 123, "private_key": "-----BEGIN RSA PRIVATE KEY-----…"} in GitHub\'s secret'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Either a token, or an App's id and key; the others are empty."""

    token: str = field(default="", repr=False)
    app_id: str = ""
    private_key: str = field(default="", repr=False)


def parse_secret(text: str) -> Credentials:
    """The credentials in the secret's JSON. Further keys, such as `webhook_secret`, are ignored.

    A key whose line breaks were stored as backslash and n is repaired.

    Raises:
        ConfigError: Naming what is missing or wrong, never quoting it.
    """
    try:
        secret = json.loads(text)
    except (ValueError, RecursionError):
        # Not chained: the decoder's error holds the document.
        raise ConfigError([f"not JSON; {_SHAPE}"]) from None
    if not isinstance(secret, dict):
        raise ConfigError([f"not a JSON object; {_SHAPE}"])
    token, app_id, key = (secret.get(name) or "" for name in ("token", "app_id", "private_key"))
    if token and (app_id or key):
        raise ConfigError(["GitHub's secret has both a token and an App; keep one"])
    if token:
        return Credentials(token=_token(token))
    if not app_id and not key:
        raise ConfigError([f"neither token nor app_id; {_SHAPE}"])
    problems = [*_app_id_problems(app_id), *_key_problems(key)]
    if problems:
        raise ConfigError(problems)
    return Credentials(app_id=str(app_id), private_key=_repaired(key))


def _token(token: Any) -> str:
    if not isinstance(token, str):
        raise ConfigError(["GitHub's secret: token must be a string"])
    return token.strip()


def _app_id_problems(app_id: Any) -> list[str]:
    if not app_id:
        return ["GitHub's secret: app_id is missing; the App's settings page shows it"]
    if isinstance(app_id, bool) or not isinstance(app_id, int | str) or not str(app_id).isalnum():
        # A client id such as Iv23li… may have dots, but needs no other characters.
        text = str(app_id).replace(".", "") if isinstance(app_id, str) else ""
        if not (text.isascii() and text.isalnum()):
            return ["GitHub's secret: app_id must be the App's number or client id"]
    return []


def _key_problems(key: Any) -> list[str]:
    if not key:
        return ["GitHub's secret: private_key is missing; generate one on the App's settings page"]
    if not isinstance(key, str) or "-----BEGIN" not in key or "PRIVATE KEY-----" not in key:
        return ["GitHub's secret: private_key must be a PEM private key (-----BEGIN … PRIVATE KEY-----)"]
    return []


def _repaired(key: str) -> str:
    return (key if "\n" in key.strip() else key.replace("\\n", "\n")).strip() + "\n"


class SecretAuth:
    """Whatever credentials the secret holds, exchanged when it changes.

    Args:
        secret: The secret's present text.
        transport: For an App's exchanges.
        clock: For an App's times.
    """

    def __init__(self, secret: Callable[[], str], transport: Transport, clock: Clock) -> None:
        self._secret = secret
        self._transport = transport
        self._clock = clock
        self._text = ""
        self._auth: Auth | None = None

    def __repr__(self) -> str:
        return f"SecretAuth({self._auth or 'not read yet'})"

    @property
    def hint(self) -> str:
        """The advice of the credentials in use."""
        return self.present().hint

    def authorization(self, scope: Scope | None) -> str:
        """The Authorization header of the credentials in use."""
        return self.present().authorization(scope)

    def rejected(self, scope: Scope | None) -> bool:
        """Whether the secret changed since, or its credentials renew themselves."""
        before = self._auth
        now = self.present()
        return now is not before or now.rejected(scope)

    def login(self, ask: Callable[[str], Any]) -> str:
        """The login of the credentials in use."""
        return self.present().login(ask)

    def present(self) -> Auth:
        """The credentials in use.

        Raises:
            ConfigError: The secret holds none.
        """
        text = self._secret()
        if self._auth is None or text != self._text:
            credentials = parse_secret(text)
            self._auth = (
                TokenAuth(credentials.token)
                if credentials.token
                else AppAuth(credentials.app_id, credentials.private_key, self._transport, self._clock)
            )
            self._text = text
        return self._auth
