"""What a function imports while it starts: only what its layers carry, and the webhook as little as can be."""

import json
import subprocess
import sys
from functools import cache

import pytest

from tests.infra.layers import LAMBDAS_OWN, layer_pins
from tests.infra.templates import ROOT, functions, variables

FUNCTIONS = functions()
OPTIONAL = {"certifi"}
"""botocore uses it where it is installed, and does without."""

NOT_IN_WEBHOOK = {"kubernetes", "pydantic", "pyyaml", "cryptography", "pyjwt", "google-re2", "requests", "boto3"}
"""Each costs the webhook more than its own work does."""


@cache
def _imported(name: str) -> frozenset[str]:
    values = {key: "[]" if key == "CONFIG_SOURCES" else "https://example.com" for key in variables(FUNCTIONS[name])}
    done = subprocess.run(
        [sys.executable, ROOT / "tests/infra/imports_of_a_function.py", ROOT / f"functions/{name}/app.py"],
        env=values | {"PYTHONPATH": str(ROOT / "layers/prowless"), "AWS_DEFAULT_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return frozenset(json.loads(done.stdout))


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_function_starts_with_what_its_layers_carry(name: str) -> None:
    layers = ["runtime", *(["kube"] if "Layers" in FUNCTIONS[name] else [])]
    carried = {pin for layer in layers for pin in layer_pins(layer)}
    assert _imported(name) <= carried | LAMBDAS_OWN | OPTIONAL


def test_the_webhook_imports_little() -> None:
    assert not _imported("webhook") & NOT_IN_WEBHOOK
