"""The official client on an embedded cluster, as the tests use it."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from kubernetes import client, watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prowless_local.cluster import EmbeddedCluster

NAMESPACE = "jobs"
PLURALS = {
    "Workflow": ("argoproj.io", "v1alpha1", "workflows"),
    "WorkflowTemplate": ("argoproj.io", "v1alpha1", "workflowtemplates"),
    "PipelineRun": ("tekton.dev", "v1", "pipelineruns"),
    "TaskRun": ("tekton.dev", "v1", "taskruns"),
    "Pipeline": ("tekton.dev", "v1", "pipelines"),
    "Task": ("tekton.dev", "v1", "tasks"),
}


class Kube:
    """One cluster, one namespace."""

    def __init__(self, cluster: EmbeddedCluster, token: str | None = None) -> None:
        self.cluster = cluster
        configuration = client.Configuration()
        configuration.host = cluster.url
        configuration.retries = False
        configuration.api_key = {"authorization": f"Bearer {token or cluster.token}"}
        self._api = client.ApiClient(configuration)
        self.custom = client.CustomObjectsApi(self._api)
        self.core = client.CoreV1Api(self._api)

    def close(self) -> None:
        """Drop the connections."""
        self._api.rest_client.pool_manager.clear()

    def create(self, manifest: str | dict[str, Any], kind: str = "") -> dict[str, Any]:
        """Create an object; from text, with name and kind filled in if they are missing."""
        body = yaml.safe_load(manifest) if isinstance(manifest, str) else manifest
        kind = kind or body["kind"]
        body.setdefault("metadata", {}).setdefault("generateName", "run-")
        if "name" in body["metadata"]:
            del body["metadata"]["generateName"]
        if kind == "Pod":
            body |= {"apiVersion": "v1", "kind": "Pod"}
            return self._api.sanitize_for_serialization(self.core.create_namespaced_pod(NAMESPACE, body))
        group, version, plural = PLURALS[kind]
        body |= {"apiVersion": body.get("apiVersion", f"{group}/{version}"), "kind": kind}
        return self.custom.create_namespaced_custom_object(
            group, body["apiVersion"].rpartition("/")[2], NAMESPACE, plural, body
        )

    def get(self, kind: str, name: str) -> dict[str, Any]:
        """An object."""
        if kind == "Pod":
            return self._api.sanitize_for_serialization(self.core.read_namespaced_pod(name, NAMESPACE))
        return self.custom.get_namespaced_custom_object(*PLURALS[kind][:2], NAMESPACE, PLURALS[kind][2], name)

    def page(self, kind: str, **parameters: Any) -> dict[str, Any]:
        """A list object."""
        if kind == "Pod":
            return self._api.sanitize_for_serialization(self.core.list_namespaced_pod(NAMESPACE, **parameters))
        group, version, plural = PLURALS[kind]
        return self.custom.list_namespaced_custom_object(group, version, NAMESPACE, plural, **parameters)

    def list(self, kind: str, **parameters: Any) -> list[dict[str, Any]]:
        """Objects."""
        return self.page(kind, **parameters)["items"]

    def patch(self, obj: dict[str, Any], patch: Any) -> dict[str, Any]:
        """Patch an object, with a JSON patch if it is a list, else a merge patch."""
        kind = "json-patch" if isinstance(patch, list) else "merge-patch"
        group, version, plural = PLURALS[obj["kind"]]
        name = obj["metadata"]["name"]
        return self.custom.patch_namespaced_custom_object(
            group, version, NAMESPACE, plural, name, patch, _content_type=f"application/{kind}+json"
        )

    def delete(self, obj: dict[str, Any], **options: Any) -> Any:
        """Delete an object."""
        name = obj["metadata"]["name"]
        if obj["kind"] == "Pod":
            return self.core.delete_namespaced_pod(name, NAMESPACE, **options)
        group, version, plural = PLURALS[obj["kind"]]
        return self.custom.delete_namespaced_custom_object(group, version, NAMESPACE, plural, name, **options)

    def watch(self, kind: str, **parameters: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        """Events of a kind, until the time is up or the caller stops."""
        parameters.setdefault("timeout_seconds", 30)
        watcher = watch.Watch()
        if kind == "Pod":
            stream = watcher.stream(self.core.list_namespaced_pod, NAMESPACE, **parameters)
        else:
            group, version, plural = PLURALS[kind]
            call = self.custom.list_namespaced_custom_object
            stream = watcher.stream(call, group, version, NAMESPACE, plural, **parameters)
        with contextlib.closing(stream):
            for event in stream:
                yield event["type"], event["raw_object"]

    def until(self, obj: dict[str, Any], holds: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
        """The object as soon as something holds for it."""
        selector = f"metadata.name={obj['metadata']['name']}"
        with contextlib.closing(self.watch(obj["kind"], field_selector=selector)) as events:
            for kind, found in events:
                if kind != "DELETED" and holds(found):
                    return {"kind": obj["kind"], **found}
        raise AssertionError(
            f"never happened; it is now: {yaml.safe_dump(self.get(obj['kind'], obj['metadata']['name']))}"
        )

    def gone(self, kind: str, name: str) -> None:
        """Wait until an object does not exist."""
        selector = f"metadata.name={name}"
        found = self.page(kind, field_selector=selector)
        if not found["items"]:
            return
        version = found["metadata"]["resourceVersion"]
        with contextlib.closing(self.watch(kind, field_selector=selector, resource_version=version)) as events:
            if not any(event == "DELETED" for event, _ in events):
                raise AssertionError(f"{kind} {name} is still there")

    def run(self, manifest: str | dict[str, Any], kind: str) -> dict[str, Any]:
        """Create an object and wait for its end."""
        return self.until(self.create(manifest, kind), ended)

    def workflow(self, spec: str, **metadata: Any) -> dict[str, Any]:
        """Run a Workflow of that spec."""
        return self.run({"metadata": metadata, "spec": yaml.safe_load(spec)}, "Workflow")

    def pipelinerun(self, spec: str, **metadata: Any) -> dict[str, Any]:
        """Run a PipelineRun of that spec."""
        return self.run({"metadata": metadata, "spec": yaml.safe_load(spec)}, "PipelineRun")

    def pod(self, spec: str, **metadata: Any) -> dict[str, Any]:
        """Run a Pod of that spec, restartPolicy Never."""
        return self.run({"metadata": metadata, "spec": {"restartPolicy": "Never", **yaml.safe_load(spec)}}, "Pod")

    def log(self, pod: str, container: str | None = None, **options: Any) -> str:
        """A container's log."""
        return self.core.read_namespaced_pod_log(pod, NAMESPACE, container=container, **options)

    def task_log(self, run: dict[str, Any], task: str, step: str = "unnamed-0") -> str:
        """The log of a PipelineRun's step."""
        return self.log(f"{run['metadata']['name']}-{task}-pod", f"step-{step}")

    def node_log(self, workflow: dict[str, Any], display_name: str, container: str = "main") -> str:
        """The log of a Workflow's node."""
        wanted = node(workflow, display_name)["id"]
        for pod in self.list("Pod"):
            if pod["metadata"]["annotations"].get("workflows.argoproj.io/node-id") == wanted:
                return self.log(pod["metadata"]["name"], container)
        raise AssertionError(f"no pod for {display_name}")


def process_runs(pid: int) -> bool:
    """Whether a process runs; one that only waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def process_gone(pid: int) -> bool:
    """Whether a killed process is gone, in a moment."""
    deadline = time.monotonic() + 5
    while process_runs(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not process_runs(pid)


def ended(obj: dict[str, Any]) -> bool:
    """Whether a run, or a pod, has ended."""
    status = obj.get("status") or {}
    return bool(
        status.get("finishedAt") or status.get("completionTime") or status.get("phase") in {"Succeeded", "Failed"}
    )


def node(workflow: dict[str, Any], display_name: str) -> dict[str, Any]:
    """A Workflow's node."""
    found = [n for n in workflow["status"]["nodes"].values() if n["displayName"] == display_name]
    assert len(found) == 1, sorted(n["displayName"] for n in workflow["status"]["nodes"].values())
    return found[0]


def phases(workflow: dict[str, Any]) -> dict[str, str]:
    """Phases by display name."""
    return {n["displayName"]: n["phase"] for n in workflow["status"]["nodes"].values()}


def succeeded(run: dict[str, Any]) -> dict[str, Any]:
    """The `Succeeded` condition."""
    return run.get("status", {}).get("conditions", [{"status": "", "reason": ""}])[0]
