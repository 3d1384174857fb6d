import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prowless.domain.clusters import Cluster
from prowless.domain.policy import MAX_VIOLATIONS, RULES, violations

CLUSTER = Cluster(alias="default", namespace="test-pods")


def workflow(template=None, **spec):
    template = {"name": "main", "container": {"image": "a"}} if template is None else template
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": "x", "namespace": "test-pods", "labels": {"privileged": "true"}},
        "spec": {"entrypoint": "main", "templates": [template], **spec},
    }


def container(**fields):
    return workflow({"name": "main", "container": {"image": "a", **fields}})


def pipeline_run(*tasks, **spec):
    return {
        "apiVersion": "tekton.dev/v1",
        "kind": "PipelineRun",
        "metadata": {"name": "x", "namespace": "test-pods"},
        "spec": {"pipelineSpec": {"tasks": list(tasks)}, **spec},
    }


def found(manifest, cluster=CLUSTER, *, trusted=True):
    return [(violation.path, violation.rule) for violation in violations(manifest, cluster, trusted=trusted)]


REFUSED = [
    (
        container(securityContext={"privileged": True}),
        "spec.templates[0].container.securityContext.privileged",
        "privileged",
    ),
    (
        container(securityContext={"PRIVILEGED": "{{x}}"}),
        "spec.templates[0].container.securityContext.PRIVILEGED",
        "privileged",
    ),
    (
        container(securityContext={"capabilities": {"add": ["CHOWN", "CAP_SYS_ADMIN"]}}),
        "spec.templates[0].container.securityContext.capabilities.add[1]",
        "capabilities",
    ),
    (
        container(securityContext={"procMount": "Unmasked"}),
        "spec.templates[0].container.securityContext.procMount",
        "procMount",
    ),
    (container(ports=[{"hostPort": 80}]), "spec.templates[0].container.ports[0].hostPort", "hostPort"),
    (workflow(volumes=[{"name": "d", "hostPath": {"path": "/"}}]), "spec.volumes[0].hostPath", "hostPath"),
    (workflow(volumes=[{"name": "d", "flexVolume": {}}]), "spec.volumes[0].flexVolume", "flexVolume"),
    (workflow(hostNetwork=True), "spec.hostNetwork", "hostNetwork"),
    (workflow(hostnetwork=True), "spec.hostnetwork", "hostNetwork"),
    (workflow(podSpecPatch="hostPID: true"), "spec.podSpecPatch", "podSpecPatch"),
    (
        workflow(podSpecPatch='{"terminationGracePeriodSeconds": 5, "hostPID": true}'),
        "spec.podSpecPatch",
        "podSpecPatch",
    ),
    (
        workflow(workflowTemplateRef={"name": "t", "clusterScope": True}),
        "spec.workflowTemplateRef.clusterScope",
        "clusterScope",
    ),
    (
        workflow(securityContext={"windowsOptions": {"hostProcess": True}}),
        "spec.securityContext.windowsOptions.hostProcess",
        "hostProcess",
    ),
    (workflow({"name": "main", "resource": {"action": "create"}}), "spec.templates[0].resource", "resource"),
    (workflow({"name": "main", "http": {"url": "http://x"}}), "spec.templates[0].http", "http"),
    (workflow({"name": "main", "plugin": {"x": {}}}), "spec.templates[0].plugin", "plugin"),
    (workflow(templateDefaults={"plugin": {}}), "spec.templateDefaults.plugin", "plugin"),
    (
        workflow({"name": "main", "steps": [[{"name": "s", "inline": {"resource": {}}}]]}),
        "spec.templates[0].steps[0][0].inline.resource",
        "resource",
    ),
    (
        pipeline_run({"name": "t", "taskRef": {"resolver": "git"}}),
        "spec.pipelineSpec.tasks[0].taskRef.resolver",
        "resolver",
    ),
    (pipeline_run(pipelineRef={"resolver": "hub"}), "spec.pipelineRef.resolver", "resolver"),
    (pipeline_run(pipelineRef={"name": "p", "bundle": "r/x"}), "spec.pipelineRef.bundle", "resolver"),
    (
        pipeline_run({"name": "t", "taskSpec": {"steps": [{"ref": {"resolver": "http"}}]}}),
        "spec.pipelineSpec.tasks[0].taskSpec.steps[0].ref.resolver",
        "resolver",
    ),
    (
        pipeline_run({"name": "t", "taskRef": {"apiVersion": "example.dev/v1", "kind": "Any"}}),
        "spec.pipelineSpec.tasks[0].taskRef.apiVersion",
        "customTask",
    ),
    (
        pipeline_run(taskRunTemplate={"podTemplate": {"hostNetwork": True}}),
        "spec.taskRunTemplate.podTemplate.hostNetwork",
        "hostNetwork",
    ),
]
IDS = [path for _, path, _ in REFUSED]


@pytest.mark.parametrize(("manifest", "path", "rule"), REFUSED, ids=IDS)
def test_what_reaches_beyond_the_run_is_refused_with_its_path(manifest, path, rule):
    assert found(manifest) == [(path, rule)]


@pytest.mark.parametrize(("manifest", "path", "rule"), REFUSED, ids=IDS)
def test_a_cluster_lifts_a_rule_for_trusted_configuration_only(manifest, path, rule):
    cluster = Cluster(alias="default", namespace="test-pods", allow=(rule,))
    assert found(manifest, cluster) == []
    assert found(manifest, cluster, trusted=False) == [(path, rule)]
    assert rule in RULES


@pytest.mark.parametrize(
    "manifest",
    [
        workflow(),
        workflow(podSpecPatch='{"terminationGracePeriodSeconds": 75}'),
        workflow(hostNetwork=False, podSpecPatch="", workflowTemplateRef={"name": "t", "clusterScope": False}),
        container(securityContext={"privileged": False, "capabilities": {"add": ["CHOWN"], "drop": ["ALL"]}}),
        container(
            env=[
                {"name": "privileged", "value": "true"},
                {"name": "x", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
            ]
        ),
        workflow(nodeSelector={"privileged": "true"}, podMetadata={"labels": {"hostPath": "x"}}),
        workflow(
            {"name": "main", "inputs": {"artifacts": [{"name": "a", "http": {"url": "https://x"}}]}, "container": {}}
        ),
        container(livenessProbe={"httpGet": {"port": 80}}, resources={"limits": {"cpu": 1}}),
        pipeline_run({"name": "t", "taskRef": {"name": "x", "apiVersion": "tekton.dev/v1"}}),
    ],
)
def test_what_stays_in_the_run_is_allowed(manifest):
    assert found(manifest) == []


def test_only_the_kinds_of_the_engines_may_be_sent():
    assert found({**workflow(), "kind": "CronWorkflow"}) == [("kind", "kind")]
    assert found({**workflow(), "apiVersion": "v1"}) == [("apiVersion", "kind")]
    assert found({**workflow(), "status": {}}) == [("status", "kind")]


def test_the_namespace_is_the_clusters():
    manifest = workflow()
    for namespace in ("kube-system", "", None):
        manifest["metadata"]["namespace"] = namespace
        assert found(manifest) == [("metadata.namespace", "namespace")]
    assert found({**workflow(), "metadata": None}) == [("metadata.namespace", "namespace")]


def test_a_cluster_may_open_one_more_namespace():
    cluster = Cluster(alias="default", namespace="test-pods", allow=("namespace:ci",))
    manifest = workflow()
    manifest["metadata"]["namespace"] = "ci"
    assert found(manifest, cluster) == []
    assert found(manifest, cluster, trusted=False) == [("metadata.namespace", "namespace")]


def test_service_accounts_are_those_of_the_cluster_if_it_names_any():
    manifest = workflow(serviceAccountName="admin", executor={"serviceAccountName": "ci"})
    assert found(manifest) == []
    named = Cluster(alias="default", namespace="test-pods", service_accounts=("ci",))
    assert found(manifest, named) == [("spec.serviceAccountName", "service_accounts")]
    assert violations(manifest, named, trusted=True)[0].allowed == "ci"


def test_the_number_of_violations_is_bounded():
    manifest = container(ports=[{"hostPort": 80}] * 1000)
    assert len(found(manifest)) == MAX_VIOLATIONS


def test_a_deep_manifest_is_judged_to_its_bottom():
    deep: dict = {"privileged": True}
    for _ in range(5000):
        deep = {"x": deep}
    assert [rule for _, rule in found(workflow(x=deep))] == ["privileged"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(before=JSON, keys=st.lists(st.text("abc", min_size=1, max_size=3), max_size=4))
def test_privileged_is_found_wherever_it_stands_and_the_manifest_is_not_changed(before, keys):
    inner: object = {"privileged": True, "before": before}
    for key in keys:
        inner = [{key: inner}]
    manifest = workflow(field=inner)
    copied = copy.deepcopy(manifest)
    assert "privileged" in {rule for _, rule in found(manifest)}
    assert manifest == copied
