"""The API server, asked by the official client."""

from __future__ import annotations

import base64
import json
import threading
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest
import urllib3
from kubernetes.client import ApiException, V1DeleteOptions, V1Preconditions, VersionApi
from tests.functional.cluster.kube import NAMESPACE, Kube

from prowless_local.cluster import EmbeddedCluster, Fault

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any


def refused(exc: pytest.ExceptionInfo[ApiException]) -> tuple[int, str, str]:
    body = json.loads(exc.value.body)
    assert body["kind"] == "Status"
    assert body["code"] == exc.value.status
    return exc.value.status, body["reason"], body["message"]


def template(name: str, **labels: str) -> dict[str, Any]:
    """An object that no engine acts on."""
    return {"metadata": {"name": name, "labels": labels}, "spec": {"templates": []}}


def test_a_created_object_has_what_the_server_adds(kube: Kube) -> None:
    made = kube.create({"metadata": {"generateName": "t-"}, "spec": {}}, "WorkflowTemplate")
    metadata = made["metadata"]
    assert metadata["name"].startswith("t-")
    assert len(metadata["name"]) == len("t-") + 5
    assert metadata["namespace"] == NAMESPACE
    assert metadata["uid"]
    assert int(metadata["resourceVersion"]) > 0
    assert metadata["creationTimestamp"].endswith("Z")
    assert kube.get("WorkflowTemplate", metadata["name"]) == made


def test_a_taken_name_is_a_conflict(kube: Kube) -> None:
    kube.create(template("one"), "WorkflowTemplate")
    with pytest.raises(ApiException) as exc:
        kube.create(template("one"), "WorkflowTemplate")
    assert refused(exc) == (409, "AlreadyExists", 'workflowtemplates.argoproj.io "one" already exists')


def test_what_is_not_there_is_not_found(kube: Kube) -> None:
    with pytest.raises(ApiException) as exc:
        kube.get("Workflow", "nobody")
    assert refused(exc) == (404, "NotFound", 'workflows.argoproj.io "nobody" not found')
    with pytest.raises(ApiException) as exc:
        kube.custom.list_namespaced_custom_object("batch", "v1", NAMESPACE, "jobs")
    assert refused(exc) == (404, "NotFound", "the server could not find the requested resource")


@pytest.mark.parametrize("header", ["", "Bearer wrong", "Basic dTpw", "Bearer "])
def test_without_the_token_nothing_is_answered(cluster: EmbeddedCluster, header: str) -> None:
    request = urllib.request.Request(f"{cluster.url}/version", headers={"Authorization": header} if header else {})
    with pytest.raises(urllib.error.HTTPError) as exc:
        urllib.request.urlopen(request, timeout=10)
    with exc.value as answer:
        assert answer.code == 401
        assert json.load(answer)["reason"] == "Unauthorized"
    assert [(logged.status, logged.authorized) for logged in cluster.requests] == [(401, False)]


@pytest.mark.parametrize(
    ("metadata", "field"),
    [
        ({"name": "Upper"}, "metadata.name"),
        ({"name": "x" * 254}, "metadata.name"),
        ({"generateName": "-x"}, "metadata.generateName"),
        ({"name": "a", "labels": {"k": "v" * 64}}, "metadata.labels"),
        ({"name": "a", "labels": {"k": "-v"}}, "metadata.labels[k]"),
        ({"name": "a", "labels": {"/": "v"}}, "metadata.labels"),
        ({"name": "a", "annotations": {"a b": "v"}}, "metadata.annotations"),
    ],
)
def test_wrong_metadata_is_invalid_and_named(kube: Kube, metadata: dict[str, Any], field: str) -> None:
    with pytest.raises(ApiException) as exc:
        kube.custom.create_namespaced_custom_object(
            "argoproj.io",
            "v1alpha1",
            NAMESPACE,
            "workflows",
            {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": metadata, "spec": {}},
        )
    assert refused(exc)[:2] == (422, "Invalid")
    causes = json.loads(exc.value.body)["details"]["causes"]
    assert [cause["field"] for cause in causes] == [field]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"apiVersion": "argoproj.io/v1alpha1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {}}, 400),
        ({"apiVersion": "tekton.dev/v1", "kind": "Workflow", "metadata": {"name": "a"}, "spec": {}}, 400),
        ({"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": [], "spec": {}}, 400),
        ({"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": "a"}}, 422),
        ({"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": "a"}, "spec": []}, 422),
        (
            {
                "apiVersion": "argoproj.io/v1alpha1",
                "kind": "Workflow",
                "metadata": {"name": "a"},
                "spec": {"templates": {}},
            },
            422,
        ),
        (
            {
                "apiVersion": "argoproj.io/v1alpha1",
                "kind": "Workflow",
                "metadata": {"name": "a", "namespace": "other"},
                "spec": {},
            },
            400,
        ),
    ],
)
def test_another_kind_of_thing_is_refused(kube: Kube, body: Any, code: int) -> None:
    with pytest.raises(ApiException) as exc:
        kube.custom.create_namespaced_custom_object("argoproj.io", "v1alpha1", NAMESPACE, "workflows", body)
    assert exc.value.status == code
    assert not kube.list("Workflow")


def test_lists_are_selected_by_labels_and_fields(kube: Kube) -> None:
    kube.create(template("a", app="x", tier="1"), "WorkflowTemplate")
    kube.create(template("b", app="x", tier="2"), "WorkflowTemplate")
    kube.create(template("c", app="y"), "WorkflowTemplate")

    def named(**selectors: str) -> list[str]:
        return [item["metadata"]["name"] for item in kube.list("WorkflowTemplate", **selectors)]

    assert named(label_selector="app=x") == ["a", "b"]
    assert named(label_selector="app==x,tier!=1") == ["b"]
    assert named(label_selector="app in (x, y),!tier") == ["c"]
    assert named(label_selector="tier notin (1)") == ["b", "c"]
    assert named(label_selector="tier") == ["a", "b"]
    assert named(field_selector="metadata.name=b") == ["b"]
    with pytest.raises(ApiException) as exc:
        named(label_selector="app in x")
    assert exc.value.status == 400
    with pytest.raises(ApiException) as exc:
        named(field_selector="spec.entrypoint=main")
    assert refused(exc) == (400, "BadRequest", "field label not supported: spec.entrypoint")


def test_lists_come_in_pages(kube: Kube) -> None:
    for name in "abcde":
        kube.create(template(name), "WorkflowTemplate")
    found, token = [], None
    while token != "":
        page = kube.custom.list_namespaced_custom_object(
            "argoproj.io", "v1alpha1", NAMESPACE, "workflowtemplates", limit=2, _continue=token
        )
        found.append([item["metadata"]["name"] for item in page["items"]])
        token = page["metadata"].get("continue", "")
    assert found == [["a", "b"], ["c", "d"], ["e"]]


def test_a_merge_patch_merges_and_null_removes(kube: Kube) -> None:
    made = kube.create(template("a", keep="1", drop="2"), "WorkflowTemplate")
    patched = kube.patch(made | {"kind": "WorkflowTemplate"}, {"metadata": {"labels": {"drop": None, "new": "3"}}})
    assert patched["metadata"]["labels"] == {"keep": "1", "new": "3"}
    assert patched["metadata"]["uid"] == made["metadata"]["uid"]
    assert int(patched["metadata"]["resourceVersion"]) > int(made["metadata"]["resourceVersion"])


def test_a_json_patch_is_applied_or_refused_as_a_whole(kube: Kube) -> None:
    made = kube.create(template("a", one="1"), "WorkflowTemplate") | {"kind": "WorkflowTemplate"}
    good = [
        {"op": "test", "path": "/metadata/labels/one", "value": "1"},
        {"op": "add", "path": "/spec/x", "value": [1]},
    ]
    assert kube.patch(made, good)["spec"]["x"] == [1]
    bad = [{"op": "add", "path": "/spec/x/-", "value": 2}, {"op": "remove", "path": "/spec/nothing"}]
    with pytest.raises(ApiException) as exc:
        kube.patch(made, bad)
    assert exc.value.status == 422
    assert kube.get("WorkflowTemplate", "a")["spec"]["x"] == [1]


def test_a_write_on_an_old_version_is_a_conflict(kube: Kube) -> None:
    old = kube.create(template("a"), "WorkflowTemplate")
    kube.patch(old | {"kind": "WorkflowTemplate"}, {"metadata": {"labels": {"x": "y"}}})
    with pytest.raises(ApiException) as exc:
        kube.custom.replace_namespaced_custom_object(
            "argoproj.io", "v1alpha1", NAMESPACE, "workflowtemplates", "a", old
        )
    status, reason, message = refused(exc)
    assert (status, reason) == (409, "Conflict")
    assert "the object has been modified" in message
    old["metadata"].pop("resourceVersion")
    kube.custom.replace_namespaced_custom_object("argoproj.io", "v1alpha1", NAMESPACE, "workflowtemplates", "a", old)


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
