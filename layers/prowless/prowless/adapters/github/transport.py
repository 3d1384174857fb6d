"""HTTP to GitHub: one bounded exchange, what may be repeated, and where a redirect may lead."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

import urllib3
from urllib3 import exceptions

from prowless.adapters.github.paths import Origin, api_root, without_query
from prowless.adapters.github.refusals import transient
from prowless.domain.errors import AmbiguousError, PermanentError, RetryableError, TooLargeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from prowless.ports.clock import Clock

JSON = "application/vnd.github+json"
RAW = "application/vnd.github.raw+json"
API_VERSION = "2022-11-28"

CONNECT_TIMEOUT_S = 3.0
READ_TIMEOUT_S = 15.0  # GitHub itself gives up after 10 s
BODY_TIMEOUT_MS = 60_000
MAX_BODY_BYTES = 32 * 1024 * 1024  # the largest tree that GitHub does not truncate has 7 MB
MAX_REPEATS = 3
MAX_WAIT_MS = 2000
FIRST_BACKOFF_MS = 250
MAX_REDIRECTS = 5
MAX_IDLE_MS = 15_000
CHUNK_BYTES = 64 * 1024

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_METHOD_KEEPING_REDIRECTS = frozenset({307, 308})
_READS = frozenset({"GET", "HEAD"})
# Raised before a byte of the request was written. NewConnectionError covers name resolution.
_NOTHING_SENT = (exceptions.NewConnectionError, exceptions.ConnectTimeoutError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A call. `repeatable` promises that making it twice does no more than making it once."""

    method: str
    url: str
    repeatable: bool
    accept: str = JSON
    body: bytes | None = field(default=None, repr=False)
    authorization: str = field(default="", repr=False)
    etag: str = ""
    max_body_bytes: int = 0  # instead of the transport's own limit, if there is one

    @property
    def name(self) -> str:
        """Method and path, for messages."""
        return f"{self.method} {urlsplit(self.url).path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An answer, read whole. Header names are in lower case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def header(self, name: str) -> str:
        """A header by its lower-case name; empty if there is none."""
        return self.headers.get(name, "")


class Transport:
    """Calls to one API root over kept connections.

    Args:
        root: The API root, such as `https://api.github.com` or `https://HOST/api/v3`.
        clock: Tells when a rate limit ends and how long an answer has taken.
        hosts: Further hosts (`host` or `host:port`) that a redirect may lead to, without credentials.
        ca_certs: A file of certificate authorities instead of the system's.
        sleep: Waits so many seconds.
        jitter: A random number from 0 to 1.
        read_timeout_s: How long GitHub may stay silent.
        max_body_bytes: How much of an answer is accepted, decompressed.

    Raises:
        ConfigError: The root cannot be used.
    """

    def __init__(
        self,
        root: str,
        *,
        clock: Clock,
        sleep: Callable[[float], None],
        jitter: Callable[[], float],
        hosts: Iterable[str] = (),
        ca_certs: str | None = None,
        read_timeout_s: float = READ_TIMEOUT_S,
        max_body_bytes: int = MAX_BODY_BYTES,
    ) -> None:
        self.root = api_root(root)
        self._origin = Origin.of(self.root)
        self._hosts = frozenset(host.lower() for host in hosts)
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter
        self._max_body_bytes = max_body_bytes
        self._last_answer_ms = 0
        self._pool = urllib3.PoolManager(
            num_pools=4,
            maxsize=4,
            retries=False,
            timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT_S, read=read_timeout_s),
            ca_certs=ca_certs,
        )

    def __repr__(self) -> str:
        return f"Transport({self.root})"

    def close(self) -> None:
        """Close the kept connections; later calls open new ones."""
        self._pool.clear()

    def is_own(self, url: str) -> bool:
        """Whether a URL belongs to the API's own origin."""
        return Origin.of(url) == self._origin

    def send(self, request: Request) -> Response:
        """Make a call, follow its redirects, repeat it where that is safe.

        Returns:
            Any answer but rate limits, server faults and redirects: refusals such as 404 are the caller's to judge.

        Raises:
            RetryableError: A rate limit beyond 2 s (with `retry_after_ms`), or a fault that outlasted three repeats.
            AmbiguousError: No usable answer to a call that must not be repeated but may have taken effect.
            PermanentError: A redirect to a place that is not configured, or an answer too large.
        """
        for _ in range(MAX_REDIRECTS + 1):
            response = self._persist(request)
            if response.status not in _REDIRECTS or not response.header("location"):
                return response
            request = self._followed(request, response)
        raise PermanentError(f"GitHub: {request.name}: more than {MAX_REDIRECTS} redirects")

    def _persist(self, request: Request) -> Response:
        repeats = 0
        while True:
            try:
                response = self._exchange(request)
                fault = transient(request, response, self._clock.now_ms())
            except RetryableError as error:
                fault = error
            else:
                if fault is None:
                    return response
            backoff = FIRST_BACKOFF_MS * 2**repeats * (0.5 + self._jitter() / 2)
            wait = max(fault.retry_after_ms or 0, backoff)
            if fault.ambiguous or repeats == MAX_REPEATS or wait > MAX_WAIT_MS:
                raise fault
            repeats += 1
            self._sleep(wait / 1000)

    def _exchange(self, request: Request) -> Response:
        now = self._clock.now_ms()
        if not request.repeatable and now - self._last_answer_ms > MAX_IDLE_MS:
            # Connections die unseen while Lambda freezes us. A write lost on one would look as if it may have worked.
            self._pool.clear()
        lost = RetryableError if request.repeatable else AmbiguousError
        try:
            answer = self._pool.request(
                request.method,
                request.url,
                body=request.body,
                headers=_headers(request),
                redirect=False,
                preload_content=False,
            )
            try:
                body = self._read(request, answer)
            finally:
                answer.release_conn()
        except _NOTHING_SENT as exc:
            raise RetryableError(f"GitHub: {request.name}: cannot connect ({type(exc).__name__})") from exc
        except exceptions.HTTPError as exc:
            raise lost(f"GitHub: {request.name}: no complete answer ({type(exc).__name__})") from exc
        self._last_answer_ms = self._clock.now_ms()
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Response(status=answer.status, headers=headers, body=body)

    def _read(self, request: Request, answer: urllib3.BaseHTTPResponse) -> bytes:
        started = self._clock.now_ms()
        limit = request.max_body_bytes or self._max_body_bytes
        chunks = []
        size = 0
        for chunk in answer.stream(CHUNK_BYTES, decode_content=True):
            chunks.append(chunk)
            size += len(chunk)
            slow = self._clock.now_ms() - started > BODY_TIMEOUT_MS
            if slow or size > limit:
                answer.close()
                kind = TooLargeError if request.repeatable else AmbiguousError
                most = f"{BODY_TIMEOUT_MS} ms" if slow else f"{limit} bytes"
                raise kind(f"GitHub: {request.name}: the answer takes more than {most}")
        return b"".join(chunks)

    def _followed(self, request: Request, response: Response) -> Request:
        target = urljoin(request.url, response.header("location"))
        origin = Origin.of(target)
        shown = without_query(target)
        if request.method not in _READS and (
            response.status not in _METHOD_KEEPING_REDIRECTS or not self.is_own(target)
        ):
            raise PermanentError(f"GitHub: {request.name}: {response.status} to {shown} is not followed with a write")
        if origin is not None and origin == Origin.of(request.url):
            return replace(request, url=target)
        downgrade = origin is not None and self._origin is not None and origin.scheme != self._origin.scheme
        if origin is None or downgrade or not (self.is_own(target) or origin.address in self._hosts):
            raise PermanentError(
                f"GitHub: {request.name}: redirect to {shown}, which is not among the configured GitHub hosts"
            )
        return replace(request, url=target, authorization="", etag="")


def _headers(request: Request) -> dict[str, str]:
    headers = {
        "Accept": request.accept,
        "Accept-Encoding": "gzip",
        "User-Agent": "prowless",
        "X-GitHub-Api-Version": API_VERSION,
    }
    if request.authorization:
        headers["Authorization"] = request.authorization
    if request.etag:
        headers["If-None-Match"] = request.etag
    if request.body is not None:
        headers["Content-Type"] = "application/json"
    return headers
