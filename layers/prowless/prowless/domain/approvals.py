"""Which commit somebody spoke about, and which commits of a pull request were approved.

Prow's label `ok-to-test` outlives later pushes (`pkg/plugins/trigger/pull-request.go:365`), so whoever is approved
once may push anything. Here an approval holds for one commit. A comment names none, so the ledger of heads tells which
one its author can have seen; where that is not certain, nothing is approved.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from prowless.domain.trust import OK_TO_TEST

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from prowless.domain.events import CommentEvent
    from prowless.domain.specs import PullFacts
    from prowless.domain.trust import TrustOptions
    from prowless.domain.view import View

GUARD_MS = 30_000
"""A head that is younger than this at the time of a comment may not be the one that its author looked at."""

MOST_HEADS = 50
MOST_APPROVALS = 50
_FULL = (40, 64)
"""Digits of a whole SHA. Fewer do not bind: two commits that share them are made in minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadSeen:
    """A head of a pull request. Times are epoch milliseconds.

    `at` is GitHub's time of the event that showed it, in whole seconds; `seen` is when we heard of it. `opened`: the
    pull request was opened with it.
    """

    sha: str
    at: int
    seen: int
    opened: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """An approved commit: by whom, when (epoch milliseconds), and by what (comment, review, label)."""

    sha: str
    by: str
    at: int
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PullLedger:
    """What is kept of a pull request: its heads in the order in which they came, and the approved commits."""

    heads: tuple[HeadSeen, ...] = ()
    approvals: tuple[Approval, ...] = ()

    def saw(self, head: HeadSeen) -> PullLedger:
        """With a head that was seen; late and repeated news find their place. A head that returns counts anew."""
        if any(one.sha == head.sha and one.at == head.at and one.seen <= head.seen for one in self.heads):
            return self  # the same event by another hook
        kept: list[HeadSeen] = []
        for one in sorted([*self.heads, head], key=lambda known: (known.at, known.seen)):
            if kept and kept[-1].sha == one.sha:
                same = kept[-1]
                kept[-1] = replace(same, seen=min(same.seen, one.seen), opened=same.opened or one.opened)
            else:
                kept.append(one)
        return replace(self, heads=tuple(kept[-MOST_HEADS:]))

    def approved(self, sha: str) -> bool:
        """Whether somebody approved this commit."""
        return any(approval.sha == sha for approval in self.approvals)

    def approve(self, approval: Approval) -> PullLedger:
        """With one more approved commit; the first approval of a commit stays."""
        if self.approved(approval.sha):
            return self
        return replace(self, approvals=(*self.approvals, approval)[-MOST_APPROVALS:])

    def revoked(self) -> PullLedger:
        """Without any approval."""
        return replace(self, approvals=())

    def to_dict(self) -> dict[str, Any]:
        """As Control keeps it."""
        return {"heads": [asdict(head) for head in self.heads], "approvals": [asdict(one) for one in self.approvals]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> PullLedger:
        """From Control."""
        return cls(
            heads=tuple(HeadSeen(**head) for head in data.get("heads", ())),
            approvals=tuple(Approval(**approval) for approval in data.get("approvals", ())),
        )


def approved(pull: PullFacts, trust: TrustOptions, view: View) -> bool:
    """Whether an untrusted author's pull may run: its head is approved, or with `trust: sticky` it has the label."""
    return OK_TO_TEST in pull.labels if trust.sticky else view.ledger().approved(pull.head_sha)


def binds(pull: PullFacts, trust: TrustOptions, view: View) -> bool:
    """Whether a pull may run approved commits only."""
    return not trust.sticky and not view.trusted(pull.author)


def trusted_pull(pull: PullFacts, trust: TrustOptions, view: View) -> bool:
    """Whether a pull's jobs may run as it stands: its author is trusted, or it is approved."""
    return view.trusted(pull.author) or approved(pull, trust, view)


def misnamed(head: str, commits: Sequence[str]) -> str:
    """What is wrong with the commits that an `/ok-to-test` names; nothing if each is the head or begins it."""
    other = next((commit for commit in commits if not head.startswith(commit)), "")
    return other and f"{other} is not the head of this pull request, which is {head} now"


def unbound(event: CommentEvent, head: str, ledger: PullLedger, commits: Sequence[str] = ()) -> str:
    """Why a comment cannot be taken to be about the present head; nothing if it can.

    Args:
        event: the comment. A review speaks about its own commit.
        head: the present head.
        ledger: the heads that the pull had.
        commits: the commits that the comment names, full or abbreviated.
    """
    if wrong := misnamed(head, commits):
        return wrong
    if any(len(commit) in _FULL for commit in commits):
        return ""
    return _elsewhere(event, head) if event.commit else unseen(head, ledger, event.created_at)


def unseen(head: str, ledger: PullLedger, at: int) -> str:
    """Why the present head may not be what somebody looked at who spoke at a time; nothing if it is certain.

    The head has to be the ledger's newest, and to have been known for GUARD_MS at that time, by GitHub's clock and by
    ours: a late webhook makes it younger, never older. The head that a pull was opened with replaced nothing, so it
    needs no age.
    """
    if not ledger.heads or ledger.heads[-1].sha != head:
        return f"the push of {head} was not known here when that was written"
    newest = ledger.heads[-1]
    if newest.at > at:
        return f"{head} was pushed after that was written"
    if len(ledger.heads) == 1 and newest.opened:
        return ""
    age = at - max(newest.at, newest.seen)
    if age < GUARD_MS:
        return f"{head} came less than {GUARD_MS // 1000} s before that was written, or after it"
    return ""


def overtaken(event: CommentEvent, pull: PullFacts, trust: TrustOptions, view: View) -> str:
    """Why a command on the head's own statuses (/skip, /override) is not about the present head; nothing if it is.

    A trusted author is not suspected of a race, so there only a push that is known to be newer than the comment counts.
    With `trust: sticky` a command is about whatever head is there, as in Prow. After a refusal let a NoteHead follow,
    so that the same command, said again later, finds the head known.
    """
    if trust.sticky:
        return ""
    head, ledger = pull.head_sha, view.ledger()
    if not view.trusted(pull.author):
        return unbound(event, head, ledger)
    if event.commit:
        return _elsewhere(event, head)
    if ledger.heads and (ledger.heads[-1].sha != head or ledger.heads[-1].at > event.created_at):
        return f"{head} was pushed after that was written"
    return ""


def _elsewhere(event: CommentEvent, head: str) -> str:
    return "" if event.commit == head else f"the review was of another commit, and the head is {head} now"
