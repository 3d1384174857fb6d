"""The Deliveries table: the ledger of webhook deliveries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from prowless.domain.errors import NotFoundError, RetryableError
from prowless.domain.external_plugins import Forward
from prowless.ports.stores import Delivery

from .dynamo import TRIES, Table, lost_race, marshal, names_in
from .errors import translated
from .rows import attributes, dated, known

if TYPE_CHECKING:
    from collections.abc import Mapping

    from types_boto3_dynamodb.client import DynamoDBClient

    from .dynamo import Item


class DynamoDeliveries:
    """`Deliveries` over DynamoDB. What was stored first stays; only the count and the outcome change."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._table = Table(client, table, "guid")

    def record(self, delivery: Delivery) -> Delivery:
        """Store the row, or count one more receive of the row that is there; the row as it is now.

        A count whose answer was lost may be repeated: `receives` tells receives apart, it does not number them.

        Raises:
            RetryableError: the row kept appearing and expiring.
        """
        for _ in range(TRIES):
            if self._table.put(_item_of(delivery), "attribute_not_exists(#guid)") is None:
                return delivery
            if item := self._update(delivery.guid, "ADD #receives :one", one=1):
                return _delivery_of(item)
        raise RetryableError(f"{self._table.subject}: delivery {delivery.guid} could be neither created nor counted")

    def enqueued(self, guid: str) -> None:
        """Note that the pointer is on the queue.

        Raises:
            NotFoundError: no such row.
        """
        self._note(guid, "SET #enqueued = :enqueued", enqueued=True)

    def get(self, guid: str) -> Delivery | None:
        """The row, strongly consistent."""
        item = self._table.get(guid)
        return _delivery_of(item) if item else None

    def of_pull(self, repository: str, number: int, limit: int) -> list[Delivery]:
        """The newest deliveries about a pull request, newest first; the index is a moment behind the table."""
        query: dict[str, Any] = {
            "TableName": self._table.name,
            "IndexName": "by_pull",
            "KeyConditionExpression": "#pull_key = :pull_key",
            "ExpressionAttributeNames": {"#pull_key": "pull_key"},
            "ExpressionAttributeValues": {":pull_key": marshal(_pull_key(repository, number))},
            "ScanIndexForward": False,
        }
        found: list[Delivery] = []
        while True:
            with translated(f"{self._table.subject}, index by_pull"):
                answer = self._table.client.query(**query, Limit=limit - len(found))
            found += (_delivery_of(item) for item in answer["Items"])
            if len(found) >= limit or not answer.get("LastEvaluatedKey"):
                return found
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def finish(self, guid: str, outcome: str, decisions: str) -> None:
        """Note how it ended and where its decisions are.

        Raises:
            NotFoundError: no such row.
        """
        self._note(guid, "SET #outcome = :outcome, #decisions = :decisions", outcome=outcome, decisions=decisions)

    def open_forwards(self, guid: str, forwards: Mapping[str, Forward]) -> None:
        """Store the first forwards of a row; those of a row that has some stay as they are.

        Raises:
            NotFoundError: no such row.
        """
        entries = {plugin: forward.to_dict() for plugin, forward in forwards.items()}
        self._note(guid, "SET #forwards = if_not_exists(#forwards, :entries)", entries=entries)

    def change_forward(self, guid: str, plugin: str, before: Forward | None, after: Forward) -> bool:
        """Store one forward of a row with opened ones, if it is as in `before` (None: absent); false if it was not."""
        path = "#forwards.#plugin"
        values = {":after": marshal(after.to_dict())}
        condition = f"attribute_exists(#forwards) AND attribute_not_exists({path})"
        if before is not None:
            condition = f"{path} = :before"
            values[":before"] = marshal(before.to_dict())
        with translated(self._table.subject):
            try:
                self._table.client.update_item(
                    TableName=self._table.name,
                    Key=self._table.key_of(guid),
                    UpdateExpression=f"SET {path} = :after",
                    ConditionExpression=condition,
                    ExpressionAttributeNames={"#forwards": "forwards", "#plugin": plugin},
                    ExpressionAttributeValues=values,
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            except ClientError as exc:
                if not lost_race(exc):
                    raise
                standing: Any = exc.response.get("Item") or {}
                # Our own write, whose answer was lost and which the SDK repeated, has made its condition false.
                return bool(standing.get("forwards", {}).get("M", {}).get(plugin) == values[":after"])
        return True

    def _note(self, guid: str, expression: str, **values: Any) -> None:
        if self._update(guid, expression, **values) is None:
            raise NotFoundError(f"{self._table.subject}: delivery {guid} has no row; it may have expired")

    def _update(self, guid: str, expression: str, **values: Any) -> Item | None:
        """Change an existing row; the row as it is now, or None if there is none."""
        exists = "attribute_exists(#guid)"
        with translated(self._table.subject):
            try:
                answer = self._table.client.update_item(
                    TableName=self._table.name,
                    Key=self._table.key_of(guid),
                    UpdateExpression=expression,
                    ConditionExpression=exists,
                    ExpressionAttributeNames=names_in(f"{expression} {exists}"),
                    ExpressionAttributeValues={f":{name}": marshal(value) for name, value in values.items()},
                    ReturnValues="ALL_NEW",
                )
            except ClientError as exc:
                if not lost_race(exc):
                    raise
                return None
        item: Item = answer["Attributes"]
        return item


def _item_of(delivery: Delivery) -> Item:
    row = attributes(delivery) | dated(delivery.received_at)
    if delivery.forwards:
        row["forwards"] = {plugin: forward.to_dict() for plugin, forward in delivery.forwards.items()}
    if delivery.repository and delivery.pull:
        row["pull_key"] = _pull_key(delivery.repository, delivery.pull)
    return {name: marshal(value) for name, value in row.items()}


def _pull_key(repository: str, number: int) -> str:
    return f"{repository}#{number}"


def _delivery_of(item: Item) -> Delivery:
    row = known(Delivery, item)
    row["forwards"] = {plugin: Forward.from_dict(entry) for plugin, entry in row.get("forwards", {}).items()}
    return Delivery(**row)
