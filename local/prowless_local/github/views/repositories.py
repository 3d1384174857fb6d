"""Repositories."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prowless_local.github.timestamps import iso8601
from prowless_local.github.views.accounts import node_id, simple_user

if TYPE_CHECKING:
    from prowless_local.github.accounts import Accounts
    from prowless_local.github.records import Repository

JSON = dict[str, Any]

URL_TEMPLATES = {
    "archive_url": "/{archive_format}{/ref}",
    "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}",
    "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}",
    "contributors_url": "/contributors",
    "deployments_url": "/deployments",
    "downloads_url": "/downloads",
    "events_url": "/events",
    "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}",
    "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}",
    "languages_url": "/languages",
    "merges_url": "/merges",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}",
    "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "tags_url": "/tags",
    "teams_url": "/teams",
    "trees_url": "/git/trees{/sha}",
}


def minimal_repository(world: Accounts, one: Repository) -> JSON:
    """The part of a repository that every shape has."""
    api, html = f"{world.url}/repos/{one.full_name}", f"{world.url}/{one.full_name}"
    return {
        "id": one.id,
        "node_id": node_id("Repository", one.id),
        "name": one.name,
        "full_name": one.full_name,
        "private": one.private,
        "owner": simple_user(world, one.owner),
        "html_url": html,
        "description": None,
        "fork": bool(one.fork_of),
        "url": api,
        **{name: api + suffix for name, suffix in URL_TEMPLATES.items()},
    }


def repository(world: Accounts, one: Repository) -> JSON:
    """A repository as pulls and webhooks carry it."""
    html = f"{world.url}/{one.full_name}"
    host = world.url.partition("//")[2]
    issues = sum(1 for pull in world.pulls(one.full_name) if pull.state == "open")
    return {
        **minimal_repository(world, one),
        "created_at": iso8601(one.created_ms),
        "updated_at": iso8601(one.pushed_ms),
        "pushed_at": iso8601(one.pushed_ms),
        "git_url": f"git://{host}/{one.full_name}.git",
        "ssh_url": f"ssh://git@{host}/{one.full_name}.git",
        "clone_url": f"{html}.git",
        "svn_url": html,
        "mirror_url": None,
        "homepage": None,
        "language": None,
        "license": None,
        "size": 0,
        "default_branch": one.default_branch,
        "topics": [],
        "visibility": "private" if one.private else "public",
        "has_issues": True,
        "has_projects": False,
        "has_downloads": True,
        "has_wiki": False,
        "has_pages": False,
        "has_discussions": False,
        "is_template": False,
        "archived": False,
        "disabled": False,
        "allow_forking": True,
        "web_commit_signoff_required": False,
        "custom_properties": {},
        "forks": 0,
        "forks_count": 0,
        "stargazers_count": 0,
        "watchers": 0,
        "watchers_count": 0,
        "open_issues": issues,
        "open_issues_count": issues,
    }


def full_repository(world: Accounts, one: Repository) -> JSON:
    """A repository as `GET /repos/{owner}/{repo}` answers."""
    view = {
        **repository(world, one),
        "network_count": 0,
        "subscribers_count": 0,
        "allow_merge_commit": True,
        "allow_squash_merge": True,
        "allow_rebase_merge": False,
    }
    if world.account(one.owner).type == "Organization":
        view["organization"] = simple_user(world, one.owner)
    if one.fork_of:
        parent = repository(world, world.repository(one.fork_of))
        view |= {"parent": parent, "source": parent}
    return view


def pushed_repository(world: Accounts, one: Repository) -> JSON:
    """The `repository` of a push: times as epoch seconds, and an owner with a name."""
    owner = world.account(one.owner)
    view = repository(world, one)
    view["owner"] = {"name": owner.login, "email": owner.email, **view["owner"]}
    view |= {"created_at": one.created_ms // 1000, "pushed_at": one.pushed_ms // 1000}
    view |= {"url": view["html_url"], "stargazers": 0, "master_branch": one.default_branch}
    if owner.type == "Organization":
        view["organization"] = owner.login
    return view
