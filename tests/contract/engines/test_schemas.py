"""Rendered manifests against the engines' published schemas (`../shared/schemas`) and hera's models, strictly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hera.workflows.models import Workflow

from prowless.domain.clusters import Cluster
from prowless.domain.policy import violations
from prowless.domain.prowjob import ProwJobSpec, header
from prowless.domain.refs import JobType, Pull, Refs
from prowless.domain.render import render

SCHEMAS = Path(__file__).parents[4] / "shared" / "schemas"
published = pytest.mark.skipif(not SCHEMAS.is_dir(), reason="no folder ../shared/schemas beside this repository")

PULL = Pull(number=7, author="ada", sha="a" * 40, title="Fix {{ workflow.name }} for $(params.x)", head_ref="sums")
REFS = Refs(org="acme", repo="app", base_ref="main", base_sha="b" * 40, pulls=(PULL,))
CONTAINER = {
    "image": "a",
    "command": ["sh"],
    "args": ["-c", "docker ps --format '{{.Names}}'"],
    "env": [{"name": "A", "value": "b"}],
    "resources": {"requests": {"cpu": "100m", "memory": "1Gi"}},
    "securityContext": {"runAsUser": 1000},
    "volumeMounts": [{"name": "cache", "mountPath": "/cache"}],
}
POD = {
    "serviceAccountName": "builder",
    "nodeSelector": {"kubernetes.io/arch": "arm64"},
    "tolerations": [{"key": "ci", "operator": "Exists", "effect": "NoSchedule"}],
    "affinity": {
        "podAntiAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": [
                {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"a": "b"}}}
            ]
        }
    },
    "volumes": [{"name": "cache", "emptyDir": {}}, {"name": "s", "secret": {"secretName": "s"}}],
    "imagePullSecrets": [{"name": "pull"}],
    "securityContext": {"fsGroup": 2000},
    "priorityClassName": "high",
    "dnsConfig": {"options": [{"name": "ndots", "value": "1"}]},
    "activeDeadlineSeconds": 60,
    "initContainers": [{"name": "prepare", "image": "a"}],
}
FIELDS: dict[str, dict[str, Any]] = {
    "small pod": {"pod_spec": {"containers": [{"image": "a"}]}},
    "large pod": {"pod_spec": POD | {"containers": [CONTAINER]}, "decorate": True},
    "two containers": {"pod_spec": POD | {"containers": [CONTAINER | {"name": n} for n in ("a", "b")]}},
    "own workflow": {
        "agent": "argo-workflow",
        "workflow_spec": {
            "entrypoint": "dag",
            "templates": [
                {"name": "dag", "dag": {"tasks": [{"name": "t", "template": "script"}]}},
                {"name": "script", "script": {"image": "a", "command": ["sh"], "source": "true"}},
                {"name": "set", "containerSet": {"containers": [{"name": "main", "image": "a"}]}},
            ],
        },
    },
    "pipeline run": {
        "agent": "tekton-pipeline",
        "pipeline_run_spec": {
            "pipelineSpec": {
                "tasks": [
                    {"name": "src", "taskRef": {"name": "PROW_IMPLICIT_GIT_REF"}},
                    {"name": "unit", "taskSpec": {"steps": [{"name": "a", "image": "a", "script": "true"}]}},
                ]
            },
            "taskRunTemplate": {"serviceAccountName": "ci"},
        },
    },
}
WORKFLOWS = [name for name, fields in FIELDS.items() if fields.get("agent") != "tekton-pipeline"]


def rendered(name: str, engine: str = "argo") -> dict[str, Any]:
    spec = ProwJobSpec(type=JobType.PRESUBMIT, job="unit", context="ci/unit", refs=REFS, **FIELDS[name])
    job = header(spec, prowjob="a" * 36, build_id="75", cause="c", delivery="", created_at=1)
    manifest = render(spec, job, Cluster(alias="default", engine=engine), timeout_seconds=600)
    assert json.loads(json.dumps(manifest)) == manifest
    return manifest


def strict(schema: Any) -> Any:
    """The schema with every object closed to keys it does not name."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: strict(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and not schema.get("x-kubernetes-preserve-unknown-fields"):
        closed.setdefault("additionalProperties", False)
    return closed


def unknown_keys(given: Any, kept: Any, path: str = "") -> list[str]:
    """Where `kept`, which a model gave back, lacks a key of `given`: hera's models drop what they do not know."""
    if isinstance(given, dict):
        if not isinstance(kept, dict):
            return [path]
        missing = [f"{path}.{key}" for key in given if key not in kept]
        inner = [unknown_keys(value, kept[key], f"{path}.{key}") for key, value in given.items() if key in kept]
        return missing + [each for found in inner for each in found]
    if isinstance(given, list) and isinstance(kept, list):
        pairs = enumerate(zip(given, kept, strict=True))
        return [each for index, (a, b) in pairs for each in unknown_keys(a, b, f"{path}[{index}]")]
    return []


@pytest.fixture(scope="module")
def argo_schema() -> jsonschema.Draft202012Validator:
    schema = json.loads((SCHEMAS / "argo-workflows.schema.json").read_text())
    # Argo's schema says string, Kubernetes takes both (`x-kubernetes-int-or-string` in the CRD).
    schema["definitions"]["io.k8s.apimachinery.pkg.util.intstr.IntOrString"] = {"type": ["integer", "string"]}
    workflow = {"$ref": "#/definitions/io.argoproj.workflow.v1alpha1.Workflow"}
    return jsonschema.Draft202012Validator(workflow | {"definitions": strict(schema["definitions"])})


@pytest.fixture(scope="module")
def pipeline_run_schema() -> jsonschema.Draft202012Validator:
    text = (SCHEMAS / "tekton.dev_pipelinerun.crd.yaml").read_text()
    crd = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe loaders
    [schema] = [v["schema"]["openAPIV3Schema"] for v in crd["spec"]["versions"] if v["name"] == "v1"]
    closed = strict(schema)
    closed["properties"]["metadata"] = {"type": "object"}
    return jsonschema.Draft202012Validator(closed)


@published
@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_is_one_by_argos_schema(argo_schema, name):
    assert [error.message for error in argo_schema.iter_errors(rendered(name))] == []


@published
def test_argos_schema_finds_what_is_wrong(argo_schema):
    manifest = rendered("small pod")
    manifest["spec"]["templates"][0]["container"]["imge"] = "a"
    manifest["spec"]["activeDeadlineSeconds"] = "soon"
    assert len(list(argo_schema.iter_errors(manifest))) == 2


@published
def test_a_pipeline_run_is_one_by_tektons_schema(pipeline_run_schema):
    assert [error.message for error in pipeline_run_schema.iter_errors(rendered("pipeline run"))] == []


@published
def test_tektons_schema_finds_what_is_wrong(pipeline_run_schema):
    manifest = rendered("pipeline run")
    manifest["spec"]["taskRunTemplate"]["serviceAcountName"] = "x"
    manifest["spec"]["timeouts"] = 5
    assert len(list(pipeline_run_schema.iter_errors(manifest))) == 2


@pytest.mark.parametrize("name", WORKFLOWS)
def test_heras_model_keeps_every_key_of_a_workflow(name):
    manifest = rendered(name)
    kept = Workflow.model_validate(manifest).model_dump(by_alias=True, exclude_unset=True, mode="json")
    assert unknown_keys(manifest, kept) == []


def test_a_key_that_hera_does_not_know_is_found():
    manifest = rendered("small pod")
    manifest["spec"]["templates"][0]["container"]["imge"] = "a"
    kept = Workflow.model_validate(manifest).model_dump(by_alias=True, exclude_unset=True, mode="json")
    assert unknown_keys(manifest, kept) == [".spec.templates[0].container.imge"]


@pytest.mark.parametrize("name", FIELDS)
def test_what_is_rendered_passes_the_policy(name):
    assert violations(rendered(name), Cluster(alias="default"), trusted=False) == []
