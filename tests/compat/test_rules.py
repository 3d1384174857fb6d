"""The rules of Prow's trigger plugin, case by case from rules.yaml, and those that need more than a case."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from tests.unit import event_bodies as bodies
from tests.unit.config_texts import SETTINGS, compiled, shard
from tests.unit.trigger_facts import PULL, FakeView, comment_event, pull_event, started, texts

from prowless.domain import events, triggers
from prowless.domain.actions import AbortPull, AddLabel, PruneHelp, RemoveLabel, Start

PARTS = yaml.safe_load(Path(__file__).with_name("rules.yaml").read_text())
CASES = [case for part in PARTS.values() for case in part]
SPEC = {"containers": [{"image": "busybox", "command": ["true"]}]}
JOBS = [
    {"name": "always", "always_run": True},
    {"name": "go", "run_if_changed": r"\.go$"},
    {"name": "md", "run_if_changed": r"\.md$", "optional": True},
    {"name": "manual"},
]


def config_of(case):
    jobs = [{**job, "spec": SPEC} for job in case.get("presubmits", JOBS)]
    other = {"postsubmits": {"acme/app": [{"name": "p", "spec": SPEC}]}}
    plugins = yaml.safe_dump({"triggers": [{"repos": ["acme/app"], **case.get("triggers", {})}]})
    settings = f"{SETTINGS}trust: sticky\n"  # as in Prow, where an approval is for good
    jobs_file = yaml.safe_dump({"presubmits": {"acme/app": jobs}, **other})
    return shard(compiled(jobs_file, plugins=plugins, settings=settings))


def event_of(case):
    if "pull" in case:
        given = case["pull"] if isinstance(case["pull"], dict) else {"action": case["pull"]}
        return pull_event(**given)
    if "review" in case:
        return events.parse("pull_request_review", bodies.review(case["review"]))
    if "review_comment" in case:
        body = bodies.pull_request("created")
        return events.parse(
            "pull_request_review_comment", body | {"comment": bodies.issue_comment(case["review_comment"])["comment"]}
        )
    given = dict(case["comment"]) if isinstance(case["comment"], dict) else {"text": case["comment"]}
    if given.pop("issue", False):
        given["pull_request"] = None
    return comment_event(**given)


def view_of(case):
    facts = dict(case.get("facts", {}))
    seen = {"files": tuple(facts.pop("files", ("main.go",))), "states": facts.pop("contexts", {})}
    labels = frozenset(facts.pop("labels", ()))
    return FakeView(replace(PULL, labels=labels, **facts), **seen)


def labels_of(verdict):
    signs = {AddLabel: "+", RemoveLabel: "-"}
    return [signs[type(a)] + a.label for a in verdict.actions if type(a) in signs]


def decided(case):
    return triggers.decide(event_of(case), config_of(case), view_of(case))


@pytest.mark.parametrize("case", CASES, ids=[case["rule"] for case in CASES])
def test_prows_rule(case):
    verdict = decided(case)
    said = texts(verdict)
    assert started(verdict) == case["run"]
    assert len(said) == ("says" in case)
    assert case.get("says", "") in "".join(said)
    assert labels_of(verdict) == case.get("labels", [])
    stops = ["others" if a.except_head else "all" for a in verdict.actions if isinstance(a, AbortPull)]
    assert stops == ([case["stops"]] if "stops" in case else [])


def test_join_org_url_is_where_a_stranger_is_sent():
    case = {"pull": "opened", "facts": {"author": "eve"}}
    (default,) = texts(decided(case))
    (own,) = texts(decided(case | {"triggers": {"join_org_url": "https://join.example.org"}}))
    assert "[join the org](https://github.com/orgs/acme/people)" in default
    assert "[join the org](https://join.example.org)" in own


def test_a_second_organisation_is_named_in_the_welcome():
    case = {"pull": "opened", "facts": {"author": "eve"}, "triggers": {"trusted_org": "friends"}}
    assert "or [friends](https://github.com/orgs/friends/people) member" in texts(decided(case))[0]


@pytest.mark.parametrize(
    ("text", "removed"),
    [
        ("/test always", True),
        ("/test all", True),
        ("/retest", True),
        ("/test-manual-required", True),
        ("/ok-to-test", False),
    ],
)
def test_commands_that_test_remove_old_help(text, removed):
    verdict = decided({"comment": text})
    assert (PruneHelp(repository="acme/app", number=3) in verdict.actions) is removed


@pytest.mark.parametrize("text", ["/retest", "/retest-required"])
def test_what_a_retest_starts_is_labelled_so(text):
    verdict = decided({"comment": text})
    specs = [action.spec for action in verdict.actions if isinstance(action, Start)]
    assert {spec.labels.get("prow.k8s.io/retest") for spec in specs} == {"true"}


@pytest.mark.parametrize(
    ("job", "required"),
    [({}, True), ({"optional": True}, False), ({"skip_report": True}, False)],
)
def test_a_context_is_required_of_jobs_that_are_not_optional_and_report(job, required):
    (found,) = config_of({"presubmits": [{"name": "a", **job}]}).presubmits
    assert found.context_required is required


def test_context_trigger_and_rerun_command_follow_from_the_name():
    config = config_of(
        {"presubmits": [{"name": "a"}, {"name": "b", "context": "ci/b", "trigger": "x", "rerun_command": "x"}]}
    )
    assert [(job.context, job.rerun_command) for job in config.presubmits] == [("a", "/test a"), ("ci/b", "x")]
    assert config.presubmits[0].trigger == r"(?m)^/test( | .* )a,?($|\s.*)"
    assert config.postsubmits[0].context == "p"


@pytest.mark.parametrize(
    ("body", "jobs"),
    [
        ({}, ["p"]),
        ({"created": True, "commits": []}, ["p"]),
        ({"forced": True}, ["p"]),
        ({"deleted": True}, []),
        ({"after": "0" * 40}, []),
    ],
)
def test_a_push_starts_postsubmits_unless_the_ref_is_gone(body, jobs):
    event = events.parse("push", bodies.push(**body))
    assert started(triggers.decide(event, config_of({}), FakeView())) == jobs


def test_a_postsubmit_runs_on_the_pushed_commit_without_pulls():
    event = events.parse("push", bodies.push("refs/tags/v1"))
    (action,) = triggers.decide(event, config_of({}), FakeView()).actions
    refs = action.spec.refs
    assert (refs.org, refs.repo, refs.base_ref, refs.base_sha) == ("acme", "app", "v1", bodies.HEAD)
    assert (refs.pulls, refs.base_link) == ((), "https://github.com/acme/app/compare/c...a")
    assert (action.spec.report, action.spec.context) == (True, "p")
