"""Each operation that the fake serves, with requests and answers that GitHub's description allows."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from tests.contract.github_openapi.checked_client import description

from prowless_local.github.api import ROUTES

if TYPE_CHECKING:
    from tests.contract.github_openapi.conftest import Scene

REPO = "/repos/octo/widgets"
COMPLETED = {"status": "completed", "conclusion": "success", "output": {"title": "Done", "summary": "All well"}}
ANNOTATION = {"path": "a", "start_line": 1, "end_line": 1, "annotation_level": "failure", "message": "bad"}
STARTED = {"name": "test", "head_sha": "<head>", "status": "in_progress", "started_at": "2026-01-01T00:00:00Z"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    target: str
    auth: str = "installation"
    status: int = 200
    body: Any = None


CASES = {
    "get /app": Case(target="/app", auth="app"),
    "get /app/hook/deliveries": Case(target="/app/hook/deliveries?per_page=1", auth="app"),
    "get /app/hook/deliveries/{}": Case(target="/app/hook/deliveries/<app_delivery>", auth="app"),
    "post /app/hook/deliveries/{}/attempts": Case(
        target="/app/hook/deliveries/<app_delivery>/attempts", auth="app", status=202
    ),
    "get /app/installations": Case(target="/app/installations", auth="app"),
    "get /app/installations/{}": Case(target="/app/installations/<installation>", auth="app"),
    "post /app/installations/{}/access_tokens": Case(
        target="/app/installations/<installation>/access_tokens",
        auth="app",
        status=201,
        body={"repositories": ["widgets"], "permissions": {"contents": "read"}},
    ),
    "get /orgs/{}/hooks/{}/deliveries": Case(target="/orgs/octo/hooks/<org_hook>/deliveries", auth="user"),
    "get /orgs/{}/hooks/{}/deliveries/{}": Case(
        target="/orgs/octo/hooks/<org_hook>/deliveries/<org_delivery>", auth="user"
    ),
    "post /orgs/{}/hooks/{}/deliveries/{}/attempts": Case(
        target="/orgs/octo/hooks/<org_hook>/deliveries/<org_delivery>/attempts", auth="user", status=202
    ),
    "get /orgs/{}/installation": Case(target="/orgs/octo/installation", auth="app"),
    "get /orgs/{}/members/{}": Case(target="/orgs/octo/members/alice", status=204),
    "get /orgs/{}/teams/{}/memberships/{}": Case(target="/orgs/octo/teams/leads/memberships/alice"),
    "get /rate_limit": Case(target="/rate_limit"),
    "get /repos/{}/{}": Case(target=REPO),
    "get /repos/{}/{}/branches/{}": Case(target=f"{REPO}/branches/main"),
    "get /repos/{}/{}/check-runs/{}": Case(target=f"{REPO}/check-runs/<run>"),
    "patch /repos/{}/{}/check-runs/{}": Case(target=f"{REPO}/check-runs/<run>", body=COMPLETED),
    "post /repos/{}/{}/check-runs": Case(
        target=f"{REPO}/check-runs",
        status=201,
        body={**STARTED, "output": {"title": "t", "summary": "s", "annotations": [ANNOTATION]}},
    ),
    "get /repos/{}/{}/collaborators/{}": Case(target=f"{REPO}/collaborators/alice", status=204),
    "get /repos/{}/{}/collaborators/{}/permission": Case(target=f"{REPO}/collaborators/alice/permission"),
    "get /repos/{}/{}/commits/{}": Case(target=f"{REPO}/commits/topic"),
    "get /repos/{}/{}/commits/{}/check-runs": Case(target=f"{REPO}/commits/<head>/check-runs"),
    "get /repos/{}/{}/commits/{}/status": Case(target=f"{REPO}/commits/<head>/status?per_page=1&page=2"),
    "get /repos/{}/{}/commits/{}/statuses": Case(target=f"{REPO}/commits/<head>/statuses"),
    "get /repos/{}/{}/compare/{}": Case(target=f"{REPO}/compare/main...topic"),
    "get /repos/{}/{}/contents/{}": Case(target=f"{REPO}/contents/src%2Fa.txt?ref=main"),
    "get /repos/{}/{}/git/commits/{}": Case(target=f"{REPO}/git/commits/<head>"),
    "get /repos/{}/{}/git/ref/{}": Case(target=f"{REPO}/git/ref/heads%2Fmain"),
    "get /repos/{}/{}/git/trees/{}": Case(target=f"{REPO}/git/trees/<head>?recursive=1"),
    "get /repos/{}/{}/hooks/{}/deliveries": Case(target=f"{REPO}/hooks/<repo_hook>/deliveries", auth="user"),
    "get /repos/{}/{}/hooks/{}/deliveries/{}": Case(
        target=f"{REPO}/hooks/<repo_hook>/deliveries/<repo_delivery>", auth="user"
    ),
    "post /repos/{}/{}/hooks/{}/deliveries/{}/attempts": Case(
        target=f"{REPO}/hooks/<repo_hook>/deliveries/<repo_delivery>/attempts", auth="user", status=202
    ),
    "get /repos/{}/{}/installation": Case(target=f"{REPO}/installation", auth="app"),
    "get /repos/{}/{}/issues/comments/{}": Case(target=f"{REPO}/issues/comments/<comment>"),
    "patch /repos/{}/{}/issues/comments/{}": Case(target=f"{REPO}/issues/comments/<comment>", body={"body": "New"}),
    "delete /repos/{}/{}/issues/comments/{}": Case(target=f"{REPO}/issues/comments/<comment>", status=204),
    "get /repos/{}/{}/issues/{}/comments": Case(target=f"{REPO}/issues/1/comments"),
    "post /repos/{}/{}/issues/{}/comments": Case(target=f"{REPO}/issues/1/comments", status=201, body={"body": "Hi"}),
    "get /repos/{}/{}/issues/{}/labels": Case(target=f"{REPO}/issues/1/labels"),
    "post /repos/{}/{}/issues/{}/labels": Case(target=f"{REPO}/issues/1/labels", body={"labels": ["ok-to-test"]}),
    "delete /repos/{}/{}/issues/{}/labels/{}": Case(target=f"{REPO}/issues/1/labels/lgtm"),
    "get /repos/{}/{}/pulls": Case(target=f"{REPO}/pulls?state=all&head=octo:topic"),
    "get /repos/{}/{}/pulls/{}": Case(target=f"{REPO}/pulls/1"),
    "get /repos/{}/{}/pulls/{}/commits": Case(target=f"{REPO}/pulls/1/commits"),
    "get /repos/{}/{}/pulls/{}/files": Case(target=f"{REPO}/pulls/1/files"),
    "post /repos/{}/{}/statuses/{}": Case(
        target=f"{REPO}/statuses/<head>",
        status=201,
        body={"state": "success", "context": "unit", "description": "Good", "target_url": "https://example.com/"},
    ),
    "get /repos/{}/{}/tarball/{}": Case(target=f"{REPO}/tarball/main", status=302),
    "get /user": Case(target="/user", auth="user"),
    "get /users/{}/installation": Case(target="/users/octo/installation", auth="app"),
}
DESCRIBED = sorted(
    f"{method} {re.sub('{[^}]+}', '{}', path)}"
    for path, methods in description()["paths"].items()
    for method in methods
)


def filled(value: Any, names: dict[str, object]) -> Any:
    """The value with every `<name>` replaced."""
    return json.loads(re.sub(r"<(\w+)>", lambda match: str(names[match[1]]), json.dumps(value)))


@pytest.mark.parametrize("operation", DESCRIBED)
def test_requests_and_answers_are_as_github_describes_them(scene: Scene, operation: str) -> None:
    case = CASES[operation]
    method = operation.partition(" ")[0].upper()
    target, body = filled([case.target, case.body], scene.names)
    answer = scene.client.call(method, target, body, authorization=scene.authorization(case.auth))
    assert answer.status == case.status, answer.body


def test_every_route_is_described() -> None:
    without_tail = {"get /repos/{}/{}/contents", "get /repos/{}/{}/tarball"}  # described with an empty last variable
    served = {f"{route.method.lower()} {re.sub('{[^}]+}', '{}', route.path)}" for route in ROUTES}
    assert served - without_tail | {"get /rate_limit"} == set(DESCRIBED)


@pytest.mark.parametrize("name", ["README.md", "src", "src/a.txt"])
def test_contents_of_files_and_folders(scene: Scene, name: str) -> None:
    target = f"{REPO}/contents/{name.replace('/', '%2F')}"
    answer = scene.client.call("GET", target, authorization=scene.authorization("installation"))
    assert isinstance(answer.body, list) == (name == "src")


@pytest.mark.parametrize(
    ("method", "target", "body", "status"),
    [
        ("GET", f"{REPO}/pulls/99", None, 404),
        ("GET", f"{REPO}/contents/absent", None, 404),
        ("GET", f"{REPO}/git/ref/heads%2Fabsent", None, 404),
        ("GET", f"{REPO}/commits/absent", None, 422),
        ("GET", f"{REPO}/compare/main...absent", None, 404),
        ("DELETE", f"{REPO}/issues/1/labels/absent", None, 404),
        ("GET", "/orgs/octo/members/stranger", None, 404),
        ("GET", "/orgs/octo/teams/leads/memberships/stranger", None, 404),
        ("GET", f"{REPO}/branches/absent", None, 404),
        ("GET", f"{REPO}/collaborators/stranger", None, 404),
        ("GET", f"{REPO}/collaborators/stranger/permission", None, 404),
    ],
)
def test_refusals_are_as_github_describes_them(scene: Scene, method: str, target: str, body: Any, status: int) -> None:
    answer = scene.client.call(method, target, body, authorization=scene.authorization("installation"))
    assert answer.status == status
