"""Lists in pages, and watches."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prowless_local.cluster.api_errors import ApiError, bad_request
from prowless_local.cluster.objects import Obj, name_of, namespace_of
from prowless_local.cluster.selection import field_matcher, label_matcher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from prowless_local.clock import Clock
    from prowless_local.cluster.resources import Resource
    from prowless_local.cluster.store import Change, Store

_DEFAULT_WATCH_SECONDS = 1800.0  # kube-apiserver's min-request-timeout


def matcher(query: Mapping[str, str]) -> Callable[[Obj], bool]:
    """What `labelSelector` and `fieldSelector` choose.

    Raises:
        ApiError: 400, one of them does not parse.
    """
    by_labels = label_matcher(query.get("labelSelector", ""))
    by_fields = field_matcher(query.get("fieldSelector", ""))
    return lambda obj: by_labels(obj) and by_fields(obj)


def list_body(resource: Resource, version: str, items: list[Obj], metadata: Obj) -> Obj:
    """The `…List` object."""
    return {
        "apiVersion": resource.api_version_of(version),
        "kind": f"{resource.kind}List",
        "metadata": metadata,
        "items": items,
    }


def continued(found: list[Obj], version: int, query: Mapping[str, str]) -> tuple[list[Obj], Obj]:
    """The page that `limit` and `continue` ask for, and the list's metadata.

    Pages are cut by name, so objects that come and go between two pages neither repeat nor shift the others.

    Raises:
        ApiError: 400, not numbers, or a token that is not ours.
    """
    limit = number(query, "limit") or 0
    token = query.get("continue")
    if token:
        after = _decoded(token)
        found = [obj for obj in found if (namespace_of(obj), name_of(obj)) > after]
    metadata: Obj = {"resourceVersion": str(version)}
    if limit and len(found) > limit:
        last = found[limit - 1]
        metadata["continue"] = base64.urlsafe_b64encode(
            json.dumps([namespace_of(last), name_of(last)]).encode()
        ).decode()
        metadata["remainingItemCount"] = len(found) - limit
        found = found[:limit]
    return found, metadata


def number(query: Mapping[str, str], parameter: str) -> int | None:
    """A whole, not negative number from the query.

    Raises:
        ApiError: 400, something else.
    """
    value = query.get(parameter)
    if value is None or value == "":
        return None
    if not value.isdigit():
        raise bad_request(f"invalid value for {parameter}: {value!r}")
    return int(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What a watch is about. `namespace` is None for all of them."""

    resource: Resource
    namespace: str | None
    select: Callable[[Obj], bool]

    def sees(self, change: Change) -> str | None:
        """The change as this watch sees it, if at all: an object may start or stop to match."""
        if change.key.resource is not self.resource or self.namespace not in {None, change.key.namespace}:
            return None
        was = change.previous is not None and self.select(change.previous)
        is_now = change.type != "DELETED" and self.select(change.obj)
        if was and is_now:
            return "MODIFIED"
        if is_now:
            return "ADDED"
        return "DELETED" if was else None


def watch(store: Store, clock: Clock, selection: Selection, query: Mapping[str, str]) -> Iterator[tuple[str, Obj]]:
    """Events after `resourceVersion`, until `timeoutSeconds` of the clock passed.

    Without a version, or from 0, what exists comes first as ADDED. An object that starts or stops matching the
    selectors is ADDED or DELETED for this watch.

    Raises:
        ApiError: 400 for bad parameters, 410 if the version is too old, both before the first event.
    """
    seconds = number(query, "timeoutSeconds") or _DEFAULT_WATCH_SECONDS
    version = number(query, "resourceVersion") or 0
    initial: list[Obj] = []
    if not version:
        found, version = store.list(selection.resource, selection.namespace)
        initial = [obj for obj in found if selection.select(obj)]
    store.changes_since(version)
    return _events(store, clock, initial, version, seconds, selection)


def _events(  # noqa: PLR0917 one call, above
    store: Store, clock: Clock, initial: list[Obj], version: int, seconds: float, selection: Selection
) -> Iterator[tuple[str, Obj]]:
    for obj in initial:
        yield "ADDED", obj
    changed = clock.event()
    deadline = clock.now_ms() + int(seconds * 1000)
    store.wake_on_change(changed)
    try:
        while (left := deadline - clock.now_ms()) > 0 and not store.closed:
            changed.clear()
            try:
                changes = store.changes_since(version)
            except ApiError as exc:
                yield "ERROR", exc.body()
                return
            for change in changes:
                version = change.version
                if kind := selection.sees(change):
                    yield kind, change.obj
            if not changes:
                changed.wait(left / 1000)
    finally:
        store.forget(changed)


def _decoded(token: str) -> tuple[str, str]:
    try:
        namespace, name = json.loads(base64.urlsafe_b64decode(token))
    except (binascii.Error, ValueError, TypeError) as exc:
        raise bad_request("the provided continue parameter is not valid") from exc
    return str(namespace), str(name)
