"""The pod controller: runs every Pod object, and serves their logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prowless_local.cluster import resources
from prowless_local.cluster.api_errors import ApiError, bad_request
from prowless_local.cluster.listing import number
from prowless_local.cluster.logs import LogQuery
from prowless_local.cluster.objects import Obj, deleting, epoch_ms, name_of, uid_of
from prowless_local.cluster.pod_run import PodHost, PodRun
from prowless_local.cluster.wiring import PLAIN, Wiring

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prowless_local.cluster.store import Change

_TRUE = frozenset({"true", "1"})


class PodController:
    """Starts a run for each new pod, ends it when the pod is deleted."""

    def __init__(self, host: PodHost) -> None:
        self._host = host
        self._runs: dict[str, PodRun] = {}
        self._wirings: dict[tuple[str, str], Wiring] = {}
        host.store.subscribe(self._told)

    def create(self, pod: Obj, wiring: Wiring) -> Obj:
        """Create an engine's pod with its wiring. Called on the loop.

        Raises:
            ApiError: 409, the name is taken.
        """
        namespace, name = pod["metadata"]["namespace"], name_of(pod)
        self._wirings[namespace, name] = wiring
        try:
            return self._host.store.create(resources.PODS, namespace, pod)
        except ApiError:
            del self._wirings[namespace, name]
            raise

    def stop(self, pod: Obj) -> None:
        """End a pod's containers, with its grace period, and keep the pod. Called on the loop."""
        run = self._runs.get(uid_of(pod))
        if run is not None and not run.over:
            run.stop(float(pod["spec"].get("terminationGracePeriodSeconds", 30)))

    def logs(self, pod: Obj, query: Mapping[str, str]) -> Iterator[bytes]:
        """A container's log, as `GET …/log` asks for it. Safe from any thread.

        Raises:
            ApiError: 400, no such container, or it has not started.
        """
        names = [c["name"] for c in (*pod["spec"]["containers"], *(pod["spec"].get("initContainers") or ()))]
        wanted = query.get("container") or ""
        if not wanted:
            if len(pod["spec"]["containers"]) > 1:
                choose = " ".join(names)
                raise bad_request(
                    f"a container name must be specified for pod {name_of(pod)}, choose one of: [{choose}]"
                )
            wanted = names[0]
        if wanted not in names:
            raise bad_request(f"container {wanted} is not valid for pod {name_of(pod)}")
        if query.get("previous") in _TRUE:
            raise bad_request(f'previous terminated container "{wanted}" in pod "{name_of(pod)}" not found')
        run = self._runs.get(uid_of(pod))
        record = run.container(wanted) if run else None
        if record is None or record.log is None:
            state = record.state if record else {}
            reason = (state.get("waiting") or {}).get("reason", "ContainerCreating")
            raise bad_request(f'container "{wanted}" in pod "{name_of(pod)}" is waiting to start: {reason}')
        return record.log.read(_log_query(query, self._host.clock.now_ms()))

    def abandon(self) -> list[PodRun]:
        """Kill everything; returns the runs, to be joined. Called on the loop."""
        runs = list(self._runs.values())
        for run in runs:
            run.abandon()
        return runs

    def _told(self, change: Change) -> None:
        resource, loop = change.key.resource, self._host.loop
        if resource is resources.PODS:
            if change.type == "ADDED":
                loop.post(lambda: self._start(change.obj))
            elif change.type == "DELETED":
                loop.post(lambda: self._gone(change.obj))
            elif deleting(change.obj):
                loop.post(lambda: self._delete(change.obj))
        elif resource in {resources.SECRETS, resources.CONFIGMAPS} and change.type != "DELETED":
            loop.post(lambda: self._inputs_changed(change.key.namespace))

    def _start(self, pod: Obj) -> None:
        key = (pod["metadata"]["namespace"], name_of(pod))
        run = PodRun(pod, self._wirings.pop(key, PLAIN), self._host)
        self._runs[uid_of(pod)] = run
        if self._host.store.read(resources.PODS, *key) is not None:
            run.start()

    def _delete(self, pod: Obj) -> None:
        run = self._runs.get(uid_of(pod))
        if run is not None:
            run.delete(float(pod["metadata"].get("deletionGracePeriodSeconds", 0)))

    def _gone(self, pod: Obj) -> None:
        run = self._runs.pop(uid_of(pod), None)
        if run is not None:
            run.abandon()

    def _inputs_changed(self, namespace: str) -> None:
        for run in list(self._runs.values()):
            if run.key.namespace == namespace:
                run.proceed()


def _log_query(query: Mapping[str, str], now_ms: int) -> LogQuery:
    since = None
    if seconds := number(query, "sinceSeconds"):
        since = now_ms - seconds * 1000
    if stamp := query.get("sinceTime"):
        try:
            since = epoch_ms(stamp)
        except ValueError as exc:
            raise bad_request(f"invalid sinceTime {stamp!r}") from exc
    return LogQuery(
        follow=query.get("follow") in _TRUE,
        tail_lines=number(query, "tailLines"),
        limit_bytes=number(query, "limitBytes"),
        since_ms=since,
        timestamps=query.get("timestamps") in _TRUE,
    )
