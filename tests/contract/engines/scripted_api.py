"""A Kubernetes API that stores what it is given and runs nothing: tests write the statuses."""

from __future__ import annotations

import copy
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


def status(code: int, reason: str, message: str, **details: str) -> dict[str, Any]:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "code": code,
        "reason": reason,
        "message": message,
        "details": details,
    }


class Server(ThreadingHTTPServer):
    """Says nothing about clients that hang up: some tests do."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class ScriptedApi:
    """Objects by path in `objects`, container logs by (pod, container) in `logs`.

    `answer`, when set, is asked first with method and path; what it returns, (status, body), is sent. `requests` lists
    (method, path, query, headers, body).
    """

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.logs: dict[tuple[str, str], bytes] = {}
        self.answer: Any = None
        self.requests: list[tuple[str, str, dict[str, str], dict[str, str], Any]] = []
        self.created = 0
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1

            def log_message(self, *_: Any) -> None:
                pass

            def _any(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                parts = urlsplit(self.path)
                query = {key: values[0] for key, values in parse_qs(parts.query).items()}
                api.requests.append((self.command, parts.path, query, dict(self.headers), body))
                code, answer = (api.answer and api.answer(self.command, parts.path)) or api.handle(
                    self.command, parts.path, query, body
                )
                data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(code)
                self.send_header("Content-Length", str(len(data)))
                if 300 <= code < 400:
                    self.send_header("Location", data.decode())
                self.end_headers()
                self.wfile.write(data)
                self.wfile.flush()

        for method in ("GET", "POST", "PATCH", "DELETE"):
            setattr(Handler, f"do_{method}", Handler._any)
        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def handle(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        if path.endswith("/log"):
            return self._log(path, query)
        name = path.rpartition("/")[2]
        stored = self.objects.get(path)
        if method == "POST":
            return self._create(path, body)
        if method == "GET" and stored is None and name in {"pods", "taskruns", "workflows", "pipelineruns"}:
            return self._list(path, query)
        if stored is None:
            return 404, status(404, "NotFound", f'"{name}" not found', name=name)
        if method == "PATCH":
            stored["spec"] |= body["spec"]
        if method == "DELETE":
            wanted = (body.get("preconditions") or {}).get("uid")
            if wanted and wanted != stored["metadata"]["uid"]:
                return 409, status(409, "Conflict", "the UID in the precondition does not match", name=name)
            del self.objects[path]
        return 200, stored

    def _create(self, path: str, body: Any) -> tuple[int, Any]:
        name = body["metadata"]["name"]
        if f"{path}/{name}" in self.objects:
            return 409, status(409, "AlreadyExists", f'workflows "{name}" already exists', name=name)
        self.created += 1
        stored = copy.deepcopy(body)
        stored["metadata"]["uid"] = f"uid-{self.created}"
        self.objects[f"{path}/{name}"] = stored
        return 201, stored

    def _list(self, path: str, query: dict[str, str]) -> tuple[int, Any]:
        key, _, value = query.get("labelSelector", "").partition("=")
        found = [
            stored
            for where, stored in self.objects.items()
            if where.rpartition("/")[0] == path and (not key or stored["metadata"].get("labels", {}).get(key) == value)
        ]
        start, limit = int(query.get("continue", 0)), int(query.get("limit", 500))
        more = {"continue": str(start + limit)} if start + limit < len(found) else {}
        return 200, {"kind": "List", "metadata": more, "items": found[start : start + limit]}

    def _log(self, path: str, query: dict[str, str]) -> tuple[int, Any]:
        key = (path.split("/")[-2], query["container"])
        if key not in self.logs:
            return 404, status(404, "NotFound", f'pods "{key[0]}" not found', name=key[0])
        return 200, self.logs[key][: int(query["limitBytes"])]
