"""Deliveries by hand: bodies signed with `openssl`, posted over HTTP as GitHub would."""

from __future__ import annotations

import http.client
import json
import subprocess
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from prowless_local.places import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

SAMPLE = ROOT / "events" / "github" / "pull_request_opened.json"
OURS, FORMER, FOREIGN = "the secret of acme", "the former secret of acme", "the secret of globex"
GLOBAL = "the secret of everybody else"
SECRETS = json.dumps({"acme": [OURS, FORMER], "globex": FOREIGN, "*": [GLOBAL]})


def sample_body(org: str = "acme") -> bytes:
    """The body of `pull_request` opened for the first pull request of an organisation's repository `calculator`."""
    return SAMPLE.read_text().replace("acme", org).encode()


def openssl_signature(body: bytes, secret: str) -> str:
    """The value of X-Hub-Signature-256, by another program than ours."""
    command = ["openssl", "dgst", "-sha256", "-hmac", secret]
    said = subprocess.run(command, input=body, capture_output=True, check=True).stdout.decode()
    return "sha256=" + said.split()[-1]


def headers_of(body: bytes, secret: str, **changed: str | None) -> dict[str, str]:
    """GitHub's headers for a body; None leaves one out."""
    given: dict[str, str | None] = {
        "X-GitHub-Event": "pull_request",
        "X-GitHub-Delivery": str(uuid.uuid4()),
        "X-Hub-Signature-256": openssl_signature(body, secret),
        "Content-Type": "application/json",
        **{name.replace("_", "-"): value for name, value in changed.items()},
    }
    return {name: value for name, value in given.items() if value is not None}


def send(url: str, headers: Mapping[str, str], body: bytes, method: str = "POST") -> tuple[int, str]:
    """Status and text of the answer."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
    try:
        connection.request(method, parts.path, body, dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def changed(body: bytes, **entries: Any) -> bytes:
    """A JSON body with some of its entries replaced."""
    return json.dumps({**json.loads(body), **entries}).encode()
