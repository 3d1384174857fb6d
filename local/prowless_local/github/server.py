"""The HTTP server: one thread for each connection, kept alive; API, git and pages on one port."""

from __future__ import annotations

import contextlib
import socket
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from prowless_local.github.http_messages import Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable

METHODS = frozenset({"do_DELETE", "do_GET", "do_PATCH", "do_POST", "do_PUT"})
LARGEST_BODY = 100 * 1024 * 1024
LONGEST_CHUNK_LINE = 1024
JOIN_SECONDS = 5


class Server(ThreadingHTTPServer):
    """Listens on the loopback interface from construction on; answers from `start` on."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, port: int, answer: Callable[[Request], Response]) -> None:
        self.answer = answer
        self._sockets: set[socket.socket] = set()
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None
        super().__init__(("127.0.0.1", port), Handler)

    @property
    def url(self) -> str:
        """The address without a slash at its end."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def start(self) -> None:
        """Serve in a thread."""
        self._thread = threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": 0.02}, name="fake-github", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop serving and cut the connections that are still open."""
        if self._thread is not None:
            self.shutdown()
            self._thread.join(JOIN_SECONDS)
            self._thread = None
        self.server_close()
        with self._guard:
            still_open = list(self._sockets)
        for connection in still_open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection until it is closed."""
        with self._guard:
            self._sockets.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget and close a connection."""
        with self._guard:
            self._sockets.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are no news; anything else is shown."""
        import sys  # noqa: PLC0415 - only here, where the active exception is looked at

        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """Turns a connection's bytes into requests, and responses into bytes."""

    protocol_version = "HTTP/1.1"
    server_version = "github.com"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = -1
    server: Server

    def __getattr__(self, name: str) -> Any:
        if name in METHODS:
            return self._serve
        raise AttributeError(name)

    def _serve(self) -> None:
        body = self._body()
        if body is None:
            self._send(Response(status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE))
            self.close_connection = True
            return
        path, _, query = self.path.partition("?")
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(method=self.command, path=path, query=query, headers=headers, body=body)
        response = self.server.answer(request)
        if response.drop:
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
            return
        self._send(response)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """The fake keeps its own log of requests."""

    def _send(self, response: Response) -> None:
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        if response.status not in {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}:
            self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        if response.status not in {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}:
            self.wfile.write(response.body)
        self.wfile.flush()

    def _body(self) -> bytes | None:
        """The body, or None when it is too large."""
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.wfile.flush()
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._chunks()
        length = int(self.headers.get("Content-Length") or 0)
        return self.rfile.read(length) if length <= LARGEST_BODY else None

    def _chunks(self) -> bytes | None:
        body = bytearray()
        while size := int(self.rfile.readline(LONGEST_CHUNK_LINE).split(b";")[0], 16):
            if len(body) + size > LARGEST_BODY:
                return None
            body += self.rfile.read(size)
            self.rfile.readline(LONGEST_CHUNK_LINE)
        while self.rfile.readline(LONGEST_CHUNK_LINE).strip():
            pass  # trailers
        return bytes(body)
