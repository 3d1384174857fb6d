import json

import pytest

from prowless.domain.config import snapshot
from prowless.domain.config.central import CentralConfig
from prowless.domain.config.jobs import Periodic, Presubmit, RepositoryConfig
from prowless.domain.errors import ConfigError, ConflictError
from prowless.domain.trust import TrustOptions
from prowless.usecases.snapshots import SnapshotConfig, publish, record_failure
from tests.fakes.clock import FixedClock
from tests.fakes.stores import MemoryObjects


class CountingObjects(MemoryObjects):
    def __init__(self):
        super().__init__()
        self.reads = []

    def get(self, key):
        self.reads.append(key)
        return super().get(key)


def built(job="unit", **central):
    return snapshot.build(
        CentralConfig(trust={"acme": TrustOptions(only_org_members=True)}, **central),
        [Periodic(name="nightly", cron="@daily")],
        [RepositoryConfig(repository="acme/app", presubmits=(Presubmit(name=job),))],
        ["config.yaml:1: a warning"],
    )


def test_what_is_published_is_read_back():
    objects, clock = MemoryObjects(), FixedClock()
    made = built(plank_max_concurrency=5)
    assert publish(made, objects, {"acme/config@main": "a" * 40}, 77)
    config = SnapshotConfig(objects, clock)
    assert config.snapshot() == made.hash
    assert config.central().plank_max_concurrency == 5
    assert [job.name for job in config.periodics()] == ["nightly"]
    assert [job.name for job in config.repository("acme/app").presubmits] == ["unit"]


def test_the_pointer_says_what_is_current_and_where_it_came_from():
    objects = MemoryObjects()
    made = built()
    publish(made, objects, {"acme/config@main": "a" * 40}, 77)
    assert objects.json("config/current.json") == {
        "snapshot": made.hash,
        "schema": snapshot.SCHEMA,
        "sources": {"acme/config@main": "a" * 40},
        "published_at": 77,
        "jobs": 2,
        "notes": 0,
        "warnings": ["config.yaml:1: a warning"],
    }
    assert objects.json("config/last_error.json")["problems"] == []
    assert f"config/snapshots/{made.hash}/repos/acme/app.json" in objects.keys("config/")


def test_the_pointer_is_written_after_everything_it_points_to():
    class Recording(MemoryObjects):
        puts: list[str]

        def put(self, key, data, content_type, **conditions):
            self.puts = [*getattr(self, "puts", []), key]
            return super().put(key, data, content_type, **conditions)

    objects = Recording()
    publish(built(), objects, {}, 1)
    assert objects.puts[-3:] == ["config/current.json", "config/warnings.json", "config/last_error.json"]
    assert len(objects.puts) == 6


def test_who_was_overtaken_does_not_publish():
    objects, clock = MemoryObjects(), FixedClock()
    publish(built("first"), objects, {}, 1, over="")
    _, tag = objects.tagged("config/current.json")
    publish(built("second"), objects, {}, 2, over=tag)
    for late in ("", tag):
        with pytest.raises(ConflictError):
            publish(built("late"), objects, {}, 3, over=late)
    assert [job.name for job in SnapshotConfig(objects, clock).repository("acme/app").presubmits] == ["second"]


def test_all_warnings_are_kept_beside_the_pointer_that_has_the_first():
    objects = MemoryObjects()
    warnings = [f"config.yaml:{line}: odd" for line in range(300)]
    publish(snapshot.build(CentralConfig(), [], [], warnings), objects, {}, 1)
    assert objects.json("config/warnings.json")["warnings"] == warnings
    assert objects.json("config/current.json")["warnings"] == warnings[:200]


def test_publishing_the_same_again_changes_nothing():
    objects = MemoryObjects()
    assert publish(built(), objects, {}, 1)
    assert not publish(built(), objects, {}, 2)


def test_a_failure_keeps_the_last_good_configuration_and_says_why():
    objects, clock = MemoryObjects(), FixedClock()
    publish(built(), objects, {}, 1)
    record_failure(["config.yaml:3: no"], objects, {"acme/config@main": "b" * 40}, 99)
    assert [job.name for job in SnapshotConfig(objects, clock).repository("acme/app").presubmits] == ["unit"]
    error = objects.json("config/last_error.json")
    sources = {"acme/config@main": "b" * 40}
    assert error == {"problems": ["config.yaml:3: no"], "sources": sources, "at": 99, "retried": False}


def test_a_new_snapshot_is_seen_at_once_by_who_asks_and_soon_by_others():
    objects, clock = MemoryObjects(), FixedClock()
    publish(built("old"), objects, {}, 1)
    config = SnapshotConfig(objects, clock)
    assert config.repository("acme/app").presubmits[0].name == "old"
    publish(built("new"), objects, {}, 2)
    assert config.repository("acme/app").presubmits[0].name == "old"
    clock.advance(5_001)
    assert config.repository("acme/app").presubmits[0].name == "new"
    publish(built("newest"), objects, {}, 3)
    config.snapshot()
    assert config.repository("acme/app").presubmits[0].name == "newest"


def test_a_shard_is_read_once_per_snapshot():
    objects, clock = CountingObjects(), FixedClock()
    publish(built(), objects, {}, 1)
    config = SnapshotConfig(objects, clock)
    objects.reads.clear()
    for _ in range(3):
        config.repository("acme/app")
        config.repository("acme/none")
        clock.advance(6_000)
    shards = [key for key in objects.reads if key.endswith("/repos/acme/app.json")]
    assert len(shards) == 1


def test_a_repository_without_a_shard_has_no_jobs_but_its_organisations_trust():
    objects, clock = MemoryObjects(), FixedClock()
    publish(built(), objects, {}, 1)
    found = SnapshotConfig(objects, clock).repository("acme/lib")
    assert (found.presubmits, found.trust.only_org_members) == ((), True)


def test_before_anything_is_published_there_are_prows_defaults():
    config = SnapshotConfig(MemoryObjects(), FixedClock())
    assert config.snapshot() == ""
    assert config.central() == CentralConfig()
    assert config.periodics() == ()
    assert config.repository("acme/app") == RepositoryConfig(repository="acme/app")


def test_a_newer_releases_snapshot_is_refused():
    objects = MemoryObjects()
    pointer = {"snapshot": "x", "schema": snapshot.SCHEMA + 1}
    objects.put("config/current.json", json.dumps(pointer).encode(), "application/json")
    with pytest.raises(ConfigError, match="newer release"):
        SnapshotConfig(objects, FixedClock()).central()


def test_the_cache_is_bounded():
    objects, clock = CountingObjects(), FixedClock()
    publish(built(), objects, {}, 1)
    config = SnapshotConfig(objects, clock)
    config.repository("acme/app")
    for n in range(500):
        config.repository(f"acme/r{n}")
    objects.reads.clear()
    config.repository("acme/app")
    assert len([key for key in objects.reads if key.endswith("app.json")]) == 1
