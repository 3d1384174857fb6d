"""Tables, queues and buckets of template.yaml."""

from typing import Any

import pytest

from prowless.runtime.boundary import retry_seconds
from tests.infra.templates import functions, resources, template

TABLES = resources("AWS::DynamoDB::Table")
QUEUES = resources("AWS::SQS::Queue")
BUCKETS = resources("AWS::S3::Bucket")

KEYS = {
    "DeliveriesTable": {None: ("guid",), "by_pull": ("pull_key", "received_at"), "by_day": ("day", "received_at")},
    "ProwJobsTable": {
        None: ("id",),
        "by_pull": ("pull_key", "build_id"),
        "by_job": ("job_key", "build_id"),
        "by_day": ("day", "build_id"),
        "by_active": ("active", "active_order"),
    },
    "ControlTable": {None: ("key",)},
}


def _keys(schema: list[dict[str, str]]) -> tuple[str, ...]:
    assert [key["KeyType"] for key in schema] == ["HASH", "RANGE"][: len(schema)]
    return tuple(key["AttributeName"] for key in schema)


@pytest.mark.parametrize("name", sorted(KEYS))
def test_a_table_has_all_its_indexes_from_the_start(name: str) -> None:
    """CloudFormation adds one index per update."""
    table = TABLES[name]
    found: dict[Any, tuple[str, ...]] = {None: _keys(table["KeySchema"])}
    found |= {index["IndexName"]: _keys(index["KeySchema"]) for index in table.get("GlobalSecondaryIndexes", [])}
    assert found == KEYS[name]
    declared = {attribute["AttributeName"] for attribute in table["AttributeDefinitions"]}
    assert declared == {key for keys in found.values() for key in keys}


@pytest.mark.parametrize("name", sorted(KEYS))
def test_a_table_survives_mistakes(name: str) -> None:
    resource = template()["Resources"][name]
    assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Retain"
    assert TABLES[name]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert TABLES[name]["SSESpecification"] == {"SSEEnabled": True}
    assert TABLES[name]["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert TABLES[name]["BillingMode"] == "PAY_PER_REQUEST"


def test_prowjob_indexes_project_little() -> None:
    for index in TABLES["ProwJobsTable"]["GlobalSecondaryIndexes"]:
        assert index["Projection"]["ProjectionType"] == "INCLUDE"
        assert "token" not in index["Projection"]["NonKeyAttributes"]


@pytest.mark.parametrize(
    ("queue", "function", "receives"),
    [("DeliveriesQueue", "dispatch", 5), ("AdmitQueue", "admit", 5), ("ConfigQueue", "config_sync", 30)],
)
def test_a_queue_outlasts_six_tries_of_its_function_and_ends_in_a_dead_letter_queue(
    queue: str, function: str, receives: int
) -> None:
    properties = QUEUES[queue]
    assert properties["FifoQueue"] is True
    assert properties["VisibilityTimeout"] >= 6 * functions()[function]["Timeout"]
    assert properties["RedrivePolicy"]["maxReceiveCount"] == receives
    dead = QUEUES[properties["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]]
    assert dead["FifoQueue"] is True
    assert dead["MessageRetentionPeriod"] == 14 * 24 * 3600


def test_a_push_outlasts_an_hour_without_github() -> None:
    receives = QUEUES["ConfigQueue"]["RedrivePolicy"]["maxReceiveCount"]
    assert sum(retry_seconds(number, 0) for number in range(1, receives)) > 4 * 3600


def test_the_queue_of_forwards_outlasts_its_function_and_ends_in_a_dead_letter_queue() -> None:
    """Not FIFO, so that an endpoint that is down holds up no other delivery."""
    queue = QUEUES["ForwardsQueue"]
    dead = QUEUES[queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]]
    assert "FifoQueue" not in queue | dead
    assert queue["VisibilityTimeout"] >= 6 * functions()["forward"]["Timeout"]
    assert dead["MessageRetentionPeriod"] == 14 * 24 * 3600


def test_every_queue_is_encrypted() -> None:
    assert all(queue["SqsManagedSseEnabled"] is True for queue in QUEUES.values())


def test_deliveries_of_different_pulls_do_not_share_a_throughput_limit() -> None:
    assert QUEUES["DeliveriesQueue"]["DeduplicationScope"] == "messageGroup"
    assert QUEUES["DeliveriesQueue"]["FifoThroughputLimit"] == "perMessageGroupId"


@pytest.mark.parametrize("name", sorted(BUCKETS))
def test_a_bucket_is_private_and_encrypted_and_speaks_tls_only(name: str) -> None:
    bucket = BUCKETS[name]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    (policy,) = [found for found in resources("AWS::S3::BucketPolicy").values() if found["Bucket"] == {"Ref": name}]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Action"], statement["Principal"]) == ("Deny", "s3:*", "*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert statement["Resource"] == [{"Fn::GetAtt": [name, "Arn"]}, {"Fn::Sub": f"${{{name}.Arn}}/*"}]


def _expirations(bucket: str) -> dict[str, Any]:
    rules = BUCKETS[bucket]["LifecycleConfiguration"]["Rules"]
    assert all(rule["Status"] == "Enabled" for rule in rules)
    return {rule["Prefix"]: rule["ExpirationInDays"] for rule in rules if "Prefix" in rule}


def test_what_the_buckets_hold_ends_by_prefix() -> None:
    assert _expirations("StateBucket") == {
        "config/in-repo/": 30,
        "deliveries/": 90,
        "periodics/": 90,
        "sources/": 2,
        "manifests/": 30,
        "runs/": 90,
    }
    assert _expirations("ArtifactsBucket") == {
        "pr-logs/": {"Ref": "PullArtifactsRetentionDays"},
        "logs/": {"Ref": "ArtifactsRetentionDays"},
    }


def test_the_snapshot_in_use_never_expires() -> None:
    assert not any("config/".startswith(prefix) for prefix in _expirations("StateBucket"))


def test_every_parameter_is_described_bounded_and_safe_to_leave_out() -> None:
    for name, parameter in template()["Parameters"].items():
        assert parameter["Description"], name
        assert "Default" in parameter, name
        assert parameter.keys() & {"AllowedPattern", "AllowedValues", "MinValue"}, name
