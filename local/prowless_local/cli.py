"""The `prowless` command: the embedded stack, its demo, and the configuration."""

from __future__ import annotations

import argparse
import io
import logging
import os
import sys
from typing import TYPE_CHECKING

from prowless.domain.errors import ConfigError, ProwlessError
from prowless.domain.wording import shown
from prowless_local import central, check_config, explain, list_jobs, run_local

if TYPE_CHECKING:
    from collections.abc import Sequence

_INTERRUPTED, _UNREAD = 130, 141
"""What a shell says of a program that SIGINT or SIGPIPE ended."""

_LINE = 2_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code: 0 fine, 1 not as expected, 2 unusable input."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(
        level=logging.INFO if options.verbose else logging.ERROR, format="%(levelname)s %(name)s: %(message)s"
    )
    for stream in (sys.stdout, sys.stderr):
        # A terminal of another encoding gets a `?` for what it cannot show.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        code = int(options.run(options))
        sys.stdout.flush()
    except BrokenPipeError:
        return _unread()
    except KeyboardInterrupt:
        return _INTERRUPTED
    except ConfigError as error:
        for problem in error.problems:
            print(shown(problem, _LINE), file=sys.stderr)
        return 2
    except (ProwlessError, OSError) as error:
        print(f"prowless: {shown(str(error), _LINE)}", file=sys.stderr)
        return 2
    return code


def _unread() -> int:
    """End as if by SIGPIPE: whoever read the output, as `head`, wants no more of it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return _UNREAD


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="prowless", description="Prow's jobs, without Prow's servers.")
    parser.add_argument("-v", "--verbose", action="store_true", help="show the functions' logs")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run_local.add_to(commands)
    check_config.add_to(commands)
    list_jobs.add_to(commands)
    central.add_to(commands)
    explain.add_to(commands)
    return parser
