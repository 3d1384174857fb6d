"""Containers as local processes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections import deque
from pathlib import Path
from typing import IO, TYPE_CHECKING

from prowless_local.cluster.rewriting import PathRewriter
from prowless_local.cluster.runners import CANNOT_START, ContainerPlan, Execution, Exit

if TYPE_CHECKING:
    from collections.abc import Callable

    from prowless_local.clock import Clock
    from prowless_local.waiting import Thread

LONGEST_RESULT = 256 * 1024  # Argo keeps the last 256 kB of a result
_READ = 64 * 1024
_DRAIN_SECONDS = 5.0  # for output that a process outside the session still holds open


class ProcessRunner:
    """Runs each container's command as a process of this machine, in a session of its own.

    There is no isolation: the job has the user's rights, network and file system. There is no mount namespace either,
    so the mount paths of the container (and the files it declares as outputs) are replaced by their local directories
    in command, args, scripts, environment values and the working directory. A program that has such a path compiled
    in does not find it.
    """

    needs_command = True
    facts = (
        "Jobs run as local processes with your own rights, network and files: run only what you trust.",
        "Images are ignored: the programs a step calls are the ones on your PATH.",
        (
            "There are no mounts: the paths of a pod's volumes in commands, scripts, environment values and working "
            "directories are replaced by scratch directories, and a working directory outside of them becomes one."
        ),
    )

    def launch(self, plan: ContainerPlan, clock: Clock, ended: Callable[[Exit], None]) -> Execution:
        """Start the process; `ended` is called when it and everything in its session is gone."""
        pairs = [(mount.container_path, mount.local) for mount in (*plan.mounts, *plan.outputs)]
        rewriter = PathRewriter(pairs)
        for script in plan.scripts:
            script.local.parent.mkdir(parents=True, exist_ok=True)
            script.local.write_text(rewriter.text(script.source))
            script.local.chmod(0o755)
        for output in plan.outputs:
            output.local.parent.mkdir(parents=True, exist_ok=True)
        argv = [rewriter.text(item) for item in (*plan.command, *plan.args)]
        directory = working_directory(plan, rewriter)
        directory.mkdir(parents=True, exist_ok=True)
        plan.home.mkdir(parents=True, exist_ok=True)
        execution = ProcessExecution(plan, ended)
        execution.start(argv, environment(plan, rewriter), directory, clock)
        return execution


def environment(plan: ContainerPlan, rewriter: PathRewriter) -> dict[str, str]:
    """What the container declares, over PATH, HOME and LANG."""
    base = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(plan.home), "LANG": "C.UTF-8"}
    return base | {name: rewriter.text(value) for name, value in plan.env.items()}


def working_directory(plan: ContainerPlan, rewriter: PathRewriter) -> Path:
    """The mounted place of `workingDir`, or a directory below the container's scratch root."""
    if not plan.working_dir:
        return plan.root
    mounted = rewriter.path(plan.working_dir)
    return Path(mounted) if mounted else plan.root / plan.working_dir.strip("/")


class ProcessExecution:
    """One container that runs: two or three threads wait for it, none of them polls."""

    def __init__(self, plan: ContainerPlan, ended: Callable[[Exit], None]) -> None:
        self._plan = plan
        self._ended = ended
        self._process: subprocess.Popen[bytes] | None = None
        self._thread: Thread | None = None
        self._reaping = threading.Lock()
        self._tail: deque[bytes] = deque()
        self._tail_size = 0

    def start(self, argv: list[str], env: dict[str, str], directory: Path, clock: Clock) -> None:
        """Start it, or report at once that it cannot be started."""
        errors = subprocess.PIPE if self._plan.capture_stdout else subprocess.STDOUT
        try:
            self._process = subprocess.Popen(
                argv,
                cwd=directory,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            )
        except (OSError, ValueError) as exc:
            message = f'exec: "{argv[0]}": {_why(exc)}'
            self._plan.log.write(f"{message}\n".encode())
            self._plan.log.close()
            self._ended(Exit(code=CANNOT_START, reason="StartError", message=message))
            return
        # A thread of the clock: while a real process works, virtual time stands still.
        self._thread = clock.spawn(self._wait, f"container {self._plan.pod}")

    def terminate(self) -> None:
        """SIGTERM to the first process, as a kubelet does it."""
        with self._reaping:  # not Popen's own, which may reap the process under the thread that waits for it
            if self._process is not None and self._process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self._process.pid, signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL to every process of the session."""
        with self._reaping:
            if self._process is not None and self._process.returncode is None:
                kill_session(self._process.pid)

    def join(self, seconds: float) -> None:
        """Wait until it is gone."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _wait(self) -> None:
        process = self._process
        if process is None:  # pragma: no cover - start() made it
            return
        pumps = [self._pump(process.stdout, keep=self._plan.capture_stdout), self._pump(process.stderr, keep=False)]
        code = self._reap(process)
        for pump, stream in zip(pumps, (process.stdout, process.stderr), strict=True):
            if pump is not None and stream is not None:
                pump.join(_DRAIN_SECONDS)
                if not pump.is_alive():
                    stream.close()
        self._plan.log.close()
        stdout = b"".join(self._tail)[-LONGEST_RESULT:].decode(errors="replace") if self._plan.capture_stdout else None
        self._ended(Exit.of(128 - code if code < 0 else code, stdout))

    def _reap(self, process: subprocess.Popen[bytes]) -> int:
        """Wait for the first process, and end what is left of its session before its id can be given to others."""
        if hasattr(os, "waitid"):
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
            with self._reaping:
                kill_session(process.pid)
                return process.wait()
        code = process.wait()
        kill_session(process.pid)
        return code

    def _pump(self, stream: IO[bytes] | None, *, keep: bool) -> threading.Thread | None:
        if stream is None:
            return None
        thread = threading.Thread(target=self._copy, args=(stream, keep), daemon=True, name="container output")
        thread.start()
        return thread

    def _copy(self, stream: IO[bytes], keep: bool) -> None:  # noqa: FBT001 a thread's target
        descriptor = stream.fileno()
        while data := os.read(descriptor, _READ):
            self._plan.log.write(data)
            if keep:
                self._tail.append(data)
                self._tail_size += len(data)
                while self._tail_size - len(self._tail[0]) >= LONGEST_RESULT:
                    self._tail_size -= len(self._tail.popleft())


def kill_session(leader: int) -> None:
    """SIGKILL everything in the session of that leader: its process group, and groups that split off from it.

    `timeout` and shells with job control make process groups of their own, which a signal to the leader's group
    misses. Processes that started a session of their own (daemons) are out of reach. Without /proc only the leader's
    group is ended.
    """
    for _ in range(10):  # a process may fork while we look
        members = _session_members(leader)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, signal.SIGKILL)
        for pid in members:
            try:
                os.kill(pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                continue
        if not members:
            return


def _session_members(leader: int) -> list[int]:
    """The live processes of a session, without the leader itself once it is dead."""
    members = []
    try:
        entries = [entry for entry in os.listdir("/proc") if entry.isdigit()]  # noqa: PTH208 names only, thousands of them
    except OSError:
        return []
    for entry in entries:
        try:
            fields = Path(f"/proc/{entry}/stat").read_bytes().rpartition(b")")[2].split()
        except OSError:  # gone meanwhile
            continue
        state, session = fields[0], int(fields[3])
        if session == leader and state not in {b"Z", b"X"}:
            members.append(int(entry))
    return members


def _why(exc: Exception) -> str:
    if isinstance(exc, FileNotFoundError):
        return "executable file not found in $PATH, or its interpreter or working directory does not exist"
    return exc.strerror or str(exc) if isinstance(exc, OSError) else str(exc)
