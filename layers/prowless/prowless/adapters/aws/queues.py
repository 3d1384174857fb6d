"""The queues. Their messages are pointers; rows and objects carry the rest."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from .errors import translated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from types_boto3_sqs.client import SQSClient

    from prowless.ports.stores import Delivery

ADMIT_GROUP = "admit"
"""One group: SQS hands out its next message when the one before is done, so counters have one writer."""

SYNC_GROUP = "sync"


class SqsDeliveryQueue:
    """`DeliveryQueue`: from webhook to dispatch. Body: `{"delivery": guid}`."""

    def __init__(self, client: SQSClient, url: str) -> None:
        self._client = client
        self._url = url

    def send(self, delivery: Delivery, group: str) -> None:
        """Put the pointer on the queue; dedup id = GUID + receive, so a redelivery is a new message."""
        _send(self._client, self._url, {"delivery": delivery.guid}, group, f"{delivery.guid}-{delivery.receives}")


class SqsForwardQueue:
    """`ForwardQueue`: from dispatch to forward. Not FIFO: an endpoint that is down holds up nobody's next delivery.

    Body: `{"delivery": guid, "plugin": name}`.
    """

    def __init__(self, client: SQSClient, url: str) -> None:
        self._client = client
        self._url = url
        self._subject = f"SQS queue {url.rpartition('/')[2]}"

    def send(self, guid: str, plugin: str) -> None:
        """Ask that a delivery is forwarded to an external plugin."""
        with translated(self._subject):
            self._client.send_message(QueueUrl=self._url, MessageBody=json.dumps({"delivery": guid, "plugin": plugin}))

    def postpone(self, receipt: str, seconds: int) -> None:
        """Show a received message again after so many seconds instead of the queue's visibility timeout."""
        _postpone(self._client, self._url, receipt, seconds)


class SqsAdmitQueue:
    """`AdmitQueue`: to the only writer of counters. Bodies: `{"wake": reason}` and `{"release": id}`.

    SQS drops a message whose deduplication id it saw in the last five minutes, also one that was consumed since. So
    the caller's reason or nonce must name what happened (`create:<ProwJob id>`), not its kind.
    """

    def __init__(self, client: SQSClient, url: str) -> None:
        self._client = client
        self._url = url

    def wake(self, reason: str) -> None:
        """Say that something may be admitted; `reason` makes equal messages within five minutes one."""
        _send(self._client, self._url, {"wake": reason}, ADMIT_GROUP, _digest("wake", reason))

    def release(self, prowjob: str, nonce: str) -> None:
        """Ask that a finished run lets go of its counters; `nonce` keeps a repeated request from being dropped."""
        _send(self._client, self._url, {"release": prowjob}, ADMIT_GROUP, _digest("release", prowjob, nonce))


class SqsConfigQueue:
    """`ConfigQueue`: to config_sync. Bodies: `{"sync": cause}` and `{"check": repository, "pull": number}`.

    Syncs are one group, so no two of them race to the pointer; the checks of each pull are another.
    """

    def __init__(self, client: SQSClient, url: str) -> None:
        self._client = client
        self._url = url

    def sync(self, cause: str) -> None:
        """Have the central configuration compiled."""
        _send(self._client, self._url, {"sync": cause}, SYNC_GROUP, _digest("sync", cause))

    def check(self, repository: str, number: int, cause: str) -> None:
        """Have the configuration compiled with a pull request's change."""
        group = _digest("check", repository, str(number))
        body: dict[str, str | int] = {"check": repository, "pull": number}
        _send(self._client, self._url, body, group, _digest("check", repository, str(number), cause))

    def postpone(self, receipt: str, seconds: int) -> None:
        """Show a received message again after so many seconds instead of the queue's visibility timeout."""
        _postpone(self._client, self._url, receipt, seconds)


def _digest(*parts: str) -> str:
    # Reasons are free text; deduplication ids are at most 128 letters, digits and punctuation.
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _postpone(client: SQSClient, url: str, receipt: str, seconds: int) -> None:
    with translated(f"SQS queue {url.rpartition('/')[2]}"):
        client.change_message_visibility(QueueUrl=url, ReceiptHandle=receipt, VisibilityTimeout=seconds)


def _send(client: SQSClient, url: str, body: Mapping[str, str | int], group: str, deduplication_id: str) -> None:
    with translated(f"SQS queue {url.rpartition('/')[2]}"):
        client.send_message(
            QueueUrl=url,
            MessageBody=json.dumps(body),
            MessageGroupId=group,
            MessageDeduplicationId=deduplication_id,
        )
