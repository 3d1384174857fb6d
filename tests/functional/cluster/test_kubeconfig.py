"""kubeconfig files, TLS, and kubectl where it is installed."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
from typing import TYPE_CHECKING

import pytest
import yaml
from kubernetes import client, config

from prowless_local.cluster import EmbeddedCluster, write_kubeconfig

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def clusters(tmp_path: Path) -> Iterator[list[EmbeddedCluster]]:
    with (
        EmbeddedCluster("plain", scratch=tmp_path / "s") as plain,
        EmbeddedCluster("secure", scratch=tmp_path / "s", tls=True) as secure,
    ):
        yield [plain, secure]


def test_every_cluster_is_a_context_of_its_name(clusters: list[EmbeddedCluster], tmp_path: Path) -> None:
    path = tmp_path / "kube" / "config"
    write_kubeconfig(path, clusters)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert yaml.safe_load(path.read_text())["current-context"] == "plain"
    for cluster in clusters:
        api = config.new_client_from_config(str(path), context=cluster.name)
        core = client.CoreV1Api(api)
        core.create_namespaced_config_map("default", {"metadata": {"name": cluster.name}, "data": {}})
        assert [item.metadata.name for item in core.list_namespaced_config_map("default").items] == [cluster.name]
        api.rest_client.pool_manager.clear()


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_kubectl_works_over_tls(clusters: list[EmbeddedCluster], tmp_path: Path) -> None:
    path = tmp_path / "config"
    write_kubeconfig(path, clusters)

    def kubectl(*arguments: str, text: str = "") -> str:
        command = ["kubectl", "--kubeconfig", str(path), "--context", "secure", "--cache-dir", str(tmp_path / "cache")]
        done = subprocess.run(
            [*command, *arguments], input=text, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    manifest = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "labels": {"a": "b"}},
        "spec": {"restartPolicy": "Never", "containers": [{"name": "m", "image": "x", "command": ["echo", "hi"]}]},
    }
    kubectl("create", "--validate=false", "-f", "-", text=json.dumps(manifest))
    kubectl("wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/p", "--timeout=30s")
    assert kubectl("logs", "p") == "hi\n"
    assert kubectl("get", "pods", "-l", "a=b", "-o", "name") == "pod/p\n"
    assert "workflows" in kubectl("api-resources", "--api-group=argoproj.io")
    kubectl("delete", "pod", "p")
    assert kubectl("get", "pods", "-o", "name") == ""
