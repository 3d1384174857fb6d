"""Which fields of a PodSpec are carried out, which make no difference here, and which are refused by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prowless_local.cluster.objects import Obj

CARRIED_OUT_IN_POD = frozenset(
    {
        "containers",
        "initContainers",
        "volumes",
        "restartPolicy",
        "activeDeadlineSeconds",
        "terminationGracePeriodSeconds",
    }
)
# Where and as whom a pod runs, how it is scheduled, named and routed: nothing of that exists here.
WITHOUT_EFFECT_IN_POD = frozenset(
    {
        "affinity", "automountServiceAccountToken", "dnsConfig", "dnsPolicy", "enableServiceLinks", "hostAliases",
        "hostIPC", "hostNetwork", "hostPID", "hostname", "imagePullSecrets", "nodeName", "nodeSelector", "os",
        "overhead", "preemptionPolicy", "priority", "priorityClassName", "resources", "runtimeClassName",
        "schedulerName", "securityContext", "serviceAccount", "serviceAccountName", "setHostnameAsFQDN",
        "shareProcessNamespace", "subdomain", "tolerations", "topologySpreadConstraints",
    }
)  # fmt: skip
CARRIED_OUT_IN_CONTAINER = frozenset(
    {"name", "image", "command", "args", "workingDir", "env", "envFrom", "volumeMounts"}
)
# Probes of a pod that nobody routes to; a liveness probe is taken to succeed.
WITHOUT_EFFECT_IN_CONTAINER = frozenset(
    {
        "imagePullPolicy", "livenessProbe", "ports", "readinessProbe", "resizePolicy", "resources", "securityContext",
        "startupProbe", "stdin", "stdinOnce", "terminationMessagePath", "terminationMessagePolicy", "tty",
    }
)  # fmt: skip
VOLUME_KINDS = frozenset({"emptyDir", "configMap", "secret", "projected", "downwardAPI"})


class UnsupportedError(Exception):
    """The embedded cluster cannot do what the object asks for. The message names the field."""


def check_pod(spec: Obj, *, needs_command: bool) -> None:
    """Refuse what would not be carried out.

    Raises:
        UnsupportedError: with the first such field.
    """
    _refuse(spec, CARRIED_OUT_IN_POD | WITHOUT_EFFECT_IN_POD, "pod")
    if spec.get("restartPolicy", "Always") != "Never":
        raise unsupported(f'restartPolicy "{spec.get("restartPolicy", "Always")}" of the pod (only Never)')
    for volume in spec.get("volumes") or ():
        check_volume(volume)
    for container in (*(spec.get("initContainers") or ()), *spec["containers"]):
        check_container(container, needs_command=needs_command)


def check_container(container: Obj, *, needs_command: bool) -> None:
    """Refuse a container that cannot be run as it asks.

    Raises:
        UnsupportedError: with the first such field.
    """
    where = f'container "{container.get("name", "")}"'
    _refuse(container, CARRIED_OUT_IN_CONTAINER | WITHOUT_EFFECT_IN_CONTAINER, where)
    for variable in container.get("env") or ():
        source = variable.get("valueFrom") or {}
        _refuse(source, ("fieldRef", "secretKeyRef", "configMapKeyRef"), f'env "{variable.get("name")}" of {where}')
    if needs_command and not container.get("command"):
        raise UnsupportedError(
            f"{where} has no command: image entrypoint unknown, because the embedded cluster does not pull "
            f'"{container.get("image", "")}"; set command, or use the runner docker or podman'
        )


def check_volume(volume: Obj) -> None:
    """Refuse a volume of another kind than those that need nothing but files.

    Raises:
        UnsupportedError: naming the kind.
    """
    for kind in volume:
        if kind != "name" and kind not in VOLUME_KINDS:
            raise unsupported(f'volume "{volume.get("name")}" of kind {kind}')
    for source in (volume.get("projected") or {}).get("sources") or ():
        _refuse(source, ("configMap", "secret", "downwardAPI"), f'projected volume "{volume.get("name")}"')


def unsupported(what: str) -> UnsupportedError:
    """The error, in one wording for all engines."""
    return UnsupportedError(f"{what} is not supported by the embedded cluster")


def _refuse(holder: Obj, known: Iterable[str], where: str) -> None:
    for field, value in holder.items():
        if field not in known and value not in (None, [], {}, ""):
            raise unsupported(f"{field} of {where}")
