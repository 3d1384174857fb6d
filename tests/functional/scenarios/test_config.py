"""The central configuration comes from a repository: good ones take effect, bad ones do not and say why."""

from __future__ import annotations

import json

import pytest
import yaml
from tests.functional.scenarios.world import HOUR, MINUTE, REPOSITORY, names, presubmit, write_config

from prowless.domain.config import snapshot
from prowless_local import cli
from prowless_local.github import FaultResponse

CONFIG = "acme/config"
SOURCES = json.dumps(
    [{"repository": CONFIG, "ref": "main", "config": "config.yaml", "settings": "prowless.yaml", "jobs": ["jobs/*"]}]
)


def jobs_file(*jobs: str) -> str:
    return yaml.safe_dump({"presubmits": {REPOSITORY: [presubmit(name) for name in jobs]}})


@pytest.fixture
def world(start, tmp_path):
    """A world that started with the job `unit`, and whose configuration is in acme/config from now on."""
    world = start(parameters={"ConfigSources": SOURCES})
    folder = write_config(tmp_path / "source", presubmits=[presubmit()], central={"plank": {}})
    files = {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*.yaml")}
    world.github.create_repository(CONFIG, files)
    return world


def push(world, files: dict[str, str | None], branch: str = "main") -> str:
    """Push to the configuration's repository, and let it be read."""
    sha = world.github.commit(CONFIG, branch, files)
    world.settle()
    world.pass_time(6)  # functions look for a new snapshot every five seconds
    return sha


def last_error(world) -> dict:
    return json.loads(world.stack.state.get(snapshot.LAST_ERROR) or b"{}")


def pointer(world) -> dict:
    return json.loads(world.stack.state.get(snapshot.POINTER) or b"{}")


def test_a_pushed_configuration_takes_effect_for_the_next_event(world):
    sha = push(world, {"jobs/all.yaml": jobs_file("unit", "lint")})
    assert pointer(world)["sources"] == {f"{CONFIG}@main": sha}
    pull = world.open_pull()
    world.rest()
    assert names(pull.runs()) == ["lint", "unit"]
    assert {pull.state("unit"), pull.state("lint")} == {"success"}
    push(world, {"jobs/all.yaml": None, "jobs/more/new.yaml": jobs_file("new")})
    second = world.open_pull()
    world.rest()
    assert names(second.runs()) == ["new"]


BAD = {
    "not YAML": ("presubmits: [\n", "jobs/all.yaml"),
    "a job without a name": (f"presubmits:\n  {REPOSITORY}:\n  - always_run: true\n", "name"),
    "two jobs of one name": (jobs_file("unit", "unit"), "unit"),
    "a pattern that cannot be read": (
        yaml.safe_dump({"presubmits": {REPOSITORY: [presubmit(branches=["(main"])]}}),
        "(main",
    ),
}


@pytest.mark.parametrize("bad", BAD)
def test_a_configuration_that_does_not_load_keeps_the_last_good_one_and_says_why(world, bad):
    push(world, {"jobs/all.yaml": jobs_file("lint")})
    good = pointer(world)
    text, words = BAD[bad]
    push(world, {"jobs/all.yaml": text})
    assert pointer(world) == good
    problems = last_error(world)["problems"]
    assert problems
    assert any(words in problem for problem in problems), problems
    assert any("jobs/all.yaml" in problem for problem in problems), problems
    pull = world.open_pull()
    world.rest()
    assert names(pull.runs()) == ["lint"]
    push(world, {"jobs/all.yaml": jobs_file("fixed")})
    assert last_error(world)["problems"] == []
    second = world.open_pull()
    world.rest()
    assert names(second.runs()) == ["fixed"]


def test_a_file_that_the_sources_name_and_that_is_gone_is_an_error(world):
    good = pointer(world)
    push(world, {"prowless.yaml": None})
    assert pointer(world) == good
    assert any("there is no file prowless.yaml" in problem for problem in last_error(world)["problems"])


def test_only_the_configured_branch_counts(world):
    before = pointer(world)
    push(world, {"jobs/all.yaml": jobs_file("lint")}, branch="experiment")
    assert pointer(world) == before


def test_a_sync_that_github_interrupts_is_done_a_minute_later(world):
    def fault(_method: str, path: str) -> FaultResponse | None:
        return FaultResponse(status=502) if "/git/trees/" in path or "/contents/" in path else None

    world.github.fault = fault
    before = pointer(world)
    push(world, {"jobs/all.yaml": jobs_file("lint")})
    assert pointer(world) == before
    world.github.fault = None
    world.pass_time(2 * MINUTE)
    assert pointer(world)["snapshot"] != before["snapshot"]
    assert world.dead_letters() == []


def test_a_push_is_synced_also_after_hours_without_github(world):
    world.github.fault = lambda _method, path: FaultResponse(status=503) if CONFIG in path else None
    before = pointer(world)
    push(world, {"jobs/all.yaml": jobs_file("lint")})
    told = last_error(world)
    assert (told["retried"], "503" in told["problems"][0]) == (True, True)
    world.pass_time(3 * HOUR)
    assert pointer(world) == before
    world.github.fault = None
    world.pass_time(11 * MINUTE)
    assert pointer(world)["snapshot"] != before["snapshot"]
    assert last_error(world)["problems"] == []
    assert world.dead_letters() == []


def test_of_two_pushes_in_quick_succession_the_last_wins(world):
    world.github.commit(CONFIG, "main", {"jobs/all.yaml": jobs_file("first")})
    last = push(world, {"jobs/all.yaml": jobs_file("second")})
    assert pointer(world)["sources"] == {f"{CONFIG}@main": last}
    pull = world.open_pull()
    world.rest()
    assert names(pull.runs()) == ["second"]


def test_a_push_that_nobody_told_about_is_found_by_the_sweep(start, tmp_path):
    world = start(parameters={"ConfigSources": SOURCES}, webhooks=False)
    world.github.create_repository(CONFIG)
    folder = write_config(tmp_path / "source", presubmits=[presubmit("lint")], central={"plank": {}})
    first = {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*.yaml")}
    for number, files in enumerate([first, {"jobs/all.yaml": jobs_file("new")}], 1):
        sha = world.github.commit(CONFIG, "main", files)
        for _ in range(2):
            world.aws.tick("reconcile")
            world.pass_time(5 * MINUTE)
        assert pointer(world)["sources"] == {f"{CONFIG}@main": sha}
        assert len([one for one in world.github.requests if "/tarball/" in one.path]) == number


CHECK = "prowless/config"
BROKEN = (
    f"presubmits:\n  {REPOSITORY}:\n  - name: a b\n    spec: {{containers: [{{image: alpine, command: [make]}}]}}\n"
)


def change(world, files: dict[str, str | None], author: str = "mallory") -> int:
    """A stranger's pull request that changes the configuration."""
    number = world.github.open_pull(CONFIG, "change", files, "A change", author, fork=True)
    world.settle()
    return number


def check(world, number: int) -> tuple[str, str]:
    """State and description of the check of the present head."""
    head = world.github.pull(CONFIG, number).head_sha
    found = world.github.effective_status(CONFIG, head, CHECK)
    return (found.state, found.description) if found else ("", "")


def said(world, number: int) -> list[str]:
    return [one.body for one in world.github.comments(CONFIG, number) if one.author == "prowless[bot]"]


def test_a_pull_that_breaks_the_configuration_is_told_where_and_a_fix_too(world):
    push(world, {"README.md": "now it is in force\n"})
    good = pointer(world)
    number = change(world, {"jobs/all.yaml": None, "jobs/more/broken.yaml": BROKEN})
    assert check(world, number)[0] == "failure"
    assert check(world, number)[1].startswith("jobs/more/broken.yaml:3: ")
    (comment,) = said(world, number)
    assert "jobs/more/broken.yaml:3: " in comment
    world.github.push_to_pull(CONFIG, number, {"jobs/more/broken.yaml": jobs_file("fixed")})
    world.settle()
    assert check(world, number) == ("success", "Configuration is valid: 1 job in 1 repository, 0 warnings")
    (comment,) = said(world, number)
    assert comment.startswith("Configuration is valid")
    assert pointer(world) == good
    world.github.merge(CONFIG, number, by="ada")
    world.settle()
    assert pointer(world)["snapshot"] != good["snapshot"]


def test_a_bad_configuration_that_is_merged_all_the_same_keeps_the_good_one(world):
    push(world, {"jobs/all.yaml": jobs_file("good")})
    good = pointer(world)
    number = change(world, {"jobs/all.yaml": BROKEN})
    world.github.merge(CONFIG, number, by="ada")
    world.settle()
    assert pointer(world) == good
    assert "acme/config/jobs/all.yaml:3: " in last_error(world)["problems"][0]


def test_the_command_shows_what_is_in_force_and_why_the_last_attempt_failed(world, capsys):
    arguments = ["config", "status", "--bucket", world.stack.state.name, "--format", "json"]
    sha = push(world, {"README.md": "now it is in force\n"})
    assert cli.main(arguments) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["sources"], told["last_attempt"]["problems"]) == ({f"{CONFIG}@main": sha}, [])
    push(world, {"jobs/all.yaml": BROKEN})
    assert cli.main(arguments) == 1
    failed = json.loads(capsys.readouterr().out)
    assert (failed["snapshot"], failed["sources"]) == (told["snapshot"], told["sources"])
    assert "jobs/all.yaml:3: " in failed["last_attempt"]["problems"][0]
    assert cli.main(arguments[:-2]) == 1
    assert "last attempt  refused" in capsys.readouterr().out


def test_a_pull_that_touches_no_configuration_or_is_on_another_branch_gets_no_check(world):
    number = change(world, {"docs/index.md": "text\n"})
    assert (check(world, number), said(world, number)) == (("", ""), [])
    world.github.commit(CONFIG, "experiment", {"x": "1"})
    number = world.github.open_pull(
        CONFIG, "other", {"jobs/all.yaml": BROKEN}, "A change", "mallory", fork=True, base="experiment"
    )
    world.settle()
    assert (check(world, number), said(world, number)) == (("", ""), [])


def test_a_check_that_github_interrupts_is_made_a_minute_later(world):
    world.github.fault = lambda _method, path: FaultResponse(status=502) if "/tarball/" in path else None
    number = change(world, {"jobs/all.yaml": BROKEN})
    assert check(world, number) == ("", "")
    world.github.fault = None
    world.pass_time(MINUTE)
    assert check(world, number)[0] == "failure"
    assert len(said(world, number)) == 1


def test_a_run_keeps_what_it_was_started_with(world):
    """A job that is removed from the configuration while it runs ends as if nothing was."""
    pull = world.open_pull()
    push(world, {"jobs/all.yaml": jobs_file("other")})
    pull.await_state("success", within=MINUTE)
    world.rest()


def test_with_a_users_token_everything_works_as_with_an_app(start):
    world = start(user="prow-bot", webhooks=False)
    world.github.add_collaborator(REPOSITORY, "prow-bot")
    world.github.add_hook(world.stack.webhook_url, world.stack.webhook_secret, scope="acme")
    pull = world.open_pull("mallory")
    world.rest()
    assert pull.runs() == []
    (welcome,) = pull.comments(by="prow-bot")
    assert "/ok-to-test" in welcome.body
    assert "needs-ok-to-test" in pull.labels
    pull.comment("/ok-to-test")
    pull.await_state("success", within=MINUTE)
    world.rest()
    assert pull.status().creator == "prow-bot"
    assert {request.auth for request in world.github.requests if request.path.startswith("/repos/")} == {"user"}
    assert not any(request.path.startswith("/app") for request in world.github.requests)
