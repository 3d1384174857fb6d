"""A decision's reason names the values that were compared, in bounded and printable words."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prowless.domain import filters, wording
from prowless.domain.changes import Changes
from prowless.domain.config.jobs import Postsubmit, Presubmit
from prowless.domain.trust import TrustOptions, distrust

JOB = Presubmit(name="unit", rerun_command="/test unit", trigger=r"(?m)^/test unit$", context="ci/unit")
AUTOMATIC = [filters.test_all_filter]
FILES = ("a.py", "b.py", "c.py")


def presubmit_reason(job, chosen=AUTOMATIC, branch="main", files=FILES):
    choice = filters.select(job, chosen, branch, Changes(lambda: files, [job], branch))
    return choice.run, choice.rule, choice.reason


def postsubmit_choice(fields, files):
    job = Postsubmit(name="p", **fields)
    return filters.postsubmit_choice(job, "main", Changes(lambda: files, [job], "main"))


@pytest.mark.parametrize(
    ("fields", "files", "wanted"),
    [
        (
            {"run_if_changed": "^docs/"},
            FILES,
            (False, "run_if_changed", "run_if_changed ^docs/ matches none of 3 changed files (a.py, b.py, c.py)"),
        ),
        (
            {"run_if_changed": "^docs/"},
            ("a.py", "docs/x.md"),
            (True, "run_if_changed", "run_if_changed ^docs/ matches docs/x.md (2 changed files)"),
        ),
        (
            {"skip_if_only_changed": r"\.md$"},
            ("x.md",),
            (False, "skip_if_only_changed", r"skip_if_only_changed \.md$ matches all of 1 changed file (x.md)"),
        ),
        (
            {"skip_if_only_changed": r"\.md$"},
            ("x.md", "a.py"),
            (True, "skip_if_only_changed", r"skip_if_only_changed \.md$ does not match a.py (2 changed files)"),
        ),
        ({"run_if_changed": "."}, (), (False, "run_if_changed", "run_if_changed ., and no file changed")),
        (
            {"run_if_changed": "x"},
            None,
            (
                True,
                "run_if_changed",
                "the changed files could not be determined, so run_if_changed x does not keep it",
            ),
        ),
    ],
)
def test_changed_files_are_named_with_the_pattern(fields, files, wanted):
    assert presubmit_reason(replace(JOB, **fields), files=files) == wanted
    postsubmit = postsubmit_choice(fields, files)
    assert (postsubmit.run, postsubmit.rule, postsubmit.reason) == wanted


def test_more_files_than_three_are_counted():
    job = replace(JOB, run_if_changed="^docs/")
    _, _, reason = presubmit_reason(job, files=tuple(f"{number}.py" for number in range(9)))
    assert reason == "run_if_changed ^docs/ matches none of 9 changed files (0.py, 1.py, 2.py, …)"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"branches": ("^main$",)}, "branches ^main$ does not match release-1.2"),
        ({"branches": ("^main$", "^dev$")}, "branches ^main$|^dev$ does not match release-1.2"),
        ({"skip_branches": ("^release",)}, "skip_branches ^release matches release-1.2"),
        ({"branches": ("rel",), "skip_branches": ("^release",)}, "skip_branches ^release matches release-1.2"),
        ({"branches": ("^main$",), "skip_branches": ("^old",)}, "branches ^main$ does not match release-1.2"),
    ],
)
def test_the_list_that_keeps_a_branch_out_is_named(fields, reason):
    job = replace(JOB, always_run=True, **fields)
    assert presubmit_reason(job, branch="release-1.2") == (False, "branches", reason)


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({}, (True, "always_run is not false, and it names no branches")),
        ({"branches": ("^main$",)}, (True, "always_run is not false, and branches ^main$ let main through")),
        ({"always_run": False}, (False, "always_run is false, and no rule for changed files is set")),
    ],
)
def test_a_postsubmit_says_why_it_runs_on_a_push(fields, wanted):
    choice = postsubmit_choice(fields, ())
    assert (choice.run, choice.reason) == wanted


def test_an_automatic_job_runs_because_of_always_run():
    assert presubmit_reason(replace(JOB, always_run=True)) == (True, "test-all", "always_run is true")


def test_a_job_that_waits_for_a_command_names_it():
    run, rule, reason = presubmit_reason(JOB)
    assert (run, rule) == (False, "manual")
    assert reason == ("it starts by command only (/test unit): always_run is false, no rule for changed files is set")


@pytest.mark.parametrize(
    ("text", "always_run", "wanted"),
    [
        ("/test unit", False, (True, "trigger", "the comment matches its trigger (/test unit)")),
        ("/test unit", True, (True, "trigger", "the comment matches its trigger (/test unit)")),
        ("/test other", False, (False, "manual", "the comment does not match its trigger (/test unit)")),
        ("/test other", True, (False, "command", "the comment does not match its trigger (/test unit)")),
    ],
)
def test_a_comment_is_compared_with_the_trigger(text, always_run, wanted):
    assert presubmit_reason(replace(JOB, always_run=always_run), [filters.command_filter(text)]) == wanted


@pytest.mark.parametrize(
    ("fields", "states", "wanted"),
    [
        ({}, {"ci/unit": "failure"}, (True, "retest", "its context ci/unit is failure")),
        (
            {"always_run": True},
            {},
            (True, "retest", "always_run is true; its context ci/unit has no status yet"),
        ),
        (
            {},
            {"ci/unit": "success"},
            (
                False,
                "manual",
                "its context ci/unit is success, and /retest runs what failed, and automatic jobs without a status",
            ),
        ),
    ],
)
def test_a_retest_names_the_state_of_the_context(fields, states, wanted):
    assert presubmit_reason(replace(JOB, **fields), [filters.retest_filter(states)]) == wanted


@pytest.mark.parametrize(
    ("chosen", "fields", "reason"),
    [
        (
            filters.retest_filter({}, required_only=True),
            {"optional": True},
            "optional is true, and /retest-required runs required jobs",
        ),
        (
            filters.manual_required_filter,
            {"optional": True},
            "optional is true, and /test-manual-required runs required jobs",
        ),
        (
            filters.manual_required_filter,
            {"always_run": True},
            "it starts without a command, and /test-manual-required runs the others",
        ),
    ],
)
def test_what_a_command_leaves_out_is_said(chosen, fields, reason):
    run, _, said = presubmit_reason(replace(JOB, **fields), [chosen])
    assert (run, said) == (False, reason)


@pytest.mark.parametrize("chosen", [AUTOMATIC, [filters.command_filter("/test other")], [filters.retest_filter({})]])
def test_a_job_of_another_branch_says_so_and_suggests_no_command(chosen):
    job = replace(JOB, branches=("release-29.0",), optional=True)
    wanted = (False, "branches", "branches release-29.0 does not match main")
    assert presubmit_reason(job, chosen) == wanted


def test_several_commands_of_a_comment_each_say_why_not():
    chosen = [filters.command_filter("/retest"), filters.retest_filter({"ci/unit": "pending"})]
    _, _, reason = presubmit_reason(JOB, chosen)
    assert reason.startswith("the comment does not match its trigger (/test unit); its context ci/unit is pending")


@pytest.mark.parametrize(
    ("options", "user", "words"),
    [
        ({}, "eve", "eve is no member of acme and no collaborator of acme/app"),
        ({}, "", "an account that is gone is no member of acme and no collaborator of acme/app"),
        ({"only_org_members": True}, "eve", "eve is no member of acme (only_org_members is true)"),
        ({"trusted_org": "more"}, "eve", "eve is no member of acme or more and no collaborator of acme/app"),
        (
            {"trusted_apps": ("renovate",)},
            "eve[bot]",
            "eve[bot] is no member of acme and no collaborator of acme/app and not one of trusted_apps (renovate)",
        ),
        (
            {},
            "eve[bot]",
            "eve[bot] is no member of acme and no collaborator of acme/app and not one of trusted_apps (none)",
        ),
    ],
)
def test_who_is_not_trusted_learns_what_he_is_not(options, user, words):
    assert distrust(TrustOptions(**options), "acme/app", user) == words


@given(st.text(), st.integers(min_value=1, max_value=100))
def test_shown_text_prints_and_is_bounded(text, limit):
    shown = wording.shown(text, limit)
    assert shown.isprintable()
    assert len(shown) <= limit
    assert shown == text or not text.isprintable() or len(text) > limit


@given(st.lists(st.text(max_size=2000), max_size=6), st.text(max_size=2000))
def test_a_reason_is_bounded_and_prints_whatever_the_names_are(files, branch):
    job = replace(JOB, run_if_changed="^docs/\x1b\x9b" + "x" * 600, branches=("^[^z]*$",))
    _, _, reason = presubmit_reason(job, branch=branch, files=tuple(files))
    assert reason.isprintable()
    assert len(reason) <= 500
