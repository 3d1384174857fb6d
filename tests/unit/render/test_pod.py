import json

import kubernetes.client
import pytest
from pydantic import BaseModel
from tests.unit.render.samples import CLUSTER, REFS, TITLES, TOOLS, TWO, environment_of, job, spec, titled

from prowless.domain.config.podspec import FIELD_NAMES
from prowless.domain.errors import ConfigError
from prowless.domain.refs import JobType
from prowless.domain.render import render
from prowless.domain.render.pod import pod_spec

POD_CLUSTER = type(CLUSTER).from_dict(CLUSTER.to_dict() | {"engine": "pod"})


def pod(**fields):
    of = spec(**fields)
    return pod_spec(of, job(of))


def test_every_container_gets_prows_variables_behind_its_own():
    own = {"name": "CI", "value": "no"}
    containers = pod(pod_spec={"containers": [{"image": "a", "env": [own]}, {"image": "b"}]})["containers"]
    assert containers[0]["env"][0] == own
    for container in containers:
        env = environment_of(container)
        assert env["CI"] == "true"  # Kubernetes takes the last of two
        assert env["PULL_NUMBER"] == "7"
        assert json.loads(env["JOB_SPEC"])["refs"]["pulls"][0]["sha"] == "a" * 40
        assert "ARTIFACTS" not in env


@pytest.mark.parametrize("title", TITLES)
def test_a_title_reaches_the_container_as_it_is(title):
    env = environment_of(pod(refs=titled(title))["containers"][0])
    assert env["PULL_TITLE"] == title
    assert json.loads(env["JOB_SPEC"])["refs"]["pulls"][0]["title"] == title


def test_every_field_name_of_the_installed_client_is_known():
    names: set[str] = set()
    pending, seen = [kubernetes.client.V1PodSpec], set()
    while pending:
        model = pending.pop()
        if model in seen:
            continue
        seen.add(model)
        for field in model.model_fields.values():
            names.add(field.serialization_alias or "")
            pending += [t for t in _leaves(field.annotation) if isinstance(t, type) and issubclass(t, BaseModel)]
    names.discard("")
    assert len(names) > 200
    assert names - FIELD_NAMES == set()


def _leaves(annotation):
    arguments = getattr(annotation, "__args__", ())
    return [leaf for argument in arguments for leaf in _leaves(argument)] if arguments else [annotation]


def test_a_decorated_job_gets_the_checkout_the_folders_and_two_more_variables():
    rendered = pod(decorate=True, extra_refs=(TOOLS,))
    cloner = rendered["initContainers"][0]
    assert cloner["name"] == "clonerefs"
    assert {mount["mountPath"] for mount in cloner["volumeMounts"]} == {"/home/prow/go", "/logs"}
    container = rendered["containers"][0]
    assert container["workingDir"] == "/home/prow/go/src/github.com/acme/app"
    assert {mount["mountPath"] for mount in container["volumeMounts"]} == {"/home/prow/go", "/logs"}
    assert [volume["name"] for volume in rendered["volumes"]] == ["logs", "code"]
    env = environment_of(container)
    assert env["ARTIFACTS"] == "/logs/artifacts"
    assert env["GOPATH"] == "/home/prow/go"


def test_a_decorated_job_without_repositories_still_gets_its_artifacts_folder():
    for fields in ({"type": JobType.PERIODIC, "refs": None}, {"decoration_config": {"skip_cloning": True}}):
        rendered = pod(decorate=True, **fields)
        assert "git" not in rendered["initContainers"][0]["args"][0]
        assert "workingDir" not in rendered["containers"][0]
        assert [volume["name"] for volume in rendered["volumes"]] == ["logs"]


def test_the_working_directory_is_the_repositorys_whatever_the_job_says():
    given = {"containers": [{"image": "a", "workingDir": "/elsewhere"}]}
    tools = type(TOOLS).from_dict(TOOLS.to_dict() | {"workdir": True})
    folder = pod(decorate=True, pod_spec=given, extra_refs=(tools,))["containers"][0]["workingDir"]
    assert folder == "/home/prow/go/src/example.org/tools"


def test_decoration_defaults_fill_what_the_pod_leaves_open():
    config = {"run_as_user": 1000, "fs_group": 2000, "default_service_account_name": "ci"}
    rendered = pod(
        decorate=True,
        decoration_config=config,
        pod_spec={"containers": [{"image": "a"}], "securityContext": {"runAsUser": 1}},
    )
    assert rendered["securityContext"] == {"runAsUser": 1, "fsGroup": 2000}
    assert rendered["serviceAccountName"] == "ci"


def test_an_undecorated_job_runs_as_it_is():
    rendered = pod()
    assert "initContainers" not in rendered
    assert "volumes" not in rendered


def test_the_jobs_own_spec_is_not_changed_by_rendering():
    given = {"containers": [{"image": "a", "env": [], "volumeMounts": []}]}
    pod(pod_spec=given, decorate=True)
    assert given == {"containers": [{"image": "a", "env": [], "volumeMounts": []}]}


@pytest.mark.parametrize("given", [{"containers": []}, {"volumes": []}, {"containers": "x"}, {"containers": ["x"]}])
def test_a_pod_without_containers_is_refused(given):
    with pytest.raises(ConfigError, match=r"job unit: spec\.containers"):
        pod(pod_spec=given)


def test_a_pod_engine_gets_planks_pod():
    of = spec()
    manifest = render(of, job(of), POD_CLUSTER, timeout_seconds=600)
    assert manifest["kind"] == "Pod"
    assert manifest["metadata"]["namespace"] == "test-pods"
    assert manifest["spec"]["restartPolicy"] == "Never"
    assert manifest["spec"]["automountServiceAccountToken"] is False
    assert manifest["spec"]["activeDeadlineSeconds"] == 600
    assert manifest["spec"]["containers"][0]["name"] == "test"
    assert [
        c["name"] for c in render(spec(pod_spec=TWO), job(of), POD_CLUSTER, timeout_seconds=1)["spec"]["containers"]
    ] == [
        "db",
        "tests",
    ]


def test_a_jobs_own_mount_in_the_tokens_place_stays():
    own = {"name": "mine", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}
    volumes = [{"name": "mine", "emptyDir": {}}]
    of = spec(pod_spec={"volumes": volumes, "containers": [{"image": "a", "volumeMounts": [own]}]})
    rendered = render(of, job(of), CLUSTER, timeout_seconds=600)["spec"]["templates"][0]["container"]
    assert [mount["name"] for mount in rendered["volumeMounts"] if mount["mountPath"] == own["mountPath"]] == ["mine"]


def test_a_named_service_account_keeps_its_token():
    of = spec(pod_spec={"serviceAccount": "deployer", "containers": [{"image": "a"}]})
    rendered = render(of, job(of), POD_CLUSTER, timeout_seconds=600)["spec"]
    assert rendered["serviceAccountName"] == "deployer"
    assert "automountServiceAccountToken" not in rendered


@pytest.mark.parametrize(
    ("fields", "engine", "message"),
    [
        ({"agent": "jenkins"}, "argo", "agent 'jenkins'"),
        ({"agent": "tekton-pipeline"}, "argo", "needs pipeline_run_spec"),
        ({"agent": "argo-workflow"}, "argo", "needs workflow_spec"),
        ({"pod_spec": None}, "argo", "needs spec"),
        ({}, "tekton", "engine 'tekton'"),
    ],
)
def test_what_cannot_be_rendered_is_refused_by_name(fields, engine, message):
    of = spec(**fields)
    cluster = type(CLUSTER).from_dict(CLUSTER.to_dict() | {"engine": engine})
    with pytest.raises(ConfigError, match=message):
        render(of, job(of), cluster, timeout_seconds=600)


def test_rendering_twice_gives_the_same():
    of = spec(decorate=True, extra_refs=(TOOLS,), refs=REFS)
    assert render(of, job(of), CLUSTER, timeout_seconds=600) == render(of, job(of), CLUSTER, timeout_seconds=600)


def test_what_a_pod_says_reaches_the_cluster():
    container = {
        "image": "a",
        "args": ["x"],
        "resources": {"requests": {"cpu": 2}},
        "securityContext": {"privileged": True},
        "livenessProbe": {"exec": {"command": ["true"]}},
        "inventedLater": {"a": 1},
    }
    given = {
        "containers": [container],
        "initContainers": [{"image": "i"}],
        "nodeSelector": {"zone": "a"},
        "serviceAccountName": "ci",
        "automountServiceAccountToken": False,
        "volumes": [{"name": "v", "emptyDir": {}}],
        "tolerations": [{"key": "ci"}],
        "dnsConfig": {"options": []},
        "affinity": {"nodeAffinity": {}},
        "inventedToo": [1],
    }
    of = spec(pod_spec=given)
    rendered = render(of, job(of), POD_CLUSTER, timeout_seconds=600)["spec"]
    (found,) = rendered["containers"]
    assert {name: found[name] for name in container} == container
    assert rendered["initContainers"][0]["image"] == "i"
    others = given.keys() - {"containers", "initContainers"}
    assert {name: rendered[name] for name in others} == {name: given[name] for name in others}
