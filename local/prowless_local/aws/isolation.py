"""Keeps the user's AWS out: no credentials, profile, region or endpoint of theirs is ever looked at."""

from __future__ import annotations

import os

import boto3
import botocore.loaders
import botocore.session

from prowless_local.template import REGION

_VARIABLES = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_SESSION_TOKEN": "local",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}
_LOADER = botocore.loaders.create_loader()  # knows the APIs' models; reading them is half of making a client


class Isolation:
    """The process's AWS settings, replaced by the stack's until `restore`."""

    def __init__(self) -> None:
        self._saved: dict[str, str | None] = {}

    def apply(self) -> None:
        """Replace them."""
        names = {*_VARIABLES, "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ENDPOINT_URL_S3", "MOTO_S3_CUSTOM_ENDPOINTS"}
        names |= {name for name in os.environ if name.startswith("AWS_")}
        self._saved = {name: os.environ.get(name) for name in names}
        for name in names:
            os.environ.pop(name, None)
        os.environ.update(_VARIABLES)

    def new_session(self) -> None:
        """Give boto3 a default session that has read nothing of the user's."""
        session = botocore.session.Session()
        session.register_component("data_loader", _LOADER)
        boto3.setup_default_session(botocore_session=session)

    def serve_s3_at(self, url: str) -> None:
        """Let S3 clients use an address of ours, so that URLs they presign work in other processes.

        Their own requests still do not leave the process: moto recognizes the address.
        """
        os.environ["AWS_ENDPOINT_URL_S3"] = os.environ["MOTO_S3_CUSTOM_ENDPOINTS"] = url

    def restore(self) -> None:
        """Put them back."""
        for name, value in self._saved.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
