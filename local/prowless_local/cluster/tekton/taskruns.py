"""The TaskRun controller: a pod per attempt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from prowless_local.cluster import resources
from prowless_local.cluster.api_errors import ApiError
from prowless_local.cluster.deletion import delete
from prowless_local.cluster.objects import Obj, clone, deleting, labels_of, name_of, owned_by, rfc3339, uid_of
from prowless_local.cluster.pod_support import UnsupportedError, unsupported
from prowless_local.cluster.store import Change, Key
from prowless_local.cluster.tekton import taskstatus
from prowless_local.cluster.tekton.durations import seconds, written
from prowless_local.cluster.tekton.naming import TASKRUN_LABEL, condition, is_done, set_condition
from prowless_local.cluster.tekton.substitution import SubstitutionError
from prowless_local.cluster.tekton.support import check_task, check_workspaces
from prowless_local.cluster.tekton.taskpods import build, pod_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from prowless_local.clock import Clock
    from prowless_local.cluster.loop import Loop
    from prowless_local.cluster.pods import PodController
    from prowless_local.cluster.store import Store
    from prowless_local.waiting import Timer

ON_ERROR_ANNOTATION = "pipeline.tekton.dev/pipeline-task-on-error"
_CANCELLED, _TIMED_OUT = "TaskRunCancelled", "TaskRunTimeout"


@dataclass(slots=True)
class _Attempt:
    """What is known of the present attempt and stands in no object."""

    uid: str
    number: int
    started_ms: int
    timer: Timer | None = None


class TaskRunController:
    """Runs every TaskRun object of the cluster."""

    def __init__(
        self,
        store: Store,
        loop: Loop,
        clock: Clock,
        pods: PodController,
        note: Callable[[str], None],
        *,
        needs_command: bool,
    ) -> None:
        self._store = store
        self._loop = loop
        self._clock = clock
        self._pods = pods
        self._note = note
        self._needs_command = needs_command
        self._attempts: dict[tuple[str, str], _Attempt] = {}
        store.subscribe(self._told)

    def _told(self, change: Change) -> None:
        if change.key.resource is resources.PODS:
            owner = labels_of(change.obj).get(TASKRUN_LABEL)
            if owner:
                self._queue(change.key.namespace, owner)
        elif change.key.resource is resources.TASKRUNS:
            before = change.previous or {}
            if change.type != "MODIFIED" or before.get("spec") != change.obj.get("spec"):
                self._queue(change.key.namespace, change.key.name)

    def _queue(self, namespace: str, name: str) -> None:
        self._loop.post(lambda: self._look(namespace, name), ("taskrun", namespace, name))

    def _look(self, namespace: str, name: str) -> None:
        found = self._store.read(resources.TASKRUNS, namespace, name)
        if found is None or deleting(found) or is_done(found):
            attempt = self._attempts.pop((namespace, name), None)
            if attempt is not None and attempt.timer is not None:
                attempt.timer.cancel()
            return
        taskrun = clone(found)
        taskrun.setdefault("status", {})
        self._reconcile(taskrun)
        if condition(taskrun).get("status") == "False" and self._retries_left(taskrun):
            self._prepare_retry(taskrun)
        self._persist(taskrun)

    def _persist(self, taskrun: Obj) -> None:
        def write(stored: Obj) -> None:
            stored["status"] = taskrun["status"]

        key = Key(resource=resources.TASKRUNS, namespace=taskrun["metadata"]["namespace"], name=name_of(taskrun))
        self._store.mutate(key, uid_of(taskrun), write)

    def _reconcile(self, taskrun: Obj) -> None:
        spec, status = taskrun["spec"], taskrun["status"]
        if spec.get("status") == "TaskRunPending":
            set_condition(status, "Unknown", "TaskRunPending", f'TaskRun "{name_of(taskrun)}" is pending', self._now())
            return
        attempt = self._attempt(taskrun)
        if not status.get("startTime"):
            status["startTime"] = self._now()
            set_condition(status, "Unknown", "Started", "", self._now())
        if spec.get("status") == _CANCELLED:
            message = f'TaskRun "{name_of(taskrun)}" was cancelled. {spec.get("statusMessage", "")}'.strip()
            self._fail(taskrun, _CANCELLED, message)
            return
        limit = seconds(spec.get("timeout", "0"))
        if limit and self._clock.now_ms() >= attempt.started_ms + int(limit * 1000):
            message = f'TaskRun "{name_of(taskrun)}" failed to finish within "{written(limit)}"'
            self._fail(taskrun, _TIMED_OUT, message)
            return
        self._run(taskrun)

    def _run(self, taskrun: Obj) -> None:
        """Make the pod, or take over what became of it."""
        namespace, status = taskrun["metadata"]["namespace"], taskrun["status"]
        try:
            task, task_name = self._task(taskrun)
            status["taskSpec"] = {**task, "steps": [{"name": "", **step} for step in task["steps"]]}
            pod = self._store.read(resources.PODS, namespace, pod_name(taskrun, self._retried(taskrun)))
            if pod is not None and owned_by(pod, uid_of(taskrun)):
                on_error = (taskrun["metadata"].get("annotations") or {}).get(ON_ERROR_ANNOTATION, "")
                taskstatus.apply(status, pod, task, self._now(), on_error=on_error)
                return
            made = build(taskrun, task, task_name, self._retried(taskrun))
            pod = self._pods.create(made.pod, made.wiring)
        except ApiError as exc:
            if exc.reason != "AlreadyExists":
                raise
            # The pod of an earlier TaskRun of this name is still ending; its deletion brings us back here.
            set_condition(status, "Unknown", "Pending", exc.message, self._now())
            return
        except (SubstitutionError, UnsupportedError, ValueError) as exc:
            self._fail(taskrun, "TaskRunValidationFailed", str(exc))
            self._note(f"TaskRun {namespace}/{name_of(taskrun)}: {exc}")
            return
        status["podName"] = name_of(pod)
        set_condition(status, "Unknown", "Pending", "Pending", self._now())

    def _task(self, taskrun: Obj) -> tuple[Obj, str]:
        """The task's spec and name.

        Raises:
            UnsupportedError: a kind of reference, or something in the task, that is not carried out.
            ValueError: there is no such task, or Tekton would refuse it as well.
        """
        spec = taskrun["spec"]
        check_workspaces(spec.get("workspaces") or [])
        reference = spec.get("taskRef")
        if not reference:
            task, name = spec.get("taskSpec") or {}, name_of(taskrun)
        else:
            name = str(reference.get("name") or "")
            task = find_task(self._store, taskrun["metadata"]["namespace"], reference)
        check_task(task, f'the task of TaskRun "{name_of(taskrun)}"', needs_command=self._needs_command)
        return task, name

    def _fail(self, taskrun: Obj, reason: str, message: str) -> None:
        status = taskrun["status"]
        status["completionTime"] = self._now()
        set_condition(status, "False", reason, message, self._now())
        taskstatus.terminate_steps(status, reason, self._now())
        if status.get("podName"):
            pod = self._store.read(resources.PODS, taskrun["metadata"]["namespace"], status["podName"])
            if pod is not None and owned_by(pod, uid_of(taskrun)) and not deleting(pod):
                delete(self._store, resources.PODS, pod)

    def _retries_left(self, taskrun: Obj) -> bool:
        cancelled = taskrun["spec"].get("status") == _CANCELLED
        broken = condition(taskrun).get("reason") == "TaskRunValidationFailed"
        return not cancelled and not broken and self._retried(taskrun) < int(taskrun["spec"].get("retries") or 0)

    def _prepare_retry(self, taskrun: Obj) -> None:
        """Archive the failed attempt; the next look starts another one (`retryTaskRun` in Tekton's taskrun.go)."""
        status = taskrun["status"]
        archived = {key: value for key, value in status.items() if key != "retriesStatus"}
        message = condition(taskrun).get("message", "")
        kept: Obj = {
            "retriesStatus": [*(status.get("retriesStatus") or []), archived],
            "taskSpec": status.get("taskSpec"),
        }
        set_condition(kept, "Unknown", "ToBeRetried", message, self._now())
        taskrun["status"] = kept
        self._queue(taskrun["metadata"]["namespace"], name_of(taskrun))

    def _attempt(self, taskrun: Obj) -> _Attempt:
        key = (taskrun["metadata"]["namespace"], name_of(taskrun))
        number = self._retried(taskrun)
        attempt = self._attempts.get(key)
        if attempt is None or attempt.uid != uid_of(taskrun) or attempt.number != number:
            if attempt is not None and attempt.timer is not None:
                attempt.timer.cancel()
            attempt = _Attempt(uid=uid_of(taskrun), number=number, started_ms=self._clock.now_ms())
            limit = seconds(taskrun["spec"].get("timeout", "0"))
            if limit:
                attempt.timer = self._loop.call_later(limit, lambda: self._look(*key))
            self._attempts[key] = attempt
        return attempt

    @staticmethod
    def _retried(taskrun: Obj) -> int:
        return len(taskrun["status"].get("retriesStatus") or ())

    def _now(self) -> str:
        return rfc3339(self._clock.now_ms())


def find_task(store: Store, namespace: str, reference: Obj) -> Obj:
    """The spec of a Task object.

    Raises:
        UnsupportedError: a resolver, a bundle, or another kind of task.
        ValueError: there is no such Task.
    """
    if reference.get("resolver"):
        raise unsupported(f'taskRef with resolver "{reference["resolver"]}"')
    if reference.get("bundle"):
        raise unsupported("taskRef with bundle")
    api_version, kind = str(reference.get("apiVersion") or "tekton.dev/v1"), str(reference.get("kind") or "Task")
    if not api_version.startswith("tekton.dev/") or kind != "Task":
        raise unsupported(f"taskRef to {api_version} {kind}")
    name = str(reference.get("name") or "")
    found = store.read(resources.TASKS, namespace, name)
    if found is None:
        raise ValueError(f'tasks.tekton.dev "{name}" not found')
    return dict(clone(found["spec"]))
