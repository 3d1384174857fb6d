"""Small webhook bodies with GitHub's shape, for tests that change one thing."""

from typing import Any

HEAD = "a" * 40
OLD_HEAD = "c" * 40


def repository(name: str = "acme/app") -> dict[str, Any]:
    org, _, repo = name.partition("/")
    owner = {"login": org, "name": org}
    return {"id": 7, "name": repo, "full_name": name, "owner": owner, "html_url": f"https://github.com/{name}"}


def pull_request(action: str = "opened", **changes: Any) -> dict[str, Any]:
    pull = {
        "id": 900,
        "number": 3,
        "state": "open",
        "draft": False,
        "user": {"login": "ada"},
        "title": "Add things",
        "body": None,
        "html_url": "https://github.com/acme/app/pull/3",
        "head": {"sha": HEAD, "ref": "topic", "repo": {"full_name": "ada/app"}},
        "base": {"ref": "main", "sha": "b" * 40, "repo": {"full_name": "acme/app"}},
        "updated_at": "2026-01-02T03:04:05Z",
        **changes,
    }
    return {
        "action": action,
        "number": 3,
        "pull_request": pull,
        "repository": repository(),
        "sender": {"login": "ada"},
    }


def issue_comment(text: str = "/test all", action: str = "created", **comment: Any) -> dict[str, Any]:
    return {
        "action": action,
        "issue": {
            "number": 3,
            "state": "open",
            "user": {"login": "ada"},
            "pull_request": {"url": "https://api.github.com/repos/acme/app/pulls/3"},
            "repository_url": "https://api.github.com/repos/acme/app",
        },
        "comment": {
            "id": 55,
            "user": {"login": "grace"},
            "body": text,
            "html_url": "https://github.com/acme/app/pull/3#issuecomment-55",
            "updated_at": "2026-01-02T03:05:00Z",
            **comment,
        },
        "repository": repository(),
        "sender": {"login": "grace"},
    }


def review(text: str | None = "/retest") -> dict[str, Any]:
    body = pull_request("submitted")
    body["review"] = {
        "id": 66,
        "user": {"login": "grace"},
        "body": text,
        "html_url": "https://github.com/acme/app/pull/3#review-66",
        "submitted_at": "2026-01-02T03:06:00Z",
    }
    return body


def push(ref: str = "refs/heads/main", **changes: Any) -> dict[str, Any]:
    return {
        "ref": ref,
        "before": OLD_HEAD,
        "after": HEAD,
        "created": False,
        "deleted": False,
        "forced": False,
        "compare": "https://github.com/acme/app/compare/c...a",
        "commits": [
            {"id": HEAD, "added": ["new.go"], "removed": ["old.go"], "modified": ["both.go"]},
            {"id": OLD_HEAD, "added": [], "removed": [], "modified": ["both.go"]},
        ],
        "repository": repository(),
        "sender": {"login": "ada"},
        **changes,
    }
