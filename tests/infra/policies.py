"""Whether a function's role allows the AWS calls that the function makes.

The embedded stack enforces no policies, so a permission that is missing in template.yaml would show up only in AWS.
Here each recorded call is translated to the IAM actions and resources it needs (as in the Service Authorization
Reference), and those are looked up in the statements of the function's role.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from prowless_local.template import ACCOUNT, REGION, STACK, Template
from tests.infra.templates import listed

MACHINE = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{STACK}-prowjob"
"""The machine that task tokens belong to; a token does not tell."""


class Need(NamedTuple):
    """An action on a resource."""

    action: str
    resource: str


_TRANSACTIONS = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}
Params = Mapping[str, Any]


def _dynamodb(operation: str, params: Params) -> Iterator[Need]:
    if operation == "BatchGetItem":
        yield from (Need("dynamodb:BatchGetItem", _table(name)) for name in params["RequestItems"])
    elif operation == "TransactWriteItems":
        for item in params["TransactItems"]:
            ((kind, entry),) = item.items()
            yield Need(f"dynamodb:{_TRANSACTIONS[kind]}", _table(entry["TableName"]))
    else:
        index = f"/index/{params['IndexName']}" if "IndexName" in params else ""
        yield Need(f"dynamodb:{operation}", _table(params["TableName"]) + index)


def _table(name: str) -> str:
    return name if name.startswith("arn:") else f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}"


def _s3(operation: str, params: Params) -> Iterator[Need]:
    bucket = f"arn:aws:s3:::{params['Bucket']}"
    if "Key" in params:
        yield Need(f"s3:{operation}", f"{bucket}/{params['Key']}")
    if operation in {"GetObject", "ListObjectsV2"}:
        yield Need("s3:ListBucket", bucket)  # without it S3 answers 403 for a key that is not there


def _sqs(operation: str, params: Params) -> Iterator[Need]:
    yield Need(f"sqs:{operation}", f"arn:aws:sqs:{REGION}:{ACCOUNT}:{params['QueueUrl'].rpartition('/')[2]}")


def _secretsmanager(operation: str, params: Params) -> Iterator[Need]:
    yield Need(f"secretsmanager:{operation}", params["SecretId"])


def _states(operation: str, params: Params) -> Iterator[Need]:
    resource = params.get("stateMachineArn") or params.get("executionArn") or MACHINE
    yield Need(f"states:{operation}", resource)


def _lambda(operation: str, params: Params) -> Iterator[Need]:
    assert operation == "Invoke"
    name = params["FunctionName"]
    arn = name if name.startswith("arn:") else f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
    yield Need("lambda:InvokeFunction", arn)


def _sts(operation: str, params: Params) -> Iterator[Need]:
    yield Need(f"sts:{operation}", params["RoleArn"])
    if params.get("Tags"):
        yield Need("sts:TagSession", params["RoleArn"])


_SERVICES: dict[str, Callable[[str, Params], Iterator[Need]]] = {
    "dynamodb": _dynamodb,
    "lambda": _lambda,
    "s3": _s3,
    "secretsmanager": _secretsmanager,
    "sqs": _sqs,
    "stepfunctions": _states,
    "sts": _sts,
}
"""By boto3's name of the service; a new one fails loudly until it is described here."""


def needs(service: str, operation: str, params: Params) -> set[Need]:
    """What IAM asks for a call."""
    return set(_SERVICES[service](operation, params))


class Policies:
    """The roles of a template's functions."""

    def __init__(self, template: Template) -> None:
        self._template = template

    def denied(self, function: str, service: str, operation: str, params: Params) -> list[Need]:
        """What the role of the function (a logical id) lacks for the call."""
        allowed = list(self._allowed(function))
        return [need for need in needs(service, operation, params) if not any(_covers(one, need) for one in allowed)]

    def unused(self, function: str, made: Iterable[Need]) -> set[str]:
        """Permissions of the role, as `statement: action`, that none of these needs."""
        made = set(made)
        return {
            f"{entry['Sid']}: {action}"
            for entry in self._statements(function)
            for action in listed(entry["Action"])
            if not any(_covers((action, resource), need) for resource in listed(entry["Resource"]) for need in made)
        }

    def _allowed(self, function: str) -> Iterator[tuple[str, str]]:
        for entry in self._statements(function):
            assert entry["Effect"] == "Allow"
            for action in listed(entry["Action"]):
                for resource in listed(entry["Resource"]):
                    yield action, resource

    def _statements(self, function: str) -> list[dict[str, Any]]:
        arn = self._template.resource(function).properties["Role"]
        (role,) = [found for found in self._template.resources("AWS::IAM::Role") if self._arn(found.logical_id) == arn]
        return [entry for policy in role.properties["Policies"] for entry in policy["PolicyDocument"]["Statement"]]

    def _arn(self, role: str) -> str:
        return self._template.identity(role).attributes["Arn"]


def _covers(allowed: tuple[str, str], need: Need) -> bool:
    action, resource = allowed
    # IAM knows only * and ?; fnmatch would read brackets as well, which no ARN here has.
    assert not re.search(r"[\[\]]", resource)
    return action == need.action and fnmatchcase(need.resource, resource)
