"""Approvals bound to a commit: what a stranger's pull may run, and what is said when it may not."""

from dataclasses import replace

import pytest

from prowless.domain import events, triggers
from prowless.domain.actions import AddLabel, Approve, Comment, NoteHead, RemoveLabel, RevokeApprovals, Withdraw
from prowless.domain.approvals import Approval, HeadSeen
from prowless.domain.decisions import Outcome
from prowless.domain.events import moment
from prowless.domain.trust import TrustOptions
from tests.unit import event_bodies as bodies
from tests.unit.trigger_facts import CONFIG, PULL, FakeView, comment_event, decisions, pull_event, started, texts

HEAD, OLD = bodies.HEAD, bodies.OLD_HEAD
NOW = "2026-01-02T03:10:00Z"
AT = moment(NOW)
APPROVED = (Approval(sha=HEAD, by="grace", at=1, source="issue_comment"),)
APPROVED_BEFORE = (Approval(sha=OLD, by="grace", at=1, source="issue_comment"),)
OK, NEEDS = frozenset({"ok-to-test"}), frozenset({"needs-ok-to-test"})
ADD_OK, ADD_NEEDS = (AddLabel(repository="acme/app", number=3, label=f"{name}ok-to-test") for name in ("", "needs-"))
DROP_OK, DROP_NEEDS = (
    RemoveLabel(repository="acme/app", number=3, label=f"{name}ok-to-test") for name in ("", "needs-")
)


def moved(seconds, *, first=False):
    """The heads of a pull whose present one came that long before the comment."""
    at = AT - seconds * 1000
    now = HeadSeen(sha=HEAD, at=at, seen=at, opened=first)
    return (now,) if first else (HeadSeen(sha=OLD, at=0, seen=0, opened=True), now)


def view(heads=None, *, labels=frozenset(), approvals=(), **facts):
    return FakeView(
        replace(PULL, labels=labels, **facts),
        trusted_users=frozenset({"grace"}),
        heads=moved(3600) if heads is None else heads,
        approvals=approvals,
    )


def comment(text, author="grace"):
    return replace(comment_event(text, author), created_at=AT)


def labels_changed(verdict):
    return [action for action in verdict.actions if isinstance(action, AddLabel | RemoveLabel)]


def kinds(verdict, *types):
    return [type(action) for action in verdict.actions if isinstance(action, types)]


@pytest.mark.parametrize(
    ("rule", "text", "heads", "approves"),
    [
        ("an older head is approved", "/ok-to-test", moved(30), True),
        ("a head that moved within 30 s is not", "/ok-to-test", moved(29), False),
        ("a head that moved after the comment is not", "/ok-to-test", moved(-5), False),
        ("a head that is not in the ledger is not", "/ok-to-test", (), False),
        ("the head that the pull was opened with is", "/ok-to-test", moved(1, first=True), True),
        ("a named commit is approved at once", f"/ok-to-test {HEAD}", moved(1), True),
        ("in any case of its digits", f"/ok-to-test {HEAD.upper()}  ", (), True),
        ("an abbreviation has to be certain too", f"/ok-to-test {HEAD[:7]}", moved(1), False),
        ("and is taken if it is", f"/ok-to-test {HEAD[:7]}", moved(31), True),
        ("another commit is not approved", f"/ok-to-test {OLD}", moved(3600), False),
        ("nor by an abbreviation", f"/ok-to-test {OLD[:10]}", moved(3600), False),
        ("nor beside the right one", f"/ok-to-test {HEAD}\n/ok-to-test {OLD}", moved(3600), False),
    ],
)
def test_ok_to_test_approves_the_commit_that_was_looked_at(rule, text, heads, approves):
    verdict = triggers.decide(comment(text), CONFIG, view(heads, labels=NEEDS))
    if approves:
        approval = Approval(sha=HEAD, by="grace", at=AT, source="issue_comment")
        assert Approve(repository="acme/app", number=3, approval=approval) in verdict.actions, rule
        assert labels_changed(verdict) == [ADD_OK, DROP_NEEDS]
        assert started(verdict) == ["unit"]
        return
    assert started(verdict) == [], rule
    assert kinds(verdict, Approve, AddLabel, RemoveLabel) == []
    (answer,) = texts(verdict)
    assert f"```\n/ok-to-test {HEAD}\n```" in answer
    assert NoteHead(repository="acme/app", number=3, sha=HEAD) in verdict.actions
    assert set(decisions(verdict).values()) == {(Outcome.BLOCKED, "approval")}


def test_a_review_approves_its_own_commit_only():
    for commit, jobs in ((HEAD, ["unit"]), (OLD, [])):
        body = bodies.review("/ok-to-test")
        body["review"] |= {"commit_id": commit, "submitted_at": NOW}
        verdict = triggers.decide(events.parse("pull_request_review", body), CONFIG, view(()))
        assert started(verdict) == jobs
        assert bool(kinds(verdict, Approve)) == bool(jobs)


def test_a_stranger_approves_nothing():
    verdict = triggers.decide(comment(f"/ok-to-test {HEAD}", "mallory"), CONFIG, view())
    assert kinds(verdict, Approve) == started(verdict) == []
    assert "Cannot trigger testing until a trusted user reviews the PR" in texts(verdict)[0]


def test_a_stranger_may_test_an_approved_head_again_and_approves_no_other():
    verdict = triggers.decide(comment("/ok-to-test\n/test slow", "mallory"), CONFIG, view((), approvals=APPROVED))
    assert started(verdict) == ["unit", "slow"]
    assert kinds(verdict, Approve) == []
    gone = triggers.decide(comment("/test slow", "mallory"), CONFIG, view(labels=OK, approvals=APPROVED_BEFORE))
    assert started(gone) == []


@pytest.mark.parametrize(
    ("rule", "heads", "approvals", "jobs"),
    [
        ("on the head that was there", moved(31), (), ["slow"]),
        ("not on one that has just come", moved(5), (), []),
        ("unless it is approved", moved(5), APPROVED, ["slow"]),
    ],
)
def test_a_members_test_runs_on_the_commit_that_was_looked_at(rule, heads, approvals, jobs):
    verdict = triggers.decide(comment("/test slow"), CONFIG, view(heads, approvals=approvals))
    assert started(verdict) == jobs, rule
    assert kinds(verdict, Approve) == []
    assert bool(texts(verdict)) != bool(jobs)


def test_help_needs_no_commit():
    verdict = triggers.decide(comment("/test ?"), CONFIG, view(()))
    assert "available to trigger required jobs" in texts(verdict)[0]


def test_where_ok_to_test_is_ignored_a_members_test_is_bound_and_is_to_be_said_again():
    config = replace(CONFIG, trust=TrustOptions(ignore_ok_to_test=True))
    verdict = triggers.decide(comment("/test slow"), config, view(moved(5)))
    assert started(verdict) == []
    assert "say it again" in texts(verdict)[0]
    assert "```" not in texts(verdict)[0].partition("<details>")[0]


def test_a_trusted_authors_pull_is_bound_to_no_commit():
    facts = FakeView(heads=moved(1))
    assert started(triggers.decide(comment("/test slow"), CONFIG, facts)) == ["slow"]
    assert started(triggers.decide(pull_event("synchronize"), CONFIG, facts)) == ["unit"]
    assert "ledger" not in facts.asked


def test_a_commit_that_is_not_the_head_is_refused_on_a_trusted_authors_pull_too():
    verdict = triggers.decide(comment(f"/ok-to-test {OLD}"), CONFIG, FakeView())
    assert (started(verdict), kinds(verdict, AddLabel)) == ([], [])


# ---- later pushes -------------------------------------------------------------------------------------------------


def test_a_later_push_waits_and_one_comment_says_so():
    verdict = triggers.decide(pull_event("synchronize"), CONFIG, view(labels=OK, approvals=APPROVED_BEFORE))
    assert started(verdict) == []
    assert labels_changed(verdict) == [DROP_OK, ADD_NEEDS]
    (said,) = [action for action in verdict.actions if isinstance(action, Comment)]
    assert said.standing
    assert f"/ok-to-test {HEAD}" in said.body
    assert set(decisions(verdict).values()) == {(Outcome.BLOCKED, "trust")}
    later = pull_event("synchronize", updated_at="2026-01-02T04:00:00Z")
    other = triggers.decide(later, CONFIG, view(labels=NEEDS, approvals=APPROVED_BEFORE))
    assert [action.key for action in other.actions if isinstance(action, Comment)] == [said.key]
    assert kinds(other, AddLabel, RemoveLabel) == []


def test_a_label_that_nobodys_approval_stands_behind_is_taken_off():
    verdict = triggers.decide(pull_event("reopened"), CONFIG, view(labels=OK))
    assert started(verdict) == []
    assert DROP_OK in verdict.actions


def test_where_ok_to_test_is_ignored_nobody_is_told_to_use_it():
    config = replace(CONFIG, trust=TrustOptions(ignore_ok_to_test=True))
    verdict = triggers.decide(pull_event("synchronize"), config, view(labels=OK))
    assert kinds(verdict, AddLabel) == []
    assert "ok-to-test" not in texts(verdict)[0]


def test_a_push_to_a_pull_that_nobody_approved_says_nothing():
    verdict = triggers.decide(pull_event("synchronize"), CONFIG, view(labels=NEEDS))
    assert texts(verdict) == []


def test_a_push_back_to_an_approved_commit_runs_and_the_request_is_taken_back():
    verdict = triggers.decide(pull_event("synchronize"), CONFIG, view(labels=NEEDS, approvals=APPROVED))
    assert started(verdict) == ["unit"]
    assert labels_changed(verdict) == [ADD_OK, DROP_NEEDS]
    assert kinds(verdict, Withdraw) == [Withdraw]


def test_a_push_while_the_merge_was_waited_for_blocks_what_was_decided_for_the_head_before():
    class Pushed(FakeView):
        def test_merge(self, *, wait=True):
            self.facts = replace(self.facts, head_sha="d" * 40)
            return super().test_merge(wait=wait)

    facts = Pushed(PULL, trusted_users=frozenset({"grace"}), heads=moved(3600))
    verdict = triggers.decide(comment(f"/ok-to-test {HEAD}"), CONFIG, facts)
    assert started(verdict) == []
    assert decisions(verdict)["unit"] == (Outcome.BLOCKED, "approval")
    approved = [action.approval.sha for action in verdict.actions if isinstance(action, Approve)]
    assert approved == [HEAD]


# ---- labels -------------------------------------------------------------------------------------------------------


def labeled(label="ok-to-test", action="labeled", sender="grace", **body):
    return pull_event(action, label=label, sender=sender, updated_at=NOW, **body)


@pytest.mark.parametrize(
    ("rule", "label", "heads", "runs"),
    [
        ("an older head", "ok-to-test", moved(30), True),
        ("not one that has just come", "ok-to-test", moved(29), False),
        ("nor one that nobody knows", "ok-to-test", (), False),
        ("lgtm starts the jobs of an older head", "lgtm", moved(30), True),
        ("and not of one that has just come", "lgtm", moved(29), False),
    ],
)
def test_a_label_put_on_by_hand_is_about_the_commit_that_was_looked_at(rule, label, heads, runs):
    verdict = triggers.decide(labeled(label), CONFIG, view(heads, labels=frozenset({label, "needs-ok-to-test"})))
    assert started(verdict) == (["unit"] if runs else []), rule
    approves = runs and label == "ok-to-test"
    assert kinds(verdict, Approve) == ([Approve] if approves else [])
    assert (DROP_NEEDS in verdict.actions) == approves
    assert (DROP_OK in verdict.actions) == (label == "ok-to-test" and not runs)
    assert bool(texts(verdict)) != runs


def test_a_label_put_on_a_commit_that_is_the_head_no_more_approves_nothing():
    event = replace(labeled(), head_sha=OLD)
    verdict = triggers.decide(event, CONFIG, view(labels=OK))
    assert kinds(verdict, Approve) == started(verdict) == []
    assert f"put on {OLD}" in texts(verdict)[0]


def test_the_label_of_an_approved_head_starts_its_jobs():
    assert started(triggers.decide(labeled(), CONFIG, view((), labels=OK, approvals=APPROVED))) == ["unit"]


@pytest.mark.parametrize(
    "event",
    [pull_event("labeled", label="ok-to-test", sender="grace"), comment("/ok-to-test")],
    ids=["label", "command"],
)
@pytest.mark.parametrize("labels", [OK, OK | NEEDS])
def test_who_vouches_for_an_approved_head_takes_the_request_back_since_a_try_before_may_not_have(event, labels):
    assert kinds(triggers.decide(event, CONFIG, view(labels=labels, approvals=APPROVED)), Withdraw) == [Withdraw]


def test_who_takes_the_label_off_by_hand_takes_the_approvals_back():
    revoke = RevokeApprovals(repository="acme/app", number=3)
    assert triggers.decide(labeled(action="unlabeled"), CONFIG, view()).actions == (revoke,)
    assert triggers.decide(labeled(action="unlabeled", sender="prowless[bot]"), CONFIG, view()).actions == ()
    sticky = replace(CONFIG, trust=TrustOptions(sticky=True))
    assert triggers.decide(labeled(action="unlabeled"), sticky, view()).actions == ()


def test_cancel_takes_the_approvals_back_and_starts_nothing():
    facts = view(labels=OK, approvals=APPROVED)
    verdict = triggers.decide(comment("/ok-to-test cancel\n/ok-to-test\n/test all"), CONFIG, facts)
    assert verdict.actions == (RevokeApprovals(repository="acme/app", number=3), DROP_OK, ADD_NEEDS)


# ---- sticky -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "labels"),
    [
        (comment("/test unit"), frozenset()),
        (comment("/ok-to-test"), frozenset()),
        (labeled(), OK),
        (labeled("lgtm"), frozenset({"lgtm"})),
    ],
)
def test_sticky_trust_asks_no_ledger(event, labels):
    sticky = replace(CONFIG, trust=TrustOptions(sticky=True))
    facts = view((), labels=labels)
    assert started(triggers.decide(event, sticky, facts)) == ["unit"]
    assert "ledger" not in facts.asked


@pytest.mark.parametrize("label", ["ok-to-test", "lgtm"])
@pytest.mark.parametrize("sticky", [True, False], ids=["sticky", "commit"])
def test_a_label_that_was_taken_off_since_approves_nothing(label, sticky):
    config = replace(CONFIG, trust=TrustOptions(sticky=sticky))
    verdict = triggers.decide(labeled(label), config, view())
    assert (verdict.actions, decisions(verdict)["unit"]) == ((), (Outcome.SKIP, "label"))


def test_the_welcome_says_that_an_approval_holds_for_one_commit_unless_it_is_sticky():
    facts = FakeView(trusted_users=frozenset())
    sticky = replace(CONFIG, trust=TrustOptions(sticky=True))
    assert "holds for one commit" in texts(triggers.decide(pull_event("opened"), CONFIG, facts))[0]
    assert "holds for one commit" not in texts(triggers.decide(pull_event("opened"), sticky, facts))[0]
