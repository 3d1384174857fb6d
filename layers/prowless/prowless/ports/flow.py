"""What moves a run along: the queues and the state machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prowless.ports.stores import Delivery


class DeliveryQueue(Protocol):
    """The FIFO queue from webhook to dispatch."""

    def send(self, delivery: Delivery, group: str) -> None:
        """Put the pointer on the queue; dedup id = GUID + receive, so a redelivery is a new message."""
        ...


class ForwardQueue(Protocol):
    """The queue, in no order, from dispatch to forward."""

    def send(self, guid: str, plugin: str) -> None:
        """Ask that a delivery is forwarded to an external plugin."""
        ...


class AdmitQueue(Protocol):
    """The FIFO queue, with one group, to the only writer of counters."""

    def wake(self, reason: str) -> None:
        """Say that something may be admitted; `reason` makes equal messages within five minutes one."""
        ...

    def release(self, prowjob: str, nonce: str) -> None:
        """Ask that a finished run lets go of its counters; `nonce` keeps a repeated request from being dropped."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """An execution of the state machine. `status` is RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED."""

    name: str
    status: str
    cause: str = ""


class Starter(Protocol):
    """The state machine."""

    def start(self, prowjob: str, finisher: int = 0) -> Execution:
        """Start the run's execution, or its n-th finishing one; if that name exists, it is described instead."""
        ...

    def describe(self, prowjob: str, finisher: int = 0) -> Execution | None:
        """The run's execution, or its n-th finishing one, as it is now; None if there is none. Starts nothing."""
        ...

    def wake(self, token: str, output: Mapping[str, Any]) -> bool:
        """Complete a wait; false if the token is stale, which is not an error."""
        ...


class ConfigQueue(Protocol):
    """The FIFO queue to config_sync. A message says what to look at, never what was there when it was sent."""

    def sync(self, cause: str) -> None:
        """Have the central configuration compiled. `cause` names what moved: equal ones within five minutes are one."""
        ...

    def check(self, repository: str, number: int, cause: str) -> None:
        """Have the configuration compiled with a pull request's change. `cause` as for `sync`."""
        ...
