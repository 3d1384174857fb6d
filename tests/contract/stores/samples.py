"""Rows for the suites, and threads that start together."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from tests.fakes.clock import NOW

from prowless.domain.identity import build_id
from prowless.domain.prowjob import ProwJob
from prowless.domain.refs import JobType
from prowless.ports.stores import Delivery

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")


def run(name: str, **fields: Any) -> ProwJob:
    """The row of a presubmit's run; `name` is its id, `at` the milliseconds after NOW that it was created."""
    created = NOW + fields.pop("at", 0)
    row = {
        "type": JobType.PRESUBMIT,
        "job": "unit",
        "context": "unit",
        "org": "acme",
        "repo": "rocket",
        "base_ref": "main",
        "pull": 7,
        "head_sha": "c0ffee",
        "build_id": build_id(name, created),
        "created_at": created,
    }
    return ProwJob(id=name, **(row | fields))


def delivery(guid: str = "guid-1", **fields: Any) -> Delivery:
    row = {
        "event": "pull_request",
        "action": "opened",
        "repository": "acme/rocket",
        "repository_id": 11,
        "pull": 7,
        "scope": "acme",
        "body": f"deliveries/{guid}",
        "received_at": NOW,
        "headers": {"user-agent": "GitHub-Hookshot/1"},
    }
    return Delivery(guid=guid, **(row | fields))


def together(calls: Iterable[Callable[[], T]]) -> list[T]:
    """The results of calls that start at the same time, each in a thread of its own."""
    calls = list(calls)
    gate = threading.Barrier(len(calls))

    def start(call: Callable[[], T]) -> T:
        gate.wait(timeout=30)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(start, calls))
