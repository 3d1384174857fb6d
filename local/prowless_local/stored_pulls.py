"""What a running installation decided about a pull request: its deliveries, newest first, and their records."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from prowless.domain.errors import ConfigError
from prowless.domain.wording import shown
from prowless_local.stored_decisions import record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from prowless.ports.stores import Deliveries, Delivery, Objects
    from prowless_local.explanation import Explanation

_URL = re.compile(r"https?://[^/?#\s]+/([A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100})/pull/([0-9]{1,9})(?:[/?#]\S*)?")
_OUTPUTS = ("StateBucketName", "DeliveriesTableName")
COLUMNS = ("time", "event", "action", "sender", "outcome", "summary", "delivery")
"""What is shown of each delivery."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One delivery about the pull. `explanation` is None until dispatch has finished with it."""

    delivery: Delivery
    sender: str
    explanation: Explanation | None

    def told(self) -> dict[str, str]:
        """The columns."""
        row, found = self.delivery, self.explanation
        return {
            "time": datetime.fromtimestamp(row.received_at / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "event": row.event,
            "action": row.action,
            "sender": self.sender,
            "outcome": row.outcome,
            "summary": found.summary if found else "dispatch has not finished with it",
            "delivery": row.guid,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The newest deliveries about a pull request, newest first."""

    repository: str
    number: int
    kept: Sequence[Kept]

    @property
    def newest(self) -> Explanation | None:
        """The newest record that decides about jobs."""
        return next((one.explanation for one in self.kept if one.explanation and one.explanation.decisions), None)

    def to_dict(self) -> dict[str, Any]:
        """As `--format json` prints it."""
        told = [{**(one.explanation.to_dict() if one.explanation else {}), **one.told()} for one in self.kept]
        return {"repository": self.repository, "pull": self.number, "deliveries": told}


def parse_url(url: str) -> tuple[str, int]:
    """Repository and number of a pull request's page, whatever follows in its address.

    Raises:
        ConfigError: it is no such address.
    """
    match = _URL.fullmatch(url)
    if match is None:
        raise ConfigError(
            [f"--url {shown(url)!r} is not a pull request's page, as https://github.com/ORG/REPO/pull/12"]
        )
    return match[1], int(match[2])


def places(client: Any, stack: str) -> tuple[str, str]:
    """The state bucket and the deliveries table of an installation, by its outputs.

    Raises:
        ConfigError: there is no such stack, or it is none of ours.
    """
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415  only where AWS is asked

    try:
        (found,) = client.describe_stacks(StackName=stack)["Stacks"]
    except (ClientError, BotoCoreError, ValueError) as error:
        raise ConfigError([f"--stack {shown(stack)}: {shown(str(error), 300)}"]) from error
    outputs = {one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", [])}
    missing = [name for name in _OUTPUTS if name not in outputs]
    if missing:
        raise ConfigError([f"--stack {shown(stack)} has no output {missing[0]}: it is not a stack of this template"])
    return outputs["StateBucketName"], outputs["DeliveriesTableName"]


def of_pull(deliveries: Deliveries, state: Objects, repository: str, number: int, last: int) -> History:
    """The newest deliveries about a pull request with what dispatch decided.

    Raises:
        ConfigError: none is known, or a record is not one that this release understands.
        ProwlessError: AWS refused.
    """
    rows = deliveries.of_pull(repository, number, last)
    if not rows:
        known = "the name must be written as GitHub writes it, and deliveries are kept for 90 days"
        raise ConfigError([f"no delivery about {repository}#{number} is known: {known}"])
    return History(repository=repository, number=number, kept=[_kept(row, state) for row in rows])


def _kept(row: Delivery, state: Objects) -> Kept:
    data = state.get(row.decisions) if row.decisions else None
    explanation = record(row.guid, row.decisions, data) if data is not None else None
    return Kept(delivery=row, sender=_sender(state.get(row.body)), explanation=explanation)


def _sender(body: bytes | None) -> str:
    """Who did it; nothing where the body is gone or names nobody."""
    try:
        data: Mapping[str, Any] = json.loads(body or b"{}")
        return str(data["sender"]["login"])
    except (ValueError, RecursionError, KeyError, TypeError):
        return ""
