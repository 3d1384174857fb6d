"""The `Deliveries` port, whoever implements it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest
from tests.contract.stores.samples import delivery, together

from prowless.domain.errors import NotFoundError
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
