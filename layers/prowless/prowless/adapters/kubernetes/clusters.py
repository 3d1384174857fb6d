"""The way to a cluster: by address, CA and token, or by a kubeconfig."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from kubernetes.client.api_client import ApiClient

from prowless.adapters.kubernetes.argo import ArgoEngine
from prowless.adapters.kubernetes.client import Client, secure_configuration
from prowless.adapters.kubernetes.pod import PodEngine
from prowless.adapters.kubernetes.tekton import TektonEngine
from prowless.domain.errors import PermanentError

if TYPE_CHECKING:
    from collections.abc import Callable

    from prowless.domain.clusters import Cluster
    from prowless.ports.engine import Engine

_MAX_CLIENTS = 64
_KINDS: dict[str, Callable[[Client], Engine]] = {
    "Workflow": ArgoEngine,
    "PipelineRun": TektonEngine,
    "Pod": PodEngine,
}


class KubernetesClusters:
    """`Clusters` over the kubernetes client. Connections are kept as long as a cluster's address and CA stay the same.

    `endpoint(cluster)` gives the server's address and its CA in PEM, `token(cluster)` a bearer token; both are asked
    for every engine or call and keep what is worth keeping themselves.
    """

    def __init__(self, *, token: Callable[[Cluster], str], endpoint: Callable[[Cluster], tuple[str, str]]) -> None:
        self._token = token
        self._endpoint = endpoint
        self._apis: dict[tuple[str, str, str], ApiClient] = {}
        self._lock = threading.Lock()

    @classmethod
    def from_kubeconfig(cls, path: str, context: str = "") -> KubeconfigClusters:
        """Clusters of a kubeconfig file."""
        return KubeconfigClusters(path, context)

    def engine(self, cluster: Cluster, kind: str) -> Engine:
        """The engine for one kind of object (Workflow, PipelineRun, Pod) on that cluster.

        Raises:
            PermanentError: another kind, an address that is not https, or no way to the cluster.
        """
        return _engine(self._client(cluster), kind)

    def _client(self, cluster: Cluster) -> Client:
        server, ca = self._endpoint(cluster)
        key = (cluster.alias, server, ca)
        with self._lock:
            api = self._apis.get(key)
            if api is None:
                api = ApiClient(secure_configuration(server, ca))
                self._apis[key] = api
                while len(self._apis) > _MAX_CLIENTS:
                    self._apis.pop(next(iter(self._apis))).close()
        return Client(cluster.alias, api, lambda: self._token(cluster))


class KubeconfigClusters:
    """`Clusters` of a kubeconfig: a cluster's context is the one named like its alias, else the given or current one.

    Everything kubectl understands works: client certificates, exec plugins, tokens. `insecure-skip-tls-verify` does
    not.
    """

    def __init__(self, path: str, context: str = "") -> None:
        self._path = path
        self._context = context
        self._apis: dict[str, ApiClient] = {}
        self._lock = threading.Lock()

    def engine(self, cluster: Cluster, kind: str) -> Engine:
        """The engine for one kind of object (Workflow, PipelineRun, Pod) on that cluster.

        Raises:
            PermanentError: another kind, a kubeconfig that cannot be used, or one without the context.
        """
        with self._lock:
            api = self._apis.get(cluster.alias) or self._connect(cluster.alias)
            self._apis[cluster.alias] = api
        return _engine(Client(cluster.alias, api, lambda: _kubeconfig_token(api)), kind)

    def _connect(self, alias: str) -> ApiClient:
        # Only local mode and operators' machines come here, so Lambda's cold start does not pay for it.
        import yaml  # noqa: PLC0415
        from kubernetes.config import ConfigException, list_kube_config_contexts, load_kube_config  # noqa: PLC0415

        try:
            contexts, current = list_kube_config_contexts(self._path)
            names = {context["name"] for context in contexts}
            wanted = alias if alias in names else self._context or (current or {}).get("name", "")
            configuration = secure_configuration("https://kubeconfig.invalid", "")
            load_kube_config(self._path, context=wanted, client_configuration=configuration, persist_config=False)
        except (ConfigException, yaml.YAMLError, OSError, KeyError, TypeError) as exc:
            raise PermanentError(f"kubeconfig {self._path} cannot be used for cluster {alias}: {exc}") from exc
        if not configuration.verify_ssl:
            raise PermanentError(
                f"kubeconfig {self._path}, context {wanted}: insecure-skip-tls-verify is not accepted; "
                "give the cluster's certificate-authority"
            )
        secure_configuration(configuration.host, "")
        return ApiClient(configuration)


def _engine(client: Client, kind: str) -> Engine:
    if kind not in _KINDS:
        raise PermanentError(f"no engine runs objects of kind {kind!r}; known are {', '.join(_KINDS)}")
    return _KINDS[kind](client)


def _kubeconfig_token(api: ApiClient) -> str:
    # The loader's hook renews what has expired.
    value = api.configuration.auth_settings().get("BearerToken", {}).get("value") or ""
    return str(value).removeprefix("Bearer ")
