"""The world file of `prowless explain`: what GitHub would have answered. Its schema is in docs/explain.md."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from prowless.domain.errors import ConfigError
from prowless.domain.events import moment
from prowless.domain.wording import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_STATES = ("error", "failure", "pending", "success")
_PULL_STATES = ("open", "closed")
_AS_WRITTEN = (
    "bot",
    "pull",
    "unfinished",
    "files",
    "heads",
    "approvals",
    "required_contexts",
    "check_runs",
)
_PERMISSIONS = ("admin", "write", "read", "none")


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The file's facts. None, or a missing key, means that the file does not say.

    `changed_files` and `group` are in a tuple of one, so that a known "GitHub does not tell" (None) differs from
    silence. `pull` holds those fields of the pull request that differ from the payload's. `statuses` are objects by
    context, `unfinished` contexts by job, `teams` logins by slug, `check_runs` conclusions by name. `heads` are commits
    with GitHub's time, oldest first.
    """

    bot: str | None = None
    members: Mapping[str, frozenset[str]] = field(default_factory=dict)
    collaborators: frozenset[str] | None = None
    pull: Mapping[str, Any] = field(default_factory=dict)
    changed_files: tuple[tuple[str, ...] | None] | None = None
    statuses: Mapping[str, Mapping[str, str]] | None = None
    permissions: Mapping[str, str] = field(default_factory=dict)
    teams: Mapping[str, frozenset[str]] = field(default_factory=dict)
    required_contexts: Sequence[str] | None = None
    check_runs: Mapping[str, str] | None = None
    unfinished: Mapping[str, str] | None = None
    group: tuple[Sequence[Mapping[str, Any]] | None] | None = None
    files: Mapping[str, str] | None = None
    heads: Sequence[Mapping[str, str]] | None = None
    approvals: Sequence[str] | None = None

    @classmethod
    def parse(cls, path: str, data: Any) -> World:
        """The world in a decoded file.

        Raises:
            ConfigError: keys that are not known and values of another type, all of them, each with its place.
        """
        check = _Check(path)
        check.fields("", data, _WORLD)
        if check.problems:
            raise ConfigError(check.problems)
        known: dict[str, Any] = {key: data[key] for key in _AS_WRITTEN if key in data}
        if "members" in data:
            known["members"] = {org.lower(): _logins(users) for org, users in data["members"].items()}
        if "teams" in data:
            known["teams"] = {slug: _logins(users) for slug, users in data["teams"].items()}
        if "collaborators" in data:
            known["collaborators"] = _logins(data["collaborators"])
        if "permissions" in data:
            known["permissions"] = {user.lower(): level for user, level in data["permissions"].items()}
        if "statuses" in data:
            statuses = data["statuses"].items()
            known["statuses"] = {name: {"state": one} if isinstance(one, str) else one for name, one in statuses}
        if "group" in data:
            known["group"] = (data["group"],)
        if "changed_files" in data:
            files = data["changed_files"]
            known["changed_files"] = (None if files is None else tuple(files),)
        return cls(**known)


def _logins(users: Sequence[str]) -> frozenset[str]:
    return frozenset(user.lower() for user in users)


class _Check:
    """Compares a decoded file with a schema and collects what differs."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.problems: list[str] = []

    def wrong(self, place: str, wanted: str) -> None:
        self.problems.append(f"{self.path}: {place or 'the whole'} is not {wanted}")

    def struct(self, place: str, value: Any, schema: Mapping[str, _Rule], required: Sequence[str]) -> None:
        self.fields(place, value, schema)
        missing = [key for key in required if isinstance(value, dict) and key not in value]
        self.problems += [f"{self.path}: {place}.{key} is missing" for key in missing]

    def fields(self, place: str, value: Any, schema: Mapping[str, _Rule]) -> None:
        if not isinstance(value, dict):
            self.wrong(place, "an object")
            return
        for key, inner in value.items():
            at = f"{place}.{key}" if place else key
            if key in schema:
                schema[key](self, at, inner)
                continue
            near = difflib.get_close_matches(key, schema, 1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(schema)}"
            self.problems.append(f"{self.path}: {shown(at)} is not known: {hint}")


if TYPE_CHECKING:
    _Rule = Callable[[_Check, str, Any], None]


def _text(check: _Check, place: str, value: Any) -> None:
    if not isinstance(value, str) or not value:
        check.wrong(place, "a text")


def _content(check: _Check, place: str, value: Any) -> None:
    if not isinstance(value, str):
        check.wrong(place, "a text")


def _flag(check: _Check, place: str, value: Any) -> None:
    if not isinstance(value, bool):
        check.wrong(place, "true or false")


def _commit(check: _Check, place: str, value: Any) -> None:
    if not isinstance(value, str) or len(value) not in {40, 64} or value.strip("0123456789abcdef"):
        check.wrong(place, "a commit's full SHA")


def _commits(check: _Check, place: str, value: Any) -> None:
    if not isinstance(value, list):
        check.wrong(place, "a list")
        return
    for index, commit in enumerate(value):
        _commit(check, f"{place}[{index}]", commit)


def _time(check: _Check, place: str, value: Any) -> None:
    if not isinstance(value, str) or not moment(value):
        check.wrong(place, "a time such as 2026-11-18T12:00:00Z")


def _heads(check: _Check, place: str, value: Any) -> None:
    if not isinstance(value, list):
        check.wrong(place, "a list")
        return
    for index, head in enumerate(value):
        check.struct(f"{place}[{index}]", head, _HEAD, ("sha", "at"))


def _texts(check: _Check, place: str, value: Any) -> None:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        check.wrong(place, "a list of texts")


def _or_null(rule: _Rule) -> _Rule:
    def either(check: _Check, place: str, value: Any) -> None:
        if value is not None:
            rule(check, place, value)

    return either


def _one_of(*words: str) -> _Rule:
    def word(check: _Check, place: str, value: Any) -> None:
        if value not in words:
            check.wrong(place, f"one of {', '.join(words)}")

    return word


def _object_of(rule: _Rule) -> _Rule:
    def entries(check: _Check, place: str, value: Any) -> None:
        if not isinstance(value, dict):
            check.wrong(place, "an object")
            return
        for key, inner in value.items():
            rule(check, f"{place}[{shown(key)}]", inner)

    return entries


def _number(check: _Check, place: str, value: Any) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        check.wrong(place, "a number from 1")


def _status(check: _Check, place: str, value: Any) -> None:
    if isinstance(value, dict):
        check.struct(place, value, _STATUS, ("state",))
    else:
        _STATUS["state"](check, place, value)


def _group(check: _Check, place: str, value: Any) -> None:
    if not isinstance(value, list):
        check.wrong(place, "a list")
        return
    for index, pull in enumerate(value):
        check.struct(f"{place}[{index}]", pull, _GROUPED, ("number", "author", "head_sha"))


_STATUS: dict[str, _Rule] = {"state": _one_of(*_STATES), "description": _content, "target_url": _content}
_HEAD: dict[str, _Rule] = {"sha": _commit, "at": _time}
_GROUPED: dict[str, _Rule] = {
    "number": _number,
    "author": _text,
    "head_sha": _commit,
    "head_ref": _content,
    "title": _content,
}
_PULL: dict[str, _Rule] = {
    "state": _one_of(*_PULL_STATES),
    "draft": _flag,
    "title": _content,
    "author": _text,
    "labels": _texts,
    "base_ref": _text,
    "head_ref": _text,
    "head_sha": _commit,
    "base_head": _commit,
    "mergeable": _or_null(_flag),
    "test_merge_base": _or_null(_commit),
}
_WORLD: dict[str, _Rule] = {
    "bot": _text,
    "members": _object_of(_texts),
    "collaborators": _texts,
    "pull": lambda check, place, value: check.fields(place, value, _PULL),
    "changed_files": _or_null(_texts),
    "statuses": _object_of(_status),
    "permissions": _object_of(_one_of(*_PERMISSIONS)),
    "teams": _object_of(_texts),
    "required_contexts": _texts,
    "check_runs": _object_of(_content),
    "unfinished": _object_of(_text),
    "group": _or_null(_group),
    "files": _object_of(_content),
    "heads": _heads,
    "approvals": _commits,
}
