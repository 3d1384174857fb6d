"""How objects go away: with grace, with what they own, or without it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prowless_local.cluster import resources
from prowless_local.cluster.admission import DEFAULT_GRACE_SECONDS
from prowless_local.cluster.api_errors import bad_request, conflict, not_found
from prowless_local.cluster.objects import Obj, deleting, name_of, namespace_of, owned_by, uid_of
from prowless_local.cluster.store import Change, Key

if TYPE_CHECKING:
    from prowless_local.cluster.loop import Loop
    from prowless_local.cluster.resources import Resource
    from prowless_local.cluster.store import Store

_FOREGROUND = "foregroundDeletion"
_POLICIES = ("Background", "Foreground", "Orphan")


def delete(store: Store, resource: Resource, obj: Obj, options: Obj | None = None) -> Obj | None:
    """Delete one object as `DeleteOptions` ask for it.

    A pod that runs gets its grace period: it stays, marked, until its containers ended. With propagation `Foreground`
    the object stays, marked, until what it owns is gone. Anything else is gone at once.

    Returns:
        The marked object if it stays for a while, else None.

    Raises:
        ApiError: 400 bad options, 404, 409 a precondition does not hold.
    """
    options = options or {}
    key = Key(resource=resource, namespace=namespace_of(obj), name=name_of(obj))
    _check_preconditions(key, obj, options.get("preconditions") or {})
    policy = options.get("propagationPolicy") or ("Orphan" if options.get("orphanDependents") else "Background")
    if policy not in _POLICIES:
        raise bad_request(f"invalid propagationPolicy {policy!r}: one of {', '.join(_POLICIES)}")
    if resource is resources.PODS and (obj.get("status") or {}).get("phase") not in {"Succeeded", "Failed"}:
        return store.mark_deleting(key, uid_of(obj), _grace(obj, options))
    if policy == "Orphan":
        _orphan(store, obj)
    if policy == "Foreground" or obj["metadata"].get("finalizers"):
        return store.mark_deleting(key, uid_of(obj), 0, _FOREGROUND if policy == "Foreground" else "")
    if store.remove(key, uid_of(obj)) is None:
        raise not_found(resource, key.name)
    return None


class GarbageCollector:
    """Deletes what a deleted object owned, and lets an object go that only waited for that."""

    def __init__(self, store: Store, loop: Loop) -> None:
        self._store = store
        self._loop = loop
        store.subscribe(self._told)

    def _told(self, change: Change) -> None:
        if change.type == "DELETED":
            self._loop.post(lambda: self._after_deletion(change.obj))
        elif change.type == "MODIFIED" and deleting(change.obj) and change.key.resource is not resources.PODS:
            self._loop.post(lambda: self._settle(change.key, change.obj))

    def _after_deletion(self, gone: Obj) -> None:
        self._delete_dependents(uid_of(gone))
        for reference in gone["metadata"].get("ownerReferences") or ():
            for resource in resources.ALL:
                if resource.kind == reference.get("kind"):
                    key = Key(resource=resource, namespace=namespace_of(gone), name=str(reference.get("name")))
                    owner = self._store.read(resource, key.namespace, key.name)
                    if owner is not None and deleting(owner):
                        self._settle(key, owner)

    def _settle(self, key: Key, obj: Obj) -> None:
        """Bring a marked object further: delete what it owns, take it away when nothing holds it any more."""
        finalizers = obj["metadata"].get("finalizers") or []
        if _FOREGROUND in finalizers:
            self._delete_dependents(uid_of(obj))
            if self._dependents(uid_of(obj)):
                return
            finalizers = [finalizer for finalizer in finalizers if finalizer != _FOREGROUND]
        if not finalizers:
            self._store.remove(key, uid_of(obj))

    def _delete_dependents(self, owner_uid: str) -> None:
        for resource, dependent in self._dependents(owner_uid):
            if not deleting(dependent):
                delete(self._store, resource, dependent)

    def _dependents(self, owner_uid: str) -> list[tuple[Resource, Obj]]:
        return [(r, obj) for r in resources.ALL for obj in self._store.list(r)[0] if owned_by(obj, owner_uid)]


def _orphan(store: Store, owner: Obj) -> None:
    def drop(obj: Obj) -> None:
        references = obj["metadata"]["ownerReferences"]
        obj["metadata"]["ownerReferences"] = [ref for ref in references if ref.get("uid") != uid_of(owner)]

    for resource in resources.ALL:
        for dependent in store.list(resource)[0]:
            if owned_by(dependent, uid_of(owner)):
                key = Key(resource=resource, namespace=namespace_of(dependent), name=name_of(dependent))
                store.mutate(key, uid_of(dependent), drop)


def _grace(obj: Obj, options: Obj) -> int:
    asked = options.get("gracePeriodSeconds")
    if asked is None:
        asked = obj["spec"].get("terminationGracePeriodSeconds", DEFAULT_GRACE_SECONDS)
    if not isinstance(asked, int) or asked < 0:
        raise bad_request(f"invalid gracePeriodSeconds {asked!r}")
    return asked


def _check_preconditions(key: Key, obj: Obj, preconditions: Obj) -> None:
    for field in ("uid", "resourceVersion"):
        wanted = preconditions.get(field)
        if wanted is not None and wanted != obj["metadata"][field]:
            present = obj["metadata"][field]
            why = f"Precondition failed: {field} in precondition: {wanted}, {field} in object meta: {present}"
            raise conflict(key.resource, key.name, why)
