"""A run's row and files, and the ways it begins and is asked to end."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from prowless.domain import identity
from prowless.domain.errors import NotFoundError
from prowless.domain.prowjob import FINAL_STATES, Phase, ProwJob, ProwJobSpec, State, header
from prowless.domain.refs import JobType
from prowless.domain.status import REPORTER, github_state

if TYPE_CHECKING:
    from collections.abc import Collection

    from prowless.domain.identity import Cause
    from prowless.ports.clock import Clock
    from prowless.ports.flow import AdmitQueue, Starter
    from prowless.ports.stores import Control, Objects, ProwJobs

log = logging.getLogger(__name__)

_CLAIM_SECONDS = 30 * 24 * 3600


class Runs:
    """Reads and keeps what belongs to one run."""

    def __init__(self, prowjobs: ProwJobs, state: Objects) -> None:
        """`state` is the state bucket."""
        self.prowjobs = prowjobs
        self._state = state

    def job(self, prowjob: str) -> ProwJob:
        """The header row.

        Raises:
            NotFoundError: nobody ever started such a run.
        """
        job = self.prowjobs.get(prowjob)
        if job is None:
            raise NotFoundError(f"there is no ProwJob {prowjob}; it may have expired from the table")
        return job

    def spec(self, job: ProwJob) -> ProwJobSpec:
        """The resolved spec that the row was made of."""
        return ProwJobSpec.from_dict(self._read(_spec_key(job.id, job.spec_digest)))

    def keep_spec(self, prowjob: str, spec: ProwJobSpec) -> None:
        """Store the spec beside those of other tries of the same start; the row names the one that counts.

        Two tries may have met different heads: what the row says and what runs must not come from two of them.
        """
        self._write(_spec_key(prowjob, spec.digest()), spec.to_dict(), only_if_absent=True)

    def manifest(self, prowjob: str) -> dict[str, Any]:
        """What prepare rendered."""
        return self._read(f"manifests/{prowjob}.json")

    def keep_manifest(self, prowjob: str, manifest: dict[str, Any]) -> None:
        """Store what is to be submitted."""
        self._write(f"manifests/{prowjob}.json", manifest)

    def keep_nodes(self, prowjob: str, nodes: list[dict[str, Any]]) -> None:
        """Store the tree of steps for whoever shows it."""
        self._write(f"runs/{prowjob}/nodes.json", {"nodes": nodes})

    def _read(self, key: str) -> dict[str, Any]:
        data = self._state.get(key)
        if data is None:
            raise NotFoundError(f"the state bucket has no {key}; its lifecycle may have removed it")
        value: dict[str, Any] = json.loads(data)
        return value

    def _write(self, key: str, value: dict[str, Any], *, only_if_absent: bool = False) -> None:
        data = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
        self._state.put(key, data, "application/json", only_if_absent=only_if_absent)


def _spec_key(prowjob: str, digest: str) -> str:
    return f"runs/{prowjob}/spec.{digest}.json" if digest else f"runs/{prowjob}/spec.json"


class AbortRuns:
    """Asks runs to end; the execution does the work, so the answer is quick."""

    def __init__(self, *, prowjobs: ProwJobs, admit: AdmitQueue, starter: Starter) -> None:
        """All it needs is the row and the two ways to be heard."""
        self._prowjobs = prowjobs
        self._admit = admit
        self._starter = starter

    def abort(self, job: ProwJob, description: str, *, superseded: bool = False) -> ProwJob:
        """Set an unfinished run to aborted and wake whatever waits for it (`pkg/plugins/trigger/pull-request.go:170`).

        `superseded`: a newer run owns the context, so GitHub is not told (`pkg/pjutil/abort.go:61`).
        """

        def change(row: ProwJob) -> ProwJob:
            if row.state in FINAL_STATES:
                return row
            moved = row.move(State.ABORTED, description=description, at=0)
            return replace(moved, stop_reason=description, superseded=superseded)

        row = self._prowjobs.mutate(job.id, change)
        if row.state is State.ABORTED and row.phase is not Phase.RELEASED:
            if row.phase is Phase.WAITING:
                self._admit.wake(f"abort:{row.id}")
            if row.token and not row.stopping_at:  # a second "stop" would delete what is ending in order
                self._starter.wake(row.token, {"outcome": "stop"})
        return row

    def unfinished(self, repository: str, number: int) -> list[ProwJob]:
        """The unfinished presubmits of a pull request, newest first."""
        found = self._prowjobs.of_pull(repository, number)
        return [job for job in found if job.type is JobType.PRESUBMIT and job.state not in FINAL_STATES]

    def abort_pull(
        self,
        repository: str,
        number: int,
        description: str,
        except_head: str = "",
        *,
        except_cause: str = "",
        jobs: Collection[str] = (),
    ) -> list[ProwJob]:
        """Abort the unfinished presubmits of a pull request; the runs that were aborted.

        Args:
            repository: `org/repo`.
            number: the pull request's number.
            description: what the status says then.
            except_head: a head whose runs go on.
            except_cause: an event whose runs go on.
            jobs: names or contexts; without any, all jobs.
        """
        return [
            self.abort(job, description)
            for job in self.unfinished(repository, number)
            if not (except_head and job.head_sha == except_head)
            and not (except_cause and job.cause == except_cause)
            and (not jobs or job.job in jobs or job.context in jobs)
        ]

    def abort_group(self, repository: str, head_sha: str, description: str) -> list[ProwJob]:
        """Abort the unfinished runs of a merge group; the runs that were aborted."""
        found = self._prowjobs.of_group(repository, head_sha)
        return [self.abort(job, description) for job in found if job.state not in FINAL_STATES]


class StartRuns:
    """Makes rows of decisions: each call may be repeated and leaves one run."""

    def __init__(self, *, runs: Runs, control: Control, admit: AdmitQueue, aborts: AbortRuns, clock: Clock) -> None:
        """`aborts` ends the older runs that a new one replaces."""
        self._runs = runs
        self._control = control
        self._admit = admit
        self._aborts = aborts
        self._clock = clock

    def start(
        self,
        spec: ProwJobSpec,
        cause: Cause,
        *,
        delivery: str = "",
        automatic: bool = False,
        retest: bool = False,
    ) -> ProwJob:
        """The run of this job for this cause: a new one, or the one that is there.

        `automatic` runs of a head share a claim, so that a late delivery and a reconciliation do not both start it.
        """
        now = self._clock.now_ms()
        prowjob = identity.prowjob_id(cause, f"{spec.type}:{spec.job}")
        if automatic and (other := self._claimed_by_another(spec, prowjob, now)):
            return other
        build = identity.build_id(prowjob, now)
        job = header(
            spec, prowjob=prowjob, build_id=build, cause=str(cause), delivery=delivery, created_at=now, retest=retest
        )
        self._runs.keep_spec(prowjob, spec)
        created = self._runs.prowjobs.create(job)
        job = job if created else self._runs.job(prowjob)
        if job.wanted:
            # Also for a row that is there: an earlier try may have ended right after it put the row.
            self._replace_older(job)
        if job.phase is not Phase.WAITING:
            return job
        if job.context:
            self._control.newest(f"newest#{job.report_key}", job.build_id, now // 1000 + _CLAIM_SECONDS)
        self._admit.wake(f"create:{prowjob}")
        log.info("run triggered", extra={"prowjob": prowjob, "job": job.job, "repository": job.repository})
        return job

    def record(self, spec: ProwJobSpec, cause: Cause, *, description: str, url: str, delivery: str = "") -> ProwJob:
        """The ProwJob that stands for a status which was set by hand: a success, never admitted, nothing to report.

        Being the newest of its context it keeps an older run, still under way, from replacing that status.
        """
        now = self._clock.now_ms()
        prowjob = identity.prowjob_id(cause, f"override:{spec.type}:{spec.job}")
        build = identity.build_id(prowjob, now)
        new = header(spec, prowjob=prowjob, build_id=build, cause=str(cause), delivery=delivery, created_at=now)
        job = new.stand_in(description=description, url=url, at=now)
        job = replace(job, reported={REPORTER: github_state(job.state)})
        self._runs.keep_spec(prowjob, spec)
        job = job if self._runs.prowjobs.create(job) else self._runs.job(prowjob)
        if job.context:
            self._control.newest(f"newest#{job.report_key}", job.build_id, now // 1000 + _CLAIM_SECONDS)
        log.info("run recorded", extra={"prowjob": prowjob, "job": job.job, "repository": job.repository})
        return job

    def _claimed_by_another(self, spec: ProwJobSpec, prowjob: str, now: int) -> ProwJob | None:
        if spec.refs is None or len(spec.refs.pulls) != 1:
            return None
        pull = spec.refs.pulls[0]
        claim = identity.automatic_claim(spec.refs.repository, pull.number, pull.sha, f"{spec.type}:{spec.job}")
        owner = self._control.claim(f"claim#{claim}", prowjob, now // 1000 + _CLAIM_SECONDS)
        if owner == prowjob:
            return None
        other = self._runs.prowjobs.get(owner)
        # A try that claimed this head may have come to make its row of a newer one only when it was repeated.
        if other is None or other.head_sha != pull.sha:
            return None
        # A run that was aborted, say by closing the pull request, does not stand in for this one.
        return other if other.state is not State.ABORTED else None

    def _replace_older(self, job: ProwJob) -> None:
        """End the unfinished presubmits of the same job and pull (`pkg/pjutil/abort.go:61-122`)."""
        if job.type is not JobType.PRESUBMIT:
            return
        for older in self._runs.prowjobs.of_pull(job.repository, job.pull):
            if (
                older.job == job.job
                and older.id != job.id
                and older.base_ref == job.base_ref
                and int(older.build_id) < int(job.build_id)
                and older.state not in FINAL_STATES
            ):
                self._aborts.abort(older, "Aborted as the newer version of this job is running.", superseded=True)
