import pytest

from prowless.adapters.config_files import parse_document
from prowless.domain.config import warning_names
from prowless.domain.config.addresses import address_problem
from prowless.domain.config.compile import compile_config
from prowless.domain.config.document import Sources
from prowless.domain.config.findings import Problems
from prowless.domain.config.lint import lint
from tests.unit.config_texts import SETTINGS, SPEC

IMAGES = "utility_images: {clonerefs: a, initupload: b, entrypoint: c, sidecar: d}"


def linted(jobs="", config="", annotations=()):
    """Name (or level) and line of everything that is found."""
    sources = Sources(
        config=parse_document("config.yaml", config.encode()),
        jobs=(parse_document("jobs.yaml", jobs.encode()),),
        settings=parse_document("prowless.yaml", SETTINGS.encode()),
    )
    problems = Problems()
    lint(compile_config(sources, problems), sources, problems, annotations)
    return {one.name or one.text: str(one) for one in problems.findings()}


def periodic(options="decorate: true"):
    return f"periodics:\n- {{name: a, interval: 1h, spec: {SPEC}, {options}}}\n"


def test_jobs_that_are_not_decorated_are_told_in_one_bounded_line():
    jobs = "periodics:\n" + "".join(f"- {{name: j{n}, interval: 1h, spec: {SPEC}}}\n" for n in range(12))
    names = " ".join(f"j{n}" for n in range(10))
    assert linted(jobs)["non-decorated-jobs"] == (
        "jobs.yaml:2: the following jobs use the kubernetes provider but do not use the pod utilities: "
        f"[{names} and 2 more]"
    )
    assert "non-decorated-jobs" not in linted(periodic())


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ("decorate: true", "utility image config is not specified"),
        (
            "decoration_config: {utility_images: {clonerefs: a, sidecar: b}}",
            'the following utility images are not specified: ["initupload" "entrypoint"]',
        ),
        (f"decoration_config: {{{IMAGES}}}", "GCS upload configuration is not specified"),
        (f"decoration_config: {{{IMAGES}, gcs_configuration: {{bucket: s3://b}}}}", None),
    ],
)
def test_a_decoration_that_prow_could_not_use_is_told(options, problem):
    expected = problem and f"jobs.yaml:2: job a: {problem}"
    assert linted(periodic(options)).get("valid-decoration-config") == expected


def test_required_annotations():
    found = linted(periodic("decorate: true, annotations: {owner: me}"), annotations=["owner", "team", "mail"])
    assert found["required-job-annotations"] == "jobs.yaml:2: job 'a' is missing required annotations: team, mail"
    assert "required-job-annotations" not in linted(periodic("annotations: {owner: me}"), annotations=["owner"])


def test_clone_options_of_a_periodic_have_no_effect():
    found = linted(periodic("clone_depth: 1"))["periodic-default-clone-config"]
    assert found.startswith("jobs.yaml:2: periodic jobs might clone 0, 1, or more repos")
    assert found.endswith('Name: "a"')


def test_more_retries_than_there_are_is_noted():
    assert "job a: 11 attempts of retry count as 10" in linted(periodic("retry: {attempts: 11, interval: 1h}"))
    assert not [text for text in linted(periodic("retry: {attempts: 10, interval: 1h}")) if "attempts" in text]


def test_jenkins_takes_no_cluster():
    jobs = "presubmits:\n  acme/app:\n  - {name: a, agent: jenkins, cluster: default}\n"
    assert "validate-cluster-field" not in linted(jobs)
    text = linted(jobs.replace("cluster: default", "cluster: big"))["validate-cluster-field"]
    assert text == "jobs.yaml:3: a: cannot set cluster field if agent is jenkins"


@pytest.mark.parametrize(
    ("bucket", "note"),
    [
        ("s3://mine", None),
        ("gs://theirs", "artifact bucket gs://theirs cannot be used: only s3:// buckets can"),
        ("theirs", "artifact bucket theirs is taken for an S3 bucket of that name"),
    ],
)
def test_a_bucket_that_is_not_what_it_was_in_prow_is_noted(bucket, note):
    found = linted(periodic(f"decoration_config: {{gcs_configuration: {{bucket: '{bucket}'}}}}"))
    assert {text for text in found if text.startswith("artifact bucket")} == ({note} if note else set())


def test_sections_without_an_effect_are_checked_as_prow_does():
    config = """
status_error_link: "http://x/%zz"
tide:
  queries:
  - {labels: [lgtm], missingLabels: [needs-ok-to-test]}
  - {labels: [lgtm], missingLabels: [hold]}
  - {labels: [approved], missingLabels: [needs-ok-to-test]}
  - lgtm
managed_webhooks:
  org_repo_config:
    acme: {}
    acme/app: {}
    other/app: {}
"""
    found = linted(config=config)
    assert found["validate-urls"] == "config.yaml:2: status_error_link is not a valid url: http://x/%zz"
    assert found["needs-ok-to-test"].startswith("config.yaml:5: the tide query at position 0 forbids")
    assert found["managed-webhooks"].startswith("config.yaml:12: org-level and repo-level webhooks are configured")


@pytest.mark.parametrize(
    "config", ["tide: []", "tide: {queries: 1}", "tide: {queries: [{labels: 1}]}", "managed_webhooks: {}", "[]"]
)
def test_sections_of_another_shape_are_passed_over(config):
    if config == "[]":
        config = "status_error_link: https://fine.example"
    assert not set(linted(config=config)) & {"needs-ok-to-test", "managed-webhooks", "validate-urls"}


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("https://prow.example/view/?a=%zz", ""),
        ("prow.example/a:b", ""),
        ("", ""),
        ("http://a\nb", "invalid control character in URL"),
        ("http://a/%2", 'invalid URL escape "%2"'),
        (":8080/x", "missing protocol scheme"),
        ("1.2.3.4:80/x", "first path segment in URL cannot contain colon"),
        ("http://a b/", "invalid character in host name"),
    ],
)
def test_addresses_that_go_cannot_parse(address, problem):
    assert address_problem(address) == problem


def test_an_address_with_a_port_that_is_no_number_is_refused():
    assert address_problem("http://x:port/")


@pytest.mark.parametrize(
    ("asked", "excluded", "with_default", "inside", "outside"),
    [
        ([], [], False, {"unknown-fields", "long-job-names"}, {"valid-decoration-config"}),
        ([], ["long-job-names"], False, {"unknown-fields"}, {"long-job-names"}),
        (["unknown-fields-all"], [], False, {"unknown-fields-all", "unknown-fields"}, {"long-job-names"}),
        (["unknown-fields"], [], False, {"unknown-fields"}, {"unknown-fields-all"}),
        (["valid-decoration-config"], [], True, {"valid-decoration-config", "unknown-fields"}, set()),
    ],
)
def test_which_warnings_count(asked, excluded, with_default, inside, outside):
    names = warning_names.enabled(asked, excluded, with_default=with_default)
    assert inside <= names
    assert not names & outside


def test_a_job_that_its_clusters_policy_refuses_is_told():
    spec = "{containers: [{image: a, command: [b], securityContext: {privileged: true}}]}"
    found = linted(f"periodics:\n- {{name: a, interval: 1h, spec: {spec}}}\n")
    assert found["manifest-policy"].startswith("jobs.yaml:2: ")
