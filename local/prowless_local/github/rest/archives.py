"""A repository's files at a commit as one archive."""

from __future__ import annotations

import secrets
from http import HTTPStatus
from typing import TYPE_CHECKING

from prowless_local.github.http_messages import Request, Response
from prowless_local.github.rest.call import Call, Reply, Route, not_found

if TYPE_CHECKING:
    from prowless_local.github.repositories import Repositories

PREFIX = "/codeload/"


def tarball(call: Call) -> Reply:
    """`GET /repos/{owner}/{repo}/tarball[/{ref}]`: a redirect to an address that needs no credentials, used once."""
    repository = call.repository
    sha = call.commit_sha(call.params.get("ref") or repository.default_branch)
    if sha is None:
        raise not_found()
    ticket = secrets.token_urlsafe(24)
    call.github.archive_tickets[ticket] = (repository.full_name, sha)
    return Reply(status=HTTPStatus.FOUND, headers={"Location": f"{call.github.url}{PREFIX}{ticket}"})


def download(world: Repositories, request: Request) -> Response:
    """The archive that a ticket stands for: one folder `<owner>-<name>-<short SHA>` in a gzipped tar."""
    found = world.archive_tickets.pop(request.path.removeprefix(PREFIX), None)
    if found is None:
        return Response(status=HTTPStatus.NOT_FOUND, headers={"Content-Type": "text/plain"}, body=b"404: Not Found")
    full_name, sha = found
    folder = f"{full_name.replace('/', '-')}-{sha[:7]}"
    archive = world.git(full_name).run("archive", "--format=tar.gz", f"--prefix={folder}/", sha)
    headers = {"Content-Type": "application/x-gzip", "Content-Disposition": f"attachment; filename={folder}.tar.gz"}
    return Response(status=HTTPStatus.OK, headers=headers, body=archive)


REPO = "/repos/{owner}/{repo}"

ROUTES = (
    Route(method="GET", path=f"{REPO}/tarball", handler=tarball, permission="contents:read"),
    Route(method="GET", path=f"{REPO}/tarball/{{ref}}", handler=tarball, permission="contents:read"),
)
