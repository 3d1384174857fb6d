"""`slack_reporter_configs` and a job's `reporter_config` (`pkg/config/config.go:1588-1660`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prowless.domain.config import warning_names
from prowless.domain.config.decode import Struct, boolean, mapping_of, nearest, structure, text, texts
from prowless.domain.config.document import Table
from prowless.domain.config.templates import check_template
from prowless.domain.gotemplate import Budget, TemplateError, execute, parse
from prowless.domain.prowjob import State
from prowless.domain.prowjob_template import PROWJOB
from prowless.domain.refs import JobType
from prowless.domain.slack import SlackReporter
from prowless.domain.wording import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from enum import StrEnum

    from prowless.domain.config.decode import Kind, Reader
    from prowless.domain.config.document import Document
    from prowless.domain.config.findings import Problems

SECTION = "slack_reporter_configs"
TRIAL = 10_000
"""Steps, and characters that functions make, in which all report templates of a configuration are tried; real ones take
some ten steps each. What is left when they are spent is only compared with a ProwJob's fields."""
_REFUSED = "failed to validate slackreporter config:"
_TOKEN = "messages are posted where the stack has a Slack token: parameter SlackTokenSecretArn"  # noqa: S105  no token


def _one_of(known: Iterable[StrEnum]) -> Kind:
    """A list of names. Prow takes unknown ones and never meets them, so they are warned of."""
    names = tuple(member.value for member in known)

    def read(reader: Reader, value: Any, at: str, what: str) -> list[str] | None:
        found = texts(reader, value, at, what)
        for name in found or ():
            if name not in names:
                problem = f"{what}: unknown {shown(name)!r}{nearest(name, names)} (known: {', '.join(names)})"
                reader.problems.warn(at, problem, warning_names.SLACK)
        return found

    return read


_REPORTER: dict[str, Kind] = {
    "host": text,
    "channel": text,
    "job_states_to_report": _one_of(State),
    "report_template": text,
    "report": boolean,
}
REPORTER_CONFIG = Struct("reporter_config", {"slack": structure(Struct("slack", _REPORTER))})
REPORTERS = mapping_of(structure(Struct(SECTION, {"job_types_to_report": _one_of(JobType), **_REPORTER})))


def read_reporters(
    document: Document, section: Mapping[str, Mapping[str, Any]], problems: Problems
) -> dict[str, SlackReporter]:
    """The reporters by `org/repo`, `org` and `*`.

    Args:
        document: the config.yaml that they are of, for positions.
        section: its `slack_reporter_configs` as it was read.
        problems: takes what Prow refuses as errors, and a template that fails on an empty ProwJob as a warning: it
            may be written for runs that have what it names. Strangers' pull requests are read as well, so all
            templates together are tried within `TRIAL`.
    """
    config = document.data if isinstance(document.data, Table) else Table()
    key = next((name for name in config if name.lower() == SECTION), SECTION)
    table = config.get(key)
    if section:
        problems.note_once(document.at(config.line_of(key)), f"{SECTION}: {_TOKEN}")
    found, budget = {}, Budget(steps=TRIAL, made=TRIAL)
    for name, fields in section.items():
        at = document.at(table.line_of(name) if isinstance(table, Table) else 0)
        if not fields.get("channel"):
            problems.error(at, f"{_REFUSED} channel must be set")
        if written := fields.get("report_template"):
            _check(at, written, problems, budget)
        found[name] = SlackReporter.from_dict(fields)
    return found


def _check(at: str, template: str, problems: Problems, budget: Budget) -> None:
    if check_template(at, "", template, f"{_REFUSED} failed to parse template", problems) or budget.spent:
        return
    try:
        execute(parse("", template), PROWJOB.record({}), budget)
    except TemplateError as error:
        if not budget.spent:
            problems.warn(at, f"failed to execute report_template: {error}", warning_names.TEMPLATES)
