"""The pod of a job that carries a PodSpec: the same on every engine (`pkg/pod-utils/decorate/podspec.go:196-250`)."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from prowless.domain.durations import parse_duration_ms
from prowless.domain.errors import ConfigError
from prowless.domain.refs import environment
from prowless.domain.render import checkout
from prowless.domain.render.labels import labels_and_annotations
from prowless.domain.render.literal import literal, variables, with_helpers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prowless.domain.clusters import Cluster
    from prowless.domain.prowjob import ProwJob, ProwJobSpec
    from prowless.domain.refs import Refs

CLONE_CONTAINER = "clonerefs"
TEST_CONTAINER = "test"
_TOKEN_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 - a path, not a secret
_TOKEN_VOLUME = "no-token"  # noqa: S105 - a volume's name
_CODE_MOUNT = {"name": "code", "mountPath": checkout.CODE}
_LOGS_MOUNT = {"name": "logs", "mountPath": checkout.LOGS}


def job_environment(spec: ProwJobSpec, job: ProwJob) -> dict[str, str]:
    """Prow's variables of a run, without those of decoration."""
    return environment(
        job=spec.job,
        job_type=spec.type,
        prowjob=job.id,
        build_id=job.build_id,
        agent=spec.agent,
        refs=spec.refs,
        job_spec=spec.job_spec(job.id, job.build_id),
    )


def pod_spec(spec: ProwJobSpec, job: ProwJob) -> dict[str, Any]:
    """The PodSpec as it is to run: Prow's variables behind the job's own, decorated if the job says so.

    Raises:
        ConfigError: no containers, or refs that cannot be checked out.
    """
    # A copy, to be added to; its keys are in Kubernetes' spelling since the configuration was compiled.
    pod: dict[str, Any] = deepcopy(dict(spec.pod_spec or {}))
    containers = pod.get("containers")
    if not isinstance(containers, list) or not containers or not all(isinstance(c, dict) for c in containers):
        raise ConfigError([f"job {spec.job}: spec.containers holds no container"])
    if "serviceAccount" in pod:  # the API's deprecated second name
        pod.setdefault("serviceAccountName", pod.pop("serviceAccount"))
    pod["restartPolicy"] = "Never"
    env = job_environment(spec, job)
    if spec.decorate:
        env |= {"ARTIFACTS": checkout.ARTIFACTS, "GOPATH": checkout.CODE}
        _decorate(pod, spec)
    for container in containers:
        container["env"] = [*(container.get("env") or ()), *variables(env)]
    for container in all_containers(pod):
        # What the container wrote last becomes its message, so the status tells why it failed.
        container.setdefault("terminationMessagePolicy", "FallbackToLogsOnError")
        texts = [*(container.get("command") or ()), *(container.get("args") or ())]
        if env_list := with_helpers(container.get("env") or [], (str(text) for text in texts)):
            container["env"] = env_list
    return pod


def all_containers(pod: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Init containers and containers."""
    return [*(pod.get("initContainers") or ()), *(pod.get("containers") or ())]


def render_pod(spec: ProwJobSpec, job: ProwJob, cluster: Cluster, *, timeout_seconds: int) -> dict[str, Any]:
    """A plain Pod, as plank would create it.

    Raises:
        ConfigError: the PodSpec cannot be run.
    """
    pod = pod_spec(spec, job)
    if len(pod["containers"]) == 1:
        pod["containers"][0]["name"] = TEST_CONTAINER
    if token_unwanted(pod):
        pod["automountServiceAccountToken"] = False
    pod["activeDeadlineSeconds"] = min(timeout_seconds, pod.get("activeDeadlineSeconds") or timeout_seconds)
    labels, annotations = labels_and_annotations(spec, job)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": job.id, "namespace": cluster.namespace, "labels": labels, "annotations": annotations},
        "spec": pod,
    }


def token_unwanted(pod: Mapping[str, Any]) -> bool:
    """Whether the job's containers get no service account token: said so, or neither said nor an account named."""
    mount = pod.get("automountServiceAccountToken")
    return mount is False or (mount is None and not pod.get("serviceAccountName"))


def hide_token(pod: dict[str, Any]) -> None:
    """Keep the token from the job's containers by mounting an empty folder in its place.

    Kubernetes mounts no token where something else is mounted, so what an engine adds to the pod still gets its own.
    """
    pod.pop("automountServiceAccountToken", None)
    mount = {"name": _TOKEN_VOLUME, "mountPath": _TOKEN_FOLDER, "readOnly": True}
    for container in all_containers(pod):
        mounts = container.get("volumeMounts") or []
        if all(existing.get("mountPath") != _TOKEN_FOLDER for existing in mounts):
            container["volumeMounts"] = [*mounts, mount]
    pod["volumes"] = [*(pod.get("volumes") or ()), {"name": _TOKEN_VOLUME, "emptyDir": {}}]


def _decorate(pod: dict[str, Any], spec: ProwJobSpec) -> None:
    """Checkout, folders and the defaults of `decoration_config` (`decorate/podspec.go:703-880`)."""
    config = spec.decoration_config
    repositories = [*([spec.refs] if spec.refs else []), *spec.extra_refs]
    if config.get("skip_cloning"):
        repositories = []
    cloner: dict[str, Any] = {
        "name": CLONE_CONTAINER,
        "image": checkout.IMAGE,
        "command": ["/bin/sh", "-c"],
        "args": [literal(checkout.script(repositories))],
        "volumeMounts": [_LOGS_MOUNT, *([_CODE_MOUNT] if repositories else [])],
    }
    pod["initContainers"] = [cloner, *(pod.get("initContainers") or ())]
    for container in pod["containers"]:
        _equip(container, repositories)
        _memory(container, config)
    names = ["logs", "code"] if repositories else ["logs"]
    pod["volumes"] = [*(pod.get("volumes") or ()), *({"name": name, "emptyDir": {}} for name in names)]
    context = dict(pod.get("securityContext") or {})
    for key, field in (("run_as_user", "runAsUser"), ("run_as_group", "runAsGroup"), ("fs_group", "fsGroup")):
        if config.get(key) is not None:
            context.setdefault(field, config[key])
    if context:
        pod["securityContext"] = context
    if config.get("default_service_account_name"):
        pod.setdefault("serviceAccountName", config["default_service_account_name"])
    if config.get("grace_period"):
        # Prow keeps a fifth of the pod's time for the upload of artifacts (`decorate/podspec.go:871`).
        pod.setdefault("terminationGracePeriodSeconds", parse_duration_ms(str(config["grace_period"])) // 1000 * 5 // 4)
    for field, value in (config.get("scheduling_options") or {}).items():
        if field in {"affinity", "tolerations"} and value:
            pod.setdefault(field, value)


def _memory(container: dict[str, Any], config: Mapping[str, Any]) -> None:
    """The default of a memory request, and the limit that follows it (`decorate/podspec.go:817-865`)."""
    resources = dict(container.get("resources") or {})
    requests = dict(resources.get("requests") or {})
    if config.get("default_memory_request") is not None:
        requests.setdefault("memory", config["default_memory_request"])
        resources["requests"] = requests
    if config.get("set_limit_equals_memory_request") and "memory" in requests:
        resources["limits"] = {**(resources.get("limits") or {}), "memory": requests["memory"]}
    if resources:
        container["resources"] = resources


def _equip(container: dict[str, Any], repositories: list[Refs]) -> None:
    mounts = [*(container.get("volumeMounts") or ()), _LOGS_MOUNT]
    if repositories:
        # Prow sets it whatever the job says (`decorate/podspec.go:813`).
        container["workingDir"] = checkout.working_directory(repositories)
        mounts.append(_CODE_MOUNT)
    container["volumeMounts"] = mounts
