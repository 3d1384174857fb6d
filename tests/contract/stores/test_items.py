"""What DynamoDB adds to the ports: items, indexes, lost answers and throttling."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from tests.contract.stores.samples import delivery, run

from prowless.adapters.aws.control import DynamoControl
from prowless.adapters.aws.deliveries import DynamoDeliveries
from prowless.adapters.aws.prowjobs import DynamoProwJobs
from prowless.domain.errors import NotFoundError, PermanentError, RetryableError
from prowless.domain.prowjob import Phase

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.contract.stores.backends import MotoStores

TOTAL = "counter#total"


class Wrapped:
    """A client one of whose calls is answered by a function that is given the real call."""

    def __init__(self, client: Any, name: str, answer: Callable[..., Any]) -> None:
        self._client = client
        self._name = name
        self._answer = answer

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._client, name)
        return (lambda **parameters: self._answer(real, **parameters)) if name == self._name else real


def twice(real: Callable[..., Any], **parameters: Any) -> Any:
    """The SDK repeats a call whose answer was lost."""
    real(**parameters)
    return real(**parameters)


def prowjobs(stores: MotoStores, name: str, answer: Callable[..., Any]) -> DynamoProwJobs:
    return DynamoProwJobs(Wrapped(stores.raw, name, answer), stores.tables["ProwJobsTable"], no_sleep)


def control(stores: MotoStores, name: str, answer: Callable[..., Any]) -> DynamoControl:
    client = Wrapped(stores.raw, name, answer)
    return DynamoControl(client, stores.tables["ControlTable"], stores.tables["ProwJobsTable"], no_sleep)


def no_sleep(seconds: float) -> None:
    assert 0 <= seconds <= 0.5


def item(stores: MotoStores, table: str, **key: str) -> dict[str, Any]:
    typed = {name: {"S": value} for name, value in key.items()}
    return stores.raw.get_item(TableName=stores.tables[table], Key=typed)["Item"]


def cancelled(*codes: str) -> ClientError:
    reasons = [{"Code": code} for code in codes]
    error: Any = {"Error": {"Code": "TransactionCanceledException", "Message": "x"}, "CancellationReasons": reasons}
    return ClientError(error, "TransactWriteItems")


# ---- items --------------------------------------------------------------------------------------


def test_a_row_is_one_small_item_with_its_index_keys(dynamo: MotoStores) -> None:
    dynamo.prowjobs.create(run("a", build_id="12"))
    stored = item(dynamo, "ProwJobsTable", id="a")
    assert stored.pop("nonce")
    assert stored == {
        "id": {"S": "a"},
        "schema": {"N": "1"},
        "type": {"S": "presubmit"},
        "job": {"S": "unit"},
        "context": {"S": "unit"},
        "agent": {"S": "kubernetes"},
        "org": {"S": "acme"},
        "repo": {"S": "rocket"},
        "base_ref": {"S": "main"},
        "pull": {"N": "7"},
        "head_sha": {"S": "c0ffee"},
        "report": {"BOOL": True},
        "cluster": {"S": "default"},
        "build_id": {"S": "00000000000000000012"},
        "state": {"S": "triggered"},
        "phase": {"S": "waiting"},
        "created_at": {"N": "1790000000000"},
        "version": {"N": "0"},
        "pull_key": {"S": "acme/rocket#7"},
        "job_key": {"S": "presubmit#acme/rocket#unit"},
        "active": {"S": "default"},
        "active_order": {"S": "w#00000000000000000012"},
        "day": {"S": "2026-09-21"},
        "expires_at": {"N": "1797776000"},
    }


def test_a_released_row_leaves_the_index_of_active_ones(dynamo: MotoStores) -> None:
    dynamo.prowjobs.create(run("a"))
    dynamo.prowjobs.mutate("a", lambda row: replace(row, phase=Phase.RELEASED))
    assert not {"active", "active_order"} & item(dynamo, "ProwJobsTable", id="a").keys()


def test_an_older_release_keeps_what_a_newer_one_wrote(dynamo: MotoStores) -> None:
    dynamo.prowjobs.create(run("a", token="t"))
    dynamo.raw.update_item(
        TableName=dynamo.tables["ProwJobsTable"],
        Key={"id": {"S": "a"}},
        UpdateExpression="SET from_the_future = :x",
        ExpressionAttributeValues={":x": {"SS": ["kept"]}},
    )
    row = dynamo.prowjobs.mutate("a", lambda row: replace(row, token="", polls=1))
    assert dynamo.control.admit(row, replace(row, phase=Phase.ADMITTED, held=(TOTAL,)), {TOTAL: 1})
    stored = item(dynamo, "ProwJobsTable", id="a")
    assert stored["from_the_future"] == {"SS": ["kept"]}
    assert "token" not in stored


def test_a_row_of_an_unknown_state_says_what_to_do(dynamo: MotoStores) -> None:
    dynamo.prowjobs.create(run("a"))
    dynamo.raw.update_item(
        TableName=dynamo.tables["ProwJobsTable"],
        Key={"id": {"S": "a"}},
        UpdateExpression="SET #state = :x",
        ExpressionAttributeNames={"#state": "state"},
        ExpressionAttributeValues={":x": {"S": "paused"}},
    )
    with pytest.raises(PermanentError, match=r"a \(schema 1\) cannot be read by this release.*paused"):
        dynamo.prowjobs.get("a")


def test_a_delivery_is_kept_for_ninety_days_under_its_pull_and_day(dynamo: MotoStores) -> None:
    dynamo.deliveries.record(delivery())
    stored = item(dynamo, "DeliveriesTable", guid="guid-1")
    assert stored["pull_key"] == {"S": "acme/rocket#7"}
    assert stored["day"] == {"S": "2026-09-21"}
    assert stored["expires_at"] == {"N": "1797776000"}


def test_claims_and_leases_expire(dynamo: MotoStores) -> None:
    dynamo.control.claim("claim#x", "a", 123)
    dynamo.control.lease("lease#x", "a", now=1000, until=5000)
    assert item(dynamo, "ControlTable", key="claim#x")["expires_at"] == {"N": "123"}
    assert item(dynamo, "ControlTable", key="lease#x")["expires_at"] == {"N": str(5 + 24 * 3600)}


# ---- answers that were lost ---------------------------------------------------------------------


def test_a_repeated_create_is_still_ours(dynamo: MotoStores) -> None:
    assert prowjobs(dynamo, "put_item", twice).create(run("a"))


def test_a_repeated_mutate_counts_once(dynamo: MotoStores) -> None:
    dynamo.prowjobs.create(run("a"))
    row = prowjobs(dynamo, "update_item", twice).mutate("a", lambda row: replace(row, polls=row.polls + 1))
    assert (row.polls, row.version) == (1, 1)
    assert dynamo.prowjobs.get("a") == row


def test_a_repeated_store_is_still_ours(dynamo: MotoStores) -> None:
    repeating = control(dynamo, "put_item", twice)
    assert repeating.store("state#x", {"a": 1}, None)
    assert repeating.store("state#x", {"a": 2}, {"a": 1})
    assert repeating.newest("newest#x", "7", 100) == "7"


def test_a_repeated_record_is_one_receive(dynamo: MotoStores) -> None:
    ledger = DynamoDeliveries(Wrapped(dynamo.raw, "put_item", twice), dynamo.tables["DeliveriesTable"])
    assert ledger.record(delivery()).receives == 1


# ---- indexes, throttling, conflicts -------------------------------------------------------------


def test_a_row_that_left_its_phase_after_the_index_was_read_is_left_out(dynamo: MotoStores) -> None:
    for name in ("a", "b"):
        dynamo.prowjobs.create(run(name, at=ord(name)))

    def query(real: Callable[..., Any], **parameters: Any) -> Any:
        answer = real(**parameters)
        dynamo.prowjobs.mutate("a", lambda row: replace(row, phase=Phase.ADMITTED))
        return answer

    assert [row.id for row in prowjobs(dynamo, "query", query).active("default", Phase.WAITING, 9)] == ["b"]


def test_a_row_that_expired_after_the_index_was_read_is_left_out(dynamo: MotoStores) -> None:
    for name in ("a", "b"):
        dynamo.prowjobs.create(run(name, at=ord(name)))

    def query(real: Callable[..., Any], **parameters: Any) -> Any:
        answer = real(**parameters)
        dynamo.raw.delete_item(TableName=dynamo.tables["ProwJobsTable"], Key={"id": {"S": "a"}})
        return answer

    assert [row.id for row in prowjobs(dynamo, "query", query).of_pull("acme/rocket", 7)] == ["b"]


def test_keys_left_unprocessed_are_asked_for_again(dynamo: MotoStores) -> None:
    rows = [run(f"r{number}", at=number) for number in range(5)]
    for row in rows:
        dynamo.prowjobs.create(row)

    def one_at_a_time(real: Callable[..., Any], **parameters: Any) -> Any:
        ((table, wanted),) = parameters["RequestItems"].items()
        first, rest = wanted["Keys"][:1], wanted["Keys"][1:]
        answer = real(RequestItems={table: {**wanted, "Keys": first}})
        return answer | {"UnprocessedKeys": {table: {"Keys": rest}} if rest else {}}

    assert prowjobs(dynamo, "batch_get_item", one_at_a_time).of_pull("acme/rocket", 7) == rows[::-1]


def test_keys_that_stay_unprocessed_are_retryable(dynamo: MotoStores) -> None:
    dynamo.prowjobs.create(run("a"))

    def nothing(_: Callable[..., Any], **parameters: Any) -> Any:
        return {"Responses": {}, "UnprocessedKeys": parameters["RequestItems"]}

    with pytest.raises(RetryableError, match="stayed unprocessed"):
        prowjobs(dynamo, "batch_get_item", nothing).of_pull("acme/rocket", 7)


def test_a_transaction_in_the_way_is_waited_for(dynamo: MotoStores) -> None:
    dynamo.prowjobs.create(run("a"))
    conflicts = [cancelled("TransactionConflict", "None"), cancelled("None", "ThrottlingError")]

    def transact(real: Callable[..., Any], **parameters: Any) -> Any:
        if conflicts:
            raise conflicts.pop()
        return real(**parameters)

    after = replace(run("a"), phase=Phase.ADMITTED, held=(TOTAL,))
    assert control(dynamo, "transact_write_items", transact).admit(run("a"), after, {TOTAL: 1})
    assert dynamo.control.counters([TOTAL]) == {TOTAL: 1}


@pytest.mark.parametrize(
    ("code", "error"), [("TransactionConflict", RetryableError), ("ValidationError", PermanentError)]
)
def test_a_transaction_that_cannot_be_done_is_an_error(dynamo: MotoStores, code: str, error: type[Exception]) -> None:
    def transact(_: Callable[..., Any], **_parameters: Any) -> Any:
        raise cancelled(code, "None")

    after = replace(run("a"), held=(TOTAL,))
    with pytest.raises(error):
        control(dynamo, "transact_write_items", transact).admit(run("a"), after, {TOTAL: 1})


def test_a_row_in_somebodys_transaction_is_a_lost_race(dynamo: MotoStores) -> None:
    dynamo.prowjobs.create(run("a"))
    refusals = [ClientError({"Error": {"Code": "TransactionConflictException", "Message": ""}}, "UpdateItem")]

    def update(real: Callable[..., Any], **parameters: Any) -> Any:
        if refusals:
            raise refusals.pop()
        return real(**parameters)

    assert prowjobs(dynamo, "update_item", update).mutate("a", lambda row: replace(row, polls=1)).version == 1


def test_a_missing_table_is_named(dynamo: MotoStores) -> None:
    with pytest.raises(NotFoundError, match="DynamoDB table nowhere does not exist"):
        DynamoProwJobs(dynamo.raw, "nowhere").get("a")
