"""Which runs are told to Slack, and where (`pkg/crier/reporters/slack/reporter.go`, `prowjobs/v1/types.go:359-412`)."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from prowless.domain.errors import PermanentError
from prowless.domain.prowjob import FINAL_STATES, State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prowless.domain.prowjob import ProwJob, ProwJobSpec
    from prowless.domain.refs import JobType

DEFAULT_HOST = "*"
DEFAULT_TEMPLATE = (
    "Job {{.Spec.Job}} of type {{.Spec.Type}} ended with state {{.Status.State}}. <{{.Status.URL}}|View logs>"
)
"""Prow's (`pkg/config/config.go:1640`)."""

REPORTER = "slack"
"""The key of a row's `reported` that says which state Slack was told last."""

ATTEMPT = "slack-attempt"
FAILED = "slack-error"

_MAX_TOKENS = 100
_TEXTS = frozenset({"host", "channel", "report_template"})
_LISTS = frozenset({"job_types_to_report", "job_states_to_report"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackReporter:
    """An entry of `slack_reporter_configs`, or a job's `reporter_config.slack`, which has no `job_types_to_report`.

    An empty list of states says nothing, as in Prow; `report` None neither.
    """

    job_types_to_report: tuple[str, ...] = ()
    host: str = ""
    channel: str = ""
    job_states_to_report: tuple[str, ...] = ()
    report_template: str = ""
    report: bool | None = None

    def to_dict(self) -> dict[str, Any]:
        """As the snapshot keeps it."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: value for name, value in values.items() if value or value is False}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> SlackReporter:
        """From the snapshot or a spec; what is unknown or of another kind is ignored."""
        known: dict[str, Any] = {name: data[name] for name in _TEXTS if isinstance(data.get(name), str)}
        known |= {name: tuple(data[name]) for name in _LISTS if isinstance(data.get(name), list | tuple)}
        if isinstance(data.get("report"), bool):
            known["report"] = data["report"]
        return cls(**known)

    def over(self, default: SlackReporter) -> SlackReporter:
        """A job's own reporter with what it does not say taken from the central one (`types.go:381`)."""
        return SlackReporter(
            job_types_to_report=default.job_types_to_report,
            host=self.host or default.host,
            channel=self.channel or default.channel,
            job_states_to_report=self.job_states_to_report or default.job_states_to_report,
            report_template=self.report_template or default.report_template,
            report=default.report if self.report is None else self.report,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where a message goes and what makes its text."""

    host: str
    channel: str
    template: str


def own_reporter(spec: ProwJobSpec) -> SlackReporter | None:
    """What a job itself says about Slack.

    Any word of it means that it is to be reported, whatever the central `report` is, but no states at all mean that it
    is not; `report` overrides both (`pkg/pjutil/pjutil.go:112`).
    """
    written = spec.reporter_config.get("slack")
    if not isinstance(written, dict):
        return None
    silent = written.get("job_states_to_report") == []
    return SlackReporter.from_dict({"report": not silent, **{k: v for k, v in written.items() if v is not None}})


def destination(
    reporters: Mapping[str, SlackReporter], spec: ProwJobSpec, job_type: JobType, state: State
) -> Destination | None:
    """Where a run's state is told; None if it is not (`reporter.go:134`).

    A job with a channel of its own is told whatever its type is, others if the central entry has their type.
    """
    central, own = _entry(reporters, spec), own_reporter(spec)
    merged = own.over(central) if own else central
    if merged.report is False or state not in merged.job_states_to_report:
        return None
    if job_type not in central.job_types_to_report and not (own and own.channel):
        return None
    return Destination(
        host=merged.host or DEFAULT_HOST,
        channel=merged.channel,
        template=merged.report_template or DEFAULT_TEMPLATE,
    )


def begun_state(reporters: Mapping[str, SlackReporter], spec: ProwJobSpec, job_type: JobType) -> State | None:
    """The state that is told when a run begins: `pending`, else `triggered`, else none.

    Prow tells both if it comes across both; here they are one moment and one message.
    """
    states = (State.PENDING, State.TRIGGERED)
    return next((state for state in states if destination(reporters, spec, job_type, state)), None)


def next_attempt(job: ProwJob, state: State) -> str | None:
    """What is noted before a post; None when Slack was told already, or when its answer was lost twice.

    Slack knows no key that makes a repeated post harmless. A lost answer is repeated once: a message that stands there
    twice is better than none, and worse than a third.
    """
    if job.reported.get(REPORTER) == state or (state not in FINAL_STATES and job.state in FINAL_STATES):
        return None
    earlier = job.reported.get(ATTEMPT, "")
    again = f"{state} again"
    if earlier == again:
        return None
    return again if earlier == state else state.value


def tokens(text: str) -> dict[str, str]:
    """The tokens in a secret, by host: a plain token is that of `*`, a JSON object has one for each host.

    Raises:
        PermanentError: the secret holds something else; its text is not in the message.
    """
    found: Any = {DEFAULT_HOST: text.strip()}
    if text.lstrip().startswith("{"):
        try:
            found = json.loads(text)
        except ValueError:
            found = None
    if isinstance(found, dict) and 0 < len(found) <= _MAX_TOKENS and all(map(_is_token, found.values())):
        return found
    raise PermanentError('the Slack secret is neither a token nor a JSON object such as {"*": "xoxb-…"}')


def _is_token(value: Any) -> bool:
    return isinstance(value, str) and value.isascii() and value.isprintable() and bool(value) and " " not in value


def _entry(reporters: Mapping[str, SlackReporter], spec: ProwJobSpec) -> SlackReporter:
    """The central entry of a run's repository, its organisation, or `*` (`config.go:1616`): one, never merged."""
    refs = spec.refs or (spec.extra_refs[0] if spec.extra_refs else None)
    keys = (refs.repository, refs.org, DEFAULT_HOST) if refs else (DEFAULT_HOST,)
    return next((reporters[key] for key in keys if key in reporters), SlackReporter())
