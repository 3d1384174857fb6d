import json

import pytest

from prowless.domain.config.central import CentralConfig
from prowless.domain.prowjob import ProwJobSpec
from prowless.domain.refs import JobType, Refs
from tests.unit.config_texts import SETTINGS, SPEC, central, compiled, only, presubmits, problems, shard

DECORATED = """
decorate_all_jobs: true
plank:
  default_decoration_configs:
    "*": {timeout: 2h, gcs_configuration: {bucket: s3://artifacts, path_strategy: explicit}}
    acme/app: {timeout: 3h}
"""


def test_decorate_all_jobs_and_the_defaults_of_the_repository():
    job = only(presubmits(f"{{name: unit, spec: {SPEC}, decoration_config: {{grace_period: 1m}}}}", config=DECORATED))
    assert job.decorate
    assert job.decoration_config == {
        "timeout": "3h",
        "grace_period": "1m",
        "gcs_configuration": {"bucket": "s3://artifacts", "path_strategy": "explicit"},
    }


def test_an_undecorated_job_has_a_place_for_its_artifacts_but_no_timeout():
    job = only(presubmits(f"{{name: unit, decorate: false, spec: {SPEC}}}", config=DECORATED))
    assert not job.decorate
    assert job.decoration_config == {"gcs_configuration": {"bucket": "s3://artifacts", "path_strategy": "explicit"}}


def test_decorate_all_jobs_leaves_pipelines_alone():
    job = only(presubmits("{name: t, agent: tekton-pipeline, pipeline_run_spec: {}}", config=DECORATED))
    assert (job.decorate, "timeout" in job.decoration_config) == (False, False)


def test_presets_are_merged_and_shared_anchors_are_not_changed():
    jobs = f"""
presets:
- labels: {{preset-cache: true}}
  env: [{{name: SIZE, value: 10}}]
presubmits:
  acme/app:
  - {{name: a, labels: {{preset-cache: "true"}}, spec: &spec {SPEC}}}
  - {{name: b, spec: *spec}}
"""
    a, b = shard(compiled(jobs)).presubmits
    assert a.spec["containers"][0]["env"] == [{"name": "SIZE", "value": "10"}]
    assert "env" not in b.spec["containers"][0]


def test_a_preset_for_every_job_that_carries_a_secret_is_told():
    config = "presets:\n- labels:\n  preset-aws-cred: 'true'\n  volumes: [{name: s, secret: {secretName: aws}}]\n"
    warnings = presubmits(f"{{name: unit, spec: {SPEC}}}", config=config).warnings
    assert any("applies to every job, and this one brings a secret" in warning for warning in warnings)
    assert any("unknown field 'preset-aws-cred'" in warning for warning in warnings)


def test_presets_with_one_label_in_common_are_refused():
    preset = "- labels: {a: b}\n"
    (problem,) = problems(compiled, f"presets:\n{preset}{preset}")
    assert problem == "jobs/0.yaml: duplicated preset 'label:value' pair : a:b"


def test_a_preset_that_collides_is_refused():
    config = "presets:\n- env: [{name: A, value: b}]\n"
    spec = "{containers: [{image: x, env: [{name: A, value: c}]}]}"
    (problem,) = problems(presubmits, f"{{name: unit, spec: {spec}}}", config=config)
    assert "job unit failed to merge presets for podspec: env var duplicated in pod spec: A" in problem


# ---- the central part ---------------------------------------------------------------------------------------------


def test_the_central_part():
    config = """
default_job_timeout: 12h
pod_namespace: test-pods
plank:
  max_concurrency: 7
  job_queue_capacities: {gpu: 2}
  pod_pending_timeout: 15m
  job_url_prefix_config: {"*": https://ci.example/view/}
  report_template: "[full list](x)"
github_reporter:
  no_comment_repos: [acme/quiet]
in_repo_config:
  enabled: {"*": true}
  allowed_clusters: {acme: [big]}
tide: {sync_period: 1m}
"""
    snapshot = compiled(config=config)
    found = central(snapshot)
    assert found.plank_max_concurrency == 7
    assert found.job_queue_capacities == {"gpu": 2}
    assert (found.default_job_timeout_ms, found.pod_pending_timeout_ms) == (12 * 3_600_000, 15 * 60_000)
    assert found.pod_running_timeout_ms == 48 * 3_600_000
    assert found.report_templates == {"*": "[full list](x)"}
    assert found.no_comment_repos == ("acme/quiet",)
    assert (found.in_repo_enabled, found.in_repo_clusters) == ({"*": True}, {"*": ("default",), "acme": ("big",)})
    assert found.defaults.pod_namespace == "test-pods"
    assert found.clusters["default"].server == "https://k8s.example"
    assert "config.yaml:15: tide is read and not acted on" in snapshot.notes


def test_a_job_url_prefix_that_is_no_address_is_refused():
    config = "plank: {job_url_prefix_config: {acme: '%zz'}}"
    assert problems(compiled, config=config) == (
        'config.yaml: invalid value for Planks job_url_prefix_config["acme"]: invalid URL escape "%zz"',
    )


def test_an_empty_list_takes_the_default_cluster_from_in_repo_jobs():
    config = 'in_repo_config: {allowed_clusters: {"*": []}}'
    assert central(compiled(config=config)).in_repo_clusters == {"*": ()}


def test_trust_comes_from_the_most_specific_trigger_entry():
    plugins = (
        "triggers:\n- repos: [acme]\n  only_org_members: true\n- repos: [acme/app]\n  trusted_org: friends\nheart: {}\n"
    )
    found = central(compiled(plugins=plugins))
    assert found.trust_for("acme/lib").only_org_members
    assert (found.trust_for("acme/app").trusted_org, found.trust_for("acme/app").only_org_members) == ("friends", False)
    assert not found.trust_for("else/x").only_org_members


def test_a_shard_knows_its_trust():
    settings = SETTINGS + "triggers:\n- repos: [acme]\n  ignore_ok_to_test: true\n"
    assert shard(presubmits(f"{{name: unit, spec: {SPEC}}}", settings=settings)).trust.ignore_ok_to_test


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        ({"config": "plank: {max_concurrency: -1}"}, "controller has invalid max_concurrency (-1)"),
        ({"config": "github_reporter: {job_types_to_report: [batch]}"}, "invalid job_types_to_report: batch"),
        (
            {"config": "plank: {report_template: a, report_templates: {x: z}}"},
            "both report_template and report_templates",
        ),
        ({"settings": "clusters: {a: {engine: jenkins}}"}, "engine must be one of argo, pod, tekton"),
        ({"settings": "clusters: {a: {max_concurrency: -1}}"}, "max_concurrency must be a non-negative number"),
        ({"settings": "clusters: [a]"}, "clusters: expected a mapping, found a list"),
    ],
)
def test_the_central_part_is_checked(parts, problem):
    assert any(problem in line for line in problems(compiled, **parts))


def test_the_page_of_a_run_is_under_the_most_specific_prefix():
    config = CentralConfig(job_url_prefix_config={"*": "any", "acme": "org", "acme/app": "repo"})

    def prefix(**fields):
        return config.job_url_prefix(ProwJobSpec(type=JobType.PERIODIC, job="x", **fields))

    assert prefix(refs=Refs(org="acme", repo="app")) == "repo"
    assert prefix(refs=Refs(org="acme", repo="lib")) == "org"
    assert prefix(extra_refs=(Refs(org="acme", repo="app"),)) == "repo"
    assert prefix() == "any"
    assert prefix(decoration_config={"gcs_configuration": {"job_url_prefix": "own"}}) == "own"


def test_the_central_part_survives_the_snapshot():
    config = CentralConfig(plank_max_concurrency=3, in_repo_clusters={"*": ()}, job_queue_capacities={"q": 0})
    assert CentralConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_an_item_that_is_null_is_the_empty_text():
    spec = "{containers: [{image: busybox, command: [make, ~]}]}"
    job = only(presubmits(f"{{name: a, branches: [~], spec: {spec}}}"))
    assert job.spec["containers"][0]["command"] == ["make", ""]
    assert job.branches == ("",)


def test_a_field_that_is_null_is_not_set():
    job = only(presubmits("{name: a, spec: {containers: [{image: a, command: [b], args: ~}]}}"))
    assert job.spec["containers"] == [{"image": "a", "command": ["b"]}]


def test_a_preset_applies_if_all_its_labels_are_the_jobs():
    presets = """
presets:
- {labels: {a: "1"}, env: [{name: A, value: x}]}
- {labels: {b: "1", c: "1"}, env: [{name: BC, value: x}]}
- {env: [{name: ALL, value: x}]}
- {labels: {a: "2"}, env: [{name: OTHER, value: x}]}
"""
    job = only(presubmits(f'{{name: a, labels: {{a: "1", b: "1"}}, spec: {SPEC}}}', config=presets))
    assert [item["name"] for item in job.spec["containers"][0]["env"]] == ["A", "ALL"]


def test_warnings_of_reading_and_misplaced_defaults_are_passed_on():
    snapshot = compiled("decorate_all_jobs: true\nperiodics: []\nperiodics: []\n")
    assert snapshot.warnings == (
        "jobs/0.yaml:3: the key 'periodics' stands here again; line 2 is lost",
        "jobs/0.yaml: decorate_all_jobs counts in config.yaml only",
    )


def test_default_decoration_config_entries_are_merged_in_their_order():
    config = """
plank:
  default_decoration_config_entries:
  - config: {timeout: 1h, grace_period: 10s}
  - {repo: acme, cluster: "*", config: {timeout: 2h}}
  - {repo: acme/app, cluster: other, config: {timeout: 3h}}
  - {repo: acme/other, config: {timeout: 4h}}
"""
    job = only(presubmits(f"{{name: a, decorate: true, spec: {SPEC}}}", config=config))
    assert job.decoration_config == {"timeout": "2h", "grace_period": "10s"}
    own = f"{{name: a, decorate: true, decoration_config: {{timeout: 5h}}, spec: {SPEC}}}"
    assert only(presubmits(own, config=config)).decoration_config == {"timeout": "5h", "grace_period": "10s"}


def test_a_quantity_may_be_a_bare_number_and_a_null_is_no_text():
    config = "plank: {default_decoration_configs: {'*': {default_memory_request: 1024}}}"
    job = only(presubmits(f"{{name: a, decorate: true, spec: {SPEC}}}", config=config))
    assert job.decoration_config == {"default_memory_request": 1024}
    assert problems(compiled, "presubmits: {acme/app: [~]}") == (
        "jobs/0.yaml:1: presubmit: expected a mapping, found nothing",
        "jobs/0.yaml:1: presubmits of acme/app: a job has no name",
    )


def test_timeouts_of_decoration_may_be_bare_nanoseconds_and_others_may_not():
    config = "plank: {default_decoration_configs: {'*': {timeout: 7200000000000, grace_period: 15s}}}"
    job = only(presubmits(f"{{name: a, decorate: true, spec: {SPEC}}}", config=config))
    assert job.decoration_config == {"timeout": "7200000000000ns", "grace_period": "15s"}
    assert problems(compiled, config="plank: {pod_pending_timeout: 600}") == (
        "config.yaml:1: plank: pod_pending_timeout: expected a text, found the value 600: put it in quotes",
    )
