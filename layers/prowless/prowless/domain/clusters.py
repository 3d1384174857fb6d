"""Build clusters, which stand in the central configuration only."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from prowless.domain.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A build cluster of the central configuration.

    `server` and `ca` (PEM) name the API, or `eks` the EKS cluster in `region` of `account` (empty: the stack's own).
    `engine` (argo | tekton | pod) runs PodSpec jobs; `max_concurrency` caps the runs, 0 is no cap.
    `service_accounts`, if any, are the only ones that runs may use; `allow` lifts rules of the manifest policy for jobs
    of the central configuration (`privileged`, `hostPath`, …: see `prowless.domain.policy`).
    """

    alias: str
    server: str = ""
    ca: str = field(default="", repr=False)
    eks: str = ""
    region: str = ""
    account: str = ""
    namespace: str = "test-pods"
    engine: str = "argo"
    max_concurrency: int = 0
    dashboard_url: str = ""
    service_accounts: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As the snapshot keeps it."""
        return {f.name: value for f in fields(self) if (value := getattr(self, f.name)) != f.default}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Cluster:
        """From the snapshot."""
        lists = {name: tuple(data.get(name, ())) for name in ("service_accounts", "allow")}
        return cls(**{**data, **lists})


def named_cluster(clusters: Mapping[str, Cluster], alias: str) -> Cluster:
    """The cluster of that alias.

    Raises:
        ConfigError: central configuration has no such cluster.
    """
    cluster = clusters.get(alias)
    if cluster is None:
        known = ", ".join(sorted(clusters)) or "none"
        raise ConfigError([f"cluster {alias!r} is not in the central configuration (known: {known})"])
    return cluster
