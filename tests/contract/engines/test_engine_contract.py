"""What every engine promises (`prowless.ports.engine`)."""

import pytest
from tests.contract.engines.worlds import CODES, LOGS, manifest

from prowless.domain.errors import ClusterUnreachableError, PermanentError
from prowless.ports.engine import ObjectRef, RunPhase


def created(world, prowjob, work="succeeds"):
    return world.engine.create(manifest(world.kind, prowjob, work), prowjob)


def absent(world):
    return ObjectRef(kind=world.kind, namespace="test-pods", name="absent")


def test_creating_twice_is_one_object(world, prowjob):
    first = created(world, prowjob, "waits")
    assert first == created(world, prowjob, "waits")
    assert (first.kind, first.namespace, first.name) == (world.kind, "test-pods", prowjob)
    assert first.uid


def test_an_object_of_somebody_else_is_no_success(world, prowjob):
    taken = manifest(world.kind, prowjob, "waits")
    world.engine.create(taken, prowjob)
    taken["metadata"]["labels"]["prow.k8s.io/id"] = "another"
    with pytest.raises(PermanentError, match="already exists"):
        world.engine.create(taken, "another")


def test_a_new_object_is_not_over(world, prowjob):
    seen = world.engine.observe(created(world, prowjob, "waits"))
    assert seen is not None
    assert not seen.terminal
    assert not seen.stopped


def test_what_is_gone_is_none_and_stopping_or_deleting_it_is_no_error(world):
    ref = absent(world)
    assert world.engine.observe(ref) is None
    assert world.engine.steps(ref) == []
    world.engine.stop(ref)
    world.engine.delete(ref)


def test_another_object_of_the_name_is_not_ours(world, prowjob):
    ref = created(world, prowjob, "waits")
    older = ObjectRef(kind=ref.kind, namespace=ref.namespace, name=ref.name, uid="older")
    assert world.engine.observe(older) is None
    world.engine.stop(older)
    world.engine.delete(older)
    seen = world.engine.observe(ref)
    assert seen is not None
    assert not seen.stopped


def test_without_a_uid_an_object_is_ours_if_it_carries_our_id(world, prowjob):
    ref = created(world, prowjob, "waits")
    unseen = ObjectRef(kind=ref.kind, namespace=ref.namespace, name=ref.name)
    seen = world.engine.observe(unseen)
    assert seen is not None
    assert seen.uid == ref.uid


def test_without_a_uid_an_object_of_somebody_else_is_left_alone(world, prowjob):
    taken = manifest(world.kind, prowjob, "waits")
    taken["metadata"]["labels"]["prow.k8s.io/id"] = "another"
    theirs = world.engine.create(taken, "another")
    unseen = ObjectRef(kind=theirs.kind, namespace=theirs.namespace, name=theirs.name)
    assert world.engine.observe(unseen) is None
    world.engine.stop(unseen)
    world.engine.delete(unseen)
    seen = world.engine.observe(theirs)
    assert seen is not None
    assert not seen.stopped


@pytest.mark.parametrize(("work", "phase"), [("succeeds", RunPhase.SUCCESS), ("fails", RunPhase.FAILURE)])
def test_a_run_that_ends_says_how_and_what_it_wrote(world, prowjob, work, phase):
    ref = created(world, prowjob, work)
    world.start(ref, work)
    world.finish(ref, work)
    seen = world.engine.observe(ref)
    assert seen is not None
    assert seen.phase is phase
    assert not seen.stopped
    assert 0 < seen.started_at <= seen.finished_at
    assert seen.uid == ref.uid
    [step] = world.engine.steps(ref)
    assert step.exit_code == CODES[work]
    assert b"".join(world.engine.logs(ref, step, 1000)) == LOGS[work]
    assert b"".join(world.engine.logs(ref, step, 4)) == LOGS[work][:4]
    assert world.engine.steps(ref) == [step]


def test_a_stopped_run_ends_because_it_was_asked_to(world, prowjob):
    ref = created(world, prowjob, "waits")
    world.start(ref, "waits")
    world.engine.stop(ref)
    world.engine.stop(ref)
    world.finish(ref, "waits")
    seen = world.engine.observe(ref)
    # Stopping a pod removes it; the other two stay, and say so.
    assert seen is None or (seen.terminal and seen.stopped)
    assert world.kind == "Pod" or seen is not None
    world.engine.stop(ref)


def test_stopping_a_finished_run_changes_nothing(world, prowjob):
    ref = created(world, prowjob)
    world.start(ref, "succeeds")
    world.finish(ref, "succeeds")
    before = world.engine.observe(ref)
    world.engine.stop(ref)
    assert world.engine.observe(ref) == before


def test_a_deleted_run_is_gone(world, prowjob):
    ref = created(world, prowjob)
    world.start(ref, "succeeds")
    world.finish(ref, "succeeds")
    world.engine.delete(ref)
    world.engine.delete(ref)
    assert world.engine.observe(ref) is None


def test_a_cluster_that_does_not_answer_is_unreachable_in_every_call(world, prowjob):
    ref = created(world, prowjob, "waits")
    with world.outage():
        for call in _calls(world, ref, prowjob):
            with pytest.raises(ClusterUnreachableError):
                call()
    assert world.engine.observe(ref) is not None


def test_a_refusal_is_permanent_and_carries_the_clusters_words(world, prowjob):
    ref = created(world, prowjob, "waits")
    message = "workflows is forbidden: quota"
    with world.refusal(message):
        for call in _calls(world, ref, prowjob):
            with pytest.raises(PermanentError, match=message):
                call()


def _calls(world, ref, prowjob):
    engine = world.engine
    return (
        lambda: engine.create(manifest(world.kind, prowjob, "waits"), prowjob),
        lambda: engine.observe(ref),
        lambda: engine.stop(ref),
        lambda: engine.delete(ref),
        lambda: engine.steps(ref),
    )
