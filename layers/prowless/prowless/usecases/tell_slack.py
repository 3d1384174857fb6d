"""Slack's reports: each state of a run once, after GitHub's report and never in its way."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from prowless.domain import slack as rules
from prowless.domain.errors import PermanentError, ProwlessError, RetryableError
from prowless.domain.gotemplate import TemplateError
from prowless.domain.prowjob import FINAL_STATES, ProwJob, ProwJobSpec, State
from prowless.domain.slack_text import slack_text
from prowless.domain.wording import shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from prowless.ports.config import ConfigSource
    from prowless.ports.slack import Slack
    from prowless.usecases.runs import Runs

log = logging.getLogger(__name__)

PATIENCE_MS = 15_000
"""A rate limit that ends this soon is waited for; beyond that the state machine comes again."""

_MAX_ERROR = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class _Message:
    to: rules.Destination
    spec: ProwJobSpec
    state: State
    attempt: str


class TellSlack:
    """Posts what `reporter_config.slack` and `slack_reporter_configs` ask for."""

    def __init__(
        self, *, runs: Runs, config: ConfigSource, slack: Slack | None, pause: Callable[[float], None]
    ) -> None:
        """`slack` is None where the stack has no token; `pause` waits so many seconds."""
        self._runs = runs
        self._config = config
        self._slack = slack
        self._pause = pause
        self._silence_told = False

    def begun(self, job: ProwJob) -> None:
        """Tell that a run begins, if that is asked for: one attempt, whose failure is logged and noted on the row."""
        if self._slack is None:
            return
        try:
            spec = self._runs.spec(job)
            state = rules.begun_state(self._config.central().slack_reporters, spec, job.type)
            if state:
                self._tell(self._slack, job, state, patience_ms=0)
        except ProwlessError as error:
            log.warning("Slack is not told that the run begins: %s", error, extra={"prowjob": job.id})

    def owed(self, job: ProwJob) -> bool:
        """Whether Slack is still to be told how a run ended; raises nothing, and yes where that cannot be known."""
        if self._slack is None:
            if not self._silence_told and self._config.central().slack_reporters:
                self._silence_told = True
                log.info("no Slack token is configured (parameter SlackTokenSecretArn): nothing is posted")
            return False
        try:
            return job.state in FINAL_STATES and self._message(job, job.state) is not None
        except PermanentError as error:
            log.warning("whether Slack is to be told is not known: %s", error, extra={"prowjob": job.id})
            return False
        except ProwlessError as error:
            log.warning("whether Slack is to be told is not known yet: %s", error, extra={"prowjob": job.id})
            return True

    def ended(self, job: ProwJob) -> None:
        """Tell how a run ended; nothing if Slack was told, or is not to be.

        Raises:
            RetryableError: Slack did not take it; the row says why.
        """
        if self._slack and job.state in FINAL_STATES:
            self._tell(self._slack, job, job.state, patience_ms=PATIENCE_MS)

    def _message(self, job: ProwJob, state: State) -> _Message | None:
        attempt = rules.next_attempt(job, state)
        if attempt is None:
            return None
        spec = self._runs.spec(job)
        to = rules.destination(self._config.central().slack_reporters, spec, job.type, state)
        return _Message(to=to, spec=spec, state=state, attempt=attempt) if to else None

    def _tell(self, slack: Slack, job: ProwJob, state: State, *, patience_ms: int) -> None:
        message = self._message(job, state)
        if message is None:
            return
        text = self._text(message, job)
        if not text.strip():
            log.info("the report template says nothing to Slack", extra={"prowjob": job.id})
            self._note(job, {rules.REPORTER: state.value})
            return
        earlier = job.reported.get(rules.ATTEMPT, "")
        self._note(job, {rules.ATTEMPT: message.attempt}, expected=earlier)
        try:
            self._post(slack, message.to, text, patience_ms)
        except RetryableError as error:
            attempt = message.attempt if error.ambiguous else earlier
            self._note(job, {rules.ATTEMPT: attempt, rules.FAILED: shown(str(error), _MAX_ERROR)})
            raise
        except PermanentError as error:
            log.error("Slack is not told: %s", error, extra={"prowjob": job.id})  # noqa: TRY400  no trace
            self._note(job, {rules.REPORTER: state.value, rules.FAILED: shown(str(error), _MAX_ERROR)})
            return
        self._note(job, {rules.REPORTER: state.value, rules.FAILED: ""})
        log.info("Slack told", extra={"prowjob": job.id, "channel": message.to.channel, "state": state.value})

    def _post(self, slack: Slack, to: rules.Destination, text: str, patience_ms: int) -> None:
        try:
            slack.post(to.host, to.channel, text)
        except RetryableError as error:
            wait_ms = error.retry_after_ms
            if error.ambiguous or not wait_ms or wait_ms > patience_ms:
                raise
            self._pause(wait_ms / 1000)
            slack.post(to.host, to.channel, text)

    @staticmethod
    def _text(message: _Message, job: ProwJob) -> str:
        told = replace(job, state=message.state)
        try:
            return slack_text(message.to.template, message.spec, told)
        except TemplateError as error:
            log.warning("the report template for Slack fails: %s", error, extra={"prowjob": job.id})
            return slack_text(rules.DEFAULT_TEMPLATE, message.spec, told)

    def _note(self, job: ProwJob, notes: dict[str, str], *, expected: str | None = None) -> None:
        """Write what the row says about Slack; an empty text takes a note away.

        `expected` is the attempt that the row had when this call looked: another call that claims one in between, as
        an execution's that was stopped may, posts instead of this one.
        """

        def change(row: ProwJob) -> ProwJob:
            if expected is not None and row.reported.get(rules.ATTEMPT, "") != expected:
                raise RetryableError(f"another call is telling Slack about {row.id}")
            reported = {**row.reported, **notes}
            return replace(row, reported={key: value for key, value in reported.items() if value})

        self._runs.prowjobs.mutate(job.id, change)
