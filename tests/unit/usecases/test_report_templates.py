"""`job_url_template` and report templates, as report executes them."""

from dataclasses import replace

import pytest

from prowless.domain.config.central import CentralConfig
from prowless.domain.prowjob import ProwJobSpec
from prowless.domain.refs import JobType
from tests.unit.config_texts import central, compiled
from tests.unit.usecases.test_report import FAILED, World

URL = (
    'https://prow.example/{{if eq .Spec.Type "presubmit"}}pr-logs/pull/{{.Spec.Refs.Org}}_{{.Spec.Refs.Repo}}'
    "/{{with index .Spec.Refs.Pulls 0}}{{.Number}}{{end}}{{else}}logs{{end}}/{{.Spec.Job}}/{{.Status.BuildID}}/"
)
HISTORY = "[PR history](https://prow.example/pr-history?pr={{with index .Spec.Refs.Pulls 0}}{{.Number}}{{end}})"


@pytest.fixture
def world():
    return World()


def configured(world, **fields):
    world.config.parts = CentralConfig(**fields)


def test_the_template_makes_the_address_of_an_undecorated_run(world):
    configured(world, job_url_template=URL, job_url_prefix_config={"*": "https://prow.example/view/"})
    world.report.pending(world.run())
    address = f"https://prow.example/pr-logs/pull/acme_app/{world.pull.number}/unit/5/"
    assert world.status().target_url == address
    assert world.prowjobs.get("x").url == address


def test_a_prefix_comes_before_the_template_if_the_run_is_decorated(world, monkeypatch):
    configured(world, job_url_template=URL, job_url_prefix_config={"*": "https://prow.example/view/"})
    real = world.runs.spec
    monkeypatch.setattr(world.runs, "spec", lambda prowjob: replace(real(prowjob), decorate=True))
    world.report.pending(world.run())
    assert world.status().target_url.startswith("https://prow.example/view/s3/")


@pytest.mark.parametrize(("option", "place"), [("", "view/s3/artifacts/"), ("Disable", "view/artifacts/")])
def test_the_storage_provider_may_be_left_out_of_addresses(world, option, place):
    plank = "job_url_prefix_config: {'*': https://prow.example/view/}"
    plank += ", jobURLPrefixDisableAppendStorageProvider: true" if option else ""
    world.config.parts = central(compiled(config=f"plank: {{{plank}}}"))
    world.report.pending(world.run())
    assert world.status().target_url.startswith(f"https://prow.example/{place}pr-logs/")


@pytest.mark.parametrize("template", ["{{.Spec.Nothing}}", "not an address", "https://x/{{", "https://x/ y"])
def test_a_template_that_fails_leaves_the_prefix(world, template, caplog):
    configured(world, job_url_template=template, job_url_prefix_config={"*": "https://prow.example/view/"})
    world.report.pending(world.run())
    assert world.status().target_url.startswith("https://prow.example/view/s3/")
    assert "job_url_template fails" in caplog.text


def test_the_report_template_of_the_most_specific_key_stands_in_the_failure_comment(world):
    templates = {"*": "everyone", "acme": "the org", "acme/app": HISTORY, "acme/other": "other"}
    configured(world, report_templates=templates)
    world.report.final(world.run(**FAILED))
    (comment,) = world.comments()
    link = f"[PR history](https://prow.example/pr-history?pr={world.pull.number})"
    assert f"`/test unit`\n\n{link}\n\n<details>" in comment


def test_a_report_template_that_fails_is_left_out(world, caplog):
    configured(world, report_templates={"*": "{{.Spec.Nothing}}"})
    world.report.final(world.run(**FAILED))
    (comment,) = world.comments()
    assert "`/test unit`\n\n<details>" in comment
    assert "the report template fails" in caplog.text


def test_a_second_failure_keeps_the_rows_of_a_comment_with_a_report(world):
    configured(world, report_templates={"*": "see | also\nthis"})
    world.report.final(world.run(**FAILED))
    world.report.final(world.run("y", "6", "lint", **FAILED))
    (comment,) = world.comments()
    assert [line.split(" ")[0] for line in comment.splitlines() if line.endswith("`")] == ["unit", "lint"]
    assert comment.count("see | also") == 1


def test_a_run_without_refs_has_none_in_the_template(world):
    configured(world, job_url_template="https://x/{{if .Spec.Refs}}refs{{else}}none{{end}}")
    spec = ProwJobSpec(type=JobType.PERIODIC, job="nightly")
    world.runs.keep_spec("p", spec)
    run = world.prowjobs.get(world.run())
    world.prowjobs.create(replace(run, id="p", type=JobType.PERIODIC, spec_digest=spec.digest(), version=0))
    world.report.pending("p")
    assert world.prowjobs.get("p").url == "https://x/none"
