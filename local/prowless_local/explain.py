"""`prowless explain`: what a webhook body would start and why, or what was decided about a delivery or a periodic."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from prowless.domain.errors import ConfigError, ProwlessError
from prowless.domain.wording import counted, shown
from prowless_local import account

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping, Sequence

    from prowless.domain.config.jobs import RepositoryConfig
    from prowless.domain.config.snapshot import Snapshot
    from prowless.domain.decisions import Verdict
    from prowless.usecases.snapshots import SnapshotConfig
    from prowless_local.explanation import Explanation
    from prowless_local.world import World

_T = TypeVar("_T")

MAX_FILE = 25 * 1024 * 1024
"""Bytes of a payload or world file; GitHub sends no larger bodies."""


MOST_DELIVERIES = 1000
_PLACES = ("bucket", "table")


def add_to(commands: Any) -> None:
    """Add the command to the program's subparsers."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "explain", help="say what a webhook body would start, and why", description=__doc__
    )
    parser.add_argument("--config", type=Path, help="folder with config.yaml, prowless.yaml and jobs/")
    parser.add_argument("--event", help="the delivery's X-GitHub-Event, as pull_request")
    parser.add_argument("--payload", type=Path, help="file with the raw webhook body")
    parser.add_argument("--world", type=Path, help="file with what GitHub would have answered (docs/explain.md)")
    parser.add_argument("--stored", metavar="DELIVERY", help="show what dispatch decided about this delivery instead")
    parser.add_argument("--url", help="show what was decided about this pull request instead (its page's address)")
    parser.add_argument("--last", type=int, help="with --url: how many deliveries to show, newest first; else 10")
    parser.add_argument("--periodic", metavar="JOB", help="show when this periodic was started, or why not, instead")
    parser.add_argument("--bucket", help="with these three: the stack's state bucket (output StateBucketName)")
    parser.add_argument("--table", help="with --url and --stored: the table of deliveries (DeliveriesTableName)")
    parser.add_argument("--stack", help="with --url, instead of these two: the CloudFormation stack's name")
    account.add_region(parser)
    parser.add_argument("--day", help="with --stored and --periodic: one day, as 2026-11-18 in UTC; else the last 90")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="how to print the result")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the command; its exit code: 0 explained, 2 unusable input."""
    try:
        if options.url is not None:
            return _of_url(options)
        _given(options, (), ("last", "stack"))
        kept = options.stored is not None or options.periodic is not None
        explanation = _kept(options) if kept else _explained(options)
    except ConfigError as error:
        return _refused(error.problems, options.format)
    except (ProwlessError, OSError) as error:
        return _refused([f"prowless: {error}"], options.format)
    if options.format == "json":
        print(json.dumps(explanation.to_dict(), indent=1))
    else:
        from prowless_local.explanation import show  # noqa: PLC0415  JSON needs no terminal library

        show(explanation)
    return 0


def _refused(problems: Sequence[str], form: str) -> int:
    if form == "json":
        print(json.dumps({"problems": list(problems)}, indent=1))
    else:
        for problem in problems:
            print(shown(problem, 2000), file=sys.stderr)
    return 2


def _given(options: argparse.Namespace, wanted: Sequence[str], refused: Sequence[str]) -> None:
    """Check which options stand together.

    Raises:
        ConfigError: one is missing or one is too many; all are named.
    """
    problems = [f"--{name} is missing" for name in wanted if getattr(options, name) is None]
    problems += [f"--{name} has no meaning here" for name in refused if getattr(options, name) is not None]
    if problems:
        raise ConfigError([f"prowless explain: {problem}" for problem in problems])


def _explained(options: argparse.Namespace) -> Explanation:
    from prowless_local.explanation import Explanation  # noqa: PLC0415  the other commands need none of these
    from prowless_local.world import World  # noqa: PLC0415

    _given(options, ("config", "event", "payload"), ("bucket", "day", "region", "table"))
    problems = _Problems()
    snapshot = problems.of(lambda: _compiled(options.config))
    problems.of(lambda: _check_event_name(options.event))
    body = problems.of(lambda: _payload(options.payload))
    event = problems.of(lambda: _event(options.event, options.payload, body)) if body is not None else None
    world = problems.of(lambda: World.parse(str(options.world), _json(options.world)) if options.world else World())
    if problems.lines or snapshot is None or world is None:
        raise ConfigError(problems.lines)
    if event is None:
        summary = f"no rule acts on {options.event} events yet"
        notes = _forwards(_published(snapshot)[1], options.event, body or {})
        return Explanation(title=options.event, event=options.event, summary=summary, notes=notes)
    return explain(snapshot, options.event, event, body or {}, world)


class _Problems:
    """Collects what is wrong with several inputs, so that all of it is told at once."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def of(self, read: Callable[[], _T]) -> _T | None:
        try:
            return read()
        except ConfigError as error:
            self.lines += error.problems
        return None


def explain(snapshot: Snapshot, name: str, event: Any, body: Mapping[str, Any], world: World) -> Explanation:
    """What dispatch would decide about an event under a configuration, in a world.

    Args:
        snapshot: the compiled configuration.
        name: the event's name.
        event: what `events.parse` made of the body.
        body: the decoded payload.
        world: what GitHub would have answered.
    """
    from prowless.adapters.prowignore import ignore_rules  # noqa: PLC0415  as above
    from prowless.domain import triggers  # noqa: PLC0415
    from prowless.usecases.in_repo import InRepoConfigs  # noqa: PLC0415
    from prowless_local import world_files  # noqa: PLC0415
    from prowless_local.explanation import Explanation, fields, words  # noqa: PLC0415
    from prowless_local.world_facts import WorldFacts  # noqa: PLC0415

    memory, source = _published(snapshot)
    config = source.repository(event.repository)
    own = InRepoConfigs(
        github=world_files.WorldFiles(world.files or {}),
        objects=memory,
        config=source,
        compile_files=world_files.compile_in_repo,
        ignore_rules=ignore_rules,
    )
    in_repo = own.of(config, snapshot.hash)
    view = WorldFacts(event=event, body=body, world=world, trust=config.trust, in_repo=in_repo)
    verdict = triggers.decide(event, config, view)
    notes = [*view.notes, *_forwards(source, name, body)]
    if not config.presubmits and not config.postsubmits:
        notes.append(f"the configuration has no jobs of {event.repository}")
    if world.files and not config.in_repo:
        notes.append(f"files of --world are not read: in_repo_config.enabled does not hold for {event.repository}")
    if snapshot.warnings:
        count = len(snapshot.warnings)
        notes.append(f"the configuration has {counted(count, 'warning')}: see prowless check-config")
    number = getattr(event, "number", 0)
    about = f"{event.repository}#{number}" if number else event.repository
    return Explanation(
        title=" ".join(filter(None, [name, event.action, "on", about])),
        event=name,
        repository=event.repository,
        summary=verdict.summary,
        decisions=_every_job(name, verdict, config),
        actions=[{**fields(action), "text": words(action)} for action in verdict.actions],
        problems=verdict.problems,
        notes=[*verdict.notes, *notes],
    )


def _every_job(name: str, verdict: Verdict, config: RepositoryConfig) -> list[dict[str, str]]:
    """The decisions; where the event as a whole starts nothing, its reason is that of each job."""
    if verdict.decisions:
        return [decision.to_dict() for decision in verdict.decisions]
    kind = {"push": "postsubmit", "merge_group": "batch"}.get(name, "presubmit")
    jobs = config.postsubmits if name == "push" else config.presubmits
    return [
        {"job": job.name, "type": kind, "verdict": "skip", "rule": "event", "reason": shown(verdict.summary, 500)}
        for job in jobs
    ]


def _forwards(config: SnapshotConfig, name: str, body: Mapping[str, Any]) -> list[str]:
    """Which external plugins would get the delivery."""
    from prowless.usecases.forwards import external_plugins  # noqa: PLC0415  as above
    from prowless.usecases.receive import owners  # noqa: PLC0415

    plugins = external_plugins(config, name, *owners(body))
    return [f"forwarded to external plugin {shown(plugin.name)}" for plugin in plugins]


def _compiled(folder: Path) -> Snapshot:
    from prowless.adapters.config_files import read_folder  # noqa: PLC0415  as above
    from prowless.domain.config.compile import compile_sources  # noqa: PLC0415

    return compile_sources(read_folder(folder))


def _published(snapshot: Snapshot) -> tuple[_Memory, SnapshotConfig]:
    """A bucket with the snapshot, and the configuration read from it by what dispatch reads it with."""
    from prowless.usecases.snapshots import SnapshotConfig, publish  # noqa: PLC0415  as above

    memory = _Memory()
    publish(snapshot, memory, {}, 0)
    return memory, SnapshotConfig(memory, memory)


class _Memory:
    """`Objects` and `Clock` of one moment."""

    name = "memory"

    def __init__(self) -> None:
        self._objects: dict[str, bytes] = {}

    def put(
        self, key: str, data: bytes, content_type: str, *, only_if_absent: bool = False, only_over: str = ""
    ) -> bool:
        del content_type, only_if_absent, only_over  # every key is written once
        self._objects[key] = data
        return True

    def get(self, key: str) -> bytes | None:
        return self._objects.get(key)

    def tagged(self, key: str) -> tuple[bytes | None, str]:
        return self._objects.get(key), ""

    def now_ms(self) -> int:
        return 0

    def sleep(self, seconds: float) -> None:
        del seconds  # nothing here waits


def _check_event_name(name: str) -> None:
    from prowless.domain.event_names import GITHUB_EVENTS, KNOWN_EVENTS  # noqa: PLC0415  as above

    if name not in GITHUB_EVENTS:
        raise ConfigError([f"--event {shown(name)!r} is not known: {', '.join(sorted(KNOWN_EVENTS))}"])


def _event(name: str, path: Path, body: Mapping[str, Any]) -> Any:
    """The event, or None if no rule acts on such; the body speaks about one repository, as dispatch demands."""
    from prowless.domain import events  # noqa: PLC0415  as above

    try:
        event = events.parse(name, body)
    except events.InvalidEventError as error:
        raise ConfigError([f"{path}: {error}"]) from error
    if event is None:
        return None
    others = [name for name in event.repositories if name.lower() != event.repository.lower()]
    if others:
        raise ConfigError([f"{path}: it speaks about {event.repository} and {others[0]}: dispatch refuses such a body"])
    return event


def _payload(path: Path) -> dict[str, Any]:
    body = _json(path)
    if not isinstance(body, dict):
        raise ConfigError([f"{path}: a webhook body is a JSON object"])
    return body


def _json(path: Path) -> Any:
    """A decoded file.

    Raises:
        ConfigError: it cannot be read, is too large, or is not JSON.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE + 1)
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from error
    if len(data) > MAX_FILE:
        raise ConfigError([f"{path}: larger than {MAX_FILE} bytes"])
    try:
        return json.loads(data)
    except json.JSONDecodeError as error:
        raise ConfigError([f"{path}:{error.lineno}: not JSON: {error.msg}"]) from error
    except (ValueError, RecursionError) as error:
        raise ConfigError([f"{path}: not JSON: {error}"]) from error


def _of_url(options: argparse.Namespace) -> int:
    """The history of a pull request in a running installation."""
    from prowless.adapters.aws.deliveries import DynamoDeliveries  # noqa: PLC0415  as above
    from prowless.adapters.aws.objects import S3Objects  # noqa: PLC0415
    from prowless_local import stored_pulls  # noqa: PLC0415

    refused = ("config", "event", "payload", "world", "stored", "periodic", "day")
    _given(options, () if options.stack else ("bucket", "table"), (*refused, *(_PLACES if options.stack else ())))
    repository, number = stored_pulls.parse_url(options.url)
    last = 10 if options.last is None else options.last
    if not 1 <= last <= MOST_DELIVERIES:
        raise ConfigError([f"prowless explain: --last is a number from 1 to {MOST_DELIVERIES}"])
    bucket, table = options.bucket, options.table
    if options.stack:
        bucket, table = stored_pulls.places(account.client("cloudformation", options.region), options.stack)
    deliveries = DynamoDeliveries(account.client("dynamodb", options.region), table)
    state = S3Objects(account.client("s3", options.region), bucket)
    history = stored_pulls.of_pull(deliveries, state, repository, number, last)
    if options.format == "json":
        print(json.dumps(history.to_dict(), indent=1))
        return 0
    from prowless_local.explanation import show, show_history  # noqa: PLC0415  JSON needs no terminal library

    show_history(f"{repository}#{number}", stored_pulls.COLUMNS, [one.told() for one in history.kept])
    if history.newest:
        show(history.newest)
    return 0


def _kept(options: argparse.Namespace) -> Explanation:
    from prowless_local.stored_decisions import days, forwards, of_periodic, stored  # noqa: PLC0415  as above

    other = ("periodic",) if options.stored is not None else ("table",)
    _given(options, ("bucket",), ("config", "event", "payload", "world", *other))
    among = list(days(options.day, datetime.fromtimestamp(time.time(), UTC)))
    if options.periodic is not None:
        return of_periodic(account.client("s3", options.region), options.bucket, options.periodic, among)
    explanation = stored(account.client("s3", options.region), options.bucket, options.stored, among)
    if options.table is None:
        return explanation
    return replace(
        explanation, forwards=forwards(account.client("dynamodb", options.region), options.table, options.stored)
    )
