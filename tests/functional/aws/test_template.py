"""How template.yaml is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from prowless_local.aws.naming import STATE_MACHINE, identify
from prowless_local.aws.resources import read_definition
from prowless_local.aws.wiring import read_wiring
from prowless_local.template import Template, TemplateError, read_yaml


def load(tmp_path, text: str, **parameters: str) -> Template:
    path = tmp_path / "template.yaml"
    path.write_text(text)
    return Template(path, parameters, identify)


def resolve(tmp_path, value: str, head: str = ""):
    """A value written as the policy document of a role, which the local stack does not interpret."""
    document = (
        f"{head}\nResources:\n  Queue: {{Type: AWS::SQS::Queue}}\n  X:\n    Type: AWS::IAM::Role\n    Properties:\n"
    )
    return load(tmp_path, f"{document}      Policies: {value}\n").resource("X").properties["Policies"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("!Ref AWS::Region", "us-east-1"),
        ("!GetAtt Queue.Arn", "arn:aws:sqs:us-east-1:123456789012:prowless-Queue"),
        ("{'Fn::GetAtt': [Queue, QueueName]}", "prowless-Queue"),
        ("!Sub 'arn:${AWS::Partition}:${Queue.QueueName}/${!literal}'", "arn:aws:prowless-Queue/${literal}"),
        ("!Sub ['${a}-${AWS::StackName}', {a: !Ref AWS::Region}]", "us-east-1-prowless"),
        ("!Join ['/', [a, !Ref AWS::Region]]", "a/us-east-1"),
        ("!Select [1, !Split [',', 'a,b,c']]", "b"),
        ("!If [Good, 1, 2]", 1),
        ("!If [Bad, 1, 2]", 2),
        ("[a, !Ref AWS::NoValue, b]", ["a", "b"]),
        ("{a: !If [Bad, 1, !Ref AWS::NoValue], b: 2}", {"b": 2}),
        ("{Version: 2012-10-17}", {"Version": "2012-10-17"}),
    ],
)
def test_intrinsic_functions(tmp_path, value, expected):
    head = "Conditions:\n  Good: !Equals [a, a]\n"
    head += "  Bad: !And [!Condition Good, !Not [!Or [!Equals [a, b], !Condition Good]]]\n"
    assert resolve(tmp_path, value, head) == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("!ImportValue x", r"Resources\.X\.Properties\.Policies: Fn::ImportValue"),
        ("{deep: [!Ref Missing]}", r"Resources\.X\.Properties\.Policies\.deep\[0\]: refers to Missing"),
        ("!GetAtt Queue.Size", r"attribute Size of Queue \(AWS::SQS::Queue\) is not known"),
        ("!Select [3, [a]]", r"Fn::Select 3"),
        ("!If [Unknown, 1, 2]", "no condition is called Unknown"),
    ],
)
def test_what_is_not_known_is_an_error_that_says_where(tmp_path, value, message):
    with pytest.raises(TemplateError, match=message):
        resolve(tmp_path, value)


def test_a_resource_of_an_unknown_type_is_an_error(tmp_path):
    template = load(tmp_path, "Resources: {Topic: {Type: AWS::Kinesis::Stream}}")
    with pytest.raises(TemplateError, match=r"Resources\.Topic: the local stack does not know AWS::Kinesis::Stream"):
        template.identity("Topic")


def test_resources_that_need_each_other_are_an_error(tmp_path):
    text = "Resources: {A: {Type: AWS::S3::Bucket, Properties: {BucketName: !Ref B}}, "
    text += "B: {Type: AWS::S3::Bucket, Properties: {BucketName: !Ref A}}}"
    with pytest.raises(TemplateError, match="depends on itself: A -> B -> A"):
        load(tmp_path, text).resource("A")


def test_every_wrong_parameter_is_named_at_once(template):
    with pytest.raises(TemplateError) as error:
        Template(template, {"Stage": "test", "Prefix": "X", "Rounds": "0", "Size": "1"}, identify)
    assert str(error.value).splitlines() == [
        "Parameters.Prefix: 'X' does not match [a-z]{2,8}: two to eight lower-case letters",
        "Parameters.Rounds: '0' is below MinValue 1",
        "Parameters.Size: the template declares no such parameter",
        "Parameters.Stage: 'test' is none of 'dev', 'prod'",
    ]


def test_a_parameter_without_default_must_be_given(tmp_path):
    with pytest.raises(TemplateError, match=r"Parameters\.Name: has no default"):
        load(tmp_path, "Parameters: {Name: {Type: String}}\nResources: {}")


def test_lists_are_split_and_an_empty_one_is_empty(tmp_path):
    text = "Parameters: {L: {Type: CommaDelimitedList, Default: ''}}\nResources: {}"
    assert load(tmp_path, text).parameters["L"] == []
    assert load(tmp_path, text, L="a,b").parameters["L"] == ["a", "b"]


def test_a_resource_whose_condition_is_false_does_not_exist(template):
    assert "ProdBucket" not in Template(template, {}, identify).logical_ids
    prod = Template(template, {"Stage": "prod"}, identify)
    assert prod.identity("ProdBucket").ref == "prowless-prodbucket-123456789012"


def test_globals_are_merged_under_a_functions_own_properties(template):
    functions = read_wiring(Template(template, {}, identify)).functions
    assert functions["WebFunction"].variables.keys() == {"STAGE", "TABLE", "QUEUE_URL", "SECRET_ARN"}
    assert functions["PollFunction"].variables == {"STAGE": "dev", "TABLE": "prowless-Table"}
    assert (functions["EchoFunction"].timeout_seconds, functions["WebFunction"].timeout_seconds) == (2, 10)


def test_the_role_that_sam_makes_for_a_function_can_be_referred_to(tmp_path):
    text = "Resources: {F: {Type: AWS::Serverless::Function, Properties: {}}, "
    text += "K: {Type: AWS::KMS::Key, Properties: {KeyPolicy: !GetAtt FRole.Arn}}}"
    key = load(tmp_path, text).resource("K")
    assert key.properties["KeyPolicy"] == "arn:aws:iam::123456789012:role/prowless-FRole"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("Type: ScheduleV2", "Type: S3"), r"TickFunction\.Properties\.Events\.Minute: .*events of type S3"),
        (("BatchSize: 2", "FilterCriteria: {}"), r"Events\.Work: the local stack does not know FilterCriteria"),
        (("Queue: !GetAtt PlainQueue.Arn", "Queue: nowhere"), r"Events\.Plain\.Queue: 'nowhere' is not the ARN"),
        (("VisibilityTimeout: 60", "VisibilityTimeout: 5"), "VisibilityTimeout 5 is below the Timeout 10"),
        (('PayloadFormatVersion: "2.0"', 'PayloadFormatVersion: "1.0"'), "payload format 2.0 only"),
        (("Principal: apigateway.amazonaws.com", "Principal: s3.amazonaws.com"), "no AWS::Lambda::Permission"),
        (("StageName: $default", "StageName: live"), r"no stage called \$default"),
        (("MaximumRetryAttempts: 1", "DestinationConfig: {OnSuccess: {}}"), "does not know OnSuccess"),
        (("EventInvokeConfig:", "FileSystemConfigs:"), "does not know FileSystemConfigs"),
    ],
)
def test_wiring_that_could_not_be_delivered_is_an_error(edited, change, message):
    with pytest.raises(TemplateError, match=message):
        read_wiring(Template(edited(change), {}, identify))


def test_short_and_long_forms_read_the_same():
    assert read_yaml("a: !GetAtt X.Y.Z") == {"a": {"Fn::GetAtt": ["X", "Y.Z"]}}
    assert read_yaml("a: !Condition C") == {"a": {"Condition": "C"}}


def test_the_repositorys_own_template_is_understood():
    path = Path(__file__).parents[3] / "template.yaml"
    template = Template(path, {}, identify)
    for resource in template.resources():
        template.identity(resource.logical_id)
    wiring = read_wiring(template)
    assert {spec.code.is_dir() for spec in wiring.functions.values()} == {True}
    assert {route.key for route in wiring.routes} == {"ANY /github/webhook"}
    assert wiring.queues
    assert wiring.schedules
    assert wiring.rules
    for machine in template.resources(STATE_MACHINE):
        assert read_definition(template, machine)["StartAt"]
