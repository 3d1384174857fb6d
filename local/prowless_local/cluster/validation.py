"""What the API server checks before it stores an object.

Kinds that a cluster has from a CustomResourceDefinition get their structure checked as far as their engine relies on
it; what an engine itself would find wrong (an unknown template, say) fails the run there, as it does in a real one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from prowless_local.cluster import resources
from prowless_local.cluster.api_errors import Cause, bad_request, forbidden_field, invalid, required, wrong

if TYPE_CHECKING:
    from prowless_local.cluster.objects import Obj
    from prowless_local.cluster.resources import Resource

_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_LABEL_NAME = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_LONGEST_NAME = 253
_LONGEST_LABEL = 63
_SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character"
)
_LABEL_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character"
)
_DNS_RULE = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-'"
_LISTS = ("templates", "volumes", "volumeClaimTemplates", "params", "workspaces", "tasks", "finally", "steps")
_PIPELINERUN_STATUSES = ("", "Cancelled", "CancelledRunFinally", "StoppedRunFinally", "PipelineRunPending")


def validate(resource: Resource, version: str, namespace: str, obj: Any) -> None:
    """Check an object that a client sent.

    Raises:
        ApiError: 400 not such an object at all, 422 with every wrong field.
    """
    expected = resource.api_version_of(version)
    if not isinstance(obj, dict) or not isinstance(obj.get("metadata", {}), dict):
        raise bad_request(f"the body is not a {resource.kind}: an object with metadata is needed")
    if not resource.is_custom:  # built-in kinds need not say what they are, the path does
        obj.setdefault("apiVersion", expected)
        obj.setdefault("kind", resource.kind)
    if obj.get("kind") != resource.kind or obj.get("apiVersion") != expected:
        got = f"{obj.get('apiVersion')}, Kind={obj.get('kind')}"
        raise bad_request(
            f"the API version and kind in the data ({got}) do not match the expected ({expected}, Kind={resource.kind})"
        )
    metadata = obj.setdefault("metadata", {})
    given = metadata.get("namespace")
    if resource.namespaced and given not in {None, "", namespace}:
        raise bad_request(
            f"the namespace of the provided object does not match the namespace sent on the request: {given}"
        )
    name = metadata.get("name") or ""
    causes = [*_metadata_causes(metadata), *_spec_causes(resource, obj)]
    if causes:
        raise invalid(resource, str(name), causes)


def validate_change(resource: Resource, current: Obj, changed: Obj) -> None:
    """Check that an update changes nothing that may not change.

    Raises:
        ApiError: 400 or 422.
    """
    name = current["metadata"]["name"]
    if changed["metadata"].get("name", name) != name:
        raise bad_request("the name of the object does not match the name on the URL")
    before, after = current.get("spec"), changed.get("spec")
    if before == after:
        return
    if resource is resources.PODS:
        raise invalid(resource, name, [forbidden_field("spec", "pod updates may not change the spec")])
    if resource is resources.PIPELINERUNS and (current.get("status") or {}).get("startTime"):
        done = bool(current["status"].get("completionTime"))
        if done or _without_status(before) != _without_status(after):
            what = "is complete, no updates are" if done else "has started, only status updates are"
            raise _webhook(f"invalid value: Once the PipelineRun {what} allowed: spec")


def _without_status(spec: Any) -> Any:
    return {key: value for key, value in spec.items() if key != "status"} if isinstance(spec, dict) else spec


def _webhook(message: str) -> Exception:
    return bad_request(
        f'admission webhook "validation.webhook.pipeline.tekton.dev" denied the request: validation failed: {message}'
    )


def _metadata_causes(metadata: Obj) -> list[Cause]:
    causes: list[Cause] = []
    name, base = metadata.get("name") or "", metadata.get("generateName") or ""
    if not name and not base:
        causes.append(required("metadata.name", "name or generateName is required"))
    if name and (not isinstance(name, str) or len(name) > _LONGEST_NAME or not _SUBDOMAIN.fullmatch(name)):
        causes.append(wrong("metadata.name", name, _SUBDOMAIN_RULE))
    if base and not name and (not isinstance(base, str) or not _SUBDOMAIN.fullmatch(base + "x")):
        causes.append(wrong("metadata.generateName", base, _SUBDOMAIN_RULE))
    for field in ("labels", "annotations"):
        value = metadata.get(field)
        if value is not None and not (
            isinstance(value, dict) and all(isinstance(item, str) for pair in value.items() for item in pair)
        ):
            raise bad_request(f"metadata.{field} must be a map of strings")
        causes += [cause for key in value or {} if (cause := _key_cause(f"metadata.{field}", key))]
    for key, value in (metadata.get("labels") or {}).items():
        if len(value) > _LONGEST_LABEL:
            causes.append(wrong("metadata.labels", value, f"must be no more than {_LONGEST_LABEL} characters"))
        elif value and not _LABEL_NAME.fullmatch(value):
            causes.append(wrong(f"metadata.labels[{key}]", value, _LABEL_RULE))
    return causes


def _key_cause(field: str, key: str) -> Cause | None:
    prefix, slash, name = key.rpartition("/")
    if slash and (not _SUBDOMAIN.fullmatch(prefix) or len(prefix) > _LONGEST_NAME):
        return wrong(field, key, f"prefix part {_SUBDOMAIN_RULE}")
    if len(name) > _LONGEST_LABEL or not _LABEL_NAME.fullmatch(name):
        return wrong(
            field, key, "name part must consist of alphanumeric characters, '-', '_' or '.', at most 63 of them"
        )
    return None


def _spec_causes(resource: Resource, obj: Obj) -> list[Cause]:
    if resource is resources.NAMESPACES:
        return []
    if resource is resources.SECRETS or resource is resources.CONFIGMAPS:
        return _data_causes(obj)
    spec = obj.get("spec")
    if not isinstance(spec, dict):
        return [required("spec") if spec is None else wrong("spec", type(spec).__name__, "must be of type object")]
    if resource is resources.PODS:
        return _pod_causes(spec)
    if resource is resources.PIPELINERUNS:
        _check_pipelinerun(spec)
    return _list_causes(spec, _LISTS)


def _list_causes(spec: Obj, fields: tuple[str, ...]) -> list[Cause]:
    causes = []
    for field in fields:
        value = spec.get(field)
        if value is not None and not (isinstance(value, list) and all(isinstance(item, dict) for item in value)):
            causes.append(wrong(f"spec.{field}", type(value).__name__, "must be an array of objects"))
    return causes


def _check_pipelinerun(spec: Obj) -> None:
    given = [field for field in ("pipelineRef", "pipelineSpec") if spec.get(field) is not None]
    if len(given) != 1:
        got = "neither" if not given else "both"
        raise _webhook(f"expected exactly one, got {got}: spec.pipelineRef, spec.pipelineSpec")
    if spec.get("status", "") not in _PIPELINERUN_STATUSES:
        raise _webhook(f"invalid value: {spec['status']}: spec.status")


def _data_causes(obj: Obj) -> list[Cause]:
    causes = []
    for field in ("data", "stringData", "binaryData"):
        value = obj.get(field)
        if value is None:
            continue
        if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
            raise bad_request(f"{field} must be a map of strings")
        causes += [wrong(f"{field}[{key}]", key, "not a valid key") for key in value if not _is_data_key(key)]
    return causes


def _is_data_key(key: str) -> bool:
    return bool(re.fullmatch(r"[-._a-zA-Z0-9]{1,253}", key)) and not key.startswith("..") and key != "."


def _pod_causes(spec: Obj) -> list[Cause]:
    causes = _list_causes(spec, ("volumes", "initContainers", "containers"))
    if causes:
        return causes
    if not spec.get("containers"):
        causes.append(required("spec.containers"))
    seen: set[str] = set()
    for field in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(field) or ()):
            causes += _container_causes(f"spec.{field}[{index}]", container, seen, spec)
    for index, volume in enumerate(spec.get("volumes") or ()):
        if not _DNS_LABEL.fullmatch(str(volume.get("name") or "")):
            causes.append(wrong(f"spec.volumes[{index}].name", volume.get("name"), _DNS_RULE))
    return causes


def _container_causes(field: str, container: Obj, seen: set[str], spec: Obj) -> list[Cause]:
    causes: list[Cause] = []
    name = container.get("name") or ""
    if not name:
        causes.append(required(f"{field}.name"))
    elif not isinstance(name, str) or len(name) > _LONGEST_LABEL or not _DNS_LABEL.fullmatch(name):
        causes.append(wrong(f"{field}.name", name, _DNS_RULE))
    elif name in seen:
        causes.append(Cause(f"{field}.name", f'Duplicate value: "{name}"', "FieldValueDuplicate"))
    seen.add(str(name))
    if not container.get("image"):
        causes.append(required(f"{field}.image"))
    for list_field in ("command", "args"):
        value = container.get(list_field)
        if value is not None and not (isinstance(value, list) and all(isinstance(item, str) for item in value)):
            raise bad_request(f"{field}.{list_field} must be a list of strings")
    volumes = {volume.get("name") for volume in spec.get("volumes") or ()}
    for index, mount in enumerate(container.get("volumeMounts") or ()):
        if mount.get("name") not in volumes:
            causes.append(Cause(f"{field}.volumeMounts[{index}].name", f'Not found: "{mount.get("name")}"'))
        if not mount.get("mountPath"):
            causes.append(required(f"{field}.volumeMounts[{index}].mountPath"))
    return causes
