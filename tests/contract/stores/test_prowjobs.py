"""The `ProwJobs` port, whoever implements it."""

from __future__ import annotations

from dataclasses import fields, replace
from functools import partial
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.contract.stores.samples import run, together

from prowless.domain.errors import ConflictError, NotFoundError, RetryableError
from prowless.domain.prowjob import Phase, ProwJob, State
from prowless.domain.refs import JobType

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.contract.stores.backends import Stores

FULL = run(
    "full",
    agent="argo-workflow",
    base_sha="ba5e",
    author="alice",
    rerun_command="/test unit",
    optional=True,
    report=False,
    cluster="build",
    max_concurrency=3,
    job_queue_name="slow",
    cause="pull acme/rocket 7",
    delivery="guid",
    attempt=2,
    retest=True,
    spec_digest="5bec",
    state=State.PENDING,
    phase=Phase.STARTED,
    description="running \u2603",
    url="https://ci.example/7",
    admitted_at=1,
    pending_at=2,
    completed_at=3,
    deadline_at=4,
    stop_reason="aborted",
    stopping_at=5,
    unreachable_since=6,
    polls=7,
    finishers=8,
    token="secret",
    held=("counter#total", "counter#queue#slow"),
    object={"kind": "Workflow", "namespace": "test-pods", "name": "full", "uid": "u"},
    submitted=True,
    reported={"pending": "pending"},
    superseded=True,
    version=9,
)


def test_a_full_row_sets_every_field() -> None:
    default = ProwJob(id="", type=JobType.PERIODIC, job="", build_id="0", created_at=0)
    same = [f.name for f in fields(ProwJob) if getattr(FULL, f.name) == getattr(default, f.name)]
    assert same == ["schema"]


def test_every_field_comes_back(stores: Stores) -> None:
    stores.prowjobs.create(FULL)
    assert stores.prowjobs.get("full") == FULL


def test_empty_fields_come_back_empty(stores: Stores) -> None:
    row = ProwJob(id="bare", type=JobType.PERIODIC, job="nightly", build_id="1", created_at=0)
    stores.prowjobs.create(row)
    assert stores.prowjobs.get("bare") == row


@settings(max_examples=15, deadline=None)
@given(
    description=st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    reported=st.dictionaries(st.text("ab.#\u00e9", min_size=1, max_size=5), st.text(max_size=5), max_size=3),
    held=st.lists(st.text("abc#", min_size=1, max_size=9), unique=True, max_size=3),
    polls=st.integers(0, 2**60),
)
def test_any_values_come_back(
    new_stores: Callable[[], Stores], description: str, reported: dict[str, str], held: list[str], polls: int
) -> None:
    prowjobs = new_stores().prowjobs
    row = run("any", description=description, reported=reported, held=tuple(held), polls=polls)
    prowjobs.create(run("any"))
    written = prowjobs.mutate("any", lambda _: row)
    assert written == replace(row, version=0 if row == run("any") else 1)
    assert prowjobs.get("any") == written


def test_an_absent_row_is_none(stores: Stores) -> None:
    assert stores.prowjobs.get("nobody") is None


def test_an_id_is_created_once(stores: Stores) -> None:
    first = run("a", description="first")
    assert stores.prowjobs.create(first)
    assert not stores.prowjobs.create(run("a", description="second"))
    assert not stores.prowjobs.create(first)
    assert stores.prowjobs.get("a") == first


def test_of_many_creators_one_wins(stores: Stores) -> None:
    rows = [run("a", author=str(number)) for number in range(8)]
    won = together(partial(stores.prowjobs.create, row) for row in rows)
    assert won.count(True) == 1
    assert stores.prowjobs.get("a") == rows[won.index(True)]


@pytest.mark.parametrize("wrong", ["", "12a", "-1", "\u0661", "1.5"])
def test_a_build_id_is_decimal(stores: Stores, wrong: str) -> None:
    with pytest.raises(ValueError, match="decimal digits"):
        stores.prowjobs.create(run("a", build_id=wrong))
    assert stores.prowjobs.get("a") is None


def test_mutate_writes_the_next_version(stores: Stores) -> None:
    stores.prowjobs.create(run("a"))
    result = stores.prowjobs.mutate("a", lambda row: replace(row, polls=row.polls + 1))
    assert (result.polls, result.version) == (1, 1)
    assert stores.prowjobs.get("a") == result


def test_mutate_empties_fields(stores: Stores) -> None:
    stores.prowjobs.create(FULL)
    emptied = replace(FULL, token="", held=(), object={}, submitted=False, polls=0, stop_reason="")
    assert stores.prowjobs.mutate("full", lambda _: emptied) == replace(emptied, version=10)
    assert stores.prowjobs.get("full") == replace(emptied, version=10)


def test_mutate_that_changes_nothing_writes_nothing(stores: Stores) -> None:
    stores.prowjobs.create(run("a"))
    assert stores.prowjobs.mutate("a", lambda row: row).version == 0
    assert stores.prowjobs.mutate("a", replace).version == 0
    assert stores.prowjobs.get("a") == run("a")


def test_mutate_needs_a_row(stores: Stores) -> None:
    with pytest.raises(NotFoundError, match="nobody"):
        stores.prowjobs.mutate("nobody", lambda row: row)
    assert stores.prowjobs.get("nobody") is None


def test_mutate_keeps_the_id(stores: Stores) -> None:
    stores.prowjobs.create(run("a"))
    with pytest.raises(ValueError, match="keeps its id"):
        stores.prowjobs.mutate("a", lambda row: replace(row, id="b"))


def test_an_error_in_the_change_leaves_the_row(stores: Stores) -> None:
    stores.prowjobs.create(run("a", state=State.SUCCESS))
    with pytest.raises(ConflictError):
        stores.prowjobs.mutate("a", lambda row: row.move(State.PENDING, description="", at=1))
    assert stores.prowjobs.get("a").version == 0


def test_a_lost_race_is_run_again_on_the_new_row(stores: Stores) -> None:
    stores.prowjobs.create(run("a"))
    seen: list[int] = []

    def change(row: ProwJob) -> ProwJob:
        seen.append(row.polls)
        if len(seen) == 1:
            stores.prowjobs.mutate("a", lambda other: replace(other, polls=10))
        return replace(row, polls=row.polls + 1)

    assert stores.prowjobs.mutate("a", change).polls == 11
    assert seen == [0, 10]


def test_a_race_lost_too_often_is_retryable(stores: Stores) -> None:
    stores.prowjobs.create(run("a"))

    def change(row: ProwJob) -> ProwJob:
        stores.prowjobs.mutate("a", lambda other: replace(other, polls=other.polls + 1))
        return replace(row, description="never")

    with pytest.raises(RetryableError, match="a was changed by others 10 times"):
        stores.prowjobs.mutate("a", change)
    assert (stores.prowjobs.get("a").polls, stores.prowjobs.get("a").description) == (10, "")


def test_no_change_is_lost_between_threads(stores: Stores) -> None:
    stores.prowjobs.create(run("a"))

    def count() -> None:
        for _ in range(3):
            stores.prowjobs.mutate("a", lambda row: replace(row, polls=row.polls + 1))

    together([count] * 4)
    assert (stores.prowjobs.get("a").polls, stores.prowjobs.get("a").version) == (12, 12)


def test_a_pulls_runs_come_newest_first(stores: Stores) -> None:
    rows = [run(f"r{number}", at=number) for number in range(3)]
    others = [run("other pull", pull=8), run("other repo", repo="shuttle"), run("no pull", pull=0)]
    for row in [rows[1], *others, rows[2], rows[0]]:
        stores.prowjobs.create(row)
    assert stores.prowjobs.of_pull("acme/rocket", 7) == rows[::-1]
    assert stores.prowjobs.of_pull("acme/rocket", 9) == []
    assert stores.prowjobs.of_pull("acme/rocket", 0) == []


def test_a_merge_groups_runs_are_found_by_its_head_and_not_by_a_pull(stores: Stores) -> None:
    group = {"type": JobType.BATCH, "pull": 0, "head_sha": "beef"}
    rows = [run(f"r{number}", at=number, **group) for number in range(2)]
    others = [run("other head", **group | {"head_sha": "f00d"}), run("pull", head_sha="beef")]
    for row in [*rows, *others]:
        stores.prowjobs.create(row)
    assert stores.prowjobs.of_group("acme/rocket", "beef") == rows[::-1]
    assert stores.prowjobs.of_group("acme/shuttle", "beef") == []
    assert stores.prowjobs.of_group("acme/rocket", "") == []
    assert stores.prowjobs.of_pull("acme/rocket", 7) == others[1:]


def test_a_long_list_is_complete(stores: Stores) -> None:
    rows = [run(f"r{number}", at=number) for number in range(105)]
    for row in rows:
        stores.prowjobs.create(row)
    assert stores.prowjobs.of_pull("acme/rocket", 7) == rows[::-1]
    assert stores.prowjobs.of_job(JobType.PRESUBMIT, "acme/rocket", "unit", 102) == rows[:2:-1]
    assert stores.prowjobs.active("default", Phase.WAITING, 1000) == rows
    assert stores.prowjobs.active("default", Phase.WAITING, 101) == rows[:101]


def test_a_jobs_newest_runs_are_of_its_type_and_repository(stores: Stores) -> None:
    rows = [run(f"r{number}", at=number) for number in range(4)]
    others = [run("post", type=JobType.POSTSUBMIT, pull=0), run("lint", job="lint"), run("fork", org="bob")]
    for row in rows + others:
        stores.prowjobs.create(row)
    assert stores.prowjobs.of_job(JobType.PRESUBMIT, "acme/rocket", "unit", 3) == rows[:0:-1]
    assert stores.prowjobs.of_job(JobType.POSTSUBMIT, "acme/rocket", "unit", 3) == [others[0]]
    assert stores.prowjobs.of_job(JobType.PERIODIC, "acme/rocket", "unit", 3) == []


def test_a_periodic_without_refs_is_found(stores: Stores) -> None:
    row = run("p", type=JobType.PERIODIC, job="nightly", org="", repo="", pull=0)
    stores.prowjobs.create(row)
    assert stores.prowjobs.of_job(JobType.PERIODIC, "", "nightly", 1) == [row]


def test_build_ids_sort_as_numbers(stores: Stores) -> None:
    rows = [run(f"b{number}", build_id=number) for number in ("9", "10", "9999999999999999999", "10000000000000000000")]
    for row in rows:
        stores.prowjobs.create(row)
    assert stores.prowjobs.of_pull("acme/rocket", 7) == rows[::-1]
    assert stores.prowjobs.active("default", Phase.WAITING, 9) == rows


def test_active_runs_are_of_one_cluster_and_phase(stores: Stores) -> None:
    waiting = [run("w1", at=1), run("w2", at=2)]
    admitted, started = run("a", phase=Phase.ADMITTED), run("s", phase=Phase.STARTED)
    for row in [
        waiting[1],
        started,
        run("done", phase=Phase.RELEASED),
        run("far", cluster="far"),
        admitted,
        waiting[0],
    ]:
        stores.prowjobs.create(row)
    assert stores.prowjobs.active("default", Phase.WAITING, 9) == waiting
    assert stores.prowjobs.active("default", Phase.WAITING, 1) == waiting[:1]
    assert stores.prowjobs.active("default", Phase.WAITING, 0) == []
    assert stores.prowjobs.active("default", Phase.ADMITTED, 9) == [admitted]
    assert stores.prowjobs.active("default", Phase.STARTED, 9) == [started]
    assert stores.prowjobs.active("default", Phase.RELEASED, 9) == []


def test_a_run_moves_between_the_phases_lists(stores: Stores) -> None:
    stores.prowjobs.create(run("a"))
    stores.prowjobs.mutate("a", lambda row: replace(row, phase=Phase.STARTED))
    assert stores.prowjobs.active("default", Phase.WAITING, 9) == []
    assert [row.id for row in stores.prowjobs.active("default", Phase.STARTED, 9)] == ["a"]
    stores.prowjobs.mutate("a", lambda row: replace(row, phase=Phase.RELEASED))
    assert stores.prowjobs.active("default", Phase.STARTED, 9) == []
