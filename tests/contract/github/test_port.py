"""What every implementation of the GitHub port keeps to."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from prowless.domain.errors import NotFoundError, PermanentError
from prowless.ports.github import ChangedFile, Status

if TYPE_CHECKING:
    from tests.contract.github.worlds import World

REPO = "acme/widgets"
NO_SHA = "0123456789" * 4


@pytest.fixture(autouse=True)
def repository(world: World) -> None:
    world.create_repository(REPO, {"a.txt": "one\n", "dir/b.txt": "two\n"})


def test_a_pull_request_is_told_as_it_is_now(world: World) -> None:
    main = world.github.ref(REPO, "heads/main")
    number = world.open_pull(REPO, {"c.txt": "three\n"}, "alice", draft=True)
    pull = world.github.pull(REPO, number)
    assert (pull.repository, pull.number, pull.title, pull.body) == (REPO, number, "A change", "Why")
    assert (pull.author, pull.head_repository) == ("alice", "alice/widgets")
    assert (pull.state, pull.draft, pull.merged, pull.mergeable) == ("open", True, False, True)
    assert (pull.base_ref, pull.base_sha) == ("main", main)
    assert pull.html_url.endswith(f"/{REPO}/pull/{number}")
    assert pull.updated_at.endswith("Z")
    head = world.push(REPO, number, {"c.txt": "four\n"})
    assert world.github.pull(REPO, number).head_sha == head != pull.head_sha
    world.close_pull(REPO, number)
    assert world.github.pull(REPO, number).state == "closed"


def test_the_test_merge_has_base_and_head_as_parents(world: World) -> None:
    number = world.open_pull(REPO, {"c.txt": "three\n"})
    main = world.commit(REPO, {"d.txt": "four\n"})
    pull = world.github.pull(REPO, number)
    merge = world.github.ref(REPO, f"pull/{number}/merge")
    assert merge == pull.merge_commit_sha
    assert world.github.parents(REPO, merge) == (main, pull.head_sha)
    assert world.github.ref(REPO, f"pull/{number}/head") == pull.head_sha
    assert {"a.txt", "c.txt", "d.txt"} < world.github.tree(REPO, merge).keys()


def test_a_conflict_is_not_mergeable(world: World) -> None:
    number = world.open_pull(REPO, {"a.txt": "theirs\n"})
    world.commit(REPO, {"a.txt": "ours\n"})
    assert world.github.pull(REPO, number).mergeable is False


def test_changed_files_are_those_since_the_pull_left_its_base(world: World) -> None:
    content = "".join(f"line {number}\n" for number in range(20))
    world.commit(REPO, {"old.txt": content})
    number = world.open_pull(
        REPO, {"a.txt": "1\n", "c.txt": "3\n", "dir/b.txt": None, "old.txt": None, "new.txt": content}
    )
    world.commit(REPO, {"unrelated.txt": "x\n"})
    files = {file.filename: file for file in world.github.pull_files(REPO, number)}
    assert files == {
        "a.txt": ChangedFile(filename="a.txt", status="modified"),
        "c.txt": ChangedFile(filename="c.txt", status="added"),
        "dir/b.txt": ChangedFile(filename="dir/b.txt", status="removed"),
        "new.txt": ChangedFile(filename="new.txt", status="renamed", previous_filename="old.txt"),
    }


def test_changed_files_come_from_all_pages(world: World) -> None:
    number = world.open_pull(REPO, {f"many/{index:03}.txt": f"{index}\n" for index in range(230)})
    files = world.github.pull_files(REPO, number)
    assert len(files) == len({file.filename for file in files}) == 230


def test_a_comparison_starts_where_the_two_parted(world: World) -> None:
    before = world.github.ref(REPO, "heads/main")
    number = world.open_pull(REPO, {"c.txt": "three\n"})
    after = world.commit(REPO, {"a.txt": "changed\n", "d.txt": "new\n"})
    head = world.github.pull(REPO, number).head_sha
    assert {(file.filename, file.status) for file in world.github.compare(REPO, before, after)} == {
        ("a.txt", "modified"),
        ("d.txt", "added"),
    }
    assert [file.filename for file in world.github.compare(REPO, after, head)] == ["c.txt"]
    assert world.github.compare(REPO, after, after) == []


def test_a_large_comparison_is_complete(world: World) -> None:
    before = world.github.ref(REPO, "heads/main")
    after = world.commit(REPO, {f"many/{index:03}.txt": f"{index}\n" for index in range(320)})
    assert len(world.github.compare(REPO, before, after)) == 320


def test_a_ref_follows_its_branch(world: World) -> None:
    first = world.github.ref(REPO, "heads/main")
    second = world.commit(REPO, {"c.txt": "three\n"})
    assert world.github.ref(REPO, "heads/main") == second
    assert world.github.parents(REPO, second) == (first,)
    assert world.github.parents(REPO, first) == ()


def test_contents_are_bytes_at_that_commit(world: World) -> None:
    first = world.github.ref(REPO, "heads/main")
    binary = bytes(range(256))
    second = world.commit(REPO, {"a.txt": "changed\n", "dir/with space & more.bin": binary, "empty.json": b"{}"})
    assert world.github.contents(REPO, "a.txt", first) == b"one\n"
    assert world.github.contents(REPO, "a.txt", second) == b"changed\n"
    assert world.github.contents(REPO, "a.txt", "main") == b"changed\n"
    assert world.github.contents(REPO, "dir/with space & more.bin", second) == binary
    assert world.github.contents(REPO, "empty.json", second) == b"{}"


def test_what_is_no_file_is_not_found(world: World) -> None:
    for path in ("dir", "missing.txt", "a.txt/b"):
        with pytest.raises(NotFoundError):
            world.github.contents(REPO, path, "main")
    with pytest.raises(PermanentError):
        world.github.contents(REPO, "dir/../a.txt", "main")


def test_a_tree_lists_every_file_with_gits_own_blob_sha(world: World) -> None:
    main = world.commit(REPO, {"copy/of/a.txt": "one\n"})
    tree = world.github.tree(REPO, main)
    assert set(tree) == {"README.md", "a.txt", "dir/b.txt", "copy/of/a.txt"}
    assert tree["a.txt"] == tree["copy/of/a.txt"] == hashlib.sha1(b"blob 4\0one\n", usedforsecurity=False).hexdigest()


def test_the_newest_status_of_a_context_is_effective(world: World) -> None:
    sha = world.github.ref(REPO, "heads/main")
    assert world.github.statuses(REPO, sha) == {}
    url = "https://prow.example.com/view/1"
    world.github.create_status(REPO, sha, Status(context="unit", state="pending", description="Job triggered."))
    world.github.create_status(REPO, sha, Status(context="lint", state="error"))
    final = Status(context="unit", state="success", description="Job succeeded.", target_url=url)
    world.github.create_status(REPO, sha, final)
    assert world.github.statuses(REPO, sha) == {"unit": final, "lint": Status(context="lint", state="error")}


def test_statuses_come_from_all_pages(world: World) -> None:
    sha = world.github.ref(REPO, "heads/main")
    for index in range(120):
        world.github.create_status(REPO, sha, Status(context=f"job {index}", state="success"))
    assert len(world.github.statuses(REPO, sha)) == 120


def test_the_entries_of_a_commit_and_of_a_folder_in_it(world: World) -> None:
    sha = world.commit(REPO, {".prow/sub/c.yaml": "c\n", ".prow/d.yaml": "dd\n"})
    root = {entry.path: entry for entry in world.github.entries(REPO, sha)}
    assert {path: entry.type for path, entry in root.items()} == {
        ".prow": "tree",
        "README.md": "blob",
        "a.txt": "blob",
        "dir": "tree",
    }
    assert (root["a.txt"].is_file, root["a.txt"].size, root[".prow"].is_file) == (True, 4, False)
    assert root["a.txt"].sha == world.github.tree(REPO, sha)["a.txt"]
    below = world.github.entries(REPO, root[".prow"].sha, recursive=True)
    assert {(entry.path, entry.type, entry.size) for entry in below} == {
        ("d.yaml", "blob", 3),
        ("sub", "tree", 0),
        ("sub/c.yaml", "blob", 2),
    }
    assert [entry.path for entry in world.github.entries(REPO, root[".prow"].sha)] == ["d.yaml", "sub"]


def test_a_folders_sha_is_that_of_its_content(world: World) -> None:
    def folder(sha: str) -> str:
        return next(entry.sha for entry in world.github.entries(REPO, sha) if entry.path == "dir")

    first = folder(world.github.ref(REPO, "heads/main"))
    assert folder(world.commit(REPO, {"e.txt": "elsewhere\n"})) == first
    assert folder(world.commit(REPO, {"dir/b.txt": "changed\n"})) != first


@pytest.mark.parametrize("bad", [{"state": "done"}, {"description": "x" * 141}])
def test_a_status_that_github_refuses_is_permanent(world: World, bad: dict[str, str]) -> None:
    sha = world.github.ref(REPO, "heads/main")
    with pytest.raises(PermanentError, match="Validation Failed"):
        world.github.create_status(REPO, sha, Status(**{"context": "unit", "state": "success", **bad}))
    assert world.github.statuses(REPO, sha) == {}


def test_a_status_of_an_unknown_commit_says_so(world: World) -> None:
    with pytest.raises(PermanentError, match="No commit found for SHA"):
        world.github.create_status(REPO, NO_SHA, Status(context="unit", state="success"))


def test_a_description_of_140_characters_fits_whatever_its_bytes(world: World) -> None:
    sha = world.github.ref(REPO, "heads/main")
    description = "\u2001" * 139 + "x"
    world.github.create_status(REPO, sha, Status(context="unit", state="success", description=description))
    assert world.github.statuses(REPO, sha)["unit"].description == description


def test_members_are_members_whatever_the_case(world: World) -> None:
    world.add_member("acme", "carol")
    assert world.github.is_member("acme", "carol")
    assert world.github.is_member("Acme", "Carol")
    assert not world.github.is_member("acme", "mallory")


def test_a_user_is_a_member_of_the_account_of_that_name(world: World) -> None:
    assert world.github.is_member("dave", "dave")


def test_collaborators_are_those_of_the_repository(world: World) -> None:
    world.create_repository("acme/other", {})
    world.add_collaborator(REPO, "erin")
    assert world.github.is_collaborator(REPO, "erin")
    assert not world.github.is_collaborator("acme/other", "erin")
    assert not world.github.is_collaborator(REPO, "mallory")


def test_the_permission_of_a_user_in_a_repository(world: World) -> None:
    world.add_admin(REPO, "erin")
    world.add_collaborator(REPO, "frank")
    assert world.github.permission(REPO, "Erin") == "admin"
    assert world.github.permission(REPO, "frank") == "write"
    assert world.github.permission(REPO, "mallory") in {"read", "none"}


def test_the_commits_that_a_head_has_and_a_base_has_not(world: World) -> None:
    start = world.github.ref(REPO, "heads/main")
    number = world.open_pull(REPO, {"c.txt": "three\n"})
    first, second = (world.commit(REPO, {"d.txt": text}) for text in ("four\n", "five\n"))
    found = {commit.sha: commit for commit in world.github.commits(REPO, start, second)}
    assert {sha: commit.parents for sha, commit in found.items()} == {first: (start,), second: (first,)}
    merge = world.github.ref(REPO, f"pull/{number}/merge")
    head = world.github.pull(REPO, number).head_sha
    merged = {commit.sha: commit.parents for commit in world.github.commits(REPO, second, merge)}
    assert merged == {merge: (second, head), head: (start,)}
    assert world.github.commits(REPO, second, start) == []
    with pytest.raises(NotFoundError):
        world.github.commits(REPO, NO_SHA, start)


def test_commits_come_from_all_pages(world: World) -> None:
    start = world.github.ref(REPO, "heads/main")
    made = [world.commit(REPO, {"d.txt": f"{index}\n"}) for index in range(105)]
    assert {commit.sha for commit in world.github.commits(REPO, start, made[-1])} == set(made)


def test_comments_are_listed_oldest_first_with_their_authors(world: World) -> None:
    number = world.open_pull(REPO, {"c.txt": "three\n"})
    asked = world.comment(REPO, number, "bob", "/retest\r\n*please* 🙂")
    answered = world.github.create_comment(REPO, number, "on it")
    found = [(comment.id, comment.author, comment.body) for comment in world.github.comments(REPO, number)]
    assert found == [(asked, "bob", "/retest\r\n*please* 🙂"), (answered, world.github.login(), "on it")]


def test_comments_come_from_all_pages(world: World) -> None:
    number = world.open_pull(REPO, {"c.txt": "three\n"})
    ids = [world.comment(REPO, number, "bob", f"comment {index}") for index in range(110)]
    assert [comment.id for comment in world.github.comments(REPO, number)] == ids


def test_a_comment_can_be_changed_and_deleted(world: World) -> None:
    number = world.open_pull(REPO, {"c.txt": "three\n"})
    first, second = (world.github.create_comment(REPO, number, body) for body in ("first", "second"))
    world.github.update_comment(REPO, first, "changed")
    world.github.delete_comment(REPO, second)
    world.github.delete_comment(REPO, second)
    assert [comment.body for comment in world.github.comments(REPO, number)] == ["changed"]
    with pytest.raises(NotFoundError):
        world.github.update_comment(REPO, second, "gone")


def test_labels_are_put_on_and_taken_off(world: World) -> None:
    number = world.open_pull(REPO, {"c.txt": "three\n"})
    odd = "kind/bug: 50% #1?"
    for label in ("ok-to-test", odd, "ok-to-test"):
        world.github.add_label(REPO, number, label)
    assert sorted(world.github.pull(REPO, number).labels) == sorted(["ok-to-test", odd])
    world.github.remove_label(REPO, number, odd)
    world.github.remove_label(REPO, number, odd)
    assert world.github.pull(REPO, number).labels == ("ok-to-test",)


def test_what_does_not_exist_is_not_found(world: World) -> None:
    github = world.github
    main = github.ref(REPO, "heads/main")
    reads = [
        lambda: github.pull(REPO, 99),
        lambda: github.pull("acme/missing", 1),
        lambda: github.pull_files(REPO, 99),
        lambda: github.parents(REPO, NO_SHA),
        lambda: github.ref(REPO, "heads/missing"),
        lambda: github.ref(REPO, "pull/99/merge"),
        lambda: github.compare(REPO, main, NO_SHA),
        lambda: github.contents(REPO, "a.txt", NO_SHA),
        lambda: github.tree(REPO, NO_SHA),
        lambda: github.entries(REPO, NO_SHA),
        lambda: github.statuses("acme/missing", main),
        lambda: github.comments(REPO, 99),
        lambda: github.create_comment(REPO, 99, "hello"),
        lambda: github.add_label(REPO, 99, "lgtm"),
        lambda: github.request("GET", "/repos/acme/missing"),
    ]
    for read in reads:
        with pytest.raises(NotFoundError):
            read()


def test_taking_a_label_off_what_does_not_exist_is_no_error(world: World) -> None:
    world.github.remove_label(REPO, 99, "lgtm")
