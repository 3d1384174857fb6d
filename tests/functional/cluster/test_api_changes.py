"""The API server: changes, watches, deletion, faults."""

from __future__ import annotations

import base64
import threading
from typing import TYPE_CHECKING

import pytest
import urllib3
from kubernetes.client import ApiException, V1DeleteOptions, V1Preconditions, VersionApi
from tests.functional.cluster.api_objects import refused, template
from tests.functional.cluster.kube import NAMESPACE, Kube

from prowless_local.cluster import EmbeddedCluster, Fault

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any


def test_a_watch_tells_what_changes_and_can_be_resumed(kube: Kube) -> None:
    kube.create(template("a", app="x"), "WorkflowTemplate")
    events = kube.watch("WorkflowTemplate", label_selector="app=x")
    kind, first = next(events)
    assert (kind, first["metadata"]["name"]) == ("ADDED", "a")
    kube.create(template("other", app="y"), "WorkflowTemplate")
    kube.create(template("b", app="x"), "WorkflowTemplate")
    assert next(events)[1]["metadata"]["name"] == "b"
    kube.patch({"kind": "WorkflowTemplate", **first}, {"metadata": {"labels": {"app": "z"}}})
    kind, leaving = next(events)
    assert (kind, leaving["metadata"]["name"]) == ("DELETED", "a")
    events.close()
    version = first["metadata"]["resourceVersion"]
    resumed = kube.watch("WorkflowTemplate", resource_version=version, timeout_seconds=1)
    assert [(kind, obj["metadata"]["name"]) for kind, obj in resumed] == [
        ("ADDED", "other"),
        ("ADDED", "b"),
        ("MODIFIED", "a"),
    ]


def test_a_delete_honours_its_preconditions(kube: Kube) -> None:
    made = kube.create(template("a"), "WorkflowTemplate") | {"kind": "WorkflowTemplate"}
    with pytest.raises(ApiException) as exc:
        kube.delete(made, body=V1DeleteOptions(preconditions=V1Preconditions(uid="another")))
    assert refused(exc)[:2] == (409, "Conflict")
    answer = kube.delete(made, body=V1DeleteOptions(preconditions=V1Preconditions(uid=made["metadata"]["uid"])))
    assert answer["status"] == "Success"
    with pytest.raises(ApiException) as exc:
        kube.delete(made)
    assert exc.value.status == 404


def test_secrets_are_stored_encoded_and_configmaps_plain(kube: Kube) -> None:
    kube.core.create_namespaced_secret(NAMESPACE, {"metadata": {"name": "s"}, "stringData": {"k": "v"}})
    kube.core.create_namespaced_config_map(NAMESPACE, {"metadata": {"name": "c"}, "data": {"k": "v"}})
    secret = kube.core.read_namespaced_secret("s", NAMESPACE)
    assert base64.b64decode(secret.data["k"]) == b"v"
    assert secret.type == "Opaque"
    assert kube.core.read_namespaced_config_map("c", NAMESPACE).data == {"k": "v"}
    with pytest.raises(ApiException) as exc:
        kube.core.create_namespaced_secret(NAMESPACE, {"metadata": {"name": "t"}, "data": {"k": "not base64"}})
    assert exc.value.status == 400


def test_any_namespace_exists_unless_they_are_given(tmp_path: Path) -> None:
    with EmbeddedCluster(scratch=tmp_path, namespaces=["only"]) as cluster:
        kube = Kube(cluster)
        with pytest.raises(ApiException) as exc:
            kube.create(template("a"), "WorkflowTemplate")
        assert refused(exc) == (404, "NotFound", f'namespaces "{NAMESPACE}" not found')
        assert [item.metadata.name for item in kube.core.list_namespace().items] == ["only"]
        kube.close()


def test_namespaces_appear_when_they_are_used(kube: Kube) -> None:
    assert kube.core.read_namespace("whatever").status.phase == "Active"
    kube.create(template("a"), "WorkflowTemplate")
    assert [item.metadata.name for item in kube.core.list_namespace().items] == ["default", NAMESPACE, "whatever"]


def test_the_client_can_discover_the_api(kube: Kube) -> None:
    assert VersionApi(kube.core.api_client).get_code().git_version.startswith("v1.")
    resources = kube.custom.get_api_resources("tekton.dev", "v1beta1").resources
    assert {"pipelineruns", "pipelineruns/status", "taskruns"} <= {resource.name for resource in resources}


def test_an_injected_fault_is_answered_instead(kube: Kube, cluster: EmbeddedCluster) -> None:
    cluster.fault = lambda method, path: Fault(status=403, message="no") if method == "POST" else None
    with pytest.raises(ApiException) as exc:
        kube.create(template("a"), "WorkflowTemplate")
    assert refused(exc) == (403, "Forbidden", "no")
    cluster.fault = lambda method, path: (503, {"kind": "Status", "code": 503, "reason": "X", "message": "m"})
    with pytest.raises(ApiException) as exc:
        kube.list("WorkflowTemplate")
    assert refused(exc) == (503, "X", "m")
    cluster.fault = None
    assert kube.list("WorkflowTemplate") == []


def test_a_fault_afterwards_leaves_the_effect(kube: Kube, cluster: EmbeddedCluster) -> None:
    cluster.fault = lambda method, path: Fault(status=500, after=True) if method == "POST" else None
    with pytest.raises(ApiException) as exc:
        kube.create(template("a"), "WorkflowTemplate")
    assert exc.value.status == 500
    cluster.fault = lambda method, path: Fault(drop=True, after=True) if method == "POST" else None
    with pytest.raises(urllib3.exceptions.HTTPError):
        kube.create(template("b"), "WorkflowTemplate")
    assert [item["metadata"]["name"] for item in kube.list("WorkflowTemplate")] == ["a", "b"]


def test_an_outage_refuses_connections_and_ends(kube: Kube, cluster: EmbeddedCluster) -> None:
    kube.create(template("a"), "WorkflowTemplate")
    with cluster.outage(), pytest.raises(urllib3.exceptions.HTTPError):
        kube.list("WorkflowTemplate")
    assert [item["metadata"]["name"] for item in kube.list("WorkflowTemplate")] == ["a"]


def test_a_hanging_server_times_requests_out(kube: Kube, cluster: EmbeddedCluster) -> None:
    with cluster.outage("timeout"), pytest.raises(urllib3.exceptions.HTTPError):
        kube.custom.list_cluster_custom_object("argoproj.io", "v1alpha1", "workflows", _request_timeout=0.2)
    assert kube.list("Workflow") == []


def test_the_request_log_has_no_secrets(kube: Kube, cluster: EmbeddedCluster) -> None:
    kube.list("Workflow", label_selector="a=b")
    (logged,) = cluster.requests
    assert (logged.method, logged.status, logged.authorized) == ("GET", 200, True)
    assert logged.path == f"/apis/argoproj.io/v1alpha1/namespaces/{NAMESPACE}/workflows"
    assert "labelSelector=a%3Db" in logged.query
    assert cluster.token not in repr(logged)


def test_concurrent_creates_of_one_name_have_one_winner(kube: Kube, cluster: EmbeddedCluster) -> None:
    outcomes: list[int] = []

    def create() -> None:
        own = Kube(cluster)
        try:
            own.create(template("a"), "WorkflowTemplate")
            outcomes.append(201)
        except ApiException as exc:
            outcomes.append(exc.status)
        finally:
            own.close()

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [201] + [409] * 7


def test_concurrent_patches_are_all_kept(kube: Kube, cluster: EmbeddedCluster) -> None:
    made = kube.create(template("a"), "WorkflowTemplate") | {"kind": "WorkflowTemplate"}

    def patch(number: int) -> None:
        own = Kube(cluster)
        own.patch(made, {"metadata": {"labels": {f"n{number}": "x"}}})
        own.close()

    threads = [threading.Thread(target=patch, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(kube.get("WorkflowTemplate", "a")["metadata"]["labels"]) == 8


def test_a_body_that_is_too_large_is_refused(kube: Kube) -> None:
    body = template("a") | {"spec": {"x": "y" * (3 * 1024 * 1024)}}
    with pytest.raises(ApiException) as exc:
        kube.create(body, "WorkflowTemplate")
    assert refused(exc)[:2] == (413, "RequestEntityTooLarge")
    assert kube.list("WorkflowTemplate") == []


def test_dry_runs_are_refused_by_name(kube: Kube) -> None:
    with pytest.raises(ApiException) as exc:
        kube.core.create_namespaced_config_map(NAMESPACE, {"metadata": {"name": "c"}}, dry_run="All")
    assert "dryRun" in refused(exc)[2]


def test_tekton_objects_of_v1beta1_are_stored_as_v1(kube: Kube) -> None:
    body = {
        "apiVersion": "tekton.dev/v1beta1",
        "metadata": {"name": "old"},
        "spec": {
            "serviceAccountName": "builder",
            "timeout": "2h0m0s",
            "status": "PipelineRunPending",
            "pipelineSpec": {
                "tasks": [
                    {"name": "t", "taskSpec": {"steps": [{"image": "x", "script": "true", "resources": {"a": 1}}]}}
                ]
            },
        },
    }
    kube.create(body, "PipelineRun")
    spec = kube.get("PipelineRun", "old")["spec"]
    assert spec["taskRunTemplate"]["serviceAccountName"] == "builder"
    assert spec["timeouts"]["pipeline"] == "2h0m0s"
    assert spec["pipelineSpec"]["tasks"][0]["taskSpec"]["steps"][0]["computeResources"] == {"a": 1}
    old = kube.custom.get_namespaced_custom_object("tekton.dev", "v1beta1", NAMESPACE, "pipelineruns", "old")
    assert old["apiVersion"] == "tekton.dev/v1beta1"
    assert old["spec"]["serviceAccountName"] == "builder"


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({}, "expected exactly one, got neither: spec.pipelineRef, spec.pipelineSpec"),
        ({"pipelineRef": {"name": "a"}, "pipelineSpec": {}}, "got both"),
        ({"pipelineRef": {"name": "a"}, "status": "Stopped"}, "invalid value: Stopped: spec.status"),
    ],
)
def test_tektons_webhook_refuses_what_makes_no_sense(kube: Kube, spec: dict[str, Any], words: str) -> None:
    with pytest.raises(ApiException) as exc:
        kube.create({"spec": spec}, "PipelineRun")
    status, _, message = refused(exc)
    assert status == 400
    assert "admission webhook" in message
    assert words in message
