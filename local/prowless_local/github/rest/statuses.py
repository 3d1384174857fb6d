"""Commit statuses."""

from __future__ import annotations

from http import HTTPStatus

from prowless_local.github.checks import TooManyStatusesError
from prowless_local.github.rest.call import ApiError, Call, Reply, Route, invalid, not_found, unprocessable
from prowless_local.github.views import checks as views

STATES = ("error", "failure", "pending", "success")
LONGEST_DESCRIPTION = 140
LONGEST_CONTEXT = 255


def create_status(call: Call) -> Reply:
    """`POST /repos/{owner}/{repo}/statuses/{sha}`."""
    call.pushers_only("Resource not accessible by personal access token")
    state = call.required("state", str)
    context = call.field("context", str) or "default"
    description, target = call.field("description", str), call.field("target_url", str)
    if state not in STATES:
        raise invalid("Status", "state", "state is not included in the list")
    if description is not None and len(description) > LONGEST_DESCRIPTION:
        raise invalid("Status", "description", "description is too long (maximum is 140 characters)")
    if len(context) > LONGEST_CONTEXT:
        raise invalid("Status", "context", "context is too long (maximum is 255 characters)")
    if target and not target.startswith(("http://", "https://")):
        raise invalid("Status", "target_url", "target_url must use http(s) scheme")
    repository, sha = call.repository, call.params["sha"]
    try:
        status = call.github.post_status(
            repository.full_name,
            sha,
            state,
            context=context,
            description=description,
            target_url=target or None,
            creator=call.principal.login,
        )
    except KeyError:
        raise unprocessable(f"No commit found for SHA: {sha}") from None
    except TooManyStatusesError:
        message = "This SHA and context has reached the maximum number of statuses."
        error = {"resource": "Status", "code": "custom", "message": message}
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "Validation Failed", errors=[error]) from None
    view = views.status(call.github, status)
    return Reply(body=view, status=HTTPStatus.CREATED, headers={"Location": view["url"]})


def list_statuses(call: Call) -> Reply:
    """`GET /repos/{owner}/{repo}/commits/{ref}/statuses`: all of them, newest first."""
    statuses = call.github.statuses(call.repository.full_name, _sha(call))[::-1]
    return call.paged(statuses, lambda one: views.status(call.github, one))


def combined_status(call: Call) -> Reply:
    """`GET /repos/{owner}/{repo}/commits/{ref}/status`: the newest of each context, in pages."""
    repository, sha = call.repository, _sha(call)
    statuses = list(call.github.effective_statuses(repository.full_name, sha).values())
    return call.paged(
        statuses,
        lambda one: views.simple_status(call.github, one),
        wrap=lambda page: views.combined(call.github, repository, sha, statuses, page),
    )


def _sha(call: Call) -> str:
    sha = call.commit_sha(call.params["ref"])
    if sha is None:
        raise not_found()
    return sha


REPO = "/repos/{owner}/{repo}"

ROUTES = (
    Route(method="POST", path=f"{REPO}/statuses/{{sha}}", handler=create_status, permission="statuses:write"),
    Route(method="GET", path=f"{REPO}/commits/{{ref}}/statuses", handler=list_statuses, permission="statuses:read"),
    Route(method="GET", path=f"{REPO}/commits/{{ref}}/status", handler=combined_status, permission="statuses:read"),
)
