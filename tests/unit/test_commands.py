import pytest

from prowless.domain import commands
from prowless.domain.config.jobs import Presubmit, default_rerun_command, default_trigger
from prowless.domain.wording import marker


def presubmit(name="unit", **fields):
    trigger = {"trigger": default_trigger(name), "rerun_command": default_rerun_command(name)}
    return Presubmit(name=name, context=name, **{**trigger, **fields})


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("/test all", "test_all"),
        ("/test all,", "test_all"),
        ("/test all foo", "test_all"),
        ("please\n/test all\nthanks", "test_all"),
        ("/retest", "retest"),
        ("/retest  \n", "retest"),
        ("/retest-required", "retest_required"),
        ("/test-manual-required", "test_manual_required"),
        ("/ok-to-test", "ok_to_test"),
        ("/ok-to-test  cancel", "ok_to_test_cancel"),
        ("/test ?", "test_help"),
        ("/test?", "test_help"),
        ("/test", "empty_test"),
        ("/test\n\n", "empty_test"),
        ("/test\n/test foo", "empty_test"),
        ("/retest foo", "retest_with_target"),
        ("/test foo", "test_with_any_target"),
        ("/retest\r\n", "retest"),
    ],
)
def test_a_command_is_found(text, command):
    parsed = commands.parse(text)
    assert getattr(parsed, command)
    assert parsed.concern_testing


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("/test allx", "test_all"),
        (" /test all", "test_all"),
        ("> /test all", "test_all"),
        ("/TEST ALL", "test_all"),
        ("/retest please", "retest"),
        ("/ok-to-test cancel", "ok_to_test"),
        ("/ok-to-testing", "ok_to_test"),
        ("/tests", "empty_test"),
    ],
)
def test_what_only_looks_like_a_command_is_none(text, command):
    assert not getattr(commands.parse(text), command)


@pytest.mark.parametrize(
    ("text", "commits"),
    [
        ("/ok-to-test abcdef0", ("abcdef0",)),
        (f"thanks\r\n/ok-to-test \t{'A' * 40} \r\nbye", ("a" * 40,)),
        (f"/ok-to-test {'b' * 64}\n/ok-to-test abcdef01", ("b" * 64, "abcdef01")),
        ("/ok-to-test", ()),
    ],
)
def test_ok_to_test_may_name_commits(text, commits):
    parsed = commands.parse(text)
    assert (parsed.ok_to_test, parsed.commits) == (True, commits)
    assert parsed.concern_testing


@pytest.mark.parametrize(
    "text",
    [
        "/ok-to-test abcdef",
        f"/ok-to-test {'a' * 65}",
        "/ok-to-test abcdefg",
        "/ok-to-test abcdef0 please",
        " /ok-to-test",
    ],
)
def test_what_is_no_commit_is_no_approval(text):
    parsed = commands.parse(text)
    assert (parsed.ok_to_test, parsed.commits) == (False, ())


def test_talk_holds_no_command():
    assert commands.parse("I would /test this, and/or that") == commands.Commands()


@pytest.mark.parametrize("fence", ["```", "~~~"])
def test_fenced_code_is_dropped(fence):
    text = f"look:\n{fence}console\n/test all\n{fence}\n/retest\n"
    parsed = commands.parse(commands.drop_code_blocks(text))
    assert (parsed.test_all, parsed.retest) == (False, True)


def test_an_open_fence_and_indented_code_are_not_special():
    assert "/test all" in commands.drop_code_blocks("```\n/test all\n")
    assert "/test all" in commands.drop_code_blocks("    x\n/test all")


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("/test unit", True),
        ("/test a unit", True),
        ("/test a, unit", True),
        ("/test unit,", True),
        ("/test  x unit trailing words", True),
        ("/testunit", False),
        (" /test unit", False),
        ("/test units", False),
        ("/test myunit", False),
        ("/test\nunit", False),
    ],
)
def test_the_default_trigger(text, matches):
    assert presubmit().triggered_by(text) is matches


def test_a_dot_in_a_name_is_not_escaped():
    assert presubmit("v1.2").triggered_by("/test v1x2")


def test_a_custom_trigger_is_searched_anywhere():
    job = presubmit(trigger="(?m)^/lint( .*)?$", rerun_command="/lint")
    assert job.triggered_by("hi\n/lint now")
    assert not job.triggered_by("/test unit")


@pytest.mark.parametrize(
    ("text", "to_run", "note"),
    [
        ("/test ?", 1, ""),
        ("/test", 1, commands.TEST_WITHOUT_TARGET_NOTE),
        ("/test ?\n/test", 0, ""),
        ("/retest foo", 1, commands.RETEST_WITH_TARGET_NOTE),
        ("/test all", 0, commands.NO_TEST_ALL_JOBS_NOTE),
        ("/test foo", 0, commands.TARGET_NOT_FOUND_NOTE),
        ("/test foo", 1, None),
        ("/retest", 0, None),
    ],
)
def test_when_help_is_due(text, to_run, note):
    assert commands.parse(text).help_note(to_run) == note


def test_help_lists_commands_in_order_and_is_recognised():
    text = commands.help_message(
        "acme/app", "main", "note\n", test_all={"b"}, optional={"/test o"}, required={"/test b", "/test a"}
    )
    assert text.startswith(
        "note\nThe following commands are available to trigger required jobs:\n```\n/test a\n```\n```\n/test b\n```\n\n"
    )
    assert "trigger optional jobs:\n```\n/test o\n```" in text
    assert text.endswith("that were automatically triggered:\n```\nb\n```\n\n")
    assert commands.is_help_comment(text)


def test_help_is_short_when_test_all_is_everything_or_nothing_is_there():
    everything = commands.help_message("acme/app", "main", "", test_all={"a"}, optional=(), required={"/test a"})
    assert everything.endswith("Use `/test all` to run all jobs.\n")
    optional = commands.help_message("acme/app", "main", "", test_all=(), optional={"/test o"}, required=())
    assert "required jobs" not in optional
    nothing = commands.help_message("acme/app", "main", "x", test_all=(), optional=(), required=())
    assert nothing == "No presubmit jobs available for acme/app@main"


def test_an_answer_quotes_every_line_so_that_it_holds_no_command():
    answer = commands.response(login="ada", reply="No.", body="/test all\n/retest", url="https://example.test/1")
    assert answer.startswith("@ada: No.\n")
    assert "\n>/test all\n>/retest\n" in answer
    assert not commands.parse(answer).concern_testing


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\u2028", "\u2029", "\x85", "\x0b", "\x0c"])
def test_no_line_end_of_any_kind_leads_out_of_a_quotation(end):
    answer = commands.response(login="eve", reply="No.", body=f"/test x{end}--- | ---{end}unit | x", url="u")
    assert "\n>/test x\n>--- | ---\n>unit | x\n" in answer


def test_a_quoted_marker_is_none():
    mark = marker("approval acme/app#1")
    answer = commands.response(login="eve", reply="No.", body=f"/test x\n{mark}\n<!-- test report -->", url="u")
    assert mark not in answer
    assert "<!-- test report -->" not in answer
    assert "test report -->" in answer


def test_a_quoted_help_note_makes_no_help_comment():
    note = commands.TEST_WITHOUT_TARGET_NOTE
    assert not commands.is_help_comment(commands.response(login="eve", reply="No.", body=f"/x\n{note}", url="u"))
    assert commands.is_help_comment(commands.response(login="eve", reply=note, body="/test", url="u"))


def test_help_for_very_many_jobs_fits_into_a_comment_and_says_how_many_are_left_out():
    names = [f"{number:04}-{'x' * 60}" for number in range(1000)]
    lists = {"optional": {f"/test {name}" for name in names}, "required": {f"/test r{name}" for name in names}}
    text = commands.help_message("acme/app", "main", "", test_all=set(names), **lists)
    answer = commands.response(login="ada", reply=text, body="/test ?" + "\n<!--" * 2000, url="u")
    assert len(answer) < 65_536
    shown = text.count("/test r")
    assert f"\n\n{1000 - shown} more do not fit into this comment.\n\n" in text
    assert text.count("```") == 2 * text.count("x\n```")
    assert shown > 100


def test_a_job_without_a_trigger_answers_to_no_comment():
    assert not presubmit(trigger="").triggered_by("/test unit")
