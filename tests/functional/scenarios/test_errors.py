"""Everything that can go wrong with a run ends in a status that says what it was."""

from __future__ import annotations

import pytest
from tests.functional.scenarios.world import HOUR, MINUTE, REPOSITORY, job, presubmit

from prowless_local.cluster import Fault, Scripted
from prowless_local.cluster.resources import WORKFLOWS
from prowless_local.cluster.store import Key
from prowless_local.github import FaultResponse

REFUSALS = {
    401: "Unauthorized",
    403: 'workflows.argoproj.io is forbidden: User "prowless" cannot create resource "workflows"',
    404: "the server could not find the requested resource",
    409: "Operation cannot be fulfilled: the namespace is being terminated",
    422: "Workflow is invalid: spec.entrypoint: Required value",
}


def refusing(status: int, message: str):
    """What a cluster answers to whoever creates something."""
    return lambda method, _path: Fault(status=status, message=message) if method == "POST" else None


@pytest.mark.parametrize("status", REFUSALS)
def test_a_cluster_that_refuses_ends_the_run_in_error_with_the_apis_message(world, status):
    world.cluster.fault = refusing(status, REFUSALS[status])
    pull = world.open_pull()
    world.rest()
    assert pull.state() == "error"
    assert REFUSALS[status] in pull.run().description
    shown = pull.status().description
    assert REFUSALS[status][:30] in shown
    assert shown.endswith(f"BaseSHA:{pull.run().base_sha}")
    assert pull.posted() == ["pending", "error"]
    assert world.created == []


def test_a_create_whose_answer_was_lost_makes_no_second_object(world):
    lost = []

    def fault(method: str, _path: str) -> Fault | None:
        if method == "POST" and len(lost) < 2:
            lost.append(method)
            return Fault(after=True, drop=True)
        return None

    world.cluster.fault = fault
    pull = world.open_pull()
    pull.await_state("success", within=5 * MINUTE)
    world.rest()
    assert len(lost) == 2
    assert len(world.created) == 1


def test_another_object_of_the_runs_name_is_not_taken_for_our_own(world):
    pull = world.open_pull(wait=False)
    made = []

    def squat(method: str, path: str) -> None:
        if method == "POST" and path.endswith("/workflows") and not made:
            spec = {"entrypoint": "x", "templates": [{"name": "x", "suspend": {}}]}
            other = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "spec": spec}
            made.append(pull.run().id)
            world.cluster.store.create(WORKFLOWS, "test-pods", {**other, "metadata": {"name": pull.run().id}})

    world.cluster.fault = squat
    world.rest()
    assert pull.state() == "error"
    assert "it belongs to somebody else" in pull.run().description
    (other,) = world.workflows()
    assert "shutdown" not in other["spec"]


def test_an_unknown_cluster_is_named_in_the_status(start):
    world = start(presubmits=[presubmit(cluster="mars")])
    pull = world.open_pull()
    world.rest()
    assert pull.state() == "error"
    assert "cluster 'mars'" in pull.status().description


def test_a_manifest_that_breaks_the_policy_is_not_sent(start):
    unit = presubmit()
    unit["spec"]["volumes"] = [{"name": "root", "hostPath": {"path": "/"}}]
    world = start(presubmits=[unit])
    pull = world.open_pull()
    world.rest()
    assert pull.state() == "error"
    assert "hostPath" in pull.run().description
    assert world.created == []


def test_a_cluster_that_does_not_answer_at_first_costs_only_time(world):
    with world.cluster.outage():
        pull = world.open_pull()
        world.pass_time(MINUTE)
        assert pull.state() == "pending"
    pull.await_state("success", within=10 * MINUTE)
    world.rest()
    assert len(world.created) == 1


def test_a_cluster_that_never_answers_ends_the_run_in_error(world):
    with world.cluster.outage():
        pull = world.open_pull()
        world.rest()
    assert pull.state() == "error"
    assert "does not answer" in pull.run().description
    assert world.created == []


def test_a_run_goes_on_while_its_cluster_does_not_answer(world):
    world.plays["unit"] = Scripted(seconds=20 * MINUTE)
    pull = world.open_pull()
    world.pass_time(MINUTE)
    with world.cluster.outage():
        world.pass_time(10 * MINUTE)
        assert pull.run().unreachable_since > 0
        assert pull.state() == "pending"
    pull.await_state("success", within=30 * MINUTE)
    world.rest()
    assert pull.run().unreachable_since == 0


def test_an_object_that_somebody_deletes_ends_the_run_in_error(world):
    pull = world.open_pull()
    world.cluster.store.remove(Key(resource=WORKFLOWS, namespace="test-pods", name=pull.run().id))
    pull.await_state("error", within=30)
    world.rest()
    assert "was deleted from cluster 'default'" in pull.run().description


def test_an_error_of_the_engine_is_an_error_and_no_failure(start):
    """Argo says Error where the workflow itself is at fault: here a template that does not exist."""
    spec = {
        "entrypoint": "main",
        "templates": [{"name": "main", "steps": [[{"name": "a", "template": "absent"}]]}],
    }
    flow = {**job("flow", agent="argo-workflow", workflow_spec=spec), "always_run": True}
    del flow["spec"]
    world = start(presubmits=[flow])
    pull = world.open_pull()
    world.rest()
    assert pull.state("flow") == "error"
    assert "absent" in pull.run("flow").description


def test_a_failed_test_is_a_failure_and_a_comment_that_says_how_to_retest(world):
    world.plays["unit"] = Scripted(seconds=3, code=2, log="2 tests failed\n")
    pull = world.open_pull()
    pull.await_state("failure", within=30)
    world.rest()
    (comment,) = pull.comments()
    assert "`/test unit`" in comment.body
    assert "`/retest`" in comment.body
    world.plays.clear()
    pull.comment("/retest")
    pull.await_state("success", within=60)
    world.rest()
    assert pull.comments() == []
    assert pull.posted() == ["pending", "failure", "pending", "success"]


def github_down(world, seconds: float, methods: tuple[str, ...] = ("POST",)) -> None:
    until = world.clock.now_ms() + seconds * 1000

    def fault(method: str, path: str) -> FaultResponse | None:
        down = world.clock.now_ms() < until and method in methods and path.startswith("/repos/")
        return FaultResponse(status=503) if down else None

    world.github.fault = fault


def test_a_report_that_github_does_not_take_for_a_while_arrives_later(world):
    pull = world.open_pull()
    github_down(world, 15 * MINUTE, methods=("GET", "POST"))
    world.pass_time(10 * MINUTE)
    assert pull.state() == "pending"
    pull.await_state("success", within=HOUR)
    world.rest()
    assert pull.posted() == ["pending", "success"]


def test_a_pending_report_that_fails_does_not_hold_up_the_run(world):
    github_down(world, MINUTE)
    pull = world.open_pull()
    world.until(lambda: world.created, "the object is created", within=5 * MINUTE)
    pull.await_state("success", within=5 * MINUTE)
    world.rest()


def test_a_status_whose_answer_was_lost_is_not_posted_again(world):
    lost = []

    def fault(method: str, path: str) -> FaultResponse | None:
        if method == "POST" and path.startswith(f"/repos/{REPOSITORY}/statuses/") and len(lost) < 2:
            lost.append(path)
            return FaultResponse(drop=True, after_effect=True)
        return None

    world.github.fault = fault
    pull = world.open_pull()
    pull.await_state("success", within=HOUR)
    world.rest()
    assert len(lost) == 2
    assert pull.posted() == ["pending", "success"]


def test_a_rate_limit_is_waited_for(world):
    pull = world.open_pull()
    world.github.inject_secondary_limit(3, retry_after_seconds=60)
    pull.await_state("success", within=HOUR)
    world.rest()
    assert pull.posted() == ["pending", "success"]


def test_a_token_that_github_no_longer_accepts_is_renewed(world):
    pull = world.open_pull()
    refused = []

    def fault(method: str, path: str) -> FaultResponse | None:
        if method == "POST" and "/statuses/" in path and not refused:
            refused.append(path)
            return FaultResponse(status=401, body={"message": "Bad credentials"})
        return None

    world.github.fault = fault
    pull.await_state("success", within=HOUR)
    world.rest()
    assert refused


def test_a_commit_that_has_all_the_statuses_it_may_have_does_not_keep_the_run_alive(world):
    world.open_pull()

    def fault(method: str, path: str) -> FaultResponse | None:
        message = "Validation Failed: This SHA and context has reached the maximum number of statuses."
        full = method == "POST" and "/statuses/" in path
        return FaultResponse(status=422, body={"message": message}) if full else None

    world.github.fault = fault
    world.rest(within=5 * MINUTE)
    assert world.executions("FAILED") == []
