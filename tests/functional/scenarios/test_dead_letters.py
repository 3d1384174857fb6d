"""A delivery that can never be handled goes aside after five tries, and holds up nobody but its own pull request."""

from __future__ import annotations

from tests.functional.scenarios.world import HOUR, MINUTE

from prowless_local.aws import Killed
from prowless_local.github import FaultResponse

VISIBILITY = 6 * MINUTE


def test_a_delivery_that_always_fails_lands_in_the_dead_letter_queue_after_five_receives(world):
    received = []

    def poison(function: str, event: dict, phase: str) -> None:
        if (function, phase) == ("dispatch", "before"):
            received.append(event["Records"][0]["attributes"]["ApproximateReceiveCount"])
            raise Killed

    world.aws.interceptor = poison
    pull = world.open_pull()
    world.aws.interceptor = lambda function, event, phase: (
        poison(function, event, phase) if function == "dispatch" else None
    )
    world.until(world.is_quiet, "the delivery is given up", within=6 * VISIBILITY)
    assert received == ["1", "2", "3", "4", "5"]
    assert world.dead_letters() == ["DeliveriesDeadLetterQueue"]
    assert pull.runs() == []


def test_other_pull_requests_do_not_wait_for_a_poisoned_one(world):
    def fault(method: str, path: str) -> FaultResponse | None:
        return FaultResponse(status=500) if path.endswith("/pulls/1") else None

    world.github.fault = fault
    first, second = world.open_pull(), world.open_pull()
    second.await_state("success", within=MINUTE)
    assert world.messages("DeliveriesQueue") == 1
    world.pass_time(HOUR)
    assert world.dead_letters() == ["DeliveriesDeadLetterQueue"]
    assert first.runs() == []


def test_github_that_is_down_for_ten_minutes_loses_no_delivery(world):
    until = world.clock.now_ms() + 10 * MINUTE * 1000

    def fault(_method: str, path: str) -> FaultResponse | None:
        return FaultResponse(status=503) if path.startswith("/repos/") and world.clock.now_ms() < until else None

    world.github.fault = fault
    pulls = [world.open_pull() for _ in range(2)]
    world.pass_time(5 * MINUTE)
    assert world.runs() == []
    world.rest()
    assert [pull.state() for pull in pulls] == ["success"] * 2
    assert [pull.posted() for pull in pulls] == [["pending", "success"]] * 2
