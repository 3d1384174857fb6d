"""Somebody stops the execution, in any of its states: the ProwJob still ends reported and released."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from moto.core.exceptions import AWSError
from moto.sqs.models import SQSBackend
from tests.fakes.slack import slack_server
from tests.functional.scenarios.conftest import running
from tests.functional.scenarios.kills import watched
from tests.functional.scenarios.slacking import give_token, told_to
from tests.functional.scenarios.stopping import STATES, stopped_at_work, stopped_on_entry
from tests.functional.scenarios.world import HOUR, Pull, World, presubmit

from prowless.domain.prowjob import FINAL_STATES, Phase
from prowless.domain.status import github_state
from prowless_local.aws import LambdaServiceError
from prowless_local.cluster import Scripted
from prowless_local.github import FaultResponse

if TYPE_CHECKING:
    from collections.abc import Callable

LONG = Scripted(seconds=2 * HOUR)
TOLD = {"slack": {"channel": "builds", "job_states_to_report": ["success", "failure", "aborted", "error"]}}
FUNCTIONS = ("report", "prepare", "submit", "poll", "stop", "collect")


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    with (
        slack_server() as slack,
        running(
            tmp_path_factory.mktemp("stopped"),
            presubmits=[presubmit(max_concurrency=3, reporter_config=TOLD)],
            clusters={"default": {"max_concurrency": 5}},
            **told_to(slack),
        ) as world,
    ):
        give_token(world)
        yield world


@pytest.fixture
def world(shared):
    """The shared world without a trace of the test before."""
    yield shared
    shared.plays.clear()
    shared.github.fault = None
    shared.aws.interceptor = None


def opened(world: World) -> Pull:
    return world.open_pull()


def long(world: World) -> Pull:
    world.plays["unit"] = LONG
    return world.open_pull()


def closed(world: World) -> Pull:
    pull = long(world)
    world.until(lambda: pull.run().token, "the run is awaited")
    pull.close()
    return pull


def unpolled(world: World) -> Pull:
    """Lambda refuses to call poll for a while."""
    refusals = []

    def intercept(function: str, _event: object, phase: str) -> None:
        if (function, phase) == ("poll", "before") and len(refusals) < 5:
            refusals.append(function)
            raise LambdaServiceError("ServiceException")

    world.aws.interceptor = intercept
    return world.open_pull()


def unreported(world: World) -> Pull:
    """GitHub takes no final status for longer than an execution tries: 5 + 10 + … + 900 seconds at most."""
    pull = world.open_pull()
    since = world.clock.now_ms()

    def fault(method: str, path: str) -> FaultResponse | None:
        down = world.clock.now_ms() - since < 1.4 * HOUR * 1000
        return FaultResponse(status=502) if method == "POST" and "/statuses/" in path and down else None

    world.github.fault = fault
    return pull


def unreleased(world: World) -> Pull:
    """The queue takes no release for longer than an execution tries: 2 + 4 + … + 60 seconds at most."""
    since = world.clock.now_ms()
    original = SQSBackend.send_message

    def send_message(self: SQSBackend, queue_name: str, message_body: str, *arguments: object, **keywords: object):
        if '"release"' in message_body and world.clock.now_ms() - since < 300_000:
            raise AWSError("try again", exception_type="InternalError", status=500)
        return original(self, queue_name, message_body, *arguments, **keywords)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SQSBackend, "send_message", send_message)
        pull = world.open_pull()
        world.rest()
    return pull


LEADS_TO: dict[str, Callable[[World], Pull]] = {
    **dict.fromkeys(["Await10s", "Await15s", "Await30s", "Await60s", "Await120s", "Await300s"], long),
    **dict.fromkeys(["CountStop", "Stop", "Stopped"], closed),
    "Unreachable": unpolled,
    "ReleaseUnreported": unreported,
    "ReportSlackOnly": unreported,
    "Unreported": unreported,
    "Unreleased": unreleased,
}
FINISHING = ("Start", "CountStop", "Stop", "Await5s", "Collect", "ReportFinal", "Release")


def ended_well(world: World, pull: Pull) -> None:
    world.rest(within=12 * HOUR)
    run = pull.run()
    assert run.state in FINAL_STATES, world.story()
    assert run.phase is Phase.RELEASED, world.story()
    assert pull.state() == github_state(run.state), world.story()
    assert pull.posted()[-1] != "pending"
    for workflow in world.workflows():
        assert workflow.get("status", {}).get("phase") in {"Succeeded", "Failed", "Error"}, workflow
    assert world.created.count(("default", "Workflow", run.id)) <= 1


@pytest.mark.parametrize("state", STATES)
def test_a_run_whose_execution_is_stopped_in_a_state_is_reported_and_released(world, state):
    with stopped_on_entry(world, state) as stop:
        pull = LEADS_TO.get(state, opened)(world)
        ended_well(world, pull)
    assert len(stop.executions) == 1


@pytest.mark.parametrize("phase", ["before", "after"])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_run_whose_execution_is_stopped_while_a_function_works_is_reported_and_released(world, function, phase):
    with stopped_at_work(world, function, phase) as stop:
        pull = closed(world) if function == "stop" else opened(world)
        ended_well(world, pull)
    assert len(stop.executions) == 1


LATE = {
    "submit": "submit, before dynamodb UpdateItem #1",
    "prepare": "prepare, before dynamodb UpdateItem #1",
    "poll": "poll, before GET /apis/argoproj.io/v1alpha1/namespaces/test-pods/workflows/* #1",
    "collect": "collect, before s3 PutObject #1",
}


@pytest.mark.parametrize("function", LATE)
def test_a_function_that_goes_on_after_its_execution_was_stopped_and_finished_does_no_harm(world, function):
    """Lambda does not end a function because Step Functions stopped its execution."""

    def outlive() -> None:
        (arn,) = world.executions("RUNNING")
        world.stop_execution(arn)
        world.clock.sleep(25)

    before = len(world.created)
    with watched(world, LATE[function], outlive) as calls:
        pull = opened(world)
        ended_well(world, pull)
    assert calls.killed
    assert len(world.created) == before + (function not in {"submit", "prepare"})


@pytest.mark.parametrize("state", FINISHING)
def test_a_finishing_execution_may_be_stopped_too(world, state):
    with stopped_on_entry(world, state, finishing=1) as stop:
        pull = long(world)
        world.until(lambda: pull.run().token, "the run is awaited")
        world.stop_execution(world.executions("RUNNING")[0])
        ended_well(world, pull)
    assert len(stop.executions) == 1
    assert pull.run().description == "The execution ended aborted before the job did."
    assert pull.run().finishers == 2


def test_after_three_stopped_finishing_executions_the_run_is_released_and_left_to_reconcile(world):
    with stopped_on_entry(world, "ReportFinal", finishing=3) as stop:
        pull = long(world)
        world.until(lambda: pull.run().token, "the run is awaited")
        world.stop_execution(world.executions("RUNNING")[0])
        world.rest()
    assert len(stop.executions) == 3
    assert (pull.run().state, pull.run().phase) == ("error", Phase.RELEASED)
