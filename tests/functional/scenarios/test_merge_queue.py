"""GitHub's merge queue, from the group's event to the status that GitHub waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.functional.scenarios.world import REPOSITORY, names, presubmit

from prowless.domain.prowjob import State
from prowless.domain.refs import JobType
from prowless_local.cluster import Scripted

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.functional.scenarios.world import World

JOBS = (
    presubmit("unit"),
    presubmit("final", always_run=False, run_before_merge=True),
    presubmit("manual", always_run=False),
)


def test_a_merge_group_is_tested_on_its_head_and_green_there(start: Callable[..., World]) -> None:
    world = start(presubmits=JOBS)
    pulls = [world.open_pull(), world.open_pull()]
    world.rest()
    world.launched.clear()
    group = world.github.create_merge_group(REPOSITORY, [pull.number for pull in pulls])
    world.settle()
    assert pulls[0].state("unit", group.head_sha) == "pending"
    world.rest()
    assert [pulls[0].state(job, group.head_sha) for job in ("unit", "final", "manual")] == ["success", "success", ""]
    runs = [run for run in world.runs() if run.type is JobType.BATCH]
    assert names(runs) == ["final", "unit"]
    assert [run.head_sha for run in runs] == [group.head_sha] * 2
    merged = ",".join(f"{pull.number}:{pull.head}" for pull in pulls)
    env = next(plan.env for plan in world.launched if plan.env.get("JOB_NAME") == "unit")
    assert env["PULL_REFS"] == f"main:{group.base_sha},{merged}"
    assert (env["JOB_TYPE"], env.get("PULL_NUMBER")) == ("batch", None)
    run = next(run for run in runs if run.job == "unit")
    assert '"result": "SUCCESS"' in world.artifact(f"pr-logs/pull/batch/unit/{run.build_id}/finished.json")
    assert world.artifact("pr-logs/directory/unit/latest-build.txt") == run.build_id


def test_a_destroyed_group_is_stopped_and_its_pull_is_not(start: Callable[..., World]) -> None:
    world = start(presubmits=JOBS)
    world.plays["unit"] = Scripted(seconds=600, log="slow\n")
    pull = world.open_pull()
    group = world.github.create_merge_group(REPOSITORY, [pull.number])
    world.until(lambda: len(world.workflows()) == 3, "the group's runs are in the cluster")
    world.github.destroy_merge_group(group)
    world.rest()
    ends = {(run.job, run.type): run.state for run in world.runs()}
    assert ends == {
        ("unit", JobType.PRESUBMIT): State.SUCCESS,
        ("unit", JobType.BATCH): State.ABORTED,
        ("final", JobType.BATCH): State.ABORTED,
    }
    assert pull.status("unit", group.head_sha).description.startswith("Aborted as the merge group was destroyed")
    assert pull.state("unit") == "success"
