"""The safety net under config_sync: pushes that nobody told about, and a CONFIG_SOURCES that says something else."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from prowless.domain.config import snapshot as snapshots
from prowless.usecases.config_sources import fingerprint, heads

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prowless.ports.clock import Clock
    from prowless.ports.flow import ConfigQueue
    from prowless.ports.github import GitHub
    from prowless.ports.stores import Objects
    from prowless.usecases.config_sources import ConfigRepository

log = logging.getLogger(__name__)


class WatchSources:
    """Wakes config_sync if the sources are not what it last dealt with: one conditional call for each source.

    A configuration that was refused has been dealt with, and one that was pushed by hand stays until a source moves.
    """

    def __init__(
        self,
        *,
        repositories: Sequence[ConfigRepository],
        github: GitHub,
        objects: Objects,
        queue: ConfigQueue,
        clock: Clock,
    ) -> None:
        """`objects` is the state bucket."""
        self._repositories = repositories
        self._github = github
        self._objects = objects
        self._queue = queue
        self._clock = clock

    def __call__(self) -> bool:
        """Whether it was woken.

        Raises:
            ProwlessError: GitHub or AWS failed; the next look may succeed.
        """
        if not self._repositories:
            return False
        present = snapshots.synced(heads(self._repositories, self._github), fingerprint(self._repositories))
        if self._objects.get(snapshots.SYNCED) == present:
            return False
        log.warning("the configuration's sources are not what was last read from them")
        self._queue.sync(f"sweep {self._clock.now_ms()}")
        return True
