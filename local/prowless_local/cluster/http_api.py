"""The API server on the wire: HTTP/1.1 on loopback, bearer tokens, faults on request, a log of requests."""

from __future__ import annotations

import hmac
import json
import socket
import threading
from collections import deque
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from prowless_local.cluster.api import Api, Request, Response
from prowless_local.cluster.api_errors import ApiError, unauthorized

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from prowless_local.clock import Clock
    from prowless_local.cluster.objects import Obj

_LARGEST_BODY = 3 * 1024 * 1024  # kube-apiserver's limit for a request body
_LARGEST_DRAINED = 64 * 1024 * 1024  # up to this, a client gets to read why
_CHUNK = 64 * 1024
_KEPT_REQUESTS = 10_000
_PHRASES = {422: "Unprocessable Entity", 429: "Too Many Requests"}
_FAULT_REASONS = {401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 409: "Conflict", 429: "TooManyRequests"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """An answer to give instead of the true one.

    With `after`, the request takes effect first: the caller cannot know. With `drop`, the connection is closed
    without an answer. Without a body, a `Status` with `message` is sent.
    """

    status: int = 500
    message: str = "injected fault"
    body: Obj | None = None
    after: bool = False
    drop: bool = False

    def answer(self) -> Response:
        """What goes over the wire."""
        reason = _FAULT_REASONS.get(self.status, "InternalError")
        return Response(status=self.status, body=self.body or ApiError(self.status, reason, self.message).body())


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedRequest:
    """One line of the request log; never a token."""

    method: str
    path: str
    query: str
    user_agent: str
    authorized: bool
    status: int


class Front:
    """What all connections share: the API, the token, faults and the request log."""

    def __init__(self, api: Api, token: str, clock: Clock) -> None:
        self.api = api
        self.clock = clock
        self.fault: Callable[[str, str], Fault | tuple[int, Obj] | None] | None = None
        self.hanging = threading.Event()  # set: requests are taken and not answered
        self.released = threading.Event()  # ends the hanging
        self.requests: deque[LoggedRequest] = deque(maxlen=_KEPT_REQUESTS)
        self._token = token.encode()

    def authorized(self, header: str) -> bool:
        """Whether the Authorization header carries the token."""
        scheme, _, token = header.partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(token.strip().encode(), self._token)

    def injected(self, method: str, path: str) -> Fault | None:
        """The fault for this request, if the hook asks for one."""
        found = self.fault(method, path) if self.fault else None
        return Fault(status=found[0], body=found[1]) if isinstance(found, tuple) else found


class Server(ThreadingHTTPServer):
    """Listens on loopback, one thread per connection."""

    daemon_threads = True
    request_queue_size = 128
    allow_reuse_address = True

    def __init__(self, front: Front, port: int, tls: ssl.SSLContext | None = None) -> None:
        self.front = front
        self._tls = tls
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", port), Handler)

    def get_request(self) -> tuple[Any, Any]:
        """Accept a connection; TLS is negotiated in its own thread, with its first read."""
        connection, address = super().get_request()
        if self._tls is not None:
            connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        with self._lock:
            self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        """Close a connection for good."""
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Connections that clients break off are no news."""

    def close(self) -> None:
        """Stop listening and cut every connection."""
        self.shutdown()
        self.server_close()
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:  # gone already
                continue


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: Server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 the base class's name
        """The request log is structured; nothing goes to stderr."""

    def do_GET(self) -> None:
        """Serve any method."""
        front = self.server.front
        if front.hanging.is_set():
            front.released.wait()
            self.close_connection = True
            return
        with front.clock.busy("kubernetes api"):
            self._serve(front)

    do_POST = do_GET  # noqa: N815 http.server's names
    do_PUT = do_GET  # noqa: N815 http.server's names
    do_PATCH = do_GET  # noqa: N815 http.server's names
    do_DELETE = do_GET  # noqa: N815 http.server's names

    def _serve(self, front: Front) -> None:
        url = urlsplit(self.path)
        path = unquote(url.path).rstrip("/") or "/"
        authorized = front.authorized(self.headers.get("Authorization", ""))
        fault = front.injected(self.command, path)
        try:
            body = self._body()
            if not authorized:
                raise unauthorized()
            if fault is not None and not fault.after:
                response = fault.answer()
            else:
                query = {key: values[-1] for key, values in parse_qs(url.query, keep_blank_values=True).items()}
                request = Request(
                    method=self.command,
                    path=path,
                    query=query,
                    content_type=self.headers.get("Content-Type", ""),
                    body=body,
                )
                response = front.api.handle(request)
                response = response if fault is None else fault.answer()
        except ApiError as exc:
            response = Response(status=exc.code, body=exc.body())
        front.requests.append(
            LoggedRequest(
                method=self.command,
                path=path,
                query=url.query,
                user_agent=self.headers.get("User-Agent", ""),
                authorized=authorized,
                status=0 if fault is not None and fault.drop else response.status,
            )
        )
        if fault is not None and fault.drop:
            self.close_connection = True
            return
        self._send(response)

    def _body(self) -> bytes:
        length = int(self.headers.get("Content-Length") or 0)
        if length > _LARGEST_BODY:
            self.close_connection = length > _LARGEST_DRAINED
            for _ in range(0, 0 if self.close_connection else length, _CHUNK):
                self.rfile.read(min(_CHUNK, length))
                length -= min(_CHUNK, length)
            raise ApiError(413, "RequestEntityTooLarge", f"Request entity too large: limit is {_LARGEST_BODY}")
        return self.rfile.read(length) if length else b""

    def _send(self, response: Response) -> None:
        self.send_response(response.status, _PHRASES.get(response.status))
        self.send_header("Content-Type", response.content_type)
        self.send_header("Cache-Control", "no-cache, private")
        if response.stream is None:
            content = json.dumps(response.body, separators=(",", ":")).encode()
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            self.wfile.flush()
            return
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()
        try:
            for chunk in response.stream:
                if chunk:
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
                    self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")
            self.wfile.flush()
        except OSError:
            self.close_connection = True
        finally:
            close = getattr(response.stream, "close", None)
            if close is not None:
                close()
