"""Repositories, commits, references, trees, contents and comparisons."""

from __future__ import annotations

from http import HTTPStatus

from prowless_local.github.githistory import FULL_SHA
from prowless_local.github.rest.call import ApiError, Call, Reply, Route, not_found, unprocessable
from prowless_local.github.views import commits as views
from prowless_local.github.views.accounts import node_id
from prowless_local.github.views.repositories import full_repository

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
COMPARED_FILES = 300
COMPARED_COMMITS = 250
MOST_TREE_ENTRIES = 100_000
LARGEST_FILE = 100 * 1024 * 1024
RAW_TYPES = ("application/vnd.github.raw", "application/vnd.github.v3.raw")


def get_repository(call: Call) -> Reply:
    """`GET /repos/{owner}/{repo}`."""
    return Reply(body=full_repository(call.github, call.repository))


def get_commit(call: Call) -> Reply:
    """`GET /repos/{owner}/{repo}/commits/{ref}`: with its files, a page of them."""
    repository, github = call.repository, call.github
    git = github.git(repository.full_name)
    sha = call.commit_sha(call.params["ref"])
    commit = git.commit(sha) if sha else None
    if commit is None:
        raise unprocessable(f"No commit found for SHA: {call.params['ref']}")
    files = git.difference(commit.parents[0] if commit.parents else EMPTY_TREE, commit.sha)
    added, deleted = sum(one.additions for one in files), sum(one.deletions for one in files)
    stats = {"total": added + deleted, "additions": added, "deletions": deleted}
    view = {**views.commit(github, repository, commit), "stats": stats}
    return call.paged(
        files,
        lambda one: views.changed_file(github, repository, commit.sha, one),
        wrap=lambda page: {**view, "files": page},
    )


def get_branch(call: Call) -> Reply:
    """`GET /repos/{owner}/{repo}/branches/{branch}`: its head, and the contexts that its protection requires."""
    repository, name = call.repository, call.params["branch"]
    git = call.github.git(repository.full_name)
    commit = git.commit(git.ref(f"refs/heads/{name}") or "")
    if commit is None:
        raise not_found()
    return Reply(body=views.branch(call.github, repository, name, commit))


def get_git_commit(call: Call) -> Reply:
    """`GET /repos/{owner}/{repo}/git/commits/{sha}`."""
    commit = call.github.git(call.repository.full_name).commit(call.params["sha"])
    if commit is None:
        raise not_found()
    return Reply(body=views.git_commit(call.github, call.repository, commit))


def get_ref(call: Call) -> Reply:
    """`GET /repos/{owner}/{repo}/git/ref/{ref}`: `heads/main`, `tags/v1`, `pull/7/merge`."""
    repository = call.repository
    name = f"refs/{call.params['ref']}"
    sha = call.github.git(repository.full_name).ref(name)
    if sha is None:
        raise not_found()
    api = f"{call.github.url}/repos/{repository.full_name}/git"
    target = {"type": "commit", "sha": sha, "url": f"{api}/commits/{sha}"}
    view = {"ref": name, "node_id": node_id("Ref", name), "url": f"{api}/{name}", "object": target}
    return Reply(body=view)


def get_tree(call: Call) -> Reply:
    """`GET /repos/{owner}/{repo}/git/trees/{ref}`; any value of `recursive` makes it recursive, as on GitHub."""
    repository = call.repository
    git = call.github.git(repository.full_name)
    wanted = call.params["ref"]
    named = wanted if FULL_SHA.match(wanted) else call.commit_sha(wanted)
    if named is None or git.object_type(named) not in {"commit", "tree"}:
        raise not_found()
    commit = git.commit(named) if git.object_type(named) == "commit" else None
    sha = commit.tree if commit else named
    entries = git.tree(sha, recursive="recursive" in call.options)
    view = {
        "sha": sha,
        "url": f"{call.github.url}/repos/{repository.full_name}/git/trees/{sha}",
        "tree": [views.tree_entry(call.github, repository, one) for one in entries[:MOST_TREE_ENTRIES]],
        "truncated": len(entries) > MOST_TREE_ENTRIES,
    }
    return Reply(body=view)


def get_contents(call: Call) -> Reply:
    """`GET /repos/{owner}/{repo}/contents/{path}`: a file or a folder's list, or a file's bytes as raw media type."""
    repository = call.repository
    git = call.github.git(repository.full_name)
    path = call.params.get("path", "").strip("/")
    ref = call.options.get("ref") or repository.default_branch
    sha = call.commit_sha(ref)
    if sha is None:
        raise ApiError(HTTPStatus.NOT_FOUND, f"No commit found for the ref {ref}")
    if path and not {"", ".", ".."}.isdisjoint(path.split("/")):
        raise not_found()
    entries = git.tree(sha, recursive=False, path=path) if path else ()
    if path and not entries:
        raise not_found()
    if not path or entries[0].type == "tree":
        inside = git.tree(sha, recursive=False, path=f"{path}/" if path else "")
        return Reply(body=[views.content_entry(call.github, repository, ref, one) for one in inside])
    entry = entries[0]
    if entry.type != "blob":
        return Reply(body=views.content_entry(call.github, repository, ref, entry))
    if (entry.size or 0) > LARGEST_FILE:
        raise ApiError(HTTPStatus.FORBIDDEN, "This API returns blobs up to 100 MB in size.")
    content = git.blob(entry.sha)
    if call.headers.get("accept", "").startswith(RAW_TYPES):
        return Reply(body=content, headers={"Content-Type": "application/vnd.github.raw+json; charset=utf-8"})
    return Reply(body=views.content_file(call.github, repository, ref, entry, content))


def compare(call: Call) -> Reply:
    """`GET /repos/{owner}/{repo}/compare/{base}...{head}`: a page of the commits; the files on the first page."""
    repository, github = call.repository, call.github
    git = github.git(repository.full_name)
    base_name, dots, head_name = call.params["basehead"].partition("...")
    base, head = call.commit_sha(base_name), call.commit_sha(head_name)
    start = git.merge_base(base, head) if base and head else None
    base_commit, start_commit = git.commit(base or ""), git.commit(start or "")
    if not dots or not base or not head or not base_commit or not start or not start_commit:
        raise not_found()
    ahead, behind = git.ahead_behind(base, head)
    api, html = (f"{root}/{repository.full_name}/compare" for root in (f"{github.url}/repos", github.url))
    view = {
        "url": f"{api}/{base_name}...{head_name}",
        "html_url": f"{html}/{base_name}...{head_name}",
        "permalink_url": f"{html}/{base}...{head}",
        "diff_url": f"{html}/{base_name}...{head_name}.diff",
        "patch_url": f"{html}/{base_name}...{head_name}.patch",
        "base_commit": views.commit(github, repository, base_commit),
        "merge_base_commit": views.commit(github, repository, start_commit),
        "status": _comparison(ahead, behind),
        "ahead_by": ahead,
        "behind_by": behind,
        "total_commits": ahead,
    }
    if call.page()[0] == 1:
        files = git.difference(start, head)[:COMPARED_FILES]
        view["files"] = [views.changed_file(github, repository, head, one) for one in files]
    paging = {"page", "per_page"} & call.options.keys()
    commits = git.between(base, head, ahead if paging else COMPARED_COMMITS) if ahead else ()
    if not paging:
        return Reply(body={**view, "commits": [views.commit(github, repository, one) for one in commits]})
    return call.paged(
        commits, lambda one: views.commit(github, repository, one), wrap=lambda page: {**view, "commits": page}
    )


def _comparison(ahead: int, behind: int) -> str:
    if ahead and behind:
        return "diverged"
    if ahead:
        return "ahead"
    return "behind" if behind else "identical"


REPO = "/repos/{owner}/{repo}"
READ = "contents:read"

ROUTES = (
    Route(method="GET", path=REPO, handler=get_repository),
    Route(method="GET", path=f"{REPO}/branches/{{branch}}", handler=get_branch, permission=READ),
    Route(method="GET", path=f"{REPO}/commits/{{ref}}", handler=get_commit, permission=READ),
    Route(method="GET", path=f"{REPO}/git/commits/{{sha}}", handler=get_git_commit, permission=READ),
    Route(method="GET", path=f"{REPO}/git/ref/{{ref}}", handler=get_ref, permission=READ),
    Route(method="GET", path=f"{REPO}/git/trees/{{ref}}", handler=get_tree, permission=READ),
    Route(method="GET", path=f"{REPO}/contents", handler=get_contents, permission=READ),
    Route(method="GET", path=f"{REPO}/contents/{{path}}", handler=get_contents, permission=READ),
    Route(method="GET", path=f"{REPO}/compare/{{basehead}}", handler=compare, permission=READ),
)
