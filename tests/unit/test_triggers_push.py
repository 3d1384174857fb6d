"""The trigger plugin's rules, one event at a time."""

from dataclasses import replace

import pytest

from prowless.domain import events, triggers
from prowless.domain.actions import SyncConfig
from prowless.domain.config.jobs import Postsubmit, RepositoryConfig
from prowless.domain.decisions import Outcome
from tests.unit import event_bodies as bodies
from tests.unit.trigger_facts import CONFIG, FakeView, decisions, pull_event, started

PUBLISH = Postsubmit(name="publish", context="publish", branches=("^main$",))
RELEASE = Postsubmit(name="release", context="release", branches=(r"^v\d",), skip_report=True)
SITE = Postsubmit(name="site", context="site", run_if_changed=r"\.md$", always_run=False)
NEVER = Postsubmit(name="never", context="never", always_run=False)
PUSHED = RepositoryConfig(repository="acme/app", postsubmits=(PUBLISH, RELEASE, SITE, NEVER))


def test_a_push_starts_the_postsubmits_of_its_branch():
    verdict = triggers.decide(events.parse("push", bodies.push()), PUSHED, FakeView())
    assert started(verdict) == ["publish"]
    assert decisions(verdict) == {
        "publish": (Outcome.RUN, "always_run"),
        "release": (Outcome.SKIP, "branches"),
        "site": (Outcome.SKIP, "run_if_changed"),
        "never": (Outcome.SKIP, "always_run"),
    }
    refs = verdict.actions[0].spec.refs
    assert (refs.base_ref, refs.base_sha, refs.pulls) == ("main", bodies.HEAD, ())
    assert refs.base_link == "https://github.com/acme/app/compare/c...a"


def test_a_tag_starts_postsubmits_like_a_branch():
    verdict = triggers.decide(events.parse("push", bodies.push("refs/tags/v1.0")), PUSHED, FakeView())
    assert started(verdict) == ["release"]
    assert verdict.actions[0].spec.report is False


@pytest.mark.parametrize("branches", [(), ("main",), ("^release",)])
def test_a_branch_of_the_merge_queue_starts_no_postsubmit(branches):
    config = replace(PUSHED, postsubmits=(replace(PUBLISH, branches=branches),))
    push = bodies.push(f"refs/heads/gh-readonly-queue/main/pr-4-{'b' * 40}")
    verdict = triggers.decide(events.parse("push", push), config, FakeView())
    assert started(verdict) == []
    assert decisions(verdict)["publish"] == (Outcome.SKIP, "branches" if "^release" in branches else "merge-queue")


def test_a_postsubmit_that_names_the_merge_queues_branches_runs_there():
    config = replace(PUSHED, postsubmits=(replace(PUBLISH, branches=("^gh-readonly-queue/main/",)),))
    push = bodies.push(f"refs/heads/gh-readonly-queue/main/pr-4-{'b' * 40}")
    assert started(triggers.decide(events.parse("push", push), config, FakeView())) == ["publish"]


def test_changed_files_decide_before_always_run():
    view = FakeView(files=("README.md",))
    assert "site" in started(triggers.decide(events.parse("push", bodies.push()), PUSHED, view))


def test_a_deleted_branch_starts_nothing():
    verdict = triggers.decide(events.parse("push", bodies.push(deleted=True)), PUSHED, FakeView())
    assert (verdict.actions, verdict.summary) == ((), "refs/heads/main was deleted")


@pytest.mark.parametrize(
    ("ref", "sources", "wanted"),
    [
        ("refs/heads/main", [("acme/app", "main")], True),
        ("refs/heads/other", [("acme/app", "main")], False),
        ("refs/tags/main", [("acme/app", "main")], False),
        ("refs/heads/main", [("acme/config", "main")], False),
    ],
)
def test_a_push_to_a_source_of_the_configuration_syncs_it(ref, sources, wanted):
    config = RepositoryConfig(repository="acme/app")
    verdict = triggers.decide(events.parse("push", bodies.push(ref)), config, FakeView(), config_sources=sources)
    assert (SyncConfig(repository="acme/app", sha=bodies.HEAD) in verdict.actions) is wanted


def test_a_verdict_is_kept_without_its_actions():
    kept = triggers.decide(pull_event("opened"), CONFIG, FakeView()).to_dict()
    assert kept["decisions"][0] == {
        "job": "unit",
        "type": "presubmit",
        "verdict": "run",
        "rule": "test-all",
        "reason": "always_run is true",
    }
