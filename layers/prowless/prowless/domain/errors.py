"""The error families that reach an edge. The state machine matches them by class name, without inheritance."""

from __future__ import annotations


class ProwlessError(Exception):
    """Base of all our errors: what happened, where, and what to do about it."""


class RetryableError(ProwlessError):
    """A fault that may pass: the same call may succeed later.

    `retry_after_ms` is how long the other side asked us to wait, None where it did not say. `ambiguous` tells
    whether the call may have taken effect all the same.
    """

    ambiguous = False

    def __init__(self, *args: object, retry_after_ms: int | None = None) -> None:
        super().__init__(*args)
        self.retry_after_ms = retry_after_ms


class AmbiguousError(RetryableError):
    """The answer to a write was lost, so it may have taken effect: read back before repeating it."""

    ambiguous = True


class BusyError(RetryableError):
    """Another call holds the lease of what this one wants to write: it waits for its turn, and nothing has failed."""


class PermanentError(ProwlessError):
    """A refusal that repeating will not change."""


class NotFoundError(PermanentError):
    """The thing asked for does not exist."""


class TooLargeError(PermanentError):
    """There is more than we read; the message says what and how much."""


class ConflictError(ProwlessError):
    """A conditional write found another state than the one expected."""


class ClusterUnreachableError(RetryableError):
    """A cluster's API did not answer; the run waits and continues when it is back."""


class ConfigError(PermanentError):
    """Configuration that cannot be used; `problems` holds one line each, with file and position where known.

    Lines and their number are bounded, as most of them quote what strangers wrote.
    """

    MAX_PROBLEMS = 1_000
    MAX_PROBLEM = 3_000

    def __init__(self, problems: list[str]) -> None:
        kept = [_cut(problem, self.MAX_PROBLEM) for problem in problems[: self.MAX_PROBLEMS]]
        if len(problems) > self.MAX_PROBLEMS:
            kept.append(f"… and {len(problems) - self.MAX_PROBLEMS} more")
        super().__init__("\n".join(kept))
        self.problems = tuple(kept)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
