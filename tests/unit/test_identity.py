import uuid

from hypothesis import given
from hypothesis import strategies as st

from prowless.domain import identity
from prowless.domain.identity import Cause

NOW = 1_790_000_000_000
PULL = Cause.pull_request("acme/app", 7, "synchronize", "a" * 40, "2026-11-22T10:00:00Z")


def test_the_same_event_and_job_give_the_same_id():
    assert identity.prowjob_id(PULL, "unit") == identity.prowjob_id(PULL, "unit")


def test_an_id_is_a_uuid_and_so_a_legal_kubernetes_and_execution_name():
    assert str(uuid.UUID(identity.prowjob_id(PULL, "unit"))) == identity.prowjob_id(PULL, "unit")


def test_job_attempt_and_event_each_change_the_id():
    later = Cause.pull_request("acme/app", 7, "synchronize", "b" * 40, "2026-11-22T10:00:00Z")
    ids = {
        identity.prowjob_id(PULL, "unit"),
        identity.prowjob_id(PULL, "lint"),
        identity.prowjob_id(PULL, "unit", attempt=1),
        identity.prowjob_id(later, "unit"),
    }
    assert len(ids) == 4


def test_an_edited_comment_is_another_cause_and_a_redelivered_one_is_not():
    first = Cause.comment("acme/app", "issue_comment", 5, "2026-11-22T10:00:00Z")
    edited = Cause.comment("acme/app", "issue_comment", 5, "2026-11-22T10:05:00Z")
    assert first == Cause.comment("acme/app", "issue_comment", 5, "2026-11-22T10:00:00Z")
    assert identity.prowjob_id(first, "unit") != identity.prowjob_id(edited, "unit")


def test_parts_that_only_join_alike_are_different_causes():
    one, other = Cause(("a", "b c")), Cause(("a b", "c"))
    assert str(one) == str(other)
    assert identity.prowjob_id(one, "j") != identity.prowjob_id(other, "j")


@given(st.integers(min_value=1_600_000_000_000, max_value=2_190_000_000_000), st.integers(min_value=1, max_value=10**9))
def test_build_ids_grow_with_time_and_fit_sixty_three_bits(created, later):
    one, two = identity.build_id("x", created), identity.build_id("y", created + later)
    assert int(one) < int(two) < 2**63
    assert len(one) == len(two) == 19


def test_build_ids_of_one_millisecond_differ_by_run():
    assert identity.build_id("x", NOW) != identity.build_id("y", NOW)


def test_events_of_one_pull_share_a_group_and_other_pulls_do_not():
    comment = identity.message_group(1, 7, None, "issue_comment")
    assert comment == identity.message_group(1, 7, None, "pull_request")
    assert comment != identity.message_group(1, 8, None, "pull_request")
    assert comment != identity.message_group(2, 7, None, "pull_request")


def test_pushes_group_by_ref():
    assert identity.message_group(1, None, "refs/heads/main", "push") != identity.message_group(
        1, None, "refs/heads/v1", "push"
    )


def test_automatic_runs_of_one_head_share_a_claim_whatever_the_event():
    assert identity.automatic_claim("acme/app", 7, "a" * 40, "unit") == identity.automatic_claim(
        "acme/app", 7, "a" * 40, "unit"
    )
    assert identity.automatic_claim("acme/app", 7, "a" * 40, "unit") != identity.automatic_claim(
        "acme/app", 7, "b" * 40, "unit"
    )
