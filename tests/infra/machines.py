"""Reading the state machine: where a state leads, what a round of waiting costs."""

from typing import Any, NamedTuple

from tests.infra.templates import machine

Data = dict[str, Any]

WAIT_FOR_TOKEN = ".waitForTaskToken"


def states() -> dict[str, Data]:
    return machine()["States"]


def tasks() -> dict[str, Data]:
    return {name: state for name, state in states().items() if state["Type"] == "Task"}


def usual_successors(state: Data) -> set[str]:
    """Where a state leads when nothing fails."""
    return {state[key] for key in ("Next", "Default") if key in state} | {
        rule["Next"] for rule in state.get("Choices", [])
    }


def successors(state: Data) -> set[str]:
    return usual_successors(state) | {catcher["Next"] for catcher in state.get("Catch", [])}


def reachable(start: str, *, without: frozenset[str] = frozenset()) -> set[str]:
    """States that can follow `start`, itself included, when the states `without` are taken away."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name not in found and name not in without:
            found.add(name)
            waiting += successors(states()[name])
    return found


def caught(state: Data, error: str) -> str:
    """The state that an error leads to."""
    for catcher in state["Catch"]:
        if error in catcher["ErrorEquals"] or catcher["ErrorEquals"] == ["States.ALL"]:
            return catcher["Next"]
    raise AssertionError(f"{error} is not caught")


def events_of(state: Data, *, failed_attempts: int = 0) -> int:
    """History events of one pass through a state, as the service writes them.

    A state is entered and exited. Each attempt of a task is scheduled, started and ended (succeeded, failed or timed
    out), and submitted as well where it waits for a token.
    """
    if state["Type"] in {"Succeed", "Fail"}:
        return 2  # entered (and exited, for Succeed), and the end of the execution
    if state["Type"] != "Task":
        return 2
    attempt = 4 if state["Resource"].endswith(WAIT_FOR_TOKEN) else 3
    return 2 + attempt * (1 + failed_attempts)


def retries(state: Data) -> int:
    """Failed attempts that a task survives at most: each retrier counts for itself."""
    return sum(retrier["MaxAttempts"] for retrier in state.get("Retry", []))


class Round(NamedTuple):
    """One round of waiting that ended in a further one."""

    task: str
    seconds: int
    events: int


def chosen(count: int) -> str:
    """The await state of a round."""
    choice = states()["ChooseAwait"]
    for rule in choice["Choices"]:
        assert rule.keys() == {"Variable", "NumericLessThan", "Next"}
        assert rule["Variable"] == "$.round.count"
        if count < rule["NumericLessThan"]:
            return rule["Next"]
    return choice["Default"]


def round_of(count: int, error: str = "States.Timeout", *, failed_attempts: int = 0) -> Round:
    """Round `count`, in which the wait ends with this error, followed through the machine to the next choice.

    Only a time-out takes time; another error is taken to come at once, which packs most rounds into a job.
    """
    task = chosen(count)
    state = states()[task]
    events = events_of(states()["ChooseAwait"]) + events_of(state, failed_attempts=failed_attempts)
    seconds = state["TimeoutSeconds"] if error == "States.Timeout" else 0
    name = caught(state, error)
    while name != "ChooseAwait":
        state = states()[name]
        events += events_of(state)
        seconds += state.get("Seconds", 0)
        (name,) = usual_successors(state)
    return Round(task, seconds, events)
