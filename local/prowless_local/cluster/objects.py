"""Kubernetes objects as plain JSON, and the few things every part of the cluster does with them."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any

Obj = dict[str, Any]

_SUFFIX_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"  # no vowels, no look-alikes: k8s.io/apimachinery/pkg/util/rand
_SUFFIX_LENGTH = 5
_LONGEST_GENERATED_BASE = 63 - _SUFFIX_LENGTH


def clone(value: Any) -> Any:
    """A deep copy of a JSON value. Several times faster than `copy.deepcopy`, which must expect anything."""
    if isinstance(value, dict):
        return {key: clone(item) for key, item in value.items()}
    if isinstance(value, list):
        return [clone(item) for item in value]
    return value


def rfc3339(epoch_ms: int) -> str:
    """The time as Kubernetes writes it, in whole seconds."""
    return datetime.fromtimestamp(epoch_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def epoch_ms(stamp: str) -> int:
    """Epoch milliseconds of an RFC 3339 time.

    Raises:
        ValueError: not such a time.
    """
    return int(datetime.fromisoformat(stamp).timestamp() * 1000)


def random_suffix() -> str:
    """Five characters as `generateName` appends them."""
    return "".join(secrets.choice(_SUFFIX_ALPHABET) for _ in range(_SUFFIX_LENGTH))


def generated_name(base: str) -> str:
    """A name from a `generateName`, at most 63 characters."""
    return base[:_LONGEST_GENERATED_BASE] + random_suffix()


def name_of(obj: Obj) -> str:
    """metadata.name."""
    return str(obj["metadata"]["name"])


def namespace_of(obj: Obj) -> str:
    """metadata.namespace, empty for cluster-scoped objects."""
    return str(obj["metadata"].get("namespace", ""))


def uid_of(obj: Obj) -> str:
    """metadata.uid."""
    return str(obj["metadata"].get("uid", ""))


def labels_of(obj: Obj) -> dict[str, str]:
    """metadata.labels, empty if there are none."""
    return obj["metadata"].get("labels") or {}


def annotations_of(obj: Obj) -> dict[str, str]:
    """metadata.annotations, empty if there are none."""
    return obj["metadata"].get("annotations") or {}


def deleting(obj: Obj) -> bool:
    """Whether a deletion was asked for and waits for something."""
    return bool(obj["metadata"].get("deletionTimestamp"))


def owner_reference(owner: Obj) -> Obj:
    """The reference by which a controller owns what it creates."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": name_of(owner),
        "uid": uid_of(owner),
        "controller": True,
        "blockOwnerDeletion": True,
    }


def owned_by(obj: Obj, owner_uid: str) -> bool:
    """Whether one of the object's owner references names that uid."""
    return any(ref.get("uid") == owner_uid for ref in obj["metadata"].get("ownerReferences") or ())
