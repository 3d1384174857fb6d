"""How containers run: what a runner is given and what it answers.

`ProcessRunner` (the default), `ContainerRunner` (docker or podman) and `ScriptedRunner` (for tests on virtual time).
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from prowless_local.cluster.rewriting import PathRewriter, normalized

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from prowless_local.clock import Clock
    from prowless_local.cluster.logs import LogFile
    from prowless_local.waiting import Timer

SIGKILLED = 137
SIGTERMED = 143
CANNOT_START = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A local directory or file, and where the container sees it."""

    container_path: str
    local: Path
    read_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptFile:
    """A program text that the runner writes before it starts the container, executable."""

    local: Path
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerPlan:
    """One container, with every reference resolved, in the container's own paths.

    `root` is a local directory that stands for what the image's file system would take; `home` is the local HOME.
    `outputs` are files outside the mounts that will be read after the end, with the local place they shall have.
    """

    namespace: str
    pod: str
    container: str
    image: str
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    working_dir: str = ""
    mounts: tuple[Mount, ...] = ()
    outputs: tuple[Mount, ...] = ()
    scripts: tuple[ScriptFile, ...] = ()
    root: Path = Path()
    home: Path = Path()
    log: LogFile
    capture_stdout: bool = False

    def local_path(self, container_path: str) -> Path | None:
        """Where a file of the container is on this machine, or None if only the container has it."""
        pairs = [(mount.container_path, mount.local) for mount in (*self.mounts, *self.outputs)]
        local = PathRewriter(pairs).path(container_path)
        return None if local is None else Path(local)

    def with_outputs(self, outputs: tuple[Mount, ...]) -> ContainerPlan:
        """The plan with places for declared outputs."""
        return replace(self, outputs=outputs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """How a container ended: exit code, reason and message as `containerStatuses[].state.terminated` has them."""

    code: int
    reason: str = ""
    message: str = ""
    stdout: str | None = None

    @classmethod
    def of(cls, code: int, stdout: str | None = None) -> Exit:
        """With the reason that Kubernetes gives for the code."""
        return cls(code=code, reason="Error" if code else "Completed", stdout=stdout)


class Execution(Protocol):
    """A container that runs."""

    def terminate(self) -> None:
        """Ask it to end (SIGTERM to its first process)."""
        ...

    def kill(self) -> None:
        """End it and everything it started."""
        ...

    def join(self, seconds: float) -> None:
        """Wait until it is gone."""
        ...


class Runner(Protocol):
    """Runs containers."""

    @property
    def needs_command(self) -> bool:
        """Whether a container must say what to run, since nobody reads its image."""
        ...

    @property
    def facts(self) -> tuple[str, ...]:
        """What a user must know, a sentence each."""
        ...

    def launch(self, plan: ContainerPlan, clock: Clock, ended: Callable[[Exit], None]) -> Execution:
        """Start the container; `ended` is called once, from any thread, also if it could not start."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Scripted:
    """What a scripted container does: end after so many of the clock's seconds, with a code and a log.

    `files` are written below the given container paths when it ends.
    """

    seconds: float = 0.0
    code: int = 0
    log: str = ""
    files: Mapping[str, str] = field(default_factory=dict)


class ScriptedRunner:
    """Runs nothing: a function says what each container does. For runs of hours on a virtual clock."""

    needs_command = False
    facts: tuple[str, ...] = ()

    def __init__(self, script: Callable[[ContainerPlan], Scripted]) -> None:
        self._script = script

    def launch(self, plan: ContainerPlan, clock: Clock, ended: Callable[[Exit], None]) -> Execution:
        """Let the clock end it."""
        return _ScriptedExecution(plan, self._script(plan), clock, ended)


class _ScriptedExecution:
    def __init__(self, plan: ContainerPlan, scripted: Scripted, clock: Clock, ended: Callable[[Exit], None]) -> None:
        self._plan = plan
        self._scripted = scripted
        self._ended = ended
        self._over = False
        plan.log.write(scripted.log.encode())
        self._timer: Timer = clock.call_later(scripted.seconds, self._finish)

    def terminate(self) -> None:
        """End as a program without a handler would."""
        self._end(SIGTERMED)

    def kill(self) -> None:
        """End at once."""
        self._end(SIGKILLED)

    def join(self, seconds: float) -> None:
        """Nothing to wait for."""

    def _finish(self) -> None:
        for container_path, content in self._scripted.files.items():
            local = self._plan.local_path(normalized(container_path))
            if local is not None:
                local.parent.mkdir(parents=True, exist_ok=True)
                local.write_text(content)
        self._end(self._scripted.code)

    def _end(self, code: int) -> None:
        if self._over:
            return
        self._over = True
        self._timer.cancel()
        self._plan.log.close()
        self._ended(Exit.of(code, self._scripted.log if self._plan.capture_stdout else None))


def output_mounts(paths: tuple[str, ...], base: Path) -> tuple[Mount, ...]:
    """Local places for files outside the mounts; files of one directory stay together, so it can be mounted."""
    places: dict[str, Path] = {}
    mounts = []
    for path in paths:
        directory, name = posixpath.split(normalized(path))
        place = places.setdefault(directory, base / str(len(places)))
        mounts.append(Mount(container_path=normalized(path), local=place / name))
    return tuple(mounts)
