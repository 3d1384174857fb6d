"""What every table needs: attribute values, conditional writes, batch reads and the pauses between tries."""

from __future__ import annotations

import random
import re
import secrets
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from prowless.domain.errors import RetryableError

from .errors import code_of, translated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from types_boto3_dynamodb.client import DynamoDBClient

    Item = dict[str, Any]
    """Attribute names to DynamoDB's typed values."""

    Sleep = Callable[[float], None]
    """Waits that many seconds."""

TRIES = 10
"""How often a lost race is run again. With full jitter, ten writers of one row have all won long before."""

NONCE = "nonce"
"""Names the last write of an item. A write whose answer was lost and which the SDK repeats fails its own condition;
the nonce tells that apart from somebody else's write."""

_BATCH = 100
_FIRST_PAUSE = 0.01
_LONGEST_PAUSE = 0.5
_NAME = re.compile(r"#(\w+)")


def nonce() -> str:
    """A new mark for a write."""
    return secrets.token_hex(8)


def pause(attempt: int) -> float:
    """Seconds to wait after the n-th (from 0) lost race: full jitter under a doubling bound, at most half a second."""
    return random.uniform(0, min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**attempt))  # noqa: S311 - jitter, not a secret


def marshal(value: Any) -> Item:
    """A DynamoDB attribute value: text (also of enums), whole numbers, booleans, None, lists and maps of these."""
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": str(value)}
        case int():
            return {"N": str(value)}
        case Mapping():
            return {"M": {key: marshal(entry) for key, entry in value.items()}}
        case list() | tuple():
            return {"L": [marshal(entry) for entry in value]}
    raise TypeError(f"{type(value).__name__} is not kept in tables")


def unmarshal(attribute: Mapping[str, Any]) -> Any:
    """What `marshal` was given; tuples come back as lists."""
    ((kind, value),) = attribute.items()
    match kind:
        case "S" | "BOOL":
            return value
        case "N":
            return int(value)
        case "NULL":
            return None
        case "M":
            return {key: unmarshal(entry) for key, entry in value.items()}
        case "L":
            return [unmarshal(entry) for entry in value]
    raise TypeError(f"attribute type {kind} is none of ours")


def lost_race(error: ClientError) -> bool:
    """Whether somebody else wrote the item first, or writes it now in a transaction."""
    return code_of(error) in {"ConditionalCheckFailedException", "TransactionConflictException"}


class Table:
    """One table with a text key and no range key. `subject` names it in errors."""

    def __init__(self, client: DynamoDBClient, name: str, key: str, sleep: Sleep = time.sleep) -> None:
        self.client = client
        self.name = name
        self.key = key
        self.sleep = sleep
        self.subject = f"DynamoDB table {name}"

    def get(self, key: str) -> Item | None:
        """The item, strongly consistent."""
        with translated(self.subject):
            answer = self.client.get_item(TableName=self.name, Key=self.key_of(key), ConsistentRead=True)
        item: Item | None = answer.get("Item")
        return item

    def get_all(self, keys: Iterable[str]) -> dict[str, Item]:
        """The items that exist, by key, strongly consistent.

        Raises:
            RetryableError: DynamoDB kept leaving keys out.
        """
        wanted = list(dict.fromkeys(keys))
        found: dict[str, Item] = {}
        for start in range(0, len(wanted), _BATCH):
            self._get_batch([self.key_of(key) for key in wanted[start : start + _BATCH]], found)
        return found

    def put(self, item: Item, condition: str, **values: Any) -> Item | None:
        """Store an item if the condition holds; None if it was stored, else what stood there (empty: nothing did).

        The condition writes `#name` for an attribute and `:name` for one of `values`.
        """
        mark = marshal(nonce())
        parameters: dict[str, Any] = {
            "TableName": self.name,
            "Item": item | {NONCE: mark},
            "ConditionExpression": condition,
            "ExpressionAttributeNames": names_in(condition),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        if values:
            parameters["ExpressionAttributeValues"] = {f":{name}": marshal(value) for name, value in values.items()}
        with translated(self.subject):
            return self._conditional(self.client.put_item, parameters, mark)

    def update(self, parameters: Mapping[str, Any], mark: str) -> Item | None:
        """Carry out an Update that sets the nonce to `mark`; None if it was done, else what stood there."""
        with translated(self.subject):
            return self._conditional(self.client.update_item, parameters, marshal(mark))

    def key_of(self, key: str) -> Item:
        """The primary key."""
        return {self.key: {"S": key}}

    def _conditional(self, call: Callable[..., Any], parameters: Mapping[str, Any], mark: Item) -> Item | None:
        try:
            call(**parameters)
        except ClientError as exc:
            if not lost_race(exc):
                raise
            standing: Any = exc.response.get("Item") or {}
            return None if standing.get(NONCE) == mark else standing
        return None

    def _get_batch(self, keys: list[Item], found: dict[str, Item]) -> None:
        for attempt in range(TRIES):
            with translated(self.subject):
                answer = self.client.batch_get_item(RequestItems={self.name: {"Keys": keys, "ConsistentRead": True}})
            items: Any = answer["Responses"].get(self.name, ())
            found.update({item[self.key]["S"]: item for item in items})
            left: Any = answer.get("UnprocessedKeys", {}).get(self.name)
            if not left:
                return
            keys = left["Keys"]
            self.sleep(pause(attempt))
        raise RetryableError(f"{self.subject}: {len(keys)} keys stayed unprocessed; the table is throttled")


def names_in(expression: str) -> dict[str, str]:
    """Every `#name` of an expression; names are always written so, because many of ours are reserved words."""
    return {f"#{name}": name for name in _NAME.findall(expression)}
