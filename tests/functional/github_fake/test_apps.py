"""Apps: JWTs, installation tokens, and what each may do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fakes.clock import FixedClock
    from tests.functional.github_fake.receiver import Answer, Api

    from prowless_local.github import App, FakeGitHub

REPO = "/repos/acme/rocket"


@pytest.fixture
def app(github: FakeGitHub, key: str) -> App:
    return github.create_app(7, key)


def signed(clock: FixedClock, key: str, **claims: Any) -> str:
    now = clock.now_ms() // 1000
    return "Bearer " + jwt.encode({"iat": now - 60, "exp": now + 540, "iss": "7", **claims}, key, "RS256")


@pytest.fixture
def as_signed(app: App, anonymous: Api, clock: FixedClock, key: str) -> Callable[..., Api]:
    """The API with a JWT that has the claims given."""
    return lambda **claims: anonymous.as_(signed(clock, key, **claims))


@pytest.fixture
def as_app(as_signed: Callable[..., Api]) -> Api:
    return as_signed()


def mint(as_app: Api, app: App, body: Any = None) -> Answer:
    return as_app.post(f"/app/installations/{app.installations['acme']}/access_tokens", body)


def test_the_app_knows_itself_and_where_it_is_installed(as_app: Api, app: App) -> None:
    assert as_app.get("/app").body["slug"] == "prowless"
    assert [one["id"] for one in as_app.get("/app/installations").body] == [app.installations["acme"]]
    for path in (f"{REPO}/installation", "/orgs/acme/installation", "/users/acme/installation"):
        assert as_app.get(path).body["id"] == app.installations["acme"]


def test_an_app_is_installed_on_later_organisations_too(github: FakeGitHub, as_app: Api, app: App) -> None:
    github.create_org("later")
    assert as_app.get("/orgs/later/installation").body["id"] == app.installations["later"]


def test_an_app_may_be_installed_on_some_organisations_only(
    github: FakeGitHub, anonymous: Api, clock: FixedClock, key: str
) -> None:
    github.create_org("other")
    github.create_app(7, key, orgs=["other"])
    as_app = anonymous.as_(signed(clock, key))
    assert as_app.get("/orgs/other/installation").status == 200
    assert as_app.get(f"{REPO}/installation").status == 404


def test_a_key_is_made_when_none_is_given(github: FakeGitHub, anonymous: Api, clock: FixedClock) -> None:
    app = github.create_app(8, slug="other")
    bearer = signed(clock, app.private_key_pem, iss="8")
    assert anonymous.as_(bearer).get("/app").body["slug"] == "other"
    assert "PRIVATE" not in repr(app)


@pytest.mark.parametrize(
    ("claims", "message"),
    [
        ({"exp": 0}, "'Expiration time' claim ('exp') must be a numeric value"),
        ({"exp": "soon"}, "'Expiration time' claim ('exp') must be a numeric value"),
        ({"exp": 2**31 - 1}, "'Expiration time' claim ('exp') is too far in the future"),
        ({"iat": 2**31 - 1}, "'Issued at' claim ('iat') must be an Integer"),
        ({"iss": "999"}, "Integration not found"),
        ({"iss": ""}, "Integration not found"),
    ],
)
def test_a_jwt_that_breaks_a_rule_is_refused(
    as_signed: Callable[..., Api], claims: dict[str, Any], message: str
) -> None:
    answer = as_signed(**claims).get("/app")
    assert answer.status == 401
    assert answer.body["message"].startswith(message)


def test_a_jwt_expires_with_the_clock(app: App, anonymous: Api, clock: FixedClock, key: str) -> None:
    api = anonymous.as_(signed(clock, key))
    assert api.get("/app").status == 200
    clock.advance(541_000)
    assert api.get("/app").status == 401


def test_a_jwt_of_another_key_is_refused(app: App, anonymous: Api, clock: FixedClock) -> None:
    form = serialization.PrivateFormat.PKCS8
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = other.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
    answer = anonymous.as_(signed(clock, pem)).get("/app")
    assert (answer.status, answer.body["message"]) == (401, "A JSON web token could not be decoded")


def test_a_jwt_signed_with_the_public_key_as_a_secret_is_refused(app: App, anonymous: Api, clock: FixedClock) -> None:
    now = clock.now_ms() // 1000
    forged = jwt.encode({"iat": now, "exp": now + 60, "iss": "7"}, "k" * 32, "HS256")
    assert anonymous.as_(f"Bearer {forged}").get("/app").status == 401


def test_the_client_id_is_an_issuer_too(app: App, anonymous: Api, clock: FixedClock, key: str) -> None:
    assert anonymous.as_(signed(clock, key, iss=app.client_id)).get("/app").status == 200


def test_an_installation_token_lives_an_hour(as_app: Api, app: App, anonymous: Api, clock: FixedClock) -> None:
    minted = mint(as_app, app)
    assert (minted.status, minted.body["expires_at"]) == (201, "2026-09-21T15:13:20Z")
    assert minted.body["token"].startswith("ghs_")
    api = anonymous.as_(f"Bearer {minted.body['token']}")
    assert api.get(f"{REPO}/pulls").status == 200
    clock.advance(3_600_000)
    expired = api.get(f"{REPO}/pulls")
    assert (expired.status, expired.body["message"]) == (401, "Bad credentials")


def test_a_token_has_only_the_permissions_asked_for(github: FakeGitHub, as_app: Api, app: App, anonymous: Api) -> None:
    minted = mint(as_app, app, {"permissions": {"contents": "read"}}).body
    assert minted["permissions"] == {"contents": "read", "metadata": "read"}
    api = anonymous.as_(f"Bearer {minted['token']}")
    assert api.get(f"{REPO}/contents/README.md").status == 200
    refused = api.post(f"{REPO}/statuses/{github.head('acme/rocket')}", {"state": "success"})
    assert (refused.status, refused.body["message"]) == (403, "Resource not accessible by integration")
    assert refused.headers["X-Accepted-GitHub-Permissions"] == "statuses=write"


def test_a_token_has_only_the_repositories_asked_for(github: FakeGitHub, as_app: Api, app: App, anonymous: Api) -> None:
    github.create_repository("acme/secret", private=True)
    minted = mint(as_app, app, {"repositories": ["rocket"]}).body
    assert [one["full_name"] for one in minted["repositories"]] == ["acme/rocket"]
    api = anonymous.as_(f"Bearer {minted['token']}")
    assert api.get(f"{REPO}/contents/README.md").status == 200
    assert api.get("/repos/acme/secret").status == 404
    everything = anonymous.as_(f"Bearer {mint(as_app, app).body['token']}")
    assert everything.get("/repos/acme/secret").status == 200


def test_a_token_never_reaches_another_account(github: FakeGitHub, as_app: Api, app: App, anonymous: Api) -> None:
    github.create_org("other", ["zoe"])
    github.create_repository("other/thing")
    api = anonymous.as_(f"Bearer {mint(as_app, app).body['token']}")
    assert api.get("/repos/other/thing").status == 200  # public
    refused = api.post(f"/repos/other/thing/statuses/{github.head('other/thing')}", {"state": "success"})
    assert refused.status == 403
    assert api.get("/orgs/other/members/zoe").status == 403


@pytest.mark.parametrize(
    "body",
    [
        {"permissions": {"administration": "write"}},
        {"permissions": {"contents": "write"}},
        {"repositories": ["absent"]},
        {"repositories": ["rocket", "absent"]},
        {"repository_ids": [1]},
    ],
)
def test_asking_for_more_than_was_granted_is_422(as_app: Api, app: App, body: dict[str, Any]) -> None:
    assert mint(as_app, app, body).status == 422


def test_another_apps_installation_is_not_found(github: FakeGitHub, as_app: Api, app: App, key: str) -> None:
    other = github.create_app(8, key, slug="other")
    assert as_app.post(f"/app/installations/{other.installations['acme']}/access_tokens").status == 404


def test_each_kind_of_credentials_has_its_place(
    github: FakeGitHub, as_app: Api, app: App, anonymous: Api, bot: Api
) -> None:
    installation = anonymous.as_(f"Bearer {mint(as_app, app).body['token']}")
    assert bot.get("/user").body["login"] == "prow-bot"
    assert installation.get("/user").status == 403
    assert anonymous.get("/user").status == 401
    assert as_app.get(f"{REPO}/pulls").status == 403
    assert bot.get("/app").status == 401
    assert installation.get("/app").status == 401
    assert anonymous.as_("token ghp_unknown").get(REPO).body["message"] == "Bad credentials"
    assert {one.auth for one in github.requests} >= {"user", "installation", "app", "anonymous"}


def test_a_revoked_token_is_refused(github: FakeGitHub, anonymous: Api) -> None:
    token = github.create_token("alice")
    api = anonymous.as_(f"token {token}")
    assert api.get("/user").status == 200
    github.revoke_token(token)
    assert api.get("/user").status == 401


def test_an_apps_bot_signs_what_it_writes(github: FakeGitHub, as_app: Api, app: App, anonymous: Api) -> None:
    github.open_pull("acme/rocket", "topic", {"a": "a"}, "Topic", "alice")
    api = anonymous.as_(f"Bearer {mint(as_app, app).body['token']}")
    comment = api.post(f"{REPO}/issues/1/comments", {"body": "Hi"}).body
    status = api.post(f"{REPO}/statuses/{github.head('acme/rocket')}", {"state": "success"}).body
    assert comment["user"] | {"type": "Bot"} == comment["user"]
    assert comment["user"]["login"] == status["creator"]["login"] == "prowless[bot]"
    assert comment["performed_via_github_app"]["id"] == 7
