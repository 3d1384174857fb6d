"""Makes the template's tables, queues, buckets, secrets and state machines in moto."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from prowless_local.aws import naming
from prowless_local.template import ACCOUNT, Identity, TemplateError, read_yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from prowless_local.template import Resource, Template

Client = Any  # boto3's clients have one type per service; what is called here is checked by moto
ROLE = f"arn:aws:iam::{ACCOUNT}:role/prowless-local"

_SECRET = {"Name", "Description", "SecretString", "GenerateSecretString", "KmsKeyId", "Tags"}
_TABLE = {
    *("TableName", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode"),
    *("TimeToLiveSpecification", "PointInTimeRecoverySpecification", "SSESpecification", "Tags"),
    *("DeletionProtectionEnabled", "TableClass", "OnDemandThroughput", "ContributorInsightsSpecification"),
    *("ProvisionedThroughput", "WarmThroughput"),
}
_QUEUE_ATTRIBUTES = {
    *("ContentBasedDeduplication", "DeduplicationScope", "DelaySeconds", "FifoQueue", "FifoThroughputLimit"),
    *("MessageRetentionPeriod", "RedrivePolicy", "VisibilityTimeout", "MaximumMessageSize"),
    "ReceiveMessageWaitTimeSeconds",
}
_QUEUE = {
    *_QUEUE_ATTRIBUTES,
    *("QueueName", "Tags", "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "SqsManagedSseEnabled"),
    "RedriveAllowPolicy",
}
_BUCKET = {
    *("BucketName", "BucketEncryption", "LifecycleConfiguration", "OwnershipControls", "Tags"),
    *("PublicAccessBlockConfiguration", "VersioningConfiguration", "LoggingConfiguration", "MetricsConfigurations"),
    *("IntelligentTieringConfigurations", "CorsConfiguration"),
}
_STATE_MACHINE = {
    *("DefinitionUri", "DefinitionSubstitutions", "Name", "Type", "Logging", "Tracing", "Policies", "Role"),
    *("PermissionsBoundary", "Tags", "PropagateTags", "RolePath"),
}


def create_secrets(template: Template, client: Client, values: Mapping[str, str]) -> None:
    """Make the secrets, with the given values or generated ones, and teach the template their ARNs."""
    resources = template.resources(naming.SECRET)
    if unknown := values.keys() - {resource.logical_id for resource in resources}:
        raise TemplateError(f"secrets given that the template does not have: {', '.join(sorted(unknown))}")
    for resource in resources:
        _check(resource, _SECRET)
        value = values.get(resource.logical_id)
        if value is None:
            value = resource.properties.get("SecretString")
        if value is None:
            value = _generate(client, resource.properties.get("GenerateSecretString") or {})
        answer = client.create_secret(Name=naming.secret_name(resource), SecretString=value)
        template.learn(resource.logical_id, Identity(ref=answer["ARN"], attributes={"Id": answer["ARN"]}))


def _generate(client: Client, rules: Mapping[str, Any]) -> str:
    known = {"ExcludeCharacters", "ExcludeLowercase", "ExcludeNumbers", "ExcludePunctuation", "ExcludeUppercase"}
    known |= {"IncludeSpace", "PasswordLength", "RequireEachIncludedType"}
    options = {key: value for key, value in rules.items() if key in known}
    password: str = client.get_random_password(**options)["RandomPassword"]
    if "GenerateStringKey" not in rules:
        return password
    document = json.loads(rules.get("SecretStringTemplate", "{}"))
    return json.dumps({**document, rules["GenerateStringKey"]: password})


def create_tables(template: Template, client: Client) -> None:
    """Make the DynamoDB tables."""
    for resource in template.resources(naming.TABLE):
        _check(resource, _TABLE)
        properties = resource.properties
        indexes = properties.get("GlobalSecondaryIndexes")
        client.create_table(
            TableName=template.identity(resource.logical_id).ref,
            KeySchema=properties["KeySchema"],
            AttributeDefinitions=properties["AttributeDefinitions"],
            BillingMode="PAY_PER_REQUEST",
            **({"GlobalSecondaryIndexes": [_index(index) for index in indexes]} if indexes else {}),
        )


def _index(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {key: properties[key] for key in ("IndexName", "KeySchema", "Projection")}


def create_queues(template: Template, client: Client) -> None:
    """Make the queues, dead-letter queues before those that name them."""
    resources = template.resources(naming.QUEUE)
    for resource in sorted(resources, key=lambda queue: "RedrivePolicy" in queue.properties):
        _check(resource, _QUEUE)
        attributes = {
            key: json.dumps(value) if isinstance(value, dict) else _text(value)
            for key, value in resource.properties.items()
            if key in _QUEUE_ATTRIBUTES and not (key == "FifoQueue" and _text(value) == "false")
        }
        name = template.identity(resource.logical_id).attributes["QueueName"]
        client.create_queue(QueueName=name, Attributes=attributes)


def create_buckets(template: Template, client: Client) -> None:
    """Make the buckets."""
    for resource in template.resources(naming.BUCKET):
        _check(resource, _BUCKET)
        client.create_bucket(Bucket=template.identity(resource.logical_id).ref)


def create_state_machines(template: Template, client: Client) -> None:
    """Make the state machines, from their files with every substitution made."""
    for resource in template.resources(naming.STATE_MACHINE):
        _check(resource, _STATE_MACHINE)
        definition = read_definition(template, resource)
        name = template.identity(resource.logical_id).attributes["Name"]
        answer = client.create_state_machine(name=name, definition=json.dumps(definition), roleArn=ROLE)
        if answer["stateMachineArn"] != template.identity(resource.logical_id).ref:
            raise TemplateError(f"Resources.{resource.logical_id}: was created as {answer['stateMachineArn']}")


def read_definition(template: Template, resource: Resource) -> Any:
    """The definition of a state machine, substituted.

    Raises:
        TemplateError: a `${…}` without a substitution, or a substitution that the file does not use.
    """
    where = f"Resources.{resource.logical_id}.Properties"
    uri = resource.properties.get("DefinitionUri")
    if not isinstance(uri, str):
        raise TemplateError(f"{where}.DefinitionUri: must be a path")
    text = (template.path.parent / uri).read_text(encoding="utf-8")
    values = {key: _text(value) for key, value in (resource.properties.get("DefinitionSubstitutions") or {}).items()}
    used: set[str] = set()

    def substitute(match: re.Match[str]) -> str:
        used.add(match[1])
        if match[1] not in values:
            raise TemplateError(f"{where}.DefinitionSubstitutions: {uri} uses ${{{match[1]}}}, which is not given")
        return values[match[1]]

    definition = _substituted(read_yaml(text), lambda string: re.sub(r"\$\{([A-Za-z0-9_]+)\}", substitute, string))
    if unused := values.keys() - used:
        raise TemplateError(f"{where}.DefinitionSubstitutions: {uri} does not use {', '.join(sorted(unused))}")
    return definition


def _substituted(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_substituted(item, change) for item in value]
    if isinstance(value, dict):
        return {change(str(key)): _substituted(item, change) for key, item in value.items()}
    return value


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _check(resource: Resource, known: set[str]) -> None:
    if unknown := resource.properties.keys() - known:
        names = ", ".join(sorted(unknown))
        raise TemplateError(f"Resources.{resource.logical_id}.Properties: the local stack does not know {names}")
