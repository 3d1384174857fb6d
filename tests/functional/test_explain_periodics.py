"""`prowless explain --periodic`: what is kept about a periodic's due times."""

import json

import boto3
import pytest
from moto import mock_aws

from prowless.domain.errors import ConfigError
from prowless_local import cli, stored_decisions

DAYS = ["2026-11-21", "2026-11-20", "2026-11-19"]
RECORD = {"job": "nightly", "type": "periodic", "verdict": "run", "rule": "cron @daily", "reason": "run x"}


@pytest.fixture
def s3(monkeypatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
        client.create_bucket(Bucket="state")
        yield client


def keep(client, day, due, **changes):
    record = {**RECORD, "due_at": f"{day}T00:00:{due % 60:02}Z", **changes}
    key = f"periodics/nightly/{day}/{1_790_000_000_000 + due}-{record['verdict']}.json"
    client.put_object(Bucket="state", Key=key, Body=json.dumps(record))


def test_the_newest_decisions_about_a_periodic_are_shown(s3, monkeypatch, capsys):
    monkeypatch.setattr(boto3, "client", lambda name, **_: s3)
    keep(s3, "2026-11-20", 1)
    keep(s3, "2026-11-20", 2, verdict="skip", reason="run x was still going on")
    s3.put_object(Bucket="state", Key="periodics/nightly-2/2026-11-20/1-run.json", Body=b"{}")
    arguments = ["explain", "--periodic", "nightly", "--bucket", "state", "--day", "2026-11-20"]
    assert cli.main(arguments) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "periodic nightly" in out
    assert "due 2026-11-20T00:00:02Z: run x was still going on" in out
    assert cli.main([*arguments, "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["summary"] == "the newest 2 decisions, 1 of them about lost times"
    assert [one["verdict"] for one in found["decisions"]] == ["skip", "run"]
    assert found["decisions"][1]["due_at"] == "2026-11-20T00:00:01Z"


def test_no_more_are_read_than_shown_newest_day_first(s3):
    for due in range(stored_decisions.SHOWN):
        keep(s3, "2026-11-20", due)
        keep(s3, "2026-11-19", due)
    keep(s3, "2026-11-21", 5)
    found = stored_decisions.of_periodic(s3, "state", "nightly", DAYS).decisions
    assert [one["due_at"][:10] for one in found] == ["2026-11-21"] + ["2026-11-20"] * (stored_decisions.SHOWN - 1)


def test_a_periodic_about_which_nothing_is_kept_is_told(s3):
    with pytest.raises(ConfigError, match=r"about periodic nightly in bucket state \(2026-11-19 to"):
        stored_decisions.of_periodic(s3, "state", "nightly", DAYS)
    with pytest.raises(ConfigError, match=r"\(2026-11-21\)"):
        stored_decisions.of_periodic(s3, "state", "nightly", DAYS[:1])


@pytest.mark.parametrize("body", [b"{", b"[]", b"{}"])
def test_a_record_of_another_shape_is_refused(s3, body):
    s3.put_object(Bucket="state", Key="periodics/nightly/2026-11-21/1-run.json", Body=body)
    with pytest.raises(ConfigError, match="is not a record of a decision"):
        stored_decisions.of_periodic(s3, "state", "nightly", DAYS)
