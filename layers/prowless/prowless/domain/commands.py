"""Commands in comments: Prow's expressions verbatim (`pkg/pjutil/filter.go:28-44`, `pkg/pjutil/help.go:27-33`)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from prowless.domain.regex import compile_regex
from prowless.domain.wording import uncommented

if TYPE_CHECKING:
    from collections.abc import Collection

TEST_ALL = compile_regex(r"(?m)^/test all,?($|\s.*)")
RETEST = compile_regex(r"(?m)^/retest\s*$")
RETEST_REQUIRED = compile_regex(r"(?m)^/retest-required\s*$")
TEST_MANUAL_REQUIRED = compile_regex(r"(?m)^/test-manual-required\s*$")
OK_TO_TEST = compile_regex(r"(?m)^/ok-to-test\s*$")
OK_TO_TEST_CANCEL = compile_regex(r"(?m)^/ok-to-test\s+cancel\s*$")
_OK_TO_TEST_COMMIT = re.compile(r"(?m)^/ok-to-test[ \t]+([0-9a-fA-F]{7,64})[ \t\r]*$")
"""Ours: an approval that names its commit. Prow takes such a line for no command."""

TEST_HELP = compile_regex(r"(?m)^/test[ \t]*\?\s*$")
EMPTY_TEST = compile_regex(r"(?m)^/test\s*$")
RETEST_WITH_TARGET = compile_regex(r"(?m)^/retest[ \t]+\S+")
TEST_WITH_ANY_TARGET = compile_regex(r"(?m)^/test[ \t]+\S+")
ANY_TEST = compile_regex(r"(?m)^/(?:re)?test\b")
_FENCES = ("```", "~~~")

TEST_WITHOUT_TARGET_NOTE = "The `/test` command needs one or more targets.\n"
RETEST_WITH_TARGET_NOTE = "The `/retest` command does not accept any targets.\n"
TARGET_NOT_FOUND_NOTE = "The specified target(s) for `/test` were not found.\n"
NO_TEST_ALL_JOBS_NOTE = "No jobs can be run with `/test all`.\n"
_REQUIRED_NOTE = "The following commands are available to trigger required jobs:"
_OPTIONAL_NOTE = "The following commands are available to trigger optional jobs:"
_HELP_NOTES = (
    TEST_WITHOUT_TARGET_NOTE,
    RETEST_WITH_TARGET_NOTE,
    TARGET_NOT_FOUND_NOTE,
    NO_TEST_ALL_JOBS_NOTE,
    _REQUIRED_NOTE,
    _OPTIONAL_NOTE,
)
_MOST_COMMITS = 10
_QUOTATION = "\n\n<details>\n\nIn response to "
_QUOTED = 4_000
"""Characters of a comment that an answer quotes."""

_LISTED = 48_000
"""Characters of the lists in a help comment: with the quotation, GitHub's 65,536 suffice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commands:
    """Which of the commands with a fixed text a comment holds; jobs' own triggers are matched by job.

    `commits` are those that an `/ok-to-test` names, full or abbreviated.
    """

    test_all: bool = False
    retest: bool = False
    retest_required: bool = False
    test_manual_required: bool = False
    ok_to_test: bool = False
    ok_to_test_cancel: bool = False
    test_help: bool = False
    empty_test: bool = False
    retest_with_target: bool = False
    test_with_any_target: bool = False
    any_test: bool = False
    commits: tuple[str, ...] = ()

    @property
    def concern_testing(self) -> bool:
        """Whether the comment speaks to us at all (`pkg/plugins/trigger/generic-comment.go:216-233`)."""
        return (
            self.retest
            or self.retest_required
            or self.test_manual_required
            or self.ok_to_test
            or self.ok_to_test_cancel
            or self.test_all
            or self.empty_test
            or self.retest_with_target
            or self.test_with_any_target
            or self.test_help
        )

    def help_note(self, to_run: int) -> str | None:
        """The note that heads a help comment, or None if no help is due (`pkg/pjutil/help.go:51-66`).

        Args:
            to_run: how many jobs the comment selected. With help due, none of them is run.
        """
        if self.test_help:
            return ""
        if self.empty_test:
            return TEST_WITHOUT_TARGET_NOTE
        if self.retest_with_target:
            return RETEST_WITH_TARGET_NOTE
        if to_run == 0 and self.test_all:
            return NO_TEST_ALL_JOBS_NOTE
        if to_run == 0 and self.test_with_any_target:
            return TARGET_NOT_FOUND_NOTE
        return None


_NONE = Commands()


def drop_code_blocks(text: str) -> str:
    """The text without fenced code blocks; indented code and quotations are not special.

    What `pkg/markdown/code_block.go` matches, without its search to the end of the text for each block.
    """
    if not any(fence in text for fence in _FENCES):
        return text
    lines = text.split("\n")
    last = {line: at for at, line in enumerate(lines) if line in _FENCES}
    kept: list[str] = []
    fence, end = "", -1
    for at, line in enumerate(lines):
        if fence:
            fence, end = ("", at) if line == fence else (fence, end)
        elif last.get(line[:3], -1) > at:
            fence = line[:3]
        else:
            kept.append(line)
    return "\n".join([*kept, ""] if end == len(lines) - 1 else kept)  # the line end before the last block stays


def parse(text: str) -> Commands:
    """The commands in a text; lines that do not begin with a slash hold none."""
    if "/" not in text:
        return _NONE
    commits = tuple(found.lower() for found in _OK_TO_TEST_COMMIT.findall(text)[:_MOST_COMMITS])
    return Commands(
        test_all=TEST_ALL.search(text),
        retest=RETEST.search(text),
        retest_required=RETEST_REQUIRED.search(text),
        test_manual_required=TEST_MANUAL_REQUIRED.search(text),
        ok_to_test=bool(commits) or OK_TO_TEST.search(text),
        ok_to_test_cancel=OK_TO_TEST_CANCEL.search(text),
        test_help=TEST_HELP.search(text),
        empty_test=EMPTY_TEST.search(text),
        retest_with_target=RETEST_WITH_TARGET.search(text),
        test_with_any_target=TEST_WITH_ANY_TARGET.search(text),
        any_test=ANY_TEST.search(text),
        commits=commits,
    )


def may_trigger(text: str) -> bool:
    """Whether a text could be the trigger of a job that is not known yet: a line of it begins with a slash.

    A job's trigger may be any expression, but nearly all begin with `(?m)^/`. This keeps talk from costing calls.
    """
    return text.startswith("/") or "\n/" in text


def help_message(
    repository: str,
    branch: str,
    note: str,
    *,
    test_all: Collection[str],
    optional: Collection[str],
    required: Collection[str],
) -> str:
    """The list of commands that `/test ?` asks for (`pkg/pjutil/help.go:85-121`).

    Args:
        repository: `org/repo`.
        branch: the pull's base branch.
        note: what was wrong with the command, or nothing.
        test_all: names of the jobs that `/test all` would run.
        optional: rerun commands of the optional jobs of that branch.
        required: rerun commands of the required ones.

    What does not fit into a comment of GitHub's is counted only.
    """
    if not (test_all or optional or required):
        return f"No presubmit jobs available for {repository}@{branch}"
    everything = len(test_all) == len(optional) + len(required)
    room = _LISTED // sum(map(bool, (required, optional, test_all and not everything)))
    text = note
    if required:
        text += f"{_REQUIRED_NOTE}{_blocks(required, room)}\n\n"
    if optional:
        text += f"{_OPTIONAL_NOTE}{_blocks(optional, room)}\n\n"
    if everything:
        return text + "Use `/test all` to run all jobs.\n"
    if test_all:
        names = _blocks(test_all, room)
        return f"{text}Use `/test all` to run the following jobs that were automatically triggered:{names}\n\n"
    return text


def is_help_comment(body: str) -> bool:
    """Whether a comment of ours is such a list, which the next `/test` makes obsolete."""
    return any(note in body.partition(_QUOTATION)[0] for note in _HELP_NOTES)


def response(*, login: str, reply: str, body: str, url: str) -> str:
    """An answer to a comment, with the comment quoted below it (`pkg/plugins/respond.go`).

    Whatever anybody takes for the end of a line begins a quoted one, and no marker of ours is in the quotation.
    """
    quoted = "\n".join(f">{line}" for line in uncommented(body[:_QUOTED]).splitlines())
    return f"@{login}: {reply}{_QUOTATION}[this]({url}):\n\n{quoted}\n\n</details>"


def _blocks(names: Collection[str], room: int) -> str:
    """As many names as fit into so many characters, and how many did not."""
    blocks = [f"\n```\n{name}\n```" for name in sorted(names)]
    fit = sum(end <= room for end in accumulate(map(len, blocks)))
    rest = f"\n\n{len(blocks) - fit} more do not fit into this comment." if fit < len(blocks) else ""
    return "".join(blocks[:fit]) + rest
