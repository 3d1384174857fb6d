"""`prowless jobs`: what is configured, with the values that hold after defaults and presets."""

from __future__ import annotations

import json
import sys
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prowless.domain.errors import ConfigError
from prowless.domain.wording import shown
from prowless_local.check_config import add_paths

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from prowless.domain.config.compile import Compiled
    from prowless.domain.config.jobs import BranchJob, Job

_COLUMNS = ("TYPE", "REPOSITORY", "NAME", "RUNS", "BRANCHES", "CLUSTER", "SOURCE")
_CELL = 200


def add_to(commands: Any) -> None:
    """Add the command to the program's subparsers."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "jobs",
        help="list what is configured, with effective values",
        description=__doc__,
        epilog="Exit codes: 0 fine, 1 the configuration cannot be used, 2 unusable arguments.",
    )
    parser.add_argument(
        "--config",
        dest="paths",
        action="append",
        default=[],
        type=Path,
        metavar="PATH",
        help="configuration folder, job folder, or single file; may stand several times",
    )
    add_paths(parser)
    parser.add_argument("--repo", metavar="ORG/REPO", help="only jobs of this repository")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="json has every field of every job")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the command; its exit code: 0 fine, 1 the configuration has problems.

    Raises:
        ConfigError: the arguments cannot be used.
    """
    from prowless_local import configuration  # noqa: PLC0415  only the commands about configuration read YAML

    found = configuration.read(configuration.named_parts(options.paths, options))
    if found.compiled is None:
        for problem in found.problems.all_errors():
            print(shown(problem, _CELL * len(_COLUMNS)), file=sys.stderr)
        return 1
    rows = [row for row in _rows(found.compiled) if options.repo in {None, row[1]}]
    if options.repo and not rows:
        raise ConfigError([f"no job of {options.repo} is configured"])
    if options.format == "json":
        print(json.dumps([_effective(*row) for row in rows], indent=1))
    else:
        _table([(kind, repository, *_cells(job)) for kind, repository, job in rows])
    return 0


def _rows(compiled: Compiled) -> Iterator[tuple[str, str, Job]]:
    """Type, repository and job; a periodic's repository is the one of its first extra ref, if it has one."""
    for shard in compiled.repositories:
        for presubmit in shard.presubmits:
            yield "presubmit", shard.repository, presubmit
        for postsubmit in shard.postsubmits:
            yield "postsubmit", shard.repository, postsubmit
    for periodic in compiled.periodics:
        yield "periodic", periodic.extra_refs[0].repository if periodic.extra_refs else "", periodic


def _effective(kind: str, repository: str, job: Job) -> dict[str, Any]:
    """Every field of a job, those that hold their default too."""
    values = {f.name: getattr(job, f.name) for f in fields(job)}
    values["extra_refs"] = [refs.to_dict() for refs in job.extra_refs]
    return {"type": kind, "repository": repository, **values}


def _cells(job: Job) -> tuple[str, ...]:
    from prowless.domain.config.jobs import Periodic, Postsubmit, Presubmit  # noqa: PLC0415  loads the regex library

    runs, branches = "", ""
    if isinstance(job, Periodic):
        runs = job.schedule
    elif isinstance(job, Presubmit):
        runs, branches = _changes(job) or ("always" if job.always_run else job.rerun_command), _branches(job)
        runs += " (optional)" if job.optional else ""
    elif isinstance(job, Postsubmit):
        runs, branches = _changes(job) or ("never" if job.always_run is False else "always"), _branches(job)
    return job.name, runs, branches, job.cluster, job.source


def _changes(job: BranchJob) -> str:
    if job.run_if_changed:
        return f"if changed {job.run_if_changed}"
    return f"unless only changed {job.skip_if_only_changed}" if job.skip_if_only_changed else ""


def _branches(job: BranchJob) -> str:
    wanted = " ".join(job.branches) or "all"
    return f"{wanted} but {' '.join(job.skip_branches)}" if job.skip_branches else wanted


def _table(rows: list[tuple[str, ...]]) -> None:
    """Columns as wide as their longest cell; the last one is not padded."""
    cells = [_COLUMNS, *(tuple(shown(cell, _CELL) for cell in row) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(_COLUMNS))]
    for row in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
