"""How long a wait takes, and how many history events a long job costs; AWS allows 25,000 per execution."""

from collections.abc import Callable
from itertools import accumulate, count, takewhile

from prowless.adapters.kubernetes.objects import MAX_NODES
from prowless.usecases.collect import STEPS_PER_CALL
from tests.infra.machines import Round, events_of, retries, round_of, states, tasks

BUDGET = 25_000 * 80 // 100
JOB_SECONDS = 48 * 3600
COLLECT_PAGES = 2 * MAX_NODES // STEPS_PER_CALL
"""Twice what the largest run needs: a call may bring fewer logs when they are slow."""


def _ladder(seconds: float, each: Callable[[int], Round] = round_of) -> list[Round]:
    """The rounds of that many seconds of waiting."""
    rounds = map(each, count())
    begun = accumulate((each(number).seconds for number in count()), initial=0)
    return [one for one, _ in takewhile(lambda pair: pair[1] < seconds, zip(rounds, begun, strict=False))]


def _worst(number: int) -> Round:
    """A round that spends all retries, takes the way with most events, and ends as soon as any way would."""
    task = round_of(number).task
    spent = retries(tasks()[task])
    timed_out = round_of(number, failed_attempts=spent)
    failed = round_of(number, "RetryableError", failed_attempts=spent)
    return Round(task, min(timed_out.seconds, failed.seconds), max(timed_out.events, failed.events))


def _ladders() -> int:
    """How often the ladder can begin: after submit, and after each stop that may wait."""
    (rule,) = states()["Stopped"]["Choices"]
    (bound,) = [condition["NumericLessThan"] for condition in rule["And"] if "NumericLessThan" in condition]
    return bound


def _around() -> int:
    """Everything beside the waiting, with every retry spent: each stop, each page, every other state once."""
    stop = {"CountStop", "Stop", "Stopped", "BeginAwait"}
    page = {"Collect", "Collected"}
    await_loop = {"ChooseAwait", "NextRound", "Unreachable", *(name for name in tasks() if name.startswith("Await"))}
    total = 1  # ExecutionStarted
    for name, state in states().items():
        events = events_of(state, failed_attempts=retries(state))
        if name in stop:
            total += events * (_ladders() + 1)
        elif name in page:
            # A page whose every retry is needed is one in ten; more would outlast the machine.
            total += COLLECT_PAGES * events_of(state) + COLLECT_PAGES // 10 * (events - events_of(state))
        elif name not in await_loop:
            total += events
    return total


def test_the_first_wait_takes_five_seconds() -> None:
    assert round_of(0).seconds == 5


def test_a_wait_takes_at_most_a_tenth_of_the_time_waited_and_five_minutes() -> None:
    waited = 0
    for one in _ladder(JOB_SECONDS):
        assert one.seconds <= max(5, min(waited / 10, 300)), (one, waited)
        waited += one.seconds


def test_waits_never_get_shorter_and_reach_five_minutes() -> None:
    seconds = [one.seconds for one in _ladder(JOB_SECONDS)]
    assert seconds == sorted(seconds)
    assert seconds[-1] == 300


def test_every_await_state_is_a_rung() -> None:
    assert {one.task for one in _ladder(JOB_SECONDS)} == {name for name in tasks() if name.startswith("Await")}


def test_an_await_state_is_called_as_long_as_it_waits() -> None:
    for name, task in tasks().items():
        if name.startswith("Await"):
            assert name == f"Await{task['TimeoutSeconds']}s"


def test_a_quiet_round_costs_ten_events() -> None:
    """Choice 2; task entered, scheduled, started, submitted, timed out, exited 6; pass 2."""
    assert {one.events for one in _ladder(JOB_SECONDS)} == {10}


def test_a_quiet_48_hour_job_costs_under_a_third_of_the_events() -> None:
    assert sum(one.events for one in _ladder(JOB_SECONDS)) + _around() < 25_000 / 3


def test_the_worst_48_hour_job_costs_under_80_percent_of_the_events() -> None:
    """Every round spends its retries, the run is stopped as often as it can be, each time just past the dense rungs."""
    dense = [one for one in map(_worst, range(1000)) if one.seconds < 300]
    again = (_ladders() - 1) * sum(one.events for one in dense)
    hours_left = JOB_SECONDS - (_ladders() - 1) * sum(one.seconds for one in dense)
    total = sum(one.events for one in _ladder(hours_left, _worst)) + again + _around()
    assert total < BUDGET
