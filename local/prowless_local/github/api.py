"""Answer REST requests: credentials, limits, faults, routes, conditional requests."""

from __future__ import annotations

import hashlib
import json
import logging
import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from prowless_local.github.access import authorise
from prowless_local.github.apps import ANONYMOUS, BadCredentialsError, Principal
from prowless_local.github.http_messages import Request, Response, encoded
from prowless_local.github.rest import accounts, archives, check_runs, commits, deliveries, issues, pulls, statuses
from prowless_local.github.rest.call import ApiError, Call, Reply, Route, not_found

if TYPE_CHECKING:
    from collections.abc import Callable

    from prowless_local.github.checks import Checks
    from prowless_local.github.limits import Limits, Usage
    from prowless_local.github.records import FaultResponse

log = logging.getLogger(__name__)

# The order decides where a template with a free tail (`commits/{ref}`) also fits another's path.
ROUTES: tuple[Route, ...] = (
    *statuses.ROUTES,
    *check_runs.ROUTES,
    *pulls.ROUTES,
    *issues.ROUTES,
    *accounts.ROUTES,
    *deliveries.ROUTES,
    *archives.ROUTES,
    *commits.ROUTES,
)


class Api:
    """The REST API over the fake's state."""

    def __init__(self, github: Checks, limits: Limits) -> None:
        self._github = github
        self._limits = limits
        self._routes = [(route, route.pattern()) for route in ROUTES]

    def answer(self, request: Request, fault: Callable[[str, str], FaultResponse | None] | None) -> Response:
        """Answer a request, or let the fault hook do it."""
        strike = fault(request.method, request.path) if fault else None
        if strike is None:
            return self._respond(request)
        auth = self._respond(request).auth if strike.after_effect else "anonymous"
        body, kind = encoded(strike.body)
        headers = {"Content-Type": kind, **strike.headers}
        return Response(status=strike.status, headers=headers, body=body, drop=strike.drop, auth=auth)

    def _respond(self, request: Request) -> Response:
        if not request.headers.get("user-agent"):
            text = b"Request forbidden by administrative rules. Please make sure your request has a User-Agent header"
            return Response(status=HTTPStatus.FORBIDDEN, headers={"Content-Type": "text/plain"}, body=text)
        try:
            who = self._github.principal(request.headers.get("authorization"))
        except BadCredentialsError as exc:
            error = ApiError(HTTPStatus.UNAUTHORIZED, str(exc))
            return self._finished(error.status, error.body(), {}, self._limits.usage("anonymous"), ANONYMOUS)
        usage = self._limits.usage(who.budget)
        if request.path == "/rate_limit":
            return self._finished(HTTPStatus.OK, _rate_limit(usage), {}, usage, who)
        try:
            self._check_limits(usage, who)
            reply = self._routed(request, who)
        except ApiError as error:
            reply = Reply(status=error.status, body=error.body(), headers=error.headers)
        status, body, headers = reply.status, reply.body, dict(reply.headers)
        if request.method == "GET" and status == HTTPStatus.OK:
            headers["ETag"] = _etag(body)
            headers["Cache-Control"] = "private, max-age=60, s-maxage=60"
            if headers["ETag"] in request.headers.get("if-none-match", ""):
                return self._finished(HTTPStatus.NOT_MODIFIED, None, headers, usage, who)
        return self._finished(status, body, headers, self._limits.count(who.budget), who)

    def _check_limits(self, usage: Usage, who: Principal) -> None:
        secondary = self._limits.next_secondary()
        if secondary is not None:
            message = (
                "You have exceeded a secondary rate limit. Please wait a few minutes before you try again. "
                "If you reach out to GitHub Support for help, please include the request ID."
            )
            raise ApiError(secondary.status, message, headers={"Retry-After": str(secondary.retry_after_seconds)})
        if not usage.remaining:
            raise ApiError(HTTPStatus.FORBIDDEN, f"API rate limit exceeded for {who.budget}.")

    def _routed(self, request: Request, who: Principal) -> Reply:
        for route, pattern in self._routes:
            match = pattern.match(request.path) if route.method == request.method else None
            if match is None:
                continue
            call = Call(
                github=self._github,
                path=request.path,
                params={name: unquote(value) for name, value in match.groupdict().items()},
                query=request.query,
                headers=request.headers,
                body=_json(request.body),
                principal=who,
            )
            authorise(route, call)
            return _handled(route, call)
        raise not_found()

    @staticmethod
    def _finished(status: int, body: Any, headers: dict[str, str], usage: Usage, who: Principal) -> Response:
        raw, kind = encoded(body)
        common = {
            "Content-Type": kind,
            "X-GitHub-Media-Type": "github.v3; format=json",
            "X-GitHub-Request-Id": uuid.uuid4().hex[:24].upper(),
            "X-GitHub-Api-Version-Selected": "2022-11-28",
            **usage.headers(),
        }
        return Response(status=int(status), headers={**common, **headers}, body=raw, auth=who.kind)


def _handled(route: Route, call: Call) -> Reply:
    try:
        return route.handler(call)
    except ApiError:
        raise
    except Exception as exc:
        # a bug in the fake must reach the caller as an answer, not as a hang
        log.exception("the fake GitHub failed to answer %s %s", route.method, call.path)
        raise ApiError(HTTPStatus.INTERNAL_SERVER_ERROR, "Server Error") from exc


def _json(body: bytes) -> Any:
    if not body.strip():
        return None
    try:
        return json.loads(body)
    except ValueError:
        raise ApiError(HTTPStatus.BAD_REQUEST, "Problems parsing JSON") from None


def _etag(body: Any) -> str:
    return f'W/"{hashlib.sha256(encoded(body)[0]).hexdigest()}"'


def _rate_limit(usage: Usage) -> dict[str, Any]:
    core = {"limit": usage.limit, "remaining": usage.remaining, "used": usage.used, "reset": usage.reset}
    return {"resources": {"core": core, "search": core}, "rate": core}
