"""The one thread on which all controllers run, so that none of them needs a lock."""

from __future__ import annotations

import threading
import traceback
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from prowless_local.clock import Clock
    from prowless_local.waiting import Thread, Timer


class Loop:
    """Runs posted actions one after the other, in their order.

    It waits on the clock, so a virtual clock does not move while there is something to do. An action that raises is a
    defect of the cluster: it is reported, and the loop goes on.
    """

    def __init__(self, clock: Clock, report: Callable[[str], None]) -> None:
        self.clock = clock
        self._report = report
        self._lock = threading.Lock()
        self._actions: deque[tuple[Hashable | None, Callable[[], None]]] = deque()
        self._queued: set[Hashable] = set()
        self._wake = clock.event()
        self._stopping = False
        self._thread: Thread | None = None

    def start(self) -> None:
        """Start the thread."""
        self._thread = self.clock.spawn(self._run, "cluster-loop")

    def stop(self) -> None:
        """Let what is running end, drop the rest."""
        with self._lock:
            self._stopping = True
            self._actions.clear()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(10)

    def post(self, action: Callable[[], None], key: Hashable | None = None) -> None:
        """Run `action` soon. With a key, an action that waits under the same key is not queued again."""
        with self._lock:
            if self._stopping or (key is not None and key in self._queued):
                return
            if key is not None:
                self._queued.add(key)
            self._actions.append((key, action))
        self._wake.set()

    def call_later(self, seconds: float, action: Callable[[], None]) -> Timer:
        """Run `action` on the loop after that many of the clock's seconds, unless the timer is cancelled."""
        return self.clock.call_later(seconds, lambda: self.post(action))

    def _run(self) -> None:
        while True:
            with self._lock:
                if self._stopping:
                    return
                key, action = self._actions.popleft() if self._actions else (None, None)
                if key is not None:
                    self._queued.discard(key)
                if action is None:
                    self._wake.clear()
            if action is None:
                self._wake.wait()
                continue
            try:
                action()
            except Exception:  # noqa: BLE001 a boundary: one object's defect must not stop the others
                self._report(f"the embedded cluster has a defect, please report it:\n{traceback.format_exc(limit=-8)}")
