"""The cut description keeps what is referred to and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.contract.github_openapi.checked_client import DESCRIPTION
from tests.contract.github_openapi.prune import OPERATIONS, clean, pruned, references


def test_prose_and_examples_go_but_properties_of_those_names_stay() -> None:
    schema = {
        "type": "object",
        "description": "Words.",
        "example": {"summary": "x"},
        "properties": {"summary": {"type": "string", "description": "Words."}, "description": {"type": "string"}},
    }
    assert clean(schema) == {
        "type": "object",
        "properties": {"summary": {"type": "string"}, "description": {"type": "string"}},
    }


def test_a_nullable_enumeration_has_null() -> None:
    assert clean({"type": "string", "nullable": True, "enum": ["a"]})["enum"] == ["a", None]
    assert clean({"type": "string", "enum": ["a"]})["enum"] == ["a"]


def test_what_is_referred_to_is_kept_through_references() -> None:
    schemas: dict[str, Any] = {
        "outer": {"type": "array", "items": {"$ref": "#/components/schemas/inner"}},
        "inner": {"type": "object", "properties": {"again": {"$ref": "#/components/schemas/outer"}}},
        "unused": {"type": "string"},
    }
    answer = {
        "description": "Words.",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/outer"}}},
    }
    paths: dict[str, Any] = {"/unused": {"get": {}}}
    for operation in OPERATIONS:
        method, _, path = operation.partition(" ")
        paths.setdefault(path, {})[method] = {"responses": {"200": answer}}
    whole = {
        "openapi": "3.0.3",
        "info": {"title": "t", "version": "1", "license": {"name": "MIT"}},
        "servers": [{"url": "https://api.github.com"}],
        "paths": paths,
        "components": {"schemas": schemas},
    }
    cut = pruned(whole)
    assert set(cut["components"]["schemas"]) == {"outer", "inner"}
    assert "/unused" not in cut["paths"]
    del paths["/app"]
    with pytest.raises(KeyError):
        pruned(whole)


def test_the_committed_description_is_a_cut_one() -> None:
    committed = json.loads(DESCRIPTION.read_text())
    served = {f"{method} {path}" for path, methods in committed["paths"].items() for method in methods}
    assert served == set(OPERATIONS)
    assert all(name in committed["components"][kind] for kind, name in references(committed))
