"""The objects of one cluster, in memory, with versions and the events that watches read.

A stored object is never changed in place: a write puts a new one. So what `read` and `list` return may be shared
freely, and must not be changed; `get` returns a copy.
"""

from __future__ import annotations

import threading
import uuid
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prowless_local.cluster.api_errors import already_exists, conflict, expired, not_found
from prowless_local.cluster.objects import Obj, clone, deleting, generated_name, rfc3339

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from prowless_local.clock import Clock
    from prowless_local.cluster.resources import Resource
    from prowless_local.waiting import Event

_KEPT_EVENTS = 20_000
_SERVER_OWNED = ("uid", "creationTimestamp", "namespace", "name", "deletionTimestamp", "deletionGracePeriodSeconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """Where an object is."""

    resource: Resource
    namespace: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One write. `type` is ADDED, MODIFIED or DELETED, as in a watch; `previous` is the object before it."""

    version: int
    type: str
    key: Key
    obj: Obj
    previous: Obj | None


class Store:
    """All objects. Safe to use from any thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self._objects: dict[Key, Obj] = {}
        self._version = 1
        self._changes: deque[Change] = deque(maxlen=_KEPT_EVENTS)
        self._waiting: set[Event] = set()
        self._subscribers: list[Callable[[Change], None]] = []
        self.closed = False

    def close(self) -> None:
        """End every watch."""
        with self._lock:
            self.closed = True
            for event in self._waiting:
                event.set()

    def subscribe(self, told: Callable[[Change], None]) -> None:
        """Tell of every write, in the thread that wrote; it must not block."""
        self._subscribers.append(told)

    def create(self, resource: Resource, namespace: str, obj: Obj) -> Obj:
        """Store a new, validated object; returns it with name, uid, version and creation time.

        Raises:
            ApiError: 409, the name is taken.
        """
        obj = clone(obj)
        metadata = obj["metadata"]
        metadata["name"] = metadata.get("name") or generated_name(metadata["generateName"])
        key = Key(resource=resource, namespace=namespace, name=metadata["name"])
        if namespace:
            metadata["namespace"] = namespace
        metadata.pop("deletionTimestamp", None)
        metadata["uid"] = str(uuid.uuid4())
        metadata["creationTimestamp"] = rfc3339(self._clock.now_ms())
        metadata["generation"] = 1
        with self._lock:
            if key in self._objects:
                raise already_exists(resource, key.name)
            return self._commit("ADDED", key, obj)

    def read(self, resource: Resource, namespace: str, name: str) -> Obj | None:
        """The object, shared, or None."""
        with self._lock:
            return self._objects.get(Key(resource=resource, namespace=namespace, name=name))

    def get(self, resource: Resource, namespace: str, name: str) -> Obj:
        """A copy of the object.

        Raises:
            ApiError: 404.
        """
        found = self.read(resource, namespace, name)
        if found is None:
            raise not_found(resource, name)
        return dict(clone(found))

    def list(self, resource: Resource, namespace: str | None = None) -> tuple[list[Obj], int]:
        """The objects, shared, ordered by namespace and name, and the version they are of. None: all namespaces."""
        with self._lock:
            found = [
                (key.namespace, key.name, obj)
                for key, obj in self._objects.items()
                if key.resource is resource and namespace in {None, key.namespace}
            ]
            version = self._version
        found.sort(key=lambda item: item[:2])
        return [obj for _, _, obj in found], version

    def replace(self, key: Key, changed: Obj, *, subresource: str = "") -> Obj:
        """Store a changed object, as PUT and PATCH do. What belongs to the server is kept, as is `status` or the rest.

        Raises:
            ApiError: 404, or 409 if the given resourceVersion (or uid) is not the present one.
        """
        with self._lock:
            current = self._objects.get(key)
            if current is None:
                raise not_found(key.resource, key.name)
            self._check_version(key, current, changed)
            merged = _merged(key.resource, current, changed, subresource)
            if merged == current:
                return current
            if merged.get("spec") != current.get("spec"):
                merged["metadata"]["generation"] = current["metadata"].get("generation", 1) + 1
            return self._commit("MODIFIED", key, merged)

    def mutate(self, key: Key, uid: str, change: Callable[[Obj], None]) -> Obj | None:
        """Let a controller change the object in place, atomically; None if it is gone or another one by that name."""
        with self._lock:
            current = self._objects.get(key)
            if current is None or current["metadata"]["uid"] != uid:
                return None
            changed = clone(current)
            change(changed)
            return current if changed == current else self._commit("MODIFIED", key, changed)

    def mark_deleting(self, key: Key, uid: str, grace_seconds: int, finalizer: str = "") -> Obj | None:
        """Set the deletion time of an object whose end takes a while; a second call can only shorten the grace."""

        def mark(obj: Obj) -> None:
            metadata = obj["metadata"]
            if not deleting(obj):
                metadata["deletionTimestamp"] = rfc3339(self._clock.now_ms() + grace_seconds * 1000)
                metadata["deletionGracePeriodSeconds"] = grace_seconds
            elif grace_seconds < metadata["deletionGracePeriodSeconds"]:
                metadata["deletionGracePeriodSeconds"] = grace_seconds
            if finalizer and finalizer not in metadata.setdefault("finalizers", []):
                metadata["finalizers"].append(finalizer)

        return self.mutate(key, uid, mark)

    def remove(self, key: Key, uid: str = "") -> Obj | None:
        """Take the object away; None if it is gone already or, with a uid, another one has the name."""
        with self._lock:
            current = self._objects.get(key)
            if current is None or (uid and current["metadata"]["uid"] != uid):
                return None
            return self._commit("DELETED", key, clone(current))

    def changes_since(self, version: int) -> Sequence[Change]:
        """What was written after that version.

        Raises:
            ApiError: 410, that far back is no longer kept.
        """
        with self._lock:
            oldest = self._changes[0].version if self._changes else self._version + 1
            if version < oldest - 1 and len(self._changes) == _KEPT_EVENTS:
                raise expired(version, oldest)
            newest_first = []
            for change in reversed(self._changes):
                if change.version <= version:
                    break
                newest_first.append(change)
        return newest_first[::-1]

    def wake_on_change(self, event: Event) -> None:
        """Set that event with every write, until `forget`."""
        with self._lock:
            self._waiting.add(event)

    def forget(self, event: Event) -> None:
        """Undo `wake_on_change`."""
        with self._lock:
            self._waiting.discard(event)

    def _check_version(self, key: Key, current: Obj, changed: Obj) -> None:
        metadata = changed.get("metadata") or {}
        if metadata.get("uid", current["metadata"]["uid"]) != current["metadata"]["uid"]:
            raise conflict(key.resource, key.name, "the UID in the precondition does not match the stored object")
        version = metadata.get("resourceVersion")
        if version and version != current["metadata"]["resourceVersion"]:
            raise conflict(key.resource, key.name)

    def _commit(self, kind: str, key: Key, obj: Obj) -> Obj:
        """Store and tell. Needs the lock; subscribers only post to queues, so they are told under it, in order."""
        self._version += 1
        obj["metadata"]["resourceVersion"] = str(self._version)
        previous = self._objects.get(key)
        if kind == "DELETED":
            self._objects.pop(key, None)
        else:
            self._objects[key] = obj
        change = Change(version=self._version, type=kind, key=key, obj=obj, previous=previous)
        self._changes.append(change)
        for event in self._waiting:
            event.set()
        for told in self._subscribers:
            told(change)
        return obj


def _merged(resource: Resource, current: Obj, changed: Obj, subresource: str) -> Obj:
    if subresource == "status":
        merged = clone(current)
        merged["status"] = clone(changed.get("status") or {})
        return dict(merged)
    merged = clone(changed)
    metadata = merged.setdefault("metadata", {})
    for field in (*_SERVER_OWNED, "generation", "resourceVersion"):
        if field in current["metadata"]:
            metadata[field] = current["metadata"][field]
        else:
            metadata.pop(field, None)
    if "status" in resource.subresources:
        merged.pop("status", None)
        if "status" in current:
            merged["status"] = clone(current["status"])
    return dict(merged)
