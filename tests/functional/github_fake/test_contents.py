"""Commits, references, trees, contents, comparisons."""

from __future__ import annotations

import base64
import io
import tarfile
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from prowless_local.github.views.commits import LARGEST_INLINE_FILE

if TYPE_CHECKING:
    from tests.functional.github_fake.receiver import Api

    from prowless_local.github import FakeGitHub

REPO = "/repos/acme/rocket"
RAW = "application/vnd.github.raw+json"


def test_a_file_comes_in_base64_or_raw(bot: Api) -> None:
    answer = bot.get(f"{REPO}/contents/src/main.txt").body
    assert base64.b64decode(answer["content"]) == b"one\ntwo\nthree\nfour\nfive\n"
    assert (answer["encoding"], answer["type"], answer["size"]) == ("base64", "file", 24)
    raw = bot.get(f"{REPO}/contents/src/main.txt", Accept=RAW)
    assert raw.body == b"one\ntwo\nthree\nfour\nfive\n"


def test_a_folder_comes_as_a_list(bot: Api) -> None:
    root = {one["name"]: one["type"] for one in bot.get(f"{REPO}/contents").body}
    assert root == {"README.md": "file", "run.sh": "file", "src": "dir"}
    [inside] = bot.get(f"{REPO}/contents/src?ref=main").body
    assert (inside["name"], inside["path"]) == ("main.txt", "src/main.txt")


def test_a_file_over_a_megabyte_is_only_raw(github: FakeGitHub, bot: Api) -> None:
    github.commit("acme/rocket", "main", {"big": b"x" * (LARGEST_INLINE_FILE + 1)}, "Big", "alice")
    plain = bot.get(f"{REPO}/contents/big").body
    assert (plain["encoding"], plain["content"]) == ("none", "")
    assert len(bot.get(f"{REPO}/contents/big", Accept=RAW).body) == LARGEST_INLINE_FILE + 1


@pytest.mark.parametrize("ref", ["main", "heads/main", "refs/heads/main", "v1", "tags/v1"])
def test_contents_take_branches_and_tags(github: FakeGitHub, bot: Api, ref: str) -> None:
    github.tag("acme/rocket", "v1")
    assert bot.get(f"{REPO}/contents/README.md?ref={ref}", Accept=RAW).body == b"read me\n"


def test_contents_are_those_of_the_commit(github: FakeGitHub, bot: Api) -> None:
    old = github.head("acme/rocket")
    github.commit("acme/rocket", "main", {"README.md": "new\n", "src/main.txt": None}, "Change", "alice")
    assert bot.get(f"{REPO}/contents/README.md?ref={old}", Accept=RAW).body == b"read me\n"
    assert bot.get(f"{REPO}/contents/README.md", Accept=RAW).body == b"new\n"
    assert bot.get(f"{REPO}/contents/src/main.txt").status == 404


@pytest.mark.parametrize("path", ["src/..", "../README.md", "src/../README.md", ":/README.md", "src//main.txt", "*.md"])
def test_odd_paths_name_nothing(bot: Api, path: str) -> None:
    assert bot.get(f"{REPO}/contents/{quote(path, safe='')}").status == 404


def test_an_archive_is_downloaded_once_without_credentials(github: FakeGitHub, bot: Api, anonymous: Api) -> None:
    github.create_repository("acme/secret", {"plan.txt": "plan\n", "src/a": "a"}, private=True)
    redirect = bot.get("/repos/acme/secret/tarball/main")
    assert redirect.status == 302
    assert anonymous.get("/repos/acme/secret/tarball/main").status == 404
    archive = anonymous.get(redirect.headers["Location"])
    folder = f"acme-secret-{github.head('acme/secret')[:7]}"
    with tarfile.open(fileobj=io.BytesIO(archive.body)) as tar:
        assert {one.name for one in tar if one.isfile()} == {f"{folder}/plan.txt", f"{folder}/src/a"}
    assert anonymous.get(redirect.headers["Location"]).status == 404


def test_what_is_missing_is_named(bot: Api) -> None:
    assert bot.get(f"{REPO}/contents/absent").body["message"] == "Not Found"
    assert bot.get(f"{REPO}/contents/README.md?ref=absent").body["message"] == "No commit found for the ref absent"
    assert bot.get(f"{REPO}/contents/README.md/below").status == 404


@pytest.mark.parametrize("query", ["?recursive=1", "?recursive=0", "?recursive=true"])
def test_a_tree_is_recursive_when_asked_at_all(github: FakeGitHub, bot: Api, query: str) -> None:
    head = github.head("acme/rocket")
    flat = {one["path"] for one in bot.get(f"{REPO}/git/trees/{head}").body["tree"]}
    deep = bot.get(f"{REPO}/git/trees/{head}{query}").body
    assert flat == {"README.md", "run.sh", "src"}
    assert {one["path"]: one["type"] for one in deep["tree"]}["src/main.txt"] == "blob"
    assert deep["truncated"] is False


def test_a_commit_has_parents_files_and_its_authors_account(github: FakeGitHub, bot: Api) -> None:
    before = github.head("acme/rocket")
    sha = github.commit("acme/rocket", "main", {"README.md": "new\n"}, "Change\n\nWhy.", "alice")
    commit = bot.get(f"{REPO}/commits/main").body
    assert [one["sha"] for one in commit["parents"]] == [before]
    assert (commit["sha"], commit["author"]["login"]) == (sha, "alice")
    assert (commit["commit"]["message"], commit["stats"]["total"]) == ("Change\n\nWhy.", 2)
    assert [one["filename"] for one in commit["files"]] == ["README.md"]
    assert bot.get(f"{REPO}/commits/{sha[:9]}").body["sha"] == sha


def test_the_first_commit_adds_everything(github: FakeGitHub, bot: Api) -> None:
    commit = bot.get(f"{REPO}/commits/{github.head('acme/rocket')}").body
    assert {one["status"] for one in commit["files"]} == {"added"}


def test_a_reference_is_exact(github: FakeGitHub, bot: Api) -> None:
    github.commit("acme/rocket", "feature/x", {"a": "a"}, "Feature", "alice")
    assert bot.get(f"{REPO}/git/ref/heads/feature/x").body["ref"] == "refs/heads/feature/x"
    assert bot.get(f"{REPO}/git/ref/heads/feature").status == 404
    assert bot.get(f"{REPO}/git/ref/main").status == 404


def test_a_comparison_starts_where_the_sides_parted(github: FakeGitHub, bot: Api) -> None:
    start = github.head("acme/rocket")
    github.commit("acme/rocket", "topic", {"a": "a"}, "A", "alice")
    github.commit("acme/rocket", "topic", {"b": "b"}, "B", "alice")
    github.commit("acme/rocket", "main", {"c": "c"}, "C", "alice")
    both = bot.get(f"{REPO}/compare/main...topic").body
    assert (both["status"], both["ahead_by"], both["behind_by"], both["total_commits"]) == ("diverged", 2, 1, 2)
    assert both["merge_base_commit"]["sha"] == start
    assert [one["commit"]["message"] for one in both["commits"]] == ["A", "B"]
    assert [one["filename"] for one in both["files"]] == ["a", "b"]
    second = bot.get(f"{REPO}/compare/main...topic?per_page=1&page=2").body
    assert [one["commit"]["message"] for one in second["commits"]] == ["B"]
    assert "files" not in second
    assert bot.get(f"{REPO}/compare/main...main").body["status"] == "identical"
    assert bot.get(f"{REPO}/compare/topic...{start}").body["status"] == "behind"
