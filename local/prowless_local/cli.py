"""The `prowless` command: the embedded stack, its demo, and the configuration."""

from __future__ import annotations

import argparse
import json
import logging
import shutil
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from prowless.domain.errors import ConfigError, ProwlessError
from prowless_local import check_config, explain, list_jobs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prowless_local.screen import Screen
    from prowless_local.stack import Stack

_PORT = 8080
_MEMORY = "State lives in memory and is gone when this stops."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code: 0 fine, 1 not as expected, 2 unusable input."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(
        level=logging.INFO if options.verbose else logging.ERROR, format="%(levelname)s %(name)s: %(message)s"
    )
    try:
        return int(options.run(options))
    except ConfigError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        return 2
    except (ProwlessError, OSError) as error:
        print(f"prowless: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="prowless", description="Prow's jobs, without Prow's servers.")
    parser.add_argument("-v", "--verbose", action="store_true", help="show the functions' logs")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _demo_parser(commands.add_parser("demo", help="run a pull request through the embedded stack, and check it"))
    _local_parser(commands.add_parser("local", help="run the embedded stack"))
    check_config.add_to(commands)
    list_jobs.add_to(commands)
    _config_parser(commands.add_parser("config", help="publish a configuration"))
    explain.add_to(commands)
    return parser


def _demo_parser(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=("text", "json"), default="text", help="how to print the result")
    parser.add_argument("--no-stay", action="store_true", help="end when it is done, also on a terminal")
    parser.set_defaults(run=_demo)


def _local_parser(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, help="folder with config.yaml, prowless.yaml and jobs/")
    parser.add_argument("--kubeconfig", default="", help="use the clusters of this file instead of embedded ones")
    parser.add_argument("--context", default="", help="context for cluster aliases that the kubeconfig does not name")
    parser.add_argument("--github-token", default="", help="use the real GitHub with this token")
    parser.add_argument("--runner", choices=("process", "docker", "podman"), default="process", help="runs the steps")
    parser.add_argument("--port", type=int, default=_PORT, help="port of the webhook URL; 0 takes a free one")
    parser.add_argument("--aws-port", type=int, default=0, help="port of the AWS APIs; 0 takes a free one")
    parser.set_defaults(run=_local)
    commands = parser.add_subparsers(metavar="COMMAND")
    invoke = commands.add_parser("invoke", help="call one function with an event, as Lambda would")
    invoke.add_argument("function", help="the folder's name below functions/")
    invoke.add_argument("file", type=Path, help="a file with the event as JSON")
    invoke.set_defaults(run=_invoke)


def _config_parser(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    push = commands.add_parser("push", help="compile a configuration and make it the current one")
    push.add_argument("folder", type=Path, help="folder with config.yaml, prowless.yaml and jobs/")
    push.add_argument("--format", choices=("text", "json"), default="text", help="how to print the result")
    push.add_argument("--bucket", required=True, help="the stack's state bucket (output StateBucketName)")
    push.set_defaults(run=_config_push)


def _need_git() -> None:
    if shutil.which("git") is None:
        raise OSError("git is not on PATH; the embedded GitHub keeps real repositories: install git")


def _demo(options: argparse.Namespace) -> int:
    started = time.monotonic()
    from prowless_local.screen import Screen  # noqa: PLC0415  other commands need no terminal library

    _need_git()
    screen = Screen(elapsed=lambda: time.monotonic() - started, quiet=options.format == "json")
    screen.step("starting AWS (moto), GitHub (a fake) and two clusters (an API subset), wired by template.yaml")
    screen.note(_MEMORY)
    from prowless_local import demo  # noqa: PLC0415  the stack takes seconds to import, and the user has been told
    from prowless_local.stack import Stack  # noqa: PLC0415

    with Stack(demo.options(), note=screen.note) as stack:
        with screen:
            report = demo.Demo(stack, screen, started).run()
        if options.format == "json":
            print(json.dumps(report.to_dict(), indent=1))
        else:
            screen.end(demo.summary(report), passed=report.passed)
        if sys.stdout.isatty() and not options.no_stay and options.format == "text":
            _stay(stack, screen)
    return 0 if report.passed else 1


def _local(options: argparse.Namespace) -> int:
    started = time.monotonic()
    from prowless_local.screen import Screen  # noqa: PLC0415  as above

    _need_git()
    screen = Screen(elapsed=lambda: time.monotonic() - started)
    screen.step("starting the embedded stack")
    from prowless_local.demo import EXAMPLE  # noqa: PLC0415  as above
    from prowless_local.stack import Options, Stack  # noqa: PLC0415

    chosen = Options(
        config=options.config or EXAMPLE / "config",
        kubeconfig=options.kubeconfig,
        context=options.context,
        github_token=options.github_token,
        runner=options.runner,
        http_port=options.port,
        endpoint_port=options.aws_port,
    )
    with Stack(chosen, note=screen.note) as stack:
        for warning in stack.warnings:
            screen.note(f"configuration: {warning}")
        _stay(stack, screen)
    return 0


def _stay(stack: Stack, screen: Screen) -> None:
    """Print where everything is, and wait to be interrupted."""
    screen.addresses(addresses(stack))
    screen.note(f"{_MEMORY} Stop it with Ctrl-C.")
    stopped = threading.Event()
    with suppress(ValueError):  # not in the main thread, as in tests
        signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    with suppress(KeyboardInterrupt):
        stopped.wait()


def addresses(stack: Stack) -> dict[str, str]:
    """Name to address of everything a user may want to reach."""
    found = {"webhook URL": stack.webhook_url, "webhook secret": stack.webhook_secret, "artifacts": stack.pages_url}
    if stack.github:
        found["GitHub"] = stack.github.url
    for alias, cluster in stack.clusters.items():
        found[f"cluster {alias}"] = cluster.url
    if stack.clusters:
        found["KUBECONFIG"] = str(stack.kubeconfig)
    if stack.options.endpoint_port is not None:
        found["AWS_ENDPOINT_URL"] = stack.aws.endpoint_url
        found["state bucket"] = stack.state.name
    return found


def _invoke(options: argparse.Namespace) -> int:
    from prowless_local.aws.functions import FunctionError  # noqa: PLC0415  as above
    from prowless_local.demo import EXAMPLE  # noqa: PLC0415
    from prowless_local.invoke import invoke  # noqa: PLC0415

    try:
        event = json.loads(options.file.read_bytes())
    except ValueError as error:
        print(f"{options.file} is not JSON: {error}", file=sys.stderr)
        return 2
    try:
        print(json.dumps(invoke(options.config or EXAMPLE / "config", options.function, event), indent=1))
    except FunctionError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyError as error:
        print(f"prowless: {error.args[0]}", file=sys.stderr)
        return 2
    return 0


def _config_push(options: argparse.Namespace) -> int:
    import boto3  # noqa: PLC0415  the user's own credentials, region and endpoint

    from prowless.adapters.aws.objects import S3Objects  # noqa: PLC0415
    from prowless.adapters.config_files import read_folder  # noqa: PLC0415  only these commands read YAML
    from prowless.domain.config.compile import compile_sources  # noqa: PLC0415
    from prowless.usecases.snapshots import publish  # noqa: PLC0415

    snapshot = compile_sources(read_folder(options.folder))
    objects = S3Objects(boto3.client("s3"), options.bucket)
    changed = publish(snapshot, objects, {str(options.folder): "pushed by hand"}, time.time_ns() // 1_000_000)
    if options.format == "json":
        print(json.dumps({"snapshot": snapshot.hash, "changed": changed, "warnings": snapshot.warnings}, indent=1))
    else:
        for warning in snapshot.warnings:
            print(f"warning: {warning}")
        print(f"snapshot {snapshot.hash} is current" + ("" if changed else " (it was already)"))
    return 0
