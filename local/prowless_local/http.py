"""Serves the template's HTTP API: requests become API Gateway's payload format 2.0, results become responses.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from __future__ import annotations

import base64
import json
import logging
import re
import secrets
import threading
import uuid
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from prowless_local.template import ACCOUNT, REGION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from prowless_local.aws.moto_hooks.runtime import Invocation
    from prowless_local.aws.wiring import HttpRoute
    from prowless_local.clock import Clock

_LOG = logging.getLogger(__name__)
LARGEST_BODY = 10 * 1024 * 1024  # API Gateway's quota
LARGEST_EVENT = 6 * 1024 * 1024  # Lambda's
LONGEST_SECONDS = 30  # API Gateway's integration time-out
_TEXT = re.compile(r"(text/.*|application/([\w.-]+\+)?(json|xml|javascript))(\s*;.*)?", re.IGNORECASE)
_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
Answer = tuple[int, list[tuple[str, str]], bytes]


class HttpApi:
    """The HTTP API on a local port.

    Args:
        routes: the template's routes.
        clock: the stack's.
        call: invokes a function (by logical id) with an event; None if Lambda refuses.
        port: where to listen; 0 takes a free port.
    """

    def __init__(
        self,
        routes: Iterable[HttpRoute],
        clock: Clock,
        call: Callable[[str, Mapping[str, Any]], Invocation | None],
        port: int,
    ) -> None:
        self._routes = sorted(((_pattern(route), route) for route in routes), key=_precedence)
        self._clock = clock
        self._call = call
        self._server = _Server(("127.0.0.1", port), self)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="http-api", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Take no more requests."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, method: str, target: str, headers: list[tuple[str, str]], body: bytes, source: str) -> Answer:
        """The response to a request: status, headers, body."""
        if len(body) > LARGEST_BODY:
            return _message(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Request Entity Too Large")
        url = urlsplit(target)
        found = self._route(method, url.path)
        if found is None:
            return _message(HTTPStatus.NOT_FOUND, "Not Found")
        route, path_parameters = found
        event = self._event(route, method, url.path, url.query, headers, body, source)
        if path_parameters:
            event["pathParameters"] = path_parameters
        if len(json.dumps(event)) > LARGEST_EVENT:
            return _message(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Request Too Long")
        started = self._clock.now_ms()
        result = self._call(route.function, event)
        if result is None or self._clock.now_ms() - started > LONGEST_SECONDS * 1000:
            answer = _message(HTTPStatus.SERVICE_UNAVAILABLE, "Service Unavailable")
        elif result.failed:
            error = json.loads(result.payload)
            _LOG.warning("%s failed: %s: %s", route.key, error["errorType"], error["errorMessage"])
            answer = _message(HTTPStatus.INTERNAL_SERVER_ERROR, "Internal Server Error")
        else:
            answer = _response(json.loads(result.payload))
        return answer

    def _route(self, method: str, path: str) -> tuple[HttpRoute, dict[str, str]] | None:
        for pattern, route in self._routes:
            match = pattern.fullmatch(path)
            if match and route.method in {method, "ANY", "$default"}:
                return route, {name: unquote(value) for name, value in match.groupdict().items()}
        return None

    def _event(  # noqa: PLR0917 the parts of a request
        self,
        route: HttpRoute,
        method: str,
        path: str,
        query: str,
        headers: list[tuple[str, str]],
        body: bytes,
        source: str,
    ) -> dict[str, Any]:
        """The event of payload format 2.0."""
        joined: dict[str, str] = {}
        cookies: list[str] = []
        for name, value in headers:
            key = name.lower()
            if key == "cookie":
                cookies += [cookie.strip() for cookie in value.split(";")]
            elif key not in {"connection", "transfer-encoding"}:
                joined[key] = f"{joined[key]},{value}" if key in joined else value
        joined["x-forwarded-for"] = f"{joined['x-forwarded-for']}, {source}" if "x-forwarded-for" in joined else source
        joined["x-amzn-trace-id"] = f"Root=1-{self._clock.now_ms() // 1000:08x}-{secrets.token_hex(12)}"
        parameters: dict[str, str] = {}
        for name, value in parse_qsl(query, keep_blank_values=True):
            parameters[name] = f"{parameters[name]},{value}" if name in parameters else value
        now = self._clock.now_ms()
        text = _as_text(body, joined)
        return {
            "version": "2.0",
            "routeKey": route.key,
            "rawPath": path,
            "rawQueryString": query,
            **({"cookies": cookies} if cookies else {}),
            "headers": joined,
            **({"queryStringParameters": parameters} if parameters else {}),
            "requestContext": {
                "accountId": ACCOUNT,
                "apiId": route.api_id,
                "domainName": f"{route.api_id}.execute-api.{REGION}.amazonaws.com",
                "domainPrefix": route.api_id,
                "http": {
                    "method": method,
                    "path": path,
                    "protocol": "HTTP/1.1",
                    "sourceIp": source,
                    "userAgent": joined.get("user-agent", ""),
                },
                "requestId": uuid.uuid4().hex[:16],
                "routeKey": route.key,
                "stage": "$default",
                "time": datetime.fromtimestamp(now / 1000, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
                "timeEpoch": now,
            },
            **({"body": base64.b64encode(body).decode() if text is None else text} if body else {}),
            "isBase64Encoded": bool(body) and text is None,
        }


def _as_text(body: bytes, headers: Mapping[str, str]) -> str | None:
    """A body that API Gateway passes on as text; None if it is base64-encoded."""
    if "content-encoding" in headers or not _TEXT.fullmatch(headers.get("content-type", "")):
        return None
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None


def _response(result: Any) -> Answer:
    """The response that a function's result means; without a statusCode it is the body of a 200, as JSON."""
    if not isinstance(result, dict) or "statusCode" not in result:
        return HTTPStatus.OK, [("content-type", "application/json")], json.dumps(result).encode()
    try:
        status = int(result["statusCode"])
        body = result.get("body")
        text = body if isinstance(body, str) else "" if body is None else json.dumps(body)
        content = base64.b64decode(text, validate=True) if result.get("isBase64Encoded") else text.encode()
        headers = [(str(name).lower(), str(value)) for name, value in (result.get("headers") or {}).items()]
        headers += [("set-cookie", str(cookie)) for cookie in result.get("cookies") or []]
    except (AttributeError, TypeError, ValueError) as exc:
        _LOG.warning("the function's response cannot be used: %s", exc)
        return _message(HTTPStatus.INTERNAL_SERVER_ERROR, "Internal Server Error")
    if not any(name == "content-type" for name, _ in headers):
        headers.append(("content-type", "text/plain;charset=UTF-8"))
    return status, headers, content


def _message(status: HTTPStatus, message: str) -> Answer:
    return status, [("content-type", "application/json")], json.dumps({"message": message}).encode()


def _pattern(route: HttpRoute) -> re.Pattern[str]:
    """The paths that a route matches: `{name}` is one segment, `{name+}` the rest."""
    if route.key == "$default":
        return re.compile(".*", re.DOTALL)
    parts = re.split(r"\{(\w+\+?)\}", route.path)
    pattern = ""
    for index, part in enumerate(parts):
        if index % 2 == 0:
            pattern += re.escape(part)
        else:
            pattern += f"(?P<{part[:-1]}>.+)" if part.endswith("+") else f"(?P<{part}>[^/]+)"
    return re.compile(pattern)


def _precedence(entry: tuple[re.Pattern[str], HttpRoute]) -> tuple[bool, bool, bool, int, bool]:
    """Full matches first, greedy ones after them, `$default` last; a method before ANY."""
    route = entry[1]
    return (route.key == "$default", "+}" in route.path, "{" in route.path, -len(route.path), route.method == "ANY")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], api: HttpApi) -> None:
        self.api = api
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # one packet per response
    timeout = 60

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_") and name.removeprefix("do_") in _METHODS:
            return self._serve
        raise AttributeError(name)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 the base class's name
        _LOG.debug(format, *args)

    def _serve(self) -> None:
        body = self._body()
        if body is None:
            self.close_connection = True
            answer = _message(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Request Entity Too Large")
        else:
            answer = self.server.api.answer(
                self.command, self.path, self.headers.items(), body, str(self.client_address[0])
            )
        status, headers, content = answer
        self.send_response(status)
        for name, value in headers:
            if name not in {"content-length", "transfer-encoding", "connection"}:
                self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _body(self) -> bytes | None:
        """The request's body; None if it is too large to read."""
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            return self._chunks()
        length = self.headers.get("content-length") or "0"
        if not length.isdecimal() or int(length) > LARGEST_BODY:
            return None
        return self.rfile.read(int(length))

    def _chunks(self) -> bytes | None:
        body = b""
        while True:
            size = int(self.rfile.readline(64).split(b";")[0].strip() or b"0", 16)
            if size == 0:
                while self.rfile.readline(8192).strip():
                    pass
                return body
            if len(body) + size > LARGEST_BODY:
                return None
            body += self.rfile.read(size)
            self.rfile.readline(8)
