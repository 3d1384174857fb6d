"""PipelineRuns that are cancelled, stopped, deleted, or take too long."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml
from kubernetes.client import ApiException
from tests.functional.cluster.kube import NAMESPACE, Kube, ended, process_gone, succeeded

if TYPE_CHECKING:
    from typing import Any

SLEEPER = """
pipelineSpec:
  tasks:
  - {name: long, retries: 3, taskSpec: {steps: [{name: s, image: x, script: "sleep 600 & echo $!; wait"}]}}
  - {name: later, runAfter: [long], taskSpec: {steps: [{image: x, script: echo later}]}}
  finally:
  - {name: f, taskSpec: {steps: [{image: x, script: echo finally}]}}
"""


@pytest.fixture
def run(kube: Kube) -> dict[str, Any]:
    return kube.create({"spec": yaml.safe_load(SLEEPER)}, "PipelineRun")


def started(kube: Kube, run: dict[str, Any]) -> int:
    name = f"{run['metadata']['name']}-long"
    kube.until(run, lambda found: found.get("status", {}).get("childReferences"))
    task = kube.get("TaskRun", name)
    kube.until(task, lambda found: any("running" in step for step in found.get("status", {}).get("steps", [])))
    log = kube.core.read_namespaced_pod_log
    with log(f"{name}-pod", NAMESPACE, container="step-s", follow=True, _preload_content=False) as stream:
        return int(next(iter(stream.stream())))


def skipped(run: dict[str, Any]) -> dict[str, str]:
    return {task["name"]: task["reason"] for task in run["status"].get("skippedTasks", [])}


def test_cancelled_ends_everything_at_once(kube: Kube, run: dict[str, Any]) -> None:
    pid = started(kube, run)
    kube.patch(run, {"spec": {"status": "Cancelled"}})
    found = kube.until(run, ended)
    name = found["metadata"]["name"]
    assert (succeeded(found)["status"], succeeded(found)["reason"]) == ("False", "Cancelled")
    assert succeeded(found)["message"] == f'PipelineRun "{name}" was cancelled'
    task = kube.until(kube.get("TaskRun", f"{name}-long"), ended)
    assert succeeded(task)["reason"] == "TaskRunCancelled"
    assert "the PipelineRun it belongs to has been cancelled" in succeeded(task)["message"]
    assert task["status"]["steps"][0]["terminated"]["reason"] == "TaskRunCancelled"
    kube.gone("Pod", f"{name}-long-pod")
    assert process_gone(pid)
    assert [item["metadata"]["name"] for item in kube.list("TaskRun")] == [f"{name}-long"]


def test_cancelled_run_finally_runs_finally(kube: Kube, run: dict[str, Any]) -> None:
    pid = started(kube, run)
    kube.patch(run, {"spec": {"status": "CancelledRunFinally"}})
    found = kube.until(run, ended)
    assert (succeeded(found)["status"], succeeded(found)["reason"]) == ("False", "Cancelled")
    assert skipped(found) == {"later": "PipelineRun was stopping"}
    assert kube.task_log(found, "f") == "finally\n"
    assert process_gone(pid)


def test_stopped_run_finally_lets_running_tasks_end(kube: Kube) -> None:
    spec = yaml.safe_load(SLEEPER)
    task = spec["pipelineSpec"]["tasks"][0]["taskSpec"]
    task["steps"][0]["script"] = "until [ -e /workspace/go ]; do sleep 0.02; done"
    run = kube.create({"spec": spec}, "PipelineRun")
    kube.until(run, lambda found: found.get("status", {}).get("childReferences"))
    kube.patch(run, {"spec": {"status": "StoppedRunFinally"}})
    stopping = kube.until(run, lambda found: succeeded(found)["reason"] == "StoppedRunningFinally")
    assert succeeded(stopping)["status"] == "Unknown"
    pod = kube.get("Pod", f"{run['metadata']['name']}-long-pod") | {"kind": "Pod"}
    kube.until(pod, lambda found: found["status"]["phase"] == "Running")
    (workspace,) = kube.cluster.scratch.glob("pods/*/volumes/tekton-internal-workspace")
    (workspace / "go").touch()
    found = kube.until(run, ended)
    assert (succeeded(found)["status"], succeeded(found)["reason"]) == ("False", "Cancelled")
    assert skipped(found) == {"later": "PipelineRun was gracefully stopped"}
    assert succeeded(kube.get("TaskRun", f"{run['metadata']['name']}-long"))["status"] == "True"
    assert kube.task_log(found, "f") == "finally\n"


def test_a_deleted_run_takes_its_taskruns_pods_and_processes_with_it(kube: Kube, run: dict[str, Any]) -> None:
    pid = started(kube, run)
    kube.delete(run)
    kube.gone("Pod", f"{run['metadata']['name']}-long-pod")
    assert kube.list("TaskRun") == []
    assert process_gone(pid)


def test_a_run_past_its_timeout_fails(kube: Kube) -> None:
    run = kube.pipelinerun("timeouts: {pipeline: 1s}" + SLEEPER)
    name = run["metadata"]["name"]
    assert (succeeded(run)["status"], succeeded(run)["reason"]) == ("False", "PipelineRunTimeout")
    assert succeeded(run)["message"] == f'PipelineRun "{name}" failed to finish within "1s"'
    task = kube.until(kube.get("TaskRun", f"{name}-long"), ended)
    assert (succeeded(task)["reason"], succeeded(task)["status"]) == ("TaskRunCancelled", "False")
    assert "the PipelineRun it belongs to has timed out" in succeeded(task)["message"]
    kube.gone("Pod", f"{name}-long-pod")


def test_tasks_past_their_timeout_leave_time_for_finally(kube: Kube) -> None:
    run = kube.pipelinerun("timeouts: {pipeline: 60s, tasks: 500ms}" + SLEEPER)
    assert (succeeded(run)["status"], succeeded(run)["reason"]) == ("False", "PipelineRunTimeout")
    assert "failed due to tasks failed to finish within" in succeeded(run)["message"]
    assert kube.task_log(run, "f") == "finally\n"


def test_a_task_past_its_timeout_fails_and_is_retried(kube: Kube) -> None:
    run = kube.pipelinerun(
        """
        pipelineSpec:
          tasks:
          - {name: t, timeout: 300ms, retries: 1, taskSpec: {steps: [{name: s, image: x, script: sleep 600}]}}
        """
    )
    task = kube.get("TaskRun", f"{run['metadata']['name']}-t")
    assert succeeded(task)["reason"] == "TaskRunTimeout"
    assert succeeded(task)["message"] == f'TaskRun "{task["metadata"]["name"]}" failed to finish within "300ms"'
    assert [status["conditions"][0]["reason"] for status in task["status"]["retriesStatus"]] == ["TaskRunTimeout"]
    assert succeeded(run)["reason"] == "Failed"


def test_a_started_run_cannot_be_changed(kube: Kube, run: dict[str, Any]) -> None:
    started(kube, run)
    with pytest.raises(ApiException, match="only status updates are allowed"):
        kube.patch(run, {"spec": {"params": [{"name": "a", "value": "b"}]}})
    kube.patch(run, {"spec": {"status": "Cancelled"}})
    kube.until(run, ended)
    with pytest.raises(ApiException, match="is complete, no updates are allowed"):
        kube.patch(run, {"spec": {"status": "StoppedRunFinally"}})
