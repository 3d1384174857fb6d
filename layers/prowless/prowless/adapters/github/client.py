"""REST calls: JSON in and out, credentials, conditional requests, pages."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from prowless.adapters.github.etags import EtagCache
from prowless.adapters.github.pages import next_page
from prowless.adapters.github.paths import checked_path, scope_of
from prowless.adapters.github.refusals import refusal
from prowless.adapters.github.transport import JSON, Request
from prowless.domain.errors import AmbiguousError, PermanentError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prowless.adapters.github.auth import Auth
    from prowless.adapters.github.paths import Scope
    from prowless.adapters.github.transport import Response, Transport

MAX_PAGES = 100
_UNAUTHORIZED, _NOT_MODIFIED, _ERROR = 401, 304, 400


class GitHubClient:
    """Calls by path below the API root, such as `/repos/org/repo/pulls/7`."""

    def __init__(self, transport: Transport, auth: Auth, etags: EtagCache | None = None) -> None:
        self._transport = transport
        self._auth = auth
        self._etags = EtagCache() if etags is None else etags

    def __repr__(self) -> str:
        return f"GitHubClient({self._transport.root}, {self._auth!r})"

    def close(self) -> None:
        """Close the kept connections."""
        self._transport.close()

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        accept: str = JSON,
        repeatable: bool | None = None,
        max_body_bytes: int = 0,
    ) -> Response:
        """Make a call and return its answer, below 400.

        Args:
            method: In capitals.
            path: Absolute, already quoted.
            body: Sent as JSON if not None.
            accept: The media type asked for.
            repeatable: Whether doing it twice does no more than once; by default true for all but POST.
            max_body_bytes: How large an answer may be, instead of the transport's limit.

        Raises:
            NotFoundError: 404 or 410.
            PermanentError: Another refusal, with GitHub's message.
            RetryableError: See `Transport.send`.
            AmbiguousError: The same.
        """
        request = Request(
            method=method,
            url=self._transport.root + checked_path(path),
            accept=accept,
            body=None if body is None else json.dumps(body).encode(),
            repeatable=method != "POST" if repeatable is None else repeatable,
            max_body_bytes=max_body_bytes,
        )
        return self._send(request, scope_of(path))

    def json(self, method: str, path: str, body: Any = None, *, repeatable: bool | None = None) -> Any:
        """The decoded answer, None if it is empty. Raises what `call` does."""
        response = self.call(method, path, body, repeatable=repeatable)
        may_have_worked = method == "POST" and not repeatable
        return _decoded(f"{method} {path.partition('?')[0]}", response, ambiguous=may_have_worked)

    def pages(self, path: str, *, max_pages: int = MAX_PAGES) -> Iterator[Any]:
        """Each page's decoded answer, by the Link header, from this API only.

        Raises:
            PermanentError: More than `max_pages`, or a link to another host; and what `call` raises.
        """
        scope = scope_of(path)
        url = self._transport.root + checked_path(path)
        name = path.partition("?")[0]
        for _ in range(max_pages):
            response = self._send(Request(method="GET", url=url, repeatable=True), scope)
            yield _decoded(f"GET {name}", response, ambiguous=False)
            following = next_page(response.header("link"))
            if following is None:
                return
            if not self._transport.is_own(following):
                raise PermanentError(f"GitHub: GET {name}: the next page is on another host")
            url = following
        raise PermanentError(f"GitHub: GET {name}: more than {max_pages} pages")

    def _send(self, request: Request, scope: Scope | None) -> Response:
        key = (request.accept, scope.owner.lower() if scope else "", request.url)
        known = self._etags.get(key) if request.method == "GET" else None
        etag = known.header("etag") if known else ""
        request = replace(request, etag=etag, authorization=self._auth.authorization(scope))
        response = self._transport.send(request)
        if response.status == _UNAUTHORIZED and self._auth.rejected(scope):
            request = replace(request, authorization=self._auth.authorization(scope))
            response = self._transport.send(request)
        if response.status == _NOT_MODIFIED and known is not None:
            return known
        if response.status >= _ERROR:
            raise refusal(request, response, self._auth.hint)
        if request.method == "GET":
            self._etags.put(key, response)
        return response


def _decoded(name: str, response: Response, *, ambiguous: bool) -> Any:
    if not response.body:
        return None
    try:
        return json.loads(response.body)
    except (ValueError, RecursionError) as exc:
        kind = AmbiguousError if ambiguous else PermanentError
        media_type = response.header("content-type").partition(";")[0] or "something"
        raise kind(
            f"GitHub: {name}: answered {response.status} with {media_type[:80]} where JSON was expected;"
            " check GitHub's API URL in the settings"
        ) from exc
