"""Jobs that `prepare` would refuse are found by `check-config`, with their line."""

from dataclasses import replace

import pytest

from prowless.adapters.config_files import parse_document
from prowless.domain.config.compile import compile_config
from prowless.domain.config.document import Sources
from prowless.domain.config.jobs import RepositoryConfig
from prowless.domain.config.manifests import refused_jobs, unrunnable

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
        (
            "hostNetwork: true, containers: [{%s}]",
            "hostNetwork (allowed: false): allow it with clusters.default.allow: [hostNetwork] in ",
        ),
        (
            "serviceAccountName: admin, containers: [{%s}]",
            "service_accounts (allowed: builder): list the account in clusters.default.",
        ),
        (
            "containers: [{%s, securityContext: {privileged: true}}]",
            "privileged (allowed: false): allow it with clusters.default.allow: [priv",
        ),
        (
            "volumes: [{name: v, hostPath: {path: /}}], containers: [{%s}]",
            "hostPath (allowed: nothing): allow it with clusters.default.allow: [hostPath]",
        ),
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
    assert [at for at, _, _ in found] == ["jobs.yaml:4", "jobs.yaml:7", "jobs.yaml:9"]
    ((name, text),) = {(name, text) for _, name, text in found}
    assert name == "manifest-policy"
    assert text.startswith(f"cluster 'default' refuses {reason}")


def test_another_namespace_is_told_with_the_word_that_allows_it():
    spec = "agent: tekton-pipeline, namespace: other, pipeline_run_spec: {pipelineRef: {name: p}}"
    job = f"{{name: a, interval: 1h, cluster: tekton, {spec}}}"
    ((_, name, text),) = refused(f"periodics:\n- {job}\n")
    assert (name, '.tekton.allow: ["namespace:NAME"]' in text) == ("manifest-policy", True)


@pytest.mark.parametrize(
    ("job", "reason"),
    [
        ("{name: a, interval: 1h, agent: jenkins}", "no engine runs agent 'jenkins'"),
        (f"{{name: a, interval: 1h, cluster: far, spec: {{containers: [{{{CONTAINER}}}]}}}}", "cluster 'far' is not "),
        (f"{{name: a, interval: 1h, spec: {{containers: [{{{CONTAINER}}}]}}}}", ""),
    ],
)
def test_a_job_of_an_unknown_cluster_or_agent_can_never_run(job, reason):
    found = compiled(f"periodics:\n- {job}\n")
    assert unrunnable(found.periodics[0], found.central).startswith(reason)
    assert bool(unrunnable(found.periodics[0], found.central)) == bool(reason)


def test_a_job_that_cannot_be_rendered_is_told():
    jobs = f"periodics:\n- {{name: a, interval: 1h, cluster: open, spec: {{containers: [{{{CONTAINER}}}]}}}}\n"
    found = compiled(jobs)
    ((at, name, text),) = refused_jobs(found.central, [], [replace(found.periodics[0], spec=None)])
    assert (at, name, text) == ("jobs.yaml:2", "cannot-run", "job a cannot be run: job a: agent kubernetes needs spec")


def test_in_repo_jobs_are_under_the_stricter_policy():
    spec = f"containers: [{{{CONTAINER}, securityContext: {{privileged: true}}}}]"
    found = compiled(f"presubmits:\n  acme/app:\n  - {{name: a, cluster: open, spec: {{{spec}}}}}\n")
    (job,) = found.repositories[0].presubmits
    own = RepositoryConfig(repository="acme/app", presubmits=(replace(job, in_repo=True),))
    assert list(refused_jobs(found.central, found.repositories, ())) == []
    ((_, _, text),) = refused_jobs(found.central, [own], ())
    assert "privileged (allowed: false): nothing lifts that for a repository's own configuration" in text
