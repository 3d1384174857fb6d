"""config_sync is killed between any two of its calls; the message comes again, and what must be so is so once.

`KILL_CASES` says how many moments are tried, as for the kills in a run's life.
"""

from __future__ import annotations

import itertools
import json
import os

import pytest
from tests.functional.scenarios.conftest import running
from tests.functional.scenarios.kills import watched
from tests.functional.scenarios.world import HOUR, REPOSITORY, presubmit, write_config

from prowless.domain.config import snapshot

CONFIG = "acme/config"
SOURCES = json.dumps([{"repository": CONFIG, "ref": "main", "config": "config.yaml", "jobs": ["jobs/*"]}])
CHECK = "prowless/config"
MOST = 100
CASES = MOST if os.environ.get("KILL_CASES") == "all" else 8


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    with running(tmp_path_factory.mktemp("kills"), parameters={"ConfigSources": SOURCES}) as world:
        folder = write_config(tmp_path_factory.mktemp("source"), presubmits=[presubmit()], central={"plank": {}})
        files = {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*.yaml")}
        world.github.create_repository(CONFIG, files)
        world.names = map("job-{}".format, itertools.count())
        yield world


@pytest.fixture(scope="module")
def moments(shared):
    """Every moment of config_sync in one undisturbed tale."""
    tell(shared)  # the first time it makes more calls, because it knows nothing yet
    return tell(shared)


def jobs_file(name: str) -> str:
    return json.dumps({"presubmits": {REPOSITORY: [presubmit(name)]}})


def tell(world, kill: str = "") -> list[str]:
    """A push to a source, and a pull request that breaks it, with what must be so in the end; the moments."""
    world.pass_time(2 * HOUR)  # whatever functions remember is old by then, so each tale makes the same calls
    name = next(world.names)
    with watched(world, kill) as calls:
        sha = world.github.commit(CONFIG, "main", {"jobs/all.yaml": jobs_file(name)})
        world.settle()
        bad = {"jobs/all.yaml": jobs_file("a b")}
        number = world.github.open_pull(CONFIG, name, bad, "A change", "mallory", fork=True)
        world.settle()
        if kill:
            world.pass_time(HOUR)  # the queue's visibility timeout is half an hour
    assert calls.killed == bool(kill), f"there was no moment {kill!r}"
    pointer = json.loads(world.stack.state.get(snapshot.POINTER))
    assert pointer["sources"] == {f"{CONFIG}@main": sha}
    shard = json.loads(world.stack.state.get(snapshot.key(pointer["snapshot"], snapshot.shard_name(REPOSITORY))))
    assert [job["name"] for job in shard["presubmits"]] == [name]
    assert json.loads(world.stack.state.get(snapshot.LAST_ERROR))["problems"] == []
    assert json.loads(world.stack.state.get(snapshot.SYNCED))["sources"] == pointer["sources"]
    head = world.github.pull(CONFIG, number).head_sha
    assert [one.state for one in world.github.statuses(CONFIG, head) if one.context == CHECK] == ["failure"]
    assert len(world.github.comments(CONFIG, number)) == 1
    assert world.messages("ConfigQueue") == 0
    assert world.dead_letters() == []
    world.github.close_pull(CONFIG, number)
    world.settle()
    return [str(moment) for moment in calls.moments if moment.function == "config_sync"]


@pytest.mark.parametrize("case", range(CASES))
def test_a_config_sync_that_is_killed_and_called_again_changes_nothing(shared, moments, case):
    assert 10 < len(moments) <= MOST
    if case >= len(moments):
        pytest.skip(f"there are only {len(moments)} moments")
    tell(shared, moments[case * len(moments) // CASES if len(moments) > CASES else case])
