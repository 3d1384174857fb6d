"""Where a template comes from: the workflow itself, or a WorkflowTemplate object of its namespace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prowless_local.cluster import resources
from prowless_local.cluster.argo.variables import TemplateError
from prowless_local.cluster.objects import Obj, clone
from prowless_local.cluster.pod_support import unsupported

if TYPE_CHECKING:
    from prowless_local.cluster.store import Store

LOCAL = "local"


class Templates:
    """Finds templates by the calls that name them. A scope is `local`, or a WorkflowTemplate's name."""

    def __init__(self, store: Store, namespace: str, spec: Obj) -> None:
        self._store = store
        self._namespace = namespace
        self._scopes: dict[str, dict[str, Obj]] = {LOCAL: _by_name(spec)}

    def resolve(self, call: Obj, scope: str) -> tuple[str, Obj]:
        """The template that a step, task or entrypoint calls, and the scope that its own calls are looked up in.

        Raises:
            TemplateError: there is none.
            UnsupportedError: a cluster-wide template.
        """
        if call.get("inline"):
            return scope, {"name": "", **call["inline"]}
        reference = call.get("templateRef")
        if reference:
            if reference.get("clusterScope"):
                raise unsupported("templateRef.clusterScope")
            scope, name = str(reference.get("name")), str(reference.get("template"))
        else:
            name = str(call.get("template") or "")
        found = self._templates(scope).get(name)
        if found is None:
            where = "" if scope == LOCAL else f' of WorkflowTemplate "{scope}"'
            raise TemplateError(f"template name '{name}'{where} undefined")
        return scope, found

    def _templates(self, scope: str) -> dict[str, Obj]:
        if scope not in self._scopes:
            self._scopes[scope] = _by_name(workflow_template(self._store, self._namespace, scope)["spec"])
        return self._scopes[scope]


def workflow_template(store: Store, namespace: str, name: str) -> Obj:
    """A WorkflowTemplate object.

    Raises:
        TemplateError: there is none.
    """
    found = store.read(resources.WORKFLOWTEMPLATES, namespace, name)
    if found is None:
        raise TemplateError(f'workflowtemplates.argoproj.io "{name}" not found')
    return found


def executed_spec(store: Store, workflow: Obj) -> Obj:
    """The spec that runs: the workflow's own, or a WorkflowTemplate's with the workflow's fields over it.

    Raises:
        TemplateError: the WorkflowTemplate does not exist.
        UnsupportedError: a cluster-wide one.
    """
    spec = workflow["spec"]
    reference = spec.get("workflowTemplateRef")
    if not reference:
        return dict(clone(spec))
    if reference.get("clusterScope"):
        raise unsupported("workflowTemplateRef.clusterScope")
    kept = (workflow.get("status") or {}).get("storedWorkflowTemplateSpec")
    base = clone(kept or workflow_template(store, workflow["metadata"]["namespace"], reference["name"])["spec"])
    own = {key: value for key, value in clone(spec).items() if key != "workflowTemplateRef"}
    parameters = {p["name"]: p for p in (base.get("arguments") or {}).get("parameters") or ()}
    parameters.update({p["name"]: p for p in (own.get("arguments") or {}).get("parameters") or ()})
    arguments = {**(base.get("arguments") or {}), **(own.get("arguments") or {})}
    if parameters:
        arguments["parameters"] = list(parameters.values())
    return {**base, **own, "arguments": arguments}


def _by_name(spec: Obj) -> dict[str, Obj]:
    return {str(template.get("name") or ""): template for template in spec.get("templates") or ()}
