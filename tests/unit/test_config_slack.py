"""`slack_reporter_configs` and `reporter_config.slack`: read, refused in Prow's words, kept."""

import pytest

from prowless.domain.config.jobs import Periodic
from prowless.domain.slack import SlackReporter
from prowless.domain.specs import periodic_spec
from tests.unit.config_texts import SPEC, central, compiled, only, presubmits, problems
from tests.unit.test_config_lint import linted, periodic

REPORTERS = """\
slack_reporter_configs:
  '*': {channel: all, job_types_to_report: [presubmit, periodic], job_states_to_report: [failure, error]}
  acme/app: {host: corp, channel: app, report_template: 'x {{.Spec.Job}}', report: false}
"""


def test_reporters_are_kept_by_repository_and_organisation():
    assert central(compiled(config=REPORTERS)).slack_reporters == {
        "*": SlackReporter(
            channel="all", job_types_to_report=("presubmit", "periodic"), job_states_to_report=("failure", "error")
        ),
        "acme/app": SlackReporter(host="corp", channel="app", report_template="x {{.Spec.Job}}", report=False),
    }
    assert central(compiled()).slack_reporters == {}


def test_the_word_of_a_job_reaches_the_spec_of_its_runs():
    slack = "{channel: ours, job_states_to_report: [], report: true}"
    job = only(presubmits(f"{{name: a, spec: {SPEC}, reporter_config: {{slack: {slack}}}}}"))
    written = {"slack": {"channel": "ours", "job_states_to_report": [], "report": True}}
    assert job.reporter_config == written
    assert periodic_spec(Periodic(name="a", reporter_config=written)).reporter_config == written


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        ("{'*': {}}", "config.yaml:1: failed to validate slackreporter config: channel must be set"),
        ("{'*': x}", "config.yaml:1: slack_reporter_configs[*]: expected a mapping, found the text 'x'"),
        ("[]", "config.yaml:1: slack_reporter_configs: expected a mapping, found a list"),
        (
            "{a: {channel: c, report: maybe}}",
            "config.yaml:1: slack_reporter_configs[a]: report: expected true or false, found the text 'maybe'",
        ),
    ],
)
def test_what_prow_refuses_is_refused_with_its_line(section, problem):
    assert problem in problems(compiled, config=f"slack_reporter_configs: {section}\n")


def test_a_job_with_another_shape_is_refused_with_its_line():
    jobs = f"{{name: a, spec: {SPEC}, reporter_config: {{slack: x}}}}"
    assert problems(presubmits, jobs) == (
        "jobs/0.yaml:3: presubmit a: reporter_config: slack: expected a mapping, found the text 'x'",
    )


def test_states_and_types_that_no_run_has_are_warned_of_with_the_nearest_one():
    config = "slack_reporter_configs:\n  '*': {channel: c, job_types_to_report: [periodics]}\n"
    assert linted(periodic(), config)["slack-reporters"] == (
        "config.yaml:2: slack_reporter_configs[*]: job_types_to_report: unknown 'periodics'; did you mean 'periodic'? "
        "(known: presubmit, postsubmit, periodic, batch)"
    )
    job = "decorate: true, reporter_config: {slack: {job_states_to_report: [failed]}}"
    assert linted(periodic(job))["slack-reporters"].startswith(
        "jobs.yaml:2: periodic a: reporter_config: slack: job_states_to_report: unknown 'failed'"
    )


def test_a_note_says_that_messages_need_a_token():
    notes = [line for line in compiled(config=REPORTERS).notes if "SlackTokenSecretArn" in line]
    assert notes == [
        (
            "config.yaml:1: slack_reporter_configs: messages are posted where the stack has a Slack token: "
            "parameter SlackTokenSecretArn"
        )
    ]
