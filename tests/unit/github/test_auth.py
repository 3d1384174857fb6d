"""A token, and an App's JWTs and installation tokens."""

from __future__ import annotations

import json
import traceback
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from tests.fakes.clock import NOW, FixedClock

from prowless.adapters.github.auth import AppAuth, TokenAuth
from prowless.adapters.github.paths import Scope
from prowless.adapters.github.transport import Request, Response
from prowless.domain.errors import ConfigError, NotFoundError, PermanentError

HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def pem(key: rsa.RSAPrivateKey) -> str:
    form = serialization.PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


class AppEndpoints:
    """GitHub's endpoints for Apps: one installation (id 41) on `o`, with a new token each time it is asked."""

    root = "https://api.github.com"

    def __init__(self, clock: FixedClock) -> None:
        self.installation = 41
        self.seen: list[tuple[str, str]] = []
        self.bodies: list[Any] = []
        self.authorizations: list[str] = []
        self._clock = clock

    def send(self, request: Request) -> Response:
        path = request.url.removeprefix(self.root)
        self.seen.append((request.method, path))
        self.bodies.append(json.loads(request.body or b"null"))
        self.authorizations.append(request.authorization)
        found: dict[str, Any] | None = None
        if path in {"/repos/o/r/installation", "/orgs/o/installation", "/users/person/installation"}:
            found = {"id": self.installation}
        elif path == f"/app/installations/{self.installation}/access_tokens":
            expires = datetime.fromtimestamp((self._clock.now_ms() + HOUR_MS) / 1000, UTC)
            found = {"token": f"ghs_{len(self.seen)}", "expires_at": expires.strftime("%Y-%m-%dT%H:%M:%SZ")}
        body = json.dumps(found or {"message": "Not Found"}).encode()
        return Response(status=200 if found else 404, headers={}, body=body)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def github(clock: FixedClock) -> AppEndpoints:
    return AppEndpoints(clock)


@pytest.fixture
def app(pem: str, github: AppEndpoints, clock: FixedClock) -> AppAuth:
    return AppAuth("123", pem, github, clock)


def test_a_jwt_is_dated_back_and_lives_less_than_ten_minutes(
    app: AppAuth, key: rsa.RSAPrivateKey, clock: FixedClock
) -> None:
    token = app.jwt()
    claims = jwt.decode(
        token, key.public_key(), algorithms=["RS256"], options={"verify_exp": False, "verify_iat": False}
    )
    assert claims == {"iat": NOW // 1000 - 60, "exp": NOW // 1000 + 540, "iss": "123"}
    assert jwt.get_unverified_header(token)["alg"] == "RS256"
    clock.advance(1000)
    assert app.jwt() != token


def test_data_of_an_owner_is_read_with_the_installations_token(app: AppAuth, github: AppEndpoints) -> None:
    assert app.authorization(Scope("o", "r")) == "Bearer ghs_2"
    assert github.seen == [("GET", "/repos/o/r/installation"), ("POST", "/app/installations/41/access_tokens")]


def test_one_token_serves_all_repositories_of_an_owner(app: AppAuth, github: AppEndpoints) -> None:
    tokens = {app.authorization(scope) for scope in (Scope("o", "r"), Scope("O", "other"), Scope("o"))}
    assert len(tokens) == 1
    assert len(github.seen) == 2


def test_a_token_is_renewed_five_minutes_before_its_end(app: AppAuth, github: AppEndpoints, clock: FixedClock) -> None:
    first = app.authorization(Scope("o", "r"))
    clock.advance(HOUR_MS - 5 * 60_000 - 1000)
    assert app.authorization(Scope("o", "r")) == first
    clock.advance(1000)
    assert app.authorization(Scope("o", "r")) != first
    assert len(github.seen) == 3


def test_the_apps_own_data_is_read_with_a_jwt(app: AppAuth, github: AppEndpoints) -> None:
    assert app.authorization(None) == f"Bearer {app.jwt()}"
    assert github.seen == []


def test_a_users_installation_is_found_too(app: AppAuth, github: AppEndpoints) -> None:
    assert app.authorization(Scope("person")).startswith("Bearer ghs_")
    assert [path for _, path in github.seen[:2]] == ["/orgs/person/installation", "/users/person/installation"]


def test_where_the_app_is_not_installed_it_says_so(app: AppAuth) -> None:
    with pytest.raises(PermanentError, match="App 123 is not installed on o/missing; install it there") as caught:
        app.authorization(Scope("o", "missing"))
    assert not isinstance(caught.value, NotFoundError)


def test_a_refused_token_is_dropped_once(app: AppAuth) -> None:
    scope = Scope("o", "r")
    first = app.authorization(scope)
    assert app.rejected(scope)
    assert not app.rejected(scope)
    assert app.authorization(scope) != first


def test_a_refused_jwt_is_not_tried_again(app: AppAuth) -> None:
    assert not app.rejected(None)
    assert not app.rejected(Scope("never asked"))


def test_an_app_installed_anew_is_found_again(app: AppAuth, github: AppEndpoints) -> None:
    scope = Scope("o", "r")
    app.authorization(scope)
    github.installation = 42
    app.rejected(scope)
    assert app.authorization(scope).startswith("Bearer ghs_")
    assert github.seen[-1] == ("POST", "/app/installations/42/access_tokens")


def test_a_scoped_token_names_repositories_and_permissions_and_is_not_kept(app: AppAuth, github: AppEndpoints) -> None:
    scoped = app.scoped_token("o", ["r", "other"], {"contents": "read"})
    assert github.bodies[-1] == {"repositories": ["r", "other"], "permissions": {"contents": "read"}}
    assert scoped.expires_at == NOW // 1000 * 1000 + HOUR_MS
    assert scoped.token not in app.authorization(Scope("o", "r"))
    assert scoped.token not in repr(scoped)


def test_an_apps_login_is_its_bots(app: AppAuth) -> None:
    assert app.login(lambda path: {"/app": {"slug": "prowless"}}[path]) == "prowless[bot]"


@pytest.mark.parametrize("bad", ["CANARY", "-----BEGIN RSA PRIVATE KEY-----\nCANARY\n-----END RSA PRIVATE KEY-----\n"])
def test_a_key_that_is_none_is_a_mistake_in_the_secret(bad: str, github: AppEndpoints, clock: FixedClock) -> None:
    with pytest.raises(ConfigError, match="private_key") as caught:
        AppAuth("123", bad, github, clock).authorization(None)
    assert "CANARY" not in "".join(traceback.format_exception(caught.value))


def test_a_token_is_used_everywhere(clock: FixedClock) -> None:
    auth = TokenAuth("ghp_x")
    assert auth.authorization(None) == auth.authorization(Scope("o")) == "Bearer ghp_x"
    assert not auth.rejected(None)
    assert auth.login(lambda path: {"/user": {"login": "bot"}}[path]) == "bot"


@pytest.mark.parametrize("token", ["", "a b", "a\nb", "é", None])
def test_a_token_that_fits_no_header_is_refused(token: Any) -> None:
    with pytest.raises(ConfigError):
        TokenAuth(token)


def test_credentials_show_no_secret(app: AppAuth, pem: str) -> None:
    app.authorization(Scope("o", "r"))
    shown = f"{app!r} {TokenAuth('ghp_CANARY')!r} {vars(app)['_tokens']!r}"
    assert "CANARY" not in shown
    assert "ghs_" not in shown
    assert "PRIVATE KEY" not in shown
