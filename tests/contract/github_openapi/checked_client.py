"""An HTTP client that holds both sides of every call against GitHub's OpenAPI description."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import urllib3
from openapi_core import OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse

DESCRIPTION = Path(__file__).with_name("api.github.com.json")


@cache
def description() -> dict[str, Any]:
    return json.loads(DESCRIPTION.read_text())


@cache
def openapi() -> OpenAPI:
    return OpenAPI.from_dict(description())


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    headers: urllib3.HTTPHeaderDict
    body: Any


class CheckedClient:
    """Sends a request only if the description allows it, and returns an answer only if the description allows that.

    Answers may have more properties than described: GitHub adds some before it describes them.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._pool = urllib3.PoolManager(headers={"User-Agent": "tests"}, retries=False)

    def close(self) -> None:
        self._pool.clear()

    def call(self, method: str, target: str, body: Any = None, *, authorization: str = "", **headers: str) -> Answer:
        path, _, query = target.partition("?")
        data = None if body is None else json.dumps(body).encode()
        sent = {"User-Agent": "tests", **{name.replace("_", "-"): value for name, value in headers.items()}}
        if authorization:
            sent["Authorization"] = authorization
        if data is not None:
            sent["Content-Type"] = "application/json"
        request = MockRequest(
            "https://api.github.com", method.lower(), path, args=parse_qs(query), headers=sent, data=data
        )
        openapi().validate_request(request)
        response = self._pool.request(method, self._url + target, body=data, headers=sent)
        kind = response.headers.get("Content-Type", "application/json").partition(";")[0]
        answer = MockResponse(response.data, response.status, dict(response.headers), content_type=kind)
        try:
            openapi().validate_response(request, answer)
        except OpenAPIError as exc:
            reasons = getattr(exc.__cause__, "schema_errors", [exc])
            said = [f"{'/'.join(map(str, getattr(one, 'absolute_path', ())))}: {one}" for one in reasons]
            raise AssertionError(f"{method} {path} answered {response.status}: {said}") from None
        is_json = response.data and "json" in kind and "raw" not in kind
        decoded = json.loads(response.data) if is_json else response.data
        return Answer(status=response.status, headers=response.headers, body=decoded)
