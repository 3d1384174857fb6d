import json

import pytest

from prowless.domain.config import build
from prowless.domain.config.jobs import Periodic, default_trigger
from tests.unit.config_texts import SPEC, compiled, only, presubmits, problems, shard


def test_a_presubmit_with_all_defaults():
    job = only(presubmits(f"{{name: unit, spec: {SPEC}}}"))
    assert (job.agent, job.cluster, job.context, job.rerun_command) == ("kubernetes", "default", "unit", "/test unit")
    assert job.trigger == default_trigger("unit")
    assert job.needs_explicit_trigger
    assert job.source == "jobs/0.yaml:3"


def test_each_kind_of_spec():
    jobs = f"""
presubmits:
  acme/app:
  - {{name: pod, spec: {SPEC}}}
  - {{name: tekton, agent: tekton-pipeline, pipeline_run_spec: {{pipelineRef: {{name: x}}}}}}
  - {{name: argo, agent: argo-workflow, workflow_spec: {{entrypoint: main}}}}
postsubmits:
  acme/app:
  - {{name: old, agent: tekton-pipeline, tekton_pipeline_run_spec: {{v1beta1: {{pipelineRef: {{name: z}}}}}}}}
periodics:
- {{name: nightly, cron: "@daily", spec: {SPEC}}}
"""
    snapshot = compiled(jobs)
    pod, tekton, argo = shard(snapshot).presubmits
    assert pod.spec == {"containers": [{"image": "busybox", "command": ["make"]}]}
    assert tekton.pipeline_run_spec == {"pipelineRef": {"name": "x"}}
    assert argo.workflow_spec == {"entrypoint": "main"}
    assert shard(snapshot).postsubmits[0].pipeline_run_spec == {"pipelineRef": {"name": "z"}}
    (periodic,) = json.loads(snapshot.files["periodics.json"])["periodics"]
    assert Periodic.from_dict(periodic).cron == "@daily"


def test_equal_input_gives_equal_bytes_and_another_input_another_hash():
    first = presubmits(f"{{name: unit, spec: {SPEC}}}")
    again = presubmits(f"{{spec: {SPEC}, name: unit}}")
    other = presubmits(f"{{name: units, spec: {SPEC}}}")
    assert (first.hash, first.files) == (again.hash, again.files)
    assert first.hash != other.hash


def test_keys_match_whatever_their_case_down_into_the_pod():
    job = only(presubmits("{Name: unit, ALWAYS_RUN: true, spec: {serviceaccountName: ci, containers: [{Image: x}]}}"))
    assert job.always_run
    assert job.spec == {"serviceAccountName": "ci", "containers": [{"image": "x"}]}


def test_maps_with_the_authors_keys_keep_their_case():
    spec = "{nodeSelector: {Image: big}, containers: [{image: x, resources: {limits: {CPU: '1'}}}]}"
    job = only(presubmits(f"{{name: unit, labels: {{Team: a}}, spec: {spec}}}"))
    assert job.spec["nodeSelector"] == {"Image": "big"}
    assert job.spec["containers"][0]["resources"]["limits"] == {"CPU": "1"}
    assert job.labels == {"Team": "a"}


@pytest.mark.parametrize(
    ("job", "warning"),
    [
        ("decorate_config: {}", "unknown field 'decorate_config' in presubmit unit; did you mean 'decoration_config'?"),
        ("karpenter.sh/do-not-disrupt: 'true'", "unknown field 'karpenter.sh/do-not-disrupt' in presubmit unit"),
        ("cron: '@daily'", "unknown field 'cron' in presubmit unit"),
        (
            "decoration_config: {time_out: 1h}",
            "unknown field 'time_out' in presubmit unit: decoration_config; did you mean 'timeout'?",
        ),
    ],
)
def test_an_unknown_field_is_named_with_the_nearest_known_one(job, warning):
    snapshot = presubmits(f"{{name: unit, spec: {SPEC}, {job}}}")
    assert f"jobs/0.yaml:3: {warning}" in snapshot.warnings


def test_an_unknown_field_of_a_pod_is_named():
    snapshot = presubmits("{name: unit, spec: {containers: [{image: x, comand: [y]}]}}")
    assert snapshot.warnings == (
        "jobs/0.yaml:3: unknown field 'comand' in presubmit unit: spec; did you mean 'command'?",
    )


def test_what_is_read_and_not_acted_on_is_told_once_with_its_count():
    jobs = [f"{{name: j{n}, hidden: true, spec: {SPEC}}}" for n in range(3)]
    assert presubmits(*jobs).notes == (
        "jobs/0.yaml:3: hidden is read and not acted on (in 3 places, this is the first)",
    )


def test_a_job_on_an_unknown_cluster_is_told():
    (warning,) = presubmits(f"{{name: unit, cluster: big, spec: {SPEC}}}").warnings
    assert "cluster 'big' is not configured (known: default)" in warning


def test_an_unknown_agent_is_accepted_with_a_warning_as_in_prow():
    (warning,) = presubmits("{name: unit, agent: jenkins}").warnings
    assert "no engine runs agent 'jenkins'" in warning


def test_gerrit_is_told_and_left_out():
    snapshot = compiled(f"presubmits:\n  https://gerrit.example/x:\n  - {{name: unit, spec: {SPEC}}}\n")
    assert [name for name in snapshot.files if name.startswith("repos/")] == []
    assert "Gerrit is not supported" in snapshot.notes[0]


@pytest.mark.parametrize(
    ("job", "problem"),
    [
        ("name: unit, always_run: 'yes'", "presubmit unit: always_run: expected true or false, found the text 'yes'"),
        ("name: unit, max_concurrency: many", "max_concurrency: expected a whole number, found the text 'many'"),
        ("name: unit, branches: [1.10]", "branches[0]: expected a text, found the value 1.1: put it in quotes"),
        ("name: unit, labels: {a: true}", "labels[a]: expected a text, found the value true: put it in quotes"),
        ("name: unit, pipeline_run_spec: []", "pipeline_run_spec: expected a mapping, found a list"),
        ("name: unit, decoration_config: {timeout: 1d}", "decoration_config: timeout: time: invalid duration '1d'"),
        ("always_run: true", "presubmits of acme/app: a job has no name"),
        ("name: unit, workflow_ref: x", "job unit: workflow_ref is not supported yet"),
        ("name: unit, extra_refs: [{org: acme}]", "job unit: extra_refs need org and repo"),
    ],
)
def test_a_value_of_another_type_is_refused_at_its_line(job, problem):
    assert any(
        line.startswith("jobs/0.yaml:3: ") and problem in line
        for line in problems(presubmits, f"{{{job}, spec: {SPEC}}}")
    )


def test_all_problems_are_told_at_once():
    found = problems(presubmits, "{name: a b}", "{name: c, max_concurrency: -1}")
    assert len(found) == 4
    assert 'invalid presubmit job a b: name: must match regex "^[A-Za-z0-9-._]+$"' in found[0]


def test_a_repository_is_org_and_name():
    job = f"  - {{name: unit, spec: {SPEC}}}\n"
    assert problems(compiled, f"presubmits:\n  ../etc/x:\n{job}  acme:\n{job}") == (
        "jobs/0.yaml:2: presubmits: '../etc/x' is not org/repo",
        "jobs/0.yaml:4: presubmits: 'acme' is not org/repo",
    )


def test_a_kubernetes_object_is_not_a_configuration():
    (problem,) = problems(compiled, config="apiVersion: v1\nkind: ConfigMap\ndata: {}\n")
    assert "a Kubernetes object, not configuration" in problem


def test_more_jobs_than_any_organisation_has_are_refused_where_they_begin(monkeypatch):
    monkeypatch.setattr(build, "MAX_JOBS", 2)
    four = ", ".join(f"{{name: {name}, spec: {SPEC}}}" for name in "abcd")
    assert problems(compiled, f"presubmits:\n  acme/app: [{four}]\n  acme/lib: [{four}]\n") == (
        "jobs/0.yaml:2: presubmits of acme/app: more than 2 jobs; from here on none is read",
    )
