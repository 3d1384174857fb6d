"""Slack: in memory behind the port, and as a server on loopback."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass
class MemorySlack:
    """`Slack`: `posted` are (host, channel, text); `faults` are raised in order first, None for none.

    A fault that is ambiguous comes after the message was posted.
    """

    posted: list[tuple[str, str, str]] = field(default_factory=list)
    faults: list[Exception | None] = field(default_factory=list)
    calls: int = 0

    def post(self, host: str, channel: str, text: str) -> None:
        self.calls += 1
        fault = self.faults.pop(0) if self.faults else None
        if fault is None or getattr(fault, "ambiguous", False):
            self.posted.append((host, channel, text))
        if fault:
            raise fault


@dataclass
class SlackServer:
    """What it got (path, headers, body), and how it answers: `answers` in order (status, headers, body), then yes."""

    url: str = ""
    got: list[tuple[str, Mapping[str, str], dict[str, str]]] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    hang_up: bool = False

    @property
    def messages(self) -> list[tuple[str, str]]:
        """Channel and text of every request."""
        return [(body["channel"], body["text"]) for _, _, body in self.got]

    def answer(self, body: Any = None, *, status: int = 200, **headers: str) -> None:
        """Add an answer; a body that is not bytes is sent as JSON."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.answers.append((status, {name.replace("_", "-"): value for name, value in headers.items()}, content))


@contextmanager
def slack_server() -> Iterator[SlackServer]:
    """A running one."""
    slack = SlackServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            slack.got.append((self.path, dict(self.headers.items()), body))
            if slack.hang_up:
                self.close_connection = True
                return
            status, headers, content = slack.answers.pop(0) if slack.answers else (200, {}, b'{"ok": true}')
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing on standard error."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    slack.url = f"http://127.0.0.1:{server.server_address[1]}/api"
    try:
        yield slack
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
