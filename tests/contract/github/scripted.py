"""A server on loopback that answers as a test says, and keeps what it was asked."""

from __future__ import annotations

import json
import socket
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer. `drop` closes the connection instead; `cut` promises that many bytes more than it sends."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    drop: bool = False
    cut: int = 0

    @property
    def content(self) -> bytes:
        """The body's bytes: JSON unless it is bytes already."""
        if self.body is None:
            return b""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One request as it arrived; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *request: object) -> None:
        """Keep quiet where the adapter hung up, as it does on answers that are too large or too slow."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(*request)


class ScriptedServer:
    """Answers `on(method, path, …)` in order, the last one for good, and 404 to all else."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self._answers: dict[tuple[str, str], list[Answer]] = {}
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """`127.0.0.1:port`."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        """The root."""
        return f"http://{self.address}"

    def on(self, method: str, path: str, *answers: Answer) -> None:
        """Say how to answer a path with its query."""
        self._answers[method, path] = list(answers)

    def answer(self, seen: Seen) -> Answer:
        """Record a request and take its answer."""
        self.seen.append(seen)
        answers = self._answers.get((seen.method, seen.path), [Answer(status=404, body={"message": "Not Found"})])
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(server: ScriptedServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 5
        disable_nagle_algorithm = True  # headers and body go out in two writes

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            seen = Seen(method=self.command, path=self.path, headers=headers, body=json.loads(body) if body else None)
            answer = server.answer(seen)
            if answer.drop:
                self._hang_up()
                return
            self.send_response(answer.status)
            for name, value in {"Content-Type": "application/json; charset=utf-8", **answer.headers}.items():
                self.send_header(name, value)
            if answer.status not in {204, 304}:
                self.send_header("Content-Length", str(len(answer.content) + answer.cut))
            self.end_headers()
            self.wfile.write(answer.content)
            if answer.cut:
                self._hang_up()

        def _hang_up(self) -> None:
            self.close_connection = True
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _answer  # noqa: N815  http.server's names

        def log_message(self, *_: object) -> None:
            """Say nothing on standard error."""

    return Handler
