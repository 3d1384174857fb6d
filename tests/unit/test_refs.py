import json

from prowless.domain.refs import JobType, Pull, Refs, environment

PULL = Pull(number=7, author="ada", sha="h" * 40, title="Add sums", head_ref="sums")
REFS = Refs(
    org="acme", repo="app", repo_link="https://github.com/acme/app", base_ref="main", base_sha="b" * 40, pulls=(PULL,)
)


def env(job_type: JobType, refs: Refs | None = REFS, agent: str = "kubernetes") -> dict[str, str]:
    return environment(
        job="unit", job_type=job_type, prowjob="id", build_id="1", agent=agent, refs=refs, job_spec={"job": "unit"}
    )


def test_pull_refs_name_the_base_and_each_pull():
    two = Refs(org="a", repo="b", base_ref="main", base_sha="123", pulls=(PULL, Pull(number=8, sha="s", ref="r")))
    assert str(two) == f"main:123,7:{'h' * 40},8:s:r"
    assert str(Refs(org="a", repo="b", base_ref="main")) == "main"


def test_a_presubmit_gets_every_variable():
    assert env(JobType.PRESUBMIT) == {
        "CI": "true",
        "JOB_NAME": "unit",
        "JOB_TYPE": "presubmit",
        "JOB_SPEC": '{"job":"unit"}',
        "BUILD_ID": "1",
        "PROW_JOB_ID": "id",
        "BUILD_NUMBER": "1",
        "REPO_OWNER": "acme",
        "REPO_NAME": "app",
        "SRC_HOST": "github.com",
        "SRC_BASE": "acme/app",
        "PULL_BASE_REF": "main",
        "PULL_BASE_SHA": "b" * 40,
        "PULL_REFS": f"main:{'b' * 40},7:{'h' * 40}",
        "PULL_NUMBER": "7",
        "PULL_PULL_SHA": "h" * 40,
        "PULL_HEAD_REF": "sums",
        "PULL_TITLE": "Add sums",
    }


def test_postsubmit_and_batch_get_no_single_pull():
    for job_type in (JobType.POSTSUBMIT, JobType.BATCH):
        names = env(job_type)
        assert "PULL_REFS" in names
        assert "PULL_NUMBER" not in names


def test_a_periodic_gets_no_refs_even_if_there_are_some():
    assert "PULL_REFS" not in env(JobType.PERIODIC)
    assert "PULL_REFS" not in env(JobType.PERIODIC, refs=None)


def test_build_number_is_only_for_the_kubernetes_agent():
    assert "BUILD_NUMBER" not in env(JobType.PRESUBMIT, agent="tekton-pipeline")


def test_the_source_location_follows_alias_then_link_then_github():
    alias = Refs(org="acme", repo="app", path_alias="example.org/x/app")
    assert alias.source_location() == ("example.org", "x/app")
    link = Refs(org="acme", repo="app", repo_link="https://ghe.example/acme/app")
    assert link.source_location() == ("ghe.example", "acme/app")
    assert Refs(org="acme", repo="app").source_location() == ("github.com", "acme/app")


def test_refs_survive_json_and_empty_fields_are_left_out():
    data = json.loads(json.dumps(REFS.to_dict()))
    assert Refs.from_dict(data) == REFS
    assert "path_alias" not in data
    assert data["pulls"][0]["author"] == "ada"


def test_unknown_keys_of_a_newer_release_are_ignored():
    assert Refs.from_dict({"org": "a", "repo": "b", "sparse": True, "base_ref": None}).base_ref == ""
