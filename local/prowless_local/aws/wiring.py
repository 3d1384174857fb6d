"""Which event reaches which function: read from the resolved template, in the shapes that the stack can deliver."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prowless_local.aws.naming import API, FUNCTION, INTEGRATION, PERMISSION, QUEUE, ROUTE, STAGE
from prowless_local.template import TemplateError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from prowless_local.template import Resource, Template

_FUNCTION_PROPERTIES = {  # those that mean something here, then those that mean something in AWS only
    *("CodeUri", "Handler", "Environment", "Events", "Timeout", "MemorySize", "FunctionName", "EventInvokeConfig"),
    *("Runtime", "Architectures", "Layers", "Policies", "Role", "VpcConfig", "Tags", "Description", "LoggingConfig"),
    *("ReservedConcurrentExecutions", "TenancyConfig", "Tracing", "EphemeralStorage", "PermissionsBoundary"),
    *("PropagateTags", "RuntimeManagementConfig", "KmsKeyArn", "RecursiveLoop", "AutoPublishAlias", "SnapStart"),
    *("RolePath", "AssumeRolePolicyDocument", "PackageType"),
}
_SQS_KEYS = {
    *("Queue", "BatchSize", "FunctionResponseTypes", "ScalingConfig", "Enabled"),
    "MaximumBatchingWindowInSeconds",  # not waited for: delivering sooner is allowed
}
_SCHEDULE_KEYS = {
    *("Schedule", "ScheduleExpression", "Input", "Enabled", "State", "Name", "Description"),
    *("FlexibleTimeWindow", "RetryPolicy", "PermissionsBoundary", "RoleArn", "GroupName", "DeadLetterConfig"),
    *("ScheduleExpressionTimezone", "OmitName"),
}
_RULE_KEYS = {"Pattern", "EventBusName", "State", "Enabled", "RetryPolicy", "RuleName", "DeadLetterConfig", "Target"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionSpec:
    """A function as the template describes it. `short` is the folder below `functions/`."""

    logical_id: str
    name: str
    arn: str
    short: str
    code: Path
    handler: str
    variables: Mapping[str, str]
    timeout_seconds: int
    memory_mb: int
    async_retries: int
    on_failure: str  # the ARN of the queue for asynchronous invocations that failed for good, or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSource:
    """Messages of a queue, polled for a function."""

    function: str
    queue: str  # the queue's name
    queue_arn: str
    batch_size: int
    partial_failures: bool
    concurrency: int
    visibility_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleSource:
    """A function called at times. `scheduler` tells EventBridge Scheduler from a rule of EventBridge."""

    function: str
    name: str
    expression: str
    input: str | None
    scheduler: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSource:
    """A function called for the events that match a pattern."""

    function: str
    name: str
    pattern: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRoute:
    """A function called for HTTP requests. `method` may be ANY, `path` is API Gateway's, or the key is `$default`."""

    function: str
    key: str
    method: str
    path: str
    api_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """Everything that calls a function. Functions are named by logical id."""

    functions: Mapping[str, FunctionSpec]
    queues: tuple[QueueSource, ...]
    schedules: tuple[ScheduleSource, ...]
    rules: tuple[RuleSource, ...]
    routes: tuple[HttpRoute, ...]


def read_wiring(template: Template) -> Wiring:
    """The wiring of a template.

    Raises:
        TemplateError: an event source, or a setting of one, that the local stack would have to ignore.
    """
    functions: dict[str, FunctionSpec] = {}
    queues: list[QueueSource] = []
    schedules: list[ScheduleSource] = []
    rules: list[RuleSource] = []
    for resource in template.resources(FUNCTION):
        functions[resource.logical_id] = _function(template, resource)
        for name, event in (resource.properties.get("Events") or {}).items():
            where = f"Resources.{resource.logical_id}.Properties.Events.{name}"
            properties = event.get("Properties") or {}
            match event.get("Type"):
                case "SQS":
                    queues += _queue_source(template, resource, properties, where)
                case "Schedule" | "ScheduleV2" as kind:
                    schedules += _schedule(resource, name, kind, properties, where)
                case "EventBridgeRule" | "CloudWatchEvent":
                    rules += _rule(resource, name, properties, where)
                case kind:
                    raise TemplateError(f"{where}: the local stack cannot deliver events of type {kind}")
    return Wiring(
        functions=functions,
        queues=tuple(queues),
        schedules=tuple(schedules),
        rules=tuple(rules),
        routes=tuple(_routes(template, functions)),
    )


def _check(properties: Mapping[str, Any], known: set[str], where: str) -> None:
    if unknown := properties.keys() - known:
        raise TemplateError(f"{where}: the local stack does not know {', '.join(sorted(unknown))}")


def _function(template: Template, resource: Resource) -> FunctionSpec:
    where = f"Resources.{resource.logical_id}.Properties"
    properties = resource.properties
    _check(properties, _FUNCTION_PROPERTIES, where)
    for key in ("CodeUri", "Handler"):
        if not isinstance(properties.get(key), str):
            raise TemplateError(f"{where}.{key}: must be a path or a name")
    code = (template.path.parent / properties["CodeUri"]).resolve()
    variables = (properties.get("Environment") or {}).get("Variables") or {}
    for name, value in variables.items():
        if not isinstance(value, (str, int, float, bool)):
            raise TemplateError(f"{where}.Environment.Variables.{name}: {value!r} is not a string")
    identity = template.identity(resource.logical_id)
    background = properties.get("EventInvokeConfig") or {}
    return FunctionSpec(
        logical_id=resource.logical_id,
        name=identity.ref,
        arn=identity.attributes["Arn"],
        short=code.name,
        code=code,
        handler=properties["Handler"],
        variables={
            name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in variables.items()
        },
        timeout_seconds=int(properties.get("Timeout", 3)),
        memory_mb=int(properties.get("MemorySize", 128)),
        async_retries=int(background.get("MaximumRetryAttempts", 2)),
        on_failure=_destination(background, f"{where}.EventInvokeConfig"),
    )


def _destination(config: Mapping[str, Any], where: str) -> str:
    """The queue that gets what failed for good, from an EventInvokeConfig."""
    _check(config, {"MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig"}, where)
    destinations = config.get("DestinationConfig") or {}
    _check(destinations, {"OnFailure"}, f"{where}.DestinationConfig")
    if not destinations:
        return ""
    target = destinations["OnFailure"]
    if target.get("Type") != "SQS" or not isinstance(target.get("Destination"), str):
        raise TemplateError(
            f"{where}.DestinationConfig.OnFailure: the local stack sends to queues of the template only"
        )
    return str(target["Destination"])


def _enabled(properties: Mapping[str, Any]) -> bool:
    return properties.get("Enabled", True) not in {False, "false"} and properties.get("State", "ENABLED") == "ENABLED"


def _queue_source(
    template: Template, resource: Resource, properties: Mapping[str, Any], where: str
) -> list[QueueSource]:
    _check(properties, _SQS_KEYS, where)
    owner = next((q for q in template.resources(QUEUE) if _arn(template, q) == properties.get("Queue")), None)
    if owner is None:
        raise TemplateError(f"{where}.Queue: {properties.get('Queue')!r} is not the ARN of a queue of this template")
    visibility = int(owner.properties.get("VisibilityTimeout", 30))
    timeout = int(resource.properties.get("Timeout", 3))
    if visibility < timeout:  # Lambda refuses to create such a mapping
        raise TemplateError(f"{where}: the queue's VisibilityTimeout {visibility} is below the Timeout {timeout}")
    types = properties.get("FunctionResponseTypes") or []
    if set(types) - {"ReportBatchItemFailures"}:
        raise TemplateError(f"{where}.FunctionResponseTypes: {types!r}")
    source = QueueSource(
        function=resource.logical_id,
        queue=template.identity(owner.logical_id).attributes["QueueName"],
        queue_arn=str(properties["Queue"]),
        batch_size=int(properties.get("BatchSize", 10)),
        partial_failures=bool(types),
        concurrency=int((properties.get("ScalingConfig") or {}).get("MaximumConcurrency", 10)),
        visibility_seconds=visibility,
    )
    return [source] if _enabled(properties) else []


def _arn(template: Template, resource: Resource) -> str:
    return template.identity(resource.logical_id).attributes["Arn"]


def _schedule(
    resource: Resource, name: str, kind: str, properties: Mapping[str, Any], where: str
) -> list[ScheduleSource]:
    _check(properties, _SCHEDULE_KEYS, where)
    expression = properties.get("Schedule" if kind == "Schedule" else "ScheduleExpression")
    if not isinstance(expression, str):
        raise TemplateError(f"{where}: no schedule expression")
    if properties.get("ScheduleExpressionTimezone", "UTC") != "UTC":
        raise TemplateError(f"{where}.ScheduleExpressionTimezone: the local stack knows UTC only")
    source = ScheduleSource(
        function=resource.logical_id,
        name=properties.get("Name") or f"{resource.logical_id}{name}",
        expression=expression,
        input=properties.get("Input"),
        scheduler=kind == "ScheduleV2",
    )
    return [source] if _enabled(properties) else []


def _rule(resource: Resource, name: str, properties: Mapping[str, Any], where: str) -> list[RuleSource]:
    _check(properties, _RULE_KEYS, where)
    pattern = properties.get("Pattern")
    if not isinstance(pattern, dict) or not pattern:
        raise TemplateError(f"{where}.Pattern: must be a pattern")
    rule_name = properties.get("RuleName") or f"{resource.logical_id}{name}"
    source = RuleSource(function=resource.logical_id, name=rule_name, pattern=json.loads(json.dumps(pattern)))
    return [source] if _enabled(properties) else []


def _routes(template: Template, functions: Mapping[str, FunctionSpec]) -> list[HttpRoute]:
    """The routes of the HTTP APIs, each with an integration, a `$default` stage and the permission to invoke."""
    by_ref = {template.identity(r.logical_id).ref: r for r in template.resources(INTEGRATION)}
    staged = {r.properties["ApiId"]: r.properties["StageName"] for r in template.resources(STAGE)}
    invocable = {
        str(r.properties.get("FunctionName"))
        for r in template.resources(PERMISSION)
        if r.properties.get("Principal") == "apigateway.amazonaws.com"
    }
    for api in template.resources(API):
        if api.properties.get("ProtocolType") != "HTTP":
            raise TemplateError(f"Resources.{api.logical_id}.Properties.ProtocolType: the local stack serves HTTP only")
    routes = []
    for resource in template.resources(ROUTE):
        where = f"Resources.{resource.logical_id}.Properties"
        properties = resource.properties
        _check(properties, {"ApiId", "RouteKey", "Target", "AuthorizationType", "OperationName"}, where)
        if properties.get("AuthorizationType", "NONE") != "NONE":
            raise TemplateError(f"{where}.AuthorizationType: the local stack authorizes nobody")
        integration = by_ref.get(str(properties.get("Target", "")).removeprefix("integrations/"))
        if integration is None:
            raise TemplateError(f"{where}.Target: {properties.get('Target')!r} names no integration of this template")
        function = _integrated(integration, functions)
        if staged.get(properties["ApiId"]) != "$default":
            raise TemplateError(f"{where}.ApiId: this API has no stage called $default")
        if not invocable & {function.name, function.arn}:
            raise TemplateError(f"{where}: no AWS::Lambda::Permission lets API Gateway invoke {function.logical_id}")
        key = str(properties["RouteKey"])
        method, _, path = key.partition(" ")
        routes.append(
            HttpRoute(function=function.logical_id, key=key, method=method, path=path, api_id=properties["ApiId"])
        )
    return routes


def _integrated(integration: Resource, functions: Mapping[str, FunctionSpec]) -> FunctionSpec:
    where = f"Resources.{integration.logical_id}.Properties"
    properties = integration.properties
    if properties.get("IntegrationType") != "AWS_PROXY" or str(properties.get("PayloadFormatVersion")) != "2.0":
        raise TemplateError(f"{where}: the local stack knows AWS_PROXY with payload format 2.0 only")
    uri = str(properties.get("IntegrationUri"))
    found = [spec for spec in functions.values() if uri == spec.arn or f"/functions/{spec.arn}/invocations" in uri]
    if not found:
        raise TemplateError(f"{where}.IntegrationUri: {uri!r} names no function of this template")
    return found[0]
