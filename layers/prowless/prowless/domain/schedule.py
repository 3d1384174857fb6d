"""When periodics are due (`cmd/horologium/main.go:158-300`, `pkg/cron/cron.go`): pure, over a small state per job.

Three things differ from Prow, whose schedule lives in memory. Every due time has an identity, kept in the state before
the run is created, so that a tick that is repeated or cut off starts nothing twice. A time that was missed while
nothing ticked is caught up, once; times that are lost are told. And `retry` does what its documentation says: its
interval is its own (Prow's, `config.go:2457`, replaces the periodic's), and cron jobs are retried as well.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from prowless.domain.cron import Every, parse_cron
from prowless.domain.durations import parse_duration_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from prowless.domain.config.jobs import Periodic

_WINDOWS_S = (60, 3_600, 86_400, 40 * 86_400)
"""How far back the newest due time is looked for, before the whole time since the last one."""

MAX_RETRIES = 10
"""As in Prow (`cmd/horologium/main.go`)."""
MAX_COUNTED = 100
"""Lost times that are counted one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LastRun:
    """The job's newest run. Times are epoch milliseconds; `completed_at` is 0 while it is going on."""

    started_at: int
    completed_at: int = 0
    succeeded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """Due times that are lost: the first of them, how many (at most `MAX_COUNTED` are counted), and why."""

    due_at: int
    times: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodicState:
    """What is kept of a periodic between ticks; it changes when something is due, not at every tick.

    `schedule` is the rule the state is for; `since` when that rule was first seen; `last_due` the newest due time that
    was used or lost; `claimed` a due time whose run is being created; `last_run` the newest ProwJob, started at
    `started_at`, and `retry` which retry that is (0: none), as `claimed_retry` of the claimed one. `skipped_at` is the
    due time that was lost last, `note` why. Times are epoch milliseconds, 0 if not yet.
    """

    schedule: str
    since: int
    last_due: int = 0
    claimed: int = 0
    last_run: str = ""
    started_at: int = 0
    retry: int = 0
    claimed_retry: int = 0
    skipped_at: int = 0
    note: str = ""

    def started(self, prowjob: str, at: int) -> PeriodicState:
        """The state once the claimed run exists."""
        # A retry uses no due time of the schedule.
        used = self.last_due if self.claimed_retry else max(self.last_due, self.claimed)
        return replace(
            self,
            last_due=used,
            claimed=0,
            last_run=prowjob,
            started_at=at,
            retry=self.claimed_retry,
            claimed_retry=0,
        )

    def to_dict(self) -> dict[str, Any]:
        """As it is stored."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> PeriodicState:
        """From the store; unknown keys are ignored, and numbers may be of any numeric type."""
        known: dict[str, Any] = {
            name: int(data.get(name) or 0)
            for name in ("since", "last_due", "claimed", "started_at", "retry", "claimed_retry", "skipped_at")
        }
        known |= {name: str(data.get(name) or "") for name in ("schedule", "last_run", "note")}
        return cls(**known)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """What one tick means for one periodic.

    Record `skip`, if times are lost. Store `state`, if it differs from the one before (conditioned on that one); then,
    if `due_at` is set, start the run whose cause is (job, `due_at`, `retry`) and store `state.started(...)`.
    """

    state: PeriodicState
    due_at: int | None = None
    retry: int = 0
    skip: Skip | None = None


def tick(job: Periodic, now: int, before: PeriodicState | None, last_run: Callable[[str], LastRun | None]) -> Tick:
    """Whether a periodic is due.

    Args:
        job: the periodic, validated.
        now: epoch milliseconds.
        before: the state that is stored, or None the first time.
        last_run: reads a run by its ProwJob id, only when the rule needs it; None if its row is gone.
    """
    state = before or PeriodicState(schedule=job.schedule, since=now)
    if state.claimed:
        return Tick(state=state, due_at=state.claimed, retry=state.claimed_retry)
    if state.schedule != job.schedule:
        state = replace(state, schedule=job.schedule, since=now)
    scheduled = _cron_tick(job.cron, now, state, last_run) if job.cron else _interval_tick(job, now, state, last_run)
    if scheduled.due_at is None and not scheduled.skip and job.retry:
        return _retry_tick(job, now, state, last_run)
    return scheduled


def _interval_tick(job: Periodic, now: int, state: PeriodicState, last_run: Callable[[str], LastRun | None]) -> Tick:
    """At once the first time; then strictly more than the interval after the start, or after the completion."""
    if not state.last_run:
        return _claim(state, now)
    # A run whose row is gone has long been over.
    run = last_run(state.last_run) or LastRun(started_at=state.started_at, completed_at=state.started_at)
    if not run.completed_at:
        return Tick(state=state)
    reference, interval = run.started_at, job.interval
    if job.minimum_interval:
        reference, interval = run.completed_at, job.minimum_interval
    due = reference + parse_duration_ms(interval)
    return _claim(state, due) if now > due else Tick(state=state)


def _retry_tick(job: Periodic, now: int, state: PeriodicState, last_run: Callable[[str], LastRun | None]) -> Tick:
    """Again if the last run failed, or with `run_all` however it ends, strictly more than the interval after its start.

    (`cmd/horologium/main.go:248-300`)
    """
    attempts = min(int(job.retry.get("attempts") or 0), MAX_RETRIES)
    due = state.started_at + parse_duration_ms(job.retry.get("interval") or "0s")
    if not state.last_run or state.retry >= attempts or now <= due:
        return Tick(state=state)
    if not job.retry.get("run_all"):
        run = last_run(state.last_run)
        if run is None or not run.completed_at or run.succeeded:
            return Tick(state=state)
    number = state.retry + 1
    return Tick(state=replace(state, claimed=due, claimed_retry=number), due_at=due, retry=number)


def _cron_tick(expression: str, now: int, state: PeriodicState, last_run: Callable[[str], LastRun | None]) -> Tick:
    """The newest time since the last one; it is lost while the run before goes on, as in Prow."""
    after = max(state.since, state.last_due)
    due = _newest(expression, after, now, first=state.last_due < state.since)
    if due is None:
        return Tick(state=state)
    run = last_run(state.last_run) if state.last_run else None
    if run and not run.completed_at:
        skip = _lost(expression, after, due, f"run {state.last_run} was still going on")
        state = replace(state, last_due=due)
        return Tick(state=_noted(state, skip), skip=skip)
    skip = _lost(expression, after, due - 1, "nothing looked at the schedule then; the newest missed time is used")
    return replace(_claim(_noted(state, skip), due), skip=skip)


def _noted(state: PeriodicState, skip: Skip | None) -> PeriodicState:
    return replace(state, skipped_at=skip.due_at, note=skip.reason) if skip else state


def _lost(expression: str, after: int, until: int, reason: str) -> Skip | None:
    """The due times in (after, until], milliseconds, as lost ones."""
    schedule = parse_cron(expression)
    if isinstance(schedule, Every):
        step = schedule.seconds * 1000
        times = min((until - after) // step, MAX_COUNTED)
        return Skip(due_at=after + step, times=times, reason=reason) if times > 0 else None
    first = time = schedule.following(after // 1000)
    times = 0
    while time is not None and time * 1000 <= until and times < MAX_COUNTED:
        times, time = times + 1, schedule.following(time)
    return Skip(due_at=first * 1000, times=times, reason=reason) if first is not None and times else None


def _newest(expression: str, after: int, now: int, *, first: bool) -> int | None:
    """The newest due time in (after, now], milliseconds. `@every` is due at once when it is new."""
    schedule = parse_cron(expression)
    if isinstance(schedule, Every):
        if first:
            return now
        steps = (now - after) // (schedule.seconds * 1000)
        return after + steps * schedule.seconds * 1000 if steps > 0 else None
    last, end = after // 1000, now // 1000
    upcoming = schedule.following(last)
    if upcoming is None or upcoming > end:
        return None
    windows = iter((*_WINDOWS_S, end - last))
    found: int | None = None
    while found is None:  # in the last window lies `upcoming` at least
        time = schedule.following(max(last, end - next(windows)))
        while time is not None and time <= end:
            found, time = time, schedule.following(time)
    return found * 1000


def _claim(state: PeriodicState, due: int) -> Tick:
    return Tick(state=replace(state, claimed=due), due_at=due)
