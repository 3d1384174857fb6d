"""The `prowless` command: the embedded stack, its demo, and the configuration."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from prowless.domain.errors import ConfigError, ProwlessError
from prowless_local import check_config, explain, list_jobs, run_local

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
    _config_parser(commands.add_parser("config", help="publish a configuration"))
    explain.add_to(commands)
    return parser


def _config_parser(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    push = commands.add_parser("push", help="compile a configuration and make it the current one")
    push.add_argument("folder", type=Path, help="folder with config.yaml, prowless.yaml and jobs/")
    push.add_argument("--format", choices=("text", "json"), default="text", help="how to print the result")
    push.add_argument("--bucket", required=True, help="the stack's state bucket (output StateBucketName)")
    push.set_defaults(run=_config_push)


def _local_credentials() -> dict[str, Any]:
    """Made-up credentials for an embedded stack's endpoint, which needs some and checks none."""
    endpoint = urlsplit(os.environ.get("AWS_ENDPOINT_URL", ""))
    if endpoint.hostname not in {"127.0.0.1", "localhost"} or "AWS_ACCESS_KEY_ID" in os.environ:
        return {}
    return {"aws_access_key_id": "local", "aws_secret_access_key": "local", "region_name": "us-east-1"}


def _config_push(options: argparse.Namespace) -> int:
    import boto3  # noqa: PLC0415  the user's own credentials, region and endpoint

    from prowless.adapters.aws.objects import S3Objects  # noqa: PLC0415
    from prowless.adapters.config_files import read_folder  # noqa: PLC0415  only these commands read YAML
    from prowless.domain.config.compile import compile_sources  # noqa: PLC0415
    from prowless.usecases.snapshots import publish  # noqa: PLC0415

    snapshot = compile_sources(read_folder(options.folder))
    objects = S3Objects(boto3.client("s3", **_local_credentials()), options.bucket)
    changed = publish(snapshot, objects, {str(options.folder): "pushed by hand"}, time.time_ns() // 1_000_000)
    if options.format == "json":
        print(json.dumps({"snapshot": snapshot.hash, "changed": changed, "warnings": snapshot.warnings}, indent=1))
    else:
        for warning in snapshot.warnings:
            print(f"warning: {warning}")
        print(f"snapshot {snapshot.hash} is current" + ("" if changed else " (it was already)"))
    return 0
