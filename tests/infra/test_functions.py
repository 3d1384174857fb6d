"""What template.yaml says about the functions: settings, roles, logs, limits."""

import dataclasses
import re
import tomllib

import pytest

from prowless.runtime import settings
from prowless.usecases.config_sources import ConfigRepository
from tests.infra.templates import ROOT, functions, listed, resources, role_of, statements, strings, template, variables

FUNCTIONS = functions()
SETTINGS = {
    "webhook": settings.Webhook,
    "dispatch": settings.Dispatch,
    "forward": settings.Forward,
    "periodics": settings.Periodics,
    "admit": settings.Admit,
    "prepare": settings.Prepare,
    "submit": settings.ClusterArtifacts,
    "poll": settings.ClusterAccess,
    "stop": settings.ClusterAccess,
    "collect": settings.ClusterArtifacts,
    "report": settings.Report,
    "reconcile": settings.Reconcile,
    "config_sync": settings.ConfigSync,
}
OUTSIDE_AWS = {"KUBECONFIG", "KUBECONFIG_CONTEXT", "LOCAL_ENDPOINTS", "SLACK_API_URL"}
"""Settings that stand in for EKS or Slack, or open this machine's own ports, where there is no AWS."""

CLUSTER_FUNCTIONS = {"submit", "poll", "stop", "collect"}

RESOURCELESS = {
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
}
"""Actions for which AWS takes no resource."""


def test_each_function_folder_is_a_function_of_the_template() -> None:
    assert {path.parent.name for path in ROOT.glob("functions/*/app.py")} == set(FUNCTIONS) == set(SETTINGS)


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_a_function_gets_exactly_the_settings_it_reads(name: str) -> None:
    read = {field.name.upper() for field in dataclasses.fields(SETTINGS[name])} - OUTSIDE_AWS
    assert set(variables(FUNCTIONS[name])) == read


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_function_has_a_role_and_a_log_group_of_its_own(name: str) -> None:
    mine = FUNCTIONS[name]
    others = [other for key, other in FUNCTIONS.items() if key != name]
    group = mine["LoggingConfig"]["LogGroup"]["Ref"]
    assert role_of(mine) not in {role_of(other) for other in others}
    assert group not in {other["LoggingConfig"]["LogGroup"]["Ref"] for other in others}
    written = next(entry for entry in statements(resources("AWS::IAM::Role")[role_of(mine)]) if entry["Sid"] == "Logs")
    assert written["Resource"] == {"Fn::GetAtt": [group, "Arn"]}


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_function_states_its_time_and_memory(name: str) -> None:
    assert 0 < FUNCTIONS[name]["Timeout"] <= 900
    assert FUNCTIONS[name]["MemorySize"] >= 512  # below that the imports take seconds


def test_the_webhook_answers_within_the_ten_seconds_that_github_waits() -> None:
    assert FUNCTIONS["webhook"]["Timeout"] <= 10


def test_functions_have_nothing_to_build() -> None:
    """SAM's Python builder would ask for a python3.13 on the host."""
    for name, resource in template()["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function":
            assert resource["Metadata"] == {"SkipBuild": True}, name


def test_only_cluster_functions_carry_the_kubernetes_client_and_may_enter_a_vpc() -> None:
    assert {
        name for name, found in FUNCTIONS.items() if {"Ref": "KubeLayer"} in found.get("Layers", [])
    } == CLUSTER_FUNCTIONS
    assert {name for name, found in FUNCTIONS.items() if "VpcConfig" in found} == CLUSTER_FUNCTIONS
    assert template()["Globals"]["Function"]["Layers"] == [{"Ref": "RuntimeLayer"}, {"Ref": "ProwlessLayer"}]


def test_only_the_functions_that_wait_for_no_github_write_to_clusters() -> None:
    """A function holds GitHub's credential or a cluster's, never both."""
    for name, function in FUNCTIONS.items():
        actions = {
            action
            for entry in statements(resources("AWS::IAM::Role")[role_of(function)])
            for action in listed(entry["Action"])
        }
        assert ("sts:AssumeRole" in actions) == (name in CLUSTER_FUNCTIONS), name
        assert not {"sts:AssumeRole", "secretsmanager:GetSecretValue"} <= actions, name


@pytest.mark.parametrize("role", sorted(resources("AWS::IAM::Role")))
def test_a_role_names_the_resources_it_may_touch(role: str) -> None:
    for entry in statements(resources("AWS::IAM::Role")[role]):
        actions = set(listed(entry["Action"]))
        assert not any("*" in action for action in actions), entry["Sid"]
        if "*" in listed(entry["Resource"]):
            assert actions <= RESOURCELESS, entry["Sid"]


@pytest.mark.parametrize("role", sorted(resources("AWS::IAM::Role")))
def test_wildcards_stand_only_behind_a_named_prefix(role: str) -> None:
    allowed = re.compile(
        r"(?:\$\{\w+\.Arn\}/(?:[a-z-]+/)*\*|.*:execution:\$\{AWS::StackName\}-prowjob:\*|.*:role/prowless-cluster-\*.*|\*)$"
    )
    for entry in statements(resources("AWS::IAM::Role")[role]):
        for text in strings(entry["Resource"]):
            assert "*" not in text or allowed.match(text), (entry["Sid"], text)


def test_a_role_has_no_policy_of_aws_beside_the_one_for_a_vpc() -> None:
    for name, role in resources("AWS::IAM::Role").items():
        managed = role.get("ManagedPolicyArns")
        if managed is not None:
            condition, policies, otherwise = managed["Fn::If"]
            assert condition == "ClustersInVpc", name
            assert policies == ["arn:aws:iam::aws:policy/service-role/AWSLambdaENIManagementAccess"]
            assert otherwise == {"Ref": "AWS::NoValue"}


def test_each_role_is_somebodys() -> None:
    used = {role_of(function) for function in FUNCTIONS.values()}
    used |= {found["Role"]["Fn::GetAtt"][0] for found in resources("AWS::Serverless::StateMachine").values()}
    assert used == set(resources("AWS::IAM::Role"))


def test_log_groups_end_and_are_named_after_the_stack() -> None:
    for name, group in resources("AWS::Logs::LogGroup").items():
        assert group["RetentionInDays"] == {"Ref": "LogRetentionDays"}, name
        assert "${AWS::StackName}" in group["LogGroupName"]["Fn::Sub"], name


def test_the_api_serves_the_webhook_for_every_method_and_nothing_else() -> None:
    (route,) = resources("AWS::ApiGatewayV2::Route").values()
    (permission,) = resources("AWS::Lambda::Permission").values()
    assert route["RouteKey"] == "ANY /github/webhook"
    assert permission["SourceArn"]["Fn::Sub"].endswith("${Api}/*/*/github/webhook")


def test_deliveries_are_dispatched_one_at_a_time_and_admissions_in_batches() -> None:
    (deliveries,) = FUNCTIONS["dispatch"]["Events"].values()
    (admissions,) = FUNCTIONS["admit"]["Events"].values()
    assert deliveries["Properties"]["Queue"] == {"Fn::GetAtt": ["DeliveriesQueue", "Arn"]}
    assert deliveries["Properties"]["BatchSize"] == 1
    assert admissions["Properties"]["Queue"] == {"Fn::GetAtt": ["AdmitQueue", "Arn"]}
    assert admissions["Properties"]["BatchSize"] == 10
    assert admissions["Properties"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_configuration_is_handled_one_message_at_a_time() -> None:
    (configuration,) = FUNCTIONS["config_sync"]["Events"].values()
    assert configuration["Properties"]["Queue"] == {"Fn::GetAtt": ["ConfigQueue", "Arn"]}
    assert configuration["Properties"]["BatchSize"] == 1


def test_deliveries_are_forwarded_one_at_a_time_and_the_function_knows_which_receive_is_the_last() -> None:
    (forwards,) = FUNCTIONS["forward"]["Events"].values()
    queue = resources("AWS::SQS::Queue")["ForwardsQueue"]
    assert forwards["Properties"]["Queue"] == {"Fn::GetAtt": ["ForwardsQueue", "Arn"]}
    assert forwards["Properties"]["BatchSize"] == 1
    assert int(variables(FUNCTIONS["forward"])["MAX_RECEIVES"]) == queue["RedrivePolicy"]["maxReceiveCount"]


def test_the_sample_settings_name_sources_that_are_understood() -> None:
    samples = tomllib.loads((ROOT / "samplesconfig.toml").read_text())
    stages = [stage["deploy"]["parameters"] for name, stage in samples.items() if name != "version"]
    given = [stage.get("parameter_overrides", {}) for stage in stages]
    sources = [one["ConfigSources"] for one in given if "ConfigSources" in one]
    assert sources
    for text in sources:
        assert ConfigRepository.parse(text)[0].named["config"] == "config.yaml"


def test_schedules_and_the_rule_for_dead_executions() -> None:
    (periodics,) = FUNCTIONS["periodics"]["Events"].values()
    reconcile = FUNCTIONS["reconcile"]["Events"]
    assert periodics["Properties"]["Schedule"] == "rate(1 minute)"
    assert reconcile["EveryFiveMinutes"]["Properties"]["Schedule"] == "rate(5 minutes)"
    pattern = reconcile["ExecutionDied"]["Properties"]["Pattern"]
    assert pattern["detail-type"] == ["Step Functions Execution Status Change"]
    assert pattern["detail"]["status"] == ["FAILED", "TIMED_OUT", "ABORTED"]
    assert pattern["detail"]["stateMachineArn"] == [variables(FUNCTIONS["reconcile"])["STATE_MACHINE_ARN"]]
