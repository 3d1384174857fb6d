"""`external_plugins` of plugins.yaml: read, checked, and without what no Lambda can reach."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from prowless.domain.config import warning_names
from prowless.domain.config.decode import Struct, list_of, mapping_of, nearest, text, texts
from prowless.domain.config.document import Table
from prowless.domain.event_names import GITHUB_EVENTS
from prowless.domain.external_plugins import ExternalPlugin
from prowless.domain.wording import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from prowless.domain.config.decode import Kind, Reader
    from prowless.domain.config.document import Document

LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
"""Plain http is for these alone, and only the embedded stack forwards to them."""

_MAX_NAME = 100
_MAX_ENDPOINT = 2000
_STRUCT = Struct("external plugin", {"name": text, "endpoint": text, "events": texts})


def _plugin(reader: Reader, value: Any, at: str, what: str) -> ExternalPlugin | None:
    found = reader.struct(value, _STRUCT, at, what)
    name = found.get("name", "")
    if not name or len(name) > _MAX_NAME:
        reader.problems.error(at, f"{what}: an external plugin needs a name of at most {_MAX_NAME} characters")
        return None
    for event in found.get("events") or ():
        if event not in GITHUB_EVENTS:
            said = f"external plugin {shown(name)}: GitHub has no event {shown(event)}{nearest(event, GITHUB_EVENTS)}"
            reader.problems.warn_once(at, said, warning_names.EXTERNAL_PLUGINS)
    endpoint = found.get("endpoint", "")
    url = endpoint or f"http://{name}"
    said = f"external plugin {shown(name)}: nothing is forwarded to it, as its endpoint {shown(url)}"
    said += "" if endpoint else ", which Prow takes where none is given,"
    if objection := _malformed(url):
        reader.problems.warn_once(at, f"{said} {objection}", warning_names.EXTERNAL_PLUGINS)
        endpoint = ""
    elif objection := _out_of_reach(url):
        reader.problems.note_once(at, f"{said} {objection}")
        endpoint = ""
    return ExternalPlugin(name=name, endpoint=endpoint, events=tuple(found.get("events") or ()))


EXTERNAL_PLUGINS: Kind = mapping_of(list_of(_plugin))


def checked(
    document: Document, found: Mapping[str, list[ExternalPlugin]], reader: Reader
) -> dict[str, tuple[ExternalPlugin, ...]]:
    """The plugins that can be reached, by `org` or `org/repo`; what contradicts itself goes to the reader.

    An organisation's plugin may not be repeated for its repository (`pkg/plugins/config.go:1414`). Twice in one list is
    one plugin with the events of both, as in Prow; with two endpoints it is refused, since a delivery's record and
    retries go by name.
    """
    table = document.data.get("external_plugins") if isinstance(document.data, Table) else None
    plugins: dict[str, tuple[ExternalPlugin, ...]] = {}
    for key, listed in found.items():
        at = document.at(table.line_of(key)) if isinstance(table, Table) else document.path
        org, slash, _ = key.partition("/")
        above = {plugin.name for plugin in found.get(org, ())} if slash else set()
        if twice := [plugin.name for plugin in listed if plugin.name in above]:
            reader.problems.error(at, f"external plugins [{' '.join(twice)}] are duplicated for {key} and {org}")
        reachable = [plugin for plugin in _merged(listed, at, reader) if plugin.endpoint]
        if reachable:
            plugins[key] = tuple(reachable)
    return plugins


def _merged(listed: Iterable[ExternalPlugin], at: str, reader: Reader) -> Iterable[ExternalPlugin]:
    plugins: dict[str, ExternalPlugin] = {}
    for plugin in listed:
        first = plugins.setdefault(plugin.name, plugin)
        if first is plugin:
            continue
        if first.endpoint != plugin.endpoint:
            reader.problems.error(
                at, f"external plugin {shown(plugin.name)} has two endpoints: give one of them another name"
            )
        both = tuple(dict.fromkeys((*first.events, *plugin.events))) if first.events and plugin.events else ()
        plugins[plugin.name] = ExternalPlugin(name=first.name, endpoint=first.endpoint, events=both)
    return plugins.values()


def _malformed(endpoint: str) -> str:
    """Why nobody could forward to a URL; empty if somebody can."""
    try:
        parts = urlsplit(endpoint)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "is not a URL"
    objections = {
        "is not an http URL": parts.scheme not in {"http", "https"} or not host or len(endpoint) > _MAX_ENDPOINT,
        "has characters that a URL cannot have": not endpoint.isascii()
        or not endpoint.isprintable()
        or " " in endpoint,
        "has credentials or a fragment, which are not sent": "@" in parts.netloc or bool(parts.fragment),
    }
    return next((text for text, holds in objections.items() if holds), "")


def _out_of_reach(endpoint: str) -> str:
    """Why Lambda does not forward to a URL where Prow would; empty if it does."""
    parts = urlsplit(endpoint)
    host = parts.hostname or ""
    if _inside_a_cluster(host):
        return "is a name inside a cluster, which Lambda does not reach"
    if parts.scheme == "http" and host not in LOCAL_HOSTS:
        return "is not https, and deliveries are not sent in the clear"
    return ""


def _inside_a_cluster(host: str) -> bool:
    if host in LOCAL_HOSTS or ":" in host:
        return False
    name = host.rstrip(".")
    return "." not in name or name.endswith((".svc", ".cluster.local"))
