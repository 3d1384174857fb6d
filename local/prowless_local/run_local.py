"""`prowless demo`, `prowless local` and `prowless local invoke`: the embedded stack from the command line."""

from __future__ import annotations

import json
import logging
import shutil
import signal
import socket
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prowless_local.places import EXAMPLE, ROOT

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from prowless_local.screen import Screen
    from prowless_local.stack import Stack

_PORT = 8080
_MEMORY = "State lives in memory and is gone when this stops."
_INTERRUPTED = 130
_CONFIG = EXAMPLE / "config"


def add_to(commands: Any) -> None:
    """Add the commands to the parser's."""
    _demo_parser(commands.add_parser("demo", help="run a pull request through the embedded stack, and check it"))
    _local_parser(commands.add_parser("local", help="run the embedded stack, for your own tries"))


def _demo_parser(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=("text", "json"), default="text", help="how to print the result")
    parser.add_argument("--no-stay", action="store_true", help="end when it is done, also on a terminal")
    parser.set_defaults(run=_demo)


def _local_parser(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, default=_CONFIG, help="folder with config.yaml, prowless.yaml and jobs/")
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


def _need_git() -> None:
    if shutil.which("git") is None:
        raise OSError("git is not on PATH; the embedded GitHub keeps real repositories: install git")


@contextmanager
def _interruptible() -> Iterator[None]:
    """End by Ctrl-C or SIGTERM with one word instead of a trace; the stack is closed on the way."""
    with suppress(ValueError):  # not in the main thread, as in tests
        signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    try:
        yield
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        raise SystemExit(_INTERRUPTED) from None


def _demo(options: argparse.Namespace) -> int:
    started = time.monotonic()
    from prowless_local.screen import Screen  # noqa: PLC0415  other commands need no terminal library

    _need_git()
    screen = Screen(elapsed=lambda: time.monotonic() - started, quiet=options.format == "json")
    screen.step("starting AWS (moto), GitHub (a fake) and two clusters (an API subset), wired by template.yaml")
    screen.note(_MEMORY)
    with _interruptible():
        from prowless_local import demo  # noqa: PLC0415  the stack takes seconds to import; the user has been told
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
    check_kubeconfig(options.kubeconfig, options.context)
    for option in ("port", "aws_port"):
        check_port(getattr(options, option), f"--{option.replace('_', '-')}")
    logging.getLogger("prowless").setLevel(logging.WARNING if not options.verbose else logging.INFO)
    logging.getLogger("prowless_local").setLevel(logging.WARNING)
    screen = Screen(elapsed=lambda: time.monotonic() - started)
    screen.step("starting the embedded stack (some seconds)")
    with _interruptible():
        from prowless_local.cluster import EngineMissingError  # noqa: PLC0415  as above
        from prowless_local.sample import seed  # noqa: PLC0415  as above
        from prowless_local.stack import Options, Stack  # noqa: PLC0415

        chosen = Options(
            config=options.config,
            kubeconfig=options.kubeconfig,
            context=options.context,
            github_token=options.github_token,
            runner=options.runner,
            http_port=options.port,
            endpoint_port=options.aws_port,
        )
        try:
            installation = Stack(chosen, note=screen.note, prepared=seed)
        except EngineMissingError as error:
            raise OSError(str(error)) from error
        with installation as stack:
            for warning in stack.warnings:
                screen.note(f"configuration: {warning}")
            _stay(stack, screen)
    return 0


def check_port(port: int, option: str) -> None:
    """Say at once that a port is taken.

    Raises:
        OSError: something listens there.
    """
    if port == 0:
        return
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise OSError(f"port {port} cannot be had ({error.strerror}); `{option} 0` takes a free one") from error


def check_kubeconfig(path: str, context: str) -> None:
    """Say at once what is wrong with a kubeconfig, not at the first job.

    Raises:
        OSError: the file is missing or is no kubeconfig, or the context is not in it.
    """
    if not path:
        if context:
            raise OSError("--context needs --kubeconfig: without one the clusters are embedded")
        return
    import yaml  # noqa: PLC0415  only here

    try:
        data = yaml.safe_load(Path(path).read_bytes())
        contexts = [entry["name"] for entry in data["contexts"]]
    except FileNotFoundError:
        raise OSError(f"kubeconfig {path}: no such file") from None
    except (yaml.YAMLError, TypeError, KeyError) as error:
        raise OSError(f"kubeconfig {path}: not a kubeconfig ({error})") from error
    if context and context not in contexts:
        raise OSError(f"kubeconfig {path}: no context {context!r}; there are {', '.join(contexts)}")


def _stay(stack: Stack, screen: Screen) -> None:
    """Print where everything is, then every change, until somebody stops it."""
    from prowless_local import console, follow  # noqa: PLC0415  as above

    screen.addresses(addresses(stack))
    screen.note(f"{_MEMORY} Stop it with Ctrl-C.")
    follow.follow(stack, screen)
    console.Console(stack, screen).run(sys.stdin)


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
        push = f"prowless config push --bucket {stack.state.name} {stack.options.config}"
        table = stack.aws.resources["DeliveriesTable"].ref
        explain = f"prowless explain --bucket {stack.state.name} --table {table} --url PULL_REQUEST"
        found["decisions"] = f"AWS_ENDPOINT_URL={stack.aws.endpoint_url} {explain}"
        found["new configuration"] = f"AWS_ENDPOINT_URL={stack.aws.endpoint_url} {push}"
    return found


def check_event(function: str, file: Path) -> None:
    """Refuse one of our sample events that is another function's.

    Raises:
        OSError: it is; the right folder is named.
    """
    samples = ROOT / "events"
    mine = samples / function
    if file.resolve().is_relative_to(samples) and not file.resolve().is_relative_to(mine):
        raise OSError(f"{file} is no event of {function}: those are in {mine.relative_to(ROOT)}/")


def _invoke(options: argparse.Namespace) -> int:
    if not (ROOT / "functions" / options.function / "app.py").is_file():
        known = ", ".join(sorted(path.parent.name for path in (ROOT / "functions").glob("*/app.py")))
        raise OSError(f"no function {options.function}; there are {known}")
    try:
        event = json.loads(options.file.read_bytes())
    except FileNotFoundError:
        raise OSError(f"{options.file}: no such file") from None
    except ValueError as error:
        raise OSError(f"{options.file} is not JSON: {error}") from error
    check_event(options.function, options.file)
    if sys.stderr.isatty():
        print("starting the embedded stack (some seconds)", file=sys.stderr)
    from prowless_local.aws.functions import FunctionError  # noqa: PLC0415  as above
    from prowless_local.invoke import invoke  # noqa: PLC0415

    try:
        print(json.dumps(invoke(options.config, options.function, event), indent=1))
    except FunctionError as error:
        print(error, file=sys.stderr)
        return 1
    return 0
