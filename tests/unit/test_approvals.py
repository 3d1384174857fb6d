"""Which commit a comment is about: the ledger of heads, the guard, and what binds at once."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prowless.domain import approvals, events
from prowless.domain.approvals import MOST_APPROVALS, MOST_HEADS, Approval, HeadSeen, PullLedger
from prowless.domain.trust import TrustOptions
from tests.unit import event_bodies as bodies
from tests.unit.trigger_facts import PULL, FakeView

A, B, C = "a" * 40, "b" * 40, "c" * 40
S = 1000
OPTIONS = TrustOptions()


def heads(*seen):
    """A ledger of `(sha, at, seen after seconds)`, in order of arrival; the first is the one it was opened with."""
    ledger = PullLedger()
    for number, (sha, at, late) in enumerate(seen):
        ledger = ledger.saw(HeadSeen(sha=sha, at=at * S, seen=(at + late) * S, opened=number == 0))
    return ledger


def told(news):
    ledger = PullLedger()
    for head in news:
        ledger = ledger.saw(head)
    return ledger


def comment(at, commit=""):
    return replace(events.parse("issue_comment", bodies.issue_comment()), created_at=at * S, commit=commit)


@pytest.mark.parametrize(
    ("rule", "ledger", "present", "at", "reason"),
    [
        ("the head that a pull was opened with needs no age", heads((A, 0, 2)), A, 1, ""),
        ("an older head is bound", heads((A, 0, 0), (B, 100, 0)), B, 130, ""),
        ("a head that came 29 s before is not", heads((A, 0, 0), (B, 100, 0)), B, 129, "less than 30 s"),
        ("a head that came after is not", heads((A, 0, 0), (B, 100, 0)), B, 50, "was pushed after"),
        ("a late webhook makes a head younger", heads((A, 0, 0), (B, 100, 40)), B, 130, "less than 30 s"),
        ("a head of which no webhook came is not known", heads((A, 0, 0)), B, 500, "was not known"),
        ("without a ledger nothing is known", PullLedger(), A, 500, "was not known"),
        ("forced back and forth counts as a move", heads((A, 0, 0), (B, 100, 0), (A, 200, 0)), A, 50, "pushed after"),
        ("and so within the guard", heads((A, 0, 0), (B, 100, 0), (A, 200, 0)), A, 210, "less than 30 s"),
        ("forced back long ago is bound", heads((A, 0, 0), (B, 100, 0), (A, 200, 0)), A, 231, ""),
        ("a lost push that comes late is not the newest", heads((A, 0, 0), (C, 200, 0), (B, 100, 300)), C, 300, ""),
        ("a comment without a time is before everything", heads((A, 1, 0)), A, 0, "was pushed after"),
    ],
)  # fmt: skip
def test_a_comment_is_about_the_present_head_only_if_that_was_there_before(rule, ledger, present, at, reason):
    found = approvals.unbound(comment(at), present, ledger)
    assert bool(found) == bool(reason), rule
    assert reason in found


@pytest.mark.parametrize(
    ("rule", "commits", "reason"),
    [
        ("the whole SHA binds at once", (B,), ""),
        ("an abbreviation does not", (B[:7],), "less than 30 s"),
        ("nor does a long one", (B[:39],), "less than 30 s"),
        ("another commit is refused", (A,), f"{A} is not the head"),
        ("another one beside the right one is refused", (B, C[:7]), f"{C[:7]} is not the head"),
    ],
)
def test_a_named_commit_binds_if_its_sha_is_whole(rule, commits, reason):
    ledger = heads((A, 0, 0), (B, 100, 0))
    found = approvals.unbound(comment(101), B, ledger, commits)
    assert bool(found) == bool(reason), rule
    assert reason in found


def test_a_review_is_about_its_own_commit():
    ledger = heads((A, 0, 0), (B, 100, 0))
    assert approvals.unbound(comment(101, B), B, ledger) == ""
    assert "of another commit" in approvals.unbound(comment(200, A), B, ledger)


@pytest.mark.parametrize(
    ("rule", "author_trusted", "ledger", "at", "reason"),
    [
        ("a stranger's head has to be certain", False, heads((A, 0, 0), (C, 100, 0)), 200, "not known"),
        ("a trusted author's head may be young", True, heads((C, 0, 0), (PULL.head_sha, 100, 0)), 101, ""),
        ("and not known at all", True, PullLedger(), 101, ""),
        ("but not newer than the comment", True, heads((C, 0, 0), (PULL.head_sha, 100, 0)), 99, "pushed after"),
        ("nor on its way", True, heads((C, 0, 0)), 99, "pushed after"),
    ],
)  # fmt: skip
def test_a_command_on_statuses_is_about_the_head_it_was_written_for(rule, author_trusted, ledger, at, reason):
    view = FakeView(trusted_users=frozenset({"ada"} if author_trusted else ()), heads=ledger.heads)
    found = approvals.overtaken(comment(at), PULL, OPTIONS, view)
    assert bool(found) == bool(reason), rule
    assert reason in found


def test_a_review_of_a_trusted_authors_pull_is_about_its_own_commit_too():
    assert approvals.overtaken(comment(200, PULL.head_sha), PULL, OPTIONS, FakeView()) == ""
    assert "another commit" in approvals.overtaken(comment(200, B), PULL, OPTIONS, FakeView())


def test_with_sticky_trust_a_command_is_about_whatever_head_is_there():
    view = FakeView(heads=())
    assert approvals.overtaken(comment(1), PULL, TrustOptions(sticky=True), view) == ""
    assert "ledger" not in view.asked


def test_approvals_hold_for_their_commit_and_the_first_stays():
    first = Approval(sha=A, by="ada", at=1, source="comment")
    ledger = PullLedger().approve(first).approve(replace(first, by="bob"))
    assert ledger.approvals == (first,)
    assert (ledger.approved(A), ledger.approved(B), ledger.revoked().approved(A)) == (True, False, False)


def test_the_ledger_is_bounded_and_keeps_the_newest():
    ledger = PullLedger()
    for number in range(MOST_HEADS + MOST_APPROVALS):
        sha = f"{number:040x}"
        ledger = ledger.saw(HeadSeen(sha=sha, at=number, seen=number))
        ledger = ledger.approve(Approval(sha=sha, by="ada", at=number, source="comment"))
    assert (len(ledger.heads), len(ledger.approvals)) == (MOST_HEADS, MOST_APPROVALS)
    assert ledger.heads[-1].sha == ledger.approvals[-1].sha == sha


@given(st.lists(st.tuples(st.sampled_from([A, B, C]), st.integers(0, 9)), max_size=8), st.randoms())
def test_heads_that_are_told_again_change_nothing_and_late_ones_find_their_place(pushes, random):
    news = [HeadSeen(sha=sha, at=at, seen=at + late) for at, (sha, late) in enumerate(pushes)]
    ledger = told(news)
    assert PullLedger.from_dict(ledger.to_dict()) == ledger
    assert told([*news, *(replace(head, seen=head.seen + 5) for head in news)]) == ledger
    once = [head for at, head in enumerate(news) if head.sha not in {one.sha for one in news[:at]}]
    assert told(random.sample(once, len(once))) == told(once)
    assert all(one.sha != two.sha for one, two in zip(ledger.heads, ledger.heads[1:], strict=False))
