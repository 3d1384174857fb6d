"""report: tell GitHub where a run stands: once for each state, and never over a newer run's word; then Slack."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from prowless.domain import prowjob_template
from prowless.domain import status as rules
from prowless.domain.errors import AmbiguousError, BusyError, PermanentError
from prowless.domain.gotemplate import TemplateError
from prowless.domain.prowjob import ProwJob, ProwJobSpec, State
from prowless.domain.refs import JobType
from prowless.domain.wording import marked
from prowless.ports.github import Status
from prowless.usecases.collect import completed

if TYPE_CHECKING:
    from prowless.ports.clock import Clock
    from prowless.ports.config import ConfigSource
    from prowless.ports.github import GitHub
    from prowless.ports.stores import Control
    from prowless.usecases.records import Records
    from prowless.usecases.runs import Runs
    from prowless.usecases.tell_slack import TellSlack

log = logging.getLogger(__name__)

_ATTEMPT = "github-attempt"
_LEASE_MS = 60_000
_NEWEST_SECONDS = 30 * 24 * 3600

_FINISHED_WITH = ("maximum number of statuses", "Not Found", "No commit found for SHA")
"""Refusals that no later try will change; Prow swallows the same (`pkg/crier/reporters/github/reporter.go:92-106`)."""


class ReportRun:
    """Posts the commit status of a run, and keeps the comment that says what failed."""

    def __init__(
        self,
        *,
        runs: Runs,
        config: ConfigSource,
        control: Control,
        github: GitHub,
        slack: TellSlack,
        records: Records,
        clock: Clock,
    ) -> None:
        """`records` knows where a run's files are, and writes the closing ones of a run that never came to collect."""
        self._config = config
        self._runs = runs
        self._control = control
        self._github = github
        self._slack = slack
        self._records = records
        self._clock = clock

    def pending(self, prowjob: str) -> dict[str, str]:
        """Say that the run is on its way. `{"next": "run"}`, or `final` if it was stopped before it began."""
        job = self._runs.job(prowjob)
        if not job.wanted:
            return {"next": "final"}
        job = self._addressed(job)
        self._report(job, job.description or "Job triggered.")
        self._slack.begun(job)
        return {"next": "run"}

    def final(self, prowjob: str) -> dict[str, str]:
        """Say how the run ended, after making sure that the row and the files say it too.

        `{"next": "release"}`, or `slack` if it is to be told there once the run's place is given back.
        """
        job = self._runs.job(prowjob)
        if not job.complete:
            change = completed(self._clock.now_ms())
            self._close(change(job))
            job = self._runs.prowjobs.mutate(prowjob, change)
        job = self._addressed(job)
        if self._report(job, job.description) and job.type is JobType.PRESUBMIT and job.pull:
            self._say(job)
        return {"next": "slack" if self._slack.owed(job) else "release"}

    def slack(self, prowjob: str) -> dict[str, str]:
        """Tell Slack how the run ended, if it is to be told and was not. `{"next": "done"}`."""
        self._slack.ended(self._addressed(self._runs.job(prowjob)))
        return {"next": "done"}

    def _close(self, job: ProwJob) -> None:
        """Write the closing files. A bucket that refuses them, maybe why the run failed, is no reason for silence."""
        try:
            self._records.finished(self._runs.spec(job), job)
        except PermanentError as error:
            log.error("the run's files cannot be written: %s", error, extra={"prowjob": job.id})  # noqa: TRY400  no trace

    def _say(self, job: ProwJob) -> None:
        """Keep the comment. The status counts: a refusal (a locked conversation) does not undo the report."""
        if {job.org, job.repository} & set(self._config.central().no_comment_repos):
            return
        try:
            self._comment(job)
        except PermanentError as error:
            log.warning("GitHub takes no comment here: %s", error, extra={"prowjob": job.id})

    def _addressed(self, job: ProwJob) -> ProwJob:
        """The row with the address that the status links to, which is known once the build id is.

        A run whose bucket cannot be named has none, and is reported without.
        """
        if job.url:
            return job
        try:
            spec = self._runs.spec(job)
            url = self._url(spec, job)
        except PermanentError as error:
            log.warning("the run has no page: %s", error, extra={"prowjob": job.id})
            return job
        return self._runs.prowjobs.mutate(job.id, lambda row: replace(row, url=row.url or url)) if url else job

    def _url(self, spec: ProwJobSpec, job: ProwJob) -> str:
        """The run's page: by `job_url_template`, unless it is decorated and has a prefix (`pjutil.go:379`)."""
        central = self._config.central()
        prefix = central.job_url_prefix(spec)
        if central.job_url_template and not (prefix and spec.decorate):
            try:
                return prowjob_template.job_url(central.job_url_template, spec, job)
            except TemplateError as error:
                log.warning("job_url_template fails: %s", error, extra={"prowjob": job.id})
        return self._records.url(spec, job, prefix, provider=central.job_url_names_provider)

    def _report_text(self, job: ProwJob) -> str:
        """What the report template of the pull's repository adds to the comment; nothing if it fails."""
        template = self._config.central().report_template(job.repository)
        if not template:
            return ""
        try:
            return prowjob_template.report_text(template, self._runs.spec(job), job)
        except TemplateError as error:
            log.warning("the report template fails: %s", error, extra={"prowjob": job.id})
            return ""

    def _report(self, job: ProwJob, text: str) -> bool:
        """Post the status of the row's state; false if there is nothing more to say about this run."""
        state = rules.github_state(job.state)
        if not rules.reportable(job):
            return False
        if job.superseded or not self._wanted(job):
            self._note(job, rules.SUPERSEDED)
            return False
        if job.reported.get(rules.REPORTER) == state:
            return True
        lease = f"lease#{job.report_key}"
        now = self._clock.now_ms()
        if not self._control.lease(lease, job.id, now, now + _LEASE_MS):
            raise BusyError(f"the status {job.context!r} of {job.repository}@{job.report_sha} is being written")
        try:
            newest = self._control.newest(f"newest#{job.report_key}", job.build_id, now // 1000 + _NEWEST_SECONDS)
            if newest != job.build_id:
                log.info("a newer run owns the status", extra={"prowjob": job.id, "newest": newest})
                self._note(job, rules.SUPERSEDED)
                return False
            if rules.github_state(self._runs.job(job.id).state) != state:
                # A call of an execution that was stopped may come late, after the run's end was reported.
                log.info("the run has ended meanwhile", extra={"prowjob": job.id})
                return False
            return self._post(
                job,
                Status(
                    context=job.context,
                    state=state,
                    description=rules.description(text, job.base_sha),
                    target_url=job.url,
                ),
            )
        finally:
            self._control.unlease(lease, job.id)

    def _wanted(self, job: ProwJob) -> bool:
        """Whether the type reports at all. A merge group's jobs do always: GitHub's queue waits for them."""
        return job.type is JobType.BATCH or job.type in self._config.central().job_types_to_report

    def _post(self, job: ProwJob, status: Status) -> bool:
        if job.reported.get(_ATTEMPT) == status.state and self._arrived(job, status):
            # An earlier call posted it and ended before it could note so.
            self._note(job, status.state)
            return True
        self._note(job, status.state, key=_ATTEMPT)
        try:
            self._github.create_status(job.repository, job.report_sha, status)
        except AmbiguousError:
            if not self._arrived(job, status):
                raise
        except PermanentError as error:
            if not any(known in str(error) for known in _FINISHED_WITH):
                raise
            log.warning("GitHub takes no more statuses here", extra={"prowjob": job.id, "why": str(error)})
            self._note(job, status.state)
            return False
        self._note(job, status.state)
        log.info("status reported", extra={"prowjob": job.id, "context": job.context, "state": status.state})
        return True

    def _arrived(self, job: ProwJob, status: Status) -> bool:
        present = self._github.statuses(job.repository, job.report_sha).get(job.context)
        return present is not None and (present.state, present.description) == (status.state, status.description)

    def _note(self, job: ProwJob, state: str, key: str = rules.REPORTER) -> None:
        self._runs.prowjobs.mutate(job.id, lambda row: replace(row, reported={**row.reported, key: state}))

    def _comment(self, job: ProwJob) -> None:
        """Keep one comment with the table of failures (`pkg/github/report/report.go:153-300`)."""
        lease = f"lease#comment#{job.repository}#{job.pull}"
        now = self._clock.now_ms()
        if not self._control.lease(lease, job.id, now, now + _LEASE_MS):
            raise BusyError(f"the report comment of {job.repository}#{job.pull} is being written")
        try:
            login = self._github.login()
            ours = [
                comment
                for comment in self._github.comments(job.repository, job.pull)
                if comment.author == login and marked(comment.body, rules.REPORT_MARKER)
            ]
            rows = rules.comment_rows([comment.body for comment in ours], job)
            body = rules.failure_comment(job.author, rows, self._report_text(job)) if rows else ""
            if ours and ours[-1].body == body:
                ours = ours[:-1]
            elif job.state is State.FAILURE and body:
                # A new comment notifies; an edit does not.
                self._github.create_comment(job.repository, job.pull, body)
            elif ours and body:
                self._github.update_comment(job.repository, ours[-1].id, body)
                ours = ours[:-1]
            for comment in ours:
                self._github.delete_comment(job.repository, comment.id)
        finally:
            self._control.unlease(lease, job.id)
