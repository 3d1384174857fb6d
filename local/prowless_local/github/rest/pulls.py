"""Pull requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prowless_local.github.rest.call import Call, Reply, Route
from prowless_local.github.views import commits as commit_views
from prowless_local.github.views import pulls as views

if TYPE_CHECKING:
    from prowless_local.github.records import Pull

MOST_FILES = 3000
"""GitHub lists at most this many changed files of a pull."""


def list_pulls(call: Call) -> Reply:
    """`GET /repos/{owner}/{repo}/pulls`, filtered by state, head (`owner:branch`) and base."""
    options = call.options
    state, head, base = options.get("state", "open"), options.get("head", ""), options.get("base", "")

    def wanted(pull: Pull) -> bool:
        label = f"{pull.head_repository.partition('/')[0]}:{pull.head_ref}"
        return state in {"all", pull.state} and head in {"", label} and base in {"", pull.base_ref}

    order = "updated_ms" if options.get("sort") == "updated" else "created_ms"
    descending = options.get("direction", "asc" if options.get("sort") else "desc") == "desc"
    pulls = [pull for pull in call.github.pulls(call.repository.full_name) if wanted(pull)]
    pulls.sort(key=lambda pull: (getattr(pull, order), pull.number), reverse=descending)
    return call.paged(pulls, lambda pull: views.simple_pull(call.github, pull))


def get_pull(call: Call) -> Reply:
    """`GET /repos/{owner}/{repo}/pulls/{number}`."""
    return Reply(body=views.pull_request(call.github, call.pull))


def list_files(call: Call) -> Reply:
    """`GET /repos/{owner}/{repo}/pulls/{number}/files`."""
    pull = call.pull
    head = call.github.repository(pull.head_repository)
    files = call.github.pull_files(pull)[:MOST_FILES]
    return call.paged(files, lambda one: commit_views.changed_file(call.github, head, pull.head_sha, one))


def list_commits(call: Call) -> Reply:
    """`GET /repos/{owner}/{repo}/pulls/{number}/commits`."""
    commits = call.github.pull_commits(call.pull)
    return call.paged(commits, lambda one: commit_views.commit(call.github, call.repository, one))


PULLS = "/repos/{owner}/{repo}/pulls"
READ = "pull_requests:read"

ROUTES = (
    Route(method="GET", path=PULLS, handler=list_pulls, permission=READ),
    Route(method="GET", path=f"{PULLS}/{{number}}", handler=get_pull, permission=READ),
    Route(method="GET", path=f"{PULLS}/{{number}}/files", handler=list_files, permission=READ),
    Route(method="GET", path=f"{PULLS}/{{number}}/commits", handler=list_commits, permission=READ),
)
