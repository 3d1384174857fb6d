"""A job of a day: it ends green, on few polls, and two days fit within the history that Step Functions keeps."""

from __future__ import annotations

import time
from itertools import pairwise

from tests.functional.scenarios.stopping import STATES
from tests.functional.scenarios.world import DAY, HOUR, MINUTE, presubmit

from prowless_local.cluster import Scripted

LARGEST_HISTORY = 25_000
LONG = DAY - 10 * MINUTE


def test_a_job_of_a_day_ends_green_in_seconds_and_one_of_two_would_fit_in_the_history(start):
    world = start(presubmits=[presubmit(decorate=True, decoration_config={"timeout": "24h"})])
    world.plays["unit"] = Scripted(seconds=LONG, log="at last\n")
    started = time.monotonic()
    pull = world.open_pull()
    pull.await_state("success", within=DAY + HOUR)
    assert time.monotonic() - started < 60
    world.rest()
    run = pull.run()
    assert LONG <= (run.completed_at - run.created_at) / 1000 <= LONG + 5 * MINUTE + 10
    assert run.polls < 400
    (arn,) = world.executions()
    history = [(event.get("stateEnteredEventDetails") or {}).get("name") for event in world.history(arn)]
    assert {name for name in STATES if name.startswith("Await")} <= set(history)
    rounds = [place for place, name in enumerate(history) if name == "ChooseAwait"]
    most = max(later - earlier for earlier, later in pairwise(rounds))
    assert len(history) + most * DAY / (5 * MINUTE) < 0.8 * LARGEST_HISTORY
