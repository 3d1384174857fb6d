"""The API server without the wire: requests in, objects out."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from prowless_local.cluster import resources
from prowless_local.cluster.admission import admit
from prowless_local.cluster.api_errors import ApiError, bad_request, no_such_path, not_found
from prowless_local.cluster.deletion import delete
from prowless_local.cluster.listing import Selection, continued, list_body, matcher, watch
from prowless_local.cluster.objects import Obj, clone, deleting
from prowless_local.cluster.patching import patched
from prowless_local.cluster.resources import NAMESPACES, SERVED, SERVER_VERSION, discovery
from prowless_local.cluster.store import Key
from prowless_local.cluster.tekton.versions import served, stored
from prowless_local.cluster.validation import validate, validate_change

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from prowless_local.clock import Clock
    from prowless_local.cluster.resources import Resource
    from prowless_local.cluster.store import Store

    PodLogs = Callable[[Obj, Mapping[str, str]], Iterator[bytes]]


_HEALTH = frozenset({"/healthz", "/livez", "/readyz"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request, decoded. `query` has the last value of each parameter."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    content_type: str = ""
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """One answer: a JSON document, or a stream of bytes."""

    status: int = 200
    body: Obj | None = None
    stream: Iterator[bytes] | None = None
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a path names. `namespace` is None for all of them, `name` empty for the collection."""

    resource: Resource
    version: str
    namespace: str | None
    name: str = ""
    subresource: str = ""


class Api:
    """Answers requests from the store. Safe to use from any thread."""

    def __init__(self, store: Store, clock: Clock, pod_logs: PodLogs, namespaces: Iterable[str] | None = None) -> None:
        self._store = store
        self._clock = clock
        self._pod_logs = pod_logs
        self._open = namespaces is None
        self._actions: dict[tuple[str, bool], Callable[[Target, Request], Response]] = {
            ("GET", True): self._get,
            ("GET", False): self._list,
            ("POST", False): self._create,
            ("PUT", True): self._update,
            ("PATCH", True): self._patch,
            ("DELETE", True): self._delete,
            ("DELETE", False): self._delete_all,
        }
        for namespace in ("default",) if namespaces is None else namespaces:
            self._add_namespace(namespace)

    def handle(self, request: Request) -> Response:
        """Answer one authenticated request.

        Raises:
            ApiError: it is refused.
        """
        if request.method == "GET":
            document = dict(SERVER_VERSION) if request.path == "/version" else discovery(request.path)
            if document is not None:
                return Response(body=document)
            if request.path in _HEALTH:
                return Response(stream=iter([b"ok"]), content_type="text/plain")
        target = _target(request.path)
        if request.query.get("dryRun"):
            raise bad_request("dryRun is not supported by the embedded cluster")
        if target.namespace and target.resource is not NAMESPACES:
            self._need_namespace(target.namespace, writing=request.method == "POST")
        if target.subresource == "log":
            return self._log(target, request)
        action = self._actions.get((request.method, bool(target.name)))
        if action is None or (target.resource.namespaced and target.namespace is None and request.method != "GET"):
            message = f"the server does not allow {request.method} on the requested resource"
            raise ApiError(405, "MethodNotAllowed", message)
        return action(target, request)

    def _get(self, target: Target, _: Request) -> Response:
        return Response(body=self._out(target, self._read(target)))

    def _list(self, target: Target, request: Request) -> Response:
        select = matcher(request.query)
        if request.query.get("watch") in {"true", "1"}:
            selection = Selection(resource=target.resource, namespace=target.namespace, select=select)
            events = watch(self._store, self._clock, selection, request.query)
            lines = (
                json.dumps({"type": kind, "object": self._out(target, obj)}).encode() + b"\n" for kind, obj in events
            )
            return Response(stream=lines)
        found, version = self._store.list(target.resource, target.namespace)
        page, metadata = continued([obj for obj in found if select(obj)], version, request.query)
        items = [self._out(target, obj) for obj in page]
        return Response(body=list_body(target.resource, target.version, items, metadata))

    def _create(self, target: Target, request: Request) -> Response:
        obj = _json(request.body)
        namespace = target.namespace or ""
        validate(target.resource, target.version, namespace, obj)
        obj = stored(target.resource, target.version, obj)
        admit(target.resource, obj)
        return Response(status=201, body=self._out(target, self._store.create(target.resource, namespace, obj)))

    def _update(self, target: Target, request: Request) -> Response:
        obj = _json(request.body)
        current = self._read(target)
        validate(target.resource, target.version, target.namespace or "", obj)
        obj = stored(target.resource, target.version, obj)
        return self._store_changed(target, current, obj)

    def _patch(self, target: Target, request: Request) -> Response:
        patch = _json(request.body)
        versioned = isinstance(patch, dict) and (patch.get("metadata") or {}).get("resourceVersion")
        while True:
            current = self._read(target)
            shown = served(target.resource, target.version, current)
            changed = patched(shown, patch, request.content_type, custom=target.resource.is_custom)
            validate(target.resource, target.version, target.namespace or "", changed)
            changed = stored(target.resource, target.version, changed)
            if not versioned:  # the version it was read at: a write in between only means reading again
                changed["metadata"]["resourceVersion"] = current["metadata"]["resourceVersion"]
            try:
                return self._store_changed(target, current, changed)
            except ApiError as exc:
                if versioned or exc.reason != "Conflict":
                    raise

    def _store_changed(self, target: Target, current: Obj, changed: Obj) -> Response:
        if target.subresource != "status":
            validate_change(target.resource, current, changed)
        if target.resource is resources.SECRETS:
            admit(target.resource, changed)
        kept = self._store.replace(_key(target), changed, subresource=target.subresource)
        return Response(body=self._out(target, kept))

    def _delete(self, target: Target, request: Request) -> Response:
        if target.resource is NAMESPACES:
            raise ApiError(405, "MethodNotAllowed", "the embedded cluster does not delete namespaces")
        current = self._read(target)
        marked = delete(self._store, target.resource, current, _delete_options(request))
        if marked is not None or target.resource is resources.PODS:
            return Response(body=self._out(target, marked or current))
        details = {"name": target.name, "kind": target.resource.plural, "uid": current["metadata"]["uid"]}
        if target.resource.group:
            details["group"] = target.resource.group
        return Response(
            body={"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
        )

    def _delete_all(self, target: Target, request: Request) -> Response:
        select = matcher(request.query)
        found, version = self._store.list(target.resource, target.namespace)
        chosen = [obj for obj in found if select(obj)]
        for obj in chosen:
            if not deleting(obj):
                delete(self._store, target.resource, obj, _delete_options(request))
        items = [self._out(target, obj) for obj in chosen]
        body = list_body(target.resource, target.version, items, {"resourceVersion": str(version)})
        return Response(body=body)

    def _log(self, target: Target, request: Request) -> Response:
        if request.method != "GET":
            raise ApiError(405, "MethodNotAllowed", "logs can only be read")
        return Response(stream=self._pod_logs(self._read(target), request.query), content_type="text/plain")

    def _read(self, target: Target) -> Obj:
        if target.resource is NAMESPACES:
            self._need_namespace(target.name, writing=False)
        found = self._store.read(target.resource, target.namespace or "", target.name)
        if found is None:
            raise not_found(target.resource, target.name)
        return found

    def _out(self, target: Target, obj: Obj) -> Obj:
        return served(target.resource, target.version, obj)

    def _need_namespace(self, namespace: str, *, writing: bool) -> None:
        if self._store.read(NAMESPACES, "", namespace) is not None:
            return
        if not self._open:
            if writing:
                raise not_found(NAMESPACES, namespace)
            return
        self._add_namespace(namespace)

    def _add_namespace(self, namespace: str) -> None:
        obj: Obj = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
        validate(NAMESPACES, "v1", "", obj)
        obj["metadata"]["labels"] = {"kubernetes.io/metadata.name": namespace}
        obj["status"] = {"phase": "Active"}
        try:
            self._store.create(NAMESPACES, "", obj)
        except ApiError as exc:
            if exc.reason != "AlreadyExists":  # somebody else was quicker
                raise


def _target(path: str) -> Target:
    match path.strip("/").split("/"):
        case ["api", "v1", *rest]:
            group, version = "", "v1"
        case ["apis", group, version, *rest]:
            pass
        case _:
            raise no_such_path()
    namespace: str | None = None
    if rest[:1] == ["namespaces"] and len(rest) > 2:  # noqa: PLR2004 namespaces/<name>/<more>
        namespace, rest = rest[1], rest[2:]
    plural, name, subresource = (*rest, "", "", "")[:3]
    resource = SERVED.get((group, version, plural))
    if resource is None or len(rest) > 3 or (subresource and subresource not in resource.subresources):  # noqa: PLR2004 plural, name, subresource
        raise no_such_path()
    if name and resource.namespaced and namespace is None:
        raise no_such_path()
    return Target(resource=resource, version=version, namespace=namespace, name=name, subresource=subresource)


def _key(target: Target) -> Key:
    return Key(resource=target.resource, namespace=target.namespace or "", name=target.name)


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError as exc:
        raise bad_request(f"the body of the request is not JSON: {exc}") from exc


def _delete_options(request: Request) -> Obj:
    options = clone(_json(request.body)) if request.body else {}
    if not isinstance(options, dict):
        raise bad_request("the body of a DELETE is not DeleteOptions")
    for parameter in ("propagationPolicy", "gracePeriodSeconds", "orphanDependents"):
        value = request.query.get(parameter)
        if value is not None:
            options[parameter] = int(value) if value.isdigit() else value
    return options
