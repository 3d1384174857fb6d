"""What a PipelineRun is going to run: its tasks with parameters, order and workspaces worked out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from prowless_local.cluster import resources
from prowless_local.cluster.objects import Obj, clone, name_of, namespace_of, uid_of
from prowless_local.cluster.pod_support import UnsupportedError, unsupported
from prowless_local.cluster.tekton.substitution import SubstitutionError, Values, references, replaced
from prowless_local.cluster.tekton.support import check_pipeline, check_run, check_task
from prowless_local.cluster.tekton.taskruns import find_task

if TYPE_CHECKING:
    from prowless_local.cluster.store import Store

RESULT = re.compile(r"tasks\.(?P<task>[^.\[]+)\.results\.(?P<result>[^.\[]+)(?P<rest>.*)")
_REFERRING = ("params", "when", "workspaces", "displayName")


class RunError(Exception):
    """The PipelineRun fails before anything runs. `reason` is its condition's."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedTask:
    """One task. `results` are what others' results it needs, as (task, result)."""

    name: str
    spec: Obj
    task: Obj
    final: bool
    after: frozenset[str]
    results: tuple[tuple[str, str], ...]

    @property
    def continues(self) -> bool:
        """Whether its failure does not stop the run."""
        return self.spec.get("onError") == "continue"


@dataclass(slots=True)
class Plan:
    """All tasks in the pipeline's order."""

    pipeline: Obj
    pipeline_name: str
    tasks: dict[str, PlannedTask] = field(default_factory=dict)


def make(store: Store, run: Obj, *, needs_command: bool) -> Plan:
    """Work out what a PipelineRun runs.

    Raises:
        RunError: it cannot run; with Tekton's reasons and, where Tekton has them, messages.
    """
    spec, where = run["spec"], f"{namespace_of(run)}/{name_of(run)}"
    name, pipeline = _pipeline(store, run)
    try:
        check_run(spec)
        check_pipeline(pipeline, needs_command=needs_command)
    except (UnsupportedError, ValueError) as exc:
        message = f"Pipeline {namespace_of(run)}/{name} can't be Run; it has an invalid spec: {exc}"
        raise RunError("PipelineValidationFailed", message) from exc
    values = _values(run, name, pipeline)
    _require_workspaces(run, name, pipeline)
    try:
        plan = Plan(pipeline=_replaced_pipeline(pipeline, values), pipeline_name=name)
    except SubstitutionError as exc:
        raise RunError("PipelineValidationFailed", f"Failed to apply parameters to Pipeline {where}: {exc}") from exc
    for final, tasks in ((False, plan.pipeline["tasks"]), (True, plan.pipeline.get("finally") or [])):
        for task in tasks:
            plan.tasks[task["name"]] = _planned(store, run, task, final=final, needs_command=needs_command)
    _check_graph(plan, where)
    _check_results(plan)
    return plan


def _pipeline(store: Store, run: Obj) -> tuple[str, Obj]:
    spec, where = run["spec"], f"{namespace_of(run)}/{name_of(run)}"
    if spec.get("pipelineSpec") is not None:
        return name_of(run), dict(clone(spec["pipelineSpec"]))
    reference = spec["pipelineRef"]
    name = str(reference.get("name") or "")
    found = store.read(resources.PIPELINES, namespace_of(run), name)
    why = f'pipelines.tekton.dev "{name}" not found'
    for kind in ("resolver", "bundle"):
        if reference.get(kind):
            found, why = None, str(unsupported(f'pipelineRef with {kind} "{reference[kind]}"'))
    if found is None:
        raise RunError("CouldntGetPipeline", f"Error retrieving pipeline for pipelinerun {where}: {why}")
    return name, dict(clone(found["spec"]))


def _values(run: Obj, pipeline_name: str, pipeline: Obj) -> Values:
    """Parameters and context.

    Raises:
        RunError: a parameter is missing or of another type.
    """
    where = f"PipelineRun {namespace_of(run)}/{name_of(run)}"
    given = {p["name"]: p.get("value") for p in run["spec"].get("params") or ()}
    context = Values(
        found={
            "context.pipelineRun.name": name_of(run),
            "context.pipelineRun.namespace": namespace_of(run),
            "context.pipelineRun.uid": uid_of(run),
            "context.pipeline.name": pipeline_name,
        }
    )
    values = context.joined(Values())
    for declared in pipeline.get("params") or ():
        name = declared["name"]
        value = given.get(name, declared.get("default"))
        if value is None:
            message = f"{where} is missing some parameters required by Pipeline {pipeline_name}: {name}"
            raise RunError("ParameterMissing", message)
        wanted = declared.get("type") or _type(declared.get("default", ""))
        if _type(value) != wanted:
            message = f"{where} parameters have mismatching types with Pipeline {pipeline_name}'s parameters: {name}"
            raise RunError("ParameterTypeMismatch", message)
        if isinstance(value, dict) and isinstance(declared.get("default"), dict):
            value = {**declared["default"], **value}
        values.put(f"params.{name}", replaced(value, context))
    for name, value in given.items():
        if f"params.{name}" not in values.found:  # propagated to inline specs
            values.put(f"params.{name}", replaced(value, context))
    bound = {workspace["name"] for workspace in run["spec"].get("workspaces") or ()}
    for workspace in pipeline.get("workspaces") or ():
        values.put(f"workspaces.{workspace['name']}.bound", "true" if workspace["name"] in bound else "false")
    return values


def _type(value: Any) -> str:
    return "array" if isinstance(value, list) else "object" if isinstance(value, dict) else "string"


def _replaced_pipeline(pipeline: Obj, values: Values) -> Obj:
    """The pipeline with parameters in it; in an inline task, its own parameters and workspaces come first."""
    result = dict(pipeline)
    for part in ("tasks", "finally"):
        tasks = []
        for task in pipeline.get(part) or ():
            inline = task.get("taskSpec")
            outer = {key: value for key, value in task.items() if key != "taskSpec"}
            outer = replaced(outer, values.joined(_task_context(task)))
            if inline is not None:
                own = [f"params.{p['name']}" for p in (*(inline.get("params") or ()), *(task.get("params") or ()))]
                own += [
                    f"workspaces.{w['name']}"
                    for w in (*(inline.get("workspaces") or ()), *(task.get("workspaces") or ()))
                ]
                outer["taskSpec"] = replaced(inline, values.without(own).joined(_task_context(task)))
            tasks.append(outer)
        if tasks:
            result[part] = tasks
    return result


def _task_context(task: Obj) -> Values:
    return Values(found={"context.pipelineTask.retries": str(task.get("retries") or 0)})


def _planned(store: Store, run: Obj, task: Obj, *, final: bool, needs_command: bool) -> PlannedTask:
    name = task["name"]
    inline = task.get("taskSpec")
    if inline is None:
        where = f"{namespace_of(run)}/{name_of(run)}"
        try:
            body = find_task(store, namespace_of(run), task["taskRef"])
            check_task(body, f'task "{name}"', needs_command=needs_command)
        except (UnsupportedError, ValueError) as exc:
            message = (
                f"Pipeline {where} can't be Run; it contains Tasks that don't exist: "
                f'Couldn\'t retrieve Task "{task["taskRef"].get("name", "")}": {exc}'
            )
            raise RunError("CouldntGetTask", message) from exc
    else:
        body = {key: value for key, value in inline.items() if key != "metadata"}
    matches = [RESULT.fullmatch(reference) for reference in references({f: task.get(f) for f in _REFERRING})]
    results = tuple(dict.fromkeys((match["task"], match["result"]) for match in matches if match))
    after = frozenset() if final else frozenset([*(task.get("runAfter") or ()), *(other for other, _ in results)])
    return PlannedTask(name=name, spec=task, task=body, final=final, after=after, results=results)


def _require_workspaces(run: Obj, pipeline_name: str, pipeline: Obj) -> None:
    bound = {workspace["name"] for workspace in run["spec"].get("workspaces") or ()}
    for workspace in pipeline.get("workspaces") or ():
        if not workspace.get("optional") and workspace["name"] not in bound:
            message = (
                f"PipelineRun {namespace_of(run)}/{name_of(run)} doesn't bind Pipeline {pipeline_name}'s Workspaces "
                f'correctly: pipeline requires workspace with name "{workspace["name"]}" be provided by pipelinerun'
            )
            raise RunError("InvalidWorkspaceBindings", message)


def _check_graph(plan: Plan, where: str) -> None:
    prefix = f"PipelineRun {where}'s Pipeline DAG is invalid: "
    dag = {name: task.after for name, task in plan.tasks.items() if not task.final}
    for name, after in dag.items():
        for other in after:
            if other not in dag:
                raise RunError(
                    "PipelineInvalidGraph",
                    f"{prefix}task {name} depends on {other} but {other} wasn't present in Pipeline",
                )
    done: set[str] = set()
    while len(done) < len(dag):
        ready = [name for name, after in dag.items() if name not in done and after <= done]
        if not ready:
            left = ", ".join(sorted(set(dag) - done))
            raise RunError("PipelineInvalidGraph", f"{prefix}cycle detected among the tasks {left}")
        done.update(ready)


def _check_results(plan: Plan) -> None:
    for task in plan.tasks.values():
        for other, result in task.results:
            where = f'invalid result reference in pipeline task "{task.name}": '
            if other not in plan.tasks:
                raise RunError(
                    "InvalidTaskResultReference", f'{where}referenced pipeline task "{other}" does not exist'
                )
            if result not in [declared["name"] for declared in plan.tasks[other].task.get("results") or ()]:
                message = f'{where}"{result}" is not a named result returned by pipeline task "{other}"'
                raise RunError("InvalidTaskResultReference", message)
