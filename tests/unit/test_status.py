import pytest
from hypothesis import given
from hypothesis import strategies as st

from prowless.domain import status
from prowless.domain.prowjob import ProwJob, State
from prowless.domain.refs import JobType

BASE = "b" * 40


def run(state: State = State.FAILURE, **changes: object) -> ProwJob:
    values = {
        "id": "x", "type": JobType.PRESUBMIT, "job": "unit", "context": "unit", "org": "acme", "repo": "app", "pull": 7,
        "head_sha": "h" * 40, "base_sha": BASE, "author": "ada", "rerun_command": "/test unit", "url": "https://ci/1",
        "build_id": "1", "created_at": 1, "state": state,
    }  # fmt: skip
    return ProwJob(**{**values, **changes})


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (State.TRIGGERED, "pending"),
        (State.PENDING, "pending"),
        (State.SUCCESS, "success"),
        (State.FAILURE, "failure"),
        (State.ABORTED, "failure"),
        (State.ERROR, "error"),
    ],
)
def test_each_state_has_prows_github_state(state, expected):
    assert status.github_state(state) == expected


def test_the_base_sha_stands_at_the_end_after_prows_padding():
    text = status.description("Job succeeded.", BASE)
    assert text == "Job succeeded." + "\u2001" * 20 + " BaseSHA:" + BASE
    assert len(text.encode()) == 123


def test_a_run_without_a_base_has_the_text_alone():
    assert status.description("Job succeeded.", "") == "Job succeeded."


def test_texts_of_89_and_90_bytes_are_elided_although_they_would_fit():
    assert " ... " in status.description("x" * 89, BASE)
    assert " ... " in status.description("x" * 90, BASE)
    assert " ... " not in status.description("x" * 91, BASE)
    assert " ... " not in status.description("x" * 88, BASE)


@given(st.text(max_size=300))
def test_a_description_never_passes_githubs_limit_and_keeps_the_base(text):
    described = status.description(text, BASE)
    assert len(described.encode()) <= 140
    assert described.endswith(" BaseSHA:" + BASE)


def test_a_cut_never_splits_a_character():
    assert status.truncate("ä" * 100, 20) == "äää ... äää"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"report": False}, False),
        ({"type": JobType.PERIODIC}, False),
        ({"type": JobType.BATCH, "pull": 0, "head_sha": ""}, False),
        ({"type": JobType.BATCH, "pull": 0}, True),
        ({"type": JobType.POSTSUBMIT, "pull": 0, "head_sha": ""}, True),
        ({"context": ""}, False),
    ],
)
def test_presubmits_postsubmits_and_merge_groups_that_report_have_a_status(changes, expected):
    assert status.reportable(run(**changes)) is expected


def test_a_failure_adds_its_row_with_the_command_that_reruns_it():
    [row] = status.comment_rows([], run())
    assert row.text == f"unit | {'h' * 40} | [link](https://ci/1) | true | `/test unit`"


def test_only_a_failure_gets_a_row_as_in_prow():
    for state in (State.SUCCESS, State.ABORTED, State.ERROR):
        assert status.comment_rows([], run(state)) == []


def test_rows_of_earlier_comments_stay_and_the_same_context_is_replaced():
    other = status.failure_comment("ada", [status.failure_row(run(context="lint", rerun_command="/test lint"))])
    old = status.failure_comment("ada", [status.failure_row(run(head_sha="0" * 40))])
    rows = status.comment_rows([other, old], run())
    assert [row.context for row in rows] == ["lint", "unit"]
    assert "h" * 40 in rows[1].text
    assert status.comment_rows([other, old], run(State.SUCCESS)) == rows[:1]


def test_a_table_may_be_the_end_of_a_comment():
    assert status.parse_rows("Test name\n--- | ---\nunit | x") == [status.Row("unit", "unit | x")]


@pytest.mark.parametrize("end", ["\r", "\u2028", "\x85", "\x0b"])
def test_only_a_line_feed_ends_a_row(end):
    body = f"words{end}--- | ---{end}unit | x"
    assert status.parse_rows(body) == []
    assert status.parse_rows("--- | ---\r\nunit | x\r\n\r\nno | row") == [status.Row("unit", "unit | x")]


def test_the_comment_says_how_to_retest_and_carries_prows_marker():
    one = status.failure_comment("ada", [status.failure_row(run())])
    assert one.startswith("@ada: The following test **failed**, say `/retest` to rerun all failed tests")
    assert one.endswith("<!-- test report -->")
    assert "Test name | Commit | Details | Required | Rerun command" in one
    two = status.failure_comment("ada", [status.failure_row(run()), status.failure_row(run(context="lint"))])
    assert "The following tests **failed**" in two


def test_an_optional_job_is_not_required():
    assert "| false |" in status.failure_row(run(optional=True)).text
