"""Clone and fetch over HTTP: git's smart protocol, read-only, by `git upload-pack`."""

from __future__ import annotations

import gzip
import re
import zlib
from http import HTTPStatus
from typing import TYPE_CHECKING

from prowless_local.github.access import may_read
from prowless_local.github.apps import BadCredentialsError, Principal
from prowless_local.github.http_messages import Request, Response
from prowless_local.github.world import key

if TYPE_CHECKING:
    from prowless_local.github.apps import Apps
    from prowless_local.github.githistory import GitHistory

ADDRESS = re.compile(
    r"/(?P<owner>[^/]+)/(?P<name>[^/]+?)(?:\.git)?/(?P<service>info/refs|git-upload-pack|git-receive-pack)\Z"
)
ANY_COMMIT = ("-c", "uploadpack.allowAnySHA1InWant=true")
"""GitHub serves any commit it has by SHA, which is how CI fetches an exact test merge."""

NO_CACHE = {"Cache-Control": "no-cache, max-age=0, must-revalidate"}
LARGEST_REQUEST = 64 * 1024 * 1024


def is_git(path: str) -> bool:
    """Whether a path belongs to the git protocol."""
    return ADDRESS.match(path) is not None


def answer(world: Apps, request: Request) -> Response:
    """Answer a git client. Pushing is refused; a private repository needs credentials with `contents: read`."""
    match = ADDRESS.match(request.path)
    try:
        who = world.principal(request.headers.get("authorization"))
    except BadCredentialsError:
        return _unauthorised()
    git = _readable(world, who, f"{match['owner']}/{match['name']}") if match else None
    if match is None or git is None:
        missing = _text(HTTPStatus.NOT_FOUND, "Repository not found.")
        return _unauthorised() if who.kind == "anonymous" else missing
    asked = (request.method, match["service"], request.query)
    if asked == ("GET", "info/refs", "service=git-upload-pack"):
        return _advertise(git, request, who)
    if asked == ("POST", "git-upload-pack", ""):
        return _upload(git, request, who)
    return _text(HTTPStatus.FORBIDDEN, "This repository can only be read over HTTP.")


def _readable(world: Apps, who: Principal, full_name: str) -> GitHistory | None:
    repository = world.repositories.get(key(full_name))
    if repository is None or not may_read(world, who, repository):
        return None
    if repository.private and who.kind == "installation" and not who.may("contents", "read"):
        return None
    return world.git(full_name)


def _advertise(git: GitHistory, request: Request, who: Principal) -> Response:
    protocol = request.headers.get("git-protocol", "")
    refs = git.run(
        *ANY_COMMIT,
        "upload-pack",
        "--stateless-rpc",
        "--http-backend-info-refs",
        str(git.path),
        extra_env={"GIT_PROTOCOL": protocol},
    )
    banner = b"" if "version=2" in protocol else b"001e# service=git-upload-pack\n0000"
    headers = {"Content-Type": "application/x-git-upload-pack-advertisement", **NO_CACHE}
    return Response(status=HTTPStatus.OK, headers=headers, body=banner + refs, auth=who.kind)


def _upload(git: GitHistory, request: Request, who: Principal) -> Response:
    body = request.body
    if request.headers.get("content-encoding") in {"gzip", "x-gzip"}:
        try:
            body = gzip.decompress(body)
        except (OSError, EOFError, zlib.error):
            return _text(HTTPStatus.BAD_REQUEST, "The body is not gzip.")
    environment = {"GIT_PROTOCOL": request.headers.get("git-protocol", "")}
    arguments = (*ANY_COMMIT, "upload-pack", "--stateless-rpc", str(git.path))
    # upload-pack ends with 128 when it refuses a want; its reason is then in the answer's error packet
    pack = git.run(*arguments, stdin=body, extra_env=environment, accept=(0, 128))
    headers = {"Content-Type": "application/x-git-upload-pack-result", **NO_CACHE}
    return Response(status=HTTPStatus.OK, headers=headers, body=pack, auth=who.kind)


def _text(status: HTTPStatus, text: str) -> Response:
    return Response(status=status, headers={"Content-Type": "text/plain; charset=utf-8"}, body=text.encode())


def _unauthorised() -> Response:
    headers = {"Content-Type": "text/plain; charset=utf-8", "WWW-Authenticate": 'Basic realm="GitHub"'}
    return Response(status=HTTPStatus.UNAUTHORIZED, headers=headers, body=b"Repository not found.")
