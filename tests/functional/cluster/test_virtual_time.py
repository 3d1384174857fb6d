"""Long jobs on a virtual clock, by scripted containers."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
import yaml
from tests.functional.cluster.kube import NAMESPACE, Kube, ended, node, succeeded

from prowless_local.clock import VirtualClock
from prowless_local.cluster import ContainerPlan, EmbeddedCluster, Scripted, ScriptedRunner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import Any

HOUR = 3600
Scripts = dict[str, "Callable[[ContainerPlan], Scripted] | Scripted"]


@pytest.fixture
def clock() -> Iterator[VirtualClock]:
    clock = VirtualClock()
    yield clock
    clock.close()


@pytest.fixture
def scripts() -> Scripts:
    """What containers do, by the first word of their command."""
    return {}


@pytest.fixture
def kube(clock: VirtualClock, scripts: Scripts, tmp_path: Path) -> Iterator[Kube]:
    def script(plan: ContainerPlan) -> Scripted:
        found = scripts[plan.command[0]]
        return found(plan) if callable(found) else found

    with EmbeddedCluster(scratch=tmp_path, clock=clock, runner=ScriptedRunner(script)) as cluster:
        made = Kube(cluster)
        yield made
        made.close()


def finish(kube: Kube, clock: VirtualClock, made: dict[str, Any], seconds: float) -> dict[str, Any]:
    """Let time pass until the object has ended, at most that many seconds."""
    kind, name = made["kind"], made["metadata"]["name"]
    assert clock.run_until(lambda: bool(kube.cluster.ended_at(kind, NAMESPACE, name)), seconds)
    return kube.get(kind, name)


def workflow(kube: Kube, spec: str) -> dict[str, Any]:
    return kube.create({"spec": yaml.safe_load(spec)}, "Workflow") | {"kind": "Workflow"}


def test_a_job_of_a_day_takes_a_day_of_the_clock(kube: Kube, clock: VirtualClock, scripts: Scripts) -> None:
    scripts["build"] = Scripted(seconds=24 * HOUR, log="done\n")
    began = clock.now_ms()
    made = workflow(kube, "entrypoint: m\ntemplates: [{name: m, container: {image: x, command: [build]}}]")
    assert not clock.run_until(lambda: ended(kube.get("Workflow", made["metadata"]["name"])), 23 * HOUR)
    found = finish(kube, clock, made, 2 * HOUR)
    assert found["status"]["phase"] == "Succeeded"
    assert clock.now_ms() - began == 24 * HOUR * 1000
    assert kube.node_log(found, made["metadata"]["name"]) == "done\n"


def test_deadlines_are_the_clocks(kube: Kube, clock: VirtualClock, scripts: Scripts) -> None:
    scripts["build"] = Scripted(seconds=100 * HOUR)
    made = workflow(
        kube,
        f"entrypoint: m\nactiveDeadlineSeconds: {24 * HOUR}\n"
        "templates: [{name: m, container: {image: x, command: [build]}}]",
    )
    began = clock.now_ms()
    found = finish(kube, clock, made, 25 * HOUR)
    assert (found["status"]["phase"], found["status"]["message"]) == ("Failed", "Step exceeded its deadline")
    assert clock.now_ms() - began == 24 * HOUR * 1000


def test_back_off_waits_on_the_clock(kube: Kube, clock: VirtualClock, scripts: Scripts) -> None:
    attempts: list[int] = []

    def flaky(plan: ContainerPlan) -> Scripted:
        attempts.append(clock.now_ms())
        return Scripted(seconds=10, code=0 if len(attempts) == 4 else 1)

    scripts["flaky"] = flaky
    made = workflow(
        kube,
        "entrypoint: m\ntemplates: [{name: m, container: {image: x, command: [flaky]},"
        ' retryStrategy: {limit: "5", backoff: {duration: 1m, factor: "2", cap: 3m}}}]',
    )
    found = finish(kube, clock, made, HOUR)
    assert found["status"]["phase"] == "Succeeded"
    waits = [(later - earlier) // 1000 - 10 for earlier, later in itertools.pairwise(attempts)]
    assert waits == [60, 120, 180]


def test_back_off_ends_with_its_longest_duration(kube: Kube, clock: VirtualClock, scripts: Scripts) -> None:
    scripts["bad"] = Scripted(seconds=10, code=1)
    made = workflow(
        kube,
        "entrypoint: m\ntemplates: [{name: m, container: {image: x, command: [bad]},"
        " retryStrategy: {backoff: {duration: 1m, factor: 2, maxDuration: 5m}}}]",
    )
    found = finish(kube, clock, made, HOUR)
    assert found["status"]["message"] == "Backoff would exceed max duration limit"
    assert len(found["status"]["nodes"]) == 4


def test_a_pod_deadline_terminates_then_kills(kube: Kube, clock: VirtualClock, scripts: Scripts) -> None:
    scripts["stubborn"] = Scripted(seconds=HOUR)
    made = kube.create(
        yaml.safe_load(
            """
            spec:
              restartPolicy: Never
              activeDeadlineSeconds: 60
              containers: [{name: m, image: x, command: [stubborn]}]
            """
        ),
        "Pod",
    ) | {"kind": "Pod"}
    found = finish(kube, clock, made, 61)
    assert found["status"]["reason"] == "DeadlineExceeded"
    assert found["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 143


@pytest.mark.parametrize(
    ("timeouts", "reason"),
    [
        ({}, "TaskRunCancelled"),  # both after an hour, the run is asked first
        ({"pipeline": "48h"}, "TaskRunTimeout"),
        ({"pipeline": "48h", "tasks": "47h"}, "Succeeded"),
        ({"pipeline": "0", "tasks": "0"}, "Succeeded"),
        ({"pipeline": "20h", "tasks": "0"}, "TaskRunCancelled"),
    ],
)
def test_a_task_of_a_day_needs_timeouts_of_more(
    kube: Kube, clock: VirtualClock, scripts: Scripts, timeouts: dict[str, str], reason: str
) -> None:
    scripts["build"] = Scripted(seconds=24 * HOUR)
    spec = "pipelineSpec: {tasks: [{name: t, taskSpec: {steps: [{image: x, command: [build]}]}}]}"
    run = kube.create({"spec": {"timeouts": timeouts, **yaml.safe_load(spec)}}, "PipelineRun")
    clock.advance(25 * HOUR)
    assert succeeded(kube.get("TaskRun", f"{run['metadata']['name']}-t"))["reason"] == reason
    assert ended(kube.get("PipelineRun", run["metadata"]["name"]))


def test_scripted_files_are_results(kube: Kube, clock: VirtualClock, scripts: Scripts) -> None:
    scripts["make"] = Scripted(seconds=5, files={"/tekton/results/r": "value", "/tmp/p": "param\n"})
    run = kube.create(
        {
            "spec": yaml.safe_load(
                "pipelineSpec: {results: [{name: r, value: $(tasks.t.results.r)}],"
                " tasks: [{name: t, taskSpec: {results: [{name: r}], steps: [{image: x, command: [make]}]}}]}"
            )
        },
        "PipelineRun",
    )
    assert finish(kube, clock, run, 60)["status"]["results"] == [{"name": "r", "value": "value"}]
    made = workflow(
        kube,
        "entrypoint: m\ntemplates: [{name: m, container: {image: x, command: [make]},"
        " outputs: {parameters: [{name: p, valueFrom: {path: /tmp/p}}]}}]",
    )
    found = finish(kube, clock, made, 60)
    assert node(found, made["metadata"]["name"])["outputs"]["parameters"][0]["value"] == "param"
