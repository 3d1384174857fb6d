"""What a user can type while the stack runs: the few things that people do on GitHub."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from prowless_local.sample import BROKEN, REPOSITORY, USER, repository_files

if TYPE_CHECKING:
    from typing import TextIO

    from prowless_local.screen import Screen
    from prowless_local.stack import Stack

HELP = (
    f"Type: pull (open one in {REPOSITORY} as {USER}), break, fix, comment TEXT (say `comment /test all`), merge, "
    "close, tick (let periodics come due), quit"
)


class Console:
    """Acts on the newest pull request of the sample repository."""

    def __init__(self, stack: Stack, screen: Screen) -> None:
        """Commands need the embedded GitHub; without it there is only waiting."""
        self._stack = stack
        self._screen = screen
        self._opened = 0

    def run(self, lines: TextIO) -> None:
        """Obey until `quit`; where nobody can type, wait to be stopped."""
        if self._stack.github is None or not lines.isatty():
            threading.Event().wait()
            return
        self._screen.note(HELP)
        for line in lines:
            command, _, text = line.strip().partition(" ")
            if command in {"quit", "exit"}:
                return
            if command:
                self.obey(command, text)

    def obey(self, command: str, text: str = "") -> None:
        """Carry out one command; what is wrong with it is said, not raised."""
        try:
            self._act(command, text)
        except (KeyError, ValueError) as error:
            self._screen.note(f"that does not work: {error.args[0] if error.args else error}")

    def _act(self, command: str, text: str) -> None:
        github = self._stack.github
        if github is None:
            raise ValueError("there is no embedded GitHub")
        match command:
            case "pull":
                self._opened += 1
                readme = {"README.md": f"# calculator\n\nTry {self._opened}.\n"}
                number = github.open_pull(REPOSITORY, f"try-{self._opened}", readme, f"Try {self._opened}", USER)
                self._screen.step(f"{USER} opened {REPOSITORY}#{number}: {github.url}/{REPOSITORY}/pull/{number}")
            case "break":
                github.push_to_pull(REPOSITORY, self._newest(), {"calculator.py": BROKEN}, "Simplify")
            case "fix":
                fixed = {"calculator.py": repository_files()["calculator.py"]}
                github.push_to_pull(REPOSITORY, self._newest(), fixed, "Fix add")
            case "comment" if text:
                github.comment(REPOSITORY, self._newest(), text, USER)
            case "merge":
                github.merge(REPOSITORY, self._newest(), by=USER)
            case "close":
                github.close_pull(REPOSITORY, self._newest(), by=USER)
            case "tick":
                self._stack.aws.tick("periodics")
            case _:
                self._screen.note(HELP)

    def _newest(self) -> int:
        github = self._stack.github
        pulls = [pull.number for pull in github.pulls(REPOSITORY) if pull.state == "open"] if github else []
        if not pulls:
            raise ValueError("no pull request is open; type `pull`")
        return max(pulls)
