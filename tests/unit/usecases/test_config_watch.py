"""The sources are compared with what was last read from them."""

import pytest

from prowless.adapters.config_files import parse_document
from prowless.adapters.prowignore import ignore_rules
from prowless.domain.errors import RetryableError
from prowless.usecases.config_reading import ConfigReader
from prowless.usecases.config_sources import ConfigRepository
from prowless.usecases.config_sync import SyncConfig
from prowless.usecases.config_watch import WatchSources
from tests.fakes.clock import FixedClock
from tests.fakes.flow import MemoryConfigQueue
from tests.fakes.github import MemoryGitHub
from tests.fakes.stores import MemoryObjects

CONFIG = "acme/config"
SOURCE = ConfigRepository(repository=CONFIG, ref="main", config="config.yaml")
OTHER = ConfigRepository(repository=CONFIG, ref="main", config="config.yaml", jobs=("jobs/*",))


class World:
    def __init__(self):
        self.github = MemoryGitHub()
        self.github.create_repository(CONFIG, {"config.yaml": "{}"})
        self.objects = MemoryObjects()
        self.clock = FixedClock()
        self.queue = MemoryConfigQueue(self.clock)

    def sync(self, *sources):
        reader = ConfigReader(github=self.github, parse=parse_document, ignore_rules=ignore_rules, clock=self.clock)
        return SyncConfig(
            repositories=sources or (SOURCE,),
            github=self.github,
            objects=self.objects,
            reader=reader,
            clock=self.clock,
        )("test")

    def watch(self, *sources):
        self.clock.advance(300_000)
        return WatchSources(
            repositories=sources, github=self.github, objects=self.objects, queue=self.queue, clock=self.clock
        )()


@pytest.fixture
def world():
    return World()


def test_what_was_never_read_is_synced(world):
    assert world.watch(SOURCE)
    assert [message.body["sync"] for message in world.queue.messages.sent] == [f"sweep {world.clock.now}"]


def test_what_was_read_is_left_alone_until_it_moves(world):
    world.sync()
    assert not world.watch(SOURCE)
    world.github.commit(CONFIG, {"config.yaml": "{plank: {}}"})
    assert world.watch(SOURCE)
    assert world.watch(SOURCE)
    assert len(world.queue.messages.sent) == 2


def test_a_configuration_that_was_refused_is_not_compiled_again_and_again(world):
    world.github.commit(CONFIG, {"config.yaml": "["})
    assert "problems" in world.sync()
    assert not world.watch(SOURCE)


def test_one_that_could_not_be_read_is(world):
    world.github.fail("contents", RetryableError("502"))
    with pytest.raises(RetryableError):
        world.sync()
    assert world.watch(SOURCE)


def test_other_config_sources_are_read_without_a_push(world):
    world.sync()
    assert world.watch(OTHER)


def test_looking_costs_one_call_for_each_source(world):
    world.sync()
    before = len(world.github.calls)
    world.watch(SOURCE)
    assert [name for name, _ in world.github.calls[before:]] == ["ref"]


def test_without_sources_nobody_is_asked(world):
    assert not world.watch()
    assert world.github.calls == []
