"""What the engines write has the shape that the published CRDs describe, and no other fields."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from tests.functional.cluster.kube import Kube, ended

SCHEMAS = Path(__file__).parents[4] / "shared" / "schemas"
published = pytest.mark.skipif(not SCHEMAS.is_dir(), reason="no folder ../shared/schemas beside this repository")

WORKFLOW = """
entrypoint: main
onExit: bye
arguments: {parameters: [{name: who, value: me}]}
templates:
- name: main
  dag:
    tasks:
    - {name: a, template: gen}
    - name: l
      template: say
      dependencies: [a]
      withItems: [1, 2]
      arguments: {parameters: [{name: m, value: "{{item}}"}]}
    - {name: skipped, template: say, when: "1 > 2", arguments: {parameters: [{name: m, value: x}]}}
    - {name: s, template: steps, dependencies: [a]}
    - {name: set, template: set}
    - {name: bad, template: bad}
- name: gen
  retryStrategy: {limit: 1}
  script: {image: x, command: [sh], source: echo v > /tmp/o}
  outputs: {parameters: [{name: o, valueFrom: {path: /tmp/o}, globalName: g}]}
- {name: say, inputs: {parameters: [{name: m}]}, container: {image: x, command: [echo, "{{inputs.parameters.m}}"]}}
- {name: steps, steps: [[{name: one, template: say, arguments: {parameters: [{name: m, value: x}]}}]]}
- name: set
  containerSet:
    containers:
    - {name: a, image: x, command: ["true"]}
    - {name: b, image: x, command: ["true"], dependencies: [a]}
- {name: bad, container: {image: x, command: ["false"]}}
- {name: bye, container: {image: x, command: ["true"]}}
"""

PIPELINERUN = """
params: [{name: p, value: [a, b]}]
workspaces: [{name: w, emptyDir: {}}]
pipelineSpec:
  params: [{name: p, type: array}]
  workspaces: [{name: w}]
  results: [{name: r, value: "$(tasks.a.results.r[*])"}]
  tasks:
  - name: a
    retries: 1
    workspaces: [{name: w}]
    taskSpec:
      results: [{name: r, type: array}]
      steps:
      - {name: s, image: x, script: 'printf ''["v"]'' > $(results.r.path)', env: [{name: A, value: b}]}
      - {image: x, script: exit 3, onError: continue}
  - {name: b, when: [{input: x, operator: in, values: [y]}], taskSpec: {steps: [{image: x, script: "true"}]}}
  - name: c
    retries: 1
    onError: continue
    runAfter: [a]
    taskSpec: {steps: [{image: x, script: exit 1}, {image: x, script: a}]}
  finally:
  - name: f
    params: [{name: s, value: $(tasks.status)}]
    taskSpec: {params: [{name: s}], steps: [{image: x, script: "true"}]}
"""


def strict(schema: Any) -> Any:
    """A CRD's schema that refuses fields it does not know."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    dropped = {key for key in schema if key.startswith("x-kubernetes-") or key == "format"}
    made = {key: strict(value) for key, value in schema.items() if key not in dropped}
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    known = "properties" in schema and "additionalProperties" not in schema
    if known and schema.get("type") == "object" and not schema.get("x-kubernetes-preserve-unknown-fields"):
        made["additionalProperties"] = False
    return made


@functools.cache
def validator(crd: str, version: str) -> jsonschema.Draft7Validator:
    # The C loader: the CRDs have megabytes.
    document = yaml.load((SCHEMAS / crd).read_text(), yaml.CSafeLoader)
    (found,) = [v for v in document["spec"]["versions"] if v["name"] == version]
    schema = strict(found["schema"]["openAPIV3Schema"])
    schema["properties"]["metadata"] = {"type": "object"}
    return jsonschema.Draft7Validator(schema)


def conforms(obj: dict[str, Any], crd: str, version: str) -> None:
    found = validator(crd, version).iter_errors(obj)
    assert [f"{error.json_path}: {error.message[:200]}" for error in found] == []


@published
def test_a_workflow_conforms(kube: Kube) -> None:
    workflow = kube.workflow(WORKFLOW)
    assert {node["type"] for node in workflow["status"]["nodes"].values()} == {
        "Container",
        "DAG",
        "Pod",
        "Retry",
        "Skipped",
        "StepGroup",
        "Steps",
        "TaskGroup",
    }
    conforms(workflow, "argoproj.io_workflows.crd.yaml", "v1alpha1")


@published
def test_a_pipelinerun_and_its_taskruns_conform(kube: Kube) -> None:
    run = kube.pipelinerun(PIPELINERUN)
    assert run["status"]["results"] == [{"name": "r", "value": ["v"]}]
    conforms(run, "tekton.dev_pipelinerun.crd.yaml", "v1")
    for task_run in kube.list("TaskRun"):
        conforms(task_run, "tekton.dev_taskrun.crd.yaml", "v1")


@published
@pytest.mark.parametrize("how", ["Cancelled", "CancelledRunFinally"])
def test_a_cancelled_pipelinerun_conforms(kube: Kube, how: str) -> None:
    steps = [{"image": "x", "script": "sleep 600"}, {"image": "x", "script": "true"}]
    made = kube.create(
        {"spec": {"pipelineSpec": {"tasks": [{"name": "a", "taskSpec": {"steps": steps}}]}}}, "PipelineRun"
    )
    kube.until(made, lambda found: found.get("status", {}).get("childReferences"))
    kube.patch(made, {"spec": {"status": how}})
    conforms(kube.until(made, ended), "tekton.dev_pipelinerun.crd.yaml", "v1")
    (task_run,) = kube.list("TaskRun")
    conforms(kube.until(task_run, ended), "tekton.dev_taskrun.crd.yaml", "v1")
