"""The Control table: counters, claims, leases, what is newest, and plain values."""

from __future__ import annotations

import json
import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from prowless.domain.errors import RetryableError

from .dynamo import TRIES, Table, lost_race, marshal, nonce, pause, unmarshal
from .errors import code_of, passing, translated
from .rows import plain, sortable, update

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from types_boto3_dynamodb.client import DynamoDBClient

    from prowless.domain.prowjob import ProwJob

    from .dynamo import Item, Sleep

log = logging.getLogger(__name__)

_LEASE_KEPT_SECONDS = 24 * 3600
"""A lease that nobody let go of is removed a day after it ended."""


class DynamoControl:
    """`Control` over DynamoDB; `admit` and `release` also write the ProwJobs table, in the same transaction."""

    def __init__(
        self, client: DynamoDBClient, control_table: str, prowjobs_table: str, sleep: Sleep = time.sleep
    ) -> None:
        self._table = Table(client, control_table, "key", sleep)
        self._prowjobs_table = prowjobs_table

    def counters(self, keys: Iterable[str]) -> dict[str, int]:
        """The present value of each counter, 0 where there is none; strongly consistent."""
        wanted = list(keys)
        found = self._table.get_all(wanted)
        return {key: unmarshal(found[key]["used"]) if key in found else 0 for key in wanted}

    def admit(self, before: ProwJob, after: ProwJob, limits: Mapping[str, int]) -> bool:
        """One transaction: the row from `before` to `after`, and one more in each counter that is below its limit.

        Raises:
            ValueError: `after` does not hold exactly the counters of `limits`, or `before` holds some already.
            RetryableError: others kept writing the same items.
        """
        if before.held or set(after.held) != set(limits):
            raise ValueError(f"ProwJob {before.id}: admit must hold exactly the counters of `limits`")
        if any(limit <= 0 for limit in limits.values()):
            return False  # the condition below lets the first one into a counter that does not exist yet
        more = [self._more(key, limit) for key, limit in limits.items()]
        return not self._transact([self._row(before, after), *more])

    def release(self, before: ProwJob, after: ProwJob) -> bool:
        """One transaction: the row from `before` to `after`, and one less in each counter that `before` holds.

        False if the row had changed. A counter that is 0 already is wrong (it is the number of rows that hold it); it
        stays 0, which is nearer the truth, and the run is let go.

        Raises:
            ValueError: `after` still holds counters.
            RetryableError: others kept writing the same items.
        """
        if after.held:
            raise ValueError(f"ProwJob {before.id}: release must leave no counter held")
        held = list(before.held)
        while failed := self._transact([self._row(before, after), *map(self._less, held)]):
            if 0 in failed:
                return False
            empty = [held[place - 1] for place in failed]
            log.warning("counter was 0 although a run held it", extra={"prowjob": before.id, "counters": empty})
            held = [key for key in held if key not in empty]
        return True

    def claim(self, key: str, owner: str, expires_at: int) -> str:
        """Take the key if it is free; the owner that holds it now.

        It is free again once DynamoDB has removed it, up to two days after `expires_at` (epoch seconds).
        """
        taken = self._put(key, {"owner": owner, "expires_at": expires_at}, "attribute_not_exists(#key)")
        holder: str = unmarshal(taken["owner"]) if taken else owner
        return holder

    def lease(self, key: str, owner: str, now: int, until: int) -> bool:
        """Hold the key until then (epoch milliseconds), if it is free, expired or already ours."""
        lease = {"owner": owner, "until": until, "expires_at": until // 1000 + _LEASE_KEPT_SECONDS}
        free = "attribute_not_exists(#key) OR #owner = :owner OR #until <= :now"
        return self._put(key, lease, free, owner=owner, now=now) is None

    def unlease(self, key: str, owner: str) -> None:
        """Let go of a lease that is still ours."""
        with translated(self._table.subject):
            try:
                self._table.client.delete_item(
                    TableName=self._table.name,
                    Key=self._table.key_of(key),
                    ConditionExpression="#owner = :owner",
                    ExpressionAttributeNames={"#owner": "owner"},
                    ExpressionAttributeValues={":owner": {"S": owner}},
                )
            except ClientError as exc:
                if not lost_race(exc):
                    raise

    def newest(self, key: str, build_id: str, expires_at: int) -> str:
        """Offer a build id as the newest of the key; the newest known after that (decimal order)."""
        offer = {"build_id": sortable(build_id), "expires_at": expires_at}
        newer = "attribute_not_exists(#key) OR #build_id < :build_id"
        known = self._put(key, offer, newer, build_id=offer["build_id"])
        return plain(unmarshal(known["build_id"])) if known else plain(build_id)

    def value(self, key: str) -> Mapping[str, Any] | None:
        """A plain value, strongly consistent."""
        item = self._table.get(key)
        if item is None:
            return None
        value: Mapping[str, Any] = json.loads(unmarshal(item["value"]))
        return value

    def store(self, key: str, value: Mapping[str, Any], expected: Mapping[str, Any] | None) -> bool:
        """Store a plain value (JSON) if the present one is as expected (None: absent); false if it was not."""
        text = {"value": _text(value)}
        if expected is None:
            return self._put(key, text, "attribute_not_exists(#key)") is None
        return self._put(key, text, "#value = :expected", expected=_text(expected)) is None

    def _put(self, key: str, attributes: Mapping[str, Any], condition: str, **values: Any) -> Item | None:
        item = {name: marshal(value) for name, value in attributes.items()} | self._table.key_of(key)
        return self._table.put(item, condition, **values)

    def _row(self, before: ProwJob, after: ProwJob) -> Item:
        if after.id != before.id:
            raise ValueError(f"a row keeps its id: {before.id} cannot become {after.id}")
        return update(self._prowjobs_table, before, replace(after, version=before.version + 1), nonce())

    def _more(self, key: str, limit: int) -> Item:
        return self._counter(key, ":one", "attribute_not_exists(#used) OR #used < :limit", limit=limit, one=1)

    def _less(self, key: str) -> Item:
        return self._counter(key, ":less", "#used > :zero", less=-1)

    def _counter(self, key: str, by: str, condition: str, **values: int) -> Item:
        return {
            "TableName": self._table.name,
            "Key": self._table.key_of(key),
            "UpdateExpression": f"SET #used = if_not_exists(#used, :zero) + {by}",
            "ConditionExpression": condition,
            "ExpressionAttributeNames": {"#used": "used"},
            "ExpressionAttributeValues": {f":{name}": marshal(value) for name, value in {"zero": 0, **values}.items()},
        }

    def _transact(self, updates: Sequence[Item]) -> list[int]:
        """Carry out all updates or none: the places of those whose condition failed, nothing if all were done.

        The SDK repeats a request whose answer was lost under the same token, and DynamoDB answers as it did the
        first time (for ten minutes), so no counter is moved twice.
        """
        subject = f"DynamoDB tables {self._prowjobs_table} and {self._table.name}"
        items: Any = [{"Update": entry} for entry in updates]
        for attempt in range(TRIES):
            with translated(subject):
                try:
                    self._table.client.transact_write_items(TransactItems=items)
                except ClientError as exc:
                    if code_of(exc) != "TransactionCanceledException":
                        raise
                    if failed := _failed_conditions(exc):
                        return failed
                else:
                    return []
            self._table.sleep(pause(attempt))
        raise RetryableError(f"{subject}: others wrote the same items {TRIES} times in a row")


def _failed_conditions(cancelled: ClientError) -> list[int]:
    """Which updates' conditions failed; nothing if only a conflict or a throttle stood in the way.

    Raises:
        ClientError: the transaction was cancelled for a reason that repeating will not change.
    """
    reasons: Any = cancelled.response.get("CancellationReasons", [])
    codes = [reason.get("Code") or "None" for reason in reasons]
    failed = [place for place, code in enumerate(codes) if code == "ConditionalCheckFailed"]
    if not failed and any(code != "None" and not passing(code) for code in codes):
        raise cancelled
    return failed


def _text(value: Mapping[str, Any]) -> str:
    """Canonical JSON: equal values are equal text, which a condition can compare."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
