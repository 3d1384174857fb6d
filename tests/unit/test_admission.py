from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from prowless.domain.admission import Limits, admissible
from prowless.domain.prowjob import ProwJob
from prowless.domain.refs import JobType


def run(number, job="unit", **changes):
    values = {"id": f"r{number}", "type": JobType.PRESUBMIT, "job": job, "org": "acme", "repo": "app"}
    return ProwJob(**values, build_id=str(number), created_at=number, **changes)


def ids(chosen):
    return [job.id for job, _ in chosen]


def test_without_limits_everybody_is_admitted_in_order():
    assert ids(admissible([run(1), run(2)], Limits(), {})) == ["r1", "r2"]


def test_max_concurrency_counts_runs_of_one_job_and_keeps_their_order():
    waiting = [run(n, max_concurrency=2) for n in (1, 2, 3)]
    key = "counter#job#presubmit#acme/app#unit"
    assert ids(admissible(waiting, Limits(), {})) == ["r1", "r2"]
    assert ids(admissible(waiting, Limits(), {key: 1})) == ["r1"]
    assert ids(admissible(waiting, Limits(), {key: 2})) == []


def test_a_job_that_is_full_does_not_hold_up_another():
    waiting = [run(1, max_concurrency=1), run(2, max_concurrency=1), run(3, job="lint")]
    assert ids(admissible(waiting, Limits(), {})) == ["r1", "r3"]


def test_nobody_overtakes_in_his_own_queue():
    limits = Limits(queues={"gpu": 1}, total=0)
    first = run(1, job_queue_name="gpu", max_concurrency=1)
    second = run(2, job="lint", job_queue_name="gpu")
    used = {"counter#job#presubmit#acme/app#unit": 1}
    assert ids(admissible([first, second], limits, used)) == []


def test_queue_capacity_zero_admits_nothing_and_negative_or_unknown_is_no_limit():
    assert admissible([run(1, job_queue_name="q")], Limits(queues={"q": 0}), {}) == []
    assert ids(admissible([run(1, job_queue_name="q")], Limits(queues={"q": -1}), {})) == ["r1"]


def test_the_cluster_cap_and_the_total_limit_bind():
    waiting = [run(1), run(2), run(3)]
    assert ids(admissible(waiting, Limits(clusters={"default": 2}), {})) == ["r1", "r2"]
    assert ids(admissible(waiting, Limits(total=1), {})) == ["r1"]


def test_a_run_that_was_stopped_while_waiting_passes_and_holds_nothing():
    stopped = replace(run(1, max_concurrency=1), stop_reason="aborted")
    chosen = admissible([stopped, run(2, max_concurrency=1)], Limits(total=1), {})
    assert (chosen[0][0].id, chosen[0][1]) == ("r1", {})
    assert ids(chosen) == ["r1", "r2"]


def test_a_limit_that_was_lowered_meanwhile_never_reopens_the_counter():
    waiting = [run(n, max_concurrency=limit) for n, limit in enumerate((3, 3, 1, 3, 3, 3))]
    assert ids(admissible(waiting, Limits(), {})) == ["r0", "r1"]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 3)), max_size=12), st.integers(0, 4))
def test_no_counter_ever_passes_its_limit(jobs, cap):
    waiting = [run(n, job=name, max_concurrency=limit) for n, (name, limit) in enumerate(jobs)]
    limits = Limits(clusters={"default": cap})
    used: dict[str, int] = {}
    for _, held in admissible(waiting, limits, {}):
        for key, limit in held.items():
            used[key] = used.get(key, 0) + 1
            assert used[key] <= limit
