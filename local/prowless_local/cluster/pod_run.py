"""One pod from its creation to its end: init containers one by one, the others together, as they are wired."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from prowless_local.cluster import resources
from prowless_local.cluster.objects import Obj, name_of, namespace_of, rfc3339, uid_of
from prowless_local.cluster.pod_inputs import NotYetError, environment, expanded, materialize, mounts
from prowless_local.cluster.pod_records import ContainerRecord, container_status, remove_tree
from prowless_local.cluster.pod_support import UnsupportedError, check_pod
from prowless_local.cluster.runners import ContainerPlan, Exit, ScriptFile, output_mounts
from prowless_local.cluster.store import Key
from prowless_local.cluster.wiring import Ended, Wiring

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from prowless_local.clock import Clock
    from prowless_local.cluster.logs import LogFile
    from prowless_local.cluster.loop import Loop
    from prowless_local.cluster.runners import Runner
    from prowless_local.cluster.store import Store
    from prowless_local.waiting import Timer

_GRACE_SECONDS = 30


@dataclass(slots=True)
class PodHost:
    """What pods run on. `scratch` holds their files, `say_facts` tells the user once what running means here."""

    store: Store
    loop: Loop
    clock: Clock
    runner: Runner
    scratch: Path
    new_log: Callable[[Path], LogFile]
    note: Callable[[str], None]
    say_facts: Callable[[], None]


class PodRun:
    """The state machine of one pod. All methods are called on the loop."""

    def __init__(self, pod: Obj, wiring: Wiring, host: PodHost) -> None:
        self.pod = pod
        self.key = Key(resource=resources.PODS, namespace=namespace_of(pod), name=name_of(pod))
        self._wiring = wiring
        self._host = host
        spec = pod["spec"]
        self._inits = [ContainerRecord(c["name"], c, init=True) for c in spec.get("initContainers") or ()]
        self._mains = [ContainerRecord(c["name"], c) for c in spec["containers"]]
        self._base = host.scratch / "pods" / uid_of(pod)
        self._logs = host.scratch / "logs" / uid_of(pod)
        self._phase = "Pending"
        self._reason = self._message = ""
        self._waiting_said = False
        self._materialized = False
        self._stopping = False
        self._deleted = False
        self._deletion_grace = float("inf")
        self._timers: list[Timer] = []

    @property
    def over(self) -> bool:
        """Whether the pod has ended."""
        return self._phase in {"Succeeded", "Failed"}

    def container(self, name: str) -> ContainerRecord | None:
        """A container by name."""
        return next((record for record in (*self._inits, *self._mains) if record.name == name), None)

    def start(self) -> None:
        """Check it, then start what can be started."""
        try:
            check_pod(self.pod["spec"], needs_command=self._host.runner.needs_command)
        except UnsupportedError as exc:
            self._fail(str(exc))
            return
        deadline = self.pod["spec"].get("activeDeadlineSeconds")
        if deadline is not None:
            self._timers.append(self._host.loop.call_later(float(deadline), self._deadline_passed))
        self.proceed()

    def proceed(self) -> None:
        """Start whatever can start now; called again whenever something it may wait for has changed."""
        if self.over or self._stopping:
            return
        try:
            if not self._materialized:
                materialize(self._host.store, self.pod, self._base / "volumes")
                self._materialized = True
            self._start_next()
        except NotYetError as exc:
            self._wait_for(exc)
        except UnsupportedError as exc:
            self._fail(str(exc))
            return
        except OSError as exc:
            self._fail(f"the pod's files cannot be prepared: {exc}")
            return
        self._publish()

    def stop(self, grace_seconds: float) -> None:
        """End the containers: SIGTERM now, SIGKILL after the grace; nothing else starts."""
        self._stopping = True
        alive = [record for record in (*self._inits, *self._mains) if record.running and record.execution]
        for record in alive:
            self._terminate(record, grace_seconds)
        if not alive:
            self._finish_if_over()

    def delete(self, grace_seconds: float) -> None:
        """End the containers, then take the pod away."""
        if self._deleted and grace_seconds >= self._deletion_grace:
            return
        self._deleted = True
        self._deletion_grace = grace_seconds
        if self.over:
            self._remove()
        else:
            self.stop(grace_seconds)

    def abandon(self) -> None:
        """Kill everything without a word: the pod object is gone, or the cluster closes."""
        self._stopping = True
        self._deleted = True
        self._cancel_timers()
        for record in (*self._inits, *self._mains):
            if record.running and record.execution:
                record.execution.kill()
        if not any(record.running for record in (*self._inits, *self._mains)):
            self.forget()

    def join(self, seconds: float) -> None:
        """Wait for the ends of its containers, after `abandon`. Not on the loop."""
        for record in (*self._inits, *self._mains):
            if record.execution is not None:
                record.execution.join(seconds)

    def forget(self) -> None:
        """Remove the logs and files."""
        for record in (*self._inits, *self._mains):
            if record.log is not None:
                record.log.delete()
        self._clean(self._logs, self._base)

    def _start_next(self) -> None:
        for record in self._inits:
            if record.exit is None:
                if not record.started:
                    self._launch(record)
                return
            if record.exit.code:
                return
        if self._phase == "Pending":
            self._open_mains()
        for record in self._mains:
            if not record.started and record.exit is None and self._may_start(record):
                self._launch(record)

    def _open_mains(self) -> None:
        """From now on the pod counts as running, and so do containers that only wait for their turn in it."""
        for record in self._mains:
            if self._wiring.after.get(record.name):
                record.log = self._host.new_log(self._logs / f"{record.name}.log")
                record.state = {"running": {"startedAt": self._now()}}

    def _may_start(self, record: ContainerRecord) -> bool:
        """Whether its turn has come; if a dependency failed, its turn is over instead."""
        for name in self._wiring.after.get(record.name, ()):
            dependency = self.container(name)
            if dependency is None or dependency.exit is None:
                return False
            if dependency.exit.code:
                self._record_exit(record, self._wiring.skipped(name, dependency.exit))
                if record.log is not None:
                    record.log.close()
                self._host.loop.post(self._after_exit)
                return False
        return True

    def _launch(self, record: ContainerRecord) -> None:
        plan = self._plan(record)
        self._host.say_facts()
        record.started = True
        record.state = {"running": {"startedAt": self._now()}}
        if not record.init:
            self._phase = "Running"

        def ended(exit_: Exit) -> None:
            self._host.loop.post(lambda: self._ended(record, plan, exit_))

        seconds = self._wiring.timeouts.get(record.name)
        if seconds is not None:
            self._timers.append(self._host.loop.call_later(seconds, lambda: self._time_out(record)))
        record.execution = self._host.runner.launch(plan, self._host.clock, ended)

    def _plan(self, record: ContainerRecord) -> ContainerPlan:
        spec, volumes = record.spec, self._base / "volumes"
        env = environment(self._host.store, self.pod, spec)
        found = mounts(self.pod, spec, volumes, env)
        if record.log is None:
            record.log = self._host.new_log(self._logs / f"{record.name}.log")
        plan = ContainerPlan(
            namespace=self.key.namespace,
            pod=self.key.name,
            container=record.name,
            image=spec.get("image", ""),
            command=tuple(expanded(item, env) for item in spec.get("command") or ()),
            args=tuple(expanded(item, env) for item in spec.get("args") or ()),
            env=env,
            working_dir=spec.get("workingDir") or "",
            mounts=found,
            scripts=tuple(
                ScriptFile(local=volumes / script.volume / script.file, source=script.source)
                for script in self._wiring.scripts
                if script.container == record.name
            ),
            root=self._base / "containers" / record.name,
            home=self._base / "home",
            log=record.log,
            capture_stdout=record.name in self._wiring.captured,
        )
        unmounted = tuple(path for path in self._wiring.outputs.get(record.name, ()) if plan.local_path(path) is None)
        return plan.with_outputs(output_mounts(unmounted, self._base / "outputs" / record.name))

    def _ended(self, record: ContainerRecord, plan: ContainerPlan, exit_: Exit) -> None:
        """A container's processes are gone."""

        def read(path: str, limit: int) -> bytes | None:
            local = plan.local_path(path)
            if local is None or not local.is_file():
                return None
            with local.open("rb") as file:
                return file.read(limit)

        if not self._deleted:
            ended = Ended(container=record.name, exit=exit_, read=read, timed_out=record.timed_out)
            exit_ = self._wiring.on_exit(ended)
        self._record_exit(record, exit_)
        self._after_exit()

    def _record_exit(self, record: ContainerRecord, exit_: Exit) -> None:
        started = (record.state.get("running") or {}).get("startedAt", self._now())
        record.exit = exit_
        terminated = {
            "exitCode": exit_.code,
            "reason": exit_.reason or ("Error" if exit_.code else "Completed"),
            "startedAt": started,
            "finishedAt": self._now(),
            "containerID": f"embedded://{uid_of(self.pod)}/{record.name}",
        }
        if exit_.message:
            terminated["message"] = exit_.message
        record.state = {"terminated": terminated}

    def _after_exit(self) -> None:
        regular = [record for record in self._mains if record.name not in self._wiring.sidecars]
        if all(record.exit is not None for record in regular):
            for record in self._mains:
                if record.running and record.execution and record.name in self._wiring.sidecars:
                    self._terminate(record, self._grace())
        if not self._stopping:
            self.proceed()
        self._finish_if_over()

    def _finish_if_over(self) -> None:
        records = (*self._inits, *self._mains)
        if self.over or any(record.running for record in records):
            return
        failed_init = any(record.exit is not None and record.exit.code for record in self._inits)
        done = all(record.exit is not None for record in records)
        if not (done or failed_init or self._stopping):
            return
        good = done and not self._reason and all(r.exit is not None and r.exit.code == 0 for r in records)
        self._phase = "Succeeded" if good else "Failed"
        self._cancel_timers()
        for record in records:
            if record.log is not None:
                record.log.close()
        self._publish()
        if self._deleted:
            self._remove()
        else:
            self._clean(self._base)

    def _fail(self, message: str) -> None:
        self._reason, self._message = "Unsupported", message
        self._host.note(f"pod {self.key.namespace}/{self.key.name} fails: {message}")
        self.stop(0)

    def _deadline_passed(self) -> None:
        if not self.over and not self._stopping:
            self._reason = "DeadlineExceeded"
            self._message = "Pod was active on the node longer than the specified deadline"
            self.stop(self._grace())

    def _time_out(self, record: ContainerRecord) -> None:
        if record.running and record.execution:
            record.timed_out = True
            record.execution.kill()

    def _terminate(self, record: ContainerRecord, grace_seconds: float) -> None:
        execution = record.execution
        if execution is None:
            return
        if grace_seconds <= 0:
            execution.kill()
            return
        execution.terminate()

        def kill() -> None:
            if record.running:
                execution.kill()

        self._timers.append(self._host.loop.call_later(grace_seconds, kill))

    def _wait_for(self, missing: NotYetError) -> None:
        for record in (*self._inits, *self._mains):
            if not record.started and record.exit is None and "running" not in record.state:
                record.state = {"waiting": {"reason": missing.reason, "message": str(missing)}}
        if not self._waiting_said:
            self._waiting_said = True
            self._host.note(f"pod {self.key.namespace}/{self.key.name} waits: {missing}")

    def _remove(self) -> None:
        self._host.store.remove(self.key, uid_of(self.pod))
        self.forget()

    def _clean(self, *directories: Path) -> None:
        def clean() -> None:
            for directory in directories:
                remove_tree(directory)

        self._host.clock.spawn(clean, "clean up")

    def _cancel_timers(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def _grace(self) -> float:
        return float(self.pod["spec"].get("terminationGracePeriodSeconds", _GRACE_SECONDS))

    def _now(self) -> str:
        return rfc3339(self._host.clock.now_ms())

    def _publish(self) -> None:
        self._host.store.mutate(self.key, uid_of(self.pod), self._write_status)

    def _write_status(self, pod: Obj) -> None:
        status = pod.setdefault("status", {})
        status.setdefault("startTime", self._now())
        status.update({"phase": self._phase, "hostIP": "127.0.0.1", "podIP": "127.0.0.1", "qosClass": "BestEffort"})
        if self._reason and self.over:
            status.update({"reason": self._reason, "message": self._message})
        if self._inits:
            status["initContainerStatuses"] = [container_status(record) for record in self._inits]
        status["containerStatuses"] = [container_status(record) for record in self._mains]
        pod["spec"]["nodeName"] = "embedded"
