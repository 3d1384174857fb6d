"""The text of a Slack message: a Go template over the ProwJob, with strangers' words made harmless."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from prowless.domain import prowjob_template
from prowless.domain.refs import JobType

if TYPE_CHECKING:
    from prowless.domain.prowjob import ProwJob, ProwJobSpec
    from prowless.domain.refs import Pull, Refs

MAX_CHARACTERS = 40_000
"""Slack cuts a message there, or refuses it."""

_PULLS_JOBS = frozenset({JobType.PRESUBMIT, JobType.BATCH})


def slack_text(template: str, spec: ProwJobSpec, job: ProwJob) -> str:
    """The message, cut to what Slack takes.

    `&`, `<` and `>` in titles, branch names and descriptions are escaped as Slack wants it, so that a pull request's
    title mentions nobody. Nor does a template that a pull request may have brought.

    Raises:
        TemplateError: the template fails.
    """
    quiet = replace(spec, refs=_quiet(spec.refs) if spec.refs else None)
    text = prowjob_template.message(template, quiet, replace(job, description=escaped(job.description)))
    if spec.in_repo and spec.type in _PULLS_JOBS:
        text = text.replace("<!", "&lt;!").replace("<@", "&lt;@")
    return text if len(text) <= MAX_CHARACTERS else f"{text[: MAX_CHARACTERS - 1]}…"


def escaped(text: str) -> str:
    """Text without Slack's control sequences."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _quiet(refs: Refs) -> Refs:
    return replace(refs, base_ref=escaped(refs.base_ref), pulls=tuple(map(_quiet_pull, refs.pulls)))


def _quiet_pull(pull: Pull) -> Pull:
    return replace(pull, title=escaped(pull.title), head_ref=escaped(pull.head_ref))
