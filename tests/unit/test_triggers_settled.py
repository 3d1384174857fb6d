"""Our statuses on a pull's head that do not hold any more are taken back."""

from dataclasses import replace

import pytest

from prowless.domain import triggers
from prowless.domain.actions import SetStatus, Withdraw
from prowless.domain.config.enabled import RepositoryPlugins
from prowless.domain.config.jobs import RepositoryConfig
from prowless.domain.status import CONFIG_CONTEXT, IN_REPO_CONTEXT, MERGE_CONTEXT, SETTLED
from prowless.domain.view import InRepoConfig
from tests.unit import event_bodies as bodies
from tests.unit.trigger_facts import CONFIG, PULL, FakeView, comment_event, presubmit, pull_event, started

STATIC = replace(CONFIG, in_repo=True)
FINE = InRepoConfig(config=STATIC, present=True)
INVALID = InRepoConfig(config=STATIC, problems=(".prow.yaml:3: wrong",), present=True)
UNKNOWN = InRepoConfig(config=STATIC, unknown="there is no merge", present=True)
RED = {IN_REPO_CONTEXT: "failure"}
NO_MERGE = {MERGE_CONTEXT: "error"}
RETARGET = pull_event("edited", changes={"base": {"ref": {"from": "main"}}})
ON_MAIN = RepositoryConfig(
    repository="acme/app", presubmits=(presubmit("unit", always_run=True, branches=("^main$",)),)
)
RELEASE = replace(PULL, base_ref="release")
EVENTS = [pull_event("opened"), pull_event("synchronize"), RETARGET, comment_event("/test unit")]


def decide(event, config, states, facts=PULL, **view):
    seen = FakeView(facts, states=states, **view)
    return triggers.decide(event, config, seen), seen


def statuses(verdict):
    return [(one.context, one.state) for one in verdict.actions if isinstance(one, SetStatus)]


# ---- the repository's own files -----------------------------------------------------------------------------------


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize(
    ("config", "own"), [(STATIC, FINE), (STATIC, InRepoConfig(config=STATIC)), (CONFIG, None)], ids=["", "gone", "off"]
)
def test_files_that_are_valid_again_or_gone_or_switched_off_take_status_and_comment_back(event, config, own):
    verdict, _ = decide(event, config, RED, own=own)
    assert statuses(verdict) == [(IN_REPO_CONTEXT, "success")]
    (status,) = [one for one in verdict.actions if isinstance(one, SetStatus)]
    assert (status.sha, status.description) == (bodies.HEAD, SETTLED)
    (gone,) = [one for one in verdict.actions if isinstance(one, Withdraw)]
    assert gone.key == f"in-repo {bodies.HEAD}"


@pytest.mark.parametrize("states", [{}, {IN_REPO_CONTEXT: "success"}, {CONFIG_CONTEXT: "failure"}])
def test_a_head_without_a_failure_of_own_files_gets_no_success(states):
    verdict, _ = decide(comment_event("/test unit"), STATIC, states, own=FINE)
    assert statuses(verdict) == []
    assert not [one for one in verdict.actions if isinstance(one, Withdraw)]


@pytest.mark.parametrize(("own", "posted"), [(INVALID, "failure"), (UNKNOWN, None)])
def test_files_that_are_invalid_or_unknown_take_nothing_back(own, posted):
    verdict, _ = decide(comment_event("/test slow"), STATIC, RED, own=own, base=None)
    assert dict(statuses(verdict)).get(IN_REPO_CONTEXT) == posted


def test_a_draft_whose_files_are_not_read_takes_nothing_back():
    verdict, _ = decide(RETARGET, STATIC, RED | NO_MERGE, facts=replace(PULL, draft=True), own=FINE)
    assert statuses(verdict) == []


# ---- the merge ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("event", [*EVENTS, pull_event("reopened"), comment_event("/retest")])
@pytest.mark.parametrize(("state", "posted"), [("error", [(MERGE_CONTEXT, "success")]), ("success", []), ("", [])])
def test_a_merge_that_is_there_again_takes_back_that_there_was_none(event, state, posted):
    verdict, _ = decide(event, CONFIG, {"unit": "success"} | ({MERGE_CONTEXT: state} if state else {}))
    assert statuses(verdict) == posted


@pytest.mark.parametrize("event", [RETARGET, comment_event("/test all")])
@pytest.mark.parametrize("facts", [RELEASE, replace(RELEASE, mergeable=False)])
def test_on_a_base_without_jobs_no_merge_is_missed(event, facts):
    verdict, _ = decide(event, ON_MAIN, NO_MERGE, facts=facts)
    assert started(verdict) == []
    assert statuses(verdict) == [(MERGE_CONTEXT, "success")]


@pytest.mark.parametrize("text", ["/test slow", "/retest", "/test all"])
@pytest.mark.parametrize(("facts", "base"), [(replace(PULL, mergeable=False), "b" * 40), (PULL, None)])
def test_a_command_while_the_merge_is_missing_takes_nothing_back(text, facts, base):
    verdict, _ = decide(comment_event(text), CONFIG, NO_MERGE | {"unit": "success"}, facts=facts, base=base)
    assert statuses(verdict) == []


def test_while_own_jobs_are_unknown_for_want_of_a_merge_nothing_is_taken_back():
    config = replace(STATIC, presubmits=())
    own = replace(UNKNOWN, config=config)
    verdict, _ = decide(comment_event("/test all"), config, NO_MERGE, own=own, base=None)
    assert statuses(verdict) == []


# ---- no jobs any more ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "config",
    [RepositoryConfig(repository="acme/app"), replace(STATIC, plugins=RepositoryPlugins(disabled=("trigger",)))],
)
@pytest.mark.parametrize(
    ("event", "settled"), [(RETARGET, True), (pull_event("reopened"), True), (pull_event("synchronize"), False)]
)
def test_where_there_are_no_jobs_any_more_a_pull_that_is_judged_anew_takes_all_back(config, event, settled):
    verdict, view = decide(event, config, RED | NO_MERGE, own=INVALID)
    assert statuses(verdict) == ([(IN_REPO_CONTEXT, "success"), (MERGE_CONTEXT, "success")] if settled else [])
    assert ("contexts" in view.asked) is settled
