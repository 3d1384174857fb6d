"""How moto's Step Functions interpreter gets its work done: Lambda tasks, clients, parsing."""

from __future__ import annotations

import functools
import json
import logging
import sys
from typing import Any

from botocore.exceptions import ClientError
from moto.stepfunctions.parser.asl.component.common.path import result_path
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.utils import boto_client, json_path

from prowless_local.aws.faults import LambdaServiceError
from prowless_local.aws.moto_hooks.runtime import current, replace

_clients: dict[tuple[str, str], Any] = {}


def forget() -> None:
    """Forget the clients: they belong to a stack that is closed."""
    _clients.clear()


def apply() -> None:
    """Install this module's hooks."""
    _direct_lambda()
    _kept_clients()
    _kept_programs()
    _kept_paths()
    logging.getLogger("moto.stepfunctions.parser").setLevel(logging.CRITICAL)  # it logs every caught error as its own


def _direct_lambda() -> None:
    """A Lambda task calls our function object.

    moto makes a boto client per task and sends itself a request, three quarters of a task's time. It also cannot say
    `Lambda.Unknown` or refuse as the Lambda service does.
    """

    def make(original: Any) -> Any:
        def _invoke_lambda_function(parameters: dict[str, Any], region: str, state_credentials: Any) -> dict[str, Any]:
            runtime = current()
            if runtime is None:
                answer: dict[str, Any] = original(parameters, region, state_credentials)
                return answer
            name = function_name(parameters["FunctionName"])
            try:
                result = runtime.invoke_function(name, parameters.get("Payload") or b"{}")
            except LambdaServiceError as exc:
                raise _refusal(exc.code, str(exc)) from exc
            payload = json.loads(result.payload)
            if result.failed and result.state_machine_error:
                payload = {**payload, "errorType": result.state_machine_error}
            answer = {"StatusCode": 200, "ExecutedVersion": "$LATEST", "Payload": payload}
            return {**answer, "FunctionError": "Unhandled"} if result.failed else answer

        return _invoke_lambda_function

    replace(lambda_eval_utils, "_invoke_lambda_function", make)


def function_name(name: str) -> str:
    """The bare name of a function from a name, a name with qualifier, or an ARN."""
    parts = name.split(":")
    return parts[6] if name.startswith("arn:") else parts[0]


def _refusal(code: str, message: str) -> ClientError:
    """The error that a client would have raised; moto turns it into `Lambda.<code>`."""
    metadata = {"HTTPStatusCode": 429 if code.startswith("TooMany") else 500, "RequestId": "local"}
    return ClientError({"Error": {"Code": code, "Message": message}, "ResponseMetadata": metadata}, "Invoke")  # type: ignore[typeddict-item]


def _kept_clients() -> None:
    """Service integrations (`sqs:sendMessage` and the like) keep their client; moto makes one per task, some 5 ms."""

    def make(original: Any) -> Any:
        def boto_client_for(region: str, service: str, state_credentials: Any = None) -> Any:
            if current() is None:
                return original(region=region, service=service, state_credentials=state_credentials)
            key = (region, service)
            if key not in _clients:
                _clients[key] = original(region=region, service=service)
            return _clients[key]

        return boto_client_for

    original = boto_client.boto_client_for
    replace(boto_client, "boto_client_for", make)
    for name, module in list(sys.modules.items()):
        if name.startswith("moto.stepfunctions") and getattr(module, "boto_client_for", None) is original:
            module.boto_client_for = boto_client.boto_client_for  # type: ignore[attr-defined]  # checked in the line above


def _kept_programs() -> None:
    """A definition is parsed once, not at its creation and at every execution; the real one takes half a second.

    The parsed program holds no state of an execution. The exception is Map, whose components count their iterations,
    so definitions with one are parsed each time.
    """

    def make(original: Any) -> Any:
        programs: dict[str, Any] = {}

        def parse(definition: str) -> Any:
            if '"Map"' in definition:
                return original(definition)
            if definition not in programs:
                programs[definition] = original(definition)
            return programs[definition]

        return parse

    replace(AmazonStateLanguageParser, "parse", make)


def _kept_paths() -> None:
    """A JSONPath is parsed once. moto builds a parser for every use of every path: nine tenths of a state's time."""
    for module in (json_path, result_path):
        replace(module, "parse", functools.lru_cache(maxsize=1024))
