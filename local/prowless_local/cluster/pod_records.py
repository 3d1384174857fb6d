"""The containers of a pod that runs, and their files."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from prowless_local.cluster.logs import LogFile
    from prowless_local.cluster.objects import Obj
    from prowless_local.cluster.runners import Execution, Exit


@dataclass(slots=True)
class ContainerRecord:
    """One container of the pod."""

    name: str
    spec: Obj
    init: bool = False
    state: Obj = field(default_factory=lambda: {"waiting": {"reason": "PodInitializing"}})
    execution: Execution | None = None
    started: bool = False
    exit: Exit | None = None
    timed_out: bool = False
    log: LogFile | None = None

    @property
    def running(self) -> bool:
        """Whether its processes are alive."""
        return self.started and self.exit is None


def container_status(record: ContainerRecord) -> Obj:
    """As `status.containerStatuses` lists it."""
    running = "running" in record.state
    return {
        "name": record.name,
        "image": record.spec.get("image", ""),
        "imageID": "",
        "ready": running,
        "started": running,
        "restartCount": 0,
        "state": record.state,
        "lastState": {},
    }


def remove_tree(directory: Path) -> None:
    """Remove a directory, also with read-only directories in it (Go's module cache makes them)."""
    shutil.rmtree(directory, ignore_errors=True)
    if directory.exists():
        for path in (directory, *directory.rglob("*")):
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o700)
        shutil.rmtree(directory, ignore_errors=True)
