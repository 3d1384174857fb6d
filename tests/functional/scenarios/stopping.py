"""Executions that somebody stops: as they enter a state, or while a state's function is at work."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from moto.stepfunctions.parser.asl.component.state.state import CommonStateField

from prowless_local.template import read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.functional.scenarios.world import World

from prowless_local.places import ROOT

STATES: dict[str, Any] = read_yaml((ROOT / "statemachines" / "prowjob.asl.yaml").read_text())["States"]


class StoppedError(RuntimeError):
    """Ends the interpreter's work on an execution that was stopped: it calls nothing more."""


@dataclass
class Stop:
    """What was stopped."""

    executions: list[str] = field(default_factory=list)


@contextmanager
def stopped_on_entry(world: World, state: str, *, finishing: int = 0) -> Iterator[Stop]:
    """Meanwhile the first execution that enters the state is stopped there.

    With `finishing`, the first that many executions after the run's own one are, and not that one.
    """
    done = Stop()
    original = CommonStateField._eval_state_input

    def enter(self: Any, env: Any) -> None:
        arn = env.states.context_object.context_object_data["Execution"]["Id"]
        wanted = "-finish-" in arn if finishing else "-finish-" not in arn
        if self.name == state and wanted and arn not in done.executions and len(done.executions) < (finishing or 1):
            done.executions.append(arn)
            world.stop_execution(arn)
            raise StoppedError
        original(self, env)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CommonStateField, "_eval_state_input", enter)
        yield done


@contextmanager
def stopped_at_work(world: World, function: str, phase: str = "after") -> Iterator[Stop]:
    """Meanwhile the first execution that calls the function is stopped, before or after the function did its work."""
    done = Stop()

    def intercept(called: str, event: Any, when: str) -> None:
        if called == function and when == phase and not done.executions:
            running = [arn for arn in world.executions("RUNNING") if event["prowjob"] in arn]
            done.executions += running
            for arn in running:
                world.stop_execution(arn)

    world.aws.interceptor = intercept
    try:
        yield done
    finally:
        world.aws.interceptor = None
