"""Where the suites get their stores from: memory, or the AWS adapters over moto with the tables of template.yaml."""

from __future__ import annotations

import itertools
import json
import threading
import time
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import botocore.session
import yaml
from tests.fakes.flow import MemoryConfigQueue, MemoryForwardQueue, MemoryQueues
from tests.fakes.stores import MemoryArtifacts, MemoryControl, MemoryDeliveries, MemoryObjects, MemoryProwJobs

from prowless.adapters.aws.clients import config
from prowless.adapters.aws.control import DynamoControl
from prowless.adapters.aws.deliveries import DynamoDeliveries
from prowless.adapters.aws.objects import S3Artifacts, S3Objects
from prowless.adapters.aws.prowjobs import DynamoProwJobs
from prowless.adapters.aws.queues import SqsAdmitQueue, SqsConfigQueue, SqsDeliveryQueue, SqsForwardQueue

if TYPE_CHECKING:
    from collections.abc import Callable

    from prowless.ports.flow import AdmitQueue, ConfigQueue, DeliveryQueue, ForwardQueue
    from prowless.ports.stores import Artifacts, Control, Deliveries, Objects, ProwJobs

REGION = "us-east-1"
TEMPLATE = Path(__file__).resolve().parents[3] / "template.yaml"


class Stores(Protocol):
    """One fresh set of stores."""

    prowjobs: ProwJobs
    control: Control
    deliveries: Deliveries
    objects: Objects
    artifacts: Artifacts
    delivery_queue: DeliveryQueue
    admit_queue: AdmitQueue
    config_queue: ConfigQueue
    forward_queue: ForwardQueue

    def take_deliveries(self) -> list[dict[str, str]]: ...

    def take_admits(self) -> list[dict[str, str]]: ...

    def take_configs(self) -> list[dict[str, Any]]: ...

    def take_forwards(self) -> list[dict[str, str]]: ...


class MemoryStores:
    def __init__(self) -> None:
        self.prowjobs = MemoryProwJobs()
        self.control = MemoryControl(self.prowjobs)
        self.deliveries = MemoryDeliveries()
        self.objects = MemoryObjects("state")
        self.artifacts = MemoryArtifacts("own")
        self.delivery_queue = self.admit_queue = self._queues = MemoryQueues()
        self.config_queue = MemoryConfigQueue()
        self.forward_queue = MemoryForwardQueue()

    def take_deliveries(self) -> list[dict[str, str]]:
        return self._queues.deliveries.drain()

    def take_admits(self) -> list[dict[str, str]]:
        return self._queues.admits.drain()

    def take_configs(self) -> list[dict[str, Any]]:
        return self.config_queue.messages.drain()

    def take_forwards(self) -> list[dict[str, str]]:
        return self.forward_queue.drain()


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


class MotoStores:
    """Stores inside a `mock_aws()` that the caller holds open; what a test does not ask for is not made."""

    _numbers = itertools.count()

    def __init__(self) -> None:
        self._number = next(self._numbers)
        self.raw = OneAtATime(client("dynamodb"))

    @cached_property
    def tables(self) -> dict[str, str]:
        """The names of the tables of template.yaml, by resource, made on first use."""
        return _Made(self._table)

    @cached_property
    def prowjobs(self) -> ProwJobs:
        return DynamoProwJobs(self.raw, self.tables["ProwJobsTable"], _short_sleep)

    @cached_property
    def control(self) -> Control:
        return DynamoControl(self.raw, self.tables["ControlTable"], self.tables["ProwJobsTable"], _short_sleep)

    @cached_property
    def deliveries(self) -> Deliveries:
        return DynamoDeliveries(self.raw, self.tables["DeliveriesTable"])

    @cached_property
    def objects(self) -> Objects:
        return S3Objects(client("s3"), self._bucket("state"))

    @cached_property
    def artifacts(self) -> Artifacts:
        self._bucket("other")
        return S3Artifacts(client("s3"), self._bucket("own"))

    @cached_property
    def delivery_queue(self) -> DeliveryQueue:
        return SqsDeliveryQueue(client("sqs"), self.queues["DeliveriesQueue"])

    @cached_property
    def admit_queue(self) -> AdmitQueue:
        return SqsAdmitQueue(client("sqs"), self.queues["AdmitQueue"])

    @cached_property
    def config_queue(self) -> SqsConfigQueue:
        return SqsConfigQueue(client("sqs"), self.queues["ConfigQueue"])

    @cached_property
    def forward_queue(self) -> ForwardQueue:
        return SqsForwardQueue(client("sqs"), self.queues["ForwardsQueue"])

    @cached_property
    def queues(self) -> dict[str, str]:
        """The URLs of the queues of template.yaml, by resource, made on first use."""
        return _Made(self._queue)

    def take_deliveries(self) -> list[dict[str, str]]:
        return self._take(self.queues["DeliveriesQueue"])

    def take_admits(self) -> list[dict[str, str]]:
        return self._take(self.queues["AdmitQueue"])

    def take_configs(self) -> list[dict[str, Any]]:
        return self._take(self.queues["ConfigQueue"])

    def take_forwards(self) -> list[dict[str, str]]:
        return self._take(self.queues["ForwardsQueue"])

    def _table(self, resource: str) -> str:
        declared = properties(resource)
        name = f"{resource}-{self._number}"
        wanted = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
        self.raw.create_table(TableName=name, **{key: declared[key] for key in wanted if key in declared})
        return name

    def _queue(self, resource: str) -> str:
        declared = properties(resource)
        wanted = ("FifoQueue", "DeduplicationScope", "FifoThroughputLimit")
        attributes = {key: _text(declared[key]) for key in wanted if key in declared}
        name = f"{resource}-{self._number}{'.fifo' if 'FifoQueue' in declared else ''}"
        return client("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]

    def _bucket(self, name: str) -> str:
        bucket = f"{name}-{self._number}"
        client("s3").create_bucket(Bucket=bucket)
        return bucket

    def _take(self, url: str) -> list[dict[str, str]]:
        taken: list[dict[str, str]] = []
        while messages := client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                taken.append(json.loads(message["Body"]))
                client("sqs").delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return taken


class _Made(dict[str, str]):
    def __init__(self, make: Callable[[str], str]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, name: str) -> str:
        self[name] = self._make(name)
        return self[name]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _short_sleep(seconds: float) -> None:
    time.sleep(seconds / 20)  # a call of moto takes a twentieth of one of DynamoDB


@cache
def client(service: str) -> Any:
    """A client as the functions have it, for use inside `mock_aws()`: moto listens to every client made after it."""
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
