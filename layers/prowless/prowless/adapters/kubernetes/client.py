"""Calls to a cluster's API: JSON in, JSON out, and the API's refusals in our words.

Only `ApiClient` of the kubernetes package is used. Its model classes are loaded on demand, so none of them is; what
remains of the import is the package's own (pydantic, dateutil, yaml, requests).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode, urlsplit

import urllib3
from kubernetes.client.configuration import Configuration
from kubernetes.client.exceptions import ApiException

from prowless.domain.errors import ClusterUnreachableError, PermanentError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from kubernetes.client.api_client import ApiClient

CONNECT_SECONDS: Final = 5.0
READ_SECONDS: Final = 20.0
MAX_BODY = 32 * 1024 * 1024
"""Bytes of an answer that are read; etcd holds objects of 1.5 MB, and lists are asked for in pages."""

_MAX_MESSAGE = 1000
_CHUNK = 64 * 1024
_TOO_MANY = 429
_SERVER_FAULT = 500
_OK = range(200, 300)
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class RefusedError(PermanentError):
    """The API said no. `code` is the HTTP status, `reason` and `details` are the Status object's."""

    def __init__(self, message: str, *, code: int, reason: str, details: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.details = details


def secure_configuration(server: str, ca: str) -> Configuration:
    """Settings for a server whose certificate the given CA (PEM; empty: the system's) has signed.

    Raises:
        PermanentError: the address is not https, which only a loopback address may be.
    """
    parts = urlsplit(server)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise PermanentError(
            f"cluster address {server!r} must begin with https://, or the token would travel in the clear"
        )
    # No retries below us: the state machine paces them, and a redirect would carry the token elsewhere.
    return Configuration(host=server.rstrip("/"), ca_cert_data=ca or None, retries=False)


class Client:
    """One cluster's API. `token` is asked for each call and returns the bearer token, or nothing.

    Every method raises ClusterUnreachableError when the API does not answer in time, answers 429 or 5xx, and
    RefusedError, a PermanentError, with the API's own message for every other refusal.
    """

    def __init__(self, alias: str, api: ApiClient, token: Callable[[], str]) -> None:
        self.alias = alias
        self._api = api
        self._token = token

    def get(self, path: str, query: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The object or list at a path."""
        return self._json("GET", path, query=query)

    def create(self, path: str, manifest: Mapping[str, Any]) -> dict[str, Any]:
        """The object as the API stored it."""
        return self._json("POST", path, body=manifest)

    def merge(self, path: str, patch: Mapping[str, Any]) -> dict[str, Any]:
        """The object after a JSON merge patch."""
        return self._json("PATCH", path, body=patch, content_type="application/merge-patch+json")

    def delete(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """What the API answers to a delete with these DeleteOptions."""
        return self._json("DELETE", path, body=body)

    def pages(self, path: str, query: Mapping[str, Any], *, limit: int = 250, most: int = 2000) -> list[dict[str, Any]]:
        """The items of a list, page by page; `most` items at most."""
        items: list[dict[str, Any]] = []
        asked: dict[str, Any] = {**query, "limit": limit}
        while True:
            answer = self.get(path, asked)
            items += answer.get("items") or []
            following = (answer.get("metadata") or {}).get("continue")
            if not following or len(items) >= most:
                return items[:most]
            asked["continue"] = following

    def stream(self, path: str, query: Mapping[str, Any], limit: int) -> Iterator[bytes]:
        """At most `limit` bytes of a raw answer, in pieces."""
        with self._answer("GET", path, query=query, accept="*/*") as response:
            left = limit
            while left > 0:
                chunk = self._read(response, min(_CHUNK, left))
                if not chunk:
                    return
                left -= len(chunk)
                yield chunk

    def _json(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        content_type: str = "application/json",
    ) -> dict[str, Any]:
        with self._answer(method, path, query=query, body=body, content_type=content_type) as response:
            data = self._read(response, MAX_BODY + 1)
        if len(data) > MAX_BODY:
            raise PermanentError(f"cluster {self.alias}: the answer to {method} {path} exceeds {MAX_BODY} bytes")
        try:
            answer = json.loads(data)
        except ValueError as exc:
            raise ClusterUnreachableError(f"cluster {self.alias}: the answer to {method} {path} is not JSON") from exc
        if not isinstance(answer, dict):
            raise ClusterUnreachableError(f"cluster {self.alias}: the answer to {method} {path} is no JSON object")
        return answer

    def _answer(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> urllib3.BaseHTTPResponse:
        url = self._api.configuration.host + path + (f"?{urlencode(query)}" if query else "")
        headers = {"Accept": accept, "User-Agent": "prowless"}
        if body is not None:
            headers["Content-Type"] = content_type
        if token := self._token():
            headers["Authorization"] = f"Bearer {token}"
        try:
            answer = self._api.rest_client.pool_manager.request(
                method,
                url,
                body=None if body is None else json.dumps(body).encode(),
                headers=headers,
                timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
                preload_content=False,
            )
        except (urllib3.exceptions.HTTPError, ApiException) as exc:
            raise ClusterUnreachableError(
                f"cluster {self.alias} at {self._api.configuration.host} does not answer {method} {path}: {_cause(exc)}"
            ) from exc
        response: urllib3.BaseHTTPResponse = answer
        if response.status not in _OK:
            with response:
                self._refuse(method, path, response)
        return response

    def _read(self, response: urllib3.BaseHTTPResponse, amount: int) -> bytes:
        try:
            return response.read(amount)
        except urllib3.exceptions.HTTPError as exc:
            raise ClusterUnreachableError(f"cluster {self.alias}: the answer broke off: {_cause(exc)}") from exc

    def _refuse(self, method: str, path: str, response: urllib3.BaseHTTPResponse) -> None:
        text = self._read(response, _CHUNK).decode(errors="replace")
        try:
            status = json.loads(text)
        except ValueError:
            status = {}
        if not isinstance(status, dict):
            status = {}
        message = str(status.get("message") or text.strip() or response.reason or "no message")[:_MAX_MESSAGE]
        # The API's words first: a commit status has room for some ninety characters.
        said = f"{message} (cluster {self.alias} answers {response.status} to {method} {path})"
        if response.status == _TOO_MANY or response.status >= _SERVER_FAULT:
            raise ClusterUnreachableError(said)
        raise RefusedError(
            said,
            code=response.status,
            reason=str(status.get("reason") or ""),
            details=status.get("details") or {},
        )


def _cause(exc: Exception) -> str:
    """What failed, without urllib3's `<object at 0x…>` prefixes."""
    return str(exc).rpartition("object at 0x")[2].partition(">: ")[2] or str(exc)
