"""The `prowless` command: the embedded stack, its demo, and the configuration."""

from __future__ import annotations

import argparse
import logging
import sys
from typing import TYPE_CHECKING

from prowless.domain.errors import ConfigError, ProwlessError
from prowless_local import central, check_config, explain, list_jobs, run_local

if TYPE_CHECKING:
    from collections.abc import Sequence


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
    run_local.add_to(commands)
    check_config.add_to(commands)
    list_jobs.add_to(commands)
    central.add_to(commands)
    explain.add_to(commands)
    return parser
