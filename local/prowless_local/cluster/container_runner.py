"""Containers in docker or podman, where one of them is at hand."""

from __future__ import annotations

import contextlib
import hashlib
import os
import posixpath
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

from prowless_local.cluster.process_runner import ProcessExecution
from prowless_local.cluster.rewriting import normalized
from prowless_local.cluster.runners import ContainerPlan, Execution, Exit, Mount

if TYPE_CHECKING:
    from collections.abc import Callable

    from prowless_local.clock import Clock

_LONGEST_NAME = 120
_ANSWER_SECONDS = 20.0
# Names that would change the engine's client itself if they stood in its environment.
_CLIENT_NAMES = re.compile(
    r"PATH|HOME|TMPDIR|LANG|LC_.*|LD_.*|XDG_.*|DOCKER_.*|BUILDKIT_.*|CONTAINER.*|PODMAN_.*|.*_PROXY", re.IGNORECASE
)


class EngineMissingError(RuntimeError):
    """The container engine is not installed, or does not answer."""


class ContainerRunner:
    """Runs each container with `docker run` or `podman run`, in its image, with the pod's volumes mounted.

    A file that a step declares as its output and that is on no volume is caught by a mount over its directory, which
    hides what the image has there. What a container writes as root stays root's in the scratch directory.

    Raises:
        EngineMissingError: there is no such engine here, or it does not answer.
    """

    needs_command = False

    def __init__(self, engine: str) -> None:
        check_engine(engine)
        self._engine = engine
        self.facts = (
            f"Jobs run in {engine} containers of their own; containers of one pod do not share localhost.",
            f"Who may use {engine} has the rights of its user: run only what you trust.",
        )

    def launch(self, plan: ContainerPlan, clock: Clock, ended: Callable[[Exit], None]) -> Execution:
        """Start the container; the client's process stands for it."""
        for script in plan.scripts:
            script.local.parent.mkdir(parents=True, exist_ok=True)
            script.local.write_text(script.source)
            script.local.chmod(0o755)
        for mount in _output_directories(plan):
            mount.local.mkdir(parents=True, exist_ok=True)
        plan.root.mkdir(parents=True, exist_ok=True)
        return _Container(self._engine, plan, clock, ended)


class _Container:
    """One container that runs."""

    def __init__(self, engine: str, plan: ContainerPlan, clock: Clock, ended: Callable[[Exit], None]) -> None:
        self._engine = engine
        self._name = container_name(plan)
        self._clock = clock
        self._client = ProcessExecution(plan, ended)
        self._client.start(run_command(engine, plan), run_environment(plan), plan.root, clock)

    def terminate(self) -> None:
        """SIGTERM: the client passes it on."""
        self._client.terminate()

    def kill(self) -> None:
        """Remove the container by force."""
        self._clock.spawn(self._remove, f"remove {self._name}")

    def join(self, seconds: float) -> None:
        """Wait until the client is gone."""
        self._client.join(seconds)

    def _remove(self) -> None:
        # If the engine is gone, its client is all that is left to end.
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(
                [self._engine, "rm", "--force", self._name], capture_output=True, timeout=_ANSWER_SECONDS, check=False
            )
        self._client.kill()


def check_engine(engine: str) -> None:
    """Make sure that the engine is there and answers.

    Raises:
        EngineMissingError: it is not, or it does not.
    """
    instead = "or use the runner 'process'"
    if shutil.which(engine) is None:
        raise EngineMissingError(f"{engine} is not on PATH: install it, {instead}")
    try:
        probe = subprocess.run([engine, "version"], capture_output=True, timeout=_ANSWER_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise EngineMissingError(f"{engine} does not answer: {exc}. Start it, {instead}") from exc
    if probe.returncode:
        said = probe.stderr.decode(errors="replace").strip().splitlines()
        why = said[-1] if said else f"exit code {probe.returncode}"
        raise EngineMissingError(f"{engine} does not work: {why} Start it, {instead}")


def run_command(engine: str, plan: ContainerPlan) -> list[str]:
    """The command line that runs the container. Most environment values are not on it, see `run_environment`."""
    argv = [engine, "run", "--rm", "--name", container_name(plan)]
    for mount in (*plan.mounts, *_output_directories(plan)):
        mode = ":ro" if mount.read_only else ""
        argv += ["--volume", f"{mount.local}:{normalized(mount.container_path)}{mode}"]
    for name, value in sorted(plan.env.items()):
        argv += ["--env", f"{name}={value}" if _CLIENT_NAMES.fullmatch(name) else name]
    if plan.working_dir:
        argv += ["--workdir", plan.working_dir]
    if plan.command:
        argv += ["--entrypoint", plan.command[0]]
    return [*argv, plan.image, *plan.command[1:], *plan.args]


def run_environment(plan: ContainerPlan) -> dict[str, str]:
    """The client's environment: ours, and the container's values, so that no list of processes shows them."""
    return {**os.environ, **{name: value for name, value in plan.env.items() if not _CLIENT_NAMES.fullmatch(name)}}


def container_name(plan: ContainerPlan) -> str:
    """A name that the engine takes; the scratch directory in it makes it unique on this machine."""
    digest = hashlib.sha256(f"{plan.root}".encode()).hexdigest()[:10]
    readable = re.sub(r"[^A-Za-z0-9_.-]", "-", f"{plan.namespace}_{plan.pod}_{plan.container}")
    return f"prowless_{readable[:_LONGEST_NAME]}_{digest}"


def _output_directories(plan: ContainerPlan) -> list[Mount]:
    """Mounts over the directories of declared outputs; `outputs` holds those that are on no volume."""
    found: dict[str, Mount] = {}
    for output in plan.outputs:
        directory = posixpath.dirname(normalized(output.container_path))
        found[directory] = Mount(container_path=directory, local=output.local.parent)
    return list(found.values())
