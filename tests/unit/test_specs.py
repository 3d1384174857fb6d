"""What a configured job says reaches its run: the checkout, JOB_SPEC."""

import pytest

from prowless.domain.config.jobs import Periodic, Postsubmit, Presubmit
from prowless.domain.prowjob import ProwJobSpec
from prowless.domain.refs import JobType, Pull, Refs
from prowless.domain.render import checkout
from prowless.domain.specs import periodic_spec, postsubmit_spec, presubmit_spec
from tests.unit.config_texts import compiled, only, presubmits

REFS = Refs(org="acme", repo="app", base_ref="main", base_sha="b" * 40)
EVERY_REF = {
    "org": "acme",
    "repo": "lib",
    "repo_link": "https://git.example.org/acme/lib",
    "base_ref": "v1",
    "base_sha": "c" * 40,
    "base_link": "https://git.example.org/acme/lib/commit/c",
    "path_alias": "example.org/lib",
    "workdir": True,
    "auxiliary": True,
    "clone_uri": "https://mirror.example.org/lib.git",
    "skip_submodules": True,
    "clone_depth": 5,
    "skip_fetch_head": True,
}
EVERY_PULL = {
    "number": 7,
    "author": "ada",
    "sha": "d" * 40,
    "title": "Add sums",
    "ref": "refs/pull/7/head",
    "head_ref": "sums",
    "link": "https://github.com/acme/app/pull/7",
    "commit_link": "https://github.com/acme/app/pull/7/commits/d",
    "author_link": "https://github.com/ada",
}


def main_checkout(**options):
    """The checkout of a presubmit's and of a postsubmit's main repository, which are the same."""
    texts = {
        checkout.script([spec.refs])
        for spec in (
            presubmit_spec(Presubmit(name="a", **options), REFS),
            postsubmit_spec(Postsubmit(name="a", **options), REFS),
        )
    }
    (text,) = texts
    return text


@pytest.mark.parametrize(
    ("option", "value", "there", "without"),
    [
        ("path_alias", "example.org/app", "cd /home/prow/go/src/example.org/app\n", "src/github.com/acme/app"),
        ("clone_uri", "git@git.example:app", "fetch git@git.example:app --tags", "https://github.com"),
        ("clone_depth", 3, "fetch --depth 3 https://github.com/acme/app.git", "fetch https"),
        ("skip_submodules", True, "git checkout", "submodule"),
        ("skip_fetch_head", True, f"fetch https://github.com/acme/app.git {'b' * 40}", "--tags --prune"),
    ],
)
def test_clone_options_of_a_job_are_its_main_repositorys(option, value, there, without):
    text = main_checkout(**{option: value})
    assert there in text
    assert without not in text
    assert without in main_checkout()


def test_clone_options_of_a_periodic_concern_nothing_as_in_prow():
    lib = Refs(org="acme", repo="lib", base_ref="v1")
    spec = periodic_spec(
        Periodic(name="a", interval="1h", path_alias="x.org/y", clone_depth=3, skip_submodules=True, extra_refs=(lib,))
    )
    assert (spec.refs, spec.extra_refs) == (None, (lib,))


def test_every_field_of_extra_refs_is_in_job_spec():
    refs = ", ".join(f"{name}: {str(value).lower()}" for name, value in EVERY_REF.items())
    job = only(presubmits(f"{{name: a, spec: {{containers: [{{image: x}}]}}, extra_refs: [{{{refs}}}]}}"))
    (found,) = presubmit_spec(job, REFS).job_spec("id", "1")["extra_refs"]
    assert found == EVERY_REF


def test_every_field_of_a_pull_is_in_job_spec():
    refs = Refs(org="acme", repo="app", base_ref="main", pulls=(Pull(**EVERY_PULL),))
    spec = ProwJobSpec(type=JobType.PRESUBMIT, job="a", refs=refs)
    assert spec.job_spec("id", "1")["refs"]["pulls"] == [EVERY_PULL]


def test_the_versioned_pipeline_run_spec_wins():
    both = "pipeline_run_spec: {a: 1}, tekton_pipeline_run_spec: {v1beta1: {b: 2}}"
    job = only(presubmits(f"{{name: a, agent: tekton-pipeline, {both}}}"))
    assert presubmit_spec(job, REFS).pipeline_run_spec == {"b": 2}


def test_what_is_prow_ignored_is_read_by_nobody():
    anchors = "prow_ignored: {nonsense: [&spec {containers: [{image: x}]}]}\n"
    snapshot = compiled(anchors + "presubmits: {acme/app: [{name: a, spec: *spec}]}\n", config=anchors)
    assert only(snapshot).spec == {"containers": [{"image": "x"}]}
    assert snapshot.warnings == ()


def test_presets_leave_pipelines_alone():
    config = "presets:\n- env: [{name: A, value: b}]\n"
    job = only(presubmits("{name: a, agent: tekton-pipeline, pipeline_run_spec: {x: 1}}", config=config))
    assert (job.spec, job.pipeline_run_spec) == (None, {"x": 1})
