"""The lock files of the layers, and what Lambda's own Python brings."""

import re
from functools import cache

from tests.infra.templates import ROOT

LAMBDAS_OWN = {"boto3", "botocore", "s3transfer", "jmespath", "python-dateutil", "six", "urllib3"}

_PIN = re.compile(r"^(?P<name>[a-z0-9-]+)==(?P<version>[^ ;\\]+)(?P<rest>(?:[^\n]*\\\n)*[^\n]*)", re.MULTILINE)


@cache
def pins(path: str) -> dict[str, tuple[str, str]]:
    """Name to version and the rest of the entry (marker, hashes); of two versions the first is for the older Python."""
    found: dict[str, tuple[str, str]] = {}
    for match in _PIN.finditer((ROOT / path).read_text()):
        found.setdefault(match["name"], (match["version"], match["rest"]))
    return found


def layer_pins(layer: str) -> dict[str, tuple[str, str]]:
    return pins(f"layers/{layer}/requirements.txt")
