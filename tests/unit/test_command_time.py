"""Anybody may comment, before any trust: no comment of GitHub's size may keep the grammar of a command busy."""

import time

import pytest

from prowless.domain import commands, plugins
from tests.unit.test_commands import presubmit

SIZE = 1 << 16
"""GitHub's limit for a comment, in characters."""

SECONDS = 2
"""Of the processor. Linear grammars take a tenth of it; a quadratic one takes minutes."""

WORDS = ["/test", "/retest", "/ok-to-test", *sorted({command.name for command in plugins.COMMANDS})]
FILLINGS = [" ", " \t", "/", '"', '" "', "\r", " \r", "a ", "a,", "\n"]
ENDS = ["", "\rx", '"']


def read(text):
    outside = commands.drop_code_blocks(text)
    return commands.parse(outside), plugins.parse(text, outside), presubmit().triggered_by(text)


@pytest.mark.parametrize("word", WORDS)
def test_a_command_with_a_long_tail_is_read_in_linear_time(word):
    for filling in FILLINGS:
        for end in ENDS:
            text = f"{word} {filling * (SIZE // len(filling))}"[: SIZE - len(end)] + end
            started = time.process_time()
            read(text)
            spent = time.process_time() - started
            assert spent < SECONDS, f"{word}, {filling!r} and {end!r} take {spent:.1f} s"


@pytest.mark.parametrize(
    "piece", ["/explain\n", "/retest \n", "/ok-to-test 0\n", "~~~x\n```\n```\n", "```\n~~~\n", "```"]
)
def test_many_lines_are_read_in_linear_time(piece):
    started = time.process_time()
    read(piece * (SIZE // len(piece)))
    assert time.process_time() - started < SECONDS


@pytest.mark.parametrize("word", ["/explain", "/cancel"])
@pytest.mark.parametrize(("tail", "names"), [("", ()), (" ", ()), (" \t a,b \r", ("a", "b")), ("\ta", ("a",))])
def test_blanks_before_names_do_not_count(word, tail, names):
    ((command, wanted),) = plugins.parse(f"{word}{tail}", f"{word}{tail}").found
    assert command.name == word
    assert wanted == (names or (("all",) if word == "/cancel" else ()))


def test_a_command_is_a_whole_line():
    assert not plugins.parse("/explain \rx", "/explain \rx")
