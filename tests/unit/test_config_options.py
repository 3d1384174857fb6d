import pytest

from prowless.adapters.config_files import parse_document
from prowless.domain.config.compile import compile_config
from prowless.domain.config.document import Sources
from prowless.domain.config.findings import MAX_PROBLEMS, Problems
from prowless.domain.config.job_options import option_problems, option_warnings
from prowless.domain.config.jobs import Presubmit
from prowless.domain.refs import Refs

GCS = "invalid decoration config: GCS configuration is invalid:"
TOKEN = {"oauth_token_secret": {"name": "token"}}


def job(**fields):
    return Presubmit(**{"name": "unit", **fields})


def decorated(**gcs):
    return {"decorate": True, "decoration_config": {"gcs_configuration": gcs}}


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        (
            decorated(path_strategy="other"),
            f'{GCS} gcs_path_strategy must be one of "legacy", "explicit", or "single"',
        ),
        (
            decorated(path_strategy="single", default_org="acme"),
            f'{GCS} default org and repo must be provided for GCS strategy "single"',
        ),
        (
            {"decorate": True, "decoration_config": TOKEN | {"ssh_key_secrets": ["key"]}},
            "invalid decoration config: both OAuth token and SSH key secrets are specified",
        ),
        (
            {"rerun_auth_config": {"allow_anyone": True, "github_orgs": ["acme"]}},
            "allow anyone is set to true and permitted users or groups are specified",
        ),
        (
            {"clone_uri": "ssh://git@git.example/app", "decoration_config": TOKEN},
            "scheme must be http or https when OAuth secret is specified: git.example/app",
        ),
        (
            {
                "clone_uri": "https://git.example/app",
                "decoration_config": TOKEN,
                "extra_refs": (Refs(org="acme", repo="lib", base_ref="main", clone_uri="git://git.example/lib"),),
            },
            "extra_ref[0]: scheme must be http or https when OAuth secret is specified: git://git.example/lib",
        ),
        ({"clone_uri": "https://[", "decoration_config": TOKEN}, "couldn't parse uri from clone_uri: Invalid IPv6 URL"),
    ],
)
def test_options_that_prow_refuses(fields, problem):
    assert list(option_problems(job(**fields))) == [problem]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        decorated(path_strategy="legacy", default_org="acme", default_repo="app"),
        {"rerun_auth_config": {"allow_anyone": True}},
        {"rerun_auth_config": {"github_users": ["somebody"]}},
        {"clone_uri": "ssh://git@git.example/app"},
        {"clone_uri": "https://git.example/app", "decoration_config": TOKEN},
        {"decoration_config": {"gcs_configuration": {"path_strategy": "other"}}},  # not decorated
    ],
)
def test_options_that_prow_accepts(fields):
    assert list(option_problems(job(**fields))) == []


def test_a_name_that_labels_cut_off_is_told():
    ((name, warning),) = option_warnings(job(name="n" * 64))
    assert name == "long-job-names"
    assert warning.startswith("name of job too long (should be at most 63 characters)")
    assert list(option_warnings(job(name="n" * 63))) == []


def test_refs_that_stand_twice_are_told_for_presubmits():
    lib = Refs(org="acme", repo="lib", base_ref="main")
    twice = job(extra_refs=(lib, lib, Refs(org="acme", repo="app", base_ref="main")))
    text = "invalid job unit on repo acme/app: the following refs specified more than once: acme/app,acme/lib"
    assert list(option_warnings(twice, "acme/app")) == [("duplicate-job-refs", text)]
    assert list(option_warnings(twice)) == []
    assert list(option_warnings(job(extra_refs=(lib,)), "acme/app")) == []


def test_problems_are_bounded_and_say_how_many_were_left_out():
    problems = Problems()
    for number in range(MAX_PROBLEMS + 3):
        problems.error("a.yaml", str(number))
        problems.warn("a.yaml", str(number), "long-job-names")
    problems.warn("a.yaml", "another kind", "unknown-fields")
    assert problems.all_errors()[-1] == "3 more errors like these are not listed"
    assert problems.all_warnings()[-2:] == [
        "a.yaml: another kind",
        "3 more warnings like these are not listed",
    ]
    assert len(problems.all_errors()) == MAX_PROBLEMS + 1


def test_a_warning_of_a_job_has_its_place():
    text = f"periodics:\n- {{name: {'n' * 64}, interval: 1h, spec: {{containers: [{{image: a, command: [b]}}]}}}}\n"
    found = Problems()
    compile_config(Sources(jobs=(parse_document("jobs/a.yaml", text.encode()),)), found)
    assert any(w.startswith("jobs/a.yaml:2: name of job too long") for w in found.all_warnings())
