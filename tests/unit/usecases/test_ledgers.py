import pytest

from prowless.domain.approvals import Approval, HeadSeen
from prowless.domain.errors import RetryableError
from prowless.usecases.ledgers import PullLedgers
from tests.fakes.clock import NOW, FixedClock
from tests.fakes.stores import MemoryControl, MemoryProwJobs

A, B = "a" * 40, "b" * 40
APPROVAL = Approval(sha=A, by="ada", at=5, source="issue_comment")


@pytest.fixture
def control():
    return MemoryControl(MemoryProwJobs())


@pytest.fixture
def ledgers(control):
    return PullLedgers(control, FixedClock())


def test_a_pull_nobody_heard_of_has_an_empty_ledger(ledgers):
    assert ledgers.read("acme/app", 3).heads == ()


def test_heads_and_approvals_are_kept_by_pull(ledgers):
    ledgers.saw("acme/app", 3, HeadSeen(sha=A, at=1, seen=2, opened=True))
    ledgers.note("acme/app", 3, B)
    ledgers.approve("acme/app", 3, APPROVAL)
    kept = ledgers.read("acme/app", 3)
    assert kept.heads == (HeadSeen(sha=A, at=1, seen=2, opened=True), HeadSeen(sha=B, at=NOW, seen=NOW))
    assert kept.approvals == (APPROVAL,)
    assert ledgers.read("acme/app", 4).heads == ()
    ledgers.revoke("acme/app", 3)
    assert ledgers.read("acme/app", 3).approvals == ()


def test_what_is_known_already_is_not_written_again(ledgers, control):
    ledgers.saw("acme/app", 3, HeadSeen(sha=A, at=1, seen=2))
    control.store = None
    ledgers.saw("acme/app", 3, HeadSeen(sha=A, at=7, seen=8))


def test_a_lost_race_is_repeated_on_what_the_other_wrote(ledgers, control):
    store, lost = control.store, []

    def meets_another(key, value, expected):
        if not lost:
            lost.append(key)
            ledgers.note("acme/app", 3, B)
        return store(key, value, expected)

    control.store = meets_another
    ledgers.approve("acme/app", 3, APPROVAL)
    kept = ledgers.read("acme/app", 3)
    assert (kept.heads[0].sha, kept.approvals) == (B, (APPROVAL,))


def test_a_race_that_is_lost_each_time_is_retried_later(ledgers, control):
    control.store = lambda *_: False
    with pytest.raises(RetryableError, match="acme/app#3"):
        ledgers.note("acme/app", 3, B)
