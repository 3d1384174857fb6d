"""The Go templates of a configuration: parsed as Prow does when it loads it, and compared with what a ProwJob has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prowless.domain.config import warning_names
from prowless.domain.config.document import Table
from prowless.domain.gotemplate import TemplateError, parse
from prowless.domain.gotemplate.fields import unknown_fields
from prowless.domain.prowjob_template import PROWJOB

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prowless.domain.config.document import Document
    from prowless.domain.config.findings import Problems


def check_templates(document: Document, plank: Mapping[str, Any], problems: Problems) -> None:
    """Check the templates of a config.yaml (`config.go:3157-3208`).

    Args:
        document: the file, for positions.
        plank: its `plank` section as it was read.
        problems: takes what Prow refuses as errors, and fields that no ProwJob has as warnings.
    """
    at = _places(document, "plank")
    if url := plank.get("job_url_template"):
        check_template(at("job_url_template"), "JobURL", url, "validating plank config: parsing template", problems)
    for key, text in (plank.get("report_templates") or {}).items():
        what = f"validating plank config: error while parsing template for {key}"
        check_template(at("report_templates"), "Report", text, what, problems)
    if text := plank.get("report_template"):
        what = "validating plank config: error while parsing template for *"
        check_template(at("report_template"), "Report", text, what, problems)


def template_problems(text: str) -> Iterator[str]:
    """What is wrong with a job's own report template, which Prow finds out when it reports."""
    try:
        yield from unknown_fields(parse("", text), PROWJOB)
    except TemplateError as error:
        yield str(error)


def check_template(at: str, name: str, text: str, what: str, problems: Problems) -> bool:
    """Parse one template and compare it with a ProwJob; whether something was found.

    `name` is the template's for Go, `what` stands before what is wrong with it.
    """
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
