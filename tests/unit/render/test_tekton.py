from dataclasses import replace

import pytest
from tests.unit.render.samples import CLUSTER, REFS, TITLES, TOOLS, environment_of, job, spec, titled

from prowless.domain.errors import ConfigError
from prowless.domain.refs import JobType, Refs
from prowless.domain.render import render


def pipeline_run(given, **fields):
    of = spec(agent="tekton-pipeline", pod_spec=None, pipeline_run_spec=given, **fields)
    return render(of, job(of), CLUSTER, timeout_seconds=600)


def git_task(name):
    return {"pipelineSpec": {"tasks": [{"name": "src", "taskRef": {"name": name}, "workspaces": [{"name": "w"}]}]}}


def test_the_variables_become_parameters_that_the_spec_does_not_give():
    body = pipeline_run({"pipelineRef": {"name": "p"}, "params": [{"name": "JOB_NAME", "value": "mine"}]})["spec"]
    params = {param["name"]: param["value"] for param in body["params"]}
    assert params["JOB_NAME"] == "mine"
    assert params["PULL_NUMBER"] == "7"
    assert "BUILD_NUMBER" not in params  # Prow gives it to the kubernetes agent only
    assert body["pipelineRef"] == {"name": "p"}


def test_the_timeout_is_the_jobs_unless_the_spec_says_one():
    assert pipeline_run({"pipelineRef": {"name": "p"}})["spec"]["timeouts"] == {
        "tasks": "600s",
        "finally": "600s",
        "pipeline": "1200s",
    }
    given = {"pipelineRef": {"name": "p"}, "timeouts": {"pipeline": "1h"}}
    assert pipeline_run(given)["spec"]["timeouts"] == {"pipeline": "1h"}


def test_the_namespace_is_the_jobs_or_the_clusters():
    assert pipeline_run({"pipelineRef": {"name": "p"}})["metadata"]["namespace"] == "test-pods"
    assert pipeline_run({"pipelineRef": {"name": "p"}}, namespace="ci")["metadata"]["namespace"] == "ci"


@pytest.mark.parametrize("title", TITLES)
def test_steps_of_inline_tasks_get_the_variables_as_they_are(title):
    task = {
        "name": "t",
        "taskSpec": {"stepTemplate": {"env": [{"name": "CI", "value": "x"}]}, "steps": [{"image": "a"}]},
    }
    given = {"pipelineSpec": {"tasks": [task], "finally": [{"name": "f", "taskSpec": {"steps": [{"image": "a"}]}}]}}
    pipeline = pipeline_run(given, refs=titled(title))["spec"]["pipelineSpec"]
    for each in (*pipeline["tasks"], *pipeline["finally"]):
        env = environment_of(each["taskSpec"]["stepTemplate"])
        assert env["PULL_TITLE"] == title
        assert not any("$(params" in entry["value"] for entry in each["taskSpec"]["stepTemplate"]["env"])
    assert environment_of(pipeline["tasks"][0]["taskSpec"]["stepTemplate"])["CI"] == "x"
    assert given["pipelineSpec"]["tasks"][0]["taskSpec"]["stepTemplate"]["env"] == [{"name": "CI", "value": "x"}]


def test_the_implicit_git_reference_is_the_repository_under_test():
    [task] = pipeline_run(git_task("PROW_IMPLICIT_GIT_REF"))["spec"]["pipelineSpec"]["tasks"]
    assert task == {
        "name": "src",
        "taskRef": {"name": "git-clone"},
        "workspaces": [{"name": "w"}],
        "params": [
            {"name": "revision", "value": "a" * 40},
            {"name": "url", "value": "https://github.com/acme/app.git"},
        ],
    }


@pytest.mark.parametrize(
    ("refs", "url", "revision"),
    [
        (TOOLS, "https://github.com/acme/tools.git", "release/1.2"),
        (
            Refs(org="o", repo="r", repo_link="https://git.example.org/o/r", base_ref="m", base_sha="c"),
            "https://git.example.org/o/r.git",
            "c",
        ),
        (Refs(org="o", repo="r", clone_uri="git@example.org:o/r", base_ref="m"), "git@example.org:o/r", "m"),
    ],
)
def test_an_extra_git_reference_is_the_extra_ref_of_that_number(refs, url, revision):
    [task] = pipeline_run(git_task("PROW_EXTRA_GIT_REF_0"), extra_refs=(refs,))["spec"]["pipelineSpec"]["tasks"]
    assert {param["name"]: param["value"] for param in task["params"]} == {"url": url, "revision": revision}


def test_the_implicit_git_reference_of_a_merge_group_is_its_head():
    refs = replace(REFS, merged_sha="c" * 40)
    [task] = pipeline_run(git_task("PROW_IMPLICIT_GIT_REF"), refs=refs)["spec"]["pipelineSpec"]["tasks"]
    assert {"name": "revision", "value": "c" * 40} in task["params"]


@pytest.mark.parametrize("name", ["PROW_IMPLICIT_GIT_REF", "PROW_EXTRA_GIT_REF_1"])
def test_a_git_reference_that_the_job_does_not_have_is_refused_with_its_path(name):
    with pytest.raises(ConfigError, match=rf"tasks\[0\]: taskRef {name}"):
        pipeline_run(git_task(name), type=JobType.PERIODIC, refs=None, extra_refs=(TOOLS,))


def test_what_is_no_task_is_left_to_the_cluster():
    assert pipeline_run({"pipelineSpec": {"tasks": ["odd"]}})["spec"]["pipelineSpec"]["tasks"] == ["odd"]


def test_a_task_reference_of_ones_own_is_left_alone():
    assert (
        pipeline_run(git_task("PROW_EXTRA_GIT_REF_01x"))["spec"]["pipelineSpec"]
        == git_task("PROW_EXTRA_GIT_REF_01x")["pipelineSpec"]
    )
