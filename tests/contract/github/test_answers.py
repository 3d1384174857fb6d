"""What the adapter makes of GitHub's answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.contract.github.conftest import TOKEN
from tests.contract.github.scripted import Answer, ScriptedServer

from prowless.domain.errors import NotFoundError, PermanentError

if TYPE_CHECKING:
    from prowless.adapters.github.github import RestGitHub


@pytest.mark.parametrize("body", [[], {}, {"login": None}, b"[", b""])
def test_an_answer_of_another_shape_is_a_refusal(github: RestGitHub, server: ScriptedServer, body: object) -> None:
    server.on("GET", "/repos/o/r/pulls/7", Answer(body=body))
    with pytest.raises(PermanentError):
        github.pull("o/r", 7)


def test_an_unchanged_answer_is_taken_from_memory(github: RestGitHub, server: ScriptedServer) -> None:
    path = "/repos/o/r/git/commits/abc"
    server.on("GET", path, Answer(body={"parents": [{"sha": "def"}]}, headers={"ETag": 'W/"1"'}), Answer(status=304))
    assert github.parents("o/r", "abc") == github.parents("o/r", "abc") == ("def",)
    assert "if-none-match" not in server.seen[0].headers
    assert server.seen[1].headers["if-none-match"] == 'W/"1"'


def test_a_changed_answer_replaces_the_kept_one(github: RestGitHub, server: ScriptedServer) -> None:
    path = "/repos/o/r/git/ref/heads/main"
    old, new = ({"object": {"type": "commit", "sha": sha}} for sha in ("old", "new"))
    answers = [Answer(body=old, headers={"ETag": '"1"'}), Answer(body=new, headers={"ETag": '"2"'}), Answer(status=304)]
    server.on("GET", path, *answers)
    assert [github.ref("o/r", "heads/main") for _ in range(3)] == ["old", "new", "new"]


def test_every_call_says_who_and_what_it_is(github: RestGitHub, server: ScriptedServer) -> None:
    server.on("GET", "/user", Answer(body={"login": "bot"}))
    github.login()
    headers = server.seen[0].headers
    assert headers["accept"] == "application/vnd.github+json"
    assert headers["x-github-api-version"] == "2022-11-28"
    assert headers["user-agent"] == "prowless"
    assert headers["authorization"] == f"Bearer {TOKEN}"


def test_who_we_are_is_asked_once(github: RestGitHub, server: ScriptedServer) -> None:
    server.on("GET", "/user", Answer(body={"login": "bot"}))
    assert (github.login(), github.login()) == ("bot", "bot")
    assert len(server.seen) == 1


def test_a_directory_is_not_a_file(github: RestGitHub, server: ScriptedServer) -> None:
    server.on("GET", "/repos/o/r/contents/dir?ref=main", Answer(body=[{"type": "file"}]))
    with pytest.raises(NotFoundError, match="is not a file"):
        github.contents("o/r", "dir", "main")


def test_a_truncated_tree_is_refused(github: RestGitHub, server: ScriptedServer) -> None:
    server.on("GET", "/repos/o/r/git/trees/abc?recursive=1", Answer(body={"tree": [], "truncated": True}))
    with pytest.raises(PermanentError, match="truncated"):
        github.tree("o/r", "abc")


def test_a_comparison_that_github_cut_is_made_from_the_trees(github: RestGitHub, server: ScriptedServer) -> None:
    files = [{"filename": f"{number:03}", "status": "added"} for number in range(300)]
    body = {"files": files, "merge_base_commit": {"sha": "base"}}
    server.on("GET", "/repos/o/r/compare/old...new?per_page=1", Answer(body=body))
    blob = {"type": "blob", "mode": "100644"}
    before = [{"path": "gone", "sha": "1", **blob}, {"path": "kept", "sha": "2", **blob}]
    after = [{"path": f"{number:03}", "sha": "3", **blob} for number in range(400)]
    after += [{"path": "kept", "sha": "2", **blob}, {"path": "dir", "type": "tree", "mode": "040000", "sha": "4"}]
    server.on("GET", "/repos/o/r/git/trees/base?recursive=1", Answer(body={"tree": before, "truncated": False}))
    server.on("GET", "/repos/o/r/git/trees/new?recursive=1", Answer(body={"tree": after, "truncated": False}))
    found = github.compare("o/r", "old", "new")
    assert len(found) == 401
    assert found[-1].filename == "gone"
    assert found[-1].status == "removed"


def test_an_annotated_tag_is_peeled(github: RestGitHub, server: ScriptedServer) -> None:
    server.on("GET", "/repos/o/r/git/ref/tags/v1", Answer(body={"object": {"type": "tag", "sha": "t"}}))
    server.on("GET", "/repos/o/r/git/tags/t", Answer(body={"object": {"type": "commit", "sha": "c"}}))
    assert github.ref("o/r", "tags/v1") == "c"


def test_a_stranger_to_the_organisation_sees_public_members(github: RestGitHub, server: ScriptedServer) -> None:
    for user in ("seen", "hidden"):
        location = f"{server.url}/orgs/o/public_members/{user}"
        server.on("GET", f"/orgs/o/members/{user}", Answer(status=302, headers={"Location": location}))
    server.on("GET", "/orgs/o/public_members/seen", Answer(status=204))
    assert github.is_member("o", "seen")
    assert not github.is_member("o", "hidden")


def test_a_deleted_fork_and_account_are_empty(github: RestGitHub, server: ScriptedServer) -> None:
    body = {
        "number": 7,
        "title": "t",
        "body": None,
        "user": None,
        "state": "open",
        "merge_commit_sha": None,
        "mergeable": None,
        "head": {"sha": "h", "ref": "x", "repo": None},
        "base": {"sha": "b", "ref": "main"},
        "html_url": "https://github.com/o/r/pull/7",
        "updated_at": "2024-01-01T00:00:00Z",
    }
    server.on("GET", "/repos/o/r/pulls/7", Answer(body=body))
    pull = github.pull("o/r", 7)
    assert (pull.author, pull.head_repository, pull.body, pull.merge_commit_sha, pull.mergeable) == (
        "",
        "",
        "",
        "",
        None,
    )
