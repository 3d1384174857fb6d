"""Paths and addresses: nothing a stranger names may lead a call, or our credentials, somewhere else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from prowless.domain.errors import ConfigError, PermanentError

_DOTS = frozenset({".", ".."})
_DEFAULT_PORTS = {"https": 443, "http": 80}
_LOOPBACK = re.compile(r"localhost|127(?:\.\d{1,3}){3}|::1")
_PATH = re.compile(r"/[!-~]*")
_OWNER = re.compile(r"/(?:repos|orgs)/([^/?]+)(?:/([^/?]+))?")


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose data a call is about, which decides the App installation that makes it. `repository` may be empty."""

    owner: str
    repository: str = ""


def segment(value: str) -> str:
    """One quoted path segment.

    Raises:
        PermanentError: `value` is empty, dots (which clients and servers resolve to another path) or no Unicode.
    """
    try:
        quoted = quote(value, safe="")
    except UnicodeEncodeError as exc:
        raise PermanentError(f"GitHub: {value!r} cannot be part of a path") from exc
    if not value or value in _DOTS:
        raise PermanentError(f"GitHub: {value!r} cannot be part of a path")
    return quoted


def segments(value: str) -> str:
    """A quoted path of several segments: a file's, or a ref's."""
    return "/".join(segment(part) for part in value.split("/"))


def repository_path(repository: str) -> str:
    """`/repos/org/repo`."""
    owner, slash, name = repository.partition("/")
    if not slash or "/" in name:
        raise PermanentError(f"GitHub: {repository!r} is not a repository, which is written org/repo")
    return f"/repos/{segment(owner)}/{segment(name)}"


def checked_path(path: str) -> str:
    """The path itself, if it stays where it points to; for paths that callers wrote whole.

    Raises:
        PermanentError: It is no absolute path of printable ASCII, or has dots, a fragment or a host in it.
    """
    bare = path.partition("?")[0]
    parts = bare.lower().replace("%2e", ".").split("/")[1:]
    if not _PATH.fullmatch(path) or bare.startswith("//") or "#" in path or "\\" in path or _DOTS & set(parts):
        raise PermanentError(f"GitHub: {bare!r} is not a path of the API")
    return path


def scope_of(path: str) -> Scope | None:
    """The owner (and repository) a path speaks about; None for the caller's own data, such as `/app` or `/user`."""
    if match := _OWNER.match(path):
        kind_is_repository = path.startswith("/repos/")
        return Scope(match[1], (match[2] or "") if kind_is_repository else "")
    return None


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port: what credentials are bound to."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> Origin | None:
        """An absolute http(s) URL's origin; None for anything else, and for URLs with a user in them."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            return None
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or parts.username or parts.password:
            return None
        return cls(parts.scheme, parts.hostname, port or _DEFAULT_PORTS[parts.scheme])

    @property
    def address(self) -> str:
        """`host`, with `:port` if it is not the scheme's own."""
        return self.host if self.port == _DEFAULT_PORTS[self.scheme] else f"{self.host}:{self.port}"


def api_root(url: str) -> str:
    """The API root from settings, without a trailing slash.

    Raises:
        ConfigError: It is no URL, or plain http to another machine, which would show the token to the network.
    """
    parts = urlsplit(url)
    origin = Origin.of(url)
    if origin is None or parts.query or parts.fragment:
        raise ConfigError(
            ["GitHub's API URL must be https://api.github.com, or https://HOST/api/v3 of an Enterprise Server"]
        )
    if origin.scheme == "http" and not _LOOPBACK.fullmatch(origin.host):
        raise ConfigError([f"GitHub's API URL must be https; plain http is for this machine only, not {origin.host}"])
    return url.rstrip("/")


def without_query(url: str) -> str:
    """A URL for a message: archive redirects carry a token in their query."""
    return url.partition("?")[0]
