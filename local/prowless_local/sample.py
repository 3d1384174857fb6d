"""The run that the files in `events/` speak about, brought as far as each function needs it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from prowless.adapters.aws.deliveries import DynamoDeliveries
from prowless.domain.external_plugins import Forward
from prowless.domain.prowjob import Phase, header
from prowless.domain.specs import PullFacts, presubmit_spec, pull_refs
from prowless.ports.stores import Delivery
from prowless.usecases.runs import Runs
from prowless.usecases.snapshots import SnapshotConfig
from prowless_local.places import EXAMPLE, ROOT

if TYPE_CHECKING:
    from prowless_local.github import FakeGitHub
    from prowless_local.stack import Stack

DELIVERY = "72d3162e-cc78-11e3-81ab-4c9367dc0958"
PROWJOB = "5a3c7f1e-0000-4000-8000-000000000001"
REPOSITORY = "acme/calculator"
USER = "ada"
BROKEN = "def add(a, b):\n    return a - b\n\n\ndef mean(numbers):\n    return sum(numbers) / len(numbers)\n"
_SEEDED = 50
_FIRST = {"submit": ("prepare",), "poll": ("prepare", "submit"), "collect": ("prepare", "submit")}
_FIRST["stop"] = _FIRST["poll"]


def repository_files() -> dict[str, str]:
    """The sample repository's files."""
    folder = EXAMPLE / "calculator"
    return {path.name: path.read_text() for path in sorted(folder.iterdir()) if path.is_file()}


def seed(stack: Stack) -> None:
    """Give an embedded GitHub what the configuration speaks about: repositories, and a pull request in the sample's.

    No event is sent of that: the pull request is there for those who send the events in `events/github` by hand.
    """
    github = stack.github
    if github is None:
        return
    github.create_org("acme", members=[USER])
    shards = sorted(name for name in stack.snapshot.files if name.startswith("repos/"))
    for name in shards[:_SEEDED]:
        repository = name.removeprefix("repos/").removesuffix(".json")
        files = repository_files() if repository == REPOSITORY else {"README.md": f"# {repository}\n"}
        github.create_repository(repository, files)
        if repository == REPOSITORY:
            _open_first(github)


def _open_first(github: FakeGitHub) -> int:
    readme = {"README.md": "# calculator\n\nBetter.\n"}
    return github.open_pull(REPOSITORY, "readme", readme, "Improve the README", USER)


def prepare_for(stack: Stack, function: str) -> None:
    """Make what a function's sample events speak about: repository, pull request, delivery, and the run."""
    github = stack.github
    if github is None:
        raise ValueError("sample runs need the embedded GitHub")
    github.create_org("acme", members=[USER])
    github.create_repository(REPOSITORY, repository_files())
    number = _open_first(github)
    if function in {"dispatch", "forward"}:
        deliveries(stack).record(_delivery(stack))
    if function == "forward":
        queued = Forward(state="queued", at=stack.clock.now_ms())
        deliveries(stack).open_forwards(DELIVERY, {"cherrypicker": queued})
    elif function not in {"dispatch", "webhook"}:
        _store_run(stack, number, Phase.WAITING if function == "admit" else Phase.STARTED)
        for earlier in _FIRST.get(function, ()):
            stack.aws.invoke(earlier, {"prowjob": PROWJOB})


def deliveries(stack: Stack) -> DynamoDeliveries:
    """The stack's ledger."""
    return DynamoDeliveries(stack.aws.client("dynamodb"), stack.aws.resources["DeliveriesTable"].ref)


def _delivery(stack: Stack) -> Delivery:
    body = (ROOT / "events" / "github" / "pull_request_opened.json").read_bytes()
    data = json.loads(body)
    key = f"deliveries/2026-11-18/{DELIVERY}.json"
    stack.state.put(key, body, "application/json")
    return Delivery(
        guid=DELIVERY,
        event="pull_request",
        action=data["action"],
        repository=data["repository"]["full_name"],
        repository_id=data["repository"]["id"],
        pull=data["number"],
        scope="*",
        body=key,
        received_at=stack.clock.now_ms(),
    )


def _store_run(stack: Stack, number: int, phase: Phase) -> None:
    pull = stack.github.pull(REPOSITORY, number) if stack.github else None
    job = next(
        job
        for job in SnapshotConfig(stack.state, stack.clock).repository(REPOSITORY).presubmits
        if job.name == "unit-tests"
    )
    if pull is None:
        return
    facts = PullFacts(
        repository=REPOSITORY,
        number=number,
        author=pull.author,
        head_sha=pull.head_sha,
        head_ref=pull.head_ref,
        base_ref=pull.base_ref,
        html_url=f"{stack.github.url if stack.github else ''}/{REPOSITORY}/pull/{number}",
    )
    spec = presubmit_spec(job, pull_refs(facts, pull.base_sha))
    now = stack.clock.now_ms()
    row = header(spec, prowjob=PROWJOB, build_id=str(now << 22), cause="sample", delivery=DELIVERY, created_at=now)
    Runs(stack.prowjobs, stack.state).keep_spec(PROWJOB, spec)
    stack.prowjobs.create(replace(row, phase=phase, admitted_at=now))
