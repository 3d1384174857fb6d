"""The `Endpoints` port over HTTP: what goes out, what an answer means, and where nothing is sent."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from prowless.adapters.endpoints import HttpEndpoints
from prowless.domain.errors import PermanentError, RetryableError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.contract.endpoints.conftest import Endpoint

    from prowless_local.cluster.certificates import Certificate

HEADERS = {
    "User-Agent": "GitHub-Hookshot/1",
    "X-GitHub-Event": "push",
    "Content-Type": "application/json",
    "Accept": "*/*",
}
BODY = b'{"a":  "\xc3\xa4"}\n'
LOCAL = HttpEndpoints(local=["127.0.0.1"])


def test_the_request_is_what_it_is_told_to_be_and_nothing_more(plain: Endpoint) -> None:
    assert LOCAL.post(f"{plain.url}/hook?a=b", HEADERS, BODY).status == 200
    [(path, headers, body)] = plain.requests
    assert (path, body) == ("/hook?a=b", BODY)
    added = {"Host": plain.url.removeprefix("http://"), "Content-Length": str(len(BODY)), "Connection": "close"}
    assert headers == HEADERS | added


def test_a_url_without_a_path_is_the_root(plain: Endpoint) -> None:
    LOCAL.post(plain.url, HEADERS, BODY)
    assert plain.requests[0][0] == "/"


@pytest.mark.parametrize("status", [200, 202, 204, 301, 400, 404, 429, 500, 503])
def test_every_status_is_an_answer(plain: Endpoint, status: int) -> None:
    plain.status = status
    assert LOCAL.post(plain.url, HEADERS, BODY).status == status


def test_a_redirect_is_not_followed(plain: Endpoint) -> None:
    plain.status, plain.headers = 307, {"Location": f"{plain.url}/elsewhere"}
    assert LOCAL.post(plain.url, HEADERS, BODY).status == 307
    assert [path for path, _, _ in plain.requests] == ["/"]


@pytest.mark.parametrize(
    ("said", "seconds"), [("7", 7), ("999999", 86_400), ("Wed, 21 Oct 2026 07:28:00 GMT", 0), ("-1", 0), ("9" * 50, 0)]
)
def test_how_long_to_wait_is_read_in_seconds(plain: Endpoint, said: str, seconds: int) -> None:
    plain.status, plain.headers = 503, {"Retry-After": said}
    assert LOCAL.post(plain.url, HEADERS, BODY).retry_after_s == seconds


def test_a_certificate_must_be_trusted(secure: Endpoint, certificate: Certificate, tmp_path: Path) -> None:
    with pytest.raises(RetryableError, match="its certificate is not trusted"):
        LOCAL.post(secure.url, HEADERS, BODY)
    assert secure.requests == []
    authorities = tmp_path / "ca.pem"
    authorities.write_text(certificate.pem)
    trusting = HttpEndpoints(local=["127.0.0.1"], ca_certs=str(authorities))
    assert trusting.post(secure.url, HEADERS, BODY).status == 200
    assert secure.requests[0][2] == BODY


def test_the_certificate_must_be_for_the_host_of_the_url_whatever_it_resolves_to(
    secure: Endpoint, certificate: Certificate, tmp_path: Path
) -> None:
    authorities = tmp_path / "ca.pem"
    authorities.write_text(certificate.pem)
    elsewhere = HttpEndpoints(
        local=["hook.example"], ca_certs=str(authorities), resolve=lambda _host, _port: ["127.0.0.1"]
    )
    with pytest.raises(RetryableError, match="certificate is not trusted"):
        elsewhere.post(secure.url.replace("127.0.0.1", "hook.example"), HEADERS, BODY)


def _reset(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def _garbage(connection: socket.socket) -> None:
    connection.sendall(b"no http at all\r\n\r\n")
    connection.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("behave", [_reset, _garbage])
def test_a_broken_answer_may_be_another_the_next_time(plain: Endpoint, behave: object) -> None:
    plain.behave = behave  # type: ignore[assignment]  # one of the two above
    with pytest.raises(RetryableError, match="no answer"):
        LOCAL.post(plain.url, HEADERS, BODY)


def _silent(_connection: socket.socket, done: threading.Event) -> None:
    done.wait(10)


def _dripping(connection: socket.socket, done: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not done.wait(0.02):
        connection.sendall(b"x")


@pytest.mark.parametrize("behave", [_silent, _dripping])
@pytest.mark.parametrize("kind", ["plain", "secure"])
def test_an_endpoint_has_so_much_time_and_no_more_however_it_uses_it(
    request: pytest.FixtureRequest, kind: str, behave: object, certificate: Certificate, tmp_path: Path
) -> None:
    endpoint: Endpoint = request.getfixturevalue(kind)
    authorities = tmp_path / "ca.pem"
    authorities.write_text(certificate.pem)
    done = threading.Event()
    endpoint.behave = lambda connection: behave(connection, done)  # type: ignore[operator]  # one of the two above
    hasty = HttpEndpoints(local=["127.0.0.1"], timeout_s=0.3, ca_certs=str(authorities))
    started = time.monotonic()
    try:
        with pytest.raises(RetryableError, match=r"no answer within 0\.3 s"):
            hasty.post(endpoint.url, HEADERS, BODY)
    finally:
        done.set()
    assert time.monotonic() - started < 5


def test_an_endless_answer_is_read_up_to_a_bound(plain: Endpoint) -> None:
    def endless(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b"x" * 65536)

    plain.behave = endless
    assert LOCAL.post(plain.url, HEADERS, BODY).status == 200


def test_nobody_listening_is_a_fault_that_may_pass() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(RetryableError, match="cannot connect"):
        LOCAL.post(f"http://127.0.0.1:{port}", HEADERS, BODY)


def test_the_second_address_of_a_name_is_tried(plain: Endpoint) -> None:
    port = plain.url.rpartition(":")[2]
    two = HttpEndpoints(local=["hook.example"], resolve=lambda _host, _port: ["127.0.0.2", "127.0.0.1"])
    assert two.post(f"http://hook.example:{port}", HEADERS, BODY).status == 200


def test_a_name_that_does_not_resolve_may_do_so_later() -> None:
    def unknown(_host: str, _port: int) -> Iterable[str]:
        raise socket.gaierror

    with pytest.raises(RetryableError, match="the name does not resolve"):
        HttpEndpoints(resolve=unknown).post("https://hook.example", HEADERS, BODY)


def test_what_is_no_name_is_refused() -> None:
    with pytest.raises(PermanentError, match="it is no name of a host"):
        HttpEndpoints().post(f"https://{'x' * 64}.example", HEADERS, BODY)


def test_only_https_goes_out_where_nothing_else_is_said(plain: Endpoint) -> None:
    with pytest.raises(PermanentError, match="only https"):
        HttpEndpoints().post(plain.url, HEADERS, BODY)
    assert plain.requests == []


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "169.254.169.254",
        "169.254.170.2",
        "0.0.0.0",  # noqa: S104  nothing is bound to it
        "0.1.2.3",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "ff02::1",
        "fd00:ec2::254",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
    ],
)
def test_nothing_is_sent_to_what_is_near_us_whatever_its_name(address: str) -> None:
    def unreached(_host: str, _port: int) -> Iterable[str]:
        return [address]

    with pytest.raises(PermanentError, match="where nothing is sent to from here"):
        HttpEndpoints(resolve=unreached).post("https://hook.example", HEADERS, BODY)


@pytest.mark.parametrize("address", ["10.1.2.3", "172.16.0.1", "192.168.1.1", "93.184.216.34", "2606:4700::1"])
def test_public_and_private_addresses_are_connected_to(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def refuse(target: tuple[str, int], timeout: float) -> socket.socket:
        tried.append(target)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", refuse)
    with pytest.raises(RetryableError, match="cannot connect"):
        HttpEndpoints(resolve=lambda _host, _port: [address]).post("https://hook.example", HEADERS, BODY)
    assert tried == [(address, 443)]
