"""Pods run: containers, environment, volumes, logs, ends."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest
from kubernetes.client import ApiException
from tests.functional.cluster.kube import NAMESPACE, Kube, process_gone, process_runs
from tests.functional.cluster.pod_states import container_state

from prowless_local.cluster import EmbeddedCluster

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any


def test_a_missing_program_is_a_start_error(kube: Kube) -> None:
    pod = kube.pod("containers: [{name: main, image: x, command: [no-such-program]}]")
    state = container_state(pod, "main")["terminated"]
    assert (state["exitCode"], state["reason"]) == (128, "StartError")
    assert 'exec: "no-such-program"' in state["message"]
    assert "no-such-program" in kube.log(pod["metadata"]["name"])


def test_a_pod_past_its_deadline_is_ended_with_what_it_started(kube: Kube) -> None:
    pod = kube.pod(
        "activeDeadlineSeconds: 1\nterminationGracePeriodSeconds: 0\n"
        "containers: [{name: main, image: x, command: [sh, -c, 'sleep 600 & echo $!; sleep 600']}]"
    )
    assert pod["status"]["phase"] == "Failed"
    assert pod["status"]["reason"] == "DeadlineExceeded"
    assert pod["status"]["message"] == "Pod was active on the node longer than the specified deadline"
    assert process_gone(int(kube.log(pod["metadata"]["name"])))


def test_a_deleted_pod_gets_its_grace_period(kube: Kube) -> None:
    script = "trap 'echo bye; exit 0' TERM; echo $$$$; while :; do sleep 0.02; done"
    made = kube.create(
        {
            "spec": {
                "restartPolicy": "Never",
                "containers": [{"name": "m", "image": "x", "command": ["sh", "-c", script]}],
            }
        },
        "Pod",
    ) | {"kind": "Pod"}
    name = made["metadata"]["name"]
    log = kube.core.read_namespaced_pod_log
    kube.until(made, lambda pod: pod["status"]["phase"] == "Running")
    with log(name, NAMESPACE, follow=True, _preload_content=False) as stream:
        lines = (line for chunk in stream.stream() for line in chunk.decode().splitlines())
        pid = int(next(lines))
        marked = kube.delete(made)
        assert marked.metadata.deletion_timestamp is not None
        assert next(lines) == "bye"
    kube.gone("Pod", name)
    assert process_gone(pid)


def test_a_pod_deleted_without_grace_is_killed(kube: Kube) -> None:
    script = "trap '' TERM; set -m; timeout 600 sleep 600 & echo $!; wait"
    made = kube.create(
        {
            "spec": {
                "restartPolicy": "Never",
                "containers": [{"name": "m", "image": "x", "command": ["bash", "-c", script]}],
            }
        },
        "Pod",
    ) | {"kind": "Pod"}
    name = made["metadata"]["name"]
    kube.until(made, lambda pod: pod["status"]["phase"] == "Running")
    with kube.core.read_namespaced_pod_log(name, NAMESPACE, follow=True, _preload_content=False) as stream:
        child = int(next(iter(stream.stream())))
    kube.delete(made, grace_period_seconds=0)
    kube.gone("Pod", name)
    assert process_gone(child)


def test_background_processes_end_with_their_container(kube: Kube) -> None:
    pod = kube.pod("containers: [{name: main, image: x, command: [sh, -c, 'sleep 600 & echo $!']}]")
    assert pod["status"]["phase"] == "Succeeded"
    assert process_gone(int(kube.log(pod["metadata"]["name"])))


def test_closing_the_cluster_ends_everything_and_removes_its_files(tmp_path: Path) -> None:
    with EmbeddedCluster(scratch=tmp_path) as cluster:
        kube = Kube(cluster)
        spec = {
            "restartPolicy": "Never",
            "containers": [{"name": "m", "image": "x", "command": ["sh", "-c", "echo $$$$; sleep 600"]}],
        }
        made = kube.create({"spec": spec}, "Pod") | {"kind": "Pod"}
        kube.until(made, lambda pod: pod["status"]["phase"] == "Running")
        name = made["metadata"]["name"]
        with kube.core.read_namespaced_pod_log(name, NAMESPACE, follow=True, _preload_content=False) as stream:
            pid = int(next(iter(stream.stream())))
        kube.close()
    assert not process_runs(pid)
    assert list(tmp_path.iterdir()) == []


def test_logs_are_read_in_parts(kube: Kube) -> None:
    pod = kube.pod(
        "containers: [{name: main, image: x, command: [sh, -c, 'printf \"one\\ntwo\\nthree\\n\"; echo err >&2']}]"
    )
    name = pod["metadata"]["name"]
    assert kube.log(name) == "one\ntwo\nthree\nerr\n"
    assert kube.log(name, tail_lines=2) == "three\nerr\n"
    assert kube.log(name, tail_lines=0) == ""
    assert kube.log(name, tail_lines=99) == "one\ntwo\nthree\nerr\n"
    assert kube.log(name, limit_bytes=5) == "one\nt"
    assert kube.log(name, since_seconds=3600) == "one\ntwo\nthree\nerr\n"
    stamped = kube.log(name, timestamps=True).splitlines()
    assert [re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ (.*)", line)[1] for line in stamped] == [
        "one",
        "two",
        "three",
        "err",
    ]


def test_a_log_needs_a_container_that_exists(kube: Kube) -> None:
    pod = kube.pod("containers: [{name: a, image: x, command: ['true']}, {name: b, image: x, command: ['true']}]")
    name = pod["metadata"]["name"]
    with pytest.raises(ApiException, match=r"choose one of: \[a b\]"):
        kube.log(name)
    with pytest.raises(ApiException, match="container c is not valid for pod"):
        kube.log(name, "c")


def test_a_log_is_bounded_and_says_so(tmp_path: Path) -> None:
    with EmbeddedCluster(scratch=tmp_path, log_limit=1000) as cluster:
        kube = Kube(cluster)
        pod = kube.pod("containers: [{name: m, image: x, command: [sh, -c, 'yes | head -c 100000; exit 3']}]")
        assert container_state(pod, "m")["terminated"]["exitCode"] == 3
        assert kube.log(pod["metadata"]["name"]) == "y\n" * 500 + "\n[log cut here: it reached 1000 bytes]\n"
        kube.close()


def test_a_deleted_pods_log_is_gone(kube: Kube, cluster: EmbeddedCluster) -> None:
    pod = kube.pod("containers: [{name: main, image: x, command: [echo, hi]}]")
    kube.delete(pod)
    kube.gone("Pod", pod["metadata"]["name"])
    with pytest.raises(ApiException) as exc:
        kube.log(pod["metadata"]["name"])
    assert exc.value.status == 404


def test_what_running_means_is_said_once(kube: Kube, notes: list[str]) -> None:
    for _ in range(2):
        kube.pod("containers: [{name: main, image: x, command: ['true']}]")
    assert sum("Images are ignored" in note for note in notes) == 1
    assert sum("your own rights" in note for note in notes) == 1
    assert sum("no mounts" in note for note in notes) == 1


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({}, "spec.containers"),
        ({"containers": [{"name": "a"}]}, "spec.containers[0].image"),
        ({"containers": [{"image": "x"}]}, "spec.containers[0].name"),
        ({"containers": [{"name": "a", "image": "x"}, {"name": "a", "image": "x"}]}, "spec.containers[1].name"),
        (
            {"containers": [{"name": "a", "image": "x", "volumeMounts": [{"name": "v", "mountPath": "/v"}]}]},
            "spec.containers[0].volumeMounts[0].name",
        ),
    ],
)
def test_a_pod_that_is_none_is_invalid(cluster: EmbeddedCluster, spec: dict[str, Any], field: str) -> None:
    body = json.dumps({"metadata": {"name": "p"}, "spec": {"restartPolicy": "Never", **spec}}).encode()
    headers = {"Authorization": f"Bearer {cluster.token}", "Content-Type": "application/json"}
    url = f"{cluster.url}/api/v1/namespaces/{NAMESPACE}/pods"
    request = urllib.request.Request(url, body, headers)
    with pytest.raises(urllib.error.HTTPError) as exc:
        urllib.request.urlopen(request, timeout=10)
    with exc.value as answer:
        assert answer.code == 422
        assert field in [cause["field"] for cause in json.load(answer)["details"]["causes"]]


def test_a_pods_spec_cannot_be_changed(kube: Kube) -> None:
    pod = kube.pod("containers: [{name: main, image: x, command: ['true']}]")
    with pytest.raises(ApiException) as exc:
        kube.core.patch_namespaced_pod(
            pod["metadata"]["name"],
            NAMESPACE,
            {"spec": {"hostname": "x"}},
            _content_type="application/merge-patch+json",
        )
    assert exc.value.status == 422


def test_the_object_knows_when_it_ended(kube: Kube, cluster: EmbeddedCluster) -> None:
    pod = kube.pod("containers: [{name: main, image: x, command: ['true']}]")
    ended = cluster.ended_at("Pod", NAMESPACE, pod["metadata"]["name"])
    assert abs(ended - cluster.clock.now_ms()) < 60_000
    assert cluster.ended_at("Pod", NAMESPACE, "nobody") == 0
    assert cluster.ended_at("Nothing", NAMESPACE, "nobody") == 0
