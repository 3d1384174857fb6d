"""The ledger of each pull request in Control: which heads it had, and which commits were approved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prowless.domain.approvals import HeadSeen, PullLedger
from prowless.domain.errors import RetryableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from prowless.domain.approvals import Approval
    from prowless.ports.clock import Clock
    from prowless.ports.stores import Control

_TRIES = 5
"""One pull's deliveries are handled one after the other, so somebody else writes only when a message is repeated."""


class PullLedgers:
    """Reads and changes ledgers. Every change may be repeated."""

    def __init__(self, control: Control, clock: Clock) -> None:
        """`clock` dates the heads that GitHub showed when we asked."""
        self._control = control
        self._clock = clock

    def read(self, repository: str, number: int) -> PullLedger:
        """The ledger, empty if the pull was never heard of."""
        return PullLedger.from_dict(self._control.value(_key(repository, number)) or {})

    def saw(self, repository: str, number: int, head: HeadSeen) -> None:
        """Keep a head that a delivery showed."""
        self._change(repository, number, lambda ledger: ledger.saw(head))

    def note(self, repository: str, number: int, sha: str) -> None:
        """Keep the head that GitHub shows now."""
        now = self._clock.now_ms()
        self.saw(repository, number, HeadSeen(sha=sha, at=now, seen=now))

    def approve(self, repository: str, number: int, approval: Approval) -> None:
        """Keep that a commit is approved."""
        self._change(repository, number, lambda ledger: ledger.approve(approval))

    def revoke(self, repository: str, number: int) -> None:
        """Forget all approvals of a pull."""
        self._change(repository, number, PullLedger.revoked)

    def _change(self, repository: str, number: int, change: Callable[[PullLedger], PullLedger]) -> None:
        key = _key(repository, number)
        for _ in range(_TRIES):
            stored = self._control.value(key)
            before = PullLedger.from_dict(stored or {})
            after = change(before)
            if after == before or self._control.store(key, after.to_dict(), stored):
                return
        raise RetryableError(f"the ledger of {repository}#{number} was changed by others {_TRIES} times in a row")


def _key(repository: str, number: int) -> str:
    return f"pull#{repository}#{number}"
