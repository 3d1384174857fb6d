"""Reads `template.yaml`: parameters, conditions, Globals and intrinsic functions, resolved to plain values.

Only what the local stack understands is accepted; anything else is a `TemplateError` that names the resource and the
path, because what is skipped here would work locally and fail in AWS, or the reverse.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

ACCOUNT = "123456789012"  # moto's default account
REGION = "us-east-1"
STACK = "prowless"

PSEUDO_PARAMETERS = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{STACK}/00000000-0000-0000-0000-000000000000",
    "AWS::StackName": STACK,
    "AWS::URLSuffix": "amazonaws.com",
}

_SECTIONS = {
    *("AWSTemplateFormatVersion", "Transform", "Description", "Metadata", "Parameters", "Conditions"),
    *("Globals", "Resources", "Outputs"),
}
_RESOURCE_KEYS = {
    *("Type", "Properties", "Condition", "DependsOn", "Metadata", "DeletionPolicy", "UpdateReplacePolicy"),
    "Connectors",
}
_REMOVED = object()  # AWS::NoValue
_GLOBALS_FOR = {"AWS::Serverless::Function": "Function", "AWS::Serverless::StateMachine": "StateMachine"}


class TemplateError(ValueError):
    """The template says something that the local stack cannot follow; the message starts with where."""


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # the C loader where it is built
    """YAML with CloudFormation's tags; dates stay strings, as they do in CloudFormation."""

    yaml_implicit_resolvers = {  # noqa: RUF012 PyYAML's own way to configure a loader
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def _construct_tag(loader: yaml.SafeLoader, name: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)  # type: ignore[arg-type]  # scalar and sequence are handled
    if name == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {name if name in {"Ref", "Condition"} else f"Fn::{name}": value}


_Loader.add_multi_constructor("!", _construct_tag)


def read_yaml(text: str) -> Any:
    """A YAML document with CloudFormation's tags as their long forms (`!Ref x` as `{"Ref": "x"}`)."""
    return yaml.load(text, Loader=_Loader)  # noqa: S506 derived from SafeLoader


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What other resources can ask of one: the value of `!Ref`, and those of `!GetAtt` by attribute."""

    ref: str
    attributes: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A resource that exists under the given parameters. `properties` are resolved, with Globals merged in."""

    logical_id: str
    type: str
    properties: Mapping[str, Any]


class Template:
    """A template with its parameters chosen.

    Args:
        path: the template's file.
        parameters: values for its parameters; the others take their default.
        identify: says what a resource is called once it exists, from its type, logical id and resolved properties.
    """

    def __init__(
        self,
        path: Path,
        parameters: Mapping[str, str],
        identify: Callable[[Resource], Identity],
    ) -> None:
        self.path = path
        document = read_yaml(path.read_text(encoding="utf-8"))
        if not isinstance(document, dict) or not isinstance(document.get("Resources"), dict):
            raise TemplateError(f"{path}: not a template: it has no Resources")
        if unknown := document.keys() - _SECTIONS:
            raise TemplateError(f"{path}: sections the local stack does not know: {', '.join(sorted(unknown))}")
        self._identify = identify
        self._conditions: dict[str, Any] = document.get("Conditions") or {}
        self._globals: dict[str, Any] = document.get("Globals") or {}
        self._resources: dict[str, Any] = document["Resources"]
        self._identities: dict[str, Identity] = {}
        self._resolved: dict[str, Resource] = {}
        self._resolving: list[str] = []
        self.parameters = _choose(document.get("Parameters") or {}, parameters)
        for section in self._globals.keys() - set(_GLOBALS_FOR.values()):
            raise TemplateError(f"Globals.{section}: the local stack does not know this section")

    @property
    def logical_ids(self) -> list[str]:
        """The resources that exist under the given parameters, in the template's order."""
        return [logical_id for logical_id in self._resources if self._exists(logical_id)]

    def resources(self, *types: str) -> list[Resource]:
        """The existing resources of these types, in the template's order; all of them if no type is given."""
        chosen = [i for i in self.logical_ids if not types or self._resources[i].get("Type") in types]
        return [self.resource(logical_id) for logical_id in chosen]

    def resource(self, logical_id: str) -> Resource:
        """One resource, resolved.

        Raises:
            TemplateError: there is none, or it cannot be resolved.
        """
        if logical_id not in self._resolved:
            where = f"Resources.{logical_id}"
            if not self._exists(logical_id):
                raise TemplateError(f"{where}: not in the template, or its condition is false")
            if logical_id in self._resolving:
                raise TemplateError(f"{where}: depends on itself: {' -> '.join([*self._resolving, logical_id])}")
            raw = self._resources[logical_id]
            if unknown := raw.keys() - _RESOURCE_KEYS:
                raise TemplateError(f"{where}: keys the local stack does not know: {', '.join(sorted(unknown))}")
            properties = _merge(self._globals.get(_GLOBALS_FOR.get(raw["Type"], ""), {}), raw.get("Properties") or {})
            self._resolving.append(logical_id)
            try:
                resolved = self.resolve(properties, f"{where}.Properties")
            finally:
                self._resolving.pop()
            self._resolved[logical_id] = Resource(logical_id=logical_id, type=raw["Type"], properties=resolved)
        return self._resolved[logical_id]

    def identity(self, logical_id: str) -> Identity:
        """What `!Ref` and `!GetAtt` of a resource give."""
        if logical_id not in self._identities:
            self._identities[logical_id] = self._identify(self.resource(logical_id))
        return self._identities[logical_id]

    def learn(self, logical_id: str, identity: Identity) -> None:
        """Use this identity for a resource whose name only its creation tells; before anybody refers to it."""
        self._identities[logical_id] = identity

    def condition(self, name: str, path: str = "Conditions") -> bool:
        """The value of a named condition."""
        if name not in self._conditions:
            raise TemplateError(f"{path}: no condition is called {name}")
        return self._truth(self._conditions[name], f"Conditions.{name}")

    def resolve(self, value: Any, path: str) -> Any:
        """A value with every intrinsic function in it carried out."""
        if isinstance(value, list):
            items = [self.resolve(item, f"{path}[{index}]") for index, item in enumerate(value)]
            return [item for item in items if item is not _REMOVED]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            name, argument = next(iter(value.items()))
            if name == "Ref" or name.startswith("Fn::"):
                return self._call(name, argument, path)
        members = {key: self.resolve(item, f"{path}.{key}") for key, item in value.items()}
        return {key: item for key, item in members.items() if item is not _REMOVED}

    def _exists(self, logical_id: str) -> bool:
        raw = self._resources.get(logical_id)
        if raw is None:
            return False
        if not isinstance(raw, dict) or not isinstance(raw.get("Type"), str):
            raise TemplateError(f"Resources.{logical_id}: has no Type")
        return "Condition" not in raw or self.condition(raw["Condition"], f"Resources.{logical_id}.Condition")

    def _call(self, name: str, argument: Any, path: str) -> Any:
        value: Any
        match name, argument:
            case "Ref", str():
                value = self._reference(argument, path)
            case "Fn::GetAtt", [str() as logical_id, str() as attribute]:
                value = self._attribute(logical_id, attribute, path)
            case "Fn::Sub", str():
                value = self._substitute(argument, {}, path)
            case "Fn::Sub", [str() as text, dict() as variables]:
                value = self._substitute(text, self.resolve(variables, path), path)
            case "Fn::Join", [str() as separator, parts]:
                value = separator.join(str(part) for part in self.resolve(parts, path))
            case "Fn::Split", [str() as separator, text]:
                value = str(self.resolve(text, path)).split(separator)
            case "Fn::Select", [index, items]:
                value = self._select(index, items, path)
            case "Fn::If", [str() as condition, yes, no]:
                value = self.resolve(yes if self.condition(condition, path) else no, path)
            case _:
                raise TemplateError(f"{path}: {name} of {argument!r}: the local stack does not know that")
        return value

    def _reference(self, name: str, path: str) -> Any:
        if name == "AWS::NoValue":
            return _REMOVED
        if name in PSEUDO_PARAMETERS:
            return PSEUDO_PARAMETERS[name]
        if name in self.parameters:
            return self.parameters[name]
        self._require(name, path)
        return self.identity(name).ref

    def _attribute(self, logical_id: str, attribute: str, path: str) -> str:
        if logical_id not in self._resources and logical_id.endswith("Role"):  # SAM makes one for each of these
            owner = logical_id.removesuffix("Role")
            if self._resources.get(owner, {}).get("Type") in _GLOBALS_FOR and attribute == "Arn":
                return f"arn:aws:iam::{ACCOUNT}:role/{STACK}-{logical_id}"
        self._require(logical_id, path)
        attributes = self.identity(logical_id).attributes
        if attribute not in attributes:
            kind = self._resources[logical_id]["Type"]
            raise TemplateError(
                f"{path}: attribute {attribute} of {logical_id} ({kind}) is not known to the local stack"
            )
        return attributes[attribute]

    def _require(self, logical_id: str, path: str) -> None:
        if not self._exists(logical_id):
            raise TemplateError(f"{path}: refers to {logical_id}, which does not exist or whose condition is false")

    def _substitute(self, text: str, variables: Mapping[str, Any], path: str) -> str:
        def replace(match: re.Match[str]) -> str:
            name = match[1]
            if name.startswith("!"):
                return "${" + name[1:] + "}"
            if name in variables:
                return str(variables[name])
            if "." in name and name not in self.parameters:
                logical_id, attribute = name.split(".", 1)
                return self._attribute(logical_id, attribute, path)
            return str(self._reference(name, path))

        return re.sub(r"\$\{([^}]+)\}", replace, text)

    def _select(self, index: Any, items: Any, path: str) -> Any:
        chosen = self.resolve(items, path)
        number = int(self.resolve(index, path))
        if not isinstance(chosen, list) or not 0 <= number < len(chosen):
            raise TemplateError(f"{path}: Fn::Select {number} of {chosen!r}")
        return chosen[number]

    def _truth(self, value: Any, path: str) -> bool:
        if isinstance(value, dict) and len(value) == 1:
            match next(iter(value.items())):
                case "Fn::Equals", [left, right]:
                    return _text(self.resolve(left, path)) == _text(self.resolve(right, path))
                case "Fn::Not", [inner]:
                    return not self._truth(inner, path)
                case "Fn::And", list() as parts:
                    return all(self._truth(part, path) for part in parts)
                case "Fn::Or", list() as parts:
                    return any(self._truth(part, path) for part in parts)
                case "Condition", str() as name:
                    return self.condition(name, path)
        raise TemplateError(f"{path}: {value!r} is not a condition that the local stack knows")


def _choose(declared: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, Any]:
    """The parameters' values; all that is wrong with them in one error."""
    problems = [
        f"Parameters.{name}: the template declares no such parameter" for name in given.keys() - declared.keys()
    ]
    chosen: dict[str, Any] = {}
    for name, declaration in declared.items():
        value = given.get(name, declaration.get("Default"))
        if value is None:
            problems.append(f"Parameters.{name}: has no default, so a value must be given")
            continue
        text = _text(value)
        problems += [f"Parameters.{name}: {problem}" for problem in _objections(declaration, text)]
        chosen[name] = text.split(",") if "List<" in declaration["Type"] or "CommaDel" in declaration["Type"] else text
        if chosen[name] == [""]:
            chosen[name] = []
    if problems:
        raise TemplateError("\n".join(sorted(problems)))
    return chosen


def _objections(declaration: Mapping[str, Any], text: str) -> list[str]:
    """What the declaration of a parameter has against a value."""
    found = []
    allowed = [_text(value) for value in declaration.get("AllowedValues", [])]
    if allowed and text not in allowed:
        found.append(f"{text!r} is none of {', '.join(map(repr, allowed))}")
    pattern = declaration.get("AllowedPattern")
    if pattern is not None and re.fullmatch(pattern, text) is None:
        hint = declaration.get("ConstraintDescription", "")
        found.append(f"{text!r} does not match {pattern}{': ' if hint else ''}{hint}")
    if declaration.get("Type") == "Number" and re.fullmatch(r"-?\d+(\.\d+)?", text) is None:
        found.append(f"{text!r} is not a number")
        return found
    size = float(text) if declaration.get("Type") == "Number" else len(text)
    limits = ("MinValue", "MaxValue") if declaration.get("Type") == "Number" else ("MinLength", "MaxLength")
    if limits[0] in declaration and size < float(declaration[limits[0]]):
        found.append(f"{text!r} is below {limits[0]} {declaration[limits[0]]}")
    if limits[1] in declaration and size > float(declaration[limits[1]]):
        found.append(f"{text!r} is above {limits[1]} {declaration[limits[1]]}")
    return found


def _text(value: Any) -> str:
    """A scalar as CloudFormation writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _merge(shared: Any, own: Any) -> Any:
    """SAM's Globals under a resource's own properties: maps are merged, lists are joined, the rest is replaced."""
    if isinstance(shared, dict) and isinstance(own, dict):
        if any(key.startswith(("Fn::", "Ref")) for key in (*shared, *own)):
            return own
        return {**shared, **{key: _merge(shared[key], own[key]) if key in shared else own[key] for key in own}}
    if isinstance(shared, list) and isinstance(own, list):
        return [*shared, *own]
    return own
