"""Pull requests, as pulls and as the issues they are, with labels, comments and reviews."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from prowless_local.github.timestamps import iso8601, iso8601_or_none
from prowless_local.github.views.accounts import app, node_id, simple_user
from prowless_local.github.views.repositories import repository as repository_view

if TYPE_CHECKING:
    from prowless_local.github.pulls import Pulls
    from prowless_local.github.records import Comment, Label, Pull, Review, ReviewComment

JSON = dict[str, Any]
EMPTY_REACTIONS = dict.fromkeys(
    ("total_count", "+1", "-1", "laugh", "confused", "heart", "hooray", "eyes", "rocket"), 0
)

ANCHORS = (
    "position",
    "original_position",
    "line",
    "original_line",
    "start_line",
    "original_start_line",
    "start_side",
)
"""Where in a file a review comment sits: nowhere, when it is about the whole file."""


def label(world: Pulls, repository: str, one: Label) -> JSON:
    """A repository's label."""
    return {
        "id": one.id,
        "node_id": node_id("Label", one.id),
        "url": f"{world.url}/repos/{repository}/labels/{quote(one.name, safe='')}",
        "name": one.name,
        "description": one.description,
        "color": one.color,
        "default": False,
    }


def labels(world: Pulls, pull: Pull) -> list[JSON]:
    """A pull's labels."""
    return [label(world, pull.repository, world.label(pull.repository, name)) for name in pull.labels]


def simple_pull(world: Pulls, pull: Pull) -> JSON:
    """A pull request as lists carry it."""
    api, html = f"{world.url}/repos/{pull.repository}", f"{world.url}/{pull.repository}/pull/{pull.number}"
    own, issue = f"{api}/pulls/{pull.number}", f"{api}/issues/{pull.number}"
    links = {
        "self": own,
        "html": html,
        "issue": issue,
        "comments": f"{issue}/comments",
        "review_comments": f"{own}/comments",
        "review_comment": f"{api}/pulls/comments{{/number}}",
        "commits": f"{own}/commits",
        "statuses": f"{api}/statuses/{pull.head_sha}",
    }
    return {
        "url": own,
        "id": pull.id,
        "node_id": node_id("PullRequest", pull.id),
        "html_url": html,
        "diff_url": f"{html}.diff",
        "patch_url": f"{html}.patch",
        "issue_url": issue,
        "commits_url": links["commits"],
        "review_comments_url": links["review_comments"],
        "review_comment_url": links["review_comment"],
        "comments_url": links["comments"],
        "statuses_url": links["statuses"],
        "number": pull.number,
        "state": pull.state,
        "locked": False,
        "active_lock_reason": None,
        "title": pull.title,
        "user": simple_user(world, pull.author),
        "body": pull.body or None,
        "labels": labels(world, pull),
        "milestone": None,
        "created_at": iso8601(pull.created_ms),
        "updated_at": iso8601(pull.updated_ms),
        "closed_at": iso8601_or_none(pull.closed_ms),
        "merged_at": iso8601_or_none(pull.merged_ms),
        "merge_commit_sha": pull.merge_sha,
        "assignee": None,
        "assignees": [],
        "requested_reviewers": [],
        "requested_teams": [],
        "draft": pull.draft,
        "head": _side(world, pull.head_repository, pull.head_ref, pull.head_sha),
        "base": _side(world, pull.repository, pull.base_ref, pull.base_sha),
        "_links": {name: {"href": href} for name, href in links.items()},
        "author_association": world.association(pull.repository, pull.author),
        "auto_merge": None,
    }


def pull_request(world: Pulls, pull: Pull) -> JSON:
    """A pull request in full, as its own address and webhooks carry it."""
    files = world.pull_files(pull)
    return {
        **simple_pull(world, pull),
        "merged": pull.merged,
        "mergeable": pull.mergeable,
        "rebaseable": pull.mergeable,
        "mergeable_state": mergeable_state(pull),
        "merged_by": simple_user(world, pull.merged_by) if pull.merged_by else None,
        "comments": len(world.comments(pull.repository, pull.number)),
        "review_comments": sum(
            1
            for one in world.review_comments.copy().values()
            if (one.repository, one.number) == (pull.repository, pull.number)
        ),
        "maintainer_can_modify": False,
        "commits": len(world.pull_commits(pull)),
        "additions": sum(one.additions for one in files),
        "deletions": sum(one.deletions for one in files),
        "changed_files": len(files),
    }


def mergeable_state(pull: Pull) -> str:
    """GitHub's summary of whether the pull can be merged; required statuses are not known to the fake."""
    if pull.merged or pull.mergeable is None:
        return "unknown"
    if not pull.mergeable:
        return "dirty"
    return "draft" if pull.draft else "clean"


def minimal_pull(world: Pulls, pull: Pull) -> JSON:
    """A pull request as check runs mention it."""

    def side(name: str, ref: str, sha: str) -> JSON:
        repository = world.repository(name)
        link = {"id": repository.id, "url": f"{world.url}/repos/{repository.full_name}", "name": repository.name}
        return {"ref": ref, "sha": sha, "repo": link}

    return {
        "url": f"{world.url}/repos/{pull.repository}/pulls/{pull.number}",
        "id": pull.id,
        "number": pull.number,
        "head": side(pull.head_repository, pull.head_ref, pull.head_sha),
        "base": side(pull.repository, pull.base_ref, pull.base_sha),
    }


def issue(world: Pulls, pull: Pull) -> JSON:
    """A pull request as the issue that comments hang on."""
    api = f"{world.url}/repos/{pull.repository}/issues/{pull.number}"
    html = f"{world.url}/{pull.repository}/pull/{pull.number}"
    return {
        "url": api,
        "repository_url": f"{world.url}/repos/{pull.repository}",
        "labels_url": f"{api}/labels{{/name}}",
        "comments_url": f"{api}/comments",
        "events_url": f"{api}/events",
        "html_url": html,
        "id": pull.id,
        "node_id": node_id("PullRequest", pull.id),
        "number": pull.number,
        "title": pull.title,
        "user": simple_user(world, pull.author),
        "labels": labels(world, pull),
        "state": pull.state,
        "locked": False,
        "active_lock_reason": None,
        "assignee": None,
        "assignees": [],
        "milestone": None,
        "comments": len(world.comments(pull.repository, pull.number)),
        "created_at": iso8601(pull.created_ms),
        "updated_at": iso8601(pull.updated_ms),
        "closed_at": iso8601_or_none(pull.closed_ms),
        "author_association": world.association(pull.repository, pull.author),
        "draft": pull.draft,
        "pull_request": {
            "url": f"{world.url}/repos/{pull.repository}/pulls/{pull.number}",
            "html_url": html,
            "diff_url": f"{html}.diff",
            "patch_url": f"{html}.patch",
            "merged_at": iso8601_or_none(pull.merged_ms),
        },
        "body": pull.body or None,
        "reactions": {"url": f"{api}/reactions", **EMPTY_REACTIONS},
        "state_reason": None,
    }


def comment(world: Pulls, one: Comment) -> JSON:
    """A comment of the conversation."""
    api = f"{world.url}/repos/{one.repository}/issues"
    own = f"{api}/comments/{one.id}"
    return {
        "url": own,
        "html_url": f"{world.url}/{one.repository}/pull/{one.number}#issuecomment-{one.id}",
        "issue_url": f"{api}/{one.number}",
        "id": one.id,
        "node_id": node_id("IssueComment", one.id),
        "user": simple_user(world, one.author),
        "created_at": iso8601(one.created_ms),
        "updated_at": iso8601(one.updated_ms),
        "author_association": world.association(one.repository, one.author),
        "body": one.body,
        "reactions": {"url": f"{own}/reactions", **EMPTY_REACTIONS},
        "performed_via_github_app": app(world, world.apps[one.app_id]) if one.app_id is not None else None,
    }


def review(world: Pulls, one: Review) -> JSON:
    """A submitted review, as webhooks carry it (its state in lower case)."""
    pull = f"{world.url}/repos/{one.repository}/pulls/{one.number}"
    html = f"{world.url}/{one.repository}/pull/{one.number}#pullrequestreview-{one.id}"
    return {
        "id": one.id,
        "node_id": node_id("PullRequestReview", one.id),
        "user": simple_user(world, one.author),
        "body": one.body or None,
        "commit_id": one.commit_id,
        "submitted_at": iso8601(one.at_ms),
        "updated_at": iso8601(one.at_ms),
        "state": one.state,
        "html_url": html,
        "pull_request_url": pull,
        "author_association": world.association(one.repository, one.author),
        "_links": {"html": {"href": html}, "pull_request": {"href": pull}},
    }


def review_comment(world: Pulls, one: ReviewComment) -> JSON:
    """A review's comment on a file, as webhooks carry it."""
    pulls = f"{world.url}/repos/{one.repository}/pulls"
    own, html = f"{pulls}/comments/{one.id}", f"{world.url}/{one.repository}/pull/{one.number}#discussion_r{one.id}"
    return {
        "url": own,
        "pull_request_review_id": one.review_id,
        "id": one.id,
        "node_id": node_id("PullRequestReviewComment", one.id),
        "diff_hunk": "",
        "path": one.path,
        "commit_id": one.commit_id,
        "original_commit_id": one.commit_id,
        "user": simple_user(world, one.author),
        "body": one.body,
        "created_at": iso8601(one.at_ms),
        "updated_at": iso8601(one.at_ms),
        "html_url": html,
        "pull_request_url": f"{pulls}/{one.number}",
        "author_association": world.association(one.repository, one.author),
        "subject_type": "file",
        "side": "RIGHT",
        **dict.fromkeys(ANCHORS),
        "reactions": {"url": f"{own}/reactions", **EMPTY_REACTIONS},
        "_links": {
            "self": {"href": own},
            "html": {"href": html},
            "pull_request": {"href": f"{pulls}/{one.number}"},
        },
    }


def _side(world: Pulls, full_name: str, ref: str, sha: str) -> JSON:
    repository = world.repository(full_name)
    return {
        "label": f"{repository.owner}:{ref}",
        "ref": ref,
        "sha": sha,
        "user": simple_user(world, repository.owner),
        "repo": repository_view(world, repository),
    }
