"""The command grammar, line by line: what a comment asks for is what its lines ask for, and talk asks for nothing."""

import re

from hypothesis import given
from hypothesis import strategies as st

from prowless.domain import commands

LINES = {
    "/test all": {"test_all", "test_with_any_target", "any_test"},
    "/test all, please": {"test_all", "test_with_any_target", "any_test"},
    "/test unit": {"test_with_any_target", "any_test"},
    "/test": {"empty_test", "any_test"},
    "/test ?": {"test_help", "test_with_any_target", "any_test"},
    "/retest": {"retest", "any_test"},
    "/retest unit": {"retest_with_target", "any_test"},
    "/retest-required": {"retest_required", "any_test"},
    "/test-manual-required": {"test_manual_required", "any_test"},
    "/ok-to-test": {"ok_to_test"},
    "/ok-to-test cancel": {"ok_to_test_cancel"},
}
FLAGS = [name for name in commands.Commands.__dataclass_fields__ if name != "commits"]
TALK = st.text("ab/ ?-`", max_size=12).map(lambda text: f"x{text}")  # begins with no slash and is not empty
LINE = st.sampled_from(sorted(LINES)) | TALK


def asked(text):
    found = commands.parse(text)
    return {name for name in FLAGS if getattr(found, name)}


@given(st.lists(LINE, max_size=6), st.sampled_from(["\n", "\r\n", "\n\n"]))
def test_a_comment_asks_for_what_its_lines_ask_for(lines, end):
    # An empty line would belong to a command above it, whose `\s*` crosses line ends: the lines here are not empty.
    assert asked(end.join(lines)) == {name for line in lines for name in LINES.get(line, ())}


@given(st.lists(LINE, min_size=1, max_size=6), st.sampled_from(["> ", " ", "- ", "x"]))
def test_a_quoted_or_indented_comment_asks_for_nothing(lines, before):
    assert asked("\n".join(f"{before}{line}" for line in lines)) == set()


@given(st.lists(LINE, max_size=4), st.sampled_from(["```", "~~~"]))
def test_a_fenced_comment_asks_for_nothing(lines, fence):
    text = "\n".join([fence, *(line.replace("`", "") for line in lines), fence])
    assert asked(commands.drop_code_blocks(text)) == set()


@given(st.text("/testrok- ?al\n\r`~>\ud800", max_size=60))
def test_any_text_is_an_answer(text):
    found = commands.parse(commands.drop_code_blocks(text))
    assert found.help_note(1) is None or found.any_test


CODE_BLOCK = re.compile(r"(?ms)^```.*?(\n```\n|\n```$)|^~~~.*?(\n~~~\n|\n~~~$)")
"""Prow's, of `pkg/markdown/code_block.go`."""

LINES_OF_CODE = ["```", "~~~", "```go", "~~~x", " ```", "````", "```\r", "/test all", ""]


@given(st.lists(st.sampled_from(LINES_OF_CODE), max_size=10).map("\n".join))
def test_code_blocks_are_what_prows_expression_matches(text):
    assert commands.drop_code_blocks(text) == CODE_BLOCK.sub("", text)
