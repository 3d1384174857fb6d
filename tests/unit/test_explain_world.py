"""The facts that `explain` has: the world file's, then the payload's, then what is assumed and said."""

import pytest

from prowless.domain import events
from prowless.domain.errors import ConfigError
from prowless.domain.trust import TrustOptions
from prowless.domain.view import TrialMerge
from prowless.usecases.in_repo import InRepoTrees
from prowless_local.world import World
from prowless_local.world_facts import NO_COMMIT_KNOWN, WorldFacts
from tests.unit import event_bodies as bodies

SHA = "d" * 40


def facts(name, body, world=None, **options):
    event = events.parse(name, body)
    return WorldFacts(
        event=event,
        body=body,
        world=World.parse("world.json", world or {}),
        trust=TrustOptions(**options),
        in_repo=InRepoTrees(configs=None, static=None, snapshot=""),
    )


def of_pull(world=None, association=None, options=None, **pull):
    more = {"author_association": association} if association else {}
    return facts("pull_request", bodies.pull_request(**more, **pull), world, **(options or {}))


def of_comment(world=None, **comment):
    return facts("issue_comment", bodies.issue_comment(**comment), world)


# ---- the file -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "problems"),
    [
        ([], ["world.json: the whole is not an object"]),
        ({"colaborators": []}, ["world.json: colaborators is not known: did you mean collaborators?"]),
        (
            {"pull": {"xyz": 1}},
            [
                (
                    "world.json: pull.xyz is not known: known are state, draft, title, author, labels, base_ref, "
                    "head_ref, head_sha, base_head, mergeable, test_merge_base"
                )
            ],
        ),
        (
            {"bot": 1, "members": [], "collaborators": "ada", "changed_files": "a", "files": {"a\x1b": 1}},
            [
                "world.json: bot is not a text",
                "world.json: members is not an object",
                "world.json: collaborators is not a list of texts",
                "world.json: changed_files is not a list of texts",
                "world.json: files[a\ufffd] is not a text",
            ],
        ),
        (
            {
                "pull": {
                    "state": "merged",
                    "draft": 0,
                    "head_sha": "abc",
                    "mergeable": "yes",
                    "test_merge_base": "D" * 40,
                }
            },
            [
                "world.json: pull.state is not one of open, closed",
                "world.json: pull.draft is not true or false",
                "world.json: pull.head_sha is not a commit's full SHA",
                "world.json: pull.mergeable is not true or false",
                "world.json: pull.test_merge_base is not a commit's full SHA",
            ],
        ),
        ({"statuses": {"ci": "ok"}}, ["world.json: statuses[ci] is not one of error, failure, pending, success"]),
        ({"statuses": {"ci": []}}, ["world.json: statuses[ci] is not one of error, failure, pending, success"]),
        ({"members": {"acme": ["ada", ""]}}, ["world.json: members[acme] is not a list of texts"]),
        ({"pull": {"title": None}}, ["world.json: pull.title is not a text"]),
        ({"heads": {}, "approvals": ""}, ["world.json: heads is not a list", "world.json: approvals is not a list"]),
        (
            {"heads": [{"sha": "abc", "at": "noon"}, {"sha": SHA}], "approvals": ["abc"]},
            [
                "world.json: heads[0].sha is not a commit's full SHA",
                "world.json: heads[0].at is not a time such as 2026-11-18T12:00:00Z",
                "world.json: heads[1].at is missing",
                "world.json: approvals[0] is not a commit's full SHA",
            ],
        ),
    ],
)
def test_what_is_wrong_with_a_world_file_is_said_with_its_place(data, problems):
    with pytest.raises(ConfigError) as caught:
        World.parse("world.json", data)
    assert list(caught.value.problems) == problems


# ---- the pull request ---------------------------------------------------------------------------------------------


def test_the_payload_tells_how_the_pull_request_stands():
    view = of_pull(labels=[{"name": "bug"}], mergeable=False, draft=True)
    pull = view.pull()
    assert (pull.author, pull.head_sha, pull.base_ref, pull.head_ref) == ("ada", bodies.HEAD, "main", "topic")
    assert (pull.labels, pull.mergeable, pull.draft, pull.state) == (frozenset({"bug"}), False, True, "open")
    assert view.notes == ()


def test_the_file_wins_over_the_payload():
    told = {
        "state": "closed",
        "draft": True,
        "labels": ["ok-to-test"],
        "base_ref": "dev",
        "head_sha": SHA,
        "mergeable": False,
        "author": "eve",
    }
    pull = of_pull({"pull": told}).pull()
    assert (pull.state, pull.draft, pull.base_ref, pull.head_sha) == ("closed", True, "dev", SHA)
    assert (pull.labels, pull.mergeable, pull.author) == (frozenset({"ok-to-test"}), False, "eve")


def test_a_comment_knows_neither_base_nor_head_and_that_is_said():
    view = of_comment()
    assert (view.pull().base_ref, view.pull().head_sha) == ("main", NO_COMMIT_KNOWN)
    assert view.notes == ("the base branch is not known, taken to be main: give pull.base_ref in --world",)


def test_the_base_branch_from_the_file_is_not_an_assumption():
    view = of_comment({"pull": {"base_ref": "dev"}})
    assert (view.pull().base_ref, view.notes) == ("dev", ())


def test_a_clean_merge_on_the_payloads_base_is_assumed_and_said():
    view = of_pull()
    assert view.test_merge().base_sha == "b" * 40
    assert view.notes == (
        "whether the pull request can be merged is not known, taken as yes: give pull.mergeable in --world",
    )


@pytest.mark.parametrize("base", [SHA, None])
def test_the_base_of_the_test_merge_comes_from_the_file(base):
    view = of_pull({"pull": {"test_merge_base": base}})
    assert view.test_merge() == (base and TrialMerge(sha=NO_COMMIT_KNOWN, base_sha=base))
    assert view.notes == ()


def test_a_merge_that_is_known_to_be_clean_needs_no_note():
    view = of_pull({"pull": {"mergeable": True}})
    assert (view.test_merge().base_sha, view.notes) == ("b" * 40, ())


def test_a_push_has_no_pull_request():
    with pytest.raises(TypeError, match="PushEvent has no pull request"):
        facts("push", bodies.push()).pull()


# ---- people -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("world", "association", "trusted"),
    [
        ({"members": {"Acme": ["Ada"]}}, None, True),
        ({"members": {"acme": []}, "collaborators": ["ADA"]}, None, True),
        ({"members": {"acme": []}, "collaborators": []}, "MEMBER", False),
        ({}, "MEMBER", True),
        ({}, "OWNER", True),
        ({}, "COLLABORATOR", True),
        ({}, "CONTRIBUTOR", False),
        ({"bot": "ada"}, None, True),
    ],
)
def test_who_is_trusted_follows_from_the_file_then_from_the_payload(world, association, trusted):
    assert of_pull(world, association).trusted("ada") is trusted


def test_a_second_organisation_is_known_from_the_file_only():
    options = {"trusted_org": "friends", "only_org_members": True}
    world = {"members": {"acme": [], "friends": ["ada"]}}
    assert of_pull(world, options=options).trusted("ada")
    unknown = of_pull({"members": {"acme": []}}, "MEMBER", options=options)
    assert not unknown.trusted("ada")
    assert unknown.notes == ("members of friends are not known, ada is taken not to be one: give members in --world",)


def test_what_is_not_known_about_people_is_noted_only_if_it_decided():
    unknown = of_pull()
    assert not unknown.trusted("ada")
    assert [note.split(" are ")[0] for note in unknown.notes] == ["members of acme", "collaborators of acme/app"]
    decided = of_pull({"collaborators": ["ada"]})
    assert decided.trusted("ada")
    assert decided.notes == ()


def test_an_unknown_login_of_ours_is_nobodys():
    view = of_pull()
    assert view.bot() not in {"ada", "ghost", ""}
    assert view.notes == ("our own login is not known, nobody is taken to be us: give bot in --world",)
    assert of_pull({"bot": "prowless[bot]"}).bot() == "prowless[bot]"


# ---- files and statuses -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("files", [["a.py"], [], None])
def test_changed_files_from_the_file_are_the_truth(files):
    view = of_pull({"changed_files": files})
    assert view.changed_files() == (None if files is None else tuple(files))
    assert view.notes == ()


def test_changed_files_of_a_push_are_those_of_its_commits_and_that_is_said():
    view = facts("push", {**bodies.push(), "commits": [{"added": ["b"], "modified": ["a"], "removed": []}]})
    assert view.changed_files() == ("a", "b")
    assert view.notes == ("changed files are those of the payload's commits; dispatch asks GitHub to compare",)


def test_changed_files_of_a_pull_request_are_not_known_without_the_file():
    view = of_pull()
    assert view.changed_files() is None
    assert view.notes[0].startswith("changed files are not known, so jobs that depend on them run")


def test_statuses_come_from_the_file_or_are_taken_as_none():
    assert of_comment({"statuses": {"ci": "failure"}}).contexts() == {"ci": "failure"}
    view = of_comment()
    assert view.contexts() == {}
    assert view.notes == ("statuses are not known, taken as none: give statuses in --world",)


def test_a_status_may_be_told_in_full():
    told = {"ci": {"state": "success", "description": "fine", "target_url": "https://ci"}, "lint": "error"}
    view = of_comment({"statuses": told})
    assert view.contexts() == {"ci": "success", "lint": "error"}
    assert view.statuses()["ci"].description == "fine"
    with pytest.raises(ConfigError, match=r"statuses\[ci\]\.state is missing"):
        World.parse("world.json", {"statuses": {"ci": {"description": "fine"}}})


def test_heads_and_approvals_come_from_the_file():
    world = {
        "heads": [{"sha": "a" * 40, "at": "2026-01-02T03:00:00Z"}, {"sha": SHA, "at": "2026-01-02T03:04:00Z"}],
        "approvals": [SHA],
    }
    view = of_comment(world)
    ledger = view.ledger()
    assert [(head.sha, head.opened) for head in ledger.heads] == [("a" * 40, True), (SHA, False)]
    assert ledger.approved(SHA)
    assert view.notes == ()


def test_the_present_head_is_taken_as_old_and_not_approved_and_that_is_said():
    view = of_pull()
    ledger = view.ledger()
    assert [head.sha for head in ledger.heads] == [view.pull().head_sha]
    assert ledger.approvals == ()
    assert len(view.notes) == 2


def test_permissions_come_from_the_file_or_are_taken_as_none():
    view = of_comment({"permissions": {"Grace": "admin"}})
    assert (view.permission("grace"), view.notes) == ("admin", ())
    assert view.permission("ada") == "none"
    assert view.notes == ("the permission of ada is not known, taken as none: give permissions in --world",)


def test_unfinished_runs_come_from_the_file_or_are_taken_as_none():
    (run,) = of_comment({"unfinished": {"unit": "ci/unit"}}).unfinished()
    assert (run.job, run.context) == ("unit", "ci/unit")
    view = of_comment()
    assert list(view.unfinished()) == []
    assert view.notes == ("unfinished runs are not known, taken as none: give unfinished in --world",)


def test_the_head_of_the_base_branch_comes_from_the_file_or_the_payload():
    assert of_pull({"pull": {"base_head": SHA}}).base_head() == SHA
    view = of_pull()
    assert view.base_head() == "b" * 40
    assert view.notes[0].startswith("the head of the base branch is not known")


# ---- merge groups -------------------------------------------------------------------------------------------------


def of_group(world=None):
    group = {"head_sha": SHA, "head_ref": "x", "base_sha": "b" * 40, "base_ref": "refs/heads/main"}
    body = {"action": "checks_requested", "merge_group": group, "repository": bodies.repository()}
    return facts("merge_group", body, world)


def test_the_pulls_of_a_merge_group_come_from_the_file():
    (pull,) = of_group({"group": [{"number": 4, "author": "ada", "head_sha": SHA}]}).group()
    assert (pull.number, pull.author, pull.head_sha, pull.base_ref) == (4, "ada", SHA, "main")
    assert of_group({"group": None}).group() is None


def test_unknown_pulls_of_a_merge_group_are_none_and_that_is_said():
    view = of_group()
    assert list(view.group()) == []
    assert view.notes == ("the pulls of the merge group are not known, taken as none: give group in --world",)
    assert list(of_pull().group()) == []


@pytest.mark.parametrize(
    ("group", "problem"),
    [
        ({}, "group is not a list"),
        ([1], r"group\[0\] is not an object"),
        ([{"number": 0, "author": "a", "head_sha": "d" * 40}], r"group\[0\]\.number is not a number from 1"),
        ([{"number": 1, "author": "a"}], r"group\[0\]\.head_sha is missing"),
    ],
)
def test_a_group_of_another_shape_is_refused(group, problem):
    with pytest.raises(ConfigError, match=problem):
        World.parse("world.json", {"group": group})
