"""Pods that wait too long (`pkg/plank/reconciler.go:560-600`)."""

from dataclasses import replace

import pytest

from prowless.domain.clusters import Cluster
from prowless.domain.config.central import CentralConfig
from prowless.domain.prowjob import Phase, ProwJobSpec, State, header
from prowless.domain.refs import JobType
from prowless.usecases.poll import PollRun
from prowless.usecases.runs import Runs
from tests.fakes.clock import NOW, FixedClock
from tests.fakes.config import FixedConfig
from tests.fakes.engine import MemoryClusters
from tests.fakes.flow import MemoryStarter
from tests.fakes.stores import MemoryObjects, MemoryProwJobs

MINUTE = 60_000
CENTRAL = CentralConfig(
    clusters={"default": Cluster(alias="default")},
    pod_unscheduled_timeout_ms=5 * MINUTE,
    pod_pending_timeout_ms=10 * MINUTE,
)


class World:
    def __init__(self, agent="kubernetes", **decoration):
        self.clusters, self.starter, self.prowjobs = MemoryClusters(), MemoryStarter(), MemoryProwJobs()
        runs = Runs(self.prowjobs, MemoryObjects())
        self.look = PollRun(
            runs=runs,
            config=FixedConfig(central=CENTRAL),
            clusters=self.clusters,
            starter=self.starter,
            clock=FixedClock(),
        )
        spec = ProwJobSpec(type=JobType.PERIODIC, job="unit", agent=agent, decoration_config=decoration)
        row = header(spec, prowjob="x", build_id="5", cause="c", delivery="", created_at=NOW)
        self.engine = self.clusters.engine(CENTRAL.clusters["default"], "Workflow")
        metadata = {"name": "x", "namespace": "default", "labels": {"prow.k8s.io/id": "x"}}
        ref = self.engine.create({"kind": "Workflow", "metadata": metadata}, "x")
        runs.keep_spec("x", spec)
        self.prowjobs.create(
            replace(row, phase=Phase.STARTED, object=ref.to_dict(), deadline_at=NOW + 24 * 60 * MINUTE)
        )

    def poll(self, **waiting):
        for name, since in waiting.items():
            setattr(self.engine.runs["x"], name, since)
        self.starter.open_wait("t")
        self.look("x", "t")
        return self.starter.woken.get("t", {}).get("outcome", ""), self.prowjobs.get("x")


@pytest.mark.parametrize(
    ("decoration", "waiting", "minutes", "text"),
    [
        ({}, "unscheduled_since", 5, "Pod scheduling timeout."),
        ({"pod_unscheduled_timeout": "1h"}, "unscheduled_since", 60, "Pod scheduling timeout."),
        ({}, "pending_since", 10, "Pod pending timeout."),
        ({"pod_pending_timeout": "1m"}, "pending_since", 1, "Pod pending timeout."),
    ],
)
def test_a_pod_that_waits_too_long_is_given_up(decoration, waiting, minutes, text):
    outcome, row = World(**decoration).poll(**{waiting: NOW - minutes * MINUTE})
    assert (outcome, row.state, row.description, row.stop_reason) == ("stop", State.ERROR, text, text)
    outcome, row = World(**decoration).poll(**{waiting: NOW - minutes * MINUTE + 1})
    assert (outcome, row.state) == ("", State.TRIGGERED)


def test_the_limits_of_pods_are_not_those_of_pipelines():
    assert World(agent="tekton-pipeline").poll(pending_since=1)[0] == ""


def test_a_run_that_has_its_result_keeps_it():
    world = World()
    world.prowjobs.mutate("x", lambda row: replace(row, state=State.FAILURE, description="Job failed."))
    outcome, row = world.poll(pending_since=1)
    assert (outcome, row.state, row.description) == ("stop", State.FAILURE, "Job failed.")
    assert row.stop_reason == "Pod pending timeout."
