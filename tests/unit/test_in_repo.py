import pytest

from prowless.adapters.config_files import parse_document
from prowless.domain.config.central import CentralConfig, JobDefaults
from prowless.domain.config.findings import Problems
from prowless.domain.config.in_repo import MAX_JOBS, compile_in_repo
from prowless.domain.config.jobs import Postsubmit, Presubmit, RepositoryConfig
from prowless.domain.errors import ConfigError
from prowless.domain.trust import TrustOptions
from tests.unit.config_texts import compiled, shard

SPEC = "{containers: [{image: busybox, command: [make]}]}"
CENTRAL = CentralConfig()
STATIC = RepositoryConfig(
    repository="acme/app",
    presubmits=(Presubmit(name="central", context="central", source="jobs/app.yaml:3"),),
    postsubmits=(Postsubmit(name="image", context="image", source="jobs/app.yaml:9"),),
    trust=TrustOptions(trusted_org="friends"),
)


def own(*texts, central=CENTRAL, static=STATIC, problems=None):
    documents = [parse_document(f".prow/{n}.yaml", text.encode()) for n, text in enumerate(texts)]
    return compile_in_repo(documents, central, static, problems=problems)


def refused(*texts, **parts):
    with pytest.raises(ConfigError) as raised:
        own(*texts, **parts)
    return list(raised.value.problems)


def test_own_jobs_come_after_the_static_ones():
    found = own(
        f"presubmits:\n- {{name: unit, spec: {SPEC}}}\npostsubmits:\n- {{name: docs, spec: {SPEC}}}\n",
        f"presubmits:\n- {{name: lint, spec: {SPEC}}}\n",
    )
    assert [job.name for job in found.presubmits] == ["central", "unit", "lint"]
    assert [job.name for job in found.postsubmits] == ["image", "docs"]
    assert [job.source for job in found.presubmits] == ["jobs/app.yaml:3", ".prow/0.yaml:2", ".prow/1.yaml:2"]
    assert found.presubmits[1].rerun_command == "/test unit"
    assert found.trust is STATIC.trust


@pytest.mark.parametrize("texts", [(), ("",), ("presubmits: []",), ("prow_ignored: {anything: 1}",)])
def test_no_jobs_of_its_own_leave_the_static_ones(texts):
    assert own(*texts) == STATIC


def test_central_presets_and_defaults_hold_and_own_presets_are_added():
    central = CentralConfig(
        defaults=JobDefaults(
            decorate_all_jobs=True,
            decoration_entries=({"repo": "acme", "config": {"timeout": "1h"}},),
            presets=({"labels": {"creds": "true"}, "env": [{"name": "FROM_CENTRE", "value": "1"}]},),
        )
    )
    text = f"""
presets:
- labels: {{mine: "true"}}
  env: [{{name: FROM_HERE, value: "2"}}]
presubmits:
- {{name: unit, labels: {{creds: "true", mine: "true"}}, spec: {SPEC}}}
"""
    job = own(text, central=central).presubmits[1]
    assert [item["name"] for item in job.spec["containers"][0]["env"]] == ["FROM_CENTRE", "FROM_HERE"]
    assert (job.decorate, job.decoration_config) == (True, {"timeout": "1h"})


def test_a_preset_of_the_centre_is_not_redefined():
    central = CentralConfig(defaults=JobDefaults(presets=({"labels": {"creds": "true"}},)))
    assert refused('presets: [{labels: {creds: "true"}}]', central=central) == [
        ".prow/0.yaml: duplicated preset 'label:value' pair : creds:true"
    ]


@pytest.mark.parametrize(
    ("allowed", "cluster", "answer"),
    [
        ({"*": ("default",)}, "default", True),
        ({"*": ("default",)}, "big", False),
        ({"*": ("default",), "acme": ("big",)}, "default", True),  # the lists are joined
        ({"*": ("default",), "acme": ("big",)}, "big", True),
        ({"*": (), "acme/app": ("big",)}, "default", False),
        ({"*": (), "acme/app": ("big",)}, "big", True),
        ({"other": ("big",)}, "big", False),
    ],
)
def test_allowed_clusters_are_the_union_over_repository_organisation_and_star(allowed, cluster, answer):
    assert CentralConfig(in_repo_clusters=allowed).allows_in_repo("acme/app", cluster) is answer


def test_a_job_on_a_cluster_that_is_not_allowed_is_refused():
    assert refused(f"presubmits:\n- {{name: a, cluster: big, spec: {SPEC}}}\n") == [
        '.prow/0.yaml:2: cluster "big" is not allowed for repository "acme/app"'
    ]


@pytest.mark.parametrize(
    ("enabled", "answer"),
    [
        ({}, False),
        ({"*": True}, True),
        ({"*": True, "acme": False}, False),
        ({"*": False, "acme": False, "acme/app": True}, True),
        ({"other": True}, False),
    ],
)
def test_the_most_specific_key_enables(enabled, answer):
    assert CentralConfig(in_repo_enabled=enabled).runs_in_repo("acme/app") is answer


def test_names_and_contexts_are_compared_with_the_static_jobs():
    text = f"""
presubmits:
- {{name: central, context: c2, spec: {SPEC}}}
- {{name: other, context: central, spec: {SPEC}}}
postsubmits:
- {{name: image, context: i2, spec: {SPEC}}}
"""
    assert refused(text) == [
        '.prow/0.yaml:4 (acme/app): jobs central and other report to the same GitHub context "central"',
        ".prow/0.yaml:3 (acme/app): duplicated presubmit jobs (consider both inrepo and central config): [central]",
        ".prow/0.yaml:6 (acme/app): duplicated postsubmit jobs (consider both inrepo and central config): [image]",
    ]


def test_other_keys_are_refused_by_name():
    only = "only presubmits, postsubmits and presets may stand here"
    assert refused("periodics: []\npresubmts: []\n") == [
        f".prow/0.yaml:1: 'periodics': {only}",
        f".prow/0.yaml:2: 'presubmts': {only}; did you mean 'presubmits'?",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("- a\n", ".prow/0.yaml: in-repo configuration: expected a mapping, found a list"),
        (
            f"presubmits:\n  acme/app:\n  - {{name: a, spec: {SPEC}}}\n",
            ".prow/0.yaml: presubmits of acme/app: expected a list, found a mapping",
        ),
        ("presubmits:\n- {name: a}\n", ".prow/0.yaml:2: invalid presubmit job a: kubernetes jobs require a spec"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(text, problem):
    assert refused(text) == [problem]


def test_keys_match_whatever_their_case():
    assert [job.name for job in own(f"Presubmits:\n- {{Name: a, spec: {SPEC}}}\n").presubmits] == ["central", "a"]


def test_there_is_a_limit_to_the_jobs():
    text = "presubmits:\n" + "- {name: a}\n" * (MAX_JOBS + 1)
    assert refused("presubmits: []", text) == [
        f".prow/1.yaml: more than {MAX_JOBS} jobs in a repository's own configuration"
    ]


def test_warnings_are_collected_for_those_who_ask():
    problems = Problems()
    own(f"presubmits:\n- {{name: a, name: b, brances: [x], spec: {SPEC}}}\n", problems=problems)
    assert problems.all_warnings() == [
        ".prow/0.yaml:2: the key 'name' stands here again; line 2 is lost",
        ".prow/0.yaml:2: unknown field 'brances' in presubmit b; did you mean 'branches'?",
    ]


def test_a_shard_says_whether_its_repositorys_own_files_count():
    jobs = f"presubmits:\n  acme/app: [{{name: a, spec: {SPEC}}}]\n  other/app: [{{name: a, spec: {SPEC}}}]\n"
    snapshot = compiled(jobs, config="in_repo_config: {enabled: {acme: true}}")
    assert (shard(snapshot).in_repo, shard(snapshot, "other/app").in_repo) == (True, False)


def test_so_does_the_centre_for_a_repository_without_a_shard():
    central = CentralConfig(in_repo_enabled={"acme": True})
    assert central.without_jobs("acme/new").in_repo
    assert not central.without_jobs("other/new").in_repo
