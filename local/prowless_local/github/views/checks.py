"""Commit statuses and check runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prowless_local.github.timestamps import iso8601, iso8601_or_none
from prowless_local.github.views.accounts import app, node_id, simple_user
from prowless_local.github.views.commits import commit
from prowless_local.github.views.pulls import minimal_pull
from prowless_local.github.views.repositories import minimal_repository
from prowless_local.github.world import key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prowless_local.github.checks import Checks
    from prowless_local.github.githistory import Commit
    from prowless_local.github.records import CheckRun, Repository, Status

JSON = dict[str, Any]


def simple_status(world: Checks, one: Status) -> JSON:
    """A status inside a combined status."""
    return {
        "url": f"{world.url}/repos/{one.repository}/statuses/{one.sha}",
        "avatar_url": simple_user(world, one.creator)["avatar_url"],
        "id": one.id,
        "node_id": node_id("StatusContext", one.id),
        "state": one.state,
        "description": one.description,
        "target_url": one.target_url,
        "context": one.context,
        "created_at": iso8601(one.at_ms),
        "updated_at": iso8601(one.at_ms),
    }


def status(world: Checks, one: Status) -> JSON:
    """A status in full."""
    return {**simple_status(world, one), "creator": simple_user(world, one.creator)}


def combined(world: Checks, repository: Repository, sha: str, statuses: Sequence[Status], page: list[JSON]) -> JSON:
    """The combined status: failure if any is, else pending if any is or there is none, else success."""
    states = {one.state for one in statuses}
    overall = "success"
    if states & {"failure", "error"}:
        overall = "failure"
    elif not states or "pending" in states:
        overall = "pending"
    api = f"{world.url}/repos/{repository.full_name}/commits/{sha}"
    return {
        "state": overall,
        "statuses": page,
        "sha": sha,
        "total_count": len(statuses),
        "repository": minimal_repository(world, repository),
        "commit_url": api,
        "url": f"{api}/status",
    }


def status_event(world: Checks, repository: Repository, one: Status, head: Commit) -> JSON:
    """The payload of a `status` event."""
    git = world.git(repository.full_name)
    api = f"{world.url}/repos/{repository.full_name}/commits"
    branches = [
        {
            "name": name.removeprefix("refs/heads/"),
            "commit": {"sha": sha, "url": f"{api}/{sha}"},
            "protected": False,
        }
        for name, sha in git.refs("refs/heads/").items()
        if sha == one.sha
    ]
    return {
        "id": one.id,
        "sha": one.sha,
        "name": repository.full_name,
        "target_url": one.target_url,
        "context": one.context,
        "description": one.description,
        "state": one.state,
        "commit": commit(world, repository, head),
        "branches": branches,
        "created_at": iso8601(one.at_ms),
        "updated_at": iso8601(one.at_ms),
    }


def check_run(world: Checks, one: CheckRun) -> JSON:
    """A check run."""
    own = f"{world.url}/repos/{one.repository}/check-runs/{one.id}"
    html = f"{world.url}/{one.repository}/runs/{one.id}"
    pulls = [
        pull
        for pull in world.pulls(one.repository)
        if pull.head_sha == one.head_sha and pull.state == "open" and key(pull.head_repository) == key(one.repository)
    ]
    return {
        "id": one.id,
        "name": one.name,
        "node_id": node_id("CheckRun", one.id),
        "head_sha": one.head_sha,
        "external_id": one.external_id,
        "url": own,
        "html_url": html,
        "details_url": one.details_url or html,
        "status": one.status,
        "conclusion": one.conclusion,
        "started_at": iso8601(one.started_ms),
        "completed_at": iso8601_or_none(one.completed_ms),
        "output": {
            "title": one.output.get("title"),
            "summary": one.output.get("summary"),
            "text": one.output.get("text"),
            "annotations_count": len(one.annotations),
            "annotations_url": f"{own}/annotations",
        },
        "check_suite": {"id": world.suite_id(one)},
        "app": app(world, world.apps[one.app_id]),
        "pull_requests": [minimal_pull(world, pull) for pull in pulls],
    }


def check_run_event(world: Checks, one: CheckRun) -> JSON:
    """The `check_run` of a webhook, whose suite is spelled out."""
    view = check_run(world, one)
    refs = world.git(one.repository).refs("refs/heads/").items()
    branches = [name.removeprefix("refs/heads/") for name, sha in refs if sha == one.head_sha]
    suite = {
        "id": view["check_suite"]["id"],
        "node_id": node_id("CheckSuite", view["check_suite"]["id"]),
        "head_branch": branches[0] if branches else None,
        "head_sha": one.head_sha,
        "status": one.status,
        "conclusion": one.conclusion,
        "url": f"{world.url}/repos/{one.repository}/check-suites/{view['check_suite']['id']}",
        "before": None,
        "after": one.head_sha,
        "pull_requests": view["pull_requests"],
        "app": view["app"],
        "created_at": view["started_at"],
        "updated_at": view["completed_at"] or view["started_at"],
    }
    return {**view, "check_suite": suite}
