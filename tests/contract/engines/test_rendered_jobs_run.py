"""What is rendered, carried out by the embedded cluster: the job sees what its author expects."""

from __future__ import annotations

import json
import subprocess
import time

import pytest
from tests.contract.engines.worlds import PATIENCE

from prowless.adapters.kubernetes.clusters import KubernetesClusters
from prowless.domain.clusters import Cluster
from prowless.domain.prowjob import ProwJobSpec, header
from prowless.domain.refs import JobType, Pull, Refs
from prowless.domain.render import render
from prowless.ports.engine import RunPhase
from prowless_local.cluster import EmbeddedCluster

TITLE = "Fix {{ workflow.name }} {{=1+1}} {{{x}}} $(HOME) $$ $(params.x) and \"quotes\" 'too'"
# Unit separators, since titles may hold anything else; a variable a line would lose new lines.
PRINT = 'printf \'%s\\037\' "$PULL_TITLE" "$JOB_SPEC" "$PULL_NUMBER" "$PROW_JOB_ID" "$JOB_NAME"'


@pytest.fixture(scope="module")
def embedded(tmp_path_factory):
    with EmbeddedCluster("default", scratch=tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


def refs(**fields):
    pull = Pull(number=7, author="ada", sha=fields.pop("head", "a" * 40), title=TITLE, head_ref="sums")
    return Refs(**({"org": "acme", "repo": "app", "base_ref": "main", "base_sha": "b" * 40, "pulls": (pull,)} | fields))


def run(embedded, prowjob, engine="argo", **fields):
    """Render, create, wait: (observation, log of each step)."""
    spec = ProwJobSpec(**({"type": JobType.PRESUBMIT, "job": "unit", "context": "unit", "refs": refs()} | fields))
    job = header(spec, prowjob=prowjob, build_id="75", cause="c", delivery="", created_at=1)
    cluster = Cluster(alias="default", engine=engine)
    manifest = render(spec, job, cluster, timeout_seconds=60)
    clusters = KubernetesClusters(token=lambda _: embedded.token, endpoint=lambda _: (embedded.url, ""))
    chosen = clusters.engine(cluster, manifest["kind"])
    ref = chosen.create(manifest, prowjob)
    until = time.monotonic() + PATIENCE
    while not (seen := chosen.observe(ref)).terminal:
        assert time.monotonic() < until, f"still {seen}"
        time.sleep(0.02)
    return seen, {step.name: b"".join(chosen.logs(ref, step, 1 << 20)).decode() for step in chosen.steps(ref)}


def shell(text):
    return {"image": "busybox", "command": ["sh", "-c"], "args": [text]}


def saw(log, prowjob):
    title, job_spec, number, ident, name, _ = log.split("\037")
    assert title == TITLE
    assert json.loads(job_spec)["refs"]["pulls"][0]["title"] == TITLE
    assert (number, ident, name) == ("7", prowjob, "unit")


@pytest.mark.parametrize("engine", ["argo", "pod"])
def test_a_pods_container_sees_prows_variables_as_they_are(embedded, prowjob, engine):
    seen, logs = run(embedded, prowjob, engine, pod_spec={"containers": [shell(PRINT)]})
    assert seen.phase is RunPhase.SUCCESS
    [log] = logs.values()
    saw(log, prowjob)


def test_a_pods_own_braces_survive_argo(embedded, prowjob):
    _, logs = run(
        embedded, prowjob, pod_spec={"containers": [shell("echo '{{.Names}} {{workflow.name}}' $(JOB_NAME)")]}
    )
    assert logs["main"] == "{{.Names}} {{workflow.name}} unit\n"


@pytest.mark.parametrize("engine", ["argo", "pod"])
def test_several_containers_run_at_the_same_time(embedded, prowjob, engine):
    # Each waits for the other's file: one after the other they would never end.
    def meet(own, other):
        text = f"touch /shared/{own}; until test -e /shared/{other}; do sleep 0.02; done; echo {own}"
        return shell(text) | {"name": own, "volumeMounts": [{"name": "shared", "mountPath": "/shared"}]}

    pod = {"containers": [meet("one", "two"), meet("two", "one")], "volumes": [{"name": "shared", "emptyDir": {}}]}
    seen, logs = run(embedded, prowjob, engine, pod_spec=pod)
    assert seen.phase is RunPhase.SUCCESS
    assert logs == {"one": "one\n", "two": "two\n"}


def test_one_of_several_containers_that_fails_fails_the_run(embedded, prowjob):
    pod = {"containers": [shell("true") | {"name": "one"}, shell("exit 4") | {"name": "two"}]}
    seen, _ = run(embedded, prowjob, pod_spec=pod)
    assert seen.phase is RunPhase.FAILURE


def test_a_workflow_specs_containers_see_the_variables_and_its_templates_the_parameters(embedded, prowjob):
    given = {
        "entrypoint": "both",
        "templates": [
            {
                "name": "both",
                "steps": [[{"name": "first", "template": "env"}], [{"name": "second", "template": "parameter"}]],
            },
            {"name": "env", "container": shell(PRINT)},
            {"name": "parameter", "container": shell("echo {{workflow.parameters.PULL_NUMBER}}")},
        ],
    }
    seen, logs = run(embedded, prowjob, agent="argo-workflow", workflow_spec=given)
    assert seen.phase is RunPhase.SUCCESS
    first, second = logs.values()
    saw(first, prowjob)
    assert second == "7\n"


def test_the_steps_of_a_pipeline_run_see_the_variables_and_its_tasks_the_parameters(embedded, prowjob):
    def step(text):
        return {"steps": [{"name": "s", "image": "busybox", "command": ["sh", "-c"], "args": [text]}]}

    tasks = [
        {"name": "env", "taskSpec": step(PRINT)},
        {"name": "parameter", "taskSpec": step("echo $(params.PULL_NUMBER)"), "runAfter": ["env"]},
    ]
    seen, logs = run(embedded, prowjob, agent="tekton-pipeline", pipeline_run_spec={"pipelineSpec": {"tasks": tasks}})
    assert seen.phase is RunPhase.SUCCESS
    assert list(logs) == ["env.s", "parameter.s"]
    saw(logs["env.s"], prowjob)
    assert logs["parameter.s"] == "7\n"
    assert [(node.name, node.exit_code) for node in seen.nodes] == [("env.s", 0), ("parameter.s", 0)]


@pytest.fixture
def origin(tmp_path):
    """A repository with a pull: (path, base, head)."""
    path = tmp_path / "origin"

    def git(*arguments):
        who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        done = subprocess.run(
            ["git", "-C", str(path), *who, *arguments], check=True, capture_output=True, text=True, timeout=30
        )
        return done.stdout.strip()

    subprocess.run(["git", "init", "-q", "-b", "main", str(path)], check=True, timeout=30)
    git("config", "uploadpack.allowAnySHA1InWant", "true")
    (path / "README").write_text("app\n")
    git("add", "-A")
    git("commit", "-q", "-m", "first")
    base = git("rev-parse", "HEAD")
    (path / "sums").write_text("1\n")
    git("add", "-A")
    git("commit", "-q", "-m", "sums")
    return path, base, git("rev-parse", "HEAD")


@pytest.mark.parametrize("engine", ["argo", "pod"])
def test_a_decorated_job_stands_in_its_repository_with_the_pull_merged(embedded, prowjob, origin, engine):
    path, base, head = origin
    text = "ls; git log --format=%s -1; test -d $ARTIFACTS && echo here; case $PWD in $GOPATH/src/*) echo go;; esac"
    seen, logs = run(
        embedded,
        prowjob,
        engine,
        decorate=True,
        refs=refs(clone_uri=str(path), base_sha=base, head=head),
        pod_spec={"containers": [shell(text)]},
    )
    assert seen.phase is RunPhase.SUCCESS, logs
    [log] = logs.values()
    assert log.splitlines() == ["README", "sums", f"Merge commit '{head}'", "here", "go"]


@pytest.mark.parametrize("engine", ["argo", "pod"])
def test_a_checkout_that_fails_fails_the_run_and_says_why(embedded, prowjob, origin, engine, monkeypatch):
    path, base, _ = origin
    monkeypatch.setattr("prowless.domain.render.checkout.script.__kwdefaults__", {"pauses": ()})
    seen, logs = run(
        embedded,
        prowjob,
        engine,
        decorate=True,
        refs=refs(clone_uri=f"{path}-absent", base_sha=base),
        pod_spec={"containers": [shell("echo never")]},
    )
    assert seen.phase in {RunPhase.FAILURE, RunPhase.ERROR}
    assert list(logs) == ["clonerefs"]
    assert "does not appear to be a git repository" in logs["clonerefs"]
