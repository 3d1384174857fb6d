"""What each type of job gets and leaves: environment, clusters, due times, and Prow's files in S3."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from tests.functional.scenarios.world import DAY, HOUR, MINUTE, REPOSITORY, job, presubmit

from prowless.domain.prowjob import Phase
from prowless_local.cluster import Scripted

TWO_CLUSTERS = {"default": {}, "release": {"namespace": "release-pods"}}


def environment(world, name: str) -> dict[str, str]:
    """What the job's own container was given."""
    (plan,) = [plan for plan in world.launched if plan.env.get("JOB_NAME") == name and plan.container == "main"]
    return dict(plan.env)


def artifacts(world, run) -> tuple[str, dict[str, str]]:
    """The run's folder, and its files by name."""
    assert run.url.startswith(f"{world.stack.pages_url}/view/s3/")
    folder = run.url.partition("/view/s3/")[2].partition("/")[2]
    return folder, {
        key.removeprefix(f"{folder}/"): world.artifact(key) for key in world.keys("ArtifactsBucket", folder)
    }


def test_a_presubmit_knows_what_it_tests(world):
    pull = world.open_pull()
    world.rest()
    run, env = pull.run(), environment(world, "unit")
    base = world.github.head(REPOSITORY, "main")
    expected = {
        "CI": "true",
        "JOB_NAME": "unit",
        "JOB_TYPE": "presubmit",
        "BUILD_ID": run.build_id,
        "PROW_JOB_ID": run.id,
        "REPO_OWNER": "acme",
        "REPO_NAME": "calculator",
        "PULL_BASE_REF": "main",
        "PULL_BASE_SHA": base,
        "PULL_NUMBER": str(pull.number),
        "PULL_PULL_SHA": pull.head,
        "PULL_HEAD_REF": "change-1",
        "PULL_TITLE": "Change 1",
        "PULL_REFS": f"main:{base},{pull.number}:{pull.head}",
    }
    assert {name: env.get(name) for name in expected} == expected
    spec = json.loads(env["JOB_SPEC"])
    assert (spec["type"], spec["job"], spec["buildid"], spec["prowjobid"]) == (
        "presubmit",
        "unit",
        run.build_id,
        run.id,
    )
    assert spec["refs"]["pulls"][0] | {"title": ""} == {
        "number": pull.number,
        "author": "ada",
        "sha": pull.head,
        "title": "",
        "head_ref": "change-1",
        "link": f"{world.github.url}/{REPOSITORY}/pull/1",
        "commit_link": f"{world.github.url}/{REPOSITORY}/pull/1/commits/{pull.head}",
        "author_link": f"{world.github.url}/ada",
    }


@pytest.mark.parametrize(("code", "passed", "result"), [(0, True, "SUCCESS"), (1, False, "FAILURE")])
def test_a_presubmit_leaves_prows_files_at_prows_places(world, code, passed, result):
    world.plays["unit"] = Scripted(seconds=30, code=code, log="testing\ntested\n")
    pull = world.open_pull()
    world.rest()
    run = pull.run()
    folder, files = artifacts(world, run)
    assert folder == f"pr-logs/pull/acme_calculator/{pull.number}/unit/{run.build_id}"
    assert sorted(files) == ["build-log.txt", "finished.json", "prowjob.json", "started.json"]
    assert files["build-log.txt"] == "testing\ntested\n"
    started, finished = json.loads(files["started.json"]), json.loads(files["finished.json"])
    assert started["pull"] == str(pull.number)
    assert started["repos"] == {REPOSITORY: f"main:{run.base_sha},{pull.number}:{pull.head}"}
    assert started["repo-commit"] == pull.head
    assert (finished["passed"], finished["result"], finished["revision"]) == (passed, result, pull.head)
    assert 30 <= finished["timestamp"] - started["timestamp"] <= 40
    prowjob = json.loads(files["prowjob.json"])
    assert (prowjob["kind"], prowjob["metadata"]["name"]) == ("ProwJob", run.id)
    assert prowjob["status"]["state"] == result.lower()
    assert prowjob["status"]["url"] == run.url
    assert datetime.fromisoformat(prowjob["status"]["completionTime"]).tzinfo == UTC
    for place in ("pr-logs/directory/unit", f"pr-logs/pull/acme_calculator/{pull.number}/unit"):
        assert world.artifact(f"{place}/latest-build.txt") == run.build_id
    bucket = world.aws.resources["ArtifactsBucket"].ref
    assert world.artifact(f"pr-logs/directory/unit/{run.build_id}.txt") == f"s3://{bucket}/{folder}"
    assert pull.status().target_url == run.url


def test_the_newest_build_is_not_turned_back_by_an_older_one_that_ends_later(world):
    world.plays["unit"] = Scripted(seconds=5 * MINUTE)
    first = world.open_pull()
    world.pass_time(1)
    world.plays["unit"] = Scripted(seconds=MINUTE)
    second = world.open_pull()
    world.rest()
    assert first.run().completed_at > second.run().completed_at
    assert world.artifact("pr-logs/directory/unit/latest-build.txt") == second.run().build_id


def test_a_run_of_several_steps_has_a_log_of_each_and_a_joint_one(start):
    spec = {
        "entrypoint": "main",
        "templates": [
            {
                "name": "main",
                "steps": [[{"name": "build", "template": "do"}], [{"name": "check", "template": "do"}]],
            },
            {"name": "do", "container": {"image": "alpine", "command": ["true"]}},
        ],
    }
    flow = {"name": "flow", "always_run": True, "agent": "argo-workflow", "workflow_spec": spec}
    world = start(presubmits=[flow])
    pull = world.open_pull()
    world.rest()
    assert pull.state("flow") == "success"
    _, files = artifacts(world, pull.run("flow"))
    logs = {name: text for name, text in files.items() if name.endswith("build-log.txt")}
    assert logs.pop("build-log.txt").count("done\n") == 2
    assert sorted(logs.values()) == ["done\n", "done\n"]
    assert any("build" in name for name in logs)
    assert any("check" in name for name in logs)


def test_a_tekton_job_runs_as_a_pipeline_run(start):
    step = {"name": "say", "image": "alpine", "script": "#!/bin/sh\ntrue\n"}
    pipeline = {"pipelineSpec": {"tasks": [{"name": "test", "taskSpec": {"steps": [step]}}]}}
    flow = {"name": "flow", "always_run": True, "agent": "tekton-pipeline", "pipeline_run_spec": pipeline}
    world = start(presubmits=[flow])
    pull = world.open_pull()
    world.rest()
    assert pull.state("flow") == "success"
    assert world.created == [("default", "PipelineRun", pull.run("flow").id)]


def test_a_merge_starts_the_postsubmit_on_its_own_cluster(start):
    publish = job("publish", cluster="release", branches=["^main$"])
    world = start(presubmits=[presubmit()], postsubmits=[publish], clusters=TWO_CLUSTERS)
    pull = world.open_pull()
    pull.await_state("success")
    sha = pull.merge()
    world.rest()
    run = world.run("publish")
    assert world.created == [("default", "Workflow", pull.run().id), ("release", "Workflow", run.id)]
    assert world.workflows("release")[0]["metadata"]["namespace"] == "release-pods"
    assert pull.state("publish", sha) == "success"
    env = environment(world, "publish")
    assert (env["JOB_TYPE"], env["PULL_BASE_SHA"], env["PULL_REFS"]) == ("postsubmit", sha, f"main:{sha}")
    assert "PULL_NUMBER" not in env
    folder, files = artifacts(world, run)
    assert folder == f"logs/publish/{run.build_id}"
    assert json.loads(files["finished.json"])["revision"] == sha
    assert world.artifact("logs/publish/latest-build.txt") == run.build_id


def test_a_push_to_another_branch_starts_no_postsubmit(start):
    world = start(postsubmits=[job("publish", branches=["^main$"])])
    world.github.commit(REPOSITORY, "feature", {"x": "y"})
    world.rest()
    assert world.runs() == []
    world.push_to_main()
    world.rest()
    assert [run.state for run in world.runs("publish")] == ["success"]


def test_every_push_has_its_own_postsubmit_run_also_while_one_runs(start):
    world = start(postsubmits=[job("publish", max_concurrency=1)])
    shas = [world.push_to_main({"n": str(n)}) for n in range(3)]
    world.rest()
    assert [run.base_sha for run in world.runs("publish")] == shas
    assert world.busiest["default"] == 1


def test_a_periodic_fires_once_for_each_due_time_however_often_it_is_looked_at(start):
    world = start(periodics=[job("nightly", cron="0 3 * * *")])
    for _ in range(2):
        world.aws.tick("periodics")
    assert world.runs() == []
    now = datetime.fromtimestamp(world.clock.now_ms() / 1000, UTC)
    world.pass_time((27 - now.hour) * HOUR - now.minute * MINUTE + 20)
    for _ in range(3):
        world.aws.tick("periodics")
        world.pass_time(10)
    world.rest()
    run = world.run("nightly")
    assert (run.state, run.phase) == ("success", Phase.RELEASED)
    assert len(world.created) == 1
    world.pass_time(DAY)
    world.aws.tick("periodics")
    world.aws.tick("periodics")
    world.rest()
    assert len(world.runs("nightly")) == 2


def test_a_periodic_is_started_by_the_schedule_itself(start):
    world = start(periodics=[job("often", interval="1h")], schedules=True)
    world.pass_time(2 * HOUR + 5 * MINUTE)
    runs = world.runs("often")
    assert [run.state for run in runs] == ["success"] * len(runs)
    assert 2 <= len(runs) <= 3
    gaps = [(later.created_at - run.created_at) / 1000 for run, later in pairwise(runs)]
    assert all(HOUR - 61 <= gap <= HOUR + 180 for gap in gaps), gaps


def test_a_periodic_has_no_status_and_leaves_its_files(start):
    world = start(periodics=[job("nightly", interval="24h", cluster="release")], clusters=TWO_CLUSTERS)
    world.aws.tick("periodics")
    world.pass_time(DAY)
    world.aws.tick("periodics")
    world.rest()
    run = world.runs("nightly")[-1]
    folder, files = artifacts(world, run)
    assert folder == f"logs/nightly/{run.build_id}"
    assert json.loads(files["finished.json"])["result"] == "SUCCESS"
    env = [plan.env for plan in world.launched][-1]
    assert env["JOB_TYPE"] == "periodic"
    assert not {"REPO_OWNER", "PULL_NUMBER", "PULL_BASE_SHA"} & set(env)
    assert world.github.statuses(REPOSITORY, world.github.head(REPOSITORY)) == []
    assert {alias for alias, _, _ in world.created} == {"release"}
