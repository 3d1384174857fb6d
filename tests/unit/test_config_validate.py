"""Prow's checks of jobs, one row for each rule: the words are Prow's (`pkg/config/config.go:2235-3140`)."""

import pytest

from prowless.adapters.config_files import parse_document
from prowless.domain.config.compile import compile_sources
from prowless.domain.config.document import Sources
from prowless.domain.config.jobs import Postsubmit
from prowless.domain.config.validate import branch_job_problems
from prowless.domain.errors import ConfigError

SETTINGS = "clusters: {default: {server: https://k8s.example}}\n"
SPEC = "spec: {containers: [{image: busybox, command: [make]}]}"
TEKTON = "agent: tekton-pipeline, pipeline_run_spec: {pipelineRef: {name: x}}"
TWO = "containers: [{name: a, command: [x]}, {name: %s, command: [x]}]"


def problems(text, config=""):
    sources = Sources(
        config=parse_document("config.yaml", config.encode()),
        jobs=(parse_document("jobs/a.yaml", text.encode()),),
        settings=parse_document("prowless.yaml", SETTINGS.encode()),
    )
    try:
        compile_sources(sources)
    except ConfigError as error:
        return list(error.problems)
    return []


def listed(kind, *jobs):
    if kind == "periodic":
        return "periodics:\n" + "".join(f"- {{{job}}}\n" for job in jobs)
    return f"{kind}s:\n  acme/app:\n" + "".join(f"  - {{{job}}}\n" for job in jobs)


def container(fields, decorate="false"):
    return f"decorate: {decorate}, spec: {{containers: [{{{fields}}}]}}"


@pytest.mark.parametrize(
    ("job", "problem"),
    [
        (f'name: "a b", {SPEC}', 'name: must match regex "^[A-Za-z0-9-._]+$"'),
        (f"max_concurrency: -1, {SPEC}", "max_concurrency: -1 must be a non-negative number"),
        (f"job_queue_name: gpu, {SPEC}", "invalid job queue name gpu"),
        # agents
        ("agent: kubernetes", "kubernetes jobs require a spec"),
        (f"{TEKTON}, {SPEC}", 'job specs require agent: kubernetes (found "tekton-pipeline")'),
        (
            f"{SPEC}, pipeline_run_spec: {{}}",
            'job pipeline_run_spec require agent: tekton-pipeline (found "kubernetes")',
        ),
        ("agent: tekton-pipeline", "agent: tekton-pipeline jobs require a pipeline_run_spec"),
        (f"{SPEC}, workflow_spec: {{}}", 'job workflow_spec require agent: argo-workflow (found "kubernetes")'),
        ("agent: argo-workflow", "agent: argo-workflow jobs require a workflow_spec"),
        (f"{TEKTON}, decorate: true", 'decoration requires agent: kubernetes (found "tekton-pipeline")'),
        (
            f"{TEKTON}, error_on_eviction: true",
            'error_on_eviction only applies to agent: kubernetes (found "tekton-pipeline")',
        ),
        (
            f"{SPEC}, namespace: other",
            'namespace customization requires agent: tekton-pipeline (found "kubernetes")',
        ),
        # PodSpecs
        ("spec: {}", "pod spec must specify at least 1 container, found: 0"),
        (
            "spec: {initContainers: [{name: i}, {name: s, restartPolicy: Always}], containers: [{command: [x]}]}",
            "pod spec may not use init containers(sidecar container is supported): [i]",
        ),
        (
            "spec: {%s}" % (TWO % "b"),
            "pod utility decoration must be enabled to use multiple containers: 2",
        ),
        ("decorate: true, spec: {%s}" % (TWO % "a"), 'container named "a" is defined more than once'),
        (
            "decorate: true, spec: {%s}" % (TWO % "sidecar"),
            (
                "container name sidecar is a reserved for decoration. please specify a different container name that "
                "does not conflict with pod utility container names"
            ),
        ),
        (
            "decorate: true, spec: {%s}" % (TWO % '""'),
            "container does not have name. all containers must have names when defining multiple containers",
        ),
        (container("env: [{name: A}, {name: A}]"), 'env var named "A" is defined more than once'),
        (container("env: [{name: PULL_NUMBER}]"), "env PULL_NUMBER is reserved"),
        (container("command: []", "true"), "decorated job containers must specify command and/or args"),
        (container('command: [""]', "true"), "decorated job containers must specify command and/or args"),
        (
            "spec: {volumes: [{name: v}, {name: v}], containers: [{image: x}]}",
            'volume named "v" is defined more than once',
        ),
        ("spec: {volumes: [{name: logs}], containers: [{image: x}]}", "volume logs is a reserved for decoration"),
        (
            (
                "decorate: true, decoration_config: {ssh_key_secrets: [key]}, "
                "spec: {volumes: [{name: key}], containers: [{command: [x]}]}"
            ),
            "volume key is a reserved for decoration",
        ),
        (
            (
                "decorate: true, decoration_config: {oauth_token_secret: {name: token}}, "
                "spec: {volumes: [{name: token}], containers: [{command: [x]}]}"
            ),
            "volume token is a reserved for decoration",
        ),
        (container("volumeMounts: [{name: v}]"), 'volumeMount named "v" is undefined'),
        (container("volumeMounts: [{name: tools}]"), "volumeMount name tools is reserved for decoration"),
        (
            "spec: {volumes: [{name: v}], containers: [{volumeMounts: [{name: v, mountPath: /logs}]}]}",
            "mount v at /logs conflicts with decoration mount",
        ),
        # what Go's decoder refuses
        ("spec: {containers: [1]}", "spec.containers: expected a list of mappings"),
        ("spec: {containers: {a: 1}}", "spec.containers: expected a list of mappings"),
        (
            container("command: [1]"),
            "spec.containers[0].command: expected a list of texts: put numbers and booleans in quotes",
        ),
        (container("env: {A: 1}"), "spec.containers[0].env: expected a list of mappings"),
        (
            container("env: [{name: A, value: 1}]"),
            "spec.containers[0].env: A: expected texts: put numbers and booleans in quotes",
        ),
        # labels and annotations
        (f"labels: {{prow.k8s.io/type: x}}, {SPEC}", "label prow.k8s.io/type is reserved for decoration"),
        (f"labels: {{-a: x}}, {SPEC}", "invalid label -a: not a Kubernetes label key"),
        (f"labels: {{A_b.example/x: x}}, {SPEC}", "invalid label A_b.example/x: not a Kubernetes label key"),
        (
            f"labels: {{a: b c}}, {SPEC}",
            "label a has invalid value b c: at most 63 letters, digits, '-', '_' or '.'",
        ),
        (f"annotations: {{a b: x}}, {SPEC}", 'invalid annotation key "a b": not a Kubernetes annotation key'),
    ],
)
def test_a_job_is_refused_whatever_its_type(job, problem):
    named = job if job.startswith("name: ") else f"name: a, {job}"
    name = "a b" if job.startswith("name: ") else "a"
    assert problems(listed("presubmit", named)) == [f"jobs/a.yaml:3: invalid presubmit job {name}: {problem}"]


@pytest.mark.parametrize(
    ("name", "jenkins", "kubernetes"),
    [
        ("a-b.c_d", True, True),
        ("folder/job", True, False),
        ("folder/", False, False),
        ("a/../b", False, False),
        ("..", False, False),
    ],
)
def test_names_of_jobs_for_jenkins_may_have_slashes(name, jenkins, kubernetes):
    accepted = [
        not problems(listed("presubmit", f"name: {name}, {rest}")) for rest in ("agent: jenkins", "context: x, " + SPEC)
    ]
    assert accepted == [jenkins, kubernetes]


@pytest.mark.parametrize(
    "job",
    [
        f"labels: {{example.com/a.b_c: '', a: B-1}}, annotations: {{example.com/x: anything at all}}, {SPEC}",
        f"max_concurrency: 0, namespace: default, {SPEC}",
        f"{TEKTON}, namespace: other",
        "agent: argo-workflow, workflow_spec: {entrypoint: main}, decorate: true",
        "spec: {containers: [{image: x}]}",  # not decorated: the image knows its command
        "decorate: true, spec: {containers: [{args: [x]}]}",
        "decorate: true, spec: {%s}" % (TWO % "b"),
        "spec: {initContainers: [{name: s, restartPolicy: Always}], containers: [{image: x}]}",
        "spec: {volumes: [{name: v}], containers: [{volumeMounts: [{name: v, mountPath: /x}]}]}",
    ],
)
def test_a_job_is_accepted(job):
    assert problems(listed("presubmit", f"name: a, {job}")) == []


@pytest.mark.parametrize(
    ("kind", "job", "problem"),
    [
        (
            kind,
            f"always_run: true, {rule}: x",
            f"job a is set to always run but also declares {rule} targets, which are mutually exclusive",
        )
        for kind in ("presubmit", "postsubmit")
        for rule in ("run_if_changed", "skip_if_only_changed")
    ]
    + [
        (
            kind,
            "run_if_changed: x, skip_if_only_changed: z",
            "job a declares run_if_changed and skip_if_only_changed, which are mutually exclusive",
        )
        for kind in ("presubmit", "postsubmit")
    ]
    + [
        (
            "presubmit",
            given,
            'either both of job.Trigger and job.RerunCommand must be set, wasnt the case for job "a"',
        )
        for given in ("trigger: x", "rerun_command: /x")
    ]
    + [
        (
            "presubmit",
            "trigger: ^/go$, rerun_command: /stop",
            'for job a, rerun command "/stop" does not match trigger "^/go$"',
        ),
    ],
)
def test_rules_that_exclude_each_other(kind, job, problem):
    assert problems(listed(kind, f"name: a, {job}, {SPEC}")) == [f"jobs/a.yaml:3: {problem}"]


@pytest.mark.parametrize(
    ("job", "start"),
    [
        ('trigger: "(", rerun_command: x', "could not compile trigger regex for a: "),
        ('branches: ["("]', "could not set branch regexes for a: could not compile positive branch regex: "),
        ('skip_branches: ["(?=x)"]', "could not set branch regexes for a: could not compile negative branch regex: "),
        ('run_if_changed: "(?<!x)y"', "could not set change regexes for a: could not compile run_if_changed regex: "),
        (
            r'skip_if_only_changed: "(x)\\1"',
            "could not set change regexes for a: could not compile skip_if_only_changed regex: ",
        ),
    ],
)
def test_regular_expressions_that_re2_refuses(job, start):
    (problem,) = problems(listed("presubmit", f"name: a, {job}, {SPEC}"))
    assert problem.startswith(f"jobs/a.yaml:3: {start}")


@pytest.mark.parametrize(
    ("job", "problem"),
    [
        (
            "cron: '@daily', interval: 1h",
            "cron, interval, and minimum_interval are mutually exclusive in periodic a",
        ),
        ("tags: [x]", "at least one of cron, interval, or minimum_interval must be set in periodic a"),
        ("cron: every day", "invalid cron string every day in periodic a: "),
        ("interval: 1 day", "cannot parse duration for a: "),
        ("minimum_interval: 1d", "cannot parse duration for a: "),
        ("interval: 1h, retry: {attempts: 1}", "cannot parse Retry duration for a: "),
    ],
)
def test_schedules_of_periodics(job, problem):
    (found,) = problems(listed("periodic", f"name: a, {job}, {SPEC}"))
    assert found.startswith(f"jobs/a.yaml:2: {problem}")


@pytest.mark.parametrize(
    ("tasks", "refs", "problem"),
    [
        (
            ["PROW_IMPLICIT_GIT_REF"],
            0,
            "periodic jobs do not have an implicit git ref to replace PROW_IMPLICIT_GIT_REF",
        ),
        ([], 1, "extra_refs[0] is not used; some task must reference PROW_EXTRA_GIT_REF_0"),
        (
            ["PROW_EXTRA_GIT_REF_0", "PROW_EXTRA_GIT_REF_1"],
            1,
            "1 extra_refs are specified, but the following PROW_EXTRA_GIT_REF_* indexes are used: 0, 1",
        ),
        (
            ["PROW_EXTRA_GIT_REF_00"],
            1,
            'task "t": leading zeros are not allowed in PROW_EXTRA_GIT_REF_* indexes',
        ),
    ],
)
def test_refs_that_pipelines_use(tasks, refs, problem):
    listed_tasks = ", ".join(f"{{name: t, taskRef: {{name: {name}}}}}" for name in tasks)
    extra = ", ".join(["{org: acme, repo: app, base_ref: main}"] * refs)
    job = (
        f"name: a, interval: 1h, agent: tekton-pipeline, extra_refs: [{extra}], "
        f"pipeline_run_spec: {{pipelineSpec: {{tasks: [{listed_tasks}]}}}}"
    )
    assert problems(listed("periodic", job)) == [f"jobs/a.yaml:2: invalid periodic job a: {problem}"]


def test_reserved_variables_depend_on_the_type():
    job = "name: a, interval: 1h, spec: {containers: [{env: [{name: %s}]}]}"
    assert problems(listed("periodic", job % "PULL_NUMBER")) == []
    assert problems(listed("periodic", job % "BUILD_ID")) == [
        "jobs/a.yaml:2: invalid periodic job a: env BUILD_ID is reserved"
    ]
    job = "name: a, spec: {containers: [{env: [{name: %s}]}]}"
    assert problems(listed("postsubmit", job % "PULL_NUMBER")) == []
    assert problems(listed("postsubmit", job % "PULL_REFS")) == [
        "jobs/a.yaml:3: invalid postsubmit job a: env PULL_REFS is reserved"
    ]


@pytest.mark.parametrize("kind", ["presubmit", "postsubmit"])
def test_names_and_contexts_are_unique_on_a_branch(kind):
    same = listed(kind, f"name: a, {SPEC}", f"name: b, context: a, {SPEC}", f"name: a, context: c, {SPEC}")
    assert problems(same) == [
        'jobs/a.yaml:4 (acme/app): jobs a and b report to the same GitHub context "a"',
        f"jobs/a.yaml:5 (acme/app): duplicated {kind} jobs (consider both inrepo and central config): [a]",
    ]
    apart = listed(kind, f"name: a, branches: [main], {SPEC}", f"name: a, skip_branches: [main], {SPEC}")
    assert problems(apart) == []


def test_a_job_that_reports_needs_a_context():
    assert list(branch_job_problems(Postsubmit(name="a"))) == ["job is set to report but has no context configured"]
    assert list(branch_job_problems(Postsubmit(name="a", skip_report=True))) == []
    assert problems(listed("presubmit", f'name: a, context: "", {SPEC}')) == []  # the name is the default


def test_names_are_unique_among_periodics_and_free_between_types():
    job = f"name: a, interval: 1h, {SPEC}"
    (problem,) = problems(listed("periodic", job, job))
    assert problem.startswith("jobs/a.yaml:3: duplicated periodic job: a")
    every = listed("periodic", job) + listed("presubmit", f"name: a, {SPEC}") + listed("postsubmit", f"name: a, {SPEC}")
    assert problems(every) == []


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        (
            "plank: {default_decoration_configs: {'*': {}}, default_decoration_config_entries: [{config: {}}]}",
            (
                "plank.default_decoration_configs and plank.default_decoration_config_entries are mutually exclusive, "
                "please use one or the other"
            ),
        ),
        (
            "plank: {max_concurrency: -1}",
            "controller has invalid max_concurrency (-1), it needs to be a non-negative number",
        ),
        ("github_reporter: {job_types_to_report: [periodic]}", "invalid job_types_to_report: periodic"),
        (
            "plank: {report_template: x, report_templates: {'*': z}}",
            "both report_template and report_templates are specified",
        ),
    ],
)
def test_what_the_central_configuration_may_not_say(config, problem):
    assert problems("", config) == [f"config.yaml: {problem}"]
