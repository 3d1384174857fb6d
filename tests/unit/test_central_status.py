"""`prowless config status`: what is in force and whether the last attempt failed."""

from prowless.domain.config import snapshot
from prowless.domain.config.central import CentralConfig
from prowless.usecases.snapshots import publish, record_failure
from prowless_local.central import CentralStatus
from tests.fakes.stores import MemoryObjects

AT = 1_795_000_000_000
HOUR = 3_600_000
SOURCES = {"acme/config@main": "a" * 40}


def published(warnings=(), objects=None):
    objects = objects or MemoryObjects()
    publish(snapshot.build(CentralConfig(), [], [], warnings), objects, SOURCES, AT)
    return objects


def test_what_is_in_force_is_told_with_its_age_sources_and_warnings():
    warnings = [f"config.yaml:{line}: odd" for line in range(300)]
    found = CentralStatus.read(published(warnings), AT + 3 * HOUR)
    assert not found.failed
    lines = list(found.lines())
    assert lines[0].startswith(f"snapshot      {found.snapshot}, published 2026-11-18 ")
    assert lines[0].endswith(" UTC (3 hours ago)")
    assert lines[1] == f"  from        acme/config@main {'a' * 40}"
    assert lines[2].startswith("last attempt  took effect, ")
    assert lines[3] == "warnings      300"
    assert lines[-1] == "  config.yaml:299: odd"
    data = found.to_dict()
    assert (data["failed"], data["age_seconds"], data["sources"]) == (False, 3 * 3600, SOURCES)
    assert data["last_attempt"]["problems"] == []


def test_a_refused_attempt_is_told_with_its_problems_and_sources():
    objects = published()
    record_failure(["jobs/a.yaml:3: bad\x1b[31m"], objects, {"acme/config@main": "b" * 40}, AT + HOUR)
    found = CentralStatus.read(objects, AT + HOUR + 61_000)
    assert found.failed
    text = "\n".join(found.lines())
    assert "last attempt  refused, " in text
    assert "(1 minute ago)" in text
    assert f"acme/config@main {'b' * 40}" in text
    assert "  jobs/a.yaml:3: bad\ufffd[31m" in text
    assert found.to_dict()["last_attempt"]["sources"] == {"acme/config@main": "b" * 40}


def test_an_attempt_that_is_made_again_is_told_apart():
    objects = published()
    record_failure(["GitHub: 502"], objects, {}, AT, retried=True)
    found = CentralStatus.read(objects, AT)
    assert found.failed
    assert "last attempt  could not be read, is tried again, " in "\n".join(found.lines())


def test_before_anything_is_published_the_status_says_so():
    found = CentralStatus.read(MemoryObjects(), AT)
    assert (found.failed, found.to_dict()["age_seconds"]) == (True, None)
    assert list(found.lines()) == ["snapshot      none: nothing was ever published", "warnings      0"]


def test_warnings_of_another_snapshot_are_not_taken_for_those_of_this_one():
    objects = published(["config.yaml:1: mine"])
    objects.put(snapshot.WARNINGS, b'{"snapshot": "other", "warnings": ["not mine"]}', "application/json")
    assert CentralStatus.read(objects, AT).warnings == ["config.yaml:1: mine"]
