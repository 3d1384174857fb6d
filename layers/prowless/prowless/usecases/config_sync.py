"""config_sync: compile what the source repositories hold; publish it, or keep the last good one and say why."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from prowless.domain.config import snapshot as snapshots
from prowless.domain.config.compile import compile_sources
from prowless.domain.errors import ConfigError, ConflictError, ProwlessError
from prowless.usecases.config_sources import fingerprint, heads
from prowless.usecases.snapshots import publish, record_failure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from prowless.domain.config.snapshot import Snapshot
    from prowless.ports.clock import Clock
    from prowless.ports.github import GitHub
    from prowless.ports.stores import Objects
    from prowless.usecases.config_reading import ConfigReader
    from prowless.usecases.config_sources import ConfigRepository

log = logging.getLogger(__name__)


class SyncConfig:
    """Compiles what the source repositories hold now, and publishes it."""

    def __init__(
        self,
        *,
        repositories: Sequence[ConfigRepository],
        github: GitHub,
        objects: Objects,
        reader: ConfigReader,
        clock: Clock,
    ) -> None:
        """`reader` reads the repositories' files."""
        self._repositories = repositories
        self._github = github
        self._objects = objects
        self._reader = reader
        self._clock = clock

    def __call__(self, cause: str) -> dict[str, Any]:
        """What happened: `{"snapshot": hash, "changed": bool}`, or `{"problems": [...]}` with the last good one kept.

        Args:
            cause: what moved, for the log. The branches' present commits are read, so that a late or repeated message
                cannot bring back an older configuration.

        Raises:
            RetryableError: GitHub or S3 failed; calling again may help.
            PermanentError: GitHub refused; calling again helps when somebody has put that right.
            ConflictError: somebody else published meanwhile; calling again reads what is there then.
        """
        log.info("configuration sync", extra={"cause": cause})
        commits: dict[str, str] = {}
        try:
            # Before the commits: who publishes after this, having read newer ones, makes our own publication fail.
            _, pointer = self._objects.tagged(snapshots.POINTER)
            commits = heads(self._repositories, self._github)
            answer = self._publish(self._compiled(commits), commits, pointer)
        except ConfigError as exc:
            log.warning("configuration refused; the last good one stays", extra={"problems": exc.problems[:20]})
            record_failure(exc.problems, self._objects, commits, self._clock.now_ms())
            answer = {"problems": list(exc.problems)}
        except ConflictError:
            raise
        except ProwlessError as exc:
            record_failure([str(exc)], self._objects, commits, self._clock.now_ms(), retried=True)
            raise
        synced = snapshots.synced(commits, fingerprint(self._repositories))
        self._objects.put(snapshots.SYNCED, synced, "application/json")
        return answer

    def _compiled(self, commits: Mapping[str, str]) -> Snapshot:
        reading = self._reader.read(self._repositories, commits)
        return compile_sources(reading.sources, reading.problems)

    def _publish(self, snapshot: Snapshot, commits: Mapping[str, str], pointer: str) -> dict[str, Any]:
        changed = publish(snapshot, self._objects, commits, self._clock.now_ms(), over=pointer)
        return {"snapshot": snapshot.hash, "changed": changed, "warnings": list(snapshot.warnings[:100])}
