"""The reading of policies that tests/functional/test_permissions.py relies on: it refuses what a role does not say."""

from typing import Any

import pytest

from prowless_local.aws import naming
from prowless_local.template import Template
from tests.infra.policies import Policies
from tests.infra.templates import ROOT

TEMPLATE = Template(ROOT / "template.yaml", {}, naming.identify)
POLICIES = Policies(TEMPLATE)


def _ref(logical_id: str) -> str:
    return TEMPLATE.identity(logical_id).ref


def _denied(function: str, service: str, operation: str, params: dict[str, Any]) -> set[str]:
    return {need.action for need in POLICIES.denied(f"{function}Function", service, operation, params)}


def test_what_the_role_says_is_allowed() -> None:
    assert not _denied("Webhook", "s3", "PutObject", {"Bucket": _ref("StateBucket"), "Key": "deliveries/x"})
    assert not _denied("Dispatch", "s3", "PutObject", {"Bucket": _ref("StateBucket"), "Key": "config/in-repo/x"})
    assert not _denied("Poll", "stepfunctions", "SendTaskSuccess", {"taskToken": "t"})
    role = "arn:aws:iam::123456789012:role/prowless-cluster-build"
    assert not _denied("Submit", "sts", "AssumeRole", {"RoleArn": role, "Tags": [{"Key": "job", "Value": "x"}]})


@pytest.mark.parametrize(
    ("function", "service", "operation", "params"),
    [
        ("Webhook", "s3", "PutObject", {"Bucket": _ref("StateBucket"), "Key": "config/x"}),
        ("Webhook", "s3", "PutObject", {"Bucket": _ref("ArtifactsBucket"), "Key": "deliveries/x"}),
        ("Dispatch", "s3", "PutObject", {"Bucket": _ref("StateBucket"), "Key": "config/current.json"}),
        ("Webhook", "dynamodb", "PutItem", {"TableName": _ref("ProwJobsTable")}),
        ("Submit", "secretsmanager", "GetSecretValue", {"SecretId": _ref("GitHubSecret")}),
        ("Submit", "sts", "AssumeRole", {"RoleArn": "arn:aws:iam::999999999999:role/prowless-cluster-build"}),
        ("Submit", "sts", "AssumeRole", {"RoleArn": "arn:aws:iam::123456789012:role/admin"}),
        ("Dispatch", "dynamodb", "Query", {"TableName": _ref("ProwJobsTable"), "IndexName": "by_day"}),
    ],
)
def test_what_the_role_does_not_say_is_denied(
    function: str, service: str, operation: str, params: dict[str, Any]
) -> None:
    assert _denied(function, service, operation, params)


def test_report_reads_the_slack_token_only_if_there_is_one() -> None:
    arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:slack-AbCdEf"
    given = Policies(Template(ROOT / "template.yaml", {"SlackTokenSecretArn": arn}, naming.identify))
    for policies, function, denied in ((given, "Report", False), (POLICIES, "Report", True), (given, "Submit", True)):
        call = (f"{function}Function", "secretsmanager", "GetSecretValue", {"SecretId": arn})
        assert bool(policies.denied(*call)) is denied


def test_every_action_and_table_of_a_transaction_is_looked_at() -> None:
    update = {"Update": {"TableName": _ref("ProwJobsTable")}}
    put = {"Put": {"TableName": _ref("ControlTable")}}
    assert not _denied("Admit", "dynamodb", "TransactWriteItems", {"TransactItems": [update]})
    assert _denied("Admit", "dynamodb", "TransactWriteItems", {"TransactItems": [update, put]}) == {"dynamodb:PutItem"}


def test_an_unknown_call_is_an_error_and_not_allowed() -> None:
    with pytest.raises(KeyError):
        _denied("Webhook", "ec2", "DescribeVpcs", {})
