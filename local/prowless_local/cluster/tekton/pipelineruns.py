"""The PipelineRun controller: starts a TaskRun for each task whose turn has come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from prowless_local.cluster import resources
from prowless_local.cluster.api_errors import ApiError
from prowless_local.cluster.objects import (
    Obj,
    clone,
    deleting,
    labels_of,
    name_of,
    namespace_of,
    owned_by,
    owner_reference,
    rfc3339,
    uid_of,
)
from prowless_local.cluster.store import Change, Key
from prowless_local.cluster.tekton import naming, plan
from prowless_local.cluster.tekton.facts import WHEN, Facts
from prowless_local.cluster.tekton.plan import Plan, PlannedTask, RunError
from prowless_local.cluster.tekton.substitution import SubstitutionError, Values, references, replaced
from prowless_local.cluster.tekton.taskruns import ON_ERROR_ANNOTATION
from prowless_local.cluster.tekton.timeouts import Timeouts

if TYPE_CHECKING:
    from collections.abc import Callable

    from prowless_local.clock import Clock
    from prowless_local.cluster.loop import Loop
    from prowless_local.cluster.store import Store


@dataclass(slots=True)
class _Memory:
    """What is known of one run and stands in no object."""

    uid: str
    started_ms: int
    finally_started_ms: int = 0
    plan: Plan | None = None
    wake_ms: int = 0


class PipelineRunController:
    """Runs every PipelineRun object of the cluster."""

    def __init__(
        self, store: Store, loop: Loop, clock: Clock, note: Callable[[str], None], *, needs_command: bool
    ) -> None:
        self._store = store
        self._loop = loop
        self._clock = clock
        self._note = note
        self._needs_command = needs_command
        self._memories: dict[tuple[str, str], _Memory] = {}
        store.subscribe(self._told)

    def _told(self, change: Change) -> None:
        if change.key.resource is resources.TASKRUNS:
            owner = labels_of(change.obj).get(naming.PIPELINERUN_LABEL)
            if owner:
                self._queue(change.key.namespace, owner)
        elif change.key.resource is resources.PIPELINERUNS:
            before = change.previous or {}
            if change.type != "MODIFIED" or before.get("spec") != change.obj.get("spec"):
                self._queue(change.key.namespace, change.key.name)

    def _queue(self, namespace: str, name: str) -> None:
        self._loop.post(lambda: self._look(namespace, name), ("pipelinerun", namespace, name))

    def _look(self, namespace: str, name: str) -> None:
        found = self._store.read(resources.PIPELINERUNS, namespace, name)
        if found is None or deleting(found) or naming.is_done(found):
            self._memories.pop((namespace, name), None)
            return
        run = clone(found)
        run.setdefault("status", {})
        try:
            self._reconcile(run)
        except RunError as exc:
            self._finish(run, "False", exc.reason, str(exc))
            self._note(f"PipelineRun {namespace}/{name}: {exc}")
        self._persist(run)

    def _persist(self, run: Obj) -> None:
        def write(stored: Obj) -> None:
            stored["status"] = run["status"]
            stored["metadata"]["labels"] = {**labels_of(stored), **labels_of(run)}

        key = Key(resource=resources.PIPELINERUNS, namespace=namespace_of(run), name=name_of(run))
        self._store.mutate(key, uid_of(run), write)

    def _reconcile(self, run: Obj) -> None:
        status, asked = run["status"], run["spec"].get("status")
        if asked == "PipelineRunPending":
            message = f'PipelineRun "{name_of(run)}" is pending'
            naming.set_condition(status, "Unknown", "PipelineRunPending", message, self._now())
            return
        memory = self._memory(run)
        if not status.get("startTime"):
            status["startTime"] = self._now()
            naming.set_condition(status, "Unknown", "Started", "", self._now())
        if asked == "Cancelled":
            self._cancel_tasks(self._task_runs(run), naming.CANCELLED_BY_RUN)
            self._finish(run, "False", "Cancelled", f'PipelineRun "{name_of(run)}" was cancelled')
            return
        if memory.plan is None:
            memory.plan = plan.make(self._store, run, needs_command=self._needs_command)
            run["metadata"]["labels"] = {naming.PIPELINE_LABEL: memory.plan.pipeline_name, **labels_of(run)}
            status["pipelineSpec"] = memory.plan.pipeline
        facts = self._facts(run, memory)
        self._apply_timeouts(facts)
        if asked == "CancelledRunFinally" and any(
            facts.running(t.name) for t in facts.plan.tasks.values() if not t.final
        ):
            running = [facts.runs[t.name] for t in facts.plan.tasks.values() if not t.final and t.name in facts.runs]
            self._cancel_tasks(running, naming.CANCELLED_BY_RUN)
        self._start_tasks(facts, memory)
        self._write_status(facts, memory)

    def _facts(self, run: Obj, memory: _Memory) -> Facts:
        assert memory.plan is not None  # noqa: S101 set by _reconcile
        timeouts = Timeouts.of(run["spec"], memory.started_ms, memory.finally_started_ms, self._clock.now_ms())
        if timeouts.next_ms and timeouts.next_ms != memory.wake_ms:
            memory.wake_ms = timeouts.next_ms
            seconds = (timeouts.next_ms - self._clock.now_ms()) / 1000
            self._loop.call_later(seconds, lambda: self._look(namespace_of(run), name_of(run)))
        by_task = {labels_of(r)[naming.PIPELINETASK_LABEL]: r for r in self._task_runs(run)}
        return Facts(run=run, plan=memory.plan, runs=by_task, timeouts=timeouts)

    def _apply_timeouts(self, facts: Facts) -> None:
        """Cancel what has taken too long."""
        timeouts = facts.timeouts
        late = []
        for task in facts.plan.tasks.values():
            passed = timeouts.finally_passed if task.final else timeouts.tasks_passed
            if facts.running(task.name) and (timeouts.pipeline_passed or passed):
                late.append(facts.runs[task.name])
        self._cancel_tasks(late, naming.CANCELLED_BY_TIMEOUT)

    def _start_tasks(self, facts: Facts, memory: _Memory) -> None:
        while True:
            started = False
            for task in facts.candidates():
                if facts.skip_reason(task):
                    continue
                missing = facts.missing_result(task)
                if missing and not task.final:
                    facts.invalid[task.name] = _why_missing(facts, task, missing)
                else:
                    self._start(facts, task, memory)
                started = True
                facts.forget_skips()
            if not started:
                return

    def _start(self, facts: Facts, task: PlannedTask, memory: _Memory) -> None:
        if task.final and not memory.finally_started_ms:
            memory.finally_started_ms = self._clock.now_ms()
            facts.run["status"]["finallyStartTime"] = self._now()
        try:
            taskrun = self._task_run(facts, task)
        except SubstitutionError as exc:
            facts.invalid[task.name] = str(exc)
            return
        try:
            facts.runs[task.name] = self._store.create(resources.TASKRUNS, namespace_of(facts.run), taskrun)
        except ApiError as exc:
            message = f'error creating TaskRun "{name_of(taskrun)}" for task "{task.name}": {exc.message}'
            raise RunError("CreateRunFailed", message) from exc

    def _task_run(self, facts: Facts, task: PlannedTask) -> Obj:
        run, spec, values = facts.run, task.spec, facts.values()
        template = run["spec"].get("taskRunTemplate") or {}
        extra: Obj = next(
            (s for s in run["spec"].get("taskRunSpecs") or () if s.get("pipelineTaskName") == task.name), {}
        )
        params = replaced(spec.get("params") or [], values)
        body = replaced(task.task, values)
        workspaces = _workspaces(run, task, body)
        taskrun_spec: Obj = {
            "serviceAccountName": extra.get("serviceAccountName") or template.get("serviceAccountName", "default"),
            "timeout": facts.timeouts.task_run_timeout(extra.get("timeout") or spec.get("timeout"), final=task.final),
            "taskSpec": body,
        }
        if spec.get("taskRef"):
            taskrun_spec = {**taskrun_spec, "taskRef": spec["taskRef"]}
            del taskrun_spec["taskSpec"]
        for field, value in (
            ("params", params),
            ("workspaces", replaced(workspaces, values)),
            ("retries", spec.get("retries")),
            ("podTemplate", extra.get("podTemplate") or template.get("podTemplate")),
        ):
            if value:
                taskrun_spec[field] = value
        metadata = (spec.get("taskSpec") or {}).get("metadata") or {}
        annotations = {**(run["metadata"].get("annotations") or {}), **(metadata.get("annotations") or {})}
        if task.continues:
            annotations[ON_ERROR_ANNOTATION] = "continue"
        labels = {**naming.taskrun_labels(run, task.name, final=task.final), **(metadata.get("labels") or {})}
        if spec.get("taskRef"):
            labels[naming.TASK_LABEL] = str(spec["taskRef"].get("name"))
        return {
            "apiVersion": "tekton.dev/v1",
            "kind": "TaskRun",
            "metadata": {
                "name": naming.child_name(name_of(run), f"-{task.name}"),
                "labels": labels,
                "annotations": annotations,
                "ownerReferences": [owner_reference(run)],
            },
            "spec": taskrun_spec,
        }

    def _write_status(self, facts: Facts, memory: _Memory) -> None:
        run, status = facts.run, facts.run["status"]
        facts.forget_skips()
        value, reason, message = facts.condition()
        values = facts.values()
        status["childReferences"] = [
            _child_reference(facts.runs[name], task, values)
            for name, task in facts.plan.tasks.items()
            if name in facts.runs
        ]
        skipped = [
            _skipped(task, why, values) for task in facts.plan.tasks.values() if (why := facts.skip_reason(task))
        ]
        status.pop("skippedTasks", None)
        if skipped:
            status["skippedTasks"] = skipped
        if value == "Unknown":
            naming.set_condition(status, value, reason, message, self._now())
            return
        results, problem = _results(facts)
        if results:
            status["results"] = results
        if problem and value == "True":
            text = f"Failed to get PipelineResult from TaskRun Results for PipelineRun {name_of(run)}: {problem}"
            value, reason, message = "False", "CouldntGetPipelineResult", text
        self._finish(run, value, reason, message)
        memory.wake_ms = 0

    def _finish(self, run: Obj, value: str, reason: str, message: str) -> None:
        run["status"].setdefault("startTime", self._now())
        run["status"]["completionTime"] = self._now()
        naming.set_condition(run["status"], value, reason, message, self._now())

    def _cancel_tasks(self, runs: list[Obj], why: str) -> None:
        def cancel(taskrun: Obj) -> None:
            taskrun["spec"].update({"status": "TaskRunCancelled", "statusMessage": why})

        for taskrun in runs:
            if not naming.is_done(taskrun) and taskrun["spec"].get("status") != "TaskRunCancelled":
                key = Key(resource=resources.TASKRUNS, namespace=namespace_of(taskrun), name=name_of(taskrun))
                self._store.mutate(key, uid_of(taskrun), cancel)

    def _task_runs(self, run: Obj) -> list[Obj]:
        return [r for r in self._store.list(resources.TASKRUNS, namespace_of(run))[0] if owned_by(r, uid_of(run))]

    def _memory(self, run: Obj) -> _Memory:
        key = (namespace_of(run), name_of(run))
        memory = self._memories.get(key)
        if memory is None or memory.uid != uid_of(run):
            memory = self._memories[key] = _Memory(uid=uid_of(run), started_ms=self._clock.now_ms())
        return memory

    def _now(self) -> str:
        return rfc3339(self._clock.now_ms())


def _why_missing(facts: Facts, task: PlannedTask, missing: tuple[str, str]) -> str:
    other, result = missing
    if facts.succeeded(other):
        return (
            f'task "{other}" completed successfully but did not emit the result "{result}", which is referenced by '
            f'task "{task.name}"'
        )
    return f"Invalid task result reference: Could not find result with name {result} for pipeline task {other}"


def _workspaces(run: Obj, task: PlannedTask, body: Obj) -> list[Obj]:
    """The TaskRun's bindings: the declared ones, and those that an inline task refers to without declaring them."""
    bound = {binding["name"]: binding for binding in run["spec"].get("workspaces") or ()}
    found = {}
    for workspace in task.spec.get("workspaces") or ():
        binding = bound.get(workspace.get("workspace") or workspace["name"])
        if binding is None:
            continue
        sub = "/".join(part for part in (binding.get("subPath"), workspace.get("subPath")) if part)
        found[workspace["name"]] = {**binding, "name": workspace["name"], **({"subPath": sub} if sub else {})}
    if task.spec.get("taskSpec") is not None:
        for reference in references(body):
            kind, _, rest = reference.partition(".")
            name = rest.partition(".")[0]
            if kind == "workspaces" and name in bound:
                found.setdefault(name, bound[name])
    return list(found.values())


def _child_reference(taskrun: Obj, task: PlannedTask, results: Values) -> Obj:
    reference: Obj = {
        "apiVersion": "tekton.dev/v1",
        "kind": "TaskRun",
        "name": name_of(taskrun),
        "pipelineTaskName": task.name,
    }
    if task.spec.get("when"):
        reference["whenExpressions"] = replaced(task.spec["when"], results)
    return reference


def _skipped(task: PlannedTask, reason: str, results: Values) -> Obj:
    skipped: Obj = {"name": task.name, "reason": reason}
    if task.spec.get("when") and (not task.final or reason == WHEN):
        skipped["whenExpressions"] = replaced(task.spec["when"], results)
    return skipped


def _results(facts: Facts) -> tuple[list[Obj], str]:
    """The pipeline's results, and what is wrong with them. One of a task that did not succeed is left out."""
    values = facts.values()
    found, invalid = [], []
    for declared in facts.plan.pipeline.get("results") or ():
        value = declared.get("value")
        matches = [plan.RESULT.fullmatch(r.replace("finally.", "tasks.", 1)) for r in references(value)]
        lacking = [m["task"] for m in matches if m and f"tasks.{m['task']}.results.{m['result']}" not in values.found]
        if any(facts.succeeded(task) for task in lacking) or not all(matches):
            invalid.append(declared["name"])
        elif not lacking:
            found.append({"name": declared["name"], "value": replaced(value, values)})
    problem = f"invalid pipelineresults [{' '.join(invalid)}], the referenced results don't exist" if invalid else ""
    return found, problem
