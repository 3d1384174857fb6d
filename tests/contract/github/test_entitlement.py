"""What `/override` asks of every implementation of the GitHub port: teams, protection, check runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.contract.github.scripted import Answer, ScriptedServer

from prowless.domain.errors import NotFoundError, PermanentError
from prowless.ports.github import CheckRun

if TYPE_CHECKING:
    from tests.contract.github.worlds import World

    from prowless.adapters.github.github import RestGitHub

REPO = "acme/widgets"


@pytest.fixture
def repository(world: World) -> str:
    """The repository's head."""
    world.create_repository(REPO, {"a.txt": "one\n"})
    return world.github.ref(REPO, "heads/main")


def test_a_team_has_its_members_and_one_that_is_not_there_has_none(world: World) -> None:
    world.add_member("acme", "grace")
    world.add_team_member("acme", "leads", "ada")
    assert world.github.is_team_member("acme", "leads", "Ada")
    assert not world.github.is_team_member("acme", "leads", "grace")
    assert not world.github.is_team_member("acme", "absent", "ada")


@pytest.mark.usefixtures("repository")
def test_required_contexts_are_those_of_the_branchs_protection(world: World) -> None:
    assert world.github.required_contexts(REPO, "main") == ()
    world.require_contexts(REPO, ("unit", "ci/lint"))
    assert world.github.required_contexts(REPO, "main") == ("unit", "ci/lint")
    with pytest.raises(NotFoundError):
        world.github.required_contexts(REPO, "absent")


def test_an_app_posts_check_runs_and_the_newest_of_a_name_counts(world: World, repository: str) -> None:
    assert world.github.check_runs(REPO, repository) == []
    first, second = (CheckRun(name="build", conclusion=word) for word in ("failure", "success"))
    if not world.github.login().endswith("[bot]"):
        with pytest.raises(PermanentError, match="via a GitHub App"):
            world.github.create_check_run(REPO, repository, first, "Title", "Summary")
        return
    world.github.create_check_run(REPO, repository, first, "Title", "Summary")
    world.github.create_check_run(REPO, repository, CheckRun(name="other", conclusion="neutral"), "Title", "Summary")
    world.github.create_check_run(REPO, repository, second, "Title", "Summary")
    found = world.github.check_runs(REPO, repository)
    assert sorted(found, key=lambda run: run.name) == [second, CheckRun(name="other", conclusion="neutral")]


def test_who_is_invited_to_a_team_is_not_in_it_yet(github: RestGitHub, server: ScriptedServer) -> None:
    server.on("GET", "/orgs/acme/teams/leads/memberships/ada", Answer(body={"state": "pending", "role": "member"}))
    assert not github.is_team_member("acme", "leads", "ada")


def test_a_check_run_without_a_conclusion_has_not_completed(github: RestGitHub, server: ScriptedServer) -> None:
    runs = {"total_count": 1, "check_runs": [{"name": "build", "conclusion": None}]}
    server.on("GET", "/repos/o/r/commits/abc/check-runs?per_page=100", Answer(body=runs))
    assert github.check_runs("o/r", "abc") == [CheckRun(name="build")]


def test_a_branch_without_protection_requires_nothing(github: RestGitHub, server: ScriptedServer) -> None:
    server.on("GET", "/repos/o/r/branches/release%2F1", Answer(body={"name": "release/1", "protected": False}))
    assert github.required_contexts("o/r", "release/1") == ()
