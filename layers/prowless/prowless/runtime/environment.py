"""What a function is built from: its variables and its clock. Tests and the embedded stack pass their own."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prowless.ports.clock import Clock


class SystemClock:
    """The clock of the machine."""

    def now_ms(self) -> int:
        """Epoch milliseconds."""
        return time.time_ns() // 1_000_000

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Environment variables and clock of one function."""

    variables: Mapping[str, str] = field(repr=False)
    clock: Clock

    @classmethod
    def of_process(cls) -> Environment:
        """The real ones, as Lambda provides them."""
        return cls(variables=os.environ, clock=SystemClock())
