"""Periodics that fail or overlap: retries by the schedule itself, and what `explain --periodic` says afterwards."""

import json
from itertools import pairwise

from tests.functional.scenarios.world import HOUR, MINUTE, job

from prowless_local.cluster import Scripted


def decisions(world, name):
    """Verdict, rule and reason of each kept decision, oldest first."""
    records = [
        json.loads(world.stack.state.get(key)) for key in sorted(world.keys("StateBucket", f"periodics/{name}/"))
    ]
    return [(record["verdict"], record["rule"], record["reason"]) for record in records]


def test_a_failed_periodic_is_retried_by_the_schedule_and_no_more_often_than_it_says(start):
    world = start(periodics=[job("flaky", interval="24h", retry={"attempts": 2, "interval": "10m"})], schedules=True)
    world.plays["flaky"] = Scripted(code=1, seconds=4)
    world.pass_time(HOUR)
    runs = world.runs("flaky")
    assert [run.state for run in runs] == ["failure"] * 3
    gaps = [later.created_at - run.created_at for run, later in pairwise(runs)]
    assert all(10 * MINUTE * 1000 < gap <= 12 * MINUTE * 1000 for gap in gaps), gaps
    specs = [json.loads(world.stack.state.get(f"runs/{run.id}/spec.{run.spec_digest}.json")) for run in runs]
    assert [spec.get("labels", {}).get("prow.k8s.io/re-run") for spec in specs] == [None, "1", "2"]
    assert [rule for _, rule, _ in decisions(world, "flaky")] == ["interval 24h", "retry 1 of 2", "retry 2 of 2"]


def test_a_time_that_a_long_run_takes_away_is_kept_with_its_reason(start):
    world = start(periodics=[job("long", cron="*/10 * * * *")], schedules=True)
    world.plays["long"] = Scripted(seconds=15 * MINUTE)
    world.pass_time(25 * MINUTE)
    run = world.runs("long")[0]
    found = decisions(world, "long")
    assert ("run", "cron */10 * * * *", f"run {run.id}") in found
    assert ("skip", "cron */10 * * * *", f"run {run.id} was still going on") in found
