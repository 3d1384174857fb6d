"""Commits, files, trees, contents and comparisons."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from prowless_local.github.timestamps import iso8601
from prowless_local.github.views.accounts import node_id, simple_user

if TYPE_CHECKING:
    from prowless_local.github.accounts import Accounts
    from prowless_local.github.githistory import Commit, FileChange, TreeEntry
    from prowless_local.github.gitstore import Identity
    from prowless_local.github.records import Repository

JSON = dict[str, Any]

UNSIGNED = {"verified": False, "reason": "unsigned", "signature": None, "payload": None, "verified_at": None}
LARGEST_INLINE_FILE = 1024 * 1024
"""Bytes; GitHub answers larger files without content unless the raw media type is asked for."""


def _signed_by(who: Identity, at_ms: int) -> JSON:
    return {"name": who.name, "email": who.email, "date": iso8601(at_ms)}


def _account(world: Accounts, who: Identity) -> JSON | None:
    login = world.login_of_email(who.email)
    return simple_user(world, login) if login else None


def git_commit(world: Accounts, repository: Repository, commit: Commit) -> JSON:
    """A commit as the git database API answers."""
    api, html = f"{world.url}/repos/{repository.full_name}/git", f"{world.url}/{repository.full_name}/commit"
    return {
        "sha": commit.sha,
        "node_id": node_id("Commit", commit.sha),
        "url": f"{api}/commits/{commit.sha}",
        "html_url": f"{html}/{commit.sha}",
        "author": _signed_by(commit.author, commit.author_ms),
        "committer": _signed_by(commit.committer, commit.committer_ms),
        "tree": {"sha": commit.tree, "url": f"{api}/trees/{commit.tree}"},
        "message": commit.message,
        "parents": [{"sha": sha, "url": f"{api}/commits/{sha}", "html_url": f"{html}/{sha}"} for sha in commit.parents],
        "verification": UNSIGNED,
    }


def branch(world: Accounts, repository: Repository, name: str, head: Commit) -> JSON:
    """A branch with its protection."""
    url = f"{world.url}/repos/{repository.full_name}/branches/{quote(name, safe='')}"
    contexts = world.required_contexts.get((repository.full_name.lower(), name))
    checks = {
        "enforcement_level": "off" if contexts is None else "everyone",
        "contexts": list(contexts or ()),
        "checks": [{"context": context, "app_id": None} for context in contexts or ()],
    }
    return {
        "name": name,
        "commit": commit(world, repository, head),
        "_links": {"self": url, "html": f"{world.url}/{repository.full_name}/tree/{name}"},
        "protected": contexts is not None,
        "protection": {"enabled": contexts is not None, "required_status_checks": checks},
        "protection_url": f"{url}/protection",
    }


def commit(world: Accounts, repository: Repository, one: Commit) -> JSON:
    """A commit as lists and comparisons carry it."""
    api = f"{world.url}/repos/{repository.full_name}"
    html = f"{world.url}/{repository.full_name}/commit"
    return {
        "sha": one.sha,
        "node_id": node_id("Commit", one.sha),
        "commit": {
            "author": _signed_by(one.author, one.author_ms),
            "committer": _signed_by(one.committer, one.committer_ms),
            "message": one.message,
            "tree": {"sha": one.tree, "url": f"{api}/git/trees/{one.tree}"},
            "url": f"{api}/git/commits/{one.sha}",
            "comment_count": 0,
            "verification": UNSIGNED,
        },
        "url": f"{api}/commits/{one.sha}",
        "html_url": f"{html}/{one.sha}",
        "comments_url": f"{api}/commits/{one.sha}/comments",
        "author": _account(world, one.author),
        "committer": _account(world, one.committer),
        "parents": [{"sha": sha, "url": f"{api}/commits/{sha}", "html_url": f"{html}/{sha}"} for sha in one.parents],
    }


def pushed_commit(world: Accounts, repository: Repository, one: Commit) -> JSON:
    """A commit as a push carries it, with the paths it touched."""
    people = {"author": one.author, "committer": one.committer}
    return {
        **head_commit(one),
        **{role: _pusher(world, who) for role, who in people.items()},
        "distinct": True,
        "url": f"{world.url}/{repository.full_name}/commit/{one.sha}",
        "added": list(one.added),
        "removed": list(one.removed),
        "modified": list(one.modified),
    }


def head_commit(one: Commit) -> JSON:
    """A commit as a merge group carries it."""
    return {
        "id": one.sha,
        "tree_id": one.tree,
        "message": one.message,
        "timestamp": iso8601(one.committer_ms),
        "author": {"name": one.author.name, "email": one.author.email},
        "committer": {"name": one.committer.name, "email": one.committer.email},
    }


def _pusher(world: Accounts, who: Identity) -> JSON:
    login = world.login_of_email(who.email)
    return {"name": who.name, "email": who.email, **({"username": login} if login else {})}


def changed_file(world: Accounts, repository: Repository, head_sha: str, one: FileChange) -> JSON:
    """A changed file of a pull, commit or comparison."""
    html, path = f"{world.url}/{repository.full_name}", quote(one.filename)
    view = {
        "sha": one.sha,
        "filename": one.filename,
        "status": one.status,
        "additions": one.additions,
        "deletions": one.deletions,
        "changes": one.additions + one.deletions,
        "blob_url": f"{html}/blob/{head_sha}/{path}",
        "raw_url": f"{html}/raw/{head_sha}/{path}",
        "contents_url": f"{world.url}/repos/{repository.full_name}/contents/{path}?ref={head_sha}",
    }
    if one.patch is not None:
        view["patch"] = one.patch
    if one.previous_filename is not None:
        view["previous_filename"] = one.previous_filename
    return view


def tree_entry(world: Accounts, repository: Repository, one: TreeEntry) -> JSON:
    """An entry of a git tree."""
    view = {"path": one.path, "mode": one.mode, "type": one.type, "sha": one.sha}
    if one.type == "commit":
        return view
    kind = "trees" if one.type == "tree" else "blobs"
    size = {} if one.size is None else {"size": one.size}
    return {**view, **size, "url": f"{world.url}/repos/{repository.full_name}/git/{kind}/{one.sha}"}


def content_entry(world: Accounts, repository: Repository, ref: str, one: TreeEntry) -> JSON:
    """A file or folder of a folder's contents, without its content."""
    api, html = f"{world.url}/repos/{repository.full_name}", f"{world.url}/{repository.full_name}"
    path, at = quote(one.path), quote(ref, safe="")
    kind = {"tree": "dir", "commit": "submodule"}.get(one.type, "symlink" if one.mode == "120000" else "file")
    link = f"{api}/contents/{path}?ref={at}"
    page = f"{html}/{'tree' if kind == 'dir' else 'blob'}/{at}/{path}"
    git = None if kind == "submodule" else f"{api}/git/{'trees' if kind == 'dir' else 'blobs'}/{one.sha}"
    return {
        "name": one.path.rpartition("/")[2],
        "path": one.path,
        "sha": one.sha,
        "size": one.size or 0,
        "url": link,
        "html_url": page,
        "git_url": git,
        "download_url": f"{html}/raw/{at}/{path}" if kind in {"file", "symlink"} else None,
        "type": kind,
        "_links": {"self": link, "git": git, "html": page},
    }


def content_file(world: Accounts, repository: Repository, ref: str, one: TreeEntry, content: bytes) -> JSON:
    """A file with its content in base64, broken into lines as GitHub does."""
    view = content_entry(world, repository, ref, one)
    if view["type"] == "symlink":
        return {**view, "target": content.decode(errors="replace")}
    if len(content) > LARGEST_INLINE_FILE:
        return {**view, "encoding": "none", "content": ""}
    return {**view, "encoding": "base64", "content": base64.encodebytes(content).decode()}
