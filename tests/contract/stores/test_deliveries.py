"""The `Deliveries` port, whoever implements it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest
from tests.contract.stores.samples import delivery, together

from prowless.domain.errors import NotFoundError
from prowless.domain.external_plugins import Forward
from prowless.ports.stores import Delivery

if TYPE_CHECKING:
    from tests.contract.stores.backends import Stores


def test_every_field_comes_back(stores: Stores) -> None:
    row = delivery(enqueued=True, outcome="done", decisions="runs/x", receives=3)
    assert stores.deliveries.record(row) == row
    assert stores.deliveries.get(row.guid) == row


def test_a_ping_has_no_pull(stores: Stores) -> None:
    row = Delivery(guid="ping", event="ping", received_at=0)
    stores.deliveries.record(row)
    assert stores.deliveries.get("ping") == row


def test_an_absent_delivery_is_none(stores: Stores) -> None:
    assert stores.deliveries.get("nobody") is None


def test_a_redelivery_counts_and_changes_nothing_else(stores: Stores) -> None:
    first = delivery()
    stores.deliveries.record(first)
    stores.deliveries.enqueued(first.guid)
    stores.deliveries.finish(first.guid, "decided", "decisions/1")
    again = stores.deliveries.record(delivery(received_at=first.received_at + 5, scope="*", body="elsewhere"))
    assert again == replace(first, receives=2, enqueued=True, outcome="decided", decisions="decisions/1")
    assert stores.deliveries.get(first.guid) == again


def test_racing_receives_are_all_counted(stores: Stores) -> None:
    rows = together([partial(stores.deliveries.record, delivery())] * 6)
    assert sorted(row.receives for row in rows) == [1, 2, 3, 4, 5, 6]


def test_notes_need_a_row(stores: Stores) -> None:
    with pytest.raises(NotFoundError, match="nobody"):
        stores.deliveries.enqueued("nobody")
    with pytest.raises(NotFoundError, match="nobody"):
        stores.deliveries.finish("nobody", "decided", "")
    assert stores.deliveries.get("nobody") is None


def test_notes_leave_each_other_alone(stores: Stores) -> None:
    stores.deliveries.record(delivery())
    stores.deliveries.finish("guid-1", "decided", "decisions/1")
    stores.deliveries.enqueued("guid-1")
    assert stores.deliveries.get("guid-1") == delivery(enqueued=True, outcome="decided", decisions="decisions/1")


QUEUED = Forward(state="queued", at=1)
SENDING = Forward(state="sending", at=2, attempts=1)
FAILED = Forward(state="failed", at=3, attempts=1, status=404, reason="it answered 404")


def test_forwards_come_back_with_a_row(stores: Stores) -> None:
    row = delivery(forwards={"needs-rebase": FAILED, "a b/c.d": QUEUED}, organization="acme")
    stores.deliveries.record(row)
    assert stores.deliveries.get(row.guid) == row


def test_forwards_are_opened_once(stores: Stores) -> None:
    row = delivery()
    stores.deliveries.record(row)
    stores.deliveries.open_forwards(row.guid, {"hook": QUEUED})
    stores.deliveries.open_forwards(row.guid, {"hook": FAILED, "other": QUEUED})
    assert stores.deliveries.get(row.guid) == replace(row, forwards={"hook": QUEUED})
    with pytest.raises(NotFoundError, match="nobody"):
        stores.deliveries.open_forwards("nobody", {"hook": QUEUED})


def test_a_forward_changes_only_from_what_was_seen(stores: Stores) -> None:
    row = delivery()
    stores.deliveries.record(row)
    assert not stores.deliveries.change_forward(row.guid, "hook", None, SENDING), "nothing was opened"
    stores.deliveries.open_forwards(row.guid, {"hook": QUEUED})
    assert stores.deliveries.change_forward(row.guid, "hook", QUEUED, SENDING)
    assert not stores.deliveries.change_forward(row.guid, "hook", QUEUED, FAILED)
    assert not stores.deliveries.change_forward(row.guid, "hook", None, FAILED)
    assert stores.deliveries.change_forward(row.guid, "new.one", None, SENDING)
    assert stores.deliveries.get(row.guid) == replace(row, forwards={"hook": SENDING, "new.one": SENDING})
    assert not stores.deliveries.change_forward("nobody", "hook", None, SENDING)


def test_of_racing_changes_one_wins(stores: Stores) -> None:
    row = delivery(forwards={"hook": QUEUED})
    stores.deliveries.record(row)
    changes = [Forward(state="sending", at=at) for at in range(5)]
    won = together([partial(stores.deliveries.change_forward, row.guid, "hook", QUEUED, one) for one in changes])
    assert sorted(won) == [False] * 4 + [True]


def test_deliveries_of_a_pull_come_newest_first(stores: Stores) -> None:
    for number in range(4):
        stores.deliveries.record(delivery(guid=f"guid-{number}", received_at=1000 + number))
    stores.deliveries.record(delivery(guid="other", pull=delivery().pull + 1))
    stores.deliveries.record(delivery(guid="elsewhere", repository="other/repo"))
    row = delivery()
    found = stores.deliveries.of_pull(row.repository, row.pull, 3)
    assert [one.guid for one in found] == ["guid-3", "guid-2", "guid-1"]
    assert found[0] == delivery(guid="guid-3", received_at=1003)
    assert len(stores.deliveries.of_pull(row.repository, row.pull, 100)) == 4
    assert stores.deliveries.of_pull(row.repository, 999, 10) == []
