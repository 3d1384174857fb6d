"""What resources are called once they exist: the values of `!Ref` and `!GetAtt`, as AWS forms them.

Every type that a template may contain is listed here. The inert ones have names but nothing behind them locally:
permissions, logs, alarms and networks have no meaning in one process.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from prowless_local.template import ACCOUNT, REGION, STACK, Identity, TemplateError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from prowless_local.template import Resource

FUNCTION = "AWS::Serverless::Function"
STATE_MACHINE = "AWS::Serverless::StateMachine"
TABLE = "AWS::DynamoDB::Table"
QUEUE = "AWS::SQS::Queue"
BUCKET = "AWS::S3::Bucket"
SECRET = "AWS::SecretsManager::Secret"  # noqa: S105 a resource type
API = "AWS::ApiGatewayV2::Api"
INTEGRATION = "AWS::ApiGatewayV2::Integration"
ROUTE = "AWS::ApiGatewayV2::Route"
STAGE = "AWS::ApiGatewayV2::Stage"
PERMISSION = "AWS::Lambda::Permission"

INERT: Mapping[str, tuple[str, ...]] = {  # type -> the attributes that it has
    PERMISSION: (),
    "AWS::Budgets::Budget": (),
    "AWS::CloudWatch::Alarm": ("Arn",),
    "AWS::CloudWatch::CompositeAlarm": ("Arn",),
    "AWS::CloudWatch::Dashboard": (),
    "AWS::EC2::RouteTable": ("RouteTableId",),
    "AWS::EC2::SecurityGroup": ("GroupId",),
    "AWS::EC2::SecurityGroupEgress": (),
    "AWS::EC2::SecurityGroupIngress": (),
    "AWS::EC2::Subnet": ("SubnetId",),
    "AWS::EC2::SubnetRouteTableAssociation": (),
    "AWS::EC2::VPC": ("VpcId", "DefaultSecurityGroup"),
    "AWS::EC2::VPCDHCPOptionsAssociation": (),
    "AWS::EC2::DHCPOptions": ("DhcpOptionsId",),
    "AWS::EC2::VPCEndpoint": ("Id",),
    "AWS::IAM::ManagedPolicy": ("PolicyArn",),
    "AWS::IAM::Policy": (),
    "AWS::IAM::Role": ("Arn", "RoleId"),
    "AWS::KMS::Alias": (),
    "AWS::KMS::Key": ("Arn", "KeyId"),
    "AWS::Logs::LogGroup": ("Arn",),
    "AWS::Logs::MetricFilter": (),
    "AWS::Route53Resolver::FirewallDomainList": ("Id", "Arn"),
    "AWS::Route53Resolver::FirewallRuleGroup": ("Id", "Arn"),
    "AWS::Route53Resolver::FirewallRuleGroupAssociation": ("Id", "Arn"),
    "AWS::S3::BucketPolicy": (),
    "AWS::SNS::Topic": ("TopicArn", "TopicName"),
    "AWS::SNS::TopicPolicy": (),
    "AWS::SQS::QueuePolicy": (),
    "AWS::Serverless::LayerVersion": ("LayerVersionArn",),
}
_REF_IS_ARN = {"AWS::IAM::ManagedPolicy", "AWS::SNS::Topic", "AWS::Serverless::LayerVersion"}


def identify(resource: Resource) -> Identity:
    """What a resource is called.

    Raises:
        TemplateError: the local stack knows nothing about its type.
    """
    if resource.type in INERT:
        return _inert(resource)
    if resource.type not in _LIVE:
        raise TemplateError(
            f"Resources.{resource.logical_id}: the local stack does not know {resource.type}; "
            "say in prowless_local.aws.naming what it is called, and whether anything stands behind it"
        )
    return _LIVE[resource.type](resource)


def arn(service: str, rest: str) -> str:
    """An ARN in the local account and region."""
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{rest}"


def _named(resource: Resource, key: str) -> str:
    """The name that the template gives, or one like CloudFormation's: stack, logical id, and something stable."""
    given = resource.properties.get(key)
    return str(given) if given else f"{STACK}-{resource.logical_id}"


def _identifier(resource: Resource) -> str:
    """Ten lower-case characters that are always the same for a logical id, as API Gateway's ids look."""
    return f"{zlib.crc32(resource.logical_id.encode()):010x}"


def _function(resource: Resource) -> Identity:
    name = _named(resource, "FunctionName")
    return Identity(ref=name, attributes={"Arn": arn("lambda", f"function:{name}")})


def _state_machine(resource: Resource) -> Identity:
    name = _named(resource, "Name")
    return Identity(ref=(full := arn("states", f"stateMachine:{name}")), attributes={"Arn": full, "Name": name})


def _table(resource: Resource) -> Identity:
    name = _named(resource, "TableName")
    return Identity(ref=name, attributes={"Arn": arn("dynamodb", f"table/{name}")})


def _queue(resource: Resource) -> Identity:
    fifo = resource.properties.get("FifoQueue") in {True, "true"}
    name = _named(resource, "QueueName")
    name = f"{name}.fifo" if fifo and not name.endswith(".fifo") else name
    url = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}"
    return Identity(ref=url, attributes={"Arn": arn("sqs", name), "QueueName": name, "QueueUrl": url})


def _bucket(resource: Resource) -> Identity:
    given = resource.properties.get("BucketName")
    name = str(given) if given else f"{STACK}-{resource.logical_id.lower()}-{ACCOUNT}"
    domain = f"{name}.s3.amazonaws.com"
    regional = f"{name}.s3.{REGION}.amazonaws.com"
    attributes = {"Arn": f"arn:aws:s3:::{name}", "DomainName": domain, "RegionalDomainName": regional}
    return Identity(ref=name, attributes=attributes)


def _secret(resource: Resource) -> Identity:
    """A placeholder until the secret exists: six characters of its ARN are random."""
    full = arn("secretsmanager", f"secret:{secret_name(resource)}-local0")
    return Identity(ref=full, attributes={"Id": full})


def secret_name(resource: Resource) -> str:
    """The name of a secret."""
    return _named(resource, "Name")


def _api(resource: Resource) -> Identity:
    name = _identifier(resource)
    endpoint = f"https://{name}.execute-api.{REGION}.amazonaws.com"
    return Identity(ref=name, attributes={"ApiId": name, "ApiEndpoint": endpoint})


def _stage(resource: Resource) -> Identity:
    return Identity(ref=str(resource.properties["StageName"]), attributes={})


def _plain(resource: Resource) -> Identity:
    return Identity(ref=_identifier(resource), attributes={})


_LIVE: Mapping[str, Callable[[Resource], Identity]] = {
    FUNCTION: _function,
    STATE_MACHINE: _state_machine,
    TABLE: _table,
    QUEUE: _queue,
    BUCKET: _bucket,
    SECRET: _secret,
    API: _api,
    STAGE: _stage,
    INTEGRATION: _plain,
    ROUTE: _plain,
}


def _inert(resource: Resource) -> Identity:
    service = resource.type.split("::")[1].lower()
    keys = ("RoleName", "LogGroupName", "TopicName", "AlarmName", "PolicyName", "ManagedPolicyName", "LayerName")
    given = next((str(resource.properties[key]) for key in keys if resource.properties.get(key)), None)
    name = given or f"{STACK}-{resource.logical_id}"
    kind = {"iam": "role/", "logs": "log-group:", "kms": "key/", "serverless": "layer:"}.get(service, "")
    full = f"arn:aws:iam::{ACCOUNT}:{kind}{name}" if service == "iam" else arn(service, f"{kind}{name}")
    attributes = {key: full if key.endswith("Arn") else name for key in INERT[resource.type]}
    return Identity(ref=full if resource.type in _REF_IS_ARN else name, attributes=attributes)
