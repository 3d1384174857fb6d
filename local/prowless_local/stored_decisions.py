"""What was decided about a delivery or a periodic: the records that dispatch and periodics keep in the state bucket."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from prowless.adapters.aws.deliveries import DynamoDeliveries
from prowless.adapters.aws.errors import translated
from prowless.adapters.aws.objects import S3Objects
from prowless.domain.errors import ConfigError
from prowless.domain.wording import counted, shown
from prowless_local.explanation import COLUMNS, Explanation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from types_boto3_dynamodb.client import DynamoDBClient
    from types_boto3_s3.client import S3Client

DAYS = 90
"""How far back a delivery is looked for: so long are they kept."""

SHOWN = 20
"""Decisions about a periodic that are shown."""

_JOB = re.compile(r"[0-9A-Za-z._-]{1,500}")
_GUID = re.compile(r"[0-9A-Za-z-]{1,64}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def days(day: str | None, now: datetime) -> Iterator[str]:
    """Where to look: the given day, or the last ones, newest first.

    Raises:
        ConfigError: the given day is none.
    """
    if day is None:
        # A day more: the clock that named the delivery's day may be ahead of this one.
        yield from ((now - timedelta(days=age)).strftime("%Y-%m-%d") for age in range(-1, DAYS))
    elif _DAY.fullmatch(day):
        yield day
    else:
        raise ConfigError([f"--day {shown(day)!r} is not a day such as 2026-11-18"])


def stored(client: S3Client, bucket: str, guid: str, among: Sequence[str]) -> Explanation:
    """What dispatch decided about a delivery, from the record beside its body.

    Args:
        client: S3.
        bucket: the stack's state bucket.
        guid: the delivery's GUID.
        among: days where to look, as `2026-11-18`, in this order.

    Raises:
        ConfigError: not a GUID, no such delivery, or one that dispatch has not decided yet.
        ProwlessError: S3 refused.
    """
    if not _GUID.fullmatch(guid):
        raise ConfigError([f"{shown(guid)!r} is not a delivery's GUID"])
    for day in among:
        body = f"deliveries/{day}/{guid}.json"
        key = f"deliveries/{day}/{guid}.decisions.json"
        with translated(f"S3 bucket {bucket}, prefix deliveries/{day}/"):
            found = client.list_objects_v2(Bucket=bucket, Prefix=f"deliveries/{day}/{guid}.", MaxKeys=10)
        keys = {entry["Key"] for entry in found.get("Contents", [])}
        if key in keys:
            return record(guid, key, S3Objects(client, bucket).get(key) or b"")
        if body in keys:
            raise ConfigError([f"delivery {guid} came on {day}, and dispatch has not finished with it: look later"])
    span = among[0] if len(among) == 1 else f"{among[-1]} to {among[0]}"
    raise ConfigError([f"delivery {guid} is not in bucket {bucket} ({span})"])


def forwards(client: DynamoDBClient, table: str, guid: str) -> list[dict[str, Any]]:
    """How the external plugins got a delivery, by name, with times in UTC.

    Raises:
        ConfigError: the table has no such delivery.
        ProwlessError: DynamoDB refused.
    """
    row = DynamoDeliveries(client, table).get(guid)
    if row is None:
        raise ConfigError([f"delivery {guid} is not in table {table}"])
    return [
        {
            "plugin": plugin,
            **forward.to_dict(),
            "at": datetime.fromtimestamp(forward.at // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        for plugin, forward in sorted(row.forwards.items())
    ]


def of_periodic(client: S3Client, bucket: str, name: str, among: Sequence[str]) -> Explanation:
    """The newest decisions about a periodic: when it was started, and which due times are lost and why.

    Args:
        client: S3.
        bucket: the stack's state bucket.
        name: the job's name.
        among: days where to look, as `2026-11-18`, newest first.

    Raises:
        ConfigError: not a job's name, or nothing was decided about it on these days.
        ProwlessError: S3 refused.
    """
    if not _JOB.fullmatch(name):
        raise ConfigError([f"{shown(name)!r} is not a job's name"])
    found: list[dict[str, str]] = []
    for day in among:
        keys: list[str] = []
        with translated(f"S3 bucket {bucket}, prefix periodics/{name}/{day}/"):
            for page in client.get_paginator("list_objects_v2").paginate(
                Bucket=bucket, Prefix=f"periodics/{name}/{day}/"
            ):
                keys += [entry["Key"] for entry in page.get("Contents", [])]
        # Each key begins with the due time in milliseconds, all of one length.
        newest = sorted(keys, reverse=True)[: SHOWN - len(found)]
        found += [_periodic_record(key, S3Objects(client, bucket).get(key) or b"") for key in newest]
        if len(found) == SHOWN:
            break
    if not found:
        span = among[0] if len(among) == 1 else f"{among[-1]} to {among[0]}"
        raise ConfigError([f"nothing was decided about periodic {name} in bucket {bucket} ({span})"])
    lost = sum(decision["verdict"] == "skip" for decision in found)
    return Explanation(
        title=f"periodic {name}",
        event="periodic",
        summary=f"the newest {counted(len(found), 'decision')}, {lost} of them about lost times",
        decisions=found,
    )


def _periodic_record(key: str, data: bytes) -> dict[str, str]:
    try:
        record = json.loads(data)
        due = str(record["due_at"])
        decision = {name: str(record[name]) for name in COLUMNS}
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError([f"{key} is not a record of a decision that this release understands"]) from error
    return {**decision, "reason": f"due {due}: {decision['reason']}", "due_at": due}


def record(guid: str, key: str, data: bytes) -> Explanation:
    """What a record of dispatch says.

    Args:
        guid: the delivery's.
        key: the record's, for messages.
        data: its bytes.

    Raises:
        ConfigError: it is none that this release understands.
    """
    try:
        kept = json.loads(data)
        return Explanation(
            title=f"delivery {guid} ({kept['event']})",
            event=str(kept["event"]),
            delivery=guid,
            summary=str(kept["summary"]),
            decisions=[{name: str(one[name]) for name in COLUMNS} for one in kept["decisions"]],
            problems=[str(one) for one in kept.get("problems", ())],
            notes=[str(one) for one in kept.get("notes", ())],
            refused=[{name: str(one[name]) for name in ("action", "error")} for one in kept.get("refused", ())],
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError([f"{key} is not a record of decisions that this release understands"]) from error
