"""The trigger plugin's rules, one event at a time."""

from dataclasses import replace

import pytest

from prowless.domain import events, triggers
from prowless.domain.actions import AbortPull, AddLabel, PruneHelp, RemoveLabel, Start
from prowless.domain.config.jobs import RepositoryConfig
from prowless.domain.decisions import Outcome
from prowless.domain.errors import RetryableError
from prowless.domain.trust import TrustOptions
from tests.unit import event_bodies as bodies
from tests.unit.trigger_facts import (
    CONFIG,
    DOCS,
    PULL,
    SLOW,
    UNIT,
    FakeView,
    comment_event,
    decisions,
    others,
    pull_event,
    started,
    texts,
)

STRANGER = frozenset({"grace"})
STICKY = replace(CONFIG, trust=TrustOptions(sticky=True))


def test_a_strangers_pull_is_welcomed_and_waits():
    verdict = triggers.decide(pull_event("opened"), CONFIG, FakeView(trusted_users=STRANGER))
    assert AddLabel(repository="acme/app", number=3, label="needs-ok-to-test") in verdict.actions
    assert "reply with `/ok-to-test`" in texts(verdict)[0]
    assert set(decisions(verdict).values()) == {(Outcome.BLOCKED, "trust")}


def test_a_stranger_is_told_if_the_repository_never_trusts():
    config = replace(CONFIG, trust=TrustOptions(ignore_ok_to_test=True))
    verdict = triggers.decide(pull_event("opened"), config, FakeView(trusted_users=STRANGER))
    assert "cannot be marked as trusted" in texts(verdict)[0]
    assert not any(isinstance(action, AddLabel) for action in verdict.actions)


def test_a_push_to_a_strangers_pull_is_blocked_and_still_stops_old_runs():
    verdict = triggers.decide(pull_event("synchronize"), CONFIG, FakeView(trusted_users=STRANGER))
    assert [type(action) for action in verdict.actions] == [AbortPull]
    assert decisions(verdict)["unit"] == (Outcome.BLOCKED, "trust")


def test_with_sticky_trust_the_label_trusts_a_strangers_pull_and_clears_the_other_label():
    facts = replace(PULL, labels=frozenset({"ok-to-test", "needs-ok-to-test"}))
    verdict = triggers.decide(pull_event("synchronize"), STICKY, FakeView(facts, trusted_users=STRANGER))
    assert started(verdict) == ["unit"]
    assert RemoveLabel(repository="acme/app", number=3, label="needs-ok-to-test") in verdict.actions


def test_a_person_who_puts_the_label_on_starts_the_jobs_and_the_bot_does_not():
    facts = replace(PULL, labels=frozenset({"ok-to-test"}))
    view = FakeView(facts, trusted_users=STRANGER)
    person = triggers.decide(pull_event("labeled", label="ok-to-test", sender="grace"), CONFIG, view)
    bot = triggers.decide(pull_event("labeled", label="ok-to-test", sender="prowless[bot]"), CONFIG, view)
    assert (started(person), started(bot)) == (["unit"], [])


def test_lgtm_builds_an_untrusted_pull_once_and_a_trusted_one_not_at_all():
    labelled = replace(PULL, labels=frozenset({"lgtm"}))
    untrusted = triggers.decide(pull_event("labeled", label="lgtm"), CONFIG, FakeView(labelled, trusted_users=STRANGER))
    trusted = triggers.decide(pull_event("labeled", label="lgtm"), CONFIG, FakeView(labelled))
    assert (started(untrusted), started(trusted)) == (["unit"], [])


def test_a_failing_look_up_fails_the_event():
    class Broken(FakeView):
        def trusted(self, user):
            raise RetryableError("GitHub answered 502")

    with pytest.raises(RetryableError):
        triggers.decide(pull_event("opened"), CONFIG, Broken())


# ---- comments -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "jobs"),
    [
        ("/test unit", ["unit"]),
        ("/test slow", ["slow"]),
        ("/test docs", ["docs"]),  # forced: no Markdown changed
        ("/test slow docs", ["docs", "slow"]),
        ("/test all", ["unit"]),
        ("/test all\n/test slow", ["unit", "slow"]),
        ("/test-manual-required", ["slow"]),
    ],
)
def test_commands_start_jobs(text, jobs):
    verdict = triggers.decide(comment_event(text), CONFIG, FakeView())
    assert started(verdict) == jobs
    assert not any(action.automatic for action in verdict.actions if isinstance(action, Start))


@pytest.mark.parametrize(
    ("states", "text", "jobs"),
    [
        ({}, "/retest", ["unit"]),  # automatic, and never reported
        ({"unit": "pending"}, "/retest", []),
        ({"unit": "success", "slow": "failure"}, "/retest", ["slow"]),
        ({"unit": "success", "docs": "error"}, "/retest", ["docs"]),  # failed beats run_if_changed
        ({"unit": "failure", "docs": "failure"}, "/retest-required", ["unit"]),
        ({"unit": "success", "docs": "pending"}, "/retest\n/test slow", ["slow"]),
    ],
)
def test_retest_runs_what_failed_and_what_never_reported(states, text, jobs):
    verdict = triggers.decide(comment_event(text), CONFIG, FakeView(states=states))
    assert started(verdict) == jobs
    assert all(action.retest for action in verdict.actions if isinstance(action, Start))


def test_a_retest_is_marked_on_the_run():
    verdict = triggers.decide(comment_event("/retest"), CONFIG, FakeView())
    start = next(action for action in verdict.actions if isinstance(action, Start))
    assert start.spec.labels["prow.k8s.io/retest"] == "true"


def test_contexts_are_not_asked_for_by_the_list_of_commands_or_where_nobody_is_trusted():
    view = FakeView()
    triggers.decide(comment_event("/test ?"), CONFIG, view)
    triggers.decide(pull_event("opened"), CONFIG, FakeView(replace(PULL, author="mallory"), asked=view.asked))
    assert "contexts" not in view.asked
    triggers.decide(comment_event("/test all"), CONFIG, view)
    assert "contexts" in view.asked


@pytest.mark.parametrize(
    "event",
    [
        comment_event("/test unit", action="edited"),
        comment_event("/test unit", action="deleted"),
        comment_event("/test unit", state="closed"),
        comment_event("/test unit", pull_request=None),
        comment_event("/test unit", author="prowless[bot]"),
        comment_event("looks good to me"),
        comment_event("```\n/test unit\n```"),
        comment_event("> /test unit"),
    ],
)
def test_what_is_not_a_command_costs_no_question(event):
    view = FakeView()
    verdict = triggers.decide(event, CONFIG, view)
    assert (verdict.actions, verdict.decisions, view.asked) == ((), (), [])
    assert verdict.summary


def test_another_bots_command_counts():
    view = FakeView(trusted_users=frozenset({"helper[bot]"}))
    assert started(triggers.decide(comment_event("/test unit", author="helper[bot]"), CONFIG, view)) == ["unit"]


def test_once_a_comment_is_heard_its_code_blocks_count_as_in_prow():
    verdict = triggers.decide(comment_event("/test unit\n```\n/test slow\n```\n"), CONFIG, FakeView())
    assert started(verdict) == ["unit", "slow"]


def test_a_strangers_command_on_a_strangers_pull_is_answered():
    verdict = triggers.decide(comment_event("/test unit", author="eve"), CONFIG, FakeView(trusted_users=frozenset()))
    assert started(verdict) == []
    assert "Cannot trigger testing until a trusted user reviews the PR" in texts(verdict)[0]
    assert set(decisions(verdict).values()) == {(Outcome.BLOCKED, "trust")}


def test_a_strangers_command_on_a_trusted_pull_runs():
    assert started(triggers.decide(comment_event("/test unit", author="eve"), CONFIG, FakeView())) == ["unit"]


def test_with_sticky_trust_ok_to_test_trusts_the_pull_and_runs_the_automatic_jobs():
    facts = replace(PULL, labels=frozenset({"needs-ok-to-test"}))
    verdict = triggers.decide(comment_event("/ok-to-test"), STICKY, FakeView(facts, trusted_users=STRANGER))
    assert others(verdict) == [
        AddLabel(repository="acme/app", number=3, label="ok-to-test"),
        RemoveLabel(repository="acme/app", number=3, label="needs-ok-to-test"),
    ]
    assert started(verdict) == ["unit"]


def test_ok_to_test_is_nothing_where_it_is_ignored():
    config = replace(CONFIG, trust=TrustOptions(ignore_ok_to_test=True))
    verdict = triggers.decide(comment_event("/ok-to-test"), config, FakeView(trusted_users=STRANGER))
    assert verdict.actions == ()


def test_ok_to_test_cancel_swaps_the_labels_and_starts_nothing():
    facts = replace(PULL, labels=frozenset({"ok-to-test"}))
    view = FakeView(facts, trusted_users=STRANGER)
    verdict = triggers.decide(comment_event("/ok-to-test cancel\n/test all"), STICKY, view)
    assert list(verdict.actions) == [
        RemoveLabel(repository="acme/app", number=3, label="ok-to-test"),
        AddLabel(repository="acme/app", number=3, label="needs-ok-to-test"),
    ]


def test_only_the_trusted_revoke_trust():
    facts = replace(PULL, labels=frozenset({"ok-to-test"}))
    view = FakeView(facts, trusted_users=STRANGER)
    verdict = triggers.decide(comment_event("/ok-to-test cancel", author="ada"), STICKY, view)
    assert "Only trusted users can revoke `/ok-to-test`." in texts(verdict)[0]


@pytest.mark.parametrize(
    ("text", "needle"),
    [
        ("/test ?", "available to trigger required jobs"),
        ("/test", "needs one or more targets"),
        ("/retest unit", "does not accept any targets"),
        ("/test nothing", "were not found"),
        ("/test\n/test unit", "needs one or more targets"),
    ],
)
def test_help_is_posted_and_then_nothing_runs(text, needle):
    verdict = triggers.decide(comment_event(text), CONFIG, FakeView())
    assert needle in texts(verdict)[0]
    assert started(verdict) == []
    assert {rule for _, rule in decisions(verdict).values()} == {"help"}


def test_help_lists_the_branchs_commands():
    config = RepositoryConfig(repository="acme/app", presubmits=(UNIT, DOCS, replace(SLOW, branches=("^release-",))))
    (text,) = texts(triggers.decide(comment_event("/test ?"), config, FakeView()))
    assert "trigger required jobs:\n```\n/test unit\n```\n" in text
    assert "trigger optional jobs:\n```\n/test docs\n```\n" in text
    assert "/test slow" not in text


def test_a_named_job_of_another_branch_is_told_where_it_runs():
    jobs = (UNIT, replace(SLOW, branches=("^release-",)))
    config = RepositoryConfig(repository="acme/app", presubmits=jobs)
    verdict = triggers.decide(comment_event("/test slow"), config, FakeView())
    (text,) = texts(verdict)
    assert "were not found.\n\nslow: branches &#94;release- does not match main.\n\nThe following" in text.replace(
        "&#46;", "."
    )
    assert {job: rule for job, (_, rule) in decisions(verdict).items()} == {"unit": "help", "slow": "branches"}


def test_a_test_command_removes_old_help():
    verdict = triggers.decide(comment_event("/test unit"), CONFIG, FakeView())
    assert PruneHelp(repository="acme/app", number=3) in verdict.actions


def test_a_comments_answer_has_the_same_key_each_time():
    first = triggers.decide(comment_event("/test ?"), CONFIG, FakeView())
    again = triggers.decide(comment_event("/test ?"), CONFIG, FakeView())
    assert [a.key for a in first.actions] == [a.key for a in again.actions]


def test_drafts_run_what_is_commanded():
    verdict = triggers.decide(comment_event("/test unit"), CONFIG, FakeView(replace(PULL, draft=True)))
    assert started(verdict) == ["unit"]


def test_a_command_in_the_description_works_and_starts_no_job_twice():
    verdict = triggers.decide(pull_event("opened", body="/test slow\n/test unit"), CONFIG, FakeView())
    assert started(verdict) == ["unit", "slow"]
    assert len({action.cause for action in verdict.actions if isinstance(action, Start)}) == 1
    assert decisions(verdict)["slow"] == (Outcome.RUN, "trigger")


def test_a_command_in_a_strangers_description_starts_nothing():
    verdict = triggers.decide(pull_event("opened", body="/test unit"), CONFIG, FakeView(trusted_users=STRANGER))
    assert started(verdict) == []
    assert len(texts(verdict)) == 2


def test_a_review_commands_like_a_comment():
    event = events.parse("pull_request_review", bodies.review("/test slow"))
    assert started(triggers.decide(event, CONFIG, FakeView())) == ["slow"]
