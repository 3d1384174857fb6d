"""What a user sees while the stack works: a live table on a terminal, one line per change elsewhere."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_STYLES = {
    "pending": ("yellow", "●"),
    "triggered": ("yellow", "○"),
    "success": ("green", "✓"),
    "failure": ("red", "✗"),
    "aborted": ("magenta", "■"),
    "error": ("red", "!"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the table: a job on a commit, and how it stands."""

    where: str
    commit: str
    job: str
    state: str
    text: str
    seconds: float


class Screen:
    """Shows lines as they change. Safe to use from several threads."""

    def __init__(self, console: Console | None = None, *, elapsed: Callable[[], float], quiet: bool = False) -> None:
        """`elapsed` gives seconds since the start; `quiet` shows nothing."""
        self.console = console or Console(highlight=False, quiet=quiet)
        self._elapsed = elapsed
        self._lines: dict[tuple[str, str, str], Line] = {}
        self._lock = threading.Lock()
        self._live = Live(console=self.console, refresh_per_second=8) if self.console.is_terminal else None

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.update(self._table(), refresh=True)
            self._live.stop()

    def step(self, text: str) -> None:
        """Say what is being done now."""
        self.console.print(Text.assemble((f"{self._elapsed():6.1f}s  ", "dim"), (text, "bold")), soft_wrap=True)

    def note(self, text: str) -> None:
        """Say something by the way."""
        self.console.print(Text(f"         {text}", style="dim"), soft_wrap=True)

    def show(self, line: Line) -> None:
        """A job's state changed."""
        key = (line.where, line.commit, line.job)
        with self._lock:
            before = self._lines.get(key)
            if before and (before.state, before.text) == (line.state, line.text):
                return
            self._lines[key] = line
            if self._live:
                self._live.update(self._table())
                return
        self.say(line)

    def end(self, lines: list[str], *, passed: bool) -> None:
        """The summary."""
        self.console.print()
        for line in lines:
            style = {"✓": "green", "✗": "bold red"}.get(line[:1], "")
            self.console.print(Text(f"  {line}", style=style), soft_wrap=True)
        self.console.print(Text("PASSED" if passed else "FAILED", style="bold green" if passed else "bold red"))

    def addresses(self, found: Mapping[str, str]) -> None:
        """Where things are."""
        self.console.print()
        width = max(len(name) for name in found)
        for name, address in found.items():
            self.console.print(Text(f"  {name:{width}}  {address}"), soft_wrap=True)

    def say(self, line: Line) -> None:
        """A job's state, in a line of its own."""
        style, sign = _STYLES.get(line.state, ("white", "·"))
        self.console.print(
            Text.assemble(
                (f"{line.seconds:6.1f}s  ", "dim"),
                (f"{sign} {line.state:9}", style),
                f" {line.where:26} {line.commit:8} {line.job:16} {line.text}",
            ),
            soft_wrap=True,
        )

    def elapsed(self) -> float:
        """Seconds since the start."""
        return self._elapsed()

    def _table(self) -> Table:
        table = Table(expand=True, box=None, padding=(0, 1))
        for name, options in (
            ("", {"width": 1}),
            ("where", {}),
            ("commit", {"style": "dim"}),
            ("job", {}),
            ("state", {}),
        ):
            table.add_column(name, no_wrap=True, **options)
        table.add_column("what GitHub shows", ratio=1, no_wrap=True, overflow="ellipsis")
        for line in self._lines.values():
            style, sign = _STYLES.get(line.state, ("white", "·"))
            table.add_row(
                Text(sign, style), line.where, line.commit, line.job, Text(line.state, style), Text(line.text, "dim")
            )
        return table
