"""Jobs from a repository's own `.prow.yaml`, through the whole installation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml
from tests.functional.scenarios.world import MEMBER, MINUTE, REPOSITORY, Pull, World, job, names, presubmit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ENABLED = {"in_repo_config": {"enabled": {"acme": True}}}
OWN = yaml.safe_dump({"presubmits": [presubmit("own")], "postsubmits": [job("after")]})


@pytest.fixture
def world(start: Callable[..., World]) -> World:
    """A world with the static presubmit `unit`, whose repositories' own configuration counts."""
    return start(presubmits=[presubmit()], central=ENABLED)


def open_pull(world: World, files: Mapping[str, str], author: str = MEMBER) -> Pull:
    branch = f"change-{len(world.github.pulls(REPOSITORY)) + 1}"
    pull = Pull(world, world.github.open_pull(REPOSITORY, branch, files, "Own jobs", author, fork=True))
    world.settle()
    return pull


def read(world: World) -> list[str]:
    """Requests for the files and folders of repositories."""
    parts = ("/git/trees/", "/contents/")
    return [one.path for one in world.github.requests if any(part in one.path for part in parts)]


def test_a_pull_that_adds_a_job_runs_it_and_its_postsubmit_runs_on_merge(world: World) -> None:
    pull = open_pull(world, {".prow.yaml": OWN})
    pull.await_state("success", "own", within=MINUTE)
    pull.await_state("success", "unit", within=MINUTE)
    sha = pull.merge()
    world.rest()
    assert names(world.runs()) == ["after", "own", "unit"]
    assert world.run("after").base_sha == sha
    assert pull.state("after", sha) == "success"


def test_an_invalid_file_fails_a_status_says_why_and_static_jobs_run(world: World) -> None:
    pull = open_pull(world, {".prow/jobs.yaml": "presubmits:\n- name: own\n  always_run: yes please\n"})
    pull.await_state("success", "unit", within=MINUTE)
    world.rest()
    assert names(world.runs()) == ["unit"]
    status = pull.status("prowless/in-repo")
    assert (status.state, status.description.startswith(".prow/jobs.yaml:3: ")) == ("failure", True)
    (said,) = pull.comments()
    assert ".prow/jobs.yaml:3: " in said.body
    fixed = world.github.push_to_pull(REPOSITORY, pull.number, {".prow/jobs.yaml": OWN})
    pull.await_state("success", "own", within=MINUTE)
    world.rest()
    assert pull.state("prowless/in-repo", fixed) == ""


def test_a_strangers_files_are_not_read_before_somebody_approves_them(world: World) -> None:
    pull = open_pull(world, {".prow.yaml": OWN}, "mallory")
    world.rest()
    pull.comment("/test own", by="mallory")
    world.rest()
    assert (world.runs(), read(world)) == ([], [])
    assert "needs-ok-to-test" in pull.labels
    pull.comment("/ok-to-test")
    pull.await_state("success", "own", within=MINUTE)
    world.rest()
    assert names(world.runs()) == ["own", "unit"]


def test_equal_files_are_fetched_once(world: World) -> None:
    open_pull(world, {".prow/a.yaml": OWN, ".prow/b.yaml": "presets: []"})
    world.rest()
    first = read(world)
    assert len([path for path in first if "/contents/" in path]) == 2
    open_pull(world, {".prow/a.yaml": OWN, ".prow/b.yaml": "presets: []", "more.txt": ""})
    world.rest()
    assert len(read(world)) == len(first) + 1
    assert names(world.runs()) == ["own", "own", "unit", "unit"]


def test_what_an_own_job_asks_of_its_cluster_is_judged_without_the_clusters_allowances(
    start: Callable[..., World],
) -> None:
    privileged = {"securityContext": {"privileged": True}, "image": "alpine", "command": ["make"]}
    jobs = [presubmit("central", spec={"containers": [privileged]})]
    world = start(presubmits=jobs, central=ENABLED, clusters={"default": {"allow": ["privileged"]}})
    pull = open_pull(world, {".prow.yaml": yaml.safe_dump({"presubmits": [{**jobs[0], "name": "own"}]})})
    world.rest()
    assert (pull.state("central"), pull.state("own")) == ("success", "error")
    assert "privileged" in pull.run("own").description


def test_a_conflict_shows_in_a_status_and_goes_when_jobs_start(world: World) -> None:
    pull = open_pull(world, {"main.txt": "mine\n"})
    world.rest()
    world.push_to_main({"main.txt": "theirs\n"})
    head = pull.push()
    world.rest()
    status = pull.status("prowless/merge", head)
    assert (status.state, "conflicts with main" in status.description) == ("error", True)
    assert pull.state("unit", head) == ""
    world.github.commit(REPOSITORY, "main", {"main.txt": None})
    world.settle()
    pull.comment("/test all")
    pull.await_state("success", "unit", within=MINUTE)
    assert pull.state("prowless/merge", head) == "success"
    world.rest()
