"""What a template refers to, compared with the fields of a ProwJob; and the ProwJob that templates see."""

from dataclasses import replace

import pytest

from prowless.domain.gotemplate import TemplateError, execute, parse
from prowless.domain.gotemplate.fields import unknown_fields
from prowless.domain.prowjob import ProwJobSpec, State, header
from prowless.domain.prowjob_template import MAX_STRANGERS_TEXT, PROWJOB, job_url, report_text
from prowless.domain.refs import JobType, Pull, Refs

PULL = Pull(number=12, sha="f" * 40, author="ann", title="fix\nit" + "x" * 400, head_ref="topic")
REFS = Refs(org="acme", repo="app", base_ref="main", base_sha="0" * 40, pulls=(PULL,))
SPEC = ProwJobSpec(
    type=JobType.PRESUBMIT,
    job="unit",
    refs=REFS,
    extra_refs=(Refs(org="acme", repo="lib"),),
    labels={"team": "a"},
    annotations={"owner": "b"},
)
JOB = replace(
    header(SPEC, prowjob="id", build_id="7", cause="c", delivery="", created_at=1_767_268_800_000),
    state=State.FAILURE,
    url="https://x/y",
)


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("{{.Spec.Jop}}", "1: can't evaluate field Jop in type v1.ProwJobSpec"),
        (
            "\n{{if .Spec.Refs}}{{.Spec.Refs.Organisation}}{{end}}",
            "2: can't evaluate field Organisation in type *v1.Refs",
        ),
        ("{{with .Spec.Refs}}{{.Orgg}}{{end}}", "1: can't evaluate field Orgg in type *v1.Refs"),
        ("{{with index .Spec.Refs.Pulls 0}}{{.Numbr}}{{end}}", "1: can't evaluate field Numbr in type v1.Pull"),
        ("{{(index .Spec.Refs.Pulls 0).Numbr}}", "1: can't evaluate field Numbr in type v1.Pull"),
        ("{{range .Spec.Refs.Pulls}}{{.Numbr}}{{end}}", "1: can't evaluate field Numbr in type v1.Pull"),
        ("{{range $i, $p := .Spec.Refs.Pulls}}{{$p.Numbr}}{{end}}", "1: can't evaluate field Numbr in type v1.Pull"),
        ("{{$r := .Spec.Refs}}{{$r.Numbr}}", "1: can't evaluate field Numbr in type *v1.Refs"),
        ("{{range .Spec.ExtraRefs}}{{$.Speck}}{{else}}x{{end}}", "1: can't evaluate field Speck in type *v1.ProwJob"),
        ('{{printf "%s" .Speck}}', "1: can't evaluate field Speck in type *v1.ProwJob"),
        ("{{.Spec.Job | print .Speck}}", "1: can't evaluate field Speck in type *v1.ProwJob"),
        ("{{if eq (print .Speck) `x`}}{{end}}", "1: can't evaluate field Speck in type *v1.ProwJob"),
        ("{{template `x` .Speck}}{{define `x`}}{{.Any}}{{end}}", "1: can't evaluate field Speck in type *v1.ProwJob"),
        ("{{define `x`}}{{end}}{{.Speck}}{{.Speck}}", "1: can't evaluate field Speck in type *v1.ProwJob"),
    ],
)
def test_a_field_that_no_prowjob_has_is_named_once_in_whatever_branch(text, unknown):
    assert unknown_fields(parse("T", text), PROWJOB) == [f"template: T:{unknown}"]


@pytest.mark.parametrize(
    "text",
    [
        "{{.Spec.Job}} {{.Status.JenkinsBuildID}} {{.Name}} {{.ObjectMeta.Name}} {{.Labels.anything}}",
        "{{.Spec.DecorationConfig.Timeout.Duration}}",  # known to be there, and not what is in it
        "{{with .Labels}}{{.x}}{{end}}{{with 1}}{{.}}{{end}}{{range .Labels}}{{.X}}{{end}}",
        "{{$x := 1}}{{$x}}{{nil | print}}{{template `x`}}{{define `x`}}{{.Anything}}{{end}}",
        "{{with $p := .Spec.Refs}}{{$p.Org}}{{end}}{{(index .Labels `a`).B}}",
    ],
)
def test_fields_that_are_there_or_cannot_be_known_are_not_named(text):
    if "nil |" in text:
        text = text.replace("{{nil | print}}", "{{print nil}}")
    assert unknown_fields(parse("T", text), PROWJOB) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{.Spec.Type}} {{.Spec.Job}} {{.Status.State}} {{.Status.BuildID}}", "presubmit unit failure 7"),
        ("{{with index .Spec.Refs.Pulls 0}}{{.Number}} {{.Author}} {{.SHA}}{{end}}", f"12 ann {'f' * 40}"),
        ("{{.Labels.team}} {{index .Labels `prow.k8s.io/type`}} {{.Annotations.owner}}", "a presubmit b"),
        ("{{range .Spec.ExtraRefs}}{{.Repo}}{{end}}", "lib"),
        ("{{.Status.StartTime}} {{.Status.CompletionTime}}", "2026-01-01 12:00:00 +0000 UTC <no value>"),
        ("{{.Status.PodRevivalCount}} {{.Spec.Hidden}} {{.TypeMeta.Kind}} {{.Kind}}", "0 false  ProwJob"),
    ],
)
def test_a_run_as_templates_see_it(text, expected):
    assert report_text(text, SPEC, JOB) == expected


def test_a_title_that_a_stranger_chose_is_one_bounded_line():
    title = report_text("{{with index .Spec.Refs.Pulls 0}}{{.Title}}{{end}}", SPEC, JOB)
    assert len(title) == MAX_STRANGERS_TEXT
    assert title.startswith("fix\ufffdit")


def test_an_address_is_checked():
    assert job_url(" https://x/{{.Spec.Job}}\n", SPEC, JOB) == "https://x/unit"
    for template in ("ftp://x", "https://x/{{.Nothing}}", "https://x y", "https://x\ny", "https://" + "x" * 2_000):
        with pytest.raises(TemplateError):
            job_url(template, SPEC, JOB)


def test_the_zero_prowjob_has_every_field():
    assert execute(parse("T", "{{.Spec.Refs}}{{.Spec.ExtraRefs}}{{.Labels}}{{.Status.State}}"), PROWJOB.record({})) == (
        "<no value>[]map[]"
    )
