"""A PipelineRun's three timeouts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from prowless_local.cluster.tekton.durations import seconds

if TYPE_CHECKING:
    from prowless_local.cluster.objects import Obj


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """What is allowed, in seconds (0 or None: no limit), and how long it has been. Times are epoch milliseconds."""

    pipeline: float
    tasks: float | None
    finally_: float | None
    started_ms: int
    finally_started_ms: int
    now_ms: int

    @classmethod
    def of(cls, spec: Obj, started_ms: int, finally_started_ms: int, now_ms: int) -> Timeouts:
        """From `spec.timeouts`; what is not given of `tasks` and `finally` follows from the other and `pipeline`."""
        given = spec.get("timeouts") or {}
        pipeline = seconds(given.get("pipeline", "0"))
        tasks = seconds(given["tasks"]) if given.get("tasks") else None
        finally_ = seconds(given["finally"]) if given.get("finally") else None
        if tasks is None and finally_ is not None and pipeline:
            tasks = max(0.0, pipeline - finally_) or None
        elif finally_ is None and tasks is not None and pipeline:
            finally_ = max(0.0, pipeline - tasks) or None
        return cls(
            pipeline=pipeline,
            tasks=tasks,
            finally_=finally_,
            started_ms=started_ms,
            finally_started_ms=finally_started_ms,
            now_ms=now_ms,
        )

    @property
    def pipeline_passed(self) -> bool:
        """Whether the whole run has taken too long."""
        return bool(self.pipeline) and self.now_ms >= self.started_ms + int(self.pipeline * 1000)

    @property
    def tasks_passed(self) -> bool:
        """Whether the tasks before `finally` have."""
        until = self.finally_started_ms or self.now_ms
        return bool(self.tasks) and until >= self.started_ms + int((self.tasks or 0) * 1000)

    @property
    def finally_passed(self) -> bool:
        """Whether the `finally` tasks have."""
        started = self.finally_started_ms
        return bool(self.finally_ and started) and self.now_ms >= started + int((self.finally_ or 0) * 1000)

    @property
    def next_ms(self) -> int | None:
        """When the next of them passes."""
        ends = []
        if self.pipeline:
            ends.append(self.started_ms + int(self.pipeline * 1000))
        if self.tasks and not self.finally_started_ms:
            ends.append(self.started_ms + int(self.tasks * 1000))
        if self.finally_ and self.finally_started_ms:
            ends.append(self.finally_started_ms + int(self.finally_ * 1000))
        return min((end for end in ends if end > self.now_ms), default=None)

    def task_run_timeout(self, own: str | None, *, final: bool) -> str:
        """A TaskRun's timeout: its own, else that of its part of the run if longer than the default, else the default.

        `timeouts.pipeline` alone does not lengthen it: without `timeouts.tasks` a TaskRun ends after an hour
        (`pipelineRunTimeout` in Tekton's pipelinerun.go).
        """
        if own:
            return own
        limit = self.finally_ if final else self.tasks
        if limit is not None and (not limit or limit > _DEFAULT_SECONDS):
            return f"{limit:g}s"
        return "1h0m0s"


_DEFAULT_SECONDS = 3600.0
