"""Receives webhooks and calls the API, for the tests of the fake GitHub."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import urllib3


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    headers: dict[str, str]
    raw: bytes

    @property
    def event(self) -> str:
        return self.headers["X-GitHub-Event"]

    @property
    def guid(self) -> str:
        return self.headers["X-GitHub-Delivery"]

    @property
    def payload(self) -> dict[str, Any]:
        return json.loads(self.raw)


class Receiver:
    """Keeps what is posted to it and answers with `status`."""

    def __init__(self) -> None:
        self.status = 200
        self.received: list[Received] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.received.append(Received(headers=dict(self.headers), raw=raw))
                self.send_response(receiver.status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def of(self, event: str, action: str | None = None) -> list[dict[str, Any]]:
        """Payloads of an event in the order of their arrival."""
        payloads = [one.payload for one in self.received if one.event == event]
        return [one for one in payloads if action is None or one["action"] == action]

    def names(self) -> list[str]:
        """`event.action` of everything received."""
        names = [(one.event, one.payload.get("action")) for one in self.received]
        return [f"{event}.{action}" if action else event for event, action in names]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    headers: urllib3.HTTPHeaderDict
    body: Any


class Api:
    """Plain HTTP with JSON, without any of the product's own client code."""

    def __init__(self, url: str, authorization: str = "") -> None:
        self.url = url
        self.authorization = authorization
        self._pool = urllib3.PoolManager(retries=False)

    def close(self) -> None:
        self._pool.clear()

    def as_(self, authorization: str) -> Api:
        """The same API with other credentials, over the same connections."""
        other = Api(self.url, authorization)
        other._pool = self._pool
        return other

    def call(self, method: str, target: str, body: Any = None, raw: bytes | None = None, **headers: str) -> Answer:
        sent = {"User-Agent": "tests", **{name.replace("_", "-"): value for name, value in headers.items()}}
        if self.authorization:
            sent["Authorization"] = self.authorization
        data = json.dumps(body).encode() if body is not None else raw
        url = target if target.startswith("http") else self.url + target
        answer = self._pool.request(method, url, body=data, headers=sent)
        is_json = answer.headers.get("Content-Type", "").startswith("application/json") and answer.data
        return Answer(
            status=answer.status, headers=answer.headers, body=json.loads(answer.data) if is_json else answer.data
        )

    def get(self, target: str, **headers: str) -> Answer:
        return self.call("GET", target, **headers)

    def post(self, target: str, body: Any = None) -> Answer:
        return self.call("POST", target, body)
