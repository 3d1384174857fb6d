"""HTTP to external plugins: one request each, to public or private addresses but to nothing that is near us.

The address that was looked at is the one that is connected to, so a name cannot change its meaning in between.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from prowless.domain.errors import PermanentError, RetryableError
from prowless.ports.endpoints import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from urllib.parse import SplitResult

    Address = ipaddress.IPv4Address | ipaddress.IPv6Address

TIMEOUT_S = 10.0
"""For everything from connecting to the answer's headers; GitHub itself waits ten seconds for a webhook."""

_CONNECT_S = 3.0
_MAX_DRAINED = 64 * 1024
_MAX_RETRY_AFTER_S = 86_400
_METADATA = ipaddress.ip_address("fd00:ec2::254")
_THIS_NETWORK = ipaddress.ip_network("0.0.0.0/8")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class HttpEndpoints:
    """`Endpoints` over HTTPS with verified certificates."""

    def __init__(
        self,
        *,
        local: Iterable[str] = (),
        ca_certs: str | None = None,
        timeout_s: float = TIMEOUT_S,
        resolve: Callable[[str, int], Iterable[str]] | None = None,
    ) -> None:
        """Make no connection yet.

        Args:
            local: hosts that are taken as they are: plain http is allowed, and any address.
            ca_certs: a file of certificate authorities instead of the system's.
            timeout_s: what one request may take.
            resolve: host and port to addresses, most preferred first; raises OSError.
        """
        self._local = frozenset(local)
        self._tls = ssl.create_default_context(cafile=ca_certs)
        self._timeout_s = timeout_s
        self._resolve = resolve or _resolved

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """See Endpoints."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme != "https" and host not in self._local:
            raise PermanentError(f"{parts.scheme}://{host}: only https is sent to from here")
        port = parts.port or (443 if parts.scheme == "https" else 80)
        try:
            return self._exchange(parts, port, headers, body)
        except ssl.SSLCertVerificationError as exc:
            raise RetryableError(f"{host}:{port}: its certificate is not trusted ({exc.verify_message})") from exc
        except TimeoutError as exc:
            raise RetryableError(f"{host}:{port}: no answer within {self._timeout_s:g} s") from exc
        except (OSError, http.client.HTTPException) as exc:
            raise RetryableError(f"{host}:{port}: no answer ({type(exc).__name__})") from exc

    def _exchange(self, parts: SplitResult, port: int, headers: Mapping[str, str], body: bytes) -> Answer:
        host = parts.hostname or ""
        connected = self._connected(host, port)
        made = http.client.HTTPConnection(host, port)
        if parts.scheme == "https":
            made = http.client.HTTPSConnection(host, port, context=self._tls)
            connected = self._tls.wrap_socket(connected, server_hostname=host, do_handshake_on_connect=False)
        made.sock = connected
        with contextlib.closing(made), _deadline(connected, self._timeout_s) as cut:
            if isinstance(connected, ssl.SSLSocket):
                connected.do_handshake()
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            made.putrequest("POST", target, skip_accept_encoding=True)
            for name, value in {**headers, "Content-Length": str(len(body)), "Connection": "close"}.items():
                made.putheader(name, value)
            made.endheaders(body)
            answer = made.getresponse()
            if cut.is_set():  # http.client takes the end of the connection for the end of the headers
                raise TimeoutError
            with contextlib.suppress(OSError, http.client.HTTPException):
                # Some servers stop working on a request whose answer is not wanted. What they say is of no interest.
                answer.read(_MAX_DRAINED)
            return Answer(status=answer.status, retry_after_s=_seconds(answer.headers.get("Retry-After", "")))

    def _connected(self, host: str, port: int) -> socket.socket:
        try:
            addresses = list(self._resolve(host, port))
        except UnicodeError as exc:
            raise PermanentError(f"{host[:80]}: it is no name of a host") from exc
        except OSError as exc:
            raise RetryableError(f"{host}: the name does not resolve") from exc
        if host not in self._local:
            allowed = [address for address in addresses if not _near(address)]
            if addresses and not allowed:
                raise PermanentError(f"{host}: it resolves to {addresses[0]}, where nothing is sent to from here")
            addresses = allowed
        failure: OSError | None = None
        for address in addresses[:3]:
            try:
                raw = socket.create_connection((address, port), timeout=_CONNECT_S)
            except OSError as exc:
                failure = exc
                continue
            raw.settimeout(self._timeout_s)
            return raw
        raise RetryableError(f"{host}:{port}: cannot connect ({type(failure).__name__})") from failure


def _resolved(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _near(text: str) -> bool:
    """Whether an address is this machine, its link (where clouds answer for credentials), or no host at all."""
    address: Address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        if address in _NAT64:
            address = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        else:
            address = address.ipv4_mapped or address.sixtofour or address
    return (
        address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_unspecified
        or address.is_reserved
        or address == _METADATA
        or (address.version == 4 and address in _THIS_NETWORK)  # noqa: PLR2004  IP's own number
    )


@contextlib.contextmanager
def _deadline(connected: socket.socket, seconds: float) -> Iterator[threading.Event]:
    """Cut the connection after that time: a socket's own time-out begins anew with each byte."""
    cut = threading.Event()

    def cut_off() -> None:
        cut.set()
        with contextlib.suppress(OSError):
            socket.socket.shutdown(connected, socket.SHUT_RDWR)  # TLS's own would also touch what the reader uses

    timer = threading.Timer(seconds, cut_off)
    timer.daemon = True
    timer.start()
    try:
        yield cut
    except (OSError, http.client.HTTPException) as exc:
        if cut.is_set():
            raise TimeoutError from exc
        raise
    finally:
        timer.cancel()


def _seconds(text: str) -> int:
    """`Retry-After` in seconds; its other form, a date, counts as nothing said."""
    return min(int(text), _MAX_RETRY_AFTER_S) if text.isascii() and text.isdecimal() and len(text) < 10 else 0  # noqa: PLR2004  digits
