"""Workflows that are stopped, terminated, deleted, or take too long."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
import yaml
from tests.functional.cluster.kube import NAMESPACE, Kube, ended, node, phases, process_gone

if TYPE_CHECKING:
    from typing import Any

SLEEPER = """
entrypoint: main
onExit: bye
templates:
- name: main
  steps: [[{name: long, template: long}], [{name: later, template: long}]]
- name: long
  container: {image: x, command: [sh, -c, 'sleep 600 & echo $!; wait']}
- name: bye
  container: {image: x, command: [echo, "{{workflow.status}}"]}
"""


def started(kube: Kube, workflow: dict[str, Any]) -> int:
    """Wait for the first step; returns the process that it started in the background."""
    workflow = kube.until(
        workflow,
        lambda wf: any(
            n["phase"] == "Running" and n["type"] == "Pod" for n in wf.get("status", {}).get("nodes", {}).values()
        ),
    )
    (pod,) = kube.list("Pod", label_selector=f"workflows.argoproj.io/workflow={workflow['metadata']['name']}")
    name = pod["metadata"]["name"]
    with kube.core.read_namespaced_pod_log(
        name, NAMESPACE, container="main", follow=True, _preload_content=False
    ) as log:
        return int(next(iter(log.stream())))


@pytest.fixture
def workflow(kube: Kube) -> dict[str, Any]:
    return kube.create({"spec": yaml.safe_load(SLEEPER)}, "Workflow") | {"kind": "Workflow"}


def test_stop_ends_the_steps_and_runs_the_exit_handler(kube: Kube, workflow: dict[str, Any]) -> None:
    pid = started(kube, workflow)
    kube.patch(workflow, {"spec": {"shutdown": "Stop"}})
    found = kube.until(workflow, ended)
    assert found["status"]["phase"] == "Failed"
    assert found["status"]["message"] == "Stopped with strategy 'Stop'"
    assert node(found, "long")["message"] == "workflow shutdown with strategy: Stop"
    assert "later" not in phases(found)
    assert kube.node_log(found, f"{found['metadata']['name']}.onExit") == "Failed\n"
    assert process_gone(pid)


def test_terminate_runs_no_exit_handler(kube: Kube, workflow: dict[str, Any]) -> None:
    pid = started(kube, workflow)
    kube.patch(workflow, {"spec": {"shutdown": "Terminate"}})
    found = kube.until(workflow, ended)
    assert found["status"]["phase"] == "Failed"
    assert found["status"]["message"] == "Stopped with strategy 'Terminate'"
    assert f"{found['metadata']['name']}.onExit" not in phases(found)
    assert process_gone(pid)


def test_a_deleted_workflow_takes_its_pods_and_processes_with_it(kube: Kube, workflow: dict[str, Any]) -> None:
    pid = started(kube, workflow)
    (pod,) = kube.list("Pod")
    kube.delete(workflow)
    assert kube.list("Workflow") == []
    kube.gone("Pod", pod["metadata"]["name"])
    assert process_gone(pid)


def test_a_foreground_deletion_waits_for_the_pods(kube: Kube, workflow: dict[str, Any]) -> None:
    started(kube, workflow)
    answer = kube.delete(workflow, propagation_policy="Foreground")
    assert answer["metadata"]["finalizers"] == ["foregroundDeletion"]
    assert answer["metadata"]["deletionTimestamp"]
    kube.gone("Workflow", workflow["metadata"]["name"])
    assert kube.list("Pod") == []


def test_an_orphaning_deletion_leaves_the_pods(kube: Kube, workflow: dict[str, Any]) -> None:
    started(kube, workflow)
    kube.delete(workflow, propagation_policy="Orphan")
    assert kube.list("Workflow") == []
    (pod,) = kube.list("Pod")
    assert pod["metadata"]["ownerReferences"] == []
    assert pod["status"]["phase"] == "Running"


def test_a_workflow_of_the_same_name_can_follow_at_once(kube: Kube, workflow: dict[str, Any]) -> None:
    started(kube, workflow)
    kube.delete(workflow)
    again = kube.create(
        {
            "metadata": {"name": workflow["metadata"]["name"]},
            "spec": {
                "entrypoint": "main",
                "templates": [
                    {"name": "main", "steps": [[{"name": "long", "template": "long"}]]},
                    {"name": "long", "container": {"image": "x", "command": ["echo", "new"]}},
                ],
            },
        },
        "Workflow",
    ) | {"kind": "Workflow"}
    found = kube.until(again, ended)
    assert found["status"]["phase"] == "Succeeded"
    assert kube.node_log(found, "long") == "new\n"


def test_a_workflow_past_its_deadline_fails_and_still_runs_its_exit_handler(kube: Kube) -> None:
    began = time.monotonic()
    workflow = kube.workflow("activeDeadlineSeconds: 1" + SLEEPER)
    assert time.monotonic() - began < 10
    assert workflow["status"]["phase"] == "Failed"
    assert node(workflow, "long")["message"] == "Step exceeded its deadline"
    assert kube.node_log(workflow, f"{workflow['metadata']['name']}.onExit") == "Failed\n"


def test_a_deleted_pod_is_an_error_of_its_node(kube: Kube, workflow: dict[str, Any]) -> None:
    started(kube, workflow)
    (pod,) = kube.list("Pod")
    kube.core.delete_namespaced_pod(pod["metadata"]["name"], NAMESPACE, grace_period_seconds=0)
    found = kube.until(workflow, ended)
    assert found["status"]["phase"] == "Failed"
    assert (node(found, "long")["phase"], node(found, "long")["message"]) == ("Error", "pod deleted")


def test_the_patch_of_the_time_to_end_is_the_pods(kube: Kube) -> None:
    templates = [{"name": "yes", "container": {"image": "x", "command": ["true"]}}]
    patch = '{"terminationGracePeriodSeconds": 75}'
    workflow = kube.run({"spec": {"entrypoint": "yes", "templates": templates, "podSpecPatch": patch}}, "Workflow")
    assert workflow["status"]["phase"] == "Succeeded"
    (pod,) = kube.list("Pod", label_selector=f"workflows.argoproj.io/workflow={workflow['metadata']['name']}")
    assert pod["spec"]["terminationGracePeriodSeconds"] == 75
