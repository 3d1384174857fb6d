from dataclasses import replace

import pytest

from prowless.domain import layout
from prowless.domain.layout import Layout
from prowless.domain.prowjob import ProwJobSpec, State, header
from prowless.domain.refs import JobType, Pull, Refs

REFS = Refs(org="acme", repo="app", base_ref="main", base_sha="b" * 40)
PULLED = Refs(org="acme", repo="app", base_ref="main", base_sha="b" * 40, pulls=(Pull(number=7, sha="h" * 40),))


def job(spec):
    return header(spec, prowjob="x", build_id="99", cause="c", delivery="", created_at=1)


PRESUBMIT = ProwJobSpec(type=JobType.PRESUBMIT, job="unit", refs=PULLED)
POSTSUBMIT = ProwJobSpec(type=JobType.POSTSUBMIT, job="publish", refs=REFS)
PERIODIC = ProwJobSpec(type=JobType.PERIODIC, job="nightly")


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (PRESUBMIT, "pr-logs/pull/acme_app/7/unit/99"),
        (POSTSUBMIT, "logs/publish/99"),
        (PERIODIC, "logs/nightly/99"),
        (ProwJobSpec(type=JobType.BATCH, job="unit", refs=REFS), "pr-logs/pull/batch/unit/99"),
    ],
)
def test_each_type_has_prows_folder(spec, expected):
    assert Layout().run(job(spec)) == expected


@pytest.mark.parametrize(
    ("strategy", "org", "repo", "expected"),
    [
        ("explicit", "acme", "app", "acme_app/7"),
        ("legacy", "acme", "app", "7"),
        ("legacy", "acme", "other", "app/7"),
        ("legacy", "x", "app", "acme_app/7"),
        ("single", "acme", "app", "7"),
        ("single", "acme", "other", "acme_app/7"),
    ],
)
def test_the_path_strategy_decides_the_repository_part(strategy, org, repo, expected):
    rules = Layout(path_strategy=strategy, default_org=org, default_repo=repo)
    assert rules.run(job(PRESUBMIT)) == f"pr-logs/pull/{expected}/unit/99"


def test_the_prefix_goes_before_the_run_and_not_before_latest_build_or_alias():
    rules = Layout.from_decoration({"gcs_configuration": {"path_prefix": "ci/"}})
    assert rules.run(job(PRESUBMIT)) == "ci/pr-logs/pull/acme_app/7/unit/99"
    assert rules.latest_builds(job(PRESUBMIT)) == (
        "pr-logs/directory/unit/latest-build.txt",
        "pr-logs/pull/acme_app/7/unit/latest-build.txt",
    )
    assert rules.alias(job(PRESUBMIT)) == "pr-logs/directory/unit/99.txt"


def test_only_presubmits_have_an_alias():
    assert Layout().alias(job(POSTSUBMIT)) == ""
    assert Layout().latest_builds(job(PERIODIC)) == ("logs/nightly/latest-build.txt",)
    batch = ProwJobSpec(type=JobType.BATCH, job="unit", refs=REFS)
    assert Layout().latest_builds(job(batch)) == ("pr-logs/directory/unit/latest-build.txt",)


def test_started_names_the_tested_commit_and_repositories():
    assert layout.started(PRESUBMIT, 1_700_000_000_123) == {
        "timestamp": 1_700_000_000,
        "repo-version": "h" * 40,
        "repo-commit": "h" * 40,
        "pull": "7",
        "repos": {"acme/app": f"main:{'b' * 40},7:{'h' * 40}"},
    }


def test_a_periodic_starts_at_its_first_extra_ref():
    spec = ProwJobSpec(type=JobType.PERIODIC, job="n", extra_refs=(Refs(org="acme", repo="tools", base_ref="v1"),))
    assert layout.started(spec, 1000) == {
        "timestamp": 1, "repo-version": "v1", "repo-commit": "v1", "repos": {"acme/tools": "v1"},
    }  # fmt: skip


def test_an_auxiliary_repository_is_not_what_a_periodic_tests():
    tools = Refs(org="acme", repo="tools", base_ref="v1", auxiliary=True)
    spec = ProwJobSpec(type=JobType.PERIODIC, job="n", extra_refs=(tools, REFS))
    assert layout.started(spec, 1000)["repo-commit"] == "b" * 40
    assert "repo-commit" not in layout.started(ProwJobSpec(type=JobType.PERIODIC, job="n", extra_refs=(tools,)), 1000)


@pytest.mark.parametrize(
    ("state", "passed", "result"),
    [
        (State.SUCCESS, True, "SUCCESS"),
        (State.FAILURE, False, "FAILURE"),
        (State.ERROR, False, "FAILURE"),
        (State.ABORTED, False, "ABORTED"),
    ],
)
def test_finished_has_prows_results(state, passed, result):

    data = layout.finished(PRESUBMIT, replace(job(PRESUBMIT), state=state), 5000, {"k": "v"})
    assert data == {"timestamp": 5, "passed": passed, "result": result, "revision": "h" * 40, "metadata": {"k": "v"}}


def test_prowjob_json_has_prows_shape():
    data = layout.prowjob_json(PRESUBMIT, job(PRESUBMIT), {"created": "2026-01-01T00:00:00Z"})
    assert data["kind"] == "ProwJob"
    assert data["status"]["build_id"] == "99"
    assert data["spec"]["refs"]["pulls"][0]["number"] == 7
    assert "completionTime" not in data["status"]
