"""The trigger plugin's rules, one event at a time."""

from dataclasses import replace

import pytest

from prowless.domain import triggers
from prowless.domain.actions import AbortPull
from prowless.domain.config.jobs import RepositoryConfig
from prowless.domain.decisions import Outcome
from prowless.domain.view import TrialMerge
from tests.unit import event_bodies as bodies
from tests.unit.trigger_facts import (
    BASE,
    CONFIG,
    MERGE,
    PULL,
    SLOW,
    UNIT,
    FakeView,
    comment_event,
    decisions,
    pull_event,
    started,
    texts,
)


def test_opening_starts_the_automatic_jobs_and_explains_the_others():
    verdict = triggers.decide(pull_event("opened"), CONFIG, FakeView())
    assert started(verdict) == ["unit"]
    assert decisions(verdict) == {
        "unit": (Outcome.RUN, "test-all"),
        "docs": (Outcome.SKIP, "run_if_changed"),
        "slow": (Outcome.SKIP, "manual"),
    }
    assert verdict.summary == "1 run, 2 skip"


def test_the_spec_is_the_present_head_merged_on_the_tested_base():
    verdict = triggers.decide(pull_event("opened"), CONFIG, FakeView())
    (start,) = verdict.actions
    refs = start.spec.refs
    assert str(refs) == f"main:{BASE},3:{bodies.HEAD}"
    assert refs.base_link == f"https://github.com/acme/app/commit/{BASE}"
    pull = refs.pulls[0]
    assert pull.commit_link == f"https://github.com/acme/app/pull/3/commits/{bodies.HEAD}"
    assert pull.author_link == "https://github.com/ada"
    assert start.spec.labels["prow.k8s.io/is-optional"] == "false"
    assert (start.automatic, start.renew, start.retest) == (True, False, False)


def test_a_late_event_is_judged_against_the_present_head():
    view = FakeView(replace(PULL, head_sha="d" * 40))
    verdict = triggers.decide(pull_event("opened"), CONFIG, view)
    assert verdict.actions[0].spec.refs.pulls[0].sha == "d" * 40


LATE = [pull_event(action) for action in ("opened", "reopened", "synchronize", "ready_for_review")]


@pytest.mark.parametrize("event", [*LATE, pull_event("labeled", label="lgtm"), comment_event("/test all")])
def test_a_late_event_of_a_pull_that_is_closed_now_starts_nothing(event):
    verdict = triggers.decide(event, CONFIG, FakeView(replace(PULL, state="closed")))
    assert started(verdict) == []
    assert {rule for _, rule in decisions(verdict).values()} == {"closed"}


def test_a_push_stops_the_runs_of_older_heads_before_it_starts_new_ones():
    verdict = triggers.decide(pull_event("synchronize"), CONFIG, FakeView())
    abort, *_ = verdict.actions
    assert abort == AbortPull(repository="acme/app", number=3, except_head=bodies.HEAD)
    assert abort.description == "Aborted by trigger plugin."
    assert started(verdict) == ["unit"]


@pytest.mark.parametrize(
    "event",
    [
        pull_event("reopened"),
        pull_event("ready_for_review"),
        pull_event("edited", changes={"base": {"ref": {"from": "old"}}}),
    ],
)
def test_reopening_a_new_base_and_the_end_of_a_draft_start_the_head_anew(event):
    verdict = triggers.decide(event, CONFIG, FakeView())
    (start,) = verdict.actions
    assert (start.automatic, start.renew) == (True, True)


@pytest.mark.parametrize("action", ["edited", "assigned", "unlabeled", "labeled", "locked"])
def test_other_actions_start_nothing_and_ask_nothing(action):
    view = FakeView()
    verdict = triggers.decide(pull_event(action, label="bug"), CONFIG, view)
    assert (verdict.actions, verdict.decisions, view.asked) == ((), (), [])
    assert verdict.summary == f"pull_request {action} starts nothing"


def test_closing_stops_what_runs():
    verdict = triggers.decide(pull_event("closed"), CONFIG, FakeView(replace(PULL, state="closed")))
    assert verdict.actions == (AbortPull(repository="acme/app", number=3),)


def test_closing_stops_nothing_if_the_pull_is_open_again():
    assert triggers.decide(pull_event("closed"), CONFIG, FakeView()).actions == ()


def test_becoming_a_draft_stops_what_runs():
    verdict = triggers.decide(pull_event("converted_to_draft"), CONFIG, FakeView(replace(PULL, draft=True)))
    assert verdict.actions == (AbortPull(repository="acme/app", number=3),)
    assert triggers.decide(pull_event("converted_to_draft"), CONFIG, FakeView()).actions == ()


def test_a_draft_is_told_that_nothing_runs_when_it_is_opened_only():
    view = FakeView(replace(PULL, draft=True))
    opened = triggers.decide(pull_event("opened"), CONFIG, view)
    assert texts(opened)[0].startswith("Skipping CI for Draft Pull Request.")
    assert {rule for _, rule in decisions(opened).values()} == {"draft"}
    pushed = triggers.decide(pull_event("synchronize"), CONFIG, view)
    assert (started(pushed), texts(pushed)) == ([], [])


def test_a_repository_without_presubmits_is_left_alone():
    view = FakeView()
    verdict = triggers.decide(pull_event("opened"), RepositoryConfig(repository="acme/app"), view)
    assert (verdict.actions, view.asked) == ((), [])
    assert verdict.summary == "acme/app has no presubmits"


def test_jobs_of_other_branches_do_not_run():
    config = RepositoryConfig(repository="acme/app", presubmits=(replace(UNIT, branches=("^release-",)),))
    verdict = triggers.decide(pull_event("opened"), config, FakeView())
    (decision,) = verdict.decisions
    assert (decision.verdict, decision.rule) == (Outcome.SKIP, "branches")
    assert "main" in decision.reason
    assert "^release-" in decision.reason


def test_changed_files_are_asked_for_only_if_they_matter():
    config = RepositoryConfig(repository="acme/app", presubmits=(UNIT, SLOW))
    view = FakeView()
    triggers.decide(pull_event("opened"), config, view)
    assert "changed_files" not in view.asked


def test_unknown_changed_files_run_the_job():
    verdict = triggers.decide(pull_event("opened"), CONFIG, FakeView(files=None))
    assert started(verdict) == ["unit", "docs"]


# ---- what blocks --------------------------------------------------------------------------------------------------


def test_a_conflict_blocks_with_its_reason():
    verdict = triggers.decide(pull_event("opened"), CONFIG, FakeView(replace(PULL, mergeable=False)))
    assert started(verdict) == []
    assert decisions(verdict)["unit"] == (Outcome.BLOCKED, "mergeable")
    assert decisions(verdict)["slow"] == (Outcome.SKIP, "manual")


def test_a_merge_that_github_has_not_computed_blocks_visibly():
    verdict = triggers.decide(pull_event("opened"), CONFIG, FakeView(base=None))
    assert decisions(verdict)["unit"] == (Outcome.BLOCKED, "merge-ref")


def test_a_head_that_moves_while_github_merges_is_the_head_under_test():
    class Moving(FakeView):
        def test_merge(self, *, wait=True):
            self.facts = replace(PULL, head_sha="e" * 40)
            return TrialMerge(sha=MERGE, base_sha="f" * 40)

    verdict = triggers.decide(pull_event("opened"), CONFIG, Moving())
    assert str(verdict.actions[0].spec.refs) == f"main:{'f' * 40},3:{'e' * 40}"


def test_a_conflict_found_while_waiting_is_a_conflict():
    class Conflicting(FakeView):
        def test_merge(self, *, wait=True):
            self.facts = replace(PULL, mergeable=False)

    verdict = triggers.decide(pull_event("opened"), CONFIG, Conflicting())
    assert decisions(verdict)["unit"] == (Outcome.BLOCKED, "mergeable")


def test_nothing_to_run_asks_for_no_merge():
    config = RepositoryConfig(repository="acme/app", presubmits=(SLOW,))
    view = FakeView()
    triggers.decide(pull_event("opened"), config, view)
    assert "test_merge" not in view.asked


def test_a_command_that_is_blocked_is_answered():
    verdict = triggers.decide(comment_event("/test unit"), CONFIG, FakeView(replace(PULL, mergeable=False)))
    assert started(verdict) == []
    assert "conflicts with main" in texts(verdict)[0]
