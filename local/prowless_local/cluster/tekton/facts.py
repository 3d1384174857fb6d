"""Where a PipelineRun stands: which tasks are done, skipped or next, and the condition that follows.

After Tekton's `pipelinerunresolution.go` and `pipelinerunstate.go`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from prowless_local.cluster.objects import name_of
from prowless_local.cluster.tekton.durations import written
from prowless_local.cluster.tekton.naming import CANCELLED_BY_TIMEOUT, condition, is_done
from prowless_local.cluster.tekton.substitution import Values, replaced

if TYPE_CHECKING:
    from collections.abc import Callable

    from prowless_local.cluster.objects import Obj
    from prowless_local.cluster.tekton.plan import Plan, PlannedTask
    from prowless_local.cluster.tekton.timeouts import Timeouts

WHEN = "When Expressions evaluated to false"
PARENTS = "Parent Tasks were skipped"
STOPPING = "PipelineRun was stopping"
GRACEFULLY_CANCELLED = "PipelineRun was gracefully cancelled"
GRACEFULLY_STOPPED = "PipelineRun was gracefully stopped"
MISSING_RESULTS = "Results were missing"
PIPELINE_TIMED_OUT = "PipelineRun timeout has been reached"
TASKS_TIMED_OUT = "PipelineRun Tasks timeout has been reached"
FINALLY_TIMED_OUT = "PipelineRun Finally timeout has been reached"
_TIMEOUT_SKIPS = frozenset({PIPELINE_TIMED_OUT, TASKS_TIMED_OUT, FINALLY_TIMED_OUT})


@dataclass(slots=True)
class Counts:
    """How many tasks are in which state."""

    succeeded: int = 0
    failed: int = 0
    ignored: int = 0
    cancelled: int = 0
    skipped: int = 0
    skipped_by_timeout: int = 0
    invalid: int = 0
    incomplete: int = 0


@dataclass(slots=True)
class Facts:
    """One look at a PipelineRun.

    `runs` has the TaskRuns that exist, by task; `invalid` the tasks that cannot start, and why.
    """

    run: Obj
    plan: Plan
    runs: dict[str, Obj]
    timeouts: Timeouts
    invalid: dict[str, str] = field(default_factory=dict)
    _skips: dict[str, str] = field(default_factory=dict)

    @property
    def spec_status(self) -> str:
        """What the user asked of the run."""
        return str(self.run["spec"].get("status") or "")

    def forget_skips(self) -> None:
        """Decide about skipping anew, after something changed."""
        self._skips.clear()

    def succeeded(self, name: str) -> bool:
        """Whether the task ran and succeeded."""
        return name in self.runs and condition(self.runs[name]).get("status") == "True"

    def failed(self, name: str) -> bool:
        """Whether it ran and did not."""
        return name in self.runs and condition(self.runs[name]).get("status") == "False"

    def running(self, name: str) -> bool:
        """Whether it runs."""
        return name in self.runs and not is_done(self.runs[name])

    def done(self, name: str) -> bool:
        """Whether nothing more will become of it."""
        if self.succeeded(name) or self.failed(name) or name in self.invalid:
            return True
        return bool(self.skip_reason(self.plan.tasks[name]))

    @property
    def stopping(self) -> bool:
        """Whether a task failed, so that no further one starts."""
        return any(
            (self.failed(task.name) or task.name in self.invalid) and not task.continues
            for task in self.plan.tasks.values()
            if not task.final
        )

    @property
    def dag_done(self) -> bool:
        """Whether it is the turn of the `finally` tasks."""
        return all(self.done(task.name) for task in self.plan.tasks.values() if not task.final)

    @property
    def finally_done(self) -> bool:
        """Whether they are done, or there are none."""
        return all(self.done(task.name) for task in self.plan.tasks.values() if task.final)

    @property
    def has_finally(self) -> bool:
        """Whether there are any."""
        return any(task.final for task in self.plan.tasks.values())

    def candidates(self) -> list[PlannedTask]:
        """The tasks whose turn has come, of `tasks` or else of `finally`."""
        tasks = [task for task in self.plan.tasks.values() if task.name not in self.runs]
        if self.dag_done:
            return [task for task in tasks if task.final]
        if self.stopping or self.spec_status in {"CancelledRunFinally", "StoppedRunFinally"}:
            return []
        return [task for task in tasks if not task.final and all(self.done(name) for name in task.after)]

    def skip_reason(self, task: PlannedTask) -> str:
        """Why a task does not run, empty if it does (or may yet)."""
        if task.name in self.runs or task.name in self.invalid:
            return ""
        if task.name not in self._skips:
            self._skips[task.name] = self._finally_skip(task) if task.final else self._dag_skip(task)
        return self._skips[task.name]

    def results(self) -> Values:
        """Results of tasks, as other tasks refer to them."""
        values = Values()
        for name, run in self.runs.items():
            if is_done(run):
                for result in run["status"].get("results") or ():
                    values.put(f"tasks.{name}.results.{result['name']}", result["value"])
        return values

    def values(self) -> Values:
        """Results and, when it is the turn of `finally`, states of tasks."""
        values = self.results()
        if self.dag_done:
            for name in self.plan.tasks:
                values.put(f"tasks.{name}.status", self._state(name))
                reason = condition(self.runs[name]).get("reason", "") if name in self.runs else ""
                values.put(f"tasks.{name}.reason", reason)
            values.put("tasks.status", self._aggregate())
        return values

    def missing_result(self, task: PlannedTask) -> tuple[str, str] | None:
        """The first result that the task refers to and that is not there, as (task, result)."""
        for other, result in task.results:
            run = self.runs.get(other)
            found = (run["status"].get("results") or ()) if run is not None and is_done(run) else ()
            if result not in [item["name"] for item in found]:
                return other, result
        return None

    def counts(self) -> Counts:
        """The numbers of the condition's message."""
        counts = Counts()
        for task in self.plan.tasks.values():
            self._count(task, counts)
        return counts

    def condition(self) -> tuple[str, str, str]:
        """Status, reason and message of the `Succeeded` condition."""
        name, timeouts = name_of(self.run), self.timeouts
        if timeouts.pipeline_passed:
            message = f'PipelineRun "{name}" failed to finish within "{written(timeouts.pipeline)}"'
            return "False", "PipelineRunTimeout", message
        if timeouts.tasks_passed and (not self.has_finally or self.finally_done):
            limit = written(timeouts.tasks or 0)
            message = f'PipelineRun "{name}" failed due to tasks failed to finish within "{limit}"'
            return "False", "PipelineRunTimeout", message
        counts = self.counts()
        completed = counts.succeeded + counts.failed + counts.cancelled + counts.ignored
        if counts.incomplete:
            message = (
                f"Tasks Completed: {completed} (Failed: {counts.failed}, Cancelled {counts.cancelled}), "
                f"Incomplete: {counts.incomplete}, Skipped: {counts.skipped}"
            )
            return "Unknown", self._running_reason(counts), message
        return self._final_condition(counts, completed)

    def _final_condition(self, counts: Counts, completed: int) -> tuple[str, str, str]:
        all_failed = counts.failed + counts.ignored
        ignored = f" (Ignored: {counts.ignored})" if counts.ignored else ""
        message = (
            f"Tasks Completed: {completed} (Failed: {all_failed}{ignored}, Cancelled {counts.cancelled}), "
            f"Skipped: {counts.skipped}"
        )
        if counts.invalid:
            why = "; ".join(self.invalid[name] for name in sorted(self.invalid))
            message += f", Failed Validation: {counts.invalid} ({why[:1024]})"
            return "False", "PipelineValidationFailed", message
        if counts.failed or counts.skipped_by_timeout:
            return "False", "Failed", message
        if self.spec_status in {"CancelledRunFinally", "StoppedRunFinally"}:
            return "False", "Cancelled", f'PipelineRun "{name_of(self.run)}" was cancelled'
        if counts.cancelled:
            return "False", "Cancelled", message
        return "True", "Completed" if counts.skipped else "Succeeded", message

    def _running_reason(self, counts: Counts) -> str:
        if self.timeouts.tasks_passed and self.has_finally and not self.finally_done:
            return "PipelineRunTimeoutRunningFinally"
        if self.spec_status in {"CancelledRunFinally", "StoppedRunFinally"}:
            return self.spec_status.replace("Run", "Running")
        if counts.cancelled or (counts.failed and self.finally_done):
            return "PipelineRunStopping"
        return "Running"

    def _count(self, task: PlannedTask, counts: Counts) -> None:
        name = task.name
        if self.succeeded(name):
            counts.succeeded += 1
        elif self.failed(name):
            cancelled = condition(self.runs[name]).get("reason") == "TaskRunCancelled"
            if cancelled and self.runs[name]["spec"].get("statusMessage") != CANCELLED_BY_TIMEOUT:
                counts.cancelled += 1
            elif task.continues and not cancelled:
                counts.ignored += 1
            else:
                counts.failed += 1
        elif name in self.invalid:
            counts.invalid += 1
        elif reason := self.skip_reason(task):
            counts.skipped += 1
            counts.skipped_by_timeout += reason in _TIMEOUT_SKIPS
        else:
            counts.incomplete += 1

    def _dag_skip(self, task: PlannedTask) -> str:
        ready = all(self.done(name) for name in task.after)
        checks: tuple[tuple[str, Callable[[], bool]], ...] = (
            (STOPPING, lambda: self.stopping),
            (GRACEFULLY_CANCELLED, lambda: self.spec_status == "CancelledRunFinally"),
            (GRACEFULLY_STOPPED, lambda: self.spec_status == "StoppedRunFinally"),
            (WHEN, lambda: ready and self._refused_by_when(task)),
            (PARENTS, lambda: self._parent_skipped(task)),
            (MISSING_RESULTS, lambda: ready and self._may_miss_results(task)),
            (PIPELINE_TIMED_OUT, lambda: ready and self.timeouts.pipeline_passed),
            (TASKS_TIMED_OUT, lambda: ready and self.timeouts.tasks_passed),
        )
        return next((reason for reason, holds in checks if holds()), "")

    def _parent_skipped(self, task: PlannedTask) -> bool:
        """Whether a task before it was skipped for another reason than its own `when`."""
        reasons = [self.skip_reason(self.plan.tasks[name]) for name in sorted(task.after)]
        return any(reason and reason != WHEN for reason in reasons)

    def _may_miss_results(self, task: PlannedTask) -> bool:
        """Whether a result is missing, and that is no failure."""
        missing = self.missing_result(task)
        return missing is not None and (task.continues or self.skip_reason(self.plan.tasks[missing[0]]) == WHEN)

    def _finally_skip(self, task: PlannedTask) -> str:
        if not self.dag_done:
            return ""
        if self.missing_result(task):
            return MISSING_RESULTS
        if self._refused_by_when(task):
            return WHEN
        if self.timeouts.pipeline_passed:
            return PIPELINE_TIMED_OUT
        return FINALLY_TIMED_OUT if self.timeouts.finally_passed else ""

    def _refused_by_when(self, task: PlannedTask) -> bool:
        if not task.spec.get("when"):
            return False
        values = self.values() if task.final else self.results()
        return not all(_allows(replaced(when, values)) for when in task.spec["when"])

    def _state(self, name: str) -> str:
        return "Succeeded" if self.succeeded(name) else "Failed" if self.failed(name) else "None"

    def _aggregate(self) -> str:
        dag = [task for task in self.plan.tasks.values() if not task.final]
        if any(self.failed(task.name) for task in dag):
            return "Failed"
        return "Completed" if any(self.skip_reason(task) for task in dag) else "Succeeded"


def _allows(when: dict[str, Any]) -> bool:
    return (when.get("input", "") in (when.get("values") or [])) is (when["operator"] == "in")
