"""Users, organisations, Apps and installations."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from prowless_local.github.timestamps import iso8601

if TYPE_CHECKING:
    from prowless_local.github.accounts import Accounts
    from prowless_local.github.records import Account, App, Installation

JSON = dict[str, Any]


def node_id(kind: str, number: int | str) -> str:
    """An opaque GraphQL id, the same for the same thing."""
    return base64.b64encode(f"{kind}:{number}".encode()).decode()


def simple_user(world: Accounts, login: str) -> JSON:
    """A user, bot or organisation where it is mentioned."""
    account = world.account(login)
    api = f"{world.url}/users/{account.login}"
    return {
        "login": account.login,
        "id": account.id,
        "node_id": node_id(account.type, account.id),
        "avatar_url": f"{world.url}/avatars/{account.id}",
        "gravatar_id": "",
        "url": api,
        "html_url": f"{world.url}/{account.login}",
        "followers_url": f"{api}/followers",
        "following_url": f"{api}/following{{/other_user}}",
        "gists_url": f"{api}/gists{{/gist_id}}",
        "starred_url": f"{api}/starred{{/owner}}{{/repo}}",
        "subscriptions_url": f"{api}/subscriptions",
        "organizations_url": f"{api}/orgs",
        "repos_url": f"{api}/repos",
        "events_url": f"{api}/events{{/privacy}}",
        "received_events_url": f"{api}/received_events",
        "type": account.type,
        "user_view_type": "public",
        "site_admin": False,
    }


def permission(world: Accounts, repository: str, login: str) -> JSON:
    """What a user may do in a repository."""
    level = world.permission(repository, login)
    allowed = ["admin", "write", "read", "none"].index(level)
    user = {
        **simple_user(world, login),
        "permissions": {
            "admin": allowed < 1,
            "maintain": allowed < 1,
            "push": allowed <= 1,
            "triage": allowed <= 1,
            "pull": allowed <= 2,  # noqa: PLR2004  read is the third of the four
        },
        "role_name": level,
    }
    return {"permission": level, "role_name": level, "user": user}


def organization(world: Accounts, account: Account) -> JSON:
    """The `organization` of a webhook."""
    api = f"{world.url}/orgs/{account.login}"
    return {
        "login": account.login,
        "id": account.id,
        "node_id": node_id("Organization", account.id),
        "url": api,
        "repos_url": f"{api}/repos",
        "events_url": f"{api}/events",
        "hooks_url": f"{api}/hooks",
        "issues_url": f"{api}/issues",
        "members_url": f"{api}/members{{/member}}",
        "public_members_url": f"{api}/public_members{{/member}}",
        "avatar_url": f"{world.url}/avatars/{account.id}",
        "description": "",
    }


def private_user(world: Accounts, login: str) -> JSON:
    """The user that a token belongs to, as `GET /user` answers."""
    account = world.account(login)
    return {
        **simple_user(world, login),
        "name": account.login,
        "company": None,
        "blog": "",
        "location": None,
        "email": None,
        "hireable": None,
        "bio": None,
        "public_repos": 0,
        "public_gists": 0,
        "followers": 0,
        "following": 0,
        "created_at": iso8601(account.created_ms),
        "updated_at": iso8601(account.created_ms),
    }


def app(world: Accounts, one: App) -> JSON:
    """A GitHub App."""
    return {
        "id": one.app_id,
        "slug": one.slug,
        "client_id": one.client_id,
        "node_id": node_id("App", one.app_id),
        "owner": simple_user(world, one.owner),
        "name": one.slug,
        "description": "",
        "external_url": f"{world.url}/apps/{one.slug}",
        "html_url": f"{world.url}/apps/{one.slug}",
        "created_at": iso8601(one.created_ms),
        "updated_at": iso8601(one.created_ms),
        "permissions": dict(one.permissions),
        "events": [],
    }


def installation(world: Accounts, one: Installation) -> JSON:
    """An App's installation."""
    account = world.account(one.account)
    api = f"{world.url}/app/installations/{one.id}"
    return {
        "id": one.id,
        "account": simple_user(world, one.account),
        "repository_selection": "all",
        "access_tokens_url": f"{api}/access_tokens",
        "repositories_url": f"{world.url}/installation/repositories",
        "html_url": f"{world.url}/organizations/{account.login}/settings/installations/{one.id}",
        "app_id": one.app_id,
        "app_slug": world.apps[one.app_id].slug,
        "target_id": account.id,
        "target_type": account.type,
        "permissions": dict(one.permissions),
        "events": [],
        "created_at": iso8601(one.created_ms),
        "updated_at": iso8601(one.created_ms),
        "single_file_name": None,
        "has_multiple_single_files": False,
        "single_file_paths": [],
        "suspended_by": None,
        "suspended_at": None,
    }
