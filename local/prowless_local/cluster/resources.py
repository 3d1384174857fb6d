"""The kinds that the cluster knows, and the discovery documents that say so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prowless_local.cluster.objects import Obj

SERVER_VERSION: dict[str, str] = {
    "major": "1",
    "minor": "31",
    "gitVersion": "v1.31.0+prowless.embedded",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "2024-08-13T00:00:00Z",
    "goVersion": "none",
    "compiler": "none",
    "platform": "embedded",
}

_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One kind. `versions[0]` is the version objects are stored in, the others are converted from and to."""

    group: str = ""
    versions: tuple[str, ...] = ("v1",)
    plural: str
    kind: str
    short_names: tuple[str, ...] = ()
    namespaced: bool = True
    subresources: tuple[str, ...] = ()

    @property
    def qualified(self) -> str:
        """As error messages name it: `workflows.argoproj.io`, `pods`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def api_version(self) -> str:
        """The stored apiVersion."""
        return self.api_version_of(self.versions[0])

    @property
    def is_custom(self) -> bool:
        """Whether a real cluster would have it from a CustomResourceDefinition."""
        return bool(self.group)

    def api_version_of(self, version: str) -> str:
        """The apiVersion for one of the versions."""
        return f"{self.group}/{version}" if self.group else version


NAMESPACES = Resource(plural="namespaces", kind="Namespace", short_names=("ns",), namespaced=False)
PODS = Resource(plural="pods", kind="Pod", short_names=("po",), subresources=("status", "log"))
SECRETS = Resource(plural="secrets", kind="Secret")
CONFIGMAPS = Resource(plural="configmaps", kind="ConfigMap", short_names=("cm",))
# The Workflow CRD has no status subresource: a client that sets `status` with the object gets it stored.
WORKFLOWS = Resource(
    group="argoproj.io", versions=("v1alpha1",), plural="workflows", kind="Workflow", short_names=("wf",)
)
WORKFLOWTEMPLATES = Resource(
    group="argoproj.io",
    versions=("v1alpha1",),
    plural="workflowtemplates",
    kind="WorkflowTemplate",
    short_names=("wftmpl",),
)
_TEKTON = ("v1", "v1beta1")
PIPELINERUNS = Resource(
    group="tekton.dev",
    versions=_TEKTON,
    plural="pipelineruns",
    kind="PipelineRun",
    short_names=("pr", "prs"),
    subresources=("status",),
)
TASKRUNS = Resource(
    group="tekton.dev",
    versions=_TEKTON,
    plural="taskruns",
    kind="TaskRun",
    short_names=("tr", "trs"),
    subresources=("status",),
)
PIPELINES = Resource(group="tekton.dev", versions=_TEKTON, plural="pipelines", kind="Pipeline")
TASKS = Resource(group="tekton.dev", versions=_TEKTON, plural="tasks", kind="Task")

ALL: tuple[Resource, ...] = (
    NAMESPACES,
    PODS,
    SECRETS,
    CONFIGMAPS,
    WORKFLOWS,
    WORKFLOWTEMPLATES,
    PIPELINERUNS,
    TASKRUNS,
    PIPELINES,
    TASKS,
)
SERVED: dict[tuple[str, str, str], Resource] = {
    (resource.group, version, resource.plural): resource for resource in ALL for version in resource.versions
}


def discovery(path: str) -> Obj | None:
    """The discovery document at `/api`, `/apis`, `/api/v1`, `/apis/<group>` or `/apis/<group>/<version>`, if any."""
    parts = path.strip("/").split("/")
    match parts:
        case ["api"]:
            return {"kind": "APIVersions", "apiVersion": "v1", "versions": ["v1"], "serverAddressByClientCIDRs": []}
        case ["apis"]:
            groups = [_group(group) for group in dict.fromkeys(r.group for r in ALL if r.group)]
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
        case ["api", "v1"]:
            return _resource_list("", "v1")
        case ["apis", group] if any(r.group == group for r in ALL):
            return {"kind": "APIGroup", "apiVersion": "v1", **_group(group)}
        case ["apis", group, version] if any(r.group == group and version in r.versions for r in ALL):
            return _resource_list(group, version)
        case _:
            return None


def _group(group: str) -> Obj:
    versions = next(r.versions for r in ALL if r.group == group)
    listed = [{"groupVersion": f"{group}/{version}", "version": version} for version in versions]
    return {"name": group, "versions": listed, "preferredVersion": listed[0]}


def _resource_list(group: str, version: str) -> Obj:
    resources: list[Obj] = []
    for resource in ALL:
        if resource.group != group or version not in resource.versions:
            continue
        common = {"namespaced": resource.namespaced, "kind": resource.kind}
        resources.append(
            {
                **common,
                "name": resource.plural,
                "singularName": resource.kind.lower(),
                "verbs": list(_VERBS),
                "shortNames": list(resource.short_names),
            }
        )
        for sub in resource.subresources:
            verbs = ["get"] if sub == "log" else ["get", "patch", "update"]
            resources.append({**common, "name": f"{resource.plural}/{sub}", "singularName": "", "verbs": verbs})
    group_version = f"{group}/{version}" if group else version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": resources}
