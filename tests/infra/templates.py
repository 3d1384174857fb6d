"""template.yaml and the state machine as plain data, intrinsic functions in their long form."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
MACHINE_NAME = "${AWS::StackName}-prowjob"

Data = dict[str, Any]


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms."""


def _long_form(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Data:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _long_form)


@cache
def template() -> Data:
    return yaml.load((ROOT / "template.yaml").read_text(), Loader=_Loader)  # noqa: S506 it is a SafeLoader


@cache
def machine() -> Data:
    return yaml.safe_load((ROOT / "statemachines/prowjob.asl.yaml").read_text())


def resources(kind: str) -> dict[str, Data]:
    """Properties of the resources of one type."""
    return {name: value["Properties"] for name, value in template()["Resources"].items() if value["Type"] == kind}


def functions() -> dict[str, Data]:
    """Properties of each function, by the name of its folder."""
    return {
        properties["CodeUri"].split("/")[1]: properties
        for properties in resources("AWS::Serverless::Function").values()
    }


def variables(function: Data) -> Data:
    return function["Environment"]["Variables"]


def statements(role: Data) -> list[Data]:
    """Every statement of a role's own policies, those included that stand there under a condition."""
    found = [entry for policy in role["Policies"] for entry in policy["PolicyDocument"]["Statement"]]
    return [entry["Fn::If"][1] if "Fn::If" in entry else entry for entry in found]


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def role_of(function: Data) -> str:
    return function["Role"]["Fn::GetAtt"][0]


def strings(value: Any) -> list[str]:
    """All texts in a piece of the template."""
    if isinstance(value, dict):
        return [text for inner in value.values() for text in strings(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in strings(inner)]
    return [value] if isinstance(value, str) else []
