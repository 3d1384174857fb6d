"""`prowless explain --url` against tables and buckets as an installation has them."""

import json

import boto3
from moto import mock_aws

from prowless.adapters.aws.deliveries import DynamoDeliveries
from prowless.ports.stores import Delivery
from prowless_local import cli

URL = "https://github.com/acme/app/pull/3"
GUID = "72d3162e-cc78-11e3-81ab-4c9367dc0958"
RECORD = {
    "event": "push",
    "summary": "1 run",
    "decisions": [{"job": "a", "type": "postsubmit", "verdict": "run", "rule": "always_run", "reason": "x"}],
}


def test_a_pull_requests_deliveries_are_listed_and_its_newest_decisions_shown(monkeypatch, capsys):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        _installed()
        given = ["explain", "--url", URL, "--bucket", "state", "--table", "deliveries"]
        assert cli.main(given) == 0
        out = capsys.readouterr().out
        assert cli.main([*given, "--format", "json"]) == 0
        (told,) = json.loads(capsys.readouterr().out)["deliveries"]
        assert cli.main([*given[:2], URL.replace("3", "4"), *given[3:]]) == 2
        assert "no delivery about acme/app#4 is known" in capsys.readouterr().err
    assert out.startswith("acme/app#3\n")
    assert f"1970-01-01T00:00:00Z  push           ada\ufffd    done     1 run    {GUID}" in out
    assert "run      a    postsubmit  always_run  x" in out
    assert (told["delivery"], told["decisions"]) == (GUID, RECORD["decisions"])


def _installed():
    s3, dynamodb = boto3.client("s3"), boto3.client("dynamodb")
    s3.create_bucket(Bucket="state")
    texts = ("guid", "pull_key")
    dynamodb.create_table(
        TableName="deliveries",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in texts]
        + [{"AttributeName": "received_at", "AttributeType": "N"}],
        KeySchema=[{"AttributeName": "guid", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by_pull",
                "KeySchema": [
                    {"AttributeName": "pull_key", "KeyType": "HASH"},
                    {"AttributeName": "received_at", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    row = {"event": "push", "repository": "acme/app", "pull": 3, "decisions": "d.json", "body": "b.json"}
    DynamoDeliveries(dynamodb, "deliveries").record(Delivery(guid=GUID, received_at=0, outcome="done", **row))
    s3.put_object(Bucket="state", Key="d.json", Body=json.dumps(RECORD))
    s3.put_object(Bucket="state", Key="b.json", Body=b'{"sender": {"login": "ada\\u001b"}}')
