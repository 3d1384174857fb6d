"""Jobs that `prepare` would refuse are found by `check-config`, with their line."""

from dataclasses import replace

import pytest

from prowless.adapters.config_files import parse_document
from prowless.domain.config.compile import compile_config
from prowless.domain.config.document import Sources
from prowless.domain.config.jobs import RepositoryConfig
from prowless.domain.config.manifests import refused_jobs

CONTAINER = "image: busybox, command: [make]"
SETTINGS = """
clusters:
  default: {server: https://k8s.example, service_accounts: [builder]}
  open: {server: https://k8s.example, allow: [privileged, hostPath]}
  tekton: {server: https://k8s.example, engine: tekton}
"""


def compiled(jobs):
    return compile_config(
        Sources(
            jobs=(parse_document("jobs.yaml", jobs.encode()),),
            settings=parse_document("prowless.yaml", SETTINGS.encode()),
        )
    )


def refused(jobs):
    found = compiled(jobs)
    return list(refused_jobs(found.central, found.repositories, found.periodics))


@pytest.mark.parametrize(
    "jobs",
    [
        f"presubmits:\n  acme/app:\n  - {{name: a, spec: {{containers: [{{{CONTAINER}}}]}}}}\n",
        f"postsubmits:\n  acme/app:\n  - {{name: a, decorate: true, spec: {{containers: [{{{CONTAINER}}}]}}}}\n",
        f"periodics:\n- {{name: a, interval: 1h, spec: {{serviceAccount: builder, containers: [{{{CONTAINER}}}]}}}}\n",
        (
            "periodics:\n- {name: a, interval: 1h, cluster: open, decoration_config: {timeout: 1h}, "
            f"spec: {{containers: [{{{CONTAINER}, securityContext: {{privileged: true}}}}]}}}}\n"
        ),
        (
            "periodics:\n- {name: a, interval: 1h, cluster: unknown, "
            f"spec: {{hostNetwork: true, containers: [{{{CONTAINER}}}]}}}}\n"
        ),
        "presubmits:\n  acme/app:\n  - {name: a, agent: jenkins}\n",
    ],
)
def test_jobs_that_a_cluster_would_get_and_those_of_no_known_cluster_are_not_told(jobs):
    assert refused(jobs) == []


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        ("hostNetwork: true, containers: [{%s}]", "hostNetwork: hostNetwork (allowed: false)"),
        ("serviceAccountName: admin, containers: [{%s}]", "serviceAccountName: service_accounts (allowed: builder)"),
        ("containers: [{%s, securityContext: {privileged: true}}]", "privileged: privileged (allowed: false)"),
        ("volumes: [{name: v, hostPath: {path: /}}], containers: [{%s}]", "hostPath: hostPath (allowed: nothing)"),
    ],
)
def test_a_job_that_breaks_its_clusters_policy_is_told_with_its_line(field, reason):
    spec = field % CONTAINER
    jobs = f"""
presubmits:
  acme/app:
  - {{name: pre, spec: {{{spec}}}}}
postsubmits:
  acme/app:
  - {{name: post, spec: {{{spec}}}}}
periodics:
- {{name: timed, interval: 1h, spec: {{{spec}}}}}
"""
    found = refused(jobs)
    assert [at for at, _ in found] == ["jobs.yaml:4", "jobs.yaml:7", "jobs.yaml:9"]
    for name, (_, text) in zip(("pre", "post", "timed"), found, strict=True):
        assert text.startswith(f"job {name} breaks the policy of cluster 'default': ")
        assert reason in text


def test_a_job_that_cannot_be_rendered_is_told():
    jobs = f"periodics:\n- {{name: a, interval: 1h, cluster: open, spec: {{containers: [{{{CONTAINER}}}]}}}}\n"
    found = compiled(jobs)
    ((at, text),) = refused_jobs(found.central, [], [replace(found.periodics[0], spec=None)])
    assert (at, text) == ("jobs.yaml:2", "job a cannot be run: job a: agent kubernetes needs spec")


def test_in_repo_jobs_are_under_the_stricter_policy():
    spec = f"containers: [{{{CONTAINER}, securityContext: {{privileged: true}}}}]"
    found = compiled(f"presubmits:\n  acme/app:\n  - {{name: a, cluster: open, spec: {{{spec}}}}}\n")
    (job,) = found.repositories[0].presubmits
    own = RepositoryConfig(repository="acme/app", presubmits=(replace(job, in_repo=True),))
    assert list(refused_jobs(found.central, found.repositories, ())) == []
    ((_, text),) = refused_jobs(found.central, [own], ())
    assert "privileged: privileged (allowed: false)" in text
