"""`prowless config`: publish a configuration by hand, and see which one is in force in a running installation."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prowless.domain.config import snapshot as snapshots
from prowless.domain.config.findings import NOTE, WARNING
from prowless.domain.wording import counted, shown
from prowless_local import account

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping, Sequence

    from prowless.ports.stores import Objects

_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))
_LINE = 500
_INDENT = 14


def add_to(commands: Any) -> None:
    """Add the commands to the program's subparsers."""
    parser: argparse.ArgumentParser = commands.add_parser("config", help="publish a configuration, see the current one")
    subcommands = parser.add_subparsers(required=True, metavar="COMMAND")
    push = subcommands.add_parser("push", help="compile a configuration and make it the current one")
    push.add_argument("folder", type=Path, help="folder with config.yaml, prowless.yaml and jobs/")
    push.add_argument("--allow-empty", action="store_true", help="publish a configuration that has no jobs")
    push.set_defaults(run=_push)
    status = subcommands.add_parser(
        "status",
        help="what is in force, where it came from, and why the last attempt failed",
        epilog="Exit codes: 0 fine, 1 the last attempt failed or nothing was ever published, 2 unusable arguments.",
    )
    status.set_defaults(run=_status)
    for command in (push, status):
        command.add_argument("--format", choices=("text", "json"), default="text", help="how to print the result")
        command.add_argument("--bucket", required=True, help="the stack's state bucket (output StateBucketName)")
        account.add_region(command)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """The newest attempt to publish. Without `problems` it took effect; `retried`: it is made again by itself."""

    at: int
    sources: Mapping[str, str]
    problems: Sequence[str]
    retried: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CentralStatus:
    """What is in force. Times are epoch milliseconds; an empty snapshot: nothing was ever published."""

    snapshot: str = ""
    published_at: int = 0
    sources: Mapping[str, str]
    warnings: Sequence[str]
    notes: int
    attempt: Attempt | None
    now: int

    @classmethod
    def read(cls, objects: Objects, now: int) -> CentralStatus:
        """The status as the state bucket has it."""
        pointer, error, all_warnings = (
            json.loads(objects.get(key) or b"{}")
            for key in (snapshots.POINTER, snapshots.LAST_ERROR, snapshots.WARNINGS)
        )
        snapshot = pointer.get("snapshot", "")
        told = all_warnings if all_warnings.get("snapshot") == snapshot else pointer
        attempt = Attempt(
            at=error.get("at", 0),
            sources=error.get("sources", {}),
            problems=error.get("problems", []),
            retried=error.get("retried", False),
        )
        return cls(
            snapshot=snapshot,
            published_at=pointer.get("published_at", 0),
            sources=pointer.get("sources", {}),
            warnings=told.get("warnings", []),
            notes=pointer.get("notes", 0),
            attempt=attempt if error else None,
            now=now,
        )

    @property
    def failed(self) -> bool:
        """Whether somebody has to look: the last attempt failed, or there is no configuration."""
        return not self.snapshot or bool(self.attempt and self.attempt.problems)

    def to_dict(self) -> dict[str, Any]:
        """As `--format json` prints it; times are epoch milliseconds."""
        attempt = self.attempt and {
            "at": self.attempt.at,
            "sources": dict(self.attempt.sources),
            "problems": list(self.attempt.problems),
            "retried": self.attempt.retried,
        }
        return {
            "failed": self.failed,
            "snapshot": self.snapshot,
            "published_at": self.published_at,
            "age_seconds": (self.now - self.published_at) // 1000 if self.snapshot else None,
            "sources": dict(self.sources),
            "warnings": list(self.warnings),
            "notes": self.notes,
            "last_attempt": attempt,
        }

    def lines(self) -> Iterator[str]:
        """As text."""
        if self.snapshot:
            yield _row("snapshot", f"{self.snapshot}, published {self._when(self.published_at)}")
            yield from _sources(self.sources)
        else:
            yield _row("snapshot", "none: nothing was ever published")
        if self.attempt:
            problems = self.attempt.problems
            outcome = "took effect"
            if problems:
                outcome = "could not be read, is tried again" if self.attempt.retried else "refused"
            yield _row("last attempt", f"{outcome}, {self._when(self.attempt.at)}")
            if problems:
                yield from _sources(self.attempt.sources)
                yield from (f"  {shown(problem, _LINE)}" for problem in problems)
        yield _row("warnings", str(len(self.warnings)))
        yield from (f"  {shown(warning, _LINE)}" for warning in self.warnings)
        if self.notes:
            yield _row("notes", f"{self.notes}: see prowless check-config")

    def _when(self, at: int) -> str:
        seconds = max(0, (self.now - at) // 1000)
        size, unit = next(((size, unit) for size, unit in _UNITS if seconds >= size), _UNITS[-1])
        return f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC ({counted(seconds // size, unit)} ago)"


def _row(name: str, value: str) -> str:
    return f"{name:<{_INDENT}}{value}"


def _sources(sources: Mapping[str, str]) -> Iterator[str]:
    for origin, commit in sorted(sources.items()):
        yield _row("  from", f"{shown(origin, _LINE)} {shown(commit, _LINE)}")


def _status(options: argparse.Namespace) -> int:
    found = CentralStatus.read(_objects(options), time.time_ns() // 1_000_000)
    if options.format == "json":
        print(json.dumps(found.to_dict(), indent=1))
    else:
        print("\n".join(found.lines()))
    return int(found.failed)


def _push(options: argparse.Namespace) -> int:
    from prowless.adapters.config_files import read_folder  # noqa: PLC0415  only these commands read YAML
    from prowless.domain.config.compile import compile_sources  # noqa: PLC0415
    from prowless.usecases.snapshots import publish  # noqa: PLC0415

    snapshot = compile_sources(read_folder(options.folder))
    objects = _objects(options)
    pointer = json.loads(objects.get(snapshots.POINTER) or b'{"jobs": 0}')
    before = pointer.get("jobs")  # pointers of older releases do not tell
    if not snapshot.jobs and not options.allow_empty:
        _refuse_empty(options.folder, before)
        return 1
    sources = {str(options.folder): "pushed by hand"}
    changed = publish(snapshot, objects, sources, time.time_ns() // 1_000_000)
    if options.format == "json":
        jobs = {"before": before, "after": snapshot.jobs}
        levels = {"warnings": snapshot.warnings, "notes": snapshot.notes}
        print(json.dumps({"snapshot": snapshot.hash, "changed": changed, "jobs": jobs, **levels}, indent=1))
    else:
        for warning in snapshot.warnings:
            print(f"{WARNING}: {warning}")
        for note in snapshot.notes:
            print(f"{NOTE}: {note}")
        print(f"jobs: {_known(before)} -> {snapshot.jobs}")
        print(f"snapshot {snapshot.hash} is current" + ("" if changed else " (it was already)"))
    return 0


def _refuse_empty(folder: Path, before: int | None) -> None:
    place = shown(str(folder), _LINE)
    print(f"{place}: there are no jobs in it (jobs: {_known(before)} -> 0), so nothing was published.", file=sys.stderr)
    print(f"Jobs are read from {place}/jobs. If none are meant to be there: --allow-empty", file=sys.stderr)


def _known(jobs: int | None) -> str:
    return "unknown" if jobs is None else str(jobs)


def _objects(options: argparse.Namespace) -> Objects:
    from prowless.adapters.aws.objects import S3Objects  # noqa: PLC0415  other commands do without AWS

    return S3Objects(account.client("s3", options.region), options.bucket)
