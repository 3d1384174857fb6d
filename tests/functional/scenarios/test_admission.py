"""Limits hold, what waits is let in in order, and a place that becomes free is taken at once."""

from __future__ import annotations

import pytest
from tests.functional.scenarios.world import HOUR, MINUTE, presubmit

from prowless.domain.prowjob import Phase
from prowless_local.aws import Killed
from prowless_local.cluster import Scripted

JOB_COUNTER = "counter#job#presubmit#acme/calculator#unit"

LIMITS = {
    "max_concurrency": ({"presubmits": [presubmit(max_concurrency=2)]}, JOB_COUNTER),
    "the cluster's cap": ({"clusters": {"default": {"max_concurrency": 2}}}, "counter#cluster#default"),
    "plank's limit": ({"central": {"plank": {"max_concurrency": 2}}}, "counter#total"),
    "a queue": (
        {
            "presubmits": [presubmit(job_queue_name="scarce")],
            "central": {"plank": {"job_queue_capacities": {"scarce": 2}}},
        },
        "counter#queue#scarce",
    ),
}


@pytest.mark.parametrize("limit", LIMITS)
def test_no_more_than_the_limit_run_and_the_others_follow_in_order(start, limit):
    config, counter = LIMITS[limit]
    world = start(**config)
    pulls = []
    for _ in range(5):
        pulls.append(world.open_pull())
        world.pass_time(0.5)
    assert world.counters()[counter] == 2
    assert [pull.run().phase for pull in pulls] == [Phase.STARTED] * 2 + [Phase.WAITING] * 3
    assert [pull.state() for pull in pulls] == ["pending"] * 2 + [""] * 3
    world.rest()
    assert [pull.state() for pull in pulls] == ["success"] * 5
    assert world.busiest["default"] == 2
    assert [name for _, _, name in world.created] == [pull.run().id for pull in pulls]
    assert world.counters() == {counter: 0}


def test_a_place_that_becomes_free_is_taken_without_waiting_for_anything(start):
    world = start(presubmits=[presubmit(max_concurrency=1)])
    world.plays["unit"] = Scripted(seconds=2 * MINUTE)
    first, second = world.open_pull(), world.open_pull()
    world.until(lambda: first.run().phase is Phase.RELEASED, "the first one is released")
    world.settle()
    assert second.run().phase is Phase.STARTED
    assert second.run().admitted_at - first.run().completed_at < 1000


def test_a_run_behind_another_limit_does_not_hold_up_those_that_fit(start):
    world = start(presubmits=[presubmit(max_concurrency=1), presubmit("lint")])
    world.plays |= {"unit": Scripted(seconds=HOUR), "lint": Scripted(seconds=30)}
    world.open_pull()
    second = world.open_pull()
    second.await_state("success", "lint", within=MINUTE)
    assert second.run("unit").phase is Phase.WAITING


def test_a_run_that_ends_in_error_gives_its_place_back(start):
    world = start(presubmits=[presubmit(max_concurrency=1, cluster="mars")])
    pulls = [world.open_pull() for _ in range(3)]
    world.rest()
    assert [pull.state() for pull in pulls] == ["error"] * 3


def test_many_pulls_at_once_take_no_place_twice(start):
    """Deliveries of different pulls are handled in parallel; admission is not."""
    world = start(presubmits=[presubmit(max_concurrency=3)], clusters={"default": {"max_concurrency": 2}})
    pulls = [world.open_pull(wait=False) for _ in range(6)]
    world.rest()
    assert {pull.state() for pull in pulls} == {"success"}
    assert len(world.created) == 6
    assert world.counters() == {JOB_COUNTER: 0, "counter#cluster#default": 0}


def test_a_wake_that_was_given_up_is_made_up_for_by_the_next_sweep(start):
    world = start(schedules=True)
    killed = []

    def kill(function: str, _event: object, phase: str) -> None:
        if (function, phase) == ("admit", "before") and len(killed) < 5:
            killed.append(world.clock.now_ms())
            raise Killed

    world.aws.interceptor = kill
    pull = world.open_pull()
    world.pass_time(20 * MINUTE)
    assert pull.run().phase is Phase.WAITING
    pull.await_state("success", within=25 * MINUTE)
    assert len(killed) == 5
    assert world.dead_letters() == ["AdmitDeadLetterQueue"]
