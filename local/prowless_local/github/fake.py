"""The fake GitHub as one object: state, HTTP server, faults and log."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Self

from prowless_local.github import pages, smarthttp
from prowless_local.github.api import Api
from prowless_local.github.checks import Checks
from prowless_local.github.http_messages import Request, Response, encoded
from prowless_local.github.limits import Limits, SecondaryLimit
from prowless_local.github.records import FaultResponse, RequestRecord
from prowless_local.github.rest import archives
from prowless_local.github.server import Server

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from prowless_local.github.timestamps import Clock

API_ROOTS = frozenset({"app", "orgs", "rate_limit", "repos", "user", "users"})
KEPT_REQUESTS = 100_000


class FakeGitHub(Checks):
    """A GitHub for one machine: REST API, webhooks, git over HTTP and pages, all at `url`.

    The methods are inherited, one class for each kind of thing; all are thread-safe. `repository` arguments are
    `owner/name`, times come from the clock, and nothing outlives `close`.

    Args:
        clock: Tells the time of records, tokens and limits; the wall clock when None.
        port: TCP port on 127.0.0.1; 0 for a free one.

    Attributes:
        fault: Called with method and path before each HTTP request; what it returns is answered instead.
        limits: Set `limits.limit` to change the hourly budget.
    """

    def __init__(self, clock: Clock | None = None, port: int = 0) -> None:
        super().__init__(clock)
        self.fault: Callable[[str, str], FaultResponse | None] | None = None
        self.limits = Limits(self.clock)
        self._api = Api(self, self.limits)
        self._requests: deque[RequestRecord] = deque(maxlen=KEPT_REQUESTS)
        self._requests_lock = threading.Lock()
        self._server = Server(port, self._answer)
        self.url = self._server.url

    def start(self) -> Self:
        """Serve HTTP in a thread."""
        self._server.start()
        return self

    def close(self) -> None:
        """Stop sending and serving, and delete the git directories; waits for deliveries under way."""
        self.hooks.close()
        self._server.close()
        self.delete_directories()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def requests(self) -> list[RequestRecord]:
        """The HTTP requests so far, oldest first."""
        with self._requests_lock:
            return list(self._requests)

    def clear_requests(self) -> None:
        """Forget the requests so far."""
        with self._requests_lock:
            self._requests.clear()

    def inject_secondary_limit(self, count: int = 1, *, retry_after_seconds: int = 60, status: int = 403) -> None:
        """Refuse the next API requests as GitHub does when they come too fast (403 or 429, with `Retry-After`)."""
        self.limits.inject_secondary(SecondaryLimit(status=status, retry_after_seconds=retry_after_seconds), count)

    def _answer(self, request: Request) -> Response:
        response = self._dispatch(request)
        record = RequestRecord(
            method=request.method,
            path=request.path,
            query=request.query,
            status=0 if response.drop else int(response.status),
            auth=response.auth,
            at_ms=self.now_ms(),
        )
        with self._requests_lock:
            self._requests.append(record)
        return response

    def _dispatch(self, request: Request) -> Response:
        if request.path.split("/")[1] in API_ROOTS:
            return self._api.answer(request, self.fault)
        strike = self.fault(request.method, request.path) if self.fault else None
        if strike is not None:
            body, kind = encoded(strike.body)
            headers = {"Content-Type": kind, **strike.headers}
            return Response(status=strike.status, headers=headers, body=body, drop=strike.drop)
        if request.path.startswith(archives.PREFIX):
            return archives.download(self, request)
        if smarthttp.is_git(request.path):
            return smarthttp.answer(self, request)
        return pages.answer(self, request.path)
