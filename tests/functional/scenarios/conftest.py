"""Worlds for the scenarios. One at a time in a process: the embedded AWS allows no more."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from tests.functional.scenarios.world import World, presubmit, write_config

from prowless.adapters.github import transport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_CONFIG = ("presubmits", "postsubmits", "periodics", "clusters", "central", "trust", "plugins")


@contextmanager
def running(folder: Path, **given: Any) -> Iterator[World]:
    """A world with this configuration (one presubmit `unit` unless jobs are given) and these options of the stack."""
    config = {name: given.pop(name) for name in _CONFIG if name in given}
    if not any(name in config for name in ("presubmits", "postsubmits", "periodics")):
        config["presubmits"] = [presubmit()]
    with pytest.MonkeyPatch.context() as patch:
        # The pauses between an adapter's own repeats pass in real time.
        patch.setattr(transport, "FIRST_BACKOFF_MS", 1)
        world = World(write_config(folder / "config", **config), **given)
        try:
            yield world
        finally:
            world.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Starts the test's world."""
    opened = []

    def begin(**given: Any) -> World:
        assert not opened, "one world at a time"
        manager = running(tmp_path, **given)
        opened.append(manager)
        return manager.__enter__()

    yield begin
    for manager in opened:
        manager.__exit__(None, None, None)


@pytest.fixture
def world(start: Callable[..., World]) -> World:
    """A world with one presubmit, `unit`, that takes 4 seconds and succeeds."""
    return start()
