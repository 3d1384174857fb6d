"""What GitHub is told about a run (`pkg/github/report/report.go:56-365`, `pkg/config/config.go:3416-3478`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from prowless.domain.prowjob import ProwJob, State
from prowless.domain.refs import JobType

if TYPE_CHECKING:
    from collections.abc import Iterable

CONFIG_CONTEXT = "prowless/config"
"""The context of what we say about a change of the central configuration."""

IN_REPO_CONTEXT = "prowless/in-repo"
"""The context of what we say about a repository's own configuration."""

MERGE_CONTEXT = "prowless/merge"
"""The context of what stands in the way of a pull's jobs: there is no merge to test."""

SETTLED = "Nothing is wrong any more"
"""What a status of ours says whose failure does not hold any more."""

MAX_DESCRIPTION_BYTES = 140
_ELISION = " ... "
_FILLER = "\u2001"
_GITHUB_STATES = {
    State.TRIGGERED: "pending",
    State.PENDING: "pending",
    State.SUCCESS: "success",
    State.FAILURE: "failure",
    State.ABORTED: "failure",
    State.ERROR: "error",
}
REPORTED_TYPES = frozenset({JobType.PRESUBMIT, JobType.POSTSUBMIT})
"""Prow's default of `job_types_to_report`."""

REPORTER = "github"
"""The key of a row's `reported` that says which state GitHub was told last."""

SUPERSEDED = "superseded"
"""Stands there instead of a state when a newer run owns the status."""

REPORT_MARKER = "<!-- test report -->"
_HEADER = ("Test name | Commit | Details | Required | Rerun command", "--- | --- | --- | --- | ---")


def github_state(state: State) -> str:
    """The commit status state of a ProwJob's state; aborted is a failure, as in Prow."""
    return _GITHUB_STATES[state]


def reportable(job: ProwJob) -> bool:
    """Whether this run has a status at all (`pkg/crier/reporters/github/reporter.go`).

    Beyond Prow, whose batches have none, the batch of a merge group has: GitHub's queue waits for it.
    """
    of_group = job.type is JobType.BATCH and bool(job.head_sha)
    reported = job.report and (of_group or job.type in REPORTED_TYPES)
    return reported and bool(job.repository and job.report_sha and job.context)


def owed(job: ProwJob) -> bool:
    """Whether GitHub has not been told how this run ended."""
    told = job.reported.get(REPORTER)
    return reportable(job) and not job.superseded and told not in {SUPERSEDED, github_state(job.state)}


def description(text: str, base_sha: str) -> str:
    """The status description with the base's SHA at its end, in at most 140 bytes (`pkg/config/config.go:3420-3470`).

    Tide reads the suffix to know which base a result was for.
    """
    if not base_sha:
        return truncate(text, MAX_DESCRIPTION_BYTES)
    suffix = f" BaseSHA:{base_sha}"
    length = len(text.encode()) + len(suffix)
    # Prow's loop compares a growing index with a shrinking rest, which ends at a quarter of the free bytes.
    suffix = _FILLER * max(0, -(-(MAX_DESCRIPTION_BYTES - length) // 4)) + suffix
    return truncate(text, MAX_DESCRIPTION_BYTES - len(suffix.encode())) + suffix


def truncate(text: str, limit: int) -> str:
    """At most `limit` bytes of text, its middle left out (`pkg/config/config.go:3472`); no character is cut in two."""
    data = text.encode()
    if len(data) <= limit:
        return text
    half = (limit - len(_ELISION)) // 2
    return data[:half].decode(errors="ignore") + _ELISION + data[-half:].decode(errors="ignore")


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the failure comment's table."""

    context: str
    text: str


def parse_rows(body: str) -> list[Row]:
    """The table rows of an earlier report comment: what follows a line of dashes, up to an empty line.

    Lines end in a line feed only, as for Prow (`pkg/github/report/report.go:241`).
    """
    rows: list[Row] = []
    inside = False
    for line in map(str.strip, body.split("\n")):
        if line.startswith("---"):
            inside = True
        elif inside and not line:
            break
        elif inside:
            rows.append(Row(line.split("|", 1)[0].strip(), line))
    return rows


def failure_row(job: ProwJob) -> Row:
    """The row of a run that failed."""
    required = "false" if job.optional else "true"
    link = f"[link]({job.url})" if job.url else ""
    text = f"{job.context} | {job.head_sha} | {link} | {required} | `{job.rerun_command}`"
    return Row(job.context, text)


def comment_rows(earlier: Iterable[str], job: ProwJob) -> list[Row]:
    """The table after this run: older rows of other contexts, and this one's if it failed (`report.go:235-300`)."""
    rows: dict[str, Row] = {}
    for body in earlier:
        for row in parse_rows(body):
            rows.pop(row.context, None)
            rows[row.context] = row
    rows.pop(job.context, None)
    if job.state is State.FAILURE:
        rows[job.context] = failure_row(job)
    return list(rows.values())


def failure_comment(author: str, rows: list[Row], report: str = "") -> str:
    """The comment that says what failed and how to run it again (`report.go:336-365`).

    `report` is what the configuration's report template adds.
    """
    plural = "s" if len(rows) > 1 else ""
    lead = (
        f"@{author}: The following test{plural} **failed**, say `/retest` to rerun all failed tests "
        "or `/retest-required` to rerun all mandatory failed tests:"
    )
    about = "<details>\n\nReported by Prowless. Comment `/test ?` to see what can be run here.\n\n</details>"
    added = ["", report] if report else []
    return "\n".join([lead, "", *_HEADER, *(row.text for row in rows), *added, "", about, REPORT_MARKER])
