"""Pods run: containers, environment, volumes, logs, ends."""

from __future__ import annotations

import os

import pytest
from kubernetes.client import ApiException
from tests.functional.cluster.kube import NAMESPACE, Kube
from tests.functional.cluster.pod_states import container_state


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
