"""`prowless check-config`: what is wrong with a configuration, by file and line, in Prow's words."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prowless.domain.errors import ConfigError
from prowless.domain.wording import shown

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from prowless.domain.config.compile import Compiled
    from prowless.domain.config.jobs import Job, RepositoryConfig
    from prowless_local.configuration import Configuration

_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")
_LINE = 4_000


def add_to(commands: Any) -> None:
    """Add the command to the program's subparsers."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "check-config",
        help="say what is wrong with a configuration, by file and line",
        description=__doc__,
        epilog="Exit codes: 0 fine, 1 problems, 2 unusable arguments.",
    )
    parser.add_argument(
        "paths", nargs="*", type=Path, metavar="PATH", help="configuration folder, job folder, or single file"
    )
    add_paths(parser)
    parser.add_argument("--strict", action="store_true", help="take warnings for problems")
    parser.add_argument(
        "--in-repo",
        nargs=2,
        metavar=("ORG/REPO", "FILE"),
        help="check this repository's .prow.yaml, .prow/ or root folder too, against the configuration",
    )
    parser.add_argument("--format", choices=("text", "json"), default="text", help="how to print the result")
    parser.set_defaults(run=run)


def add_paths(parser: argparse.ArgumentParser) -> None:
    """Prow's own options for where the parts are (`pkg/flagutil/config/config.go`, `plugins.go`)."""
    parser.add_argument("--config-path", type=Path, metavar="FILE", help="Prow's config.yaml")
    parser.add_argument("--job-config-path", type=Path, metavar="PATH", help="job folder or job file")
    parser.add_argument("--plugin-config", type=Path, metavar="FILE", help="Prow's plugins.yaml")


def run(options: argparse.Namespace) -> int:
    """Run the command; its exit code: 0 fine, 1 problems.

    Raises:
        ConfigError: the arguments cannot be used.
    """
    from prowless_local import configuration  # noqa: PLC0415  only the commands about configuration read YAML

    parts = configuration.named_parts(options.paths, options)
    repository, file = options.in_repo or ("", "")
    if options.in_repo:
        _check_in_repo_arguments(repository, file)
    found = configuration.read(parts)
    problems, warnings = list(found.problems), list(found.warnings)
    own: RepositoryConfig | None = None
    if options.in_repo and found.compiled:
        own = _in_repo(repository, file, found.compiled, problems, warnings)
    if options.strict:
        problems, warnings = [*problems, *warnings], []
    summary = _summary(found, own)
    if options.format == "json":
        print(json.dumps({"problems": problems, "warnings": warnings, "summary": summary}, indent=1))
    else:
        _show(problems, warnings, summary)
    return 1 if problems else 0


def _check_in_repo_arguments(repository: str, file: str) -> None:
    if not _REPOSITORY.fullmatch(repository):
        raise ConfigError([f"--in-repo: {repository!r} is not org/repo"])
    if not Path(file).exists():
        raise ConfigError([f"--in-repo: {file}: there is no such file or folder"])


def _in_repo(
    repository: str, file: str, compiled: Compiled, problems: list[str], warnings: list[str]
) -> RepositoryConfig | None:
    """A repository's own configuration beside the central one; None after adding what is wrong with it."""
    from prowless.adapters.config_files import read_in_repo  # noqa: PLC0415  as above
    from prowless.domain.config.decode import Problems  # noqa: PLC0415
    from prowless.domain.config.in_repo import compile_in_repo  # noqa: PLC0415

    told = Problems()
    if not compiled.central.runs_in_repo(repository):
        warnings.append(f"{file}: in_repo_config.enabled does not hold for {repository}: these jobs never run")
    own: RepositoryConfig | None = None
    try:
        own = compile_in_repo(
            read_in_repo(Path(file)), compiled.central, compiled.repository(repository), problems=told
        )
    except ConfigError as error:
        problems.extend(error.problems)
    warnings.extend(told.all_warnings())
    return own


def _summary(found: Configuration, own: RepositoryConfig | None) -> dict[str, Any]:
    """Counts of what is configured; none of jobs if the configuration cannot be used."""
    summary: dict[str, Any] = {"files": found.files}
    if found.compiled is None:
        return summary
    shards = [shard for shard in found.compiled.repositories if own is None or shard.repository != own.repository]
    shards += [own] if own else []
    kinds: dict[str, list[Job]] = {
        "presubmits": [job for shard in shards for job in shard.presubmits],
        "postsubmits": [job for shard in shards for job in shard.postsubmits],
        "periodics": list(found.compiled.periodics),
    }
    clusters = Counter(job.cluster for jobs in kinds.values() for job in jobs)
    summary["jobs"] = {kind: len(jobs) for kind, jobs in kinds.items()}
    summary["repositories"] = len(shards)
    summary["clusters"] = dict(clusters.most_common())
    return summary


def _show(problems: Iterable[str], warnings: Iterable[str], summary: dict[str, Any]) -> None:
    """One line for each problem and warning, then the counts."""
    count = {"problems": 0, "warnings": 0}
    for problem in problems:
        print(shown(problem, _LINE))
        count["problems"] += 1
    for warning in warnings:
        print(f"warning: {shown(warning, _LINE)}")
        count["warnings"] += 1
    jobs = summary.get("jobs")
    lines = {"files": str(summary["files"])}
    if jobs is not None:
        kinds = ", ".join(f"{number} {kind}" for kind, number in jobs.items())
        lines["jobs"] = f"{sum(jobs.values())} ({kinds})"
        lines["repositories"] = str(summary["repositories"])
        lines["clusters"] = ", ".join(f"{name} {number}" for name, number in summary["clusters"].items()) or "none"
    lines["result"] = f"{count['problems']} problems, {count['warnings']} warnings"
    for name, value in lines.items():
        print(f"{name:13} {shown(value, _LINE)}")
