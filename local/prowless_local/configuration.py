"""The configuration that a command is given: paths as people or Prow's checkconfig name them, read and compiled."""

from __future__ import annotations

import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from prowless.adapters.config_files import FILE_NAMES, Parts, layout, read_sources
from prowless.domain.config.compile import Compiled, compile_config
from prowless.domain.config.findings import Problems
from prowless.domain.errors import ConfigError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from prowless.domain.config.document import Sources

_MANY = 100
"""Files from which on a progress bar is worth its line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """What was read. `compiled` is None if there are errors; `problems` takes what is found out later."""

    compiled: Compiled | None
    problems: Problems
    sources: Sources

    @property
    def files(self) -> int:
        """How many files were read."""
        sources = self.sources
        documents = [sources.config, sources.plugins, sources.settings, *sources.jobs]
        return sum(document is not None for document in documents)


def named_parts(paths: Sequence[Path], options: argparse.Namespace) -> Parts:
    """The parts that a command line names.

    A folder with config.yaml, plugins.yaml, prowless.yaml or jobs/ is taken apart; another folder is a job folder; a
    file is what its name says (`config.yaml`, `_plugins.yaml`, …), else a job file.

    Raises:
        ConfigError: nothing is named, a path is not there, or two files are named for one part.
    """
    named = [part for path in paths for part in _taken_apart(path)]
    for kind, option in (("config", "config_path"), ("jobs", "job_config_path"), ("plugins", "plugin_config")):
        if path := getattr(options, option, None):
            named.append((kind, path))
    problems = [f"{path}: there is no such file or folder" for _, path in named if not path.exists()]
    found: dict[str, Path] = {}
    for kind, path in named:
        if kind != "jobs" and found.setdefault(kind, path) != path:
            problems.append(f"{path}: {FILE_NAMES[kind]} is given twice; the other one is {found[kind]}")
    if not named:
        problems.append("no configuration is named: give a folder, or files and job folders")
    if problems:
        raise ConfigError(problems)
    return Parts(**found, jobs=tuple(dict.fromkeys(path for kind, path in named if kind == "jobs")))


def read(parts: Parts) -> Configuration:
    """Read and compile, with everything that is found; a progress bar shows large trees on a terminal.

    Raises:
        ConfigError: there is no file at all.
    """
    unreadable: list[str] = []
    with _progress() as progress:
        sources = read_sources(parts, problems=unreadable, progress=progress)
    problems = Problems()
    for problem in unreadable:
        problems.error("", problem)
    compiled: Compiled | None = None
    with suppress(ConfigError):  # its lines are among the problems
        compiled = compile_config(sources, problems)
    found = Configuration(compiled=compiled, problems=problems, sources=sources)
    if not found.files and not unreadable:
        looked = ", ".join(str(path) for path in parts.jobs)
        raise ConfigError(
            [f"{looked}: no configuration file is there: looked for {', '.join(FILE_NAMES.values())} and jobs (*.yaml)"]
        )
    return found


def _taken_apart(path: Path) -> list[tuple[str, Path]]:
    if not path.is_dir():
        kinds = {name: kind for kind, name in FILE_NAMES.items()}
        return [(kinds.get(path.name.removeprefix("_"), "jobs"), path)]
    try:
        parts = replace(layout(path), root=None)
    except ConfigError:
        return [("jobs", path)]
    single = [(kind, file) for kind in FILE_NAMES if (file := getattr(parts, kind))]
    return [*single, *(("jobs", folder) for folder in parts.jobs)]


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None] | None]:
    """A progress bar on the terminal's error stream, from many files on; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console  # noqa: PLC0415  only a terminal needs it
    from rich.progress import Progress  # noqa: PLC0415

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", visible=False)

        def progress(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, visible=total >= _MANY)

        yield progress
