"""Templates of the configuration: refused in Prow's words where Prow refuses them, at their line."""

import pytest

from tests.unit.config_texts import central, compiled, problems
from tests.unit.test_config_lint import linted, periodic


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        (
            "plank:\n  job_url_template: 'https://x/{{.Spec.Job'\n",
            "config.yaml:2: validating plank config: parsing template: template: JobURL:1: unclosed action",
        ),
        (
            "plank:\n  report_templates:\n    acme: '{{end}}'\n",
            (
                "config.yaml:2: validating plank config: error while parsing template for acme: "
                "template: Report:1: unexpected {{end}}"
            ),
        ),
        (
            "plank: {report_template: '{{foo}}'}\n",
            (
                "config.yaml:1: validating plank config: error while parsing template for *: "
                'template: Report:1: function "foo" not defined'
            ),
        ),
        (
            "slack_reporter_configs:\n  '*': {channel: c, report_template: '{{'}\n",
            (
                "config.yaml:2: failed to validate slackreporter config: failed to parse template: "
                "template: :1: unclosed action"
            ),
        ),
        (
            "slack_reporter_configs:\n  '*': {report_template: x}\n",
            "config.yaml:2: failed to validate slackreporter config: channel must be set",
        ),
    ],
)
def test_a_template_that_prow_refuses_is_refused_with_its_line(config, problem):
    assert problems(compiled, config=config) == (problem,)


@pytest.mark.parametrize(
    ("config", "warning"),
    [
        (
            "plank:\n  job_url_template: '{{.Spec.Jop}}'\n",
            "config.yaml:2: template: JobURL:1: can't evaluate field Jop in type v1.ProwJobSpec",
        ),
        (
            "slack_reporter_configs: {'*': {channel: c, report_template: '{{.Spec.Refs.Org}}'}}\n",
            "config.yaml:1: failed to execute report_template: template: :1: executing: nil pointer evaluating Org",
        ),
        (
            "slack_reporter_configs: {'*': {channel: c, report_template: '{{.Speck}}'}}\n",
            "config.yaml:1: template: :1: can't evaluate field Speck in type *v1.ProwJob",
        ),
    ],
)
def test_what_prow_finds_out_when_it_reports_is_a_warning(config, warning):
    assert linted(periodic(), config)["report-templates"] == warning


def test_the_report_template_of_a_job_is_checked_as_well():
    slack = "decorate: true, reporter_config: {slack: {report_template: '{{.Status.Url}}'}}"
    assert linted(periodic(slack))["report-templates"] == (
        "jobs.yaml:2: job a: reporter_config.slack.report_template: "
        "template: :1: can't evaluate field Url in type v1.ProwJobStatus"
    )
    assert linted(periodic(slack.replace(".Status.Url", "")))["report-templates"].endswith("missing value for command")
    for fine in ("{slack: {report_template: '{{.Status.URL}}'}}", "{slack: {report: true}}"):
        assert "report-templates" not in linted(periodic(f"decorate: true, reporter_config: {fine}"))


def test_templates_are_kept_by_repository_and_organisation():
    templates = "{'*': all, acme: org, acme/app: repo, other/app: ''}"
    found = central(compiled(config=f"plank: {{report_templates: {templates}}}"))
    named = ["acme/app", "acme/x", "other/app", "other/x"]
    assert [found.report_template(name) for name in named] == ["repo", "org", "", "all"]
    assert central(compiled()).report_template("acme/app") == ""


def test_all_slack_templates_of_a_configuration_are_tried_within_one_budget():
    costly, wrong = "{{range 8000}}{{end}}", "{{.Spec.Refs.Org}}"

    def warned(first):
        templates = {"a/a": first, "a/b": first, "a/c": wrong}
        lines = "".join(f"  {key}: {{channel: c, report_template: '{text}'}}\n" for key, text in templates.items())
        return "report-templates" in linted(periodic(), f"slack_reporter_configs:\n{lines}")

    assert warned("{{range 8}}{{end}}")
    assert not warned(costly)
