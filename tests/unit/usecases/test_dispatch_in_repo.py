"""In-repo configuration from webhook to runs: what is read of GitHub, and what it costs."""

import json
from dataclasses import replace

import pytest

from prowless.domain.config.jobs import RepositoryConfig
from prowless.domain.status import IN_REPO_CONTEXT, MERGE_CONTEXT
from prowless.ports.github import Status
from tests.fakes.config import FixedConfig
from tests.unit.usecases.test_dispatch import CONFIG, REPOSITORY, World

SPEC = "spec: {containers: [{command: ['true']}]}"
OWN = f"presubmits:\n- {{name: own, always_run: true, {SPEC}}}\npostsubmits:\n- {{name: after, {SPEC}}}\n"


@pytest.fixture
def world():
    return World(FixedConfig(replace(CONFIG, in_repo=True)))


def opened(world, files=None, author="ada"):
    world.pull = world.github.open_pull(REPOSITORY, {".prow.yaml": OWN} | (files or {}), author=author)
    world.github.calls.clear()
    return world.pull_event(guid=f"open-{world.pull.number}")


def calls(world):
    """Calls of GitHub's API that cost something, in order."""
    return [name for name, _ in world.github.calls]


def record(world, guid):
    return json.loads(world.state.get(world.deliveries.get(guid).decisions))


def test_a_pull_that_adds_prow_yaml_runs_its_job_marked_as_in_repo(world):
    decisions = opened(world)
    assert decisions["own"][0] == "run"
    assert world.jobs() == ["own", "unit"]
    marks = {run.job: world.runs.spec(run).in_repo for run in world.prowjobs.rows.values()}
    assert marks == {"own": True, "unit": False}


def test_the_files_are_those_of_the_merge_not_of_the_head(world):
    world.pull = world.github.open_pull(REPOSITORY, {"b": "1"}, author="ada")
    world.github.commit(REPOSITORY, {".prow.yaml": OWN})
    world.pull_event()
    assert world.jobs() == ["own", "unit"]


def test_a_test_merge_of_an_older_head_is_not_read(world):
    refs = world.github.repositories[REPOSITORY].refs
    opened(world)
    merge = f"pull/{world.pull.number}/merge"
    stale = refs[merge]
    world.github.push(REPOSITORY, world.pull.number, {".prow.yaml": None})
    refs[merge] = stale
    decisions = world.pull_event("synchronize", "g2")
    assert decisions["unit"] == ("blocked", "merge-ref")
    assert "own" not in decisions


def test_it_costs_two_calls_more_for_new_files_and_one_for_known_ones(world):
    static = World()
    static.github.calls.clear()
    static.pull_event()
    usual = calls(static)
    opened(world)
    assert sorted(calls(world)) == sorted([*usual, "entries", "contents"])
    opened(world, {"other": "file"})
    assert sorted(calls(world)) == sorted([*usual, "entries"])


def test_what_may_have_to_be_taken_back_costs_one_look_at_the_statuses(world):
    opened(world)
    assert calls(world).count("statuses") == 1


def test_a_push_costs_one_call_more(world):
    world.push()
    assert calls(world).count("entries") == 1
    assert "contents" not in calls(world)


def test_where_it_is_not_enabled_nothing_is_read():
    world = World()
    opened(world)
    assert "entries" not in calls(world)
    world.push()
    assert "entries" not in calls(world)
    assert world.jobs() == ["publish", "site", "unit"]


def test_a_strangers_pull_is_not_read_before_approval(world):
    opened(world, author="mallory")
    assert not {"entries", "contents", "parents"} & set(calls(world))
    assert "were not read" in record(world, f"open-{world.pull.number}")["notes"][0]
    world.comment("/ok-to-test", guid="c2")
    assert world.jobs() == ["own", "unit"]


def test_an_invalid_file_is_told_on_the_pull_once_and_static_jobs_run(world):
    opened(world, {".prow.yaml": "presubmits:\n- {name: own}\n"})
    assert world.jobs() == ["unit"]
    status = world.github.statuses(REPOSITORY, world.pull.head_sha)[IN_REPO_CONTEXT]
    assert (status.state, ".prow.yaml:2" in status.description) == ("failure", True)
    world.comment("/test unit", guid="c2")
    (said,) = world.github.comments(REPOSITORY, world.pull.number)
    assert ".prow.yaml:2: invalid presubmit job own" in said.body
    assert record(world, "c2")["problems"][0].startswith(".prow.yaml:2: ")
    posted = world.github.repositories[REPOSITORY].statuses[world.pull.head_sha]
    assert len([one for one in posted if one.context == IN_REPO_CONTEXT]) == 1


def test_a_base_that_makes_it_valid_again_turns_the_status_green(world):
    refs = world.github.repositories[REPOSITORY]
    world.github.commit(REPOSITORY, {".prow/clash.yaml": OWN})
    opened(world, {".prow/mine.yaml": OWN})
    assert world.jobs() == ["unit"]
    world.github.commit(REPOSITORY, {".prow/clash.yaml": None})
    world.comment("/test own", guid="c2")
    assert world.jobs() == ["own", "unit"]
    assert refs.statuses[world.pull.head_sha][-1].state == "success"


def test_problems_that_change_on_the_same_head_change_the_comment_and_it_goes_with_them(world):
    bad = "presubmits:\n- {name: %s}\n"
    world.github.commit(REPOSITORY, {".prow/base.yaml": bad % "first"})
    opened(world, {".prow/mine.yaml": OWN})
    world.github.commit(REPOSITORY, {".prow/base.yaml": bad % "second"})
    world.comment("/test unit", guid="c2")
    (said,) = world.github.comments(REPOSITORY, world.pull.number)
    assert ("second" in said.body, "first" in said.body) == (True, False)
    world.github.commit(REPOSITORY, {".prow/base.yaml": None})
    world.comment("/test unit", guid="c3")
    assert not world.github.comments(REPOSITORY, world.pull.number)


def test_a_failure_that_a_push_of_the_head_posted_goes_where_the_merge_is_valid(world):
    refs = world.github.repositories[REPOSITORY]
    opened(world)
    head = world.pull.head_sha
    red = Status(context=IN_REPO_CONTEXT, state="failure", description="x")
    world.github.create_status(REPOSITORY, head, red)
    world.pull_event("synchronize", "g2")
    assert refs.statuses[head][-1].state == "success"


def test_a_warning_is_in_the_record(world):
    opened(world, {".prow.yaml": OWN.replace("always_run", "brances: [x], always_run")})
    (note,) = record(world, f"open-{world.pull.number}")["notes"]
    assert "did you mean 'branches'?" in note
    assert world.jobs() == ["own", "unit"]


def test_a_push_runs_the_postsubmits_of_the_pushed_commit(world):
    world.github.commit(REPOSITORY, {".prow.yaml": OWN})
    assert world.push()["after"][0] == "run"


def test_an_invalid_file_of_a_push_fails_a_status_on_its_commit(world):
    world.github.commit(REPOSITORY, {".prow.yaml": "a: ["})
    world.push()
    assert world.jobs() == ["publish", "site"]
    main = world.github.ref(REPOSITORY, "heads/main")
    assert world.github.statuses(REPOSITORY, main)[IN_REPO_CONTEXT].state == "failure"


def test_a_pull_that_conflicts_says_so_in_a_status_until_jobs_start_on_that_head(world):
    opened(world, {"a.py": "mine"})
    world.github.commit(REPOSITORY, {"a.py": "theirs"})
    assert world.pull_event("reopened", "g2")["unit"] == ("blocked", "mergeable")
    head = world.pull.head_sha
    status = world.github.statuses(REPOSITORY, head)[MERGE_CONTEXT]
    assert (status.state, "conflicts with main" in status.description) == ("error", True)
    assert "are not known" in record(world, "g2")["notes"][0]
    world.github.commit(REPOSITORY, {"a.py": None})
    world.comment("/test all", guid="c2")
    assert world.github.statuses(REPOSITORY, head)[MERGE_CONTEXT].state == "success"


def test_a_repository_without_static_jobs_is_served_all_the_same():
    world = World(FixedConfig(RepositoryConfig(repository=REPOSITORY, in_repo=True)))
    opened(world)
    assert world.jobs() == ["own"]
    world.github.change_pull(REPOSITORY, world.pull.number, state="closed")
    world.pull_event("closed", "g2")
    assert [run.state for run in world.prowjobs.rows.values()] == ["aborted"]


def test_a_custom_trigger_starts_its_job(world):
    own = f"presubmits:\n- {{name: x, trigger: '(?m)^/go$', rerun_command: /go, {SPEC}}}\n"
    opened(world, {".prow.yaml": own})
    world.comment("/go", guid="c2")
    assert world.jobs() == ["unit", "x"]


@pytest.mark.parametrize(("text", "cost"), [("see /etc/hosts", False), ("/go", True)])
def test_talk_costs_no_call_and_what_may_be_a_trigger_waits_for_no_merge(world, text, cost):
    opened(world)
    world.github.change_pull(REPOSITORY, world.pull.number, mergeable=None)
    del world.github.repositories[REPOSITORY].refs[f"pull/{world.pull.number}/merge"]
    world.github.calls.clear()
    before = world.clock.now
    world.comment(text, guid="c2")
    assert world.clock.now == before + 1  # that of `deliver`
    assert "entries" not in calls(world)
    assert bool(calls(world)) is cost


def test_a_command_beside_it_waits_for_the_merge_all_the_same(world):
    opened(world)
    merge = f"pull/{world.pull.number}/merge"
    refs = world.github.repositories[REPOSITORY].refs
    computed = refs.pop(merge)

    def compute(seconds):
        refs[merge] = computed

    world.dispatch._pause = compute
    world.comment("/explain", guid="c2")
    (said,) = world.github.comments(REPOSITORY, world.pull.number)
    assert "<code>own</code>" in said.body


def test_a_merge_group_runs_the_jobs_of_its_head(world):
    world.pull = world.github.open_pull(REPOSITORY, {".prow.yaml": OWN}, author="ada")
    head = world.github.queue(REPOSITORY, [world.pull.number])
    base = world.github.ref(REPOSITORY, "heads/main")
    ref = f"refs/heads/gh-readonly-queue/main/pr-{world.pull.number}-{base}"
    group = {"head_sha": head, "head_ref": ref, "base_sha": base, "base_ref": "refs/heads/main"}
    decisions = world.deliver("merge_group", action="checks_requested", merge_group=group)
    assert decisions["own"][0] == "run"
    assert world.jobs() == ["own", "unit"]


def test_a_list_of_pushed_files_that_was_cut_off_runs_what_depends_on_it(world):
    after = world.github.commit(REPOSITORY, {"main.py": "1"})
    commits = [{"added": [f"src/{number}" for number in range(3001)]}]
    new = {"ref": "refs/heads/topic", "before": "0" * 40, "after": after, "compare": "c", "created": True}
    assert world.deliver("push", commits=commits, **new)["site"][0] == "run"
    reasons = {one["job"]: one["reason"] for one in record(world, "g1")["decisions"]}
    assert reasons["site"].startswith("the changed files could not be determined")
    few = world.deliver("push", guid="g2", commits=[{"added": ["src/1"]}], **new)
    assert few["site"][0] == "skip"
