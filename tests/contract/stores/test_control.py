"""The `Control` port, whoever implements it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.contract.stores.samples import run, together

from prowless.domain.prowjob import Phase, ProwJob

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.contract.stores.backends import Stores

TOTAL, QUEUE = "counter#total", "counter#queue#slow"


def admit(stores: Stores, row: ProwJob, limits: Mapping[str, int]) -> bool:
    after = replace(row, phase=Phase.ADMITTED, held=tuple(sorted(limits)), version=row.version + 1)
    return stores.control.admit(row, after, limits)


def release(stores: Stores, row: ProwJob) -> bool:
    return stores.control.release(row, replace(row, phase=Phase.RELEASED, held=(), version=row.version + 1))


def created(stores: Stores, name: str) -> ProwJob:
    stores.prowjobs.create(run(name))
    return run(name)


# ---- counters -----------------------------------------------------------------------------------


def test_an_unused_counter_is_zero(stores: Stores) -> None:
    assert stores.control.counters([TOTAL, QUEUE]) == {TOTAL: 0, QUEUE: 0}
    assert stores.control.counters([]) == {}


def test_admit_moves_the_row_and_every_counter(stores: Stores) -> None:
    assert admit(stores, created(stores, "a"), {TOTAL: 2, QUEUE: 1})
    row = stores.prowjobs.get("a")
    assert (row.phase, row.held, row.version) == (Phase.ADMITTED, (QUEUE, TOTAL), 1)
    assert stores.control.counters([TOTAL, QUEUE]) == {TOTAL: 1, QUEUE: 1}
    assert stores.prowjobs.active("default", Phase.ADMITTED, 9) == [row]


def test_a_full_counter_admits_nothing_and_moves_nothing(stores: Stores) -> None:
    admit(stores, created(stores, "a"), {TOTAL: 9, QUEUE: 1})
    second = created(stores, "b")
    assert not admit(stores, second, {TOTAL: 9, QUEUE: 1})
    assert stores.prowjobs.get("b") == second
    assert stores.control.counters([TOTAL, QUEUE]) == {TOTAL: 1, QUEUE: 1}


def test_a_limit_of_zero_admits_nothing(stores: Stores) -> None:
    row = created(stores, "a")
    assert not admit(stores, row, {QUEUE: 0})
    assert stores.prowjobs.get("a") == row


def test_a_lowered_limit_admits_nothing_until_it_is_met(stores: Stores) -> None:
    for name in ("a", "b"):
        assert admit(stores, created(stores, name), {QUEUE: 2})
    third = created(stores, "c")
    assert not admit(stores, third, {QUEUE: 1})
    release(stores, stores.prowjobs.get("a"))
    assert not admit(stores, third, {QUEUE: 1})
    release(stores, stores.prowjobs.get("b"))
    assert admit(stores, third, {QUEUE: 1})


def test_a_changed_row_is_not_admitted(stores: Stores) -> None:
    seen = created(stores, "a")
    changed = stores.prowjobs.mutate("a", lambda row: replace(row, stop_reason="aborted"))
    assert not admit(stores, seen, {TOTAL: 1})
    assert stores.prowjobs.get("a") == changed
    assert stores.control.counters([TOTAL]) == {TOTAL: 0}


def test_an_absent_row_is_not_admitted(stores: Stores) -> None:
    assert not admit(stores, run("nobody"), {TOTAL: 1})
    assert stores.prowjobs.get("nobody") is None
    assert stores.control.counters([TOTAL]) == {TOTAL: 0}


def test_a_run_without_limits_is_admitted(stores: Stores) -> None:
    assert admit(stores, created(stores, "a"), {})
    assert stores.prowjobs.get("a").phase is Phase.ADMITTED


def test_admit_holds_what_it_counts(stores: Stores) -> None:
    row = created(stores, "a")
    with pytest.raises(ValueError, match="exactly the counters"):
        stores.control.admit(row, replace(row, held=()), {TOTAL: 1})
    with pytest.raises(ValueError, match="exactly the counters"):
        stores.control.admit(replace(row, held=(QUEUE,)), replace(row, held=(TOTAL,)), {TOTAL: 1})
    with pytest.raises(ValueError, match="no counter held"):
        stores.control.release(row, replace(row, held=(TOTAL,)))
    assert stores.prowjobs.get("a") == row


def test_release_mirrors_admit(stores: Stores) -> None:
    admit(stores, created(stores, "a"), {TOTAL: 1, QUEUE: 1})
    assert release(stores, stores.prowjobs.get("a"))
    row = stores.prowjobs.get("a")
    assert (row.phase, row.held, row.version) == (Phase.RELEASED, (), 2)
    assert stores.control.counters([TOTAL, QUEUE]) == {TOTAL: 0, QUEUE: 0}


def test_a_run_is_released_once(stores: Stores) -> None:
    admit(stores, created(stores, "a"), {TOTAL: 2})
    admit(stores, created(stores, "b"), {TOTAL: 2})
    holding = stores.prowjobs.get("a")
    assert release(stores, holding)
    assert not release(stores, holding)
    assert stores.control.counters([TOTAL]) == {TOTAL: 1}


def test_a_counter_that_is_too_low_does_not_keep_a_run(stores: Stores) -> None:
    """Somebody repaired it by hand: the run is let go, and no counter falls below zero."""
    stores.prowjobs.create(run("a", held=(TOTAL, QUEUE), phase=Phase.STARTED))
    admit(stores, created(stores, "b"), {QUEUE: 5})
    assert release(stores, stores.prowjobs.get("a"))
    assert stores.prowjobs.get("a").held == ()
    assert stores.control.counters([TOTAL, QUEUE]) == {TOTAL: 0, QUEUE: 0}


def test_racing_admissions_never_pass_a_limit(stores: Stores) -> None:
    rows = [created(stores, f"r{number}") for number in range(6)]
    won = together(partial(admit, stores, row, {TOTAL: 9, QUEUE: 3}) for row in rows)
    assert won.count(True) == 3
    assert stores.control.counters([TOTAL, QUEUE]) == {TOTAL: 3, QUEUE: 3}
    assert [stores.prowjobs.get(row.id).phase is Phase.ADMITTED for row in rows] == won


def test_of_racing_releases_one_counts(stores: Stores) -> None:
    for name in ("a", "b"):
        admit(stores, created(stores, name), {TOTAL: 2})
    holding = stores.prowjobs.get("a")
    assert together([partial(release, stores, holding)] * 4).count(True) == 1
    assert stores.control.counters([TOTAL]) == {TOTAL: 1}


ACTIONS = st.lists(
    st.tuples(st.sampled_from(["admit", "release", "touch", "stale"]), st.integers(0, 4)), min_size=5, max_size=25
)


@settings(max_examples=12, deadline=None)
@given(actions=ACTIONS, limits=st.fixed_dictionaries({TOTAL: st.integers(1, 4), QUEUE: st.integers(0, 2)}))
def test_counters_equal_the_rows_that_hold_them(
    new_stores: Callable[[], Stores], actions: list[tuple[str, int]], limits: dict[str, int]
) -> None:
    stores = new_stores()
    names = [f"r{number}" for number in range(5)]
    first = {name: created(stores, name) for name in names}
    for action, number in actions:
        name = names[number]
        row = stores.prowjobs.get(name)
        wanted = limits if number % 2 else {TOTAL: limits[TOTAL]}
        if action == "touch":
            stores.prowjobs.mutate(name, lambda row: replace(row, polls=row.polls + 1))
        elif action == "stale":
            moved = admit(stores, first[name], wanted)
            assert not (moved and row.version)
        elif action == "release":
            assert release(stores, row)
        elif not row.held:
            admit(stores, row, wanted)
    held = Counter(key for name in names for key in stores.prowjobs.get(name).held)
    assert stores.control.counters(limits) == {key: held[key] for key in limits}
    assert all(held[key] <= limit for key, limit in limits.items())


# ---- claims and leases --------------------------------------------------------------------------


def test_the_first_claim_holds(stores: Stores) -> None:
    assert stores.control.claim("claim#x", "first", 100) == "first"
    assert stores.control.claim("claim#x", "second", 100) == "first"
    assert stores.control.claim("claim#x", "first", 100) == "first"
    assert stores.control.claim("claim#y", "second", 100) == "second"


def test_of_racing_claims_one_holds(stores: Stores) -> None:
    owners = together(partial(stores.control.claim, "claim#x", str(number), 100) for number in range(8))
    assert len(set(owners)) == 1


def test_a_lease_keeps_others_out_until_it_ends(stores: Stores) -> None:
    assert stores.control.lease("lease#x", "a", now=1000, until=2000)
    assert not stores.control.lease("lease#x", "b", now=1999, until=9000)
    assert stores.control.lease("lease#x", "b", now=2000, until=3000)
    assert not stores.control.lease("lease#x", "a", now=2500, until=9000)


def test_a_lease_is_extended_by_its_owner(stores: Stores) -> None:
    assert stores.control.lease("lease#x", "a", now=1000, until=2000)
    assert stores.control.lease("lease#x", "a", now=1500, until=3000)
    assert not stores.control.lease("lease#x", "b", now=2500, until=9000)


def test_only_the_owner_lets_go(stores: Stores) -> None:
    stores.control.lease("lease#x", "a", now=1000, until=2000)
    stores.control.unlease("lease#x", "b")
    assert not stores.control.lease("lease#x", "b", now=1001, until=2000)
    stores.control.unlease("lease#x", "a")
    stores.control.unlease("lease#x", "a")
    assert stores.control.lease("lease#x", "b", now=1001, until=2000)


def test_of_racing_leases_one_is_given(stores: Stores) -> None:
    given = together(partial(stores.control.lease, "lease#x", str(n), now=1, until=9) for n in range(8))
    assert given.count(True) == 1


# ---- newest and values --------------------------------------------------------------------------


def test_newest_is_the_greatest_number(stores: Stores) -> None:
    assert stores.control.newest("newest#x", "9", 100) == "9"
    assert stores.control.newest("newest#x", "10", 100) == "10"
    assert stores.control.newest("newest#x", "9", 100) == "10"
    assert stores.control.newest("newest#x", "10", 100) == "10"
    assert stores.control.newest("newest#x", "12345678901234567890", 100) == "12345678901234567890"
    assert stores.control.newest("newest#y", "1", 100) == "1"


def test_newest_wants_digits(stores: Stores) -> None:
    with pytest.raises(ValueError, match="decimal digits"):
        stores.control.newest("newest#x", "latest", 100)


def test_racing_offers_leave_the_greatest(stores: Stores) -> None:
    known = together(partial(stores.control.newest, "newest#x", str(number), 100) for number in range(95, 105))
    assert stores.control.newest("newest#x", "1", 100) == "104"
    assert all(int(newest) >= number for newest, number in zip(known, range(95, 105), strict=True))


def test_a_value_is_stored_if_it_is_as_expected(stores: Stores) -> None:
    first, second = {"due": 1.5, "names": ["a", None], "nested": {"on": True, "": ""}}, {"due": 2}
    assert stores.control.value("state#x") is None
    assert not stores.control.store("state#x", first, second)
    assert stores.control.store("state#x", first, None)
    assert stores.control.value("state#x") == first
    assert not stores.control.store("state#x", second, None)
    assert not stores.control.store("state#x", second, {"due": 1})
    assert stores.control.store("state#x", second, dict(reversed(first.items())))
    assert stores.control.value("state#x") == second


def test_an_empty_value_is_a_value(stores: Stores) -> None:
    assert stores.control.store("state#x", {}, None)
    assert stores.control.value("state#x") == {}
    assert not stores.control.store("state#x", {"a": 1}, None)
    assert stores.control.store("state#x", {"a": 1}, {})


def test_of_racing_stores_one_wins(stores: Stores) -> None:
    stores.control.store("state#x", {"by": -1}, None)
    won = together(partial(stores.control.store, "state#x", {"by": n}, {"by": -1}) for n in range(8))
    assert won.count(True) == 1
    assert stores.control.value("state#x") == {"by": won.index(True)}
