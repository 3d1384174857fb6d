"""What a container gets: its environment and the files on its volumes, from stored Secrets and ConfigMaps."""

from __future__ import annotations

import base64
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from prowless_local.cluster import resources
from prowless_local.cluster.objects import Obj, annotations_of, labels_of, name_of, namespace_of, uid_of
from prowless_local.cluster.pod_support import UnsupportedError, unsupported
from prowless_local.cluster.runners import Mount

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from prowless_local.cluster.store import Store

_REFERENCE = re.compile(r"\$(\$|\((?P<name>[^()\s]+)\))?")
_KEYED = re.compile(r"metadata\.(?P<map>labels|annotations)\['(?P<key>[^']+)'\]")
_DEFAULT_MODE = 0o644


class NotYetError(Exception):
    """Something that the pod refers to does not exist (yet). `reason` is the container's waiting reason."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def expanded(text: str, env: Mapping[str, str]) -> str:
    """`$(NAME)` replaced; `$$(NAME)` is an escape, an unknown name stays as it is."""

    def replace(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        name = match["name"]
        return env[name] if name in env else match[0]

    return _REFERENCE.sub(replace, text)


def environment(store: Store, pod: Obj, container: Obj) -> dict[str, str]:
    """The declared environment, `envFrom` first, then `env` in its order.

    Raises:
        NotYetError: a Secret, ConfigMap or key is missing and not optional.
        UnsupportedError: a source that is not carried out.
    """
    env: dict[str, str] = {}
    for source in container.get("envFrom") or ():
        prefix = source.get("prefix") or ""
        for kind in ("configMapRef", "secretRef"):
            if kind in source:
                found = _data(store, namespace_of(pod), kind.removesuffix("Ref"), source[kind])
                env.update({prefix + key: value.decode(errors="replace") for key, value in found.items()})
    for variable in container.get("env") or ():
        name = str(variable["name"])
        if variable.get("valueFrom"):
            value = _from_source(store, pod, variable["valueFrom"])
            if value is not None:
                env[name] = value
        else:
            env[name] = expanded(str(variable.get("value") or ""), env)
    return env


def field_value(pod: Obj, path: str) -> str:
    """A field as the downward API gives it.

    Raises:
        UnsupportedError: another field.
    """
    if match := _KEYED.fullmatch(path):
        return (labels_of(pod) if match["map"] == "labels" else annotations_of(pod)).get(match["key"], "")
    known = {
        "metadata.name": name_of(pod),
        "metadata.namespace": namespace_of(pod),
        "metadata.uid": uid_of(pod),
        "metadata.labels": _as_lines(labels_of(pod)),
        "metadata.annotations": _as_lines(annotations_of(pod)),
        "spec.nodeName": "embedded",
        "spec.serviceAccountName": str(pod["spec"].get("serviceAccountName", "default")),
        "status.hostIP": "127.0.0.1",
        "status.podIP": "127.0.0.1",
    }
    if path not in known:
        raise unsupported(f'fieldRef "{path}"')
    return known[path]


def materialize(store: Store, pod: Obj, base: Path) -> None:
    """Make a directory for each volume below `base`, with its files.

    Raises:
        NotYetError: a Secret or ConfigMap is missing and not optional.
        UnsupportedError: a source that is not carried out.
    """
    for volume in pod["spec"].get("volumes") or ():
        directory = base / volume["name"]
        directory.mkdir(parents=True, exist_ok=True)
        for kind, source in volume.items():
            if kind in {"configMap", "secret", "downwardAPI"}:
                _put(directory, _files(store, pod, kind, source or {}), (source or {}).get("defaultMode"))
            elif kind == "projected":
                for part in source.get("sources") or ():
                    for inner, inner_source in part.items():
                        _put(directory, _files(store, pod, inner, inner_source or {}), source.get("defaultMode"))


def mounts(pod: Obj, container: Obj, base: Path, env: Mapping[str, str]) -> tuple[Mount, ...]:
    """Where the container sees its volumes.

    Raises:
        UnsupportedError: a subPath that leaves the volume.
    """
    empty = {volume["name"] for volume in pod["spec"].get("volumes") or () if "emptyDir" in volume or len(volume) == 1}
    found = []
    for mount in container.get("volumeMounts") or ():
        sub = mount.get("subPath") or expanded(mount.get("subPathExpr") or "", env)
        local = base / mount["name"]
        if sub:
            local = _below(local, sub)
            if mount["name"] in empty:
                local.mkdir(parents=True, exist_ok=True)
        found.append(Mount(container_path=mount["mountPath"], local=local, read_only=bool(mount.get("readOnly"))))
    return tuple(found)


def _from_source(store: Store, pod: Obj, source: Obj) -> str | None:
    if "fieldRef" in source:
        return field_value(pod, str(source["fieldRef"].get("fieldPath")))
    for kind in ("configMap", "secret"):
        reference = source.get(f"{kind}KeyRef")
        if reference is None:
            continue
        found = _data(store, namespace_of(pod), kind, reference)
        key = str(reference.get("key"))
        if key in found:
            return found[key].decode(errors="replace")
        if reference.get("optional"):
            return None
        what = f"couldn't find key {key} in {kind} {namespace_of(pod)}/{reference.get('name')}"
        raise NotYetError("CreateContainerConfigError", what)
    raise unsupported(f"valueFrom {', '.join(source)}")


def _data(store: Store, namespace: str, kind: str, reference: Obj) -> dict[str, bytes]:
    """The keys of a Secret or ConfigMap; nothing if it is missing and optional."""
    name = str(reference.get("name") or reference.get("secretName") or "")
    resource = resources.SECRETS if kind == "secret" else resources.CONFIGMAPS
    obj = store.read(resource, namespace, name)
    if obj is None:
        if reference.get("optional"):
            return {}
        raise NotYetError("CreateContainerConfigError", f'{resource.kind.lower()} "{name}" not found')
    if kind == "secret":
        return {key: base64.b64decode(value) for key, value in (obj.get("data") or {}).items()}
    binary = {key: base64.b64decode(value) for key, value in (obj.get("binaryData") or {}).items()}
    return binary | {key: value.encode() for key, value in (obj.get("data") or {}).items()}


def _files(store: Store, pod: Obj, kind: str, source: Obj) -> list[tuple[str, bytes, Any]]:
    """Paths, contents and modes of a volume source."""
    if kind == "downwardAPI":
        return [_downward(pod, item) for item in source.get("items") or ()]
    try:
        found = _data(store, namespace_of(pod), kind, source)
    except NotYetError as exc:
        raise NotYetError("ContainerCreating", f"MountVolume.SetUp failed: {exc}") from exc
    items = source.get("items")
    if not items:
        return [(key, content, None) for key, content in found.items()]
    missing = [str(item.get("key")) for item in items if item.get("key") not in found]
    if missing and not source.get("optional"):
        raise NotYetError("ContainerCreating", f"MountVolume.SetUp failed: references non-existent key: {missing[0]}")
    return [(str(i["path"]), found[i["key"]], i.get("mode")) for i in items if i.get("key") in found]


def _downward(pod: Obj, item: Obj) -> tuple[str, bytes, Any]:
    if "fieldRef" not in item:
        raise unsupported("resourceFieldRef of a downwardAPI volume")
    return str(item["path"]), field_value(pod, str(item["fieldRef"].get("fieldPath"))).encode(), item.get("mode")


def _put(directory: Path, files: Iterable[tuple[str, bytes, Any]], default_mode: Any) -> None:
    for path, content, mode in files:
        place = _below(directory, path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        place.chmod(int(mode or default_mode or _DEFAULT_MODE) | 0o200)


def _below(directory: Path, path: str) -> Path:
    """A path inside a volume."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts:
        raise UnsupportedError(f'path "{path}" leaves the volume "{directory.name}"')
    return directory.joinpath(*parts)


def _as_lines(pairs: Mapping[str, str]) -> str:
    return "\n".join(f'{key}="{value}"' for key, value in sorted(pairs.items()))
