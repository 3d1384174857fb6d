"""`/skip`, `/override` and `/cancel`."""

from dataclasses import replace

import pytest

from prowless.domain import triggers
from prowless.domain.actions import AbortPull, Comment, NoteHead, SetStatus
from prowless.domain.approvals import Approval, HeadSeen
from prowless.domain.config.jobs import RepositoryConfig
from prowless.domain.trust import TrustOptions
from prowless.domain.view import RunFact
from tests.unit import event_bodies as bodies
from tests.unit.plugin_facts import CONFIG, View, decide, set_contexts, states
from tests.unit.trigger_facts import BASE, PULL, comment_event, presubmit, pull_event, started, texts

# ---- /skip --------------------------------------------------------------------------------------------------------


def test_skip_makes_failed_contexts_green_that_are_not_required():
    view = View(posted=states(ci__unit="failure", docs="failure", quiet="pending", lint="success", other="error"))
    verdict = decide("/skip", view, author="stranger")
    assert verdict.actions == tuple(
        SetStatus(repository="acme/app", sha=bodies.HEAD, context=name, state="success", description="Skipped")
        for name in ("docs", "quiet")
    )
    assert verdict.summary == "/skip: docs, quiet"


@pytest.mark.parametrize("text", ["/SKIP", "thanks\n/skip  \nbye", "```\n/skip\n```", "/skip\r\n/lgtm"])
def test_skip_is_found_as_prow_finds_it(text):
    assert set_contexts(decide(text, View(posted=states(docs="failure")))) == ["docs"]


@pytest.mark.parametrize("text", ["/skip docs", " /skip", "> /skip", "/skipping"])
def test_what_only_looks_like_skip_is_none(text):
    assert decide(text, View(posted=states(docs="failure"))).summary == "the comment holds no command of ours"


def test_a_job_that_the_same_comment_runs_is_not_skipped():
    verdict = decide("/skip\n/test docs", View(posted=states(docs="failure", lint="failure")))
    assert started(verdict) == ["docs"]
    assert set_contexts(verdict) == ["lint"]


def test_skip_with_nothing_to_skip_does_nothing():
    verdict = decide("/skip", View(posted=states(docs="success")))
    assert (verdict.actions, verdict.summary) == ((), "/skip: nothing to skip")


# ---- /cancel ------------------------------------------------------------------------------------------------------

RUNS = (RunFact(job="unit", context="ci/unit", cause="c1"), RunFact(job="docs", context="docs", cause="c2"))


@pytest.mark.parametrize(
    ("text", "jobs", "met"),
    [
        ("/cancel", (), "`docs`, `unit`"),
        ("/cancel all", (), "`docs`, `unit`"),
        ("/cancel unit", ("unit",), "`unit`"),
        ("/cancel ci/unit, lint\r", ("ci/unit", "lint"), "`unit`"),
        ("/cancel unit\n/cancel docs", ("unit", "docs"), "`docs`, `unit`"),
    ],
)
def test_cancel_stops_the_unfinished_runs_that_it_names(text, jobs, met):
    verdict = decide(text, View(runs=RUNS))
    said, abort = verdict.actions
    assert said.body.startswith(f"@grace: Cancelled on behalf of grace: {met}.")
    assert (abort.repository, abort.number, abort.jobs) == ("acme/app", 3, jobs)
    assert abort.except_cause == str(comment_event(text).cause())
    assert abort.description == "Aborted by grace with /cancel."


@pytest.mark.parametrize(("text", "of"), [("/cancel", ""), ("/cancel lint", " of `lint`")])
def test_cancel_says_when_nothing_is_under_way(text, of):
    own = RunFact(job="lint", context="lint", cause=str(comment_event("x").cause()))
    verdict = decide(text, View(runs=(own,)))
    (said,) = verdict.actions
    assert f"There is nothing to cancel: no run{of} is under way." in said.body


def test_a_stranger_cancels_nothing_on_a_strangers_pull():
    pull = replace(PULL, author="mallory")
    verdict = decide("/cancel", View(facts=pull, runs=RUNS), author="mallory")
    (said,) = verdict.actions
    assert "/ok-to-test" in said.body
    approval = Approval(sha=pull.head_sha, by="ada", at=0, source="issue_comment")
    approved = View(facts=pull, runs=RUNS, approvals=(approval,))
    assert any(isinstance(action, AbortPull) for action in decide("/cancel", approved, author="mallory").actions)


@pytest.mark.parametrize("text", ["```\n/cancel\n```", "/cancelled", " /cancel", "> /cancel", "/Cancel"])
def test_what_is_not_cancel_is_none(text):
    assert decide(text, View(runs=RUNS)).actions == ()


# ---- all ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["/skip", "/override docs", "/cancel"])
def test_commands_on_a_pull_that_was_closed_since_do_nothing(text):
    view = View(facts=replace(PULL, state="closed"), posted=states(docs="failure"), runs=RUNS)
    assert decide(text, view, author="root").actions == ()


@pytest.mark.parametrize("text", ["/skip", "/override", "/cancel"])
def test_our_own_comments_are_no_commands(text):
    assert decide(text, View(posted=states(docs="failure"), runs=RUNS), author="prowless[bot]").actions == ()


def test_commands_work_where_no_presubmits_are():
    verdict = decide("/override deploy", View(posted=states(deploy="error")), author="root",
                     config=RepositoryConfig(repository="acme/app"))  # fmt: skip
    assert set_contexts(verdict) == ["deploy"]


def test_a_description_may_hold_them_beside_what_opening_starts():
    verdict = triggers.decide(pull_event("opened", body="/skip"), CONFIG, View(posted=states(docs="failure")))
    assert started(verdict) == ["unit"]
    assert set_contexts(verdict) == ["docs"]
    assert verdict.summary.endswith("; /skip: docs")


def test_each_command_answers_under_its_own_key():
    verdict = decide("/cancel\n/override", View(), author="root")
    keys = {action.key for action in verdict.actions if isinstance(action, Comment)}
    assert len(keys) == 2


def test_skip_honours_what_the_repository_says_about_ok_to_test():
    config = replace(CONFIG, trust=TrustOptions(ignore_ok_to_test=True))
    always = replace(config, presubmits=(presubmit("docs", always_run=True, optional=True),))
    view = View(posted=states(docs="failure"))
    assert set_contexts(decide("/skip\n/ok-to-test", view, config=always)) == ["docs"]
    assert set_contexts(decide("/skip\n/ok-to-test", view, config=replace(always, trust=TrustOptions()))) == []


@pytest.mark.parametrize(
    ("text", "author"), [("/skip", "grace"), ("/override docs", "root"), ("/override-sticky docs", "root")]
)
@pytest.mark.parametrize(("sticky", "followed"), [(False, False), (True, True)])
def test_a_command_on_statuses_is_about_the_head_it_was_written_for(text, author, sticky, followed):
    heads = (HeadSeen(sha=BASE, at=0, seen=0, opened=True), HeadSeen(sha=PULL.head_sha, at=5, seen=5))
    view = View(posted=states(docs="failure"), heads=heads)
    verdict = decide(text, view, author, replace(CONFIG, trust=TrustOptions(sticky=sticky)))
    assert set_contexts(verdict) == (["docs"] if followed else [])
    assert (NoteHead(repository="acme/app", number=3, sha=PULL.head_sha) in verdict.actions) != followed
    if not followed:
        (answer,) = texts(verdict)
        assert "was pushed after that was written" in answer
        assert "was pushed after" in verdict.summary
