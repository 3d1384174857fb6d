"""ProwJobs as items: the row's fields, what its indexes hash on, and updates that write only what changed.

A field that is empty and whose default is empty is left out. What an update does not know it does not touch, so an
older release can write the row of a newer one without losing its fields.
"""

from __future__ import annotations

from dataclasses import MISSING, Field, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from prowless.domain.errors import PermanentError
from prowless.domain.prowjob import Phase, ProwJob, State
from prowless.domain.refs import JobType

from .dynamo import NONCE, marshal, unmarshal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .dynamo import Item

KEPT_SECONDS = 90 * 24 * 3600
"""How long rows of runs and deliveries are kept; TTL removes them after that."""

BUILD_ID_DIGITS = 20
"""Build ids sort as text, so they are stored with this many digits; today's have 19, from 2045 on they have 20."""


def sortable(build_id: str) -> str:
    """A build id whose order as text is its order as a number.

    Raises:
        ValueError: not a decimal number of at most 20 digits.
    """
    if not (build_id.isascii() and build_id.isdecimal() and len(build_id) <= BUILD_ID_DIGITS):
        raise ValueError(f"a build id is at most {BUILD_ID_DIGITS} decimal digits, not {build_id!r}")
    return build_id.zfill(BUILD_ID_DIGITS)


def plain(build_id: str) -> str:
    """The build id as everybody else writes it."""
    return build_id.lstrip("0") or "0"


_READ: Mapping[str, Callable[[Any], Any]] = {
    "type": JobType,
    "state": State,
    "phase": Phase,
    "held": tuple,
    "build_id": plain,
}


def attributes(row: Any) -> dict[str, Any]:
    """A row's fields, without those that are empty by default."""
    return {f.name: value for f in fields(row) if (value := getattr(row, f.name)) or not _empty_by_default(f)}


def _empty_by_default(f: Field[Any]) -> bool:
    if f.default_factory is not MISSING:
        return not f.default_factory()
    return f.default is not MISSING and not f.default


def known(row: type, item: Item) -> dict[str, Any]:
    """The fields of a row type that an item has; the rest of it is ignored."""
    return {f.name: unmarshal(item[f.name]) for f in fields(row) if f.name in item}


def dated(created_at: int) -> dict[str, Any]:
    """The day (UTC) and the time to live of a row that was created then (epoch milliseconds)."""
    seconds = created_at // 1000
    return {"day": datetime.fromtimestamp(seconds, UTC).date().isoformat(), "expires_at": seconds + KEPT_SECONDS}


def item_of(job: ProwJob) -> Item:
    """The whole row as an item, with the attributes of its indexes."""
    row = attributes(job) | job.keys() | dated(job.created_at)
    row |= {"build_id": sortable(job.build_id), "version": job.version}
    return {name: marshal(value) for name, value in row.items()}


def job_of(item: Item) -> ProwJob:
    """The row of an item.

    Raises:
        PermanentError: it holds a value this release does not know.
    """
    row = known(ProwJob, item)
    try:
        return ProwJob(**{name: _READ[name](value) if name in _READ else value for name, value in row.items()})
    except (TypeError, ValueError) as exc:
        raise PermanentError(
            f"ProwJob {row.get('id')} (schema {row.get('schema')}) cannot be read by this release: {exc}; "
            "deploy the release that wrote it"
        ) from exc


def probe(**fields: Any) -> ProwJob:
    """A row with these fields, for the index keys that it would have."""
    blank: dict[str, Any] = {"id": "", "type": JobType.PERIODIC, "job": "", "build_id": "0", "created_at": 0}
    return ProwJob(**(blank | fields))


def update(table: str, before: ProwJob, after: ProwJob, mark: str) -> dict[str, Any]:
    """Parameters of an Update (alone or in a transaction) that brings the row from `before` to `after`.

    It is conditioned on the version of `before`; `after` must carry the next one. `mark` becomes the item's nonce.
    """
    old, new = item_of(before), item_of(after) | {NONCE: marshal(mark)}
    changed = {name: value for name, value in new.items() if old.get(name) != value}
    gone = sorted(old.keys() - new.keys())
    names = {f"#{name}": name for name in (*changed, *gone)}
    values = {f":{name}": value for name, value in changed.items()}
    expression = "SET " + ", ".join(f"#{name} = :{name}" for name in changed)
    if gone:
        expression += " REMOVE " + ", ".join(f"#{name}" for name in gone)
    return {
        "TableName": table,
        "Key": {"id": marshal(before.id)},
        "UpdateExpression": expression,
        "ConditionExpression": "#version = :seen",
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values | {":seen": marshal(before.version)},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
