"""The ports of the queues, whoever implements them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from moto import mock_aws
from tests.contract.stores.backends import client
from tests.contract.stores.samples import delivery
from tests.fakes.clock import FixedClock
from tests.fakes.flow import MemoryConfigQueue, MemoryQueues

from prowless.adapters.aws.queues import SqsConfigQueue

if TYPE_CHECKING:
    from tests.contract.stores.backends import Stores


def test_deliveries_of_a_group_keep_their_order(stores: Stores) -> None:
    for number in range(12):
        stores.delivery_queue.send(delivery(f"guid-{number}"), "group")
    assert stores.take_deliveries() == [{"delivery": f"guid-{number}"} for number in range(12)]


def test_a_redelivery_is_a_new_message(stores: Stores) -> None:
    row = delivery()
    stores.delivery_queue.send(row, "group")
    stores.delivery_queue.send(row, "group")
    stores.delivery_queue.send(replace(row, receives=2), "group")
    assert stores.take_deliveries() == [{"delivery": row.guid}] * 2


def test_equal_wakes_are_one(stores: Stores) -> None:
    for reason in ("create:a", "create:b", "create:a"):
        stores.admit_queue.wake(reason)
    assert stores.take_admits() == [{"wake": "create:a"}, {"wake": "create:b"}]


def test_a_consumed_wake_swallows_its_equal_for_five_minutes() -> None:
    """SQS does; moto forgets the id with the message, so only memory is asked. It is why a reason names one event."""
    clock = FixedClock()
    queues = MemoryQueues(clock)
    queues.wake("create:a")
    assert queues.admits.drain() == [{"wake": "create:a"}]
    clock.advance(299_999)
    queues.wake("create:a")
    assert queues.admits.drain() == []
    clock.advance(1)
    queues.wake("create:a")
    assert queues.admits.drain() == [{"wake": "create:a"}]


def test_any_text_is_a_reason(stores: Stores) -> None:
    reasons = ["\u00e4 reason with spaces", "x" * 500, "x" * 501]
    for reason in reasons:
        stores.admit_queue.wake(reason)
    assert stores.take_admits() == [{"wake": reason} for reason in reasons]


def test_a_release_with_another_nonce_is_another(stores: Stores) -> None:
    for prowjob, nonce in (("a", "1"), ("a", "1"), ("a", "2"), ("b", "1"), ("a 1", ""), ("a", "1 ")):
        stores.admit_queue.release(prowjob, nonce)
    assert [message["release"] for message in stores.take_admits()] == ["a", "a", "b", "a 1", "a"]


def test_wakes_and_releases_are_in_order(stores: Stores) -> None:
    stores.admit_queue.wake("a")
    stores.admit_queue.release("a", "1")
    stores.admit_queue.wake("b")
    assert stores.take_admits() == [{"wake": "a"}, {"release": "a"}, {"wake": "b"}]


def test_a_sync_and_a_check_say_what_to_look_at(stores: Stores) -> None:
    stores.config_queue.sync("acme/config@1")
    stores.config_queue.check("acme/config", 7, "opened")
    assert stores.take_configs() == [{"sync": "acme/config@1"}, {"check": "acme/config", "pull": 7}]


def test_equal_causes_are_one_sync_and_one_check_of_each_pull(stores: Stores) -> None:
    for _ in range(2):
        stores.config_queue.sync("a")
        stores.config_queue.check("acme/config", 7, "a")
        stores.config_queue.check("acme/config", 8, "a")
    stores.config_queue.sync("b")
    assert [message.get("pull", message.get("sync")) for message in stores.take_configs()] == ["a", 7, 8, "b"]


def test_syncs_are_one_group_so_that_the_pointer_has_one_writer() -> None:
    queue = MemoryConfigQueue()
    with mock_aws():
        url = client("sqs").create_queue(QueueName="groups.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
        for one in (queue, SqsConfigQueue(client("sqs"), url)):
            one.sync("a")
            one.sync("b")
            one.check("acme/config", 7, "a")
            one.check("acme/config", 8, "a")
        taken = client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["MessageGroupId"])[
            "Messages"
        ]
    sent = [message.group for message in queue.messages.sent]
    groups = [message["Attributes"]["MessageGroupId"] for message in taken]
    for names in (sent, groups):
        assert (names[0] == names[1], len(set(names))) == (True, 3)


def test_a_postponed_message_is_seen_again_after_its_pause() -> None:
    with mock_aws():
        url = client("sqs").create_queue(
            QueueName="postponed.fifo", Attributes={"FifoQueue": "true", "VisibilityTimeout": "1800"}
        )["QueueUrl"]
        queue = SqsConfigQueue(client("sqs"), url)
        queue.sync("a")
        (message,) = client("sqs").receive_message(QueueUrl=url)["Messages"]
        assert "Messages" not in client("sqs").receive_message(QueueUrl=url)
        queue.postpone(message["ReceiptHandle"], 0)
        assert client("sqs").receive_message(QueueUrl=url)["Messages"]


def test_a_forward_names_its_delivery_and_its_plugin(stores: Stores) -> None:
    stores.forward_queue.send("guid-1", "needs-rebase")
    stores.forward_queue.send("guid-1", "\u00e4 name")
    found = sorted(stores.take_forwards(), key=lambda message: message["plugin"])
    assert found == [{"delivery": "guid-1", "plugin": name} for name in ("needs-rebase", "\u00e4 name")]
