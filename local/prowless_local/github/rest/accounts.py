"""Who is who: the token's user, members, collaborators, Apps, installations and their tokens."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from prowless_local.github.apps import LEVELS
from prowless_local.github.rest.call import Call, Reply, Route, not_found, unprocessable
from prowless_local.github.timestamps import iso8601
from prowless_local.github.views import accounts as views
from prowless_local.github.views.repositories import repository as repository_view
from prowless_local.github.world import key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prowless_local.github.records import Installation, Repository


def get_user(call: Call) -> Reply:
    """`GET /user`: the user of a personal token."""
    return Reply(body=views.private_user(call.github, call.principal.login))


def is_member(call: Call) -> Reply:
    """`GET /orgs/{org}/members/{user}`: 204 or 404."""
    if not call.github.is_member(call.params["org"], call.params["user"]):
        raise not_found()
    return Reply(status=HTTPStatus.NO_CONTENT)


def get_team_membership(call: Call) -> Reply:
    """`GET /orgs/{org}/teams/{team}/memberships/{user}`."""
    org, team, user = (call.params[name] for name in ("org", "team", "user"))
    if not call.github.is_team_member(org, team, user):
        raise not_found()
    url = f"{call.github.url}/organizations/{call.github.account(org).id}/team/{team}/memberships/{user}"
    return Reply(body={"url": url, "role": "member", "state": "active"})


def is_collaborator(call: Call) -> Reply:
    """`GET /repos/{owner}/{repo}/collaborators/{user}`: 204 or 404."""
    call.pushers_only("Must have push access to view repository collaborators.")
    if not call.github.is_collaborator(call.repository.full_name, call.params["user"]):
        raise not_found()
    return Reply(status=HTTPStatus.NO_CONTENT)


def get_permission(call: Call) -> Reply:
    """`GET /repos/{owner}/{repo}/collaborators/{user}/permission`: also of users who are no collaborators."""
    call.pushers_only("Must have push access to view collaborator permission.")
    if key(call.params["user"]) not in call.github.accounts:
        raise not_found()
    return Reply(body=views.permission(call.github, call.repository.full_name, call.params["user"]))


def get_app(call: Call) -> Reply:
    """`GET /app`."""
    github = call.github
    count = {"installations_count": len(_installations(call))}
    return Reply(body={**views.app(github, github.apps[call.principal.app_id]), **count})


def list_installations(call: Call) -> Reply:
    """`GET /app/installations`."""
    return call.paged(_installations(call), lambda one: views.installation(call.github, one))


def get_installation(call: Call) -> Reply:
    """`GET /app/installations/{id}`."""
    return Reply(body=views.installation(call.github, _installation(call)))


def repository_installation(call: Call) -> Reply:
    """`GET /repos/{owner}/{repo}/installation`."""
    return _installation_on(call, call.repository.owner)


def account_installation(call: Call) -> Reply:
    """`GET /orgs/{org}/installation` and `GET /users/{org}/installation`."""
    return _installation_on(call, call.params["org"])


def create_token(call: Call) -> Reply:
    """`POST /app/installations/{id}/access_tokens`, narrowed to `repositories` and `permissions` when given."""
    installation = _installation(call)
    permissions = _permissions(installation, call.field("permissions", dict))
    chosen = _chosen(call, installation)
    names = None if chosen is None else frozenset(key(one.full_name) for one in chosen)
    minted = call.github.mint(installation, permissions, names)
    view: dict[str, Any] = {
        "token": minted.token,
        "expires_at": iso8601(minted.expires_ms),
        "permissions": permissions,
        "repository_selection": "all" if chosen is None else "selected",
    }
    if chosen is not None:
        view["repositories"] = [repository_view(call.github, one) for one in chosen]
    return Reply(body=view, status=HTTPStatus.CREATED)


def _installations(call: Call) -> list[Installation]:
    mine = call.principal.app_id
    return [one for _, one in sorted(call.github.installations.copy().items()) if one.app_id == mine]


def _installation(call: Call) -> Installation:
    found = call.github.installations.get(call.integer("id"))
    if found is None or found.app_id != call.principal.app_id:
        raise not_found()
    return found


def _installation_on(call: Call, owner: str) -> Reply:
    found = call.github.installation_of(call.principal.app_id, owner)
    if found is None:
        raise not_found()
    return Reply(body=views.installation(call.github, found))


def _permissions(installation: Installation, asked: Mapping[str, Any] | None) -> dict[str, str]:
    granted = installation.permissions
    if asked is None:
        return dict(granted)
    for name, level in asked.items():
        if LEVELS.get(str(level), 9) > LEVELS.get(granted.get(name, ""), 0):
            raise unprocessable("The permissions requested are not granted to this installation.")
    return {"metadata": "read", **asked}


def _chosen(call: Call, installation: Installation) -> list[Repository] | None:
    names, ids = call.field("repositories", list), call.field("repository_ids", list)
    if names is None and ids is None:
        return None
    of_account = [
        one for one in call.github.repositories.copy().values() if key(one.owner) == key(installation.account)
    ]
    wanted = {key(str(name)) for name in names or []}
    chosen = [one for one in of_account if key(one.name) in wanted or one.id in (ids or [])]
    if len(chosen) != len(wanted) + len(set(ids or [])):
        raise unprocessable(
            "There is at least one repository that does not exist or is not accessible to the parent installation."
        )
    return chosen


ROUTES = (
    Route(method="GET", path="/user", handler=get_user, auth="user"),
    Route(method="GET", path="/orgs/{org}/members/{user}", handler=is_member, permission="members:read"),
    Route(
        method="GET",
        path="/orgs/{org}/teams/{team}/memberships/{user}",
        handler=get_team_membership,
        permission="members:read",
    ),
    Route(method="GET", path="/repos/{owner}/{repo}/collaborators/{user}", handler=is_collaborator),
    Route(method="GET", path="/repos/{owner}/{repo}/collaborators/{user}/permission", handler=get_permission),
    Route(method="GET", path="/app", handler=get_app, auth="app"),
    Route(method="GET", path="/app/installations", handler=list_installations, auth="app"),
    Route(method="GET", path="/app/installations/{id}", handler=get_installation, auth="app"),
    Route(method="POST", path="/app/installations/{id}/access_tokens", handler=create_token, auth="app"),
    Route(method="GET", path="/repos/{owner}/{repo}/installation", handler=repository_installation, auth="app"),
    Route(method="GET", path="/orgs/{org}/installation", handler=account_installation, auth="app"),
    Route(method="GET", path="/users/{org}/installation", handler=account_installation, auth="app"),
)
