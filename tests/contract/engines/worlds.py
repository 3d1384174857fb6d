"""Where the contract of an engine is tested: in memory, against a scripted API, and on the embedded cluster."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any, Protocol

from tests.contract.engines.scripted_api import ScriptedApi, status
from tests.fakes.engine import MemoryClusters

from prowless.adapters.kubernetes.clusters import KubernetesClusters
from prowless.domain.clusters import Cluster
from prowless.domain.errors import ClusterUnreachableError, PermanentError
from prowless.domain.prowjob import ProwJobSpec, header
from prowless.domain.refs import JobType
from prowless.domain.render import render
from prowless.ports.engine import Engine, ObjectRef, RunPhase

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prowless_local.cluster import EmbeddedCluster

PATIENCE = 30.0
STARTED, FINISHED = "2026-09-21T14:13:20Z", "2026-09-21T14:13:25Z"
SCRIPTS = {
    "succeeds": "echo hello; echo done",
    "fails": "echo broken; exit 3",
    "waits": "exec sleep 600",
}
LOGS = {"succeeds": b"hello\ndone\n", "fails": b"broken\n", "waits": b""}
CODES = {"succeeds": 0, "fails": 3}


class World(Protocol):
    """One engine, with a way to make its runs go on."""

    kind: str
    engine: Engine

    def start(self, ref: ObjectRef, work: str) -> None:
        """Have the run run."""

    def finish(self, ref: ObjectRef, work: str) -> None:
        """Have the run end, as its work makes it end or as it was asked to."""

    def outage(self) -> contextlib.AbstractContextManager[None]:
        """Meanwhile the cluster does not answer."""

    def refusal(self, message: str) -> contextlib.AbstractContextManager[None]:
        """Meanwhile the cluster refuses everything, with that message."""


def manifest(kind: str, prowjob: str, work: str) -> dict[str, Any]:
    """What a job that does this work is rendered to."""
    container = {"image": "busybox", "command": ["sh", "-c"], "args": [SCRIPTS[work]]}
    fields: dict[str, Any] = {"pod_spec": {"containers": [container]}}
    if kind == "PipelineRun":
        step = {"name": "main", "image": "busybox", "script": f"#!/bin/sh\n{SCRIPTS[work]}\n"}
        pipeline = {"tasks": [{"name": "unit", "taskSpec": {"steps": [step]}}]}
        fields = {"agent": "tekton-pipeline", "pipeline_run_spec": {"pipelineSpec": pipeline}}
    spec = ProwJobSpec(type=JobType.PERIODIC, job="unit", **fields)
    job = header(spec, prowjob=prowjob, build_id="75", cause="c", delivery="", created_at=1)
    return render(spec, job, cluster("pod" if kind == "Pod" else "argo"), timeout_seconds=600)


def cluster(engine: str = "argo") -> Cluster:
    return Cluster(alias="default", namespace="test-pods", engine=engine)


class MemoryWorld:
    """The engine in memory."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.engine = MemoryClusters().engine(cluster(), kind)

    def start(self, ref: ObjectRef, work: str) -> None:
        self.engine.start(ref.name)

    def finish(self, ref: ObjectRef, work: str) -> None:
        if work in CODES:
            phase = RunPhase.SUCCESS if work == "succeeds" else RunPhase.FAILURE
            self.engine.finish(ref.name, phase, log=LOGS[work], exit_code=CODES[work])

    @contextlib.contextmanager
    def outage(self) -> Iterator[None]:
        self.engine.fault = ClusterUnreachableError("connection refused")
        yield
        self.engine.fault = None

    @contextlib.contextmanager
    def refusal(self, message: str) -> Iterator[None]:
        self.engine.fault = PermanentError(message)
        yield
        self.engine.fault = None


class ScriptedWorld:
    """The real adapters over an API whose statuses the test writes, as the controllers would."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.api = ScriptedApi()
        clusters = KubernetesClusters(token=lambda _: "t0ken", endpoint=lambda _: (self.api.url, ""))
        self.engine: Engine = clusters.engine(cluster(), kind)

    def start(self, ref: ObjectRef, work: str) -> None:
        self._write(ref, "Running")

    def finish(self, ref: ObjectRef, work: str) -> None:
        stored = self._stored(ref)
        if work == "waits" and stored is None:
            return  # a pod that was stopped is gone
        self._write(ref, "Succeeded" if work == "succeeds" else "Failed", CODES.get(work, 143), LOGS[work])

    @contextlib.contextmanager
    def outage(self) -> Iterator[None]:
        self.api.answer = lambda method, path: (503, status(503, "ServiceUnavailable", "etcd is away"))
        yield
        self.api.answer = None

    @contextlib.contextmanager
    def refusal(self, message: str) -> Iterator[None]:
        self.api.answer = lambda method, path: (403, status(403, "Forbidden", message))
        yield
        self.api.answer = None

    def close(self) -> None:
        self.api.close()

    def _stored(self, ref: ObjectRef) -> dict[str, Any] | None:
        found = [stored for path, stored in self.api.objects.items() if path.endswith(f"/{ref.name}")]
        return next((stored for stored in found if stored["kind"] == ref.kind), None)

    def _write(self, ref: ObjectRef, phase: str, code: int | None = None, log: bytes = b"") -> None:
        stored = self._stored(ref)
        assert stored is not None
        pod, container = self._pod(ref, stored)
        state = {"running": {"startedAt": STARTED}}
        if code is not None:
            state = {"terminated": {"startedAt": STARTED, "finishedAt": FINISHED, "exitCode": code}}
            self.api.logs[pod["metadata"]["name"], container] = log
        pod["status"] = {
            "phase": phase,
            "startTime": STARTED,
            "containerStatuses": [{"name": "sidecar", "state": state}, {"name": container, "state": state}],
        }
        ended = {"finishedAt": FINISHED} if code is not None else {}
        if self.kind == "Workflow":
            node = {"id": ref.name, "name": ref.name, "phase": phase, "startedAt": STARTED, **ended}
            stored["status"] = {"phase": phase, "startedAt": STARTED, **ended, "nodes": {ref.name: node}}
        elif self.kind == "PipelineRun":
            value = {"Running": "Unknown", "Succeeded": "True", "Failed": "False"}[phase]
            stored["status"] = {
                "startTime": STARTED,
                "conditions": [{"type": "Succeeded", "status": value, "reason": phase}],
                **({"completionTime": FINISHED} if ended else {}),
            }

    def _pod(self, ref: ObjectRef, stored: dict[str, Any]) -> tuple[dict[str, Any], str]:
        if self.kind == "Pod":
            return stored, "test"
        name = f"{ref.name}-pod"
        path = f"/api/v1/namespaces/test-pods/pods/{name}"
        labels, container, own = {
            "Workflow": ({"workflows.argoproj.io/workflow": ref.name}, "main", "wait"),
            "PipelineRun": ({"tekton.dev/pipelineRun": ref.name, "tekton.dev/pipelineTask": "unit"}, "step-main", "x"),
        }[self.kind]
        self.api.objects.setdefault(
            path,
            {
                "metadata": {"name": name, "labels": labels},
                "spec": {"containers": [{"name": own}, {"name": container}]},
            },
        )
        return self.api.objects[path], container


class EmbeddedWorld:
    """The real adapters on the embedded cluster, which carries the jobs out."""

    def __init__(self, kind: str, embedded: EmbeddedCluster) -> None:
        self.kind = kind
        self.embedded = embedded
        clusters = KubernetesClusters(token=lambda _: embedded.token, endpoint=lambda _: (embedded.url, embedded.ca))
        self.engine: Engine = clusters.engine(cluster(), kind)

    def start(self, ref: ObjectRef, work: str) -> None:
        self._until(ref, lambda seen: seen is not None and seen.phase is not RunPhase.PENDING)

    def finish(self, ref: ObjectRef, work: str) -> None:
        self._until(ref, lambda seen: seen is None or seen.terminal)

    def outage(self) -> contextlib.AbstractContextManager[None]:
        return self.embedded.outage("refused")

    @contextlib.contextmanager
    def refusal(self, message: str) -> Iterator[None]:
        self.embedded.fault = lambda method, path: (403, status(403, "Forbidden", message))
        yield
        self.embedded.fault = None

    def _until(self, ref: ObjectRef, reached: Any) -> None:
        until = time.monotonic() + PATIENCE
        while not reached(seen := self.engine.observe(ref)):
            assert time.monotonic() < until, f"still {seen}"
            time.sleep(0.02)
