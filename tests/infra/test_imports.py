"""What a function imports is part of its price: asserted in a fresh interpreter, after its handler is built."""

import json
import subprocess
import sys

import pytest

from prowless_local.places import ROOT

FUNCTIONS = sorted(path.parent.name for path in (ROOT / "functions").glob("*/app.py"))
BUILD = {"prowless.domain.config.build", "prowless.adapters.config_files"}
"""What compiles configuration. dispatch loads it with the first in-repo files that are not known yet."""

HEAVY = (
    *("kubernetes", "yaml", "cryptography", "jwt", "jinja2", "pydantic", "moto", "re2", "prowless_local", "pathspec"),
    *BUILD,
)

CLUSTER = {"re2", "kubernetes", "yaml", "pydantic"}
"""The kubernetes client brings yaml and pydantic."""

ALLOWED = {
    "webhook": set(),
    "dispatch": {"re2"},
    "forward": {"re2"},
    "periodics": {"re2"},
    "admit": {"re2"},
    "prepare": {"re2"},
    "submit": CLUSTER,
    "poll": CLUSTER,
    "stop": CLUSTER,
    "collect": CLUSTER,
    "report": {"re2"},
    "reconcile": {"re2"},
    "config_sync": {"re2", "yaml", *BUILD},
}

_PROGRAM = """
import importlib.util, json, sys
path, heavy = sys.argv[1], sys.argv[2].split(",")
spec = importlib.util.spec_from_file_location("app", path)
app = importlib.util.module_from_spec(spec)
spec.loader.exec_module(app)
from prowless.runtime.environment import Environment, SystemClock
class Any(dict):
    def get(self, name, default=None):
        return {"CONFIG_SOURCES": "[]", "KUBECONFIG": "", "GITHUB_API_URL": "https://api.github.com",
                "MAX_RECEIVES": "10", "SLACK_API_URL": "https://slack.com/api"}.get(name, "x")
app.handler.bind(Environment(variables=Any(), clock=SystemClock()))
print(json.dumps(sorted(name for name in heavy if name in sys.modules)))
"""


def imported(function: str) -> set[str]:
    environment = {
        "PYTHONPATH": str(ROOT / "layers" / "prowless"),
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
    }
    arguments = [sys.executable, "-c", _PROGRAM, str(ROOT / "functions" / function / "app.py"), ",".join(HEAVY)]
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=True, timeout=60)
    return set(json.loads(done.stdout))


def test_every_function_has_its_import_set():
    assert sorted(ALLOWED) == FUNCTIONS


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_imports_no_heavy_library_it_has_no_use_for(function):
    assert imported(function) <= ALLOWED[function]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_an_app_holds_no_logic(function):
    lines = (ROOT / "functions" / function / "app.py").read_text().splitlines()
    statements = [line for line in lines if line and not line.startswith('"""')]
    assert len(statements) == 2, statements
    assert statements[1].startswith("handler = boundary.")
