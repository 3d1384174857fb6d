"""How a container of a pod stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any


def container_state(pod: dict[str, Any], name: str) -> dict[str, Any]:
    status = pod["status"]
    every = [*status.get("initContainerStatuses", []), *status["containerStatuses"]]
    return next(container["state"] for container in every if container["name"] == name)
