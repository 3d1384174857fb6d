"""An endpoint of an external plugin on loopback, over http or https."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from prowless_local.cluster.certificates import Certificate

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Callable, Iterator, Mapping


@dataclass
class Endpoint:
    """What it got, and how it answers: `behave` writes to the connection itself if it is given."""

    url: str = ""
    requests: list[tuple[str, Mapping[str, str], bytes]] = field(default_factory=list)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    behave: Callable[[socket.socket], None] | None = None


@contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[Endpoint]:
    """A running endpoint."""
    endpoint = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            endpoint.requests.append((self.path, dict(self.headers.items()), body))
            if endpoint.behave:
                endpoint.behave(self.connection)
                return
            self.send_response(endpoint.status)
            for name, value in endpoint.headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing on standard error."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, *_: object) -> None:
            """Clients of these tests hang up."""

    server = Server(("127.0.0.1", 0), Handler)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    endpoint.url = f"{'https' if context else 'http'}://127.0.0.1:{server.server_address[1]}"
    try:
        yield endpoint
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def plain() -> Iterator[Endpoint]:
    """Over http."""
    with serving() as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def certificate() -> Certificate:
    """For 127.0.0.1 and localhost."""
    return Certificate()


@pytest.fixture
def secure(certificate: Certificate) -> Iterator[Endpoint]:
    """Over https."""
    with serving(certificate.server_context()) as endpoint:
        yield endpoint
