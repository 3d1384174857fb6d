"""The API server, asked by the official client."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest
from kubernetes.client import ApiException
from tests.functional.cluster.kube import NAMESPACE, Kube

if TYPE_CHECKING:
    from typing import Any

    from prowless_local.cluster import EmbeddedCluster
from tests.functional.cluster.api_objects import refused, template


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
