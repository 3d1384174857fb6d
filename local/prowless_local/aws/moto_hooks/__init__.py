"""Everything that the embedded stack changes in moto 5.2.5, each change with its reason.

All of it is moto's private machinery, so moto is pinned exactly and `tests/functional/aws/test_moto_hooks.py` has one
canary per hook. A hook asks `current()` for the running stack and does what moto does when there is none, so code that
uses moto by itself in the same process is not affected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prowless_local.aws.moto_hooks import batchless, interpreter, lifecycle, services, timing, tokens
from prowless_local.aws.moto_hooks.runtime import attach, current, detach

if TYPE_CHECKING:
    from prowless_local.aws.moto_hooks.runtime import Runtime

__all__ = ["abandon", "apply", "batchless", "current", "start", "stop"]


def apply() -> None:
    """Install the hooks; again is the same as once."""
    timing.apply()
    interpreter.apply()
    lifecycle.apply()
    tokens.apply()
    services.apply()


def start(runtime: Runtime) -> None:
    """Install the hooks and let them serve this stack.

    Raises:
        RuntimeError: another stack is running; moto's state is the process's.
    """
    apply()
    attach(runtime)


def abandon() -> None:
    """Stop every execution."""
    lifecycle.abandon()


def stop() -> None:
    """Serve nobody."""
    detach()
    tokens.forget()
    interpreter.forget()
