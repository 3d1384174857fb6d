"""The Go templates of a configuration: parsed as Prow does when it loads it, and compared with what a ProwJob has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prowless.domain.config import warning_names
from prowless.domain.config.document import Table
from prowless.domain.gotemplate import TemplateError, execute, parse
from prowless.domain.gotemplate.fields import unknown_fields
from prowless.domain.prowjob_template import PROWJOB

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prowless.domain.config.document import Document
    from prowless.domain.config.findings import Problems

_CHANNEL = "failed to validate slackreporter config: channel must be set"


def check_templates(document: Document, plank: Mapping[str, Any], slack: Any, problems: Problems) -> None:
    """Check the templates of a config.yaml (`config.go:1636-1657,3157-3208`).

    Args:
        document: the file, for positions.
        plank: its `plank` section as it was read.
        slack: its `slack_reporter_configs`, unread: Slack is not provided, and checked all the same.
        problems: takes what Prow refuses as errors, and fields that no ProwJob has as warnings.
    """
    at = _places(document, "plank")
    if url := plank.get("job_url_template"):
        _check(at("job_url_template"), "JobURL", url, "validating plank config: parsing template", problems)
    for key, text in (plank.get("report_templates") or {}).items():
        what = f"validating plank config: error while parsing template for {key}"
        _check(at("report_templates"), "Report", text, what, problems)
    if text := plank.get("report_template"):
        what = "validating plank config: error while parsing template for *"
        _check(at("report_template"), "Report", text, what, problems)
    places = _places(document, "slack_reporter_configs")
    for key, reporter in slack.items() if isinstance(slack, dict) else ():
        if isinstance(reporter, dict):
            _check_slack(places(key), reporter, problems)


def template_problems(text: str) -> Iterator[str]:
    """What is wrong with a job's own report template, which Prow finds out when it reports."""
    try:
        yield from unknown_fields(parse("", text), PROWJOB)
    except TemplateError as error:
        yield str(error)


def _check_slack(at: str, reporter: Mapping[str, Any], problems: Problems) -> None:
    if not reporter.get("channel"):
        problems.error(at, _CHANNEL)
    text = reporter.get("report_template")
    if not isinstance(text, str):
        return
    what = "failed to validate slackreporter config: failed to parse template"
    if _check(at, "", text, what, problems):
        return
    try:
        execute(parse("", text), PROWJOB.record({}))
    except TemplateError as error:
        problems.warn(at, f"failed to execute report_template: {error}", warning_names.TEMPLATES)


def _check(at: str, name: str, text: str, what: str, problems: Problems) -> bool:
    """Parse one template; whether something was found."""
    try:
        found = unknown_fields(parse(name, text), PROWJOB)
    except TemplateError as error:
        problems.error(at, f"{what}: {error}")
        return True
    for problem in found:
        problems.warn(at, problem, warning_names.TEMPLATES)
    return bool(found)


def _places(document: Document, section: str) -> Any:
    """Where the keys of a section stand."""
    config = document.data if isinstance(document.data, Table) else Table()
    table = config.get(section)

    def place(key: str) -> str:
        return document.at(table.line_of(key) if isinstance(table, Table) else 0)

    return place
