"""The embedded AWS: the template's resources in moto, its functions called for its events, on one clock."""

from __future__ import annotations

import contextlib
import functools
import json
import logging
from typing import TYPE_CHECKING, Any, Self

import boto3
from moto import mock_aws

from prowless_local.aws import calls, moto_hooks, naming, resources
from prowless_local.aws.background import BackgroundCalls
from prowless_local.aws.events import Rules, Schedules, status_change
from prowless_local.aws.faults import LambdaServiceError
from prowless_local.aws.functions import Function, FunctionError
from prowless_local.aws.isolation import Isolation
from prowless_local.aws.queues import QueueMapping
from prowless_local.aws.wiring import read_wiring
from prowless_local.clock import ClockStuckError, WallClock
from prowless_local.http import HttpApi
from prowless_local.template import ACCOUNT, REGION, Template, TemplateError

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from moto.moto_server.threaded_moto_server import ThreadedMotoServer

    from prowless_local.aws.calls import Call
    from prowless_local.aws.moto_hooks.runtime import Invocation
    from prowless_local.clock import Clock
    from prowless_local.template import Identity
    from prowless_local.waiting import Event

_LOG = logging.getLogger(__name__)
_CLOSE_SECONDS = 2.0  # of patience for functions that run when the stack is closed
_SETTINGS = {"stepfunctions": {"execute_state_machine": True}, "lambda": {"use_docker": False}}


class EmbeddedAws:
    """AWS in this process, for one template. Its state is in memory and gone when it is closed.

    Args:
        template_path: the SAM template.
        parameters: values for its parameters; the others take their default.
        clock: what time it is; the machine's clock unless given.
        extra_environment: further variables by function (logical id, short name, or `*` for all).
        secrets: values of secrets by logical id; the others are generated as the template says.
        endpoint_port: where to serve the AWS APIs over HTTP for other processes; 0 takes a free port, None serves none.
        http_port: where to serve the template's HTTP API; 0 takes a free port, None serves none.
        schedules: whether the template's schedules fire by themselves; `tick` works either way.
        record_calls: how many of the functions' AWS calls are kept in `calls`.
    """

    def __init__(
        self,
        template_path: Path,
        parameters: Mapping[str, str] | None = None,
        *,
        clock: Clock | None = None,
        extra_environment: Mapping[str, Mapping[str, str]] | None = None,
        secrets: Mapping[str, str] | None = None,
        endpoint_port: int | None = None,
        http_port: int | None = 0,
        schedules: bool = True,
        record_calls: int = 0,
    ) -> None:
        self.clock: Clock = clock or WallClock()
        self.interceptor: Callable[[str, Any, str], None] | None = None
        self.template = Template(template_path, parameters or {}, naming.identify)
        self._extra_environment = extra_environment or {}
        self._secrets = secrets or {}
        self._endpoint_port = endpoint_port
        self._http_port = http_port
        self._with_schedules = schedules
        self._call_log = calls.CallLog(record_calls)
        self._clients: dict[str, Any] = {}
        self._mock = mock_aws(config=_SETTINGS)
        self._isolation = Isolation()
        self._background = BackgroundCalls(self.clock, self._call, self._send)
        self._server: ThreadedMotoServer | None = None
        self._http: HttpApi | None = None
        self._functions: dict[str, Function] = {}
        self._by_name: dict[str, Function] = {}
        self._queues: dict[str, list[QueueMapping]] = {}
        self._rules = Rules((), self._invoke_logical)
        self._schedules = Schedules((), self.clock, self._invoke_logical)
        self._endings: dict[str, Event] = {}
        self._started = False

    def start(self) -> Self:
        """Make everything and begin to deliver events.

        Raises:
            TemplateError: something in the template that the local stack cannot follow.
            RuntimeError: another embedded stack runs in this process.
        """
        moto_hooks.start(self)
        self._started = True
        try:
            self._isolation.apply()
            self._mock.start()
            self._isolation.new_session()
            calls.watch(self._call_log)
            if self._endpoint_port is not None:
                self._serve_endpoint(self._endpoint_port)
            self._create()
        except BaseException:
            self.close()
            raise
        return self

    def close(self) -> None:
        """Stop delivering, and forget everything."""
        if not self._started:
            return
        self._started = False
        self._schedules.close()
        self._background.close()
        for mapping in self._mappings():
            mapping.close()
        if self._http is not None:
            self._http.close()
        if self._server is not None:
            self._server.stop()
        moto_hooks.abandon()
        with contextlib.suppress(ClockStuckError):  # what hangs cannot do harm: its calls of AWS will fail
            self.clock.settle(_CLOSE_SECONDS)
        self.clock.close()
        calls.unwatch(self._call_log)  # from now on, what is left of the functions cannot reach any AWS
        moto_hooks.stop()
        self._mock.stop()
        self._isolation.restore()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    # ---- what there is -------------------------------------------------------------------------------------------

    @property
    def resources(self) -> Mapping[str, Identity]:
        """Physical names by logical id: `.ref` is `!Ref`, `.attributes["Arn"]` is `!GetAtt X.Arn`."""
        return {logical_id: self.template.identity(logical_id) for logical_id in self.template.logical_ids}

    @property
    def functions(self) -> Mapping[str, Function]:
        """The functions by logical id."""
        return dict(self._functions)

    @property
    def http_url(self) -> str:
        """The base URL of the HTTP API, e.g. `http://127.0.0.1:4567`."""
        if self._http is None:
            raise RuntimeError("the HTTP API is not served: start the stack, with an http_port")
        return self._http.url

    @property
    def endpoint_url(self) -> str:
        """What another process sets AWS_ENDPOINT_URL to."""
        if self._server is None:
            raise RuntimeError("the AWS APIs are not served: start the stack with an endpoint_port")
        host, port = self._server.get_host_and_port()
        return f"http://{host}:{port}"

    @property
    def calls(self) -> deque[Call]:
        """The functions' last AWS calls, oldest first; see `record_calls`."""
        return self._call_log.calls

    @property
    def call_interceptor(self) -> Callable[[Call, str], None] | None:
        """Called before and after (its second argument) each AWS call of a function; it may raise `Killed`, say."""
        return self._call_log.intercept

    @call_interceptor.setter
    def call_interceptor(self, intercept: Callable[[Call, str], None] | None) -> None:
        self._call_log.intercept = intercept

    def client(self, service: str) -> Any:
        """A boto3 client for the embedded AWS; one per service."""
        if service not in self._clients:
            self._clients[service] = boto3.client(service, region_name=REGION)  # type: ignore[call-overload]  # any service
        return self._clients[service]

    # ---- doing things --------------------------------------------------------------------------------------------

    def invoke(self, function: str, event: Any) -> Any:
        """Call a function (logical id or short name) and return its result.

        Raises:
            FunctionError: the function failed, or was killed.
            LambdaServiceError: an interceptor made Lambda refuse.
        """
        chosen = self.function(function)
        result = self._call(chosen, json.dumps(event).encode())
        payload = json.loads(result.payload)
        if result.failed:
            raise FunctionError(chosen.spec.short, payload)
        return payload

    def function(self, name: str) -> Function:
        """A function by logical id or by short name, the folder below `functions/`."""
        for logical_id, function in self._functions.items():
            if name in {logical_id, function.spec.short}:
                return function
        known = ", ".join(sorted(function.spec.short for function in self._functions.values()))
        raise KeyError(f"no function {name}; there are {known}")

    def build_functions(self) -> None:
        """Build every function now, so that what is wrong with a function's settings shows before its first event."""
        for function in self._functions.values():
            function.build()

    def tick(self, function: str) -> None:
        """Fire a function's schedules now and wait for it.

        Raises:
            FunctionError: the function failed.
        """
        chosen = self.function(function)
        sources = [s for s in self._schedules.sources if s.function == chosen.spec.logical_id]
        if not sources:
            raise KeyError(f"{function} has no schedule")
        for source in sources:
            result = self._call(chosen, self._schedules.event(source))
            if result.failed:
                raise FunctionError(chosen.spec.short, json.loads(result.payload))

    def wait_for_execution(self, arn: str, seconds: float = 60.0) -> dict[str, Any]:
        """DescribeExecution's answer once the execution has ended, or after that many of the clock's seconds."""
        self._ending(arn).wait(seconds)
        described: dict[str, Any] = self.client("stepfunctions").describe_execution(executionArn=arn)
        return described

    def settle(self, patience: float = 60.0) -> None:
        """Return when nothing is running: all that is left waits for time, or for somebody."""
        self.clock.settle(patience)

    # ---- what the hooks ask for ----------------------------------------------------------------------------------

    def has_function(self, name: str) -> bool:
        """Whether there is a function of that physical name."""
        return name in self._by_name

    def invoke_function(self, name: str, payload: bytes) -> Invocation:
        """Call a function by its physical name."""
        if name not in self._by_name:
            raise LambdaServiceError("ResourceNotFoundException")
        return self._call(self._by_name[name], payload)

    def invoke_function_later(self, name: str, payload: bytes) -> None:
        """Call a function by its physical name in the background, with Lambda's retries."""
        self._background.start(self._by_name[name], payload)

    def message_added(self, queue: str, delay_seconds: float) -> None:
        """Wake whoever takes this queue's messages."""
        for mapping in self._queues.get(queue, ()):
            if delay_seconds > 0:
                mapping.wake_later(delay_seconds)
            else:
                mapping.wake()

    def event_put(self, event: dict[str, Any]) -> None:
        """Deliver an event to the rules that match it."""
        self._rules.put(event)

    def execution_ended(self, execution: Any) -> None:
        """Deliver the status change of an execution, and wake who waits for it."""
        if not self._started:
            return
        self._rules.put(status_change(execution, self.clock.now_ms()))
        self._ending(execution.execution_arn).set()

    # ---- inside --------------------------------------------------------------------------------------------------

    def _create(self) -> None:
        resources.create_secrets(self.template, self.client("secretsmanager"), self._secrets)
        for resource in self.template.resources():  # resolves all, so that an unknown type or reference is an error
            self.template.identity(resource.logical_id)
        wiring = read_wiring(self.template)
        resources.create_tables(self.template, self.client("dynamodb"))
        resources.create_queues(self.template, self.client("sqs"))
        resources.create_buckets(self.template, self.client("s3"))
        resources.create_state_machines(self.template, self.client("stepfunctions"))
        for spec in wiring.functions.values():
            extra: dict[str, str] = {}
            for key in ("*", spec.short, spec.logical_id):
                extra.update(self._extra_environment.get(key, {}))
            function = Function(spec, self.clock, extra)
            self._functions[spec.logical_id] = self._by_name[spec.name] = function
        known = {"*", *self._functions, *(f.spec.short for f in self._functions.values())}
        if unknown := self._extra_environment.keys() - known:
            raise TemplateError(f"extra environment for functions that do not exist: {', '.join(sorted(unknown))}")
        for source in wiring.queues:
            function = self._functions[source.function]
            mapping = QueueMapping(source, self.clock, functools.partial(self._call, function))
            self._queues.setdefault(source.queue, []).append(mapping)
        self._rules = Rules(wiring.rules, self._invoke_logical)
        self._schedules = Schedules(wiring.schedules, self.clock, self._invoke_logical)
        if self._http_port is not None:
            self._http = HttpApi(wiring.routes, self.clock, self._answer_http, self._http_port)
        if self._with_schedules:
            self._schedules.start()

    def _serve_endpoint(self, port: int) -> None:
        from moto.moto_server.threaded_moto_server import ThreadedMotoServer  # noqa: PLC0415 needs Flask, 0.3 s

        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._server = ThreadedMotoServer("127.0.0.1", port, verbose=False)
        self._server.start()
        self._isolation.serve_s3_at(self.endpoint_url)

    def _send(self, queue_arn: str, body: str) -> None:
        url = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{queue_arn.rsplit(':', 1)[-1]}"
        self.client("sqs").send_message(QueueUrl=url, MessageBody=body)

    def _ending(self, arn: str) -> Event:
        return self._endings.setdefault(arn, self.clock.event())

    def _mappings(self) -> list[QueueMapping]:
        return [mapping for mappings in self._queues.values() for mapping in mappings]

    def _call(self, function: Function, payload: bytes) -> Invocation:
        def intercept(event: Any, phase: str) -> None:
            if self.interceptor is not None:
                self.interceptor(function.spec.short, event, phase)

        if not self._started:
            raise LambdaServiceError("ServiceException")  # the stack is being closed
        return function.invoke(payload, intercept)

    def _answer_http(self, logical_id: str, event: Mapping[str, Any]) -> Invocation | None:
        try:
            return self._call(self._functions[logical_id], json.dumps(event).encode())
        except LambdaServiceError as exc:
            _LOG.warning("%s: %s", logical_id, exc)
            return None

    def _invoke_logical(self, logical_id: str, payload: bytes) -> None:
        self._background.start(self._functions[logical_id], payload)
