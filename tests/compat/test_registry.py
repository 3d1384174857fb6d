"""The registry of compatibility holds: its tests exist, nothing of Prow is forgotten, the page is what it says."""

import ast
from collections import Counter
from functools import cache

import pytest
import yaml
from tests.compat import compatibility
from tests.compat.compatibility import (
    ACCEPTED,
    HERE,
    JOB_TYPES,
    NEEDED,
    PAGE,
    ROOT,
    coverage,
    fields,
    row_of,
    rows,
)

from prowless.domain.config import schema
from prowless.domain.config.build import _NOT_YET
from prowless.domain.config.decode import Struct
from prowless.domain.config.in_repo import PROW_YAML
from prowless.domain.config.plugins import KNOWN, PLUGINS_FILE, PROVIDED

ROWS = [pytest.param(row, id=f"{row.kinds[0]} {row.names[0]}") for row in rows()]

STRUCTS = {
    "presubmit": schema.PRESUBMIT,
    "postsubmit": schema.POSTSUBMIT,
    "periodic": schema.PERIODIC,
    "decoration_config": schema.DECORATION_CONFIG,
    "refs": schema.REFS,
    "pull": schema.PULL,
    "preset": schema.PRESET,
    "prow_yaml": PROW_YAML,
    "config": schema.PROW_CONFIG,
    "plugins": PLUGINS_FILE,
    "settings": schema.SETTINGS,
}
SHARED = [schema.DECORATION_CONFIG, schema.REFS, schema.PULL, schema.PRESET]
"""Structs that stand in many places and are listed once."""


def inner(kind):
    """The struct that a field's reader reads, found in what the reader closes over; None for plain values."""
    cells = [cell.cell_contents for cell in getattr(kind, "__closure__", None) or ()]
    return next((found for cell in cells if (found := cell if isinstance(cell, Struct) else inner(cell))), None)


def known(struct, prefix=""):
    """(field, whether it is marked as having no effect), down into nested structs."""
    for name, kind in struct.fields.items():
        yield prefix + name, name in struct.unused
        below = inner(kind)
        if below is not None and below not in SHARED and name not in struct.unused:
            yield from known(below, f"{prefix}{name}.")


@cache
def module(path):
    """(names of test functions, texts that may be ids) of a test file and of the cases beside it."""
    file = ROOT / "tests" / path
    tree = ast.parse(file.read_text())
    functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    ids = set()
    if file.name.startswith("test_") and (cases := file.with_name(f"{file.stem[5:]}.yaml")).exists():
        found = yaml.load(cases.read_text(), yaml.CSafeLoader)
        parts = found.values() if isinstance(found, dict) else [found]
        ids = {case["rule"] for part in parts for case in part}
    return functions, ids


def exists(test):
    path, _, name = test.partition("::")
    name, bracket, case = name.partition("[")
    if not (ROOT / "tests" / path).exists():
        return False
    functions, ids = module(path)
    return name.startswith("test_") and name in functions and (not bracket or case.removesuffix("]") in ids)


@pytest.mark.parametrize("row", ROWS)
def test_a_row_is_a_yes_with_tests_that_exist_or_a_no_with_its_reason(row):
    assert bool(row.tests) != bool(row.reason)
    assert [test for test in row.tests if not exists(test)] == []
    assert row.category in {*ACCEPTED, "other"}


def test_names_of_tests_that_do_not_exist_are_found():
    assert exists("compat/test_registry.py::test_names_of_tests_that_do_not_exist_are_found")
    assert not exists("compat/test_registry.py::test_of_nothing")
    assert not exists("compat/test_nothing.py::test_of_nothing")
    assert not exists("compat/test_triggers.py::test_an_event_starts_what_prow_would_start[a rule of nobody]")


def test_nothing_stands_twice():
    places = Counter((kind, name) for row in rows() for kind in row.kinds for name in row.names)
    assert [place for place, n in places.items() if n > 1] == []


@pytest.mark.parametrize("kind", fields())
def test_every_field_of_prows_has_one_row(kind):
    assert [name for name in fields()[kind] if len(row_of(kind, name)) != 1] == []


@pytest.mark.parametrize("kind", fields())
def test_the_registry_invents_no_field_of_prows(kind):
    ours = {name for name, _ in known(STRUCTS[kind])}
    names = {name.removesuffix(".*") for row in rows() if kind in row.kinds and not row.ours for name in row.names} - {
        "agent: jenkins",
        "a folder .prow/ wins over .prow.yaml",
    }
    assert names - {*fields()[kind], *ours} == set()


@pytest.mark.parametrize("kind", STRUCTS)
def test_a_field_that_is_read_has_an_effect_if_the_registry_says_so_and_else_is_warned_of(kind):
    wrong = []
    for name, unused in known(STRUCTS[kind]):
        if kind == "settings" and "." in name:
            continue
        (row,) = row_of(kind, name)
        refused = name.partition(".")[0] in _NOT_YET
        if (row.state == "no") is not (unused or refused):
            wrong.append((name, row.state, unused))
    assert wrong == []


def test_every_plugin_of_prows_has_a_row():
    assert {name: row_of("plugin", name)[0].state for name in KNOWN} == {
        name: "yes" if name in PROVIDED else "no" for name in KNOWN
    }


def test_every_field_that_was_counted_has_one_row():
    counted = [("presubmit" if kind == "job" else kind, name) for kind, name in compatibility.occurrences()]
    assert [(kind, name) for kind, name in counted if len(row_of(kind, name)) != 1] == []


@pytest.mark.parametrize("kinds", [None, JOB_TYPES], ids=["all", "jobs"])
def test_yes_covers_nearly_all_fields_that_public_configurations_have(kinds):
    found = coverage(kinds)
    assert found.share >= NEEDED, found.no


def test_the_page_is_what_the_registry_says():
    assert PAGE.read_text() == compatibility.page(), "run `make compatibility`"


def test_files_are_short_enough_to_read():
    assert [path.name for path in HERE.rglob("*.yaml") if len(path.read_text().splitlines()) >= 400] == []
