"""Where the suites get their stores from: memory, or the AWS adapters over moto with the tables of template.yaml."""

from __future__ import annotations

import itertools
import json
import threading
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import botocore.session
import yaml
from tests.fakes.flow import MemoryQueues
from tests.fakes.stores import MemoryArtifacts, MemoryControl, MemoryDeliveries, MemoryObjects, MemoryProwJobs

from prowless.adapters.aws.clients import config
from prowless.adapters.aws.control import DynamoControl
from prowless.adapters.aws.deliveries import DynamoDeliveries
from prowless.adapters.aws.objects import S3Artifacts, S3Objects
from prowless.adapters.aws.prowjobs import DynamoProwJobs
from prowless.adapters.aws.queues import SqsAdmitQueue, SqsDeliveryQueue

if TYPE_CHECKING:
    from collections.abc import Callable

    from prowless.ports.flow import AdmitQueue, DeliveryQueue
    from prowless.ports.stores import Artifacts, Control, Deliveries, Objects, ProwJobs

REGION = "us-east-1"
TEMPLATE = Path(__file__).resolve().parents[3] / "template.yaml"


@dataclass(frozen=True)
class Stores:
    """One fresh set of stores. `raw` is the client behind them; memory has none."""

    prowjobs: ProwJobs
    control: Control
    deliveries: Deliveries
    objects: Objects
    artifacts: Artifacts
    delivery_queue: DeliveryQueue
    admit_queue: AdmitQueue
    take_deliveries: Callable[[], list[dict[str, str]]]
    take_admits: Callable[[], list[dict[str, str]]]
    raw: Any = None
    tables: dict[str, str] | None = None


class MemoryBackend:
    def __call__(self) -> Stores:
        prowjobs = MemoryProwJobs()
        queues = MemoryQueues()
        return Stores(
            prowjobs=prowjobs,
            control=MemoryControl(prowjobs),
            deliveries=MemoryDeliveries(),
            objects=MemoryObjects("state"),
            artifacts=MemoryArtifacts("own"),
            delivery_queue=queues,
            admit_queue=queues,
            take_deliveries=queues.deliveries.drain,
            take_admits=queues.admits.drain,
        )


class OneAtATime:
    """A client whose calls do not overlap. DynamoDB makes each call atomic; moto, in one process, does not."""

    _lock = threading.RLock()

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._client, name)
        if not callable(attribute):
            return attribute

        def call(*args: Any, **kwargs: Any) -> Any:
            with self._lock:
                return attribute(*args, **kwargs)

        return call


class MotoBackend:
    """Makes stores inside a `mock_aws()` that the caller holds open."""

    def __init__(self) -> None:
        self.dynamodb = OneAtATime(client("dynamodb"))
        self.s3 = client("s3")
        self.sqs = client("sqs")
        self._numbers = itertools.count()

    def __call__(self) -> Stores:
        number = next(self._numbers)
        tables = {name: self._table(name, number) for name in ("ProwJobsTable", "ControlTable", "DeliveriesTable")}
        buckets = {name: f"{name}-{number}" for name in ("state", "own", "other")}
        for bucket in buckets.values():
            self.s3.create_bucket(Bucket=bucket)
        deliveries, admits = self._queue("DeliveriesQueue", number), self._queue("AdmitQueue", number)
        return Stores(
            prowjobs=DynamoProwJobs(self.dynamodb, tables["ProwJobsTable"], _short_sleep),
            control=DynamoControl(self.dynamodb, tables["ControlTable"], tables["ProwJobsTable"], _short_sleep),
            deliveries=DynamoDeliveries(self.dynamodb, tables["DeliveriesTable"]),
            objects=S3Objects(self.s3, buckets["state"]),
            artifacts=S3Artifacts(self.s3, buckets["own"]),
            delivery_queue=SqsDeliveryQueue(self.sqs, deliveries),
            admit_queue=SqsAdmitQueue(self.sqs, admits),
            take_deliveries=lambda: self._take(deliveries),
            take_admits=lambda: self._take(admits),
            raw=self.dynamodb,
            tables=tables,
        )

    def _table(self, resource: str, number: int) -> str:
        declared = properties(resource)
        name = f"{resource}-{number}"
        wanted = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
        self.dynamodb.create_table(TableName=name, **{key: declared[key] for key in wanted if key in declared})
        return name

    def _queue(self, resource: str, number: int) -> str:
        declared = properties(resource)
        wanted = ("DeduplicationScope", "FifoThroughputLimit")
        attributes = {"FifoQueue": "true", **{key: declared[key] for key in wanted if key in declared}}
        return self.sqs.create_queue(QueueName=f"{resource}-{number}.fifo", Attributes=attributes)["QueueUrl"]

    def _take(self, url: str) -> list[dict[str, str]]:
        taken: list[dict[str, str]] = []
        while messages := self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                taken.append(json.loads(message["Body"]))
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return taken


def _short_sleep(seconds: float) -> None:
    time.sleep(seconds / 20)  # a call of moto takes a twentieth of one of DynamoDB


def client(service: str) -> Any:
    """A client as the functions have it."""
    return botocore.session.get_session().create_client(service, region_name=REGION, config=config(service))


def properties(resource: str) -> dict[str, Any]:
    """The properties of a resource of template.yaml; intrinsic functions are None."""
    return _template()["Resources"][resource]["Properties"]


@cache
def _template() -> dict[str, Any]:
    class Loader(yaml.CSafeLoader):
        pass

    Loader.add_multi_constructor("!", lambda *_: None)
    return yaml.load(TEMPLATE.read_text(encoding="utf-8"), Loader)  # noqa: S506 - a safe loader that ignores `!Ref`
