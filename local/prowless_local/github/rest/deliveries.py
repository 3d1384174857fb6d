"""Webhook deliveries of an App, a repository's hook or an organisation's hook."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from prowless_local.github.rest.call import ApiError, Call, Reply, Route, not_found
from prowless_local.github.world import key

if TYPE_CHECKING:
    from prowless_local.github.hooks import Delivery


def list_deliveries(call: Call) -> Reply:
    """`GET …/deliveries`: newest first, in pages by cursor; `status=success|failure` filters."""
    options = call.options
    deliveries = _deliveries(call)
    wanted = options.get("status")
    if wanted in {"success", "failure"}:
        deliveries = [one for one in deliveries if (one.status == "OK") == (wanted == "success")]
    cursor = options.get("cursor")
    if cursor:
        deliveries = [one for one in deliveries if one.id <= _position(cursor)]
    size = call.page()[1]
    rest = deliveries[size:]
    headers = {"Link": f'<{call.link(cursor=f"v1_{rest[0].id}")}>; rel="next"'} if rest else {}
    return Reply(body=[one.as_item() for one in deliveries[:size]], headers=headers)


def get_delivery(call: Call) -> Reply:
    """`GET …/deliveries/{delivery}`: with request and response."""
    return Reply(body=_delivery(call).as_detail())


def redeliver(call: Call) -> Reply:
    """`POST …/deliveries/{delivery}/attempts`."""
    call.github.hooks.redeliver(_delivery(call))
    return Reply(body={}, status=HTTPStatus.ACCEPTED)


def _position(cursor: str) -> int:
    number = cursor.removeprefix("v1_")
    if not number.isdecimal():
        raise ApiError(HTTPStatus.BAD_REQUEST, "Invalid cursor")
    return int(number)


def _deliveries(call: Call) -> list[Delivery]:
    """The deliveries the path is about, by descending id."""
    hooks = {hook.id: hook.scope for hook in call.github.hooks.all()}
    if "hook" not in call.params:
        ids = {hook for hook, scope in hooks.items() if scope == f"app:{call.principal.app_id}"}
    else:
        wanted = call.params.get("org") or f"{call.params['owner']}/{call.params['repo']}"
        number = call.integer("hook")
        if key(hooks.get(number, "")) != key(wanted):
            raise not_found()
        if call.principal.kind == "user" and not call.github.is_collaborator(wanted, call.principal.login):
            raise not_found()
        ids = {number}
    return sorted(call.github.hooks.deliveries(ids), key=lambda one: -one.id)


def _delivery(call: Call) -> Delivery:
    number = call.integer("delivery")
    for one in _deliveries(call):
        if one.id == number:
            return one
    raise not_found()


def _routes(prefix: str, permission: str, auth: str) -> tuple[Route, ...]:
    return (
        Route(method="GET", path=prefix, handler=list_deliveries, permission=f"{permission}:read", auth=auth),
        Route(
            method="GET",
            path=f"{prefix}/{{delivery}}",
            handler=get_delivery,
            permission=f"{permission}:read",
            auth=auth,
        ),
        Route(
            method="POST",
            path=f"{prefix}/{{delivery}}/attempts",
            handler=redeliver,
            permission=f"{permission}:write",
            auth=auth,
        ),
    )


ROUTES = (
    *_routes("/app/hook/deliveries", "", "app"),
    *_routes("/repos/{owner}/{repo}/hooks/{hook}/deliveries", "repository_hooks", "token"),
    *_routes("/orgs/{org}/hooks/{hook}/deliveries", "organization_hooks", "token"),
)
