"""The shared state: tables of immutable records behind one lock, and the news of their changes."""

from __future__ import annotations

import itertools
import logging
import tempfile
import threading
from collections import deque
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from prowless_local.github.githistory import GitHistory
from prowless_local.github.hooks import Delivery, Hooks, spawn_thread
from prowless_local.github.records import Change
from prowless_local.github.timestamps import WallClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from prowless_local.github.records import (
        Account,
        App,
        CheckRun,
        Comment,
        Installation,
        Label,
        Pull,
        Repository,
        Review,
        ReviewComment,
        Status,
    )
    from prowless_local.github.timestamps import Clock

log = logging.getLogger(__name__)

FIRST_ID = 1_000_001
_T = TypeVar("_T")


def key(name: str) -> str:
    """GitHub's names are case-insensitive: the form tables are keyed by."""
    return name.lower()


class World:
    """State and news. The classes that inherit from it add what can be done with one kind of thing.

    Readers take single records without the lock: they are immutable, and tables are replaced entry by entry.
    Writers hold the lock through `changing()`; subscribers hear of a change after it is released, in order.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock: Clock = clock if clock is not None else WallClock()
        self.url = ""
        self.ids = itertools.count(FIRST_ID)
        self.accounts: dict[str, Account] = {}
        self.members: dict[str, set[str]] = {}
        self.teams: dict[tuple[str, str], set[str]] = {}
        self.collaborators: dict[str, set[str]] = {}
        self.admins: dict[str, set[str]] = {}
        self.repositories: dict[str, Repository] = {}
        self.required_contexts: dict[tuple[str, str], tuple[str, ...]] = {}
        self.pull_table: dict[tuple[str, int], Pull] = {}
        self.comment_table: dict[int, Comment] = {}
        self.label_table: dict[str, dict[str, Label]] = {}
        self.reviews: dict[int, Review] = {}
        self.review_comments: dict[int, ReviewComment] = {}
        self.status_table: dict[tuple[str, str], tuple[Status, ...]] = {}
        self.check_run_table: dict[int, CheckRun] = {}
        self.apps: dict[int, App] = {}
        self.installations: dict[int, Installation] = {}
        self.hooks = Hooks(self.clock, self.ids, self._delivered, spawn=getattr(clock, "spawn", spawn_thread))
        self._git: dict[str, GitHistory] = {}
        self._directory = tempfile.TemporaryDirectory(prefix="prowless-github-", ignore_cleanup_errors=True)
        self._lock = threading.RLock()
        self._depth = 0
        self._news: deque[Change] = deque()
        self._telling = threading.RLock()
        self._subscribers: list[Callable[[Change], None]] = []

    def now_ms(self) -> int:
        """The clock's time."""
        return self.clock.now_ms()

    def subscribe(self, callback: Callable[[Change], None]) -> Callable[[], None]:
        """Call back with every change, in order, outside the lock; returns what ends the subscription."""
        self._subscribers.append(callback)

        def unsubscribe() -> None:
            if callback in self._subscribers:
                self._subscribers.remove(callback)

        return unsubscribe

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Hold the lock; tell subscribers when the outermost holder lets go."""
        with self._lock:
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
                outermost = self._depth == 0
        if outermost:
            self._tell()

    def report(self, kind: str, action: str, repository: str, record: Any, *, number: int = 0, sha: str = "") -> None:
        """Queue news for the subscribers."""
        change = Change(
            kind=kind,
            action=action,
            repository=repository,
            record=record,
            at_ms=self.now_ms(),
            number=number,
            sha=sha,
        )
        self._news.append(change)

    def repository(self, full_name: str) -> Repository:
        """The repository.

        Raises:
            KeyError: There is none of that name.
        """
        return found(self.repositories, key(full_name), f"repository {full_name}")

    def git(self, full_name: str) -> GitHistory:
        """A repository's git directory.

        Raises:
            KeyError: There is none of that name.
        """
        return found(self._git, key(full_name), f"repository {full_name}")

    def add_git(self, full_name: str, default_branch: str, *, borrow_from: GitHistory | None = None) -> GitHistory:
        """Create a repository's git directory."""
        owner, _, name = key(full_name).partition("/")
        git = GitHistory(Path(self._directory.name) / owner / f"{name}.git")
        git.path.parent.mkdir(parents=True, exist_ok=True)
        git.initialise(default_branch, borrow_from=borrow_from)
        self._git[key(full_name)] = git
        return git

    def pull(self, repository: str, number: int) -> Pull:
        """A pull request as it is now.

        Raises:
            KeyError: There is no such pull request.
        """
        return found(self.pull_table, (key(repository), number), f"pull request {repository}#{number}")

    def pulls(self, repository: str) -> list[Pull]:
        """A repository's pull requests, oldest first."""
        wanted = key(repository)
        return [pull for (name, _), pull in sorted(self.pull_table.copy().items()) if name == wanted]

    def delete_directories(self) -> None:
        """Delete the git directories."""
        self._directory.cleanup()

    def _delivered(self, delivery: Delivery) -> None:
        self.report("delivery", "attempted", "", delivery)
        self._tell()

    def _tell(self) -> None:
        with self._telling:
            while self._news:
                change = self._news.popleft()
                for callback in list(self._subscribers):
                    self._call(callback, change)

    @staticmethod
    def _call(callback: Callable[[Change], None], change: Change) -> None:
        try:
            callback(change)
        except Exception:  # a subscriber's error is not the error of whoever made the change
            log.exception("a subscriber failed on %s %s", change.kind, change.action)


def found(table: Mapping[Any, _T], index: Any, what: str) -> _T:
    """An entry of a table.

    Raises:
        KeyError: There is none; the message says what was looked for.
    """
    try:
        return table[index]
    except KeyError:
        raise KeyError(f"the fake GitHub has no {what}") from None
