"""kubeconfig files for embedded clusters."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from prowless_local.cluster.objects import Obj
    from prowless_local.cluster.server import EmbeddedCluster


def kubeconfig(clusters: Sequence[EmbeddedCluster]) -> Obj:
    """One kubeconfig with a context per cluster, named as the cluster; the first is the current one."""
    contexts = [cluster.kubeconfig_context() for cluster in clusters]
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "preferences": {},
        "clusters": [context["cluster"] for context in contexts],
        "users": [context["user"] for context in contexts],
        "contexts": [context["context"] for context in contexts],
        "current-context": clusters[0].name if clusters else "",
    }


def write_kubeconfig(path: Path, clusters: Sequence[EmbeddedCluster]) -> None:
    """Write it, readable by its owner only: it holds the bearer tokens.

    The embedded clusters serve plain HTTP unless they were made with `tls=True`. Python's client sends its token over
    HTTP; kubectl does not, it uses credentials with HTTPS only.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        yaml.safe_dump(kubeconfig(clusters), file, sort_keys=False)
    path.chmod(0o600)
