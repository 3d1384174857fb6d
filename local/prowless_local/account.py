"""Clients of the user's own AWS account, or of an embedded stack's endpoint."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from prowless.domain.errors import ConfigError
from prowless.domain.wording import shown

if TYPE_CHECKING:
    import argparse

_REASON = 300


def add_region(parser: argparse.ArgumentParser) -> None:
    """Add the option that every command with such clients has."""
    parser.add_argument("--region", help="the AWS region of the installation; else AWS_REGION or the profile's")


def client(service: str, region: str | None) -> Any:
    """A boto3 client with the user's credentials and endpoint. AWS_REGION, which boto3 does not read, is obeyed.

    Raises:
        ConfigError: there is no region, no such profile, or the settings cannot be used.
    """
    import boto3  # noqa: PLC0415  most commands do without AWS
    from botocore.exceptions import BotoCoreError, NoRegionError  # noqa: PLC0415

    settings = _local_credentials()
    if chosen := region or os.environ.get("AWS_REGION"):
        settings["region_name"] = chosen
    try:
        return boto3.client(service, **settings)  # type: ignore[call-overload]  # any service
    except NoRegionError as error:
        raise ConfigError(["no AWS region: set AWS_REGION or give --region"]) from error
    except (BotoCoreError, ValueError) as error:  # ValueError: of an endpoint or a region that is none
        raise ConfigError([f"AWS cannot be reached as it is set up: {shown(str(error), _REASON)}"]) from error


def _local_credentials() -> dict[str, Any]:
    """Made-up credentials for an embedded stack's endpoint, which needs some and checks none."""
    endpoint = urlsplit(os.environ.get("AWS_ENDPOINT_URL", ""))
    if endpoint.hostname not in {"127.0.0.1", "localhost"} or "AWS_ACCESS_KEY_ID" in os.environ:
        return {}
    return {"aws_access_key_id": "local", "aws_secret_access_key": "local", "region_name": "us-east-1"}
