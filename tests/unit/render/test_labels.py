from tests.unit.render.samples import BUILD_ID, PROWJOB, TOOLS, job, spec

from prowless.domain.prowjob import ProwJobSpec
from prowless.domain.refs import JobType, Refs
from prowless.domain.render.labels import labels_and_annotations


def rendered(of: ProwJobSpec) -> tuple[dict[str, str], dict[str, str]]:
    return labels_and_annotations(of, job(of))


def test_a_presubmit_carries_prows_labels_and_annotations():
    labels, annotations = rendered(spec(labels={"team": "x"}, annotations={"note": "any text"}, optional=True))
    assert labels == {
        "created-by-prow": "true",
        "prow.k8s.io/type": "presubmit",
        "prow.k8s.io/job": "unit",
        "prow.k8s.io/context": "unit",  # a slash is no label value, so the last segment stays
        "prow.k8s.io/refs.org": "acme",
        "prow.k8s.io/refs.repo": "app",
        "prow.k8s.io/refs.base_ref": "main",
        "prow.k8s.io/refs.pull": "7",
        "prow.k8s.io/is-optional": "true",
        "prow.k8s.io/id": PROWJOB,
        "prow.k8s.io/build-id": BUILD_ID,
        "team": "x",
    }
    assert annotations == {"prow.k8s.io/job": "unit", "prow.k8s.io/context": "ci/unit", "note": "any text"}


def test_a_long_name_is_cut_to_a_legal_label_and_kept_whole_as_annotation():
    name = "x" * 60 + "._-" + "y" * 10
    labels, annotations = rendered(spec(job=name))
    assert labels["prow.k8s.io/job"] == "x" * 60
    assert annotations["prow.k8s.io/job"] == name


def test_a_value_that_cannot_be_a_label_is_left_out():
    labels, _ = rendered(spec(labels={"bad": "a b", "worse": "-", "path": "a/b c"}))
    assert not {"bad", "worse", "path"} & labels.keys()


def test_a_job_cannot_take_another_runs_id():
    labels, _ = rendered(spec(labels={"prow.k8s.io/id": "other", "prow.k8s.io/build-id": "1"}))
    assert labels["prow.k8s.io/id"] == PROWJOB
    assert labels["prow.k8s.io/build-id"] == BUILD_ID


def test_a_periodic_takes_its_refs_from_the_first_extra_ref():
    labels, _ = rendered(spec(type=JobType.PERIODIC, refs=None, extra_refs=(TOOLS, Refs(org="o", repo="r"))))
    assert labels["prow.k8s.io/refs.repo"] == "tools"
    assert labels["prow.k8s.io/refs.base_ref"] == "1.2"
    assert "prow.k8s.io/refs.pull" not in labels
    assert "prow.k8s.io/is-optional" not in labels
