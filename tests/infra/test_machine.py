"""The state machine: every state is reached, every error ends in a report, and everything is bounded."""

import re

import pytest
import yaml
from statelint.linter import Linter

from prowless.domain import errors
from tests.infra.machines import caught, chosen, reachable, states, successors, tasks, usual_successors
from tests.infra.templates import ROOT, functions, machine, resources, statements

ASL = (ROOT / "statemachines/prowjob.asl.yaml").read_text()
(DECLARED,) = resources("AWS::Serverless::StateMachine").values()
OUR_ERRORS = {"RetryableError", "PermanentError", "ConfigError"}
LAMBDAS_OWN = {"Sandbox.Timedout"}
"""A function that ran into its time limit; named by Lambda, without its prefix."""

TRANSIENT = {
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
    "Sandbox.Timedout",
    "RetryableError",
}
SENDS = {"Release", "ReleaseUnreported"}
SLACK = {"ReportSlack", "ReportSlackOnly"}
LAMBDA_TASKS = sorted(tasks().keys() - SENDS)


def _function_of(task: str) -> str:
    """The folder of the function that a task calls."""
    reference = tasks()[task]["Parameters"]["FunctionName"]
    logical_id = DECLARED["DefinitionSubstitutions"][reference[2:-1]]["Fn::GetAtt"][0]
    return logical_id.removesuffix("Function").lower()


def test_statelint_has_nothing_to_say() -> None:
    assert Linter.validate(machine()) == []


def test_every_placeholder_is_substituted_and_every_substitution_used() -> None:
    assert set(re.findall(r"\$\{(\w+)\}", ASL)) == set(DECLARED["DefinitionSubstitutions"])


def test_the_definition_uses_no_yaml_anchors() -> None:
    """CloudFormation reads it with a parser of its own."""
    assert not [token for token in yaml.scan(ASL) if isinstance(token, yaml.AnchorToken | yaml.AliasToken)]


def test_every_transition_leads_somewhere_and_every_state_is_reached() -> None:
    for name, state in states().items():
        assert successors(state) <= set(states()), name
    assert reachable(machine()["StartAt"]) == set(states())


@pytest.mark.parametrize("name", [name for name, state in states().items() if state["Type"] == "Choice"])
def test_a_choice_has_a_default(name: str) -> None:
    assert states()[name]["Default"] in states()


def test_only_what_both_emulators_run_is_used() -> None:
    for name, state in states().items():
        assert not state.keys() & {"Assign", "Output", "Arguments", "QueryLanguage", "TimeoutSecondsPath"}, name
        assert "HeartbeatSeconds" not in state, name
    assert not re.search(r"\$\.\.|\[\?|\$[A-Za-z]", ASL)  # deep scan, filter, variable


@pytest.mark.parametrize("name", sorted(tasks()))
def test_a_task_is_limited_retried_with_jitter_and_caught(name: str) -> None:
    task = tasks()[name]
    assert isinstance(task["TimeoutSeconds"], int)
    for retrier in task["Retry"]:
        assert retrier["JitterStrategy"] == "FULL"
        assert 1 <= retrier["MaxAttempts"] <= 12
        assert retrier["MaxDelaySeconds"] >= retrier["IntervalSeconds"]
    assert task["Catch"][-1]["ErrorEquals"] == ["States.ALL"]


@pytest.mark.parametrize("name", LAMBDA_TASKS)
def test_a_function_is_called_again_after_passing_faults_only(name: str) -> None:
    (retrier,) = tasks()[name]["Retry"]
    assert set(retrier["ErrorEquals"]) - {"States.Timeout"} == TRANSIENT


@pytest.mark.parametrize("name", [name for name in LAMBDA_TASKS if not name.startswith("Await")])
def test_a_task_waits_longer_than_its_function_may_take(name: str) -> None:
    assert tasks()[name]["TimeoutSeconds"] > functions()[_function_of(name)]["Timeout"]


def test_error_names_exist() -> None:
    names = {
        error
        for state in tasks().values()
        for handler in [*state["Retry"], *state["Catch"]]
        for error in handler["ErrorEquals"]
    }
    known = {f"States.{name}" for name in ("ALL", "Timeout", "HeartbeatTimeout")} | LAMBDAS_OWN
    assert all(error in known | OUR_ERRORS or error.startswith("Lambda.") for error in names)
    assert all(issubclass(getattr(errors, name), errors.ProwlessError) for name in OUR_ERRORS)


def test_nothing_ends_without_a_report() -> None:
    """Without ReportFinal no end is left to reach, neither by success nor by any error."""
    ends = {name for name, state in states().items() if state["Type"] in {"Succeed", "Fail"}}
    assert ends == {"Done", "Unreleased", "Unreported"}
    assert not reachable(machine()["StartAt"], without=frozenset({"ReportFinal"})) & ends


@pytest.mark.parametrize("name", sorted(tasks().keys() - SENDS - SLACK - {"ReportFinal"}))
def test_every_error_leads_to_the_report(name: str) -> None:
    for error in ("States.Timeout", "Lambda.Unknown", "PermanentError", "ConfigError", "KeyError"):
        assert "ReportFinal" in reachable(caught(tasks()[name], error)), error


def test_what_the_report_cannot_do_is_released_and_left_to_reconcile() -> None:
    assert caught(states()["ReportFinal"], "PermanentError") == "ReleaseUnreported"
    assert successors(states()["ReleaseUnreported"]) == {"ReportSlackOnly", "Unreported"}
    assert usual_successors(states()["ReportFinal"]) == {"Release"}
    for name in ("Unreported", "Unreleased"):
        assert states()[name]["Type"] == "Fail"
    (rule,) = [event for event in functions()["reconcile"]["Events"].values() if event["Type"] == "EventBridgeRule"]
    assert "FAILED" in rule["Properties"]["Pattern"]["detail"]["status"]


def test_slack_is_told_after_the_release_and_changes_no_end() -> None:
    (rule,) = states()["Released"]["Choices"]
    assert (rule["StringEquals"], rule["Next"], states()["Released"]["Default"]) == ("slack", "ReportSlack", "Done")
    assert usual_successors(states()["Release"]) == {"Released"}
    assert successors(states()["ReportSlack"]) == {"Done"}
    assert successors(states()["ReportSlackOnly"]) == {"Unreported"}


def test_a_failed_pending_report_does_not_fail_the_job() -> None:
    assert successors(states()["ReportPending"]) - {"PendingReported"} == {"Prepare"}


def test_a_finishing_execution_stops_first_and_submits_nothing() -> None:
    (rule,) = states()["Begin"]["Choices"]
    assert (rule["Variable"], rule["BooleanEquals"]) == ("$.finish", True)
    assert not reachable(rule["Next"]) & {"Prepare", "Submit", "ReportPending"}


def test_errors_before_and_during_the_run_stop_it() -> None:
    for name in ("Prepare", "Submit", chosen(0)):
        assert caught(states()[name], "PermanentError") == "CountStop", name


def test_a_wait_that_cannot_be_polled_for_a_while_goes_on() -> None:
    for name in {chosen(count) for count in range(100)}:
        assert caught(states()[name], "RetryableError") == "Unreachable"


def test_stop_and_wait_alternate_a_bounded_number_of_times() -> None:
    (rule,) = states()["Stopped"]["Choices"]
    assert {condition["Variable"] for condition in rule["And"]} == {"$.step.next", "$.stops.count"}
    assert states()["Stopped"]["Default"] == "BeginCollect"
    ways_in = {name for name, state in states().items() if "Stop" in successors(state)}
    assert ways_in == {"CountStop"}


def test_both_releases_say_the_same_to_admit_once_per_execution() -> None:
    release, unreported = (states()[name]["Parameters"] for name in sorted(SENDS))
    assert release == unreported
    assert release["MessageBody"] == {"release.$": "$.prowjob"}
    assert "$$.Execution.Name" in release["MessageDeduplicationId.$"]


def test_the_machine_outlives_the_longest_job_and_not_by_much() -> None:
    assert 48 * 3600 < machine()["TimeoutSeconds"] <= 72 * 3600


def test_the_machine_may_call_exactly_what_it_calls() -> None:
    role = statements(resources("AWS::IAM::Role")["ProwJobStateMachineRole"])
    (invoke,) = [entry for entry in role if entry["Action"] == "lambda:InvokeFunction"]
    (send,) = [entry for entry in role if entry["Action"] == "sqs:SendMessage"]
    substitutions = DECLARED["DefinitionSubstitutions"]
    assert invoke["Resource"] == [value for name, value in substitutions.items() if name.endswith("FunctionArn")]
    assert send["Resource"] == {"Fn::GetAtt": [substitutions["AdmitQueueUrl"]["Ref"], "Arn"]}


def test_executions_are_logged_without_their_data() -> None:
    assert DECLARED["Type"] == "STANDARD"
    assert DECLARED["Logging"]["IncludeExecutionData"] is False
    assert DECLARED["Logging"]["Level"] == "ALL"


def test_the_spelled_out_arn_is_the_machines() -> None:
    """Functions cannot refer to the machine, which refers to them."""
    name = DECLARED["Name"]["Fn::Sub"]
    for function in ("admit", "reconcile"):
        arn = functions()[function]["Environment"]["Variables"]["STATE_MACHINE_ARN"]["Fn::Sub"]
        assert arn.endswith(f":stateMachine:{name}")
