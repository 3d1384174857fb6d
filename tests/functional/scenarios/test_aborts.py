"""What nobody waits for any more is stopped at once: pushes, closed pull requests, newer runs, deadlines."""

from __future__ import annotations

import time

from tests.functional.scenarios.world import DAY, HOUR, MINUTE, names, presubmit

from prowless.domain.prowjob import Phase
from prowless_local.cluster import Scripted

ABORTED = "Aborted by trigger plugin."
LONG = Scripted(seconds=2 * HOUR, log="working\n")


def awaited(world):
    """A pull request whose run has been at work for so long that its next poll is half a minute away."""
    world.plays["unit"] = LONG
    pull = world.open_pull()
    world.pass_time(6 * MINUTE)
    assert pull.run().polls > 35
    return pull


def test_a_push_stops_the_run_of_the_older_commit_within_a_second(world):
    pull = awaited(world)
    older = pull.head
    pushed_at = world.clock.now_ms()
    pull.push()
    first = pull.runs()[0].id
    world.until(lambda: world.workflow(first)["spec"].get("shutdown") == "Stop", "the object is stopped", within=1)
    assert world.clock.now_ms() - pushed_at <= 1000
    pull.await_state("failure", sha=older, within=10)
    assert pull.status(sha=older).description.startswith(ABORTED)
    assert pull.runs()[0].description == ABORTED
    assert pull.state() == "pending"


def test_the_newer_commits_run_is_not_touched_by_the_abort(world):
    pull = awaited(world)
    older = pull.head
    world.plays.clear()
    pull.push()
    pull.await_state("success", within=MINUTE)
    world.rest()
    assert [run.state for run in pull.runs()] == ["aborted", "success"]
    assert pull.posted(sha=older)[-1] == "failure"
    assert pull.posted() == ["pending", "success"]
    assert len(world.created) == 2


def test_closing_a_pull_request_stops_its_runs(start):
    world = start(presubmits=[presubmit(), presubmit("lint")])
    world.plays |= {"unit": LONG, "lint": LONG}
    pull = world.open_pull()
    world.pass_time(MINUTE)
    pull.close()
    world.rest(within=5 * MINUTE)
    for name in ("unit", "lint"):
        assert pull.status(name).description.startswith(ABORTED)
        assert pull.state(name) == "failure"
    assert {workflow["status"]["phase"] for workflow in world.workflows()} == {"Failed"}


def test_closing_one_pull_request_leaves_the_others_alone(world):
    world.plays["unit"] = LONG
    first, second = world.open_pull(), world.open_pull()
    first.close()
    world.until(lambda: first.run().phase is Phase.RELEASED, "the closed one's run is released", within=MINUTE)
    assert second.state() == "pending"
    assert second.run().state == "pending"


def test_a_run_that_waits_for_its_turn_is_aborted_without_ever_having_had_an_object(start):
    world = start(presubmits=[presubmit(max_concurrency=1)])
    world.plays["unit"] = LONG
    first, second = world.open_pull(), world.open_pull()
    assert second.run().phase is Phase.WAITING
    assert second.state() == ""
    second.close()
    world.until(lambda: second.run().phase is Phase.RELEASED, "the run that waited is released", within=MINUTE)
    assert second.status().description.startswith(ABORTED)
    assert second.posted() == ["failure"]
    assert [name for _, _, name in world.created] == [first.run().id]
    assert world.counters() == {"counter#job#presubmit#acme/calculator#unit": 1}
    first.close()
    world.rest()


def test_testing_again_replaces_the_run_of_the_same_commit_and_keeps_its_status(world):
    pull = awaited(world)
    world.plays.clear()
    pull.comment("/test unit")
    pull.await_state("success", within=MINUTE)
    world.rest()
    older, newer = pull.runs()
    assert (older.state, older.superseded, newer.state) == ("aborted", True, "success")
    assert older.description == "Aborted as the newer version of this job is running."
    assert "failure" not in pull.posted()


def test_reopening_after_an_abort_runs_again(world):
    world.plays["unit"] = LONG
    pull = world.open_pull()
    pull.close()
    world.rest()
    world.plays.clear()
    world.pass_time(1)
    world.github.reopen_pull("acme/calculator", pull.number)
    pull.await_state("success", within=MINUTE)
    world.rest()
    assert pull.posted() == ["pending", "failure", "pending", "success"]


def test_aborting_while_the_object_is_being_created_leaves_none_running(world):
    world.plays["unit"] = LONG
    pull = world.open_pull(wait=False)
    seen = []

    def close(method: str, path: str) -> None:
        if method == "POST" and path.endswith("/workflows") and not seen:
            seen.append(path)
            world.github.close_pull("acme/calculator", pull.number)
            patience = time.monotonic() + 10  # the abort needs no time of the clock's, which stands still here
            while not pull.run().stop_reason and time.monotonic() < patience:
                time.sleep(0.01)

    world.cluster.fault = close
    world.rest(within=HOUR)
    assert pull.run().object
    assert pull.state() == "failure"
    assert world.workflow(pull.run().id)["status"]["phase"] == "Failed"


def test_a_workflow_that_does_not_end_when_it_is_asked_to_is_deleted(start):
    """An exit handler may run for ten minutes; after that the object goes."""
    template = {"container": {"image": "alpine", "command": ["true"]}}
    spec = {
        "entrypoint": "main",
        "onExit": "tidy",
        "templates": [{"name": "main", **template}, {"name": "tidy", **template}],
    }
    flow = {"name": "flow", "always_run": True, "agent": "argo-workflow", "workflow_spec": spec}
    world = start(presubmits=[flow])
    world.plays["flow"] = Scripted(seconds=DAY)
    pull = world.open_pull()
    world.pass_time(MINUTE)
    pull.close()
    world.pass_time(5 * MINUTE)
    assert pull.run("flow").phase is Phase.STARTED
    world.rest(within=HOUR)
    assert pull.state("flow") == "failure"
    assert world.workflows() == []


def test_a_run_past_its_deadline_is_stopped_and_says_so(start):
    seconds = 10 * MINUTE
    world = start(presubmits=[presubmit(decorate=True, decoration_config={"timeout": "10m"})])
    world.plays["unit"] = Scripted(seconds=DAY)
    pull = world.open_pull()
    begun = world.clock.now_ms()
    pull.await_state("failure", within=2 * seconds)
    took = (world.clock.now_ms() - begun) / 1000
    assert seconds <= took <= seconds * 1.1 + 30
    world.rest()
    assert names(pull.runs()) == ["unit"]
    assert world.workflows()[0]["status"]["phase"] in {"Failed", "Error"}
    assert "timed out" in pull.status().description or "deadline" in pull.status().description
