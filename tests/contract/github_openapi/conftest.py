"""A populated fake GitHub, and a client that checks both sides."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from tests.contract.github_openapi.checked_client import CheckedClient

from prowless_local.github import FakeGitHub

if TYPE_CHECKING:
    from collections.abc import Iterator

APP = 7


@cache
def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return pem.decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What the cases talk about; `names` fill in the placeholders of their paths."""

    github: FakeGitHub
    client: CheckedClient
    names: dict[str, object]

    def authorization(self, kind: str) -> str:
        now = self.github.now_ms() // 1000
        claims = {"iat": now - 60, "exp": now + 500, "iss": str(APP)}
        match kind:
            case "app":
                return f"Bearer {jwt.encode(claims, private_key(), 'RS256')}"
            case "installation":
                installation = self.github.installations[int(str(self.names["installation"]))]
                return f"Bearer {self.github.mint(installation, installation.permissions, None).token}"
            case "user":
                return f"token {self.github.create_token('alice')}"
            case _:
                return ""


@pytest.fixture
def scene() -> Iterator[Scene]:
    with FakeGitHub() as github, socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound but not listening: deliveries are refused at once
        github.create_org("octo", ["alice"])
        app = github.create_app(APP, private_key())
        names: dict[str, object] = {"installation": app.installations["octo"]}
        files = {"README.md": "read me\n", "src/a.txt": "one\ntwo\nthree\nfour\nfive\n", "run.sh": "#!/bin/sh\n"}
        github.create_repository("octo/widgets", files, author="alice")
        unreachable = f"http://127.0.0.1:{nobody.getsockname()[1]}/hook"
        names["app_hook"] = github.add_hook(unreachable, "one", ["pull_request"])
        names["repo_hook"] = github.add_hook(unreachable, "two", ["pull_request"], scope="octo/widgets")
        names["org_hook"] = github.add_hook(unreachable, "three", ["pull_request"], scope="octo")
        renamed = {"src/a.txt": None, "src/b.txt": "one\ntwo\nthree\nfour\nfive\nsix\n", "README.md": "read\n"}
        names["pull"] = github.open_pull("octo/widgets", "topic", renamed, "Topic", "alice", body="Please.")
        github.flush()
        names["head"] = github.pull("octo/widgets", 1).head_sha
        names["base"] = github.head("octo/widgets")
        names["comment"] = github.comment("octo/widgets", 1, "Hello", "alice")
        github.add_label("octo/widgets", 1, "lgtm", sender="alice")
        github.add_team_member("octo", "leads", "alice")
        github.require_contexts("octo/widgets", "main", ["unit"])
        for context in ("unit", "lint"):
            github.post_status("octo/widgets", str(names["head"]), "pending", context=context, creator="alice")
        run = github.create_check_run("octo/widgets", str(names["head"]), "build", app_id=APP, fields={})
        names["run"] = run.id
        for which in ("app", "repo", "org"):
            names[f"{which}_delivery"] = github.deliveries(int(str(names[f"{which}_hook"])))[0].id
        client = CheckedClient(github.url)
        yield Scene(github=github, client=client, names=names)
        client.close()
