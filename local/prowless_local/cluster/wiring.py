"""What an engine tells the pod controller about its pod that a PodSpec cannot say.

In a real cluster the engines put helper programs into the pod for it (Tekton's entrypoint, Argo's emissary and wait).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from prowless_local.cluster.runners import Exit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A program text to be put on a volume before a container starts."""

    container: str
    volume: str
    file: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A container that ended. `read` gives a file of the container (at most so many bytes), None if there is none."""

    container: str
    exit: Exit
    read: Callable[[str, int], bytes | None]
    timed_out: bool = False


def _as_it_is(ended: Ended) -> Exit:
    return ended.exit


def _with_its_code(dependency: str, cause: Exit) -> Exit:
    return Exit(code=cause.code, reason="Error", message=f'dependency "{dependency}" exited with code {cause.code}')


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """Order, helpers and outputs of a pod's containers.

    Attributes:
        after: per container, those that must end with code 0 before it starts.
        sidecars: containers that are ended when all others are done.
        timeouts: per container, the seconds after which it is killed.
        captured: containers whose standard output is wanted as a value.
        outputs: per container, files that will be read at its end.
        scripts: program texts to write.
        on_exit: sees each container's end while its files are still there, and says how the pod records it.
        skipped: how the pod records a container that does not start, from the dependency's name and end.
    """

    after: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sidecars: frozenset[str] = frozenset()
    timeouts: Mapping[str, float] = field(default_factory=dict)
    captured: frozenset[str] = frozenset()
    outputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    scripts: tuple[Script, ...] = ()
    on_exit: Callable[[Ended], Exit] = _as_it_is
    skipped: Callable[[str, Exit], Exit] = _with_its_code


PLAIN = Wiring()
