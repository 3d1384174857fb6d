"""Pods run: containers, environment, volumes, logs, ends."""

from __future__ import annotations

import json
import os
import re
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest
from kubernetes.client import ApiException
from tests.functional.cluster.kube import NAMESPACE, Kube, process_gone, process_runs

from prowless_local.cluster import EmbeddedCluster

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any


def container_state(pod: dict[str, Any], name: str) -> dict[str, Any]:
    status = pod["status"]
    every = [*status.get("initContainerStatuses", []), *status["containerStatuses"]]
    return next(container["state"] for container in every if container["name"] == name)


def test_a_pod_succeeds_when_all_its_containers_do(kube: Kube) -> None:
    pod = kube.pod(
        "containers: [{name: a, image: x, command: [sh, -c, 'echo hello']}, {name: b, image: x, command: ['true']}]"
    )
    assert pod["status"]["phase"] == "Succeeded"
    assert container_state(pod, "a")["terminated"]["exitCode"] == 0
    assert container_state(pod, "a")["terminated"]["reason"] == "Completed"
    assert kube.log(pod["metadata"]["name"], "a") == "hello\n"


def test_a_pod_fails_when_one_of_its_containers_does(kube: Kube) -> None:
    pod = kube.pod(
        "containers: [{name: a, image: x, command: ['true']}, {name: b, image: x, command: [sh, -c, exit 7]}]"
    )
    assert pod["status"]["phase"] == "Failed"
    assert container_state(pod, "b")["terminated"]["exitCode"] == 7
    assert container_state(pod, "b")["terminated"]["reason"] == "Error"


def test_containers_run_at_the_same_time(kube: Kube) -> None:
    fifo = "volumes: [{name: v, emptyDir: {}}]\n"
    mounts = "volumeMounts: [{name: v, mountPath: /shared}]"
    pod = kube.pod(
        fifo + "initContainers: [{name: i, image: x, command: [mkfifo, /shared/a, /shared/b], " + mounts + "}]\n"
        "containers:\n"
        "- {name: one, image: x, command: [sh, -c, 'echo 1 > /shared/a; cat /shared/b'], " + mounts + "}\n"
        "- {name: two, image: x, command: [sh, -c, 'cat /shared/a; echo 2 > /shared/b'], " + mounts + "}\n"
    )
    assert pod["status"]["phase"] == "Succeeded"
    assert kube.log(pod["metadata"]["name"], "one") == "2\n"


def test_init_containers_run_first_and_one_by_one(kube: Kube) -> None:
    pod = kube.pod(
        """
        volumes: [{name: v, emptyDir: {}}]
        initContainers:
        - {name: one, image: x, command: [sh, -c, 'echo 1 >> /v/f'], volumeMounts: [{name: v, mountPath: /v}]}
        - {name: two, image: x, command: [sh, -c, 'cat /v/f; echo 2 >> /v/f'], volumeMounts: [{name: v, mountPath: /v}]}
        containers: [{name: main, image: x, command: [cat, /v/f], volumeMounts: [{name: v, mountPath: /v}]}]
        """
    )
    assert kube.log(pod["metadata"]["name"], "two") == "1\n"
    assert kube.log(pod["metadata"]["name"], "main") == "1\n2\n"


def test_a_failed_init_container_fails_the_pod_before_its_containers(kube: Kube) -> None:
    pod = kube.pod(
        """
        initContainers: [{name: i, image: x, command: ['false']}]
        containers: [{name: m, image: x, command: ['true']}]
        """
    )
    assert pod["status"]["phase"] == "Failed"
    assert container_state(pod, "m") == {"waiting": {"reason": "PodInitializing"}}
    with pytest.raises(ApiException, match="is waiting to start: PodInitializing"):
        kube.log(pod["metadata"]["name"], "m")


def test_the_environment_is_the_declared_one(kube: Kube, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OURS", "must not leak")
    kube.core.create_namespaced_secret(NAMESPACE, {"metadata": {"name": "s"}, "stringData": {"KEY": "secret"}})
    kube.core.create_namespaced_config_map(NAMESPACE, {"metadata": {"name": "c"}, "data": {"A": "1", "B": "2"}})
    pod = kube.pod(
        """
        containers:
        - name: main
          image: x
          command: [env]
          envFrom: [{configMapRef: {name: c}, prefix: C_}, {secretRef: {name: absent, optional: true}}]
          env:
          - {name: PLAIN, value: "x $(C_A) $$(C_A) $(UNKNOWN)"}
          - {name: REF, value: "$(PLAIN)!"}
          - {name: SECRET, valueFrom: {secretKeyRef: {name: s, key: KEY}}}
          - {name: NONE, valueFrom: {configMapKeyRef: {name: c, key: Z, optional: true}}}
          - {name: POD, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
          - {name: APP, valueFrom: {fieldRef: {fieldPath: "metadata.labels['app']"}}}
        """,
        labels={"app": "demo"},
    )
    env = dict(line.split("=", 1) for line in kube.log(pod["metadata"]["name"]).splitlines())
    assert env.pop("HOME").endswith("/home")
    assert env.pop("PATH") == os.environ["PATH"]
    assert env == {
        "LANG": "C.UTF-8",
        "C_A": "1",
        "C_B": "2",
        "PLAIN": "x 1 $(C_A) $(UNKNOWN)",
        "REF": "x 1 $(C_A) $(UNKNOWN)!",
        "SECRET": "secret",
        "POD": pod["metadata"]["name"],
        "APP": "demo",
    }


def test_mount_paths_are_rewritten_wherever_they_stand(kube: Kube) -> None:
    kube.core.create_namespaced_config_map(NAMESPACE, {"metadata": {"name": "c"}, "data": {"k": "from a configmap"}})
    pod = kube.pod(
        """
        volumes: [{name: code, emptyDir: {}}, {name: conf, configMap: {name: c, items: [{key: k, path: sub/file}]}}]
        containers:
        - name: main
          image: x
          workingDir: /go/src/repo
          command: [sh, -c]
          args:
          - 'pwd; echo "$OUT"; cat /etc/conf/sub/file; echo; touch /go/done; ls /go; echo /golang /a/go /go-x $(X)/go'
          env: [{name: OUT, value: "/go/out:/go"}, {name: X, value: y}]
          volumeMounts: [{name: code, mountPath: /go/}, {name: conf, mountPath: /etc/conf, readOnly: true}]
        """
    )
    lines = kube.log(pod["metadata"]["name"]).splitlines()
    scratch = lines[0].removesuffix("/src/repo")
    assert lines[0].endswith("/volumes/code/src/repo")
    assert lines[1:] == [f"{scratch}/out:{scratch}", "from a configmap", "done", "src", "/golang /a/go /go-x y/go"]


def test_a_working_directory_outside_the_mounts_is_a_scratch_directory(kube: Kube) -> None:
    pod = kube.pod("containers: [{name: main, image: x, workingDir: /usr/lib, command: [pwd]}]")
    assert kube.log(pod["metadata"]["name"]).endswith("/containers/main/usr/lib\n")


def test_sub_paths_share_one_volume(kube: Kube) -> None:
    pod = kube.pod(
        """
        volumes: [{name: v, emptyDir: {}}]
        containers:
        - name: main
          image: x
          command: [sh, -c, 'echo hi > /a/f; cat /all/one/f']
          volumeMounts: [{name: v, mountPath: /a, subPath: one}, {name: v, mountPath: /all}]
        """
    )
    assert kube.log(pod["metadata"]["name"]) == "hi\n"


def test_secret_downward_and_projected_volumes_are_files(kube: Kube) -> None:
    kube.core.create_namespaced_secret(NAMESPACE, {"metadata": {"name": "s"}, "stringData": {"token": "t0k"}})
    pod = kube.pod(
        """
        volumes:
        - {name: s, secret: {secretName: s, defaultMode: 256}}
        - name: p
          projected:
            sources:
            - secret: {name: s}
            - downwardAPI: {items: [{path: name, fieldRef: {fieldPath: metadata.name}}]}
        containers:
        - name: main
          image: x
          command: [sh, -c, 'cat /s/token /p/token; cat /p/name']
          volumeMounts: [{name: s, mountPath: /s}, {name: p, mountPath: /p}]
        """
    )
    assert kube.log(pod["metadata"]["name"]) == f"t0kt0k{pod['metadata']['name']}"


def test_a_pod_waits_for_a_secret_and_then_runs(kube: Kube, notes: list[str]) -> None:
    made = kube.create(
        {
            "spec": {
                "restartPolicy": "Never",
                "containers": [
                    {
                        "name": "main",
                        "image": "x",
                        "command": ["sh", "-c", "echo $T"],
                        "env": [{"name": "T", "valueFrom": {"secretKeyRef": {"name": "late", "key": "k"}}}],
                    }
                ],
            }
        },
        "Pod",
    ) | {"kind": "Pod"}
    waiting = kube.until(
        made, lambda pod: "waiting" in (pod["status"].get("containerStatuses") or [{"state": {}}])[0]["state"]
    )
    state = container_state(waiting, "main")["waiting"]
    assert state == {"reason": "CreateContainerConfigError", "message": 'secret "late" not found'}
    kube.core.create_namespaced_secret(NAMESPACE, {"metadata": {"name": "late"}, "stringData": {"k": "now"}})
    kube.until(made, lambda pod: pod["status"]["phase"] == "Succeeded")
    assert kube.log(made["metadata"]["name"]) == "now\n"
    assert any('waits: secret "late" not found' in note for note in notes)


@pytest.mark.parametrize(
    ("spec", "named"),
    [
        ("containers: [{name: m, image: 'gcr.io/x'}]", "image entrypoint unknown"),
        ("volumes: [{name: v, hostPath: {path: /}}]\ncontainers: [{name: m, image: x, command: [ls]}]", "hostPath"),
        (
            """
            volumes: [{name: v, persistentVolumeClaim: {claimName: c}}]
            containers: [{name: m, image: x, command: [ls]}]
            """,
            "persistentVolumeClaim",
        ),
        ("containers: [{name: m, image: x, command: [ls], lifecycle: {preStop: {exec: {}}}}]", "lifecycle"),
        ("restartPolicy: Always\ncontainers: [{name: m, image: x, command: [ls]}]", 'restartPolicy "Always"'),
        ("ephemeralContainers: [{name: e}]\ncontainers: [{name: m, image: x, command: [ls]}]", "ephemeralContainers"),
        (
            """
            containers:
            - {name: m, image: x, command: [ls], env: [{name: A, valueFrom: {resourceFieldRef: {resource: c}}}]}
            """,
            "resourceFieldRef",
        ),
    ],
)
def test_what_is_not_supported_fails_the_pod_by_name(kube: Kube, notes: list[str], spec: str, named: str) -> None:
    pod = kube.pod(spec)
    assert pod["status"]["phase"] == "Failed"
    assert pod["status"]["reason"] == "Unsupported"
    assert named in pod["status"]["message"]
    assert any(named in note for note in notes)


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
