"""The functions' roles, held against every AWS call in a pull request's life; the embedded stack enforces none."""

from __future__ import annotations

import json
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest
from tests.infra.policies import Need, Policies

from prowless.domain.config.snapshot import SYNCED
from prowless.domain.prowjob import Phase
from prowless.domain.status import CONFIG_CONTEXT
from prowless_local.places import EXAMPLE
from prowless_local.sample import REPOSITORY, repository_files
from prowless_local.stack import Options, Stack

if TYPE_CHECKING:
    from collections.abc import Callable

    from prowless_local.aws.calls import Call

SECONDS = 60
CONFIG = "acme/config"
SOURCES = json.dumps(
    [{"repository": CONFIG, "ref": "main", "config": "config.yaml", "settings": "prowless.yaml", "jobs": ["jobs/*"]}]
)
SLOW = "\n\nclass SlowTest(unittest.TestCase):\n    def test_slow(self):\n        import time; time.sleep(60)\n"


def _until(what: str, holds: Callable[[], bool]) -> None:
    end = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < end, what
        time.sleep(0.1)


def _live(stack: Stack) -> None:
    """A slow commit, a newer one that replaces it while it is tested, and a periodic."""
    github = stack.github
    assert github is not None
    github.create_org("acme", members=["ada"])
    configuration = EXAMPLE / "config"
    paths = [path for path in configuration.rglob("*.yaml") if path.is_file()]
    github.create_repository(CONFIG, {str(path.relative_to(configuration)): path.read_bytes() for path in paths})
    files = repository_files()
    github.create_repository(REPOSITORY, files)
    slow = {"test_calculator.py": files["test_calculator.py"].replace("\n\nif __name__", f"{SLOW}\n\nif __name__")}
    number = github.open_pull(REPOSITORY, "topic", slow, "A slow test", "ada")

    runs = partial(stack.prowjobs.of_pull, REPOSITORY, number)
    _until("the slow runs are in their cluster", lambda: bool(runs()) and all(run.object for run in runs()))
    slow_runs = len(runs())
    github.push_to_pull(REPOSITORY, number, {"test_calculator.py": files["test_calculator.py"]}, "Faster")
    _until(
        "the runs of both commits are over",
        lambda: len(runs()) > slow_runs and all(run.phase is Phase.RELEASED for run in runs()),
    )
    github.commit(CONFIG, "main", {"jobs/README.md": "moved"})
    broken = {"jobs/broken.yaml": "presubmits: ["}
    change = github.open_pull(CONFIG, "topic", broken, "A bad change", "ada", fork=True)
    head = github.pull(CONFIG, change).head_sha
    _until("the configuration is checked", lambda: github.effective_status(CONFIG, head, CONFIG_CONTEXT) is not None)
    _until("the configuration is synced", lambda: stack.state.get(SYNCED) is not None)
    stack.aws.tick("periodics")
    stack.aws.tick("reconcile")


@pytest.fixture(scope="module")
def calls() -> list[tuple[Call, list[Need]]]:
    """Every AWS call that a function made, with what its role lacks for it."""
    stack = Stack(Options(config=EXAMPLE / "config", schedules=False, parameters={"ConfigSources": SOURCES}))
    policies = Policies(stack.aws.template)
    seen: list[tuple[Call, list[Need]]] = []

    def look(call: Call, phase: str) -> None:
        if phase == "before":
            seen.append((call, policies.denied(call.function, call.service, call.operation, call.params)))

    stack.aws.call_interceptor = look
    with stack:
        _live(stack)
    return seen


def test_every_call_is_allowed_by_the_functions_role(calls: list[tuple[Call, list[Need]]]) -> None:
    assert {(call.function, need) for call, lacking in calls for need in lacking} == set()
    assert {call.function for call, _ in calls} >= {
        f"{name}Function"
        for name in (
            "Webhook",
            "Dispatch",
            "Admit",
            "Prepare",
            "Submit",
            "Poll",
            "Stop",
            "Collect",
            "Report",
            "Reconcile",
            "ConfigSync",
        )
    }
