"""Who we are to GitHub: a personal token, or an App with one token per installation."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from prowless.adapters.github.paths import Scope, repository_path, segment
from prowless.adapters.github.refusals import refusal
from prowless.adapters.github.transport import Request
from prowless.domain.errors import ConfigError, NotFoundError, PermanentError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from prowless.adapters.github.transport import Transport
    from prowless.ports.clock import Clock

JWT_BACKDATE_S = 60  # GitHub's advice against clocks that differ
JWT_LIFE_S = 540  # with the backdate, GitHub's ten minutes
RENEW_BEFORE_MS = 5 * 60 * 1000
_ERROR = 400


class Auth(Protocol):
    """What the client needs to know about credentials."""

    @property
    def hint(self) -> str:
        """What to check when GitHub answers 401."""
        ...

    def authorization(self, scope: Scope | None) -> str:
        """The Authorization header for a call about `scope`."""
        ...

    def rejected(self, scope: Scope | None) -> bool:
        """Forget what GitHub just answered 401 to; whether other credentials can be had for another try."""
        ...

    def login(self, ask: Callable[[str], Any]) -> str:
        """Our login, found with `ask(path)`."""
        ...


class TokenAuth:
    """A personal access token, classic or fine-grained."""

    hint = "the token in GitHub's secret is wrong, expired or revoked"

    def __init__(self, token: str) -> None:
        self._token = checked_token(token, "token")

    def __repr__(self) -> str:
        return "TokenAuth()"

    def authorization(self, scope: Scope | None) -> str:
        """The same header for every scope."""
        del scope
        return f"Bearer {self._token}"

    def rejected(self, scope: Scope | None) -> bool:
        """False: there is no other token."""
        del scope
        return False

    def login(self, ask: Callable[[str], Any]) -> str:
        """The token's user."""
        return str(ask("/user")["login"])


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallationToken:
    """A token of an App's installation; `expires_at` in epoch milliseconds."""

    token: str = field(repr=False)
    expires_at: int


class AppAuth:
    """A GitHub App. Installation tokens are kept until five minutes before they expire.

    Args:
        app_id: The App's id or client id.
        private_key: Its RSA key in PEM.
        transport: Reaches GitHub to exchange the App's JWT for installation tokens.
        clock: For the JWT's times and the tokens' expiry.
    """

    hint = "check app_id and private_key in GitHub's secret, and that this machine's clock is right"

    def __init__(self, app_id: str, private_key: str, transport: Transport, clock: Clock) -> None:
        self._app_id = app_id
        self._private_key = private_key
        self._transport = transport
        self._clock = clock
        self._lock = threading.RLock()
        self._installations: dict[str, int] = {}
        self._tokens: dict[int, InstallationToken] = {}

    def __repr__(self) -> str:
        return f"AppAuth({self._app_id})"

    def authorization(self, scope: Scope | None) -> str:
        """The installation's token for data of an owner, the App's JWT where there is none (`/app/...`).

        Raises:
            PermanentError: The App is not installed there.
        """
        return f"Bearer {self.jwt() if scope is None else self._token(scope)}"

    def rejected(self, scope: Scope | None) -> bool:
        """Drop the installation's token. A JWT is made anew each time, so another would be refused as well."""
        if scope is None:
            return False
        with self._lock:
            installation = self._installations.get(scope.owner.lower())
            return installation is not None and self._tokens.pop(installation, None) is not None

    def login(self, ask: Callable[[str], Any]) -> str:
        """`<slug>[bot]`, the author of what the App writes."""
        return f"{ask('/app')['slug']}[bot]"

    def jwt(self) -> str:
        """A fresh JWT, signed with RS256.

        Raises:
            ConfigError: The private key cannot be used.
        """
        import jwt  # noqa: PLC0415  # with cryptography it doubles the adapter's import; a token needs neither

        now = self._clock.now_ms() // 1000
        claims = {"iat": now - JWT_BACKDATE_S, "exp": now + JWT_LIFE_S, "iss": self._app_id}
        try:
            return jwt.encode(claims, _signing_key(self._private_key), algorithm="RS256")
        except (ValueError, TypeError, jwt.PyJWTError):
            # Not chained: the library's error may quote what it was given.
            raise ConfigError(["GitHub's secret: private_key is not an RSA private key in PEM"]) from None

    def scoped_token(
        self, owner: str, repositories: Sequence[str], permissions: Mapping[str, str]
    ) -> InstallationToken:
        """A new token for these repositories (names without owner) and permissions only; never kept.

        Raises:
            PermanentError: The App is not installed there, or lacks what is asked for.
        """
        scope = Scope(owner, repositories[0] if repositories else "")
        return self._mint(scope, {"repositories": list(repositories), "permissions": dict(permissions)})

    def _token(self, scope: Scope) -> str:
        with self._lock:
            kept = self._tokens.get(self._installations.get(scope.owner.lower(), 0))
            if kept is None or kept.expires_at - RENEW_BEFORE_MS <= self._clock.now_ms():
                kept = self._mint(scope, {})
                self._tokens[self._installations[scope.owner.lower()]] = kept
            return kept.token

    def _mint(self, scope: Scope, body: Mapping[str, Any]) -> InstallationToken:
        with self._lock:
            known = scope.owner.lower() in self._installations
            try:
                return self._mint_for(self._installation(scope), body)
            except NotFoundError:
                if not known:
                    raise
                # Uninstalled and installed again: the installation has another id.
                del self._installations[scope.owner.lower()]
                return self._mint_for(self._installation(scope), body)

    def _mint_for(self, installation: int, body: Mapping[str, Any]) -> InstallationToken:
        answer = self._as_app("POST", f"/app/installations/{installation}/access_tokens", body)
        try:
            expires_at = datetime.fromisoformat(answer["expires_at"])
            token = checked_token(answer["token"], "installation token")
        except (KeyError, TypeError, ValueError) as exc:
            raise PermanentError("GitHub: the answer with an installation token is not understood") from exc
        return InstallationToken(token=token, expires_at=int(expires_at.timestamp() * 1000))

    def _installation(self, scope: Scope) -> int:
        owner = scope.owner.lower()
        if owner not in self._installations:
            self._installations[owner] = self._find_installation(scope)
        return self._installations[owner]

    def _find_installation(self, scope: Scope) -> int:
        if scope.repository:
            places = [repository_path(f"{scope.owner}/{scope.repository}")]
        else:
            places = [f"/orgs/{segment(scope.owner)}", f"/users/{segment(scope.owner)}"]
        for place in places:
            try:
                return int(self._as_app("GET", f"{place}/installation")["id"])
            except NotFoundError:
                continue
            except (KeyError, TypeError, ValueError) as exc:
                raise PermanentError(f"GitHub: the answer to {place}/installation is not understood") from exc
        where = f"{scope.owner}/{scope.repository}".rstrip("/")
        raise PermanentError(f"GitHub: App {self._app_id} is not installed on {where}; install it there")

    def _as_app(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        request = Request(
            method=method,
            url=self._transport.root + path,
            authorization=f"Bearer {self.jwt()}",
            body=None if body is None else json.dumps(body).encode(),
            repeatable=True,  # a token too many does no harm
        )
        response = self._transport.send(request)
        if response.status >= _ERROR:
            raise refusal(request, response, self.hint)
        try:
            return json.loads(response.body)
        except (ValueError, RecursionError):
            # Not chained: the decoder's error holds the document, which may be a token.
            raise PermanentError(f"GitHub: {request.name}: the answer is not JSON") from None


def checked_token(token: object, name: str) -> str:
    """A token fit for a header.

    Raises:
        ConfigError: It is not; the HTTP client would quote it in its own error.
    """
    if not isinstance(token, str) or not token.isascii() or not token.isprintable() or not token or " " in token:
        raise ConfigError([f"GitHub's secret: {name} must be one word of printable ASCII characters"])
    return token


@lru_cache(maxsize=2)
def _signing_key(pem: str) -> Any:
    """The key as an object. Reading it checks it, which takes a tenth of a second and is the same each time."""
    from jwt.algorithms import RSAAlgorithm  # noqa: PLC0415  # see AppAuth.jwt

    return RSAAlgorithm(RSAAlgorithm.SHA256).prepare_key(pem)
