"""What dispatch decided about a delivery: the record that it keeps beside the body in the state bucket."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING

from prowless.adapters.aws.errors import translated
from prowless.adapters.aws.objects import S3Objects
from prowless.domain.errors import ConfigError
from prowless.domain.wording import shown
from prowless_local.explanation import COLUMNS, Explanation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from types_boto3_s3.client import S3Client

DAYS = 90
"""How far back a delivery is looked for: so long are they kept."""

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
            return _record(guid, key, S3Objects(client, bucket).get(key) or b"")
        if body in keys:
            raise ConfigError([f"delivery {guid} came on {day}, and dispatch has not finished with it: look later"])
    span = among[0] if len(among) == 1 else f"{among[-1]} to {among[0]}"
    raise ConfigError([f"delivery {guid} is not in bucket {bucket} ({span})"])


def _record(guid: str, key: str, data: bytes) -> Explanation:
    try:
        record = json.loads(data)
        return Explanation(
            title=f"delivery {guid} ({record['event']})",
            event=str(record["event"]),
            delivery=guid,
            summary=str(record["summary"]),
            decisions=[{name: str(one[name]) for name in COLUMNS} for one in record["decisions"]],
            refused=[{name: str(one[name]) for name in ("action", "error")} for one in record.get("refused", ())],
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError([f"{key} is not a record of decisions that this release understands"]) from error
