"""Who approves a whole repository, by its OWNERS and OWNERS_ALIASES files (`pkg/repoowners/repoowners.go`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from prowless.domain.errors import ConfigError
from prowless.domain.regex import compile_regex

if TYPE_CHECKING:
    from collections.abc import Iterable

OWNERS = "OWNERS"
OWNERS_ALIASES = "OWNERS_ALIASES"
_PEOPLE = ("approvers", "reviewers", "required_reviewers", "labels")
_EVERYTHING = ".*"
_ROOT = "."


def top_level_approvers(owners: Any, aliases: Any) -> frozenset[str]:
    """The approvers that the OWNERS file of the root names, as lower-case logins (`repoowners.go:917`).

    Where the file names nobody itself, its `filters` count that match `.`, the root. What is not a list of logins names
    nobody.

    Args:
        owners: the decoded OWNERS file.
        aliases: the decoded OWNERS_ALIASES file; None without one.
    """
    if not isinstance(owners, Mapping):
        return frozenset()
    groups = _groups(aliases)
    if any(owners.get(name) for name in _PEOPLE):
        return _expanded(owners.get("approvers"), groups)
    filters = owners.get("filters")
    found: frozenset[str] = frozenset()
    for pattern, entry in filters.items() if isinstance(filters, Mapping) else ():
        if isinstance(entry, Mapping) and _concerns_root(str(pattern)):
            found |= _expanded(entry.get("approvers"), groups)
    return found


def _concerns_root(pattern: str) -> bool:
    try:
        return pattern == _EVERYTHING or compile_regex(pattern).search(_ROOT)
    except ConfigError:
        return False


def _groups(aliases: Any) -> dict[str, frozenset[str]]:
    """Alias to its members; a mapping's keys are members too (`{alias: {ada, grace}}`)."""
    listed = aliases.get("aliases") if isinstance(aliases, Mapping) else None
    found = listed.items() if isinstance(listed, Mapping) else ()
    return {_login(str(alias)): frozenset(_logins(members)) for alias, members in found}


def _expanded(people: Any, groups: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """Logins, with aliases replaced by their members; an alias in an alias is a login."""
    return frozenset(member for login in _logins(people) for member in groups.get(login, (login,)))


def _logins(people: Any) -> Iterable[str]:
    named = people if isinstance(people, list | Mapping) else ()
    return [_login(name) for name in named if isinstance(name, str)]


def _login(name: str) -> str:
    return name.lower().removeprefix("@")
