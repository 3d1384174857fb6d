"""`prowless check-config`: what is wrong with a configuration, by file and line, in Prow's words."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prowless.domain.config import warning_names
from prowless.domain.config.findings import ERROR, LEVELS, NOTE, WARNING, Finding
from prowless.domain.errors import ConfigError
from prowless.domain.wording import counted, shown

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from prowless.domain.config.compile import Compiled
    from prowless.domain.config.findings import Problems
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
        epilog="Exit codes: 0 fine, 1 errors, 2 unusable arguments.",
    )
    parser.add_argument(
        "paths", nargs="*", type=Path, metavar="PATH", help="configuration folder, job folder, or single file"
    )
    add_paths(parser)
    parser.add_argument("--strict", action="store_true", help="take warnings for errors; notes stay notes")
    _add_warning_options(parser)
    parser.add_argument(
        "--in-repo",
        nargs=2,
        metavar=("ORG/REPO", "FILE"),
        help="check this repository's .prow.yaml, .prow/ or root folder too, against the configuration",
    )
    parser.add_argument("--format", choices=("text", "json"), default="text", help="how to print the result")
    parser.set_defaults(run=run)


def _add_warning_options(parser: argparse.ArgumentParser) -> None:
    """Prow's own options for which warnings count (`cmd/checkconfig/main.go:219-233`)."""
    for option, where, text in (
        ("--warnings", "warnings", "only this warning; may stand several times"),
        ("--exclude-warning", "excluded", "not this warning; may stand several times"),
        ("--required-job-annotations", "annotations", "an annotation that every job must have; several times too"),
    ):
        parser.add_argument(option, dest=where, action="append", default=[], metavar="NAME", help=text)
    parser.add_argument(
        "--include-default-warnings", action="store_true", help="the default warnings beside those of --warnings"
    )


def add_paths(parser: argparse.ArgumentParser) -> None:
    """Prow's own options for where the parts are (`pkg/flagutil/config/config.go`, `plugins.go`)."""
    parser.add_argument("--config-path", type=Path, metavar="FILE", help="Prow's config.yaml")
    parser.add_argument("--job-config-path", type=Path, metavar="PATH", help="job folder or job file")
    parser.add_argument("--plugin-config", type=Path, metavar="FILE", help="Prow's plugins.yaml")


def run(options: argparse.Namespace) -> int:
    """Run the command; its exit code: 0 fine, 1 errors.

    Raises:
        ConfigError: the arguments cannot be used.
    """
    from prowless.domain.config.lint import lint  # noqa: PLC0415  as below
    from prowless_local import configuration  # noqa: PLC0415  only the commands about configuration read YAML

    enabled = _enabled(options)
    parts = configuration.named_parts(options.paths, options)
    repository, file = options.in_repo or ("", "")
    if options.in_repo:
        _check_in_repo_arguments(repository, file)
    found = configuration.read(parts)
    own: RepositoryConfig | None = None
    if found.compiled:
        lint(found.compiled, found.sources, found.problems, options.annotations)
        own = _in_repo(repository, file, found.compiled, found.problems) if options.in_repo else None
    findings = [_judged(one, strict=options.strict) for one in found.problems.findings() if one.name in enabled]
    findings += _not_provided(options.warnings)
    findings.sort(key=lambda one: LEVELS.index(one.level))
    summary = _summary(found, own)
    if options.format == "json":
        print(json.dumps({"findings": [asdict(one) for one in findings], "summary": summary}, indent=1))
    else:
        _show(findings, summary)
    return int(any(one.level == ERROR for one in findings))


def _enabled(options: argparse.Namespace) -> frozenset[str]:
    """The names of warnings that count, and the empty one of errors and notes.

    Raises:
        ConfigError: a name that neither Prow nor we have.
    """
    for name in (*options.warnings, *options.excluded):
        if name not in warning_names.ALL:
            known = " ".join(warning_names.ALL)
            raise ConfigError([f'no such warning "{shown(name)}", valid warnings: [{known}]'])
    names = warning_names.enabled(options.warnings, options.excluded, with_default=options.include_default_warnings)
    return names | {""}


def _judged(finding: Finding, *, strict: bool) -> Finding:
    return replace(finding, level=ERROR) if strict and finding.level == WARNING else finding


def _not_provided(asked: Iterable[str]) -> list[Finding]:
    about = {name: warning_names.NOT_PROVIDED[name] for name in asked if name in warning_names.NOT_PROVIDED}
    return [
        Finding(level=NOTE, text=f"warning {name} is not provided: it is about {what}") for name, what in about.items()
    ]


def _check_in_repo_arguments(repository: str, file: str) -> None:
    if not _REPOSITORY.fullmatch(repository):
        raise ConfigError([f"--in-repo: {repository!r} is not org/repo"])
    if not Path(file).exists():
        raise ConfigError([f"--in-repo: {file}: there is no such file or folder"])


def _in_repo(repository: str, file: str, compiled: Compiled, problems: Problems) -> RepositoryConfig | None:
    """A repository's own configuration beside the central one; None after adding what is wrong with it."""
    from prowless.adapters.config_files import read_in_repo  # noqa: PLC0415  as above
    from prowless.domain.config.in_repo import compile_in_repo  # noqa: PLC0415
    from prowless.domain.config.manifests import refused_jobs  # noqa: PLC0415

    if not compiled.central.runs_in_repo(repository):
        text = f"in_repo_config.enabled does not hold for {repository}: these jobs never run"
        problems.warn(file, text, warning_names.MISPLACED)
    try:
        documents = read_in_repo(Path(file))
    except ConfigError as error:
        for problem in error.problems:
            problems.error("", problem)
        return None
    static = compiled.repository(repository)
    try:
        own = compile_in_repo(documents, compiled.central, static, problems=problems)
    except ConfigError:  # its lines are among the problems
        return None
    known = {job.source for job in (*static.presubmits, *static.postsubmits)}
    for at, name, text in refused_jobs(compiled.central, [own], ()):
        if at not in known:
            problems.warn_once(at, text, name)
    return own


def _summary(found: Configuration, own: RepositoryConfig | None) -> dict[str, Any]:
    """Counts of what is configured; none of jobs if the configuration cannot be used."""
    from prowless.domain.config.manifests import unrunnable  # noqa: PLC0415  as above

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
    reasons = Counter(
        reason for jobs in kinds.values() for job in jobs if (reason := unrunnable(job, found.compiled.central))
    )
    summary["cannot_run"] = {"jobs": reasons.total(), "reasons": dict(reasons.most_common())}
    summary["jobs"] = {kind: len(jobs) for kind, jobs in kinds.items()}
    summary["repositories"] = len(shards)
    summary["clusters"] = dict(clusters.most_common())
    return summary


def _show_unrunnable(cannot_run: dict[str, Any], jobs: int) -> None:
    if cannot_run["jobs"]:
        told = ", ".join(f"{reason} ({number})" for reason, number in cannot_run["reasons"].items())
        print(shown(f"{cannot_run['jobs']} of {counted(jobs, 'job')} cannot run here yet: {told}", _LINE))


def _show(findings: Iterable[Finding], summary: dict[str, Any]) -> None:
    """One line for each finding, then the counts."""
    count = dict.fromkeys(LEVELS, 0)
    for finding in findings:
        name = f" [{finding.name}]" if finding.name else ""
        print(f"{finding.level}: {shown(str(finding), _LINE)}{name}")
        count[finding.level] += 1
    jobs = summary.get("jobs")
    lines = {"files": str(summary["files"])}
    if jobs is not None:
        _show_unrunnable(summary["cannot_run"], sum(jobs.values()))
        kinds = ", ".join(f"{number} {kind}" for kind, number in jobs.items())
        lines["jobs"] = f"{sum(jobs.values())} ({kinds})"
        lines["repositories"] = str(summary["repositories"])
        lines["clusters"] = ", ".join(f"{name} {number}" for name, number in summary["clusters"].items()) or "none"
    lines["result"] = ", ".join(counted(number, level) for level, number in count.items())
    for name, value in lines.items():
        print(f"{name:13} {shown(value, _LINE)}")
