"""A function is killed between any two of its calls; whoever called it calls again, and the run ends as if nothing was.

The moments are those of an undisturbed run. There are some hundreds, so a selection is tried, spread evenly:
`KILL_CASES=all` tries every one, `KILL_CASES=200` that many, and `KILL='<story>: <moment>'` the one that a failing case
names.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from tests.functional.scenarios.conftest import running
from tests.functional.scenarios.kills import watched
from tests.functional.scenarios.world import HOUR, MINUTE, Pull, World, job, presubmit

from prowless_local.cluster import Scripted

if TYPE_CHECKING:
    from collections.abc import Callable

ONE = os.environ.get("KILL", "")
MOST = 400
CASES = 1 if ONE else MOST if os.environ.get("KILL_CASES") == "all" else int(os.environ.get("KILL_CASES", "16"))


@dataclass(frozen=True)
class Story:
    """What happens before the watch, during it, and what GitHub shows in the end."""

    begin: Callable[[World], Pull | None]
    act: Callable[[World, Pull | None], Pull | None]
    states: list[str]
    description: str


def _running_pull(world: World) -> Pull:
    world.plays["unit"] = Scripted(seconds=15 * MINUTE)  # a delivery that dispatch drops comes back after six minutes
    pull = world.open_pull()
    world.until(lambda: pull.run().token, "the run is awaited")
    return pull


def _opened(world: World, _: Pull | None) -> Pull:
    world.plays.clear()
    return world.open_pull()


def _closed(_: World, pull: Pull) -> Pull:
    pull.close()
    return pull


def _execution_killed(world: World, pull: Pull) -> Pull:
    world.stop_execution(world.executions("RUNNING")[0])
    return pull


def _due(world: World, _: Pull | None) -> None:
    """A schedule calls without waiting, and Lambda repeats what fails."""
    event = {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}
    function = world.aws.resources["PeriodicsFunction"].ref
    client = world.aws.client("lambda")
    client.invoke(FunctionName=function, InvocationType="Event", Payload=json.dumps(event))


STORIES = {
    "opened": Story(lambda _: None, _opened, ["pending", "success"], "Job succeeded."),
    "closed": Story(_running_pull, _closed, ["pending", "failure"], "Aborted by trigger plugin."),
    "execution killed": Story(_running_pull, _execution_killed, ["pending", "error"], "The execution ended aborted"),
    "due": Story(lambda world: world.pass_time(24 * HOUR), _due, [], "Job succeeded."),
}


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    with running(
        tmp_path_factory.mktemp("kills"),
        presubmits=[presubmit(max_concurrency=3)],
        periodics=[job("nightly", interval="24h")],
        clusters={"default": {"max_concurrency": 5}},
    ) as world:
        yield world


@pytest.fixture(scope="module")
def moments(shared):
    """Every moment of every story, as text, from one undisturbed run each."""
    for story in STORIES:
        tell(shared, story)  # the first time a function makes more calls, because it knows nothing yet
    found = [f"{story}: {moment}" for story in STORIES for moment in tell(shared, story)]
    assert len(found) <= MOST
    return found


def tell(world: World, name: str, kill: str = "") -> list[str]:
    """One story, with all that must be true in the end; its moments."""
    story = STORIES[name]
    world.pass_time(2 * HOUR)  # whatever functions remember is old by then, so each tale makes the same calls
    pull = story.begin(world)
    runs, created = len(world.runs()), len(world.created)
    with watched(world, kill) as calls:
        pull = story.act(world, pull)
        world.settle()
        for delivery in world.github.deliveries():
            if delivery.status_code != 200 and not _arrived(world, delivery.guid):
                world.github.redeliver(delivery.guid)
        world.pass_time(1)  # a function that is called in the background is called again after a minute
        if kill:
            world.pass_time(200)
        world.rest()
    assert calls.killed == bool(kill), f"there was no moment {kill!r}"
    begun = pull is None or name == "opened"
    assert len(world.runs()) == runs + begun, world.story()
    assert len(world.created) == created + begun, world.story()
    run = world.runs("nightly")[-1] if pull is None else pull.run()
    assert run.description.startswith(story.description), world.story()
    if pull:
        posted = pull.posted()
        assert [state for state, next_ in zip(posted, [*posted[1:], ""], strict=True) if state != next_] == story.states
    folder = run.url.partition("/view/s3/")[2].partition("/")[2]
    result = "FAILURE" if "error" in story.states else "ABORTED" if "failure" in story.states else "SUCCESS"
    assert json.loads(world.artifact(f"{folder}/finished.json"))["result"] == result
    return [str(moment) for moment in calls.moments]


def _arrived(world: World, guid: str) -> bool:
    return any(one.guid == guid and one.status_code == 200 for one in world.github.deliveries())


@pytest.mark.parametrize("case", range(CASES))
def test_a_function_that_is_killed_and_called_again_changes_nothing(shared, moments, case):
    if case >= len(moments):
        pytest.skip(f"there are only {len(moments)} moments")
    chosen = ONE or moments[case * len(moments) // CASES if len(moments) > CASES else case]
    story, _, kill = chosen.partition(": ")
    try:
        tell(shared, story, kill)
    except Exception as error:
        error.add_note(f"to see only this: KILL='{chosen}' pytest {__file__}")
        raise
