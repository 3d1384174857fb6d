"""Pull requests: test merges that follow both sides, files, commits, lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.fakes.clock import FixedClock
    from tests.functional.github_fake.receiver import Api

    from prowless_local.github import FakeGitHub

REPO = "/repos/acme/rocket"


def parents(bot: Api, sha: str) -> list[str]:
    return [one["sha"] for one in bot.get(f"{REPO}/git/commits/{sha}").body["parents"]]


def test_the_test_merge_follows_base_and_head(github: FakeGitHub, bot: Api) -> None:
    github.open_pull("acme/rocket", "topic", {"a.txt": "a\n"}, "Topic", "alice")
    first = bot.get(f"{REPO}/pulls/1").body
    base = github.commit("acme/rocket", "main", {"b.txt": "b\n"}, "Base", "alice")
    second = bot.get(f"{REPO}/pulls/1").body
    head = github.push_to_pull("acme/rocket", 1, {"c.txt": "c\n"})
    third = bot.get(f"{REPO}/pulls/1").body
    assert parents(bot, first["merge_commit_sha"]) == [first["base"]["sha"], first["head"]["sha"]]
    assert parents(bot, second["merge_commit_sha"]) == [base, first["head"]["sha"]]
    assert parents(bot, third["merge_commit_sha"]) == [base, head]
    assert bot.get(f"{REPO}/git/ref/pull/1/merge").body["object"]["sha"] == third["merge_commit_sha"]


def test_base_sha_is_the_base_when_the_head_last_moved(github: FakeGitHub, bot: Api) -> None:
    before = github.head("acme/rocket")
    github.open_pull("acme/rocket", "topic", {"a.txt": "a\n"}, "Topic", "alice")
    after = github.commit("acme/rocket", "main", {"b.txt": "b\n"}, "Base", "alice")
    assert bot.get(f"{REPO}/pulls/1").body["base"]["sha"] == before
    github.push_to_pull("acme/rocket", 1, {"c.txt": "c\n"})
    assert bot.get(f"{REPO}/pulls/1").body["base"]["sha"] == after


def test_a_conflict_leaves_no_merge(github: FakeGitHub, bot: Api) -> None:
    github.open_pull("acme/rocket", "topic", {"README.md": "mine\n"}, "Topic", "alice")
    assert bot.get(f"{REPO}/git/ref/pull/1/merge").status == 200
    github.commit("acme/rocket", "main", {"README.md": "theirs\n"}, "Base", "alice")
    pull = bot.get(f"{REPO}/pulls/1").body
    assert (pull["mergeable"], pull["mergeable_state"], pull["merge_commit_sha"]) == (False, "dirty", None)
    assert bot.get(f"{REPO}/git/ref/pull/1/merge").status == 404
    with pytest.raises(ValueError, match="conflicts"):
        github.merge("acme/rocket", 1)
    github.push_to_pull("acme/rocket", 1, {"README.md": "mine\n"}, force=True)
    assert bot.get(f"{REPO}/pulls/1").body["mergeable"] is True


def test_a_slow_github_has_the_old_merge_and_says_null(github: FakeGitHub, bot: Api) -> None:
    github.open_pull("acme/rocket", "topic", {"a.txt": "a\n"}, "Topic", "alice")
    old = bot.get(f"{REPO}/git/ref/pull/1/merge").body["object"]["sha"]
    github.pause_test_merges()
    head = github.push_to_pull("acme/rocket", 1, {"a.txt": "b\n"})
    pull = bot.get(f"{REPO}/pulls/1").body
    assert (pull["mergeable"], pull["mergeable_state"]) == (None, "unknown")
    assert bot.get(f"{REPO}/git/ref/pull/1/merge").body["object"]["sha"] == old
    github.resume_test_merges()
    assert parents(bot, bot.get(f"{REPO}/pulls/1").body["merge_commit_sha"])[1] == head


def test_files_tell_renames_and_are_paged(github: FakeGitHub, bot: Api) -> None:
    files = {
        "src/main.txt": None,
        "src/moved.txt": "one\ntwo\nthree\nfour\nfive\nsix\n",
        "README.md": None,
        "é ü.txt": "x",
    }
    github.open_pull("acme/rocket", "topic", files, "Topic", "alice")
    listed = bot.get(f"{REPO}/pulls/1/files").body
    assert {one["filename"]: one["status"] for one in listed} == {
        "README.md": "removed",
        "src/moved.txt": "renamed",
        "é ü.txt": "added",
    }
    renamed = next(one for one in listed if one["status"] == "renamed")
    assert renamed["previous_filename"] == "src/main.txt"
    assert renamed["patch"].endswith("+six")
    pages = [bot.get(f"{REPO}/pulls/1/files?per_page=2&page={page}").body for page in (1, 2, 3)]
    assert [one["filename"] for page in pages for one in page] == [one["filename"] for one in listed]
    assert [len(page) for page in pages] == [2, 1, 0]


def test_files_are_what_the_pull_changes_not_what_the_base_got(github: FakeGitHub, bot: Api) -> None:
    github.open_pull("acme/rocket", "topic", {"a.txt": "a\n"}, "Topic", "alice")
    github.commit("acme/rocket", "main", {"b.txt": "b\n"}, "Base", "alice")
    github.push_to_pull("acme/rocket", 1, {"c.txt": "c\n"})
    assert [one["filename"] for one in bot.get(f"{REPO}/pulls/1/files").body] == ["a.txt", "c.txt"]
    assert len(bot.get(f"{REPO}/pulls/1/commits").body) == 2


def test_a_binary_file_has_no_patch(github: FakeGitHub, bot: Api) -> None:
    github.open_pull("acme/rocket", "topic", {"logo.png": b"\x89PNG\x00\x01"}, "Topic", "alice")
    [only] = bot.get(f"{REPO}/pulls/1/files").body
    assert "patch" not in only


def test_pulls_are_listed_by_state_head_and_base(github: FakeGitHub, bot: Api, clock: FixedClock) -> None:
    github.commit("acme/rocket", "release", {"r": "r"}, "Release", "alice")
    for branch, base, fork in (("one", "main", False), ("two", "release", False), ("three", "main", True)):
        clock.advance(1000)
        github.open_pull("acme/rocket", branch, {branch: "x"}, branch, "mallory", base=base, fork=fork)
    clock.advance(1000)
    github.close_pull("acme/rocket", 1)

    def numbers(query: str) -> list[int]:
        return [one["number"] for one in bot.get(f"{REPO}/pulls?{query}").body]

    assert numbers("") == [3, 2]
    assert numbers("state=closed") == [1]
    assert numbers("state=all&direction=asc") == [1, 2, 3]
    assert numbers("state=all&base=release") == [2]
    assert numbers("state=all&head=mallory:three") == [3]
    assert numbers("state=all&head=acme:three") == []
    assert numbers("state=all&sort=updated&direction=desc") == [1, 3, 2]


def test_a_merged_pull_says_so(github: FakeGitHub, bot: Api) -> None:
    github.open_pull("acme/rocket", "topic", {"a.txt": "a\n"}, "Topic", "alice")
    sha = github.merge("acme/rocket", 1, "prow-bot")
    pull = bot.get(f"{REPO}/pulls/1").body
    assert (pull["state"], pull["merged"], pull["merged_by"]["login"]) == ("closed", True, "prow-bot")
    assert pull["merge_commit_sha"] == sha == github.head("acme/rocket")
    assert bot.get(f"{REPO}/git/ref/pull/1/merge").status == 404
    assert bot.get(f"{REPO}/contents/a.txt", Accept="application/vnd.github.raw+json").body == b"a\n"


def test_a_squash_has_one_parent(github: FakeGitHub, bot: Api) -> None:
    github.open_pull("acme/rocket", "topic", {"a.txt": "a\n"}, "Topic", "alice")
    base = github.head("acme/rocket")
    assert parents(bot, github.merge("acme/rocket", 1, method="squash")) == [base]


def test_deleting_the_head_branch_closes_the_pull(github: FakeGitHub) -> None:
    github.open_pull("acme/rocket", "topic", {"a.txt": "a\n"}, "Topic", "alice")
    github.delete_branch("acme/rocket", "topic")
    assert github.pull("acme/rocket", 1).state == "closed"


def test_a_new_base_changes_the_files_and_the_merge(github: FakeGitHub, bot: Api) -> None:
    release = github.commit("acme/rocket", "release", {"r": "r"}, "Release", "alice")
    github.open_pull("acme/rocket", "topic", {"a.txt": "a\n"}, "Topic", "alice")
    github.edit_pull("acme/rocket", 1, base="release")
    pull = bot.get(f"{REPO}/pulls/1").body
    assert pull["base"]["ref"] == "release"
    assert parents(bot, pull["merge_commit_sha"])[0] == release


def test_names_are_case_insensitive(github: FakeGitHub, bot: Api) -> None:
    github.open_pull("acme/rocket", "topic", {"a.txt": "a\n"}, "Topic", "alice")
    assert bot.get("/repos/ACME/Rocket/pulls/1").body["base"]["repo"]["full_name"] == "acme/rocket"
    assert bot.get("/orgs/Acme/members/ALICE").status == 204
