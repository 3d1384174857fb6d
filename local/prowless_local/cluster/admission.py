"""What the API server adds to an object before it stores it: defaults, and the stored form of Secrets."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from prowless_local.cluster import resources
from prowless_local.cluster.api_errors import bad_request

if TYPE_CHECKING:
    from prowless_local.cluster.objects import Obj
    from prowless_local.cluster.resources import Resource

DEFAULT_GRACE_SECONDS = 30
DEFAULT_TEKTON_TIMEOUT = "1h0m0s"  # Tekton's default-timeout-minutes


def admit(resource: Resource, obj: Obj) -> None:
    """Complete a validated object in place.

    Raises:
        ApiError: 400, a Secret whose data is not base64.
    """
    if resource is resources.PODS:
        _default_pod(obj["spec"])
    elif resource is resources.SECRETS:
        _encode_secret(obj)
    elif resource is resources.PIPELINERUNS:
        spec = obj["spec"]
        spec["timeouts"] = {"pipeline": DEFAULT_TEKTON_TIMEOUT, **(spec.get("timeouts") or {})}
        _default_account(spec.setdefault("taskRunTemplate", {}))
    elif resource is resources.TASKRUNS:
        obj["spec"].setdefault("timeout", DEFAULT_TEKTON_TIMEOUT)
        _default_account(obj["spec"])
    if "status" in resource.subresources:
        obj.pop("status", None)
    if resource is resources.PODS:
        obj["status"] = {"phase": "Pending", "qosClass": "BestEffort"}


def _default_account(holder: Obj) -> None:
    holder.setdefault("serviceAccountName", "default")


def _default_pod(spec: Obj) -> None:
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("terminationGracePeriodSeconds", DEFAULT_GRACE_SECONDS)
    _default_account(spec)


def _encode_secret(obj: Obj) -> None:
    obj.setdefault("type", "Opaque")
    for key, value in (obj.get("data") or {}).items():
        try:
            base64.b64decode(value, validate=True)
        except binascii.Error as exc:
            raise bad_request(f"illegal base64 data in data.{key} of the Secret") from exc
    plain = obj.pop("stringData", None)
    if plain:
        encoded = {key: base64.b64encode(value.encode()).decode() for key, value in plain.items()}
        obj["data"] = {**(obj.get("data") or {}), **encoded}
