"""The manifest policy: what a manifest may not ask of a cluster, judged on the bytes that are sent.

One policy for every engine and kind. It refuses what reaches beyond the run's own namespace and containers (the
*baseline* of Kubernetes' Pod Security Standards) and what cannot be judged by looking at it. Keys are compared ignoring
case, because some API servers' decoders do. A cluster's `allow` lifts a rule, by its name, for trusted configuration;
nothing lifts one for configuration that a pull request controls.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from prowless.domain.clusters import Cluster

MAX_VIOLATIONS = 50
_SHOWN = 5

_KINDS = {"Workflow": "argoproj.io/v1alpha1", "PipelineRun": "tekton.dev/v1", "Pod": "v1"}

_FLAGS = {
    "hostnetwork": "hostNetwork",
    "hostpid": "hostPID",
    "hostipc": "hostIPC",
    "privileged": "privileged",
    "hostprocess": "hostProcess",
    "clusterscope": "clusterScope",
}
"""Fields that may stand there, but not be true."""

_PRESENCE = {
    "hostpath": "hostPath",
    "podspecpatch": "podSpecPatch",
    "resolver": "resolver",
    "bundle": "resolver",
    "flexvolume": "flexVolume",
}
"""Fields that may not have a value at all; `bundle` is Tekton's older remote resolver."""

_GRACE = re.compile(r'\{"terminationGracePeriodSeconds": [0-9]{1,6}\}')
"""The one patch of pods that can be judged by looking at it; a Workflow has no other place for the time to end."""

_TEMPLATE_KINDS = frozenset({"resource", "http", "plugin"})
_TEMPLATE = re.compile(r"(?:templates\[[0-9]+\]|templatedefaults|inline)$")
_TASK = re.compile(r"(?:taskref|taskspec|tasks\[[0-9]+\]\.ref|finally\[[0-9]+\]\.ref)$")
_ACCOUNTS = frozenset({"serviceaccountname", "serviceaccount"})
_OWN_WORDS = frozenset({"labels", "annotations", "nodeselector", "matchlabels"})

# https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
_BASELINE_CAPABILITIES = frozenset(
    {
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    }
)

RULES = frozenset(
    {*_FLAGS.values(), *_PRESENCE.values(), *_TEMPLATE_KINDS, "hostPort", "procMount", "capabilities", "customTask"}
)
"""The rules that a cluster's `allow` may lift; `namespace:<name>` lets a PipelineRun into one more namespace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """What is refused: where it stands, by which rule, and what would be allowed there."""

    path: str
    rule: str
    allowed: str


def violations(manifest: Mapping[str, Any], cluster: Cluster, *, trusted: bool) -> list[Violation]:
    """What the manifest asks for and the cluster does not allow, at most `MAX_VIOLATIONS`; nothing if it may be sent.

    `trusted` is true for configuration that no pull request controls.
    """
    allow = frozenset(cluster.allow) if trusted else frozenset()
    found: list[Violation] = []
    for violation in _all(manifest, cluster, allow):
        if violation.rule not in allow:
            found.append(violation)
        if len(found) == MAX_VIOLATIONS:
            break
    return found


def in_words(found: Sequence[Violation]) -> str:
    """The first few violations as one line: each path, its rule, and what would be allowed."""
    lines = [f"{one.path}: {one.rule} (allowed: {one.allowed})" for one in found[:_SHOWN]]
    return "; ".join([*lines, f"and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else lines)


def _all(manifest: Mapping[str, Any], cluster: Cluster, allow: frozenset[str]) -> Iterator[Violation]:
    kind = manifest.get("kind")
    if kind not in _KINDS:
        yield Violation(path="kind", rule="kind", allowed=", ".join(_KINDS))
    elif manifest.get("apiVersion") != _KINDS[kind]:
        yield Violation(path="apiVersion", rule="kind", allowed=_KINDS[kind])
    metadata = manifest.get("metadata")
    namespace = metadata.get("namespace") if isinstance(metadata, dict) else None
    if namespace != cluster.namespace and f"namespace:{namespace}" not in allow:
        yield Violation(path="metadata.namespace", rule="namespace", allowed=cluster.namespace)
    for key in manifest:
        if key not in {"apiVersion", "kind", "metadata", "spec"}:
            yield Violation(path=str(key), rule="kind", allowed="apiVersion, kind, metadata, spec")
    yield from _walk(manifest.get("spec"), "spec", cluster)


def _walk(value: Any, path: str, cluster: Cluster) -> Iterator[Violation]:
    """Every refused field below, without recursion: a manifest may be deep."""
    pending = [(value, path)]
    while pending:
        current, where = pending.pop()
        if isinstance(current, list):
            pending += [(item, f"{where}[{index}]") for index, item in reversed(list(enumerate(current)))]
        elif isinstance(current, dict):
            for key, item in current.items():
                yield from _judge(str(key).lower(), item, where, f"{where}.{key}", cluster)
            pending += [
                (item, f"{where}.{key}")
                for key, item in reversed(list(current.items()))
                if str(key).lower() not in _OWN_WORDS
            ]


def _judge(key: str, value: Any, parent: str, path: str, cluster: Cluster) -> Iterator[Violation]:
    if value is None or value is False:
        return
    if key in _FLAGS:
        yield Violation(path=path, rule=_FLAGS[key], allowed="false")
    elif key in _PRESENCE and value != "" and not (key == "podspecpatch" and _GRACE.fullmatch(str(value))):
        yield Violation(path=path, rule=_PRESENCE[key], allowed="nothing")
    elif key in _TEMPLATE_KINDS and _TEMPLATE.search(parent.lower()):
        yield Violation(path=path, rule=key, allowed="container, containerSet, script, steps, dag, suspend, data")
    else:
        yield from _judge_value(key, value, parent, path, cluster)


def _judge_value(key: str, value: Any, parent: str, path: str, cluster: Cluster) -> Iterator[Violation]:
    """Fields of which some values are allowed."""
    if key == "apiversion" and _TASK.search(parent.lower()) and not str(value).startswith("tekton.dev/"):
        yield Violation(path=path, rule="customTask", allowed="tekton.dev/v1")
    elif key in _ACCOUNTS and cluster.service_accounts and value not in {"", *cluster.service_accounts}:
        yield Violation(path=path, rule="service_accounts", allowed=", ".join(cluster.service_accounts))
    elif key == "hostport" and value:
        yield Violation(path=path, rule="hostPort", allowed="0")
    elif key == "procmount" and value != "Default":
        yield Violation(path=path, rule="procMount", allowed="Default")
    elif key == "add" and parent.lower().endswith(".capabilities") and isinstance(value, list):
        for index, name in enumerate(value):
            if str(name).upper().removeprefix("CAP_") not in _BASELINE_CAPABILITIES:
                allowed = ", ".join(sorted(_BASELINE_CAPABILITIES))
                yield Violation(path=f"{path}[{index}]", rule="capabilities", allowed=allowed)
