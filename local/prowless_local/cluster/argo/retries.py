"""retryStrategy: whether a failed attempt is followed by another one, and when."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from prowless_local.cluster.argo.nodes import UNSUCCESSFUL, is_fulfilled
from prowless_local.cluster.argo.variables import TemplateError, as_text

if TYPE_CHECKING:
    from prowless_local.cluster.argo.operation import Operation
    from prowless_local.cluster.objects import Obj

_PART = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d)")
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_LONGEST_WAIT = 10 * 365 * 86400.0


def seconds(duration: object) -> float:
    """A duration as Argo writes it: `30` (seconds), `1m30s`, `2h`.

    Raises:
        TemplateError: not such a duration.
    """
    text = as_text(duration).strip()
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    if text and not _PART.sub("", text):
        return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
    raise TemplateError(f"unable to parse {text!r} as a duration")


def whole(value: object, what: str) -> int:
    """A whole number that YAML may have as a string.

    Raises:
        TemplateError: something else.
    """
    try:
        return int(as_text(value))
    except ValueError as exc:
        raise TemplateError(f"{what} must be a whole number, not {as_text(value)!r}") from exc


def assess(operation: Operation, parent: Obj, strategy: Obj) -> bool:
    """Bring a Retry node up to date with its attempts (`processNodeRetries` in Argo's operator.go).

    Returns:
        False if the next attempt has to wait.

    Raises:
        TemplateError: the strategy has a value that makes no sense.
    """
    nodes = operation.nodes
    attempts = nodes.retries(parent)
    if is_fulfilled(parent) or not attempts or not is_fulfilled(attempts[-1]):
        return True
    last = attempts[-1]
    if last["phase"] not in UNSUCCESSFUL:
        nodes.mark(parent, "Succeeded")
        return True
    if operation.shutdown:
        nodes.mark(parent, last["phase"], f"Stopped with strategy '{operation.shutdown}'")
        return True
    if operation.past_deadline:
        nodes.mark(parent, last["phase"], "retry exceeded workflow deadline")
        return True
    backoff = strategy.get("backoff")
    if backoff and not _waited(operation, parent, attempts, strategy, backoff):
        return is_fulfilled(parent)
    if not _policy_retries(strategy, last["phase"]):
        nodes.mark(parent, last["phase"], last.get("message", ""))
    elif _exhausted(strategy, len(attempts)):
        nodes.mark(parent, last["phase"], "No more retries left")
    return True


def _policy_retries(strategy: Obj, phase: str) -> bool:
    policy = strategy.get("retryPolicy") or "OnFailure"
    if phase == "Error":
        return policy in {"Always", "OnError"}
    return policy in {"Always", "OnFailure"}


def _exhausted(strategy: Obj, attempts: int) -> bool:
    limit = strategy.get("limit")
    return limit is not None and attempts > whole(limit, "retryStrategy.limit")


def _waited(operation: Operation, parent: Obj, attempts: list[Obj], strategy: Obj, backoff: Obj) -> bool:
    """Whether the time for the next attempt has come; if not, it is set, or the node is failed."""
    nodes, now, last = operation.nodes, operation.now_ms, attempts[-1]
    if not backoff.get("duration"):
        raise TemplateError("no base duration specified for retryStrategy")
    give_up = None
    if backoff.get("maxDuration"):
        give_up = nodes.started_ms(attempts[0]) + int(seconds(backoff["maxDuration"]) * 1000)
        if now > give_up:
            nodes.mark(parent, last["phase"], "Max duration limit exceeded")
            return False
    factor = whole(backoff["factor"], "retryStrategy.backoff.factor") if backoff.get("factor") else 0
    wait = seconds(backoff["duration"])
    if factor > 0:
        wait = min(wait * float(min(factor, 1000)) ** min(len(attempts) - 1, 100), _LONGEST_WAIT)
    if backoff.get("cap"):
        wait = min(wait, seconds(backoff["cap"]))
    due = nodes.finished_ms(last) + int(wait * 1000)
    if give_up is not None and due > give_up:
        nodes.mark(parent, last["phase"], "Backoff would exceed max duration limit")
        return False
    if now < due and not _exhausted(strategy, len(attempts)) and _policy_retries(strategy, last["phase"]):
        nodes.mark(parent, parent["phase"], f"Backoff for {wait:g} seconds")
        operation.wake_at(due)
        return False
    nodes.mark(parent, parent["phase"], "")
    return True
