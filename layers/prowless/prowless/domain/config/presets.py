"""Presets and decoration defaults: what a job takes over (`pkg/config/jobs.go:53-100`, `config.go:785-1010`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_STRUCTS = frozenset({"utility_images", "resources", "gcs_configuration", "censoring_options", "scheduling_options"})
"""Fields of a decoration config that are merged field by field; all others are taken whole."""
_ANY: Mapping[str, str] = {}
"""The labels of a preset for every job."""


class PresetError(ValueError):
    """A preset that applies to a job and collides with it."""


def with_presets(
    spec: Mapping[str, Any], labels: Mapping[str, str], presets: Iterable[Mapping[str, Any]]
) -> Mapping[str, Any]:
    """The PodSpec with every preset whose labels are all the job's; one without labels applies to every job.

    Raises:
        PresetError: an env var, volume, mount or toleration is there already, as in Prow.
    """
    own = labels.items()
    chosen = [preset for preset in presets if (preset.get("labels") or _ANY).items() <= own]
    if not chosen:
        return spec
    merged: dict[str, Any] = dict(spec)
    containers = [dict(container) for container in _dicts(spec.get("containers"))]
    for preset in chosen:
        for container in containers:
            _add(container, "env", preset.get("env"), "env var duplicated in pod spec")
        _add(merged, "volumes", preset.get("volumes"), "volume duplicated in pod spec")
        for container in containers:
            _add(container, "volumeMounts", preset.get("volumeMounts"), "volume mount duplicated in pod spec")
        _add_tolerations(merged, preset.get("tolerations"))
    if containers:
        merged["containers"] = containers
    return merged


def carries_secrets(preset: Mapping[str, Any]) -> bool:
    """Whether a preset brings a secret into the pod."""
    env = any("secretKeyRef" in (item.get("valueFrom") or {}) for item in _dicts(preset.get("env")))
    return env or any("secret" in volume for volume in _dicts(preset.get("volumes")))


def decoration_defaults(entries: Sequence[Mapping[str, Any]], repository: str, cluster: str) -> dict[str, Any]:
    """The defaults for a job of a repository on a cluster: all entries that match, later ones winning."""
    merged: dict[str, Any] = {}
    for entry in entries:
        if _matches(entry, repository, cluster):
            merged = with_defaults(entry.get("config") or {}, merged)
    return merged


def with_defaults(config: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """A decoration config with what it leaves empty taken from the defaults (`types.go:762-876`).

    Lists are replaced, not joined; an empty list takes the default, an empty secret's name does not. `mediaTypes` is
    Prow's exception: there the defaults win key by key.
    """
    merged = dict(defaults)
    for name, value in config.items():
        other = defaults.get(name)
        if name in _STRUCTS and isinstance(value, dict) and isinstance(other, dict):
            merged[name] = {**other, **{key: item for key, item in value.items() if item not in ("", None)}}
            if "mediaTypes" in other:
                merged[name]["mediaTypes"] = {**(value.get("mediaTypes") or {}), **other["mediaTypes"]}
        elif value != [] and (value != "" or name != "github_app_id"):
            merged[name] = value
    return merged


def entries_of_map(configs: Mapping[str, Any]) -> list[dict[str, Any]]:
    """`default_decoration_configs` as entries: `*` first, then organisations, then repositories (`config.go:853`)."""

    def rank(key: str) -> tuple[int, str]:
        return (0 if key == "*" else 2 if "/" in key else 1, key)

    return [{"repo": key, "config": configs[key]} for key in sorted(configs, key=rank)]


def _matches(entry: Mapping[str, Any], repository: str, cluster: str) -> bool:
    """`config.go:785-806`."""
    wanted = entry.get("cluster")
    if wanted and wanted not in {"*", cluster}:
        return False
    repo = entry.get("repo")
    return not repo or repo in {"*", repository, repository.partition("/")[0]}


def _dicts(items: Any) -> list[Mapping[str, Any]]:
    return [item for item in items or () if isinstance(item, dict)] if isinstance(items, list) else []


def _add(target: dict[str, Any], field: str, items: Any, message: str) -> None:
    if not items:
        return
    present = _dicts(target.get(field))
    names = {item.get("name") for item in present}
    for item in _dicts(items):
        if item.get("name") in names:
            raise PresetError(f"{message}: {item.get('name')}")
        names.add(item.get("name"))
    target[field] = [*present, *items]


def _add_tolerations(merged: dict[str, Any], items: Any) -> None:
    if not items:
        return
    present = list(merged.get("tolerations") or ())
    for item in items:
        if item in present:
            raise PresetError(f"toleration duplicated in pod spec: {item}")
        present.append(item)
    merged["tolerations"] = present
