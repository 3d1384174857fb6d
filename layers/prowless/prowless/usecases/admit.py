"""admit: the only writer of counters; one FIFO group makes it one at a time."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from prowless.domain.admission import Limits, admissible
from prowless.domain.errors import ProwlessError, RetryableError
from prowless.domain.prowjob import Phase, ProwJob

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from prowless.ports.clock import Clock
    from prowless.ports.config import ConfigSource
    from prowless.ports.stores import Control
    from prowless.usecases.finish import FinishRuns
    from prowless.usecases.runs import Runs

log = logging.getLogger(__name__)

_PAGE = 1000
_RELEASE_TRIES = 5


class AdmitRuns:
    """Lets runs go and lets waiting ones in."""

    def __init__(self, *, runs: Runs, control: Control, config: ConfigSource, finish: FinishRuns, clock: Clock) -> None:
        """`finish` starts executions, and deals with those that are closed already."""
        self._runs = runs
        self._control = control
        self._config = config
        self._finish = finish
        self._clock = clock

    def __call__(self, messages: Iterable[Mapping[str, Any]]) -> None:
        """Handle a batch: each message is `{"release": id}` or `{"wake": reason}`; repeating one is harmless.

        A message that is neither is logged and dropped: repeating it would hold up everyone. One that fails does not
        keep the rest of its batch from being done, for the queue counts its receives against all of them.

        Raises:
            ProwlessError: the first failure, after everything else was done.
        """
        named: dict[str, ProwJob] = {}
        failures: list[ProwlessError] = []
        for message in messages:
            try:
                if job := self._heard(message):
                    named[job.id] = job
            except ProwlessError as error:
                log.warning("admit message failed: %s", error, extra={"admit_message": str(message)[:200]})
                failures.append(error)
        self._admit(named)
        if failures:
            raise failures[0]

    def _heard(self, message: Mapping[str, Any]) -> ProwJob | None:
        """Let go of the run that a message names, or find the one it wakes; its row now, as its cluster has room."""
        if release := message.get("release"):
            self._release(str(release))
            return self._runs.prowjobs.get(str(release))
        if wake := message.get("wake"):
            return self._runs.prowjobs.get(str(wake).partition(":")[2])
        log.error("admit message has neither wake nor release", extra={"admit_message": str(message)[:200]})
        return None

    def _release(self, prowjob: str) -> None:
        for _ in range(_RELEASE_TRIES):
            job = self._runs.prowjobs.get(prowjob)
            if job is None or job.phase is Phase.RELEASED:
                log.info("nothing to release", extra={"prowjob": prowjob})
                return
            after = replace(
                job,
                phase=Phase.RELEASED,
                held=(),
                token="",
                completed_at=job.completed_at or self._clock.now_ms(),
                version=job.version + 1,
            )
            if self._control.release(job, after):
                log.info("run released", extra={"prowjob": prowjob, "held": list(job.held)})
                return
        raise RetryableError(
            f"ProwJob {prowjob} could not be released: its row changed {_RELEASE_TRIES} times meanwhile"
        )

    def _admit(self, named: Mapping[str, ProwJob]) -> None:
        central = self._config.central()
        limits = Limits(
            total=central.plank_max_concurrency,
            queues=central.job_queue_capacities,
            clusters={alias: cluster.max_concurrency for alias, cluster in central.clusters.items()},
        )
        for cluster in sorted({job.cluster for job in named.values()} | set(central.clusters)):
            # Admitted by an earlier invocation that ended before it had started them all.
            for job in self._runs.prowjobs.active(cluster, Phase.ADMITTED, _PAGE):
                self._start(job)
            waiting = self._waiting(cluster, named)
            if not waiting:
                continue
            wanted = {key for job in waiting for key in limits.of(job)}
            used = self._control.counters(sorted(wanted)) if wanted else {}
            for job, held in admissible(waiting, limits, used):
                self._let_in(job, held)

    def _waiting(self, cluster: str, named: Mapping[str, ProwJob]) -> list[ProwJob]:
        """The cluster's waiting runs, oldest first. The index may lag behind a row that the message names."""
        found = {job.id: job for job in self._runs.prowjobs.active(cluster, Phase.WAITING, _PAGE)}
        for job in named.values():
            if job.cluster == cluster and job.phase is Phase.WAITING:
                found.setdefault(job.id, job)
        return sorted(found.values(), key=ProwJob.active_order)

    def _let_in(self, job: ProwJob, held: Mapping[str, int]) -> None:
        after = replace(
            job,
            phase=Phase.ADMITTED,
            held=tuple(sorted(held)),
            admitted_at=self._clock.now_ms(),
            version=job.version + 1,
        )
        # A lost race (an abort came between) leaves the run waiting; whoever changed it sends a wake of its own.
        if self._control.admit(job, after, held):
            log.info("run admitted", extra={"prowjob": job.id, "job": job.job, "held": list(after.held)})
            self._start(after)

    def _start(self, job: ProwJob) -> None:
        try:
            self._finish.begin(job.id)
        except ProwlessError as error:
            # It stays admitted, and the next message or sweep tries again: one run must not hold up all others.
            log.error("run not started: %s", error, extra={"prowjob": job.id})  # noqa: TRY400  the cause is in the text
