"""Objects and refusals of the API server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    import pytest
    from kubernetes.client import ApiException


def refused(exc: pytest.ExceptionInfo[ApiException]) -> tuple[int, str, str]:
    body = json.loads(exc.value.body)
    assert body["kind"] == "Status"
    assert body["code"] == exc.value.status
    return exc.value.status, body["reason"], body["message"]


def template(name: str, **labels: str) -> dict[str, Any]:
    """An object that no engine acts on."""
    return {"metadata": {"name": name, "labels": labels}, "spec": {"templates": []}}
