"""Slack is told what jobs ask for, once; its troubles are nobody else's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.fakes.slack import SlackServer, slack_server
from tests.functional.scenarios.slacking import TOKEN, give_token, told_to
from tests.functional.scenarios.world import HOUR, job, presubmit
from tests.infra.policies import Policies

from prowless_local.cluster import Scripted
from prowless_local.github import FaultResponse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.functional.scenarios.world import World

    from prowless_local.aws.calls import Call

CENTRAL = {
    "slack_reporter_configs": {
        "*": {
            "channel": "builds",
            "job_types_to_report": ["periodic", "postsubmit"],
            "job_states_to_report": ["failure", "error"],
        }
    }
}
OWN = {"slack": {"channel": "calculator", "report_template": "{{.Spec.Job}}: {{.Status.State}} {{.Status.URL}}"}}


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with slack_server() as server:
        yield server


@pytest.fixture
def world(start: Callable[..., World], slack: SlackServer) -> World:
    world = start(
        presubmits=[presubmit(reporter_config=OWN), presubmit("lint")],
        postsubmits=[job("deploy")],
        central=CENTRAL,
        **told_to(slack),
    )
    give_token(world)
    return world


def test_a_failing_job_is_told_once_and_a_green_one_not(world, slack):
    world.plays["unit"] = world.plays["deploy"] = Scripted(seconds=4, code=1)
    pull = world.open_pull()
    world.rest()
    run = world.run("unit")
    assert slack.messages == [("calculator", f"unit: failure {run.url}")]
    assert slack.got[0][1]["Authorization"] == f"Bearer {TOKEN}"
    assert (run.reported["github"], run.reported["slack"]) == ("failure", "failure")
    assert "slack" not in world.run("lint").reported
    assert pull.state("lint") == "success"
    world.push_to_main()
    world.rest()
    assert slack.messages[1:] == [
        ("builds", f"Job deploy of type postsubmit ended with state failure. <{world.run('deploy').url}|View logs>")
    ]


def test_the_role_of_report_allows_what_slack_needs(world, slack):
    policies = Policies(world.aws.template)
    seen: list[Call] = []
    world.aws.call_interceptor = lambda call, phase: seen.append(call) if phase == "before" else None
    world.plays["unit"] = Scripted(seconds=4, code=1)
    world.open_pull()
    world.rest()
    assert slack.got
    secrets = [call.params["SecretId"] for call in seen if call.operation == "GetSecretValue"]
    assert world.aws.template.parameters["SlackTokenSecretArn"] in secrets
    lacking = [policies.denied(call.function, call.service, call.operation, call.params) for call in seen]
    assert [need for some in lacking for need in some] == []


def test_slack_is_told_once_though_github_takes_no_result_meanwhile(world, slack):
    world.plays["unit"] = Scripted(seconds=4, code=1)
    pull = world.open_pull()

    def fault(method: str, path: str) -> FaultResponse | None:
        return FaultResponse(status=502) if method == "POST" and "/statuses/" in path and not slack.got else None

    world.github.fault = fault
    world.until(lambda: slack.got, "Slack is told", within=2 * HOUR)
    world.rest(within=12 * HOUR)
    assert pull.state("unit") == "failure"
    assert world.run("unit").finishers == 1
    assert [channel for channel, _ in slack.messages] == ["calculator"]


def test_slack_being_down_touches_neither_status_nor_release(world, slack):
    slack.answers = [(503, {}, b"")] * 100
    world.plays["unit"] = Scripted(seconds=4, code=1)
    pull = world.open_pull()
    world.until(lambda: world.run("unit").phase == "released", "the place is given back", within=60)
    assert pull.state("unit") == "failure"
    world.rest()
    assert 2 < len(slack.got) < 12
    run = world.run("unit")
    assert "slack" not in run.reported
    assert run.reported["slack-error"] == "Slack: a message to 'calculator': HTTP 503"
    assert run.finishers == 0
