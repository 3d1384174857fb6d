"""What events start, case by case from triggers.yaml: from configuration to decision."""

import json
from pathlib import Path

import pytest
import yaml
from tests.unit import event_bodies as bodies

from prowless.adapters.config_files import parse_document
from prowless.domain import events, triggers
from prowless.domain.actions import Start
from prowless.domain.config.compile import compile_sources
from prowless.domain.config.document import Sources
from prowless.domain.config.jobs import RepositoryConfig
from prowless.domain.decisions import Outcome
from prowless.domain.specs import PullFacts
from prowless.domain.view import TrialMerge

CASES = yaml.safe_load(Path(__file__).with_name("triggers.yaml").read_text())
SPEC = {"containers": [{"image": "busybox", "command": ["true"]}]}


class Facts:
    def __init__(self, facts):
        self._facts = facts

    def pull(self):
        base = self._facts.get("base_ref", "main")
        return PullFacts(repository="acme/app", number=3, author="ada", head_sha=bodies.HEAD, base_ref=base)

    def test_merge(self, *, wait=True):
        return TrialMerge(sha="c" * 40, base_sha="b" * 40)

    def trusted(self, user):
        return True

    def changed_files(self):
        return self._facts.get("files", ["main.go"])

    def contexts(self):
        return self._facts.get("contexts", {})

    def bot(self):
        return "prowless[bot]"


def config_of(case):
    kinds = ("presubmits", "postsubmits")
    jobs = {kind: {"acme/app": [{**job, "spec": SPEC} for job in case.get(kind, [])]} for kind in kinds}
    document = parse_document("jobs.yaml", yaml.safe_dump(jobs).encode())
    snapshot = compile_sources(Sources(jobs=(document,)))
    return RepositoryConfig.from_dict(json.loads(snapshot.files["repos/acme/app.json"]))


def event_of(case):
    if "pull" in case:
        return events.parse("pull_request", bodies.pull_request(case["pull"]))
    if "comment" in case:
        return events.parse("issue_comment", bodies.issue_comment(case["comment"]))
    return events.parse("push", bodies.push(case["push"]))


@pytest.mark.parametrize("case", CASES, ids=[case["rule"] for case in CASES])
def test_an_event_starts_what_prow_would_start(case):
    config = config_of(case)
    verdict = triggers.decide(event_of(case), config, Facts(case.get("facts", {})))
    assert [action.spec.job for action in verdict.actions if isinstance(action, Start)] == case["run"]
    assert [d.job for d in verdict.decisions if d.verdict is Outcome.RUN] == case["run"]
    assert len(verdict.decisions) == len(config.presubmits or config.postsubmits)
