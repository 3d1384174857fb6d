"""Who may call which route: GitHub's rules for anonymous callers, users, Apps and installation tokens."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from prowless_local.github.rest.call import ApiError, Call, Route, not_found
from prowless_local.github.world import key

if TYPE_CHECKING:
    from prowless_local.github.accounts import Accounts
    from prowless_local.github.apps import Principal
    from prowless_local.github.records import Repository

INTEGRATION = "Resource not accessible by integration"


def authorise(route: Route, call: Call) -> None:
    """Let the call pass.

    Raises:
        ApiError: 401 without the right kind of credentials, 404 for what the caller may not see, 403 for what an
            installation token does not allow. An installation token needs the route's permission in full, also on
            public repositories that it covers.
    """
    who = call.principal
    if route.auth == "app":
        if who.kind != "app":
            raise ApiError(HTTPStatus.UNAUTHORIZED, "A JSON web token could not be decoded")
        return
    if who.kind == "anonymous" and (route.auth != "any" or call_writes(route)):
        raise ApiError(HTTPStatus.UNAUTHORIZED, "Requires authentication")
    if who.kind == "app" or (route.auth == "user" and who.kind != "user"):
        raise ApiError(HTTPStatus.FORBIDDEN, INTEGRATION)
    repository = call.repository if "owner" in call.params else None
    if repository is not None and not may_read(call.github, who, repository):
        raise not_found()
    if who.kind == "installation":
        _installation_may(route, call, repository)


def may_read(world: Accounts, who: Principal, repository: Repository) -> bool:
    """Whether a caller sees a repository at all."""
    if not repository.private:
        return True
    if who.kind == "user":
        return world.is_collaborator(repository.full_name, who.login)
    return who.kind == "installation" and who.covers(repository.full_name)


def call_writes(route: Route) -> bool:
    """Whether the route changes something."""
    return route.method != "GET"


def _installation_may(route: Route, call: Call, repository: Repository | None) -> None:
    who = call.principal
    if repository is not None and not who.covers(repository.full_name):
        if call_writes(route):
            raise ApiError(HTTPStatus.FORBIDDEN, INTEGRATION)
        return
    account = who.installation.account if who.installation else ""
    elsewhere = "org" in call.params and key(call.params["org"]) != key(account)
    names, _, level = route.permission.partition(":")
    if elsewhere or not any(who.may(name, level) for name in names.split("|")):
        accepted = "; ".join(f"{name}={level}" for name in names.split("|"))
        raise ApiError(HTTPStatus.FORBIDDEN, INTEGRATION, headers={"X-Accepted-GitHub-Permissions": accepted})
