"""What GitHub would have answered, from a webhook body and a file: facts for `prowless explain`, without a network.

The file's schema is in docs/explain.md. What neither of them tells is assumed, and each assumption is noted.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from prowless.domain.errors import ConfigError
from prowless.domain.events import CommentEvent, PullRequestEvent, PushEvent
from prowless.domain.specs import PullFacts
from prowless.domain.trust import trusted_user
from prowless.domain.wording import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from prowless.domain.events import Event
    from prowless.domain.trust import TrustOptions

NO_COMMIT_KNOWN = "0" * 40
"""Stands for a commit that nobody told us; the output says so."""

_STATES = ("error", "failure", "pending", "success")
_PULL_STATES = ("open", "closed")
_MEMBER = frozenset({"MEMBER", "OWNER"})
_COLLABORATOR = frozenset({"MEMBER", "OWNER", "COLLABORATOR"})


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The file's facts. None, or a missing key, means that the file does not say.

    `changed_files` is a list in a tuple of one, so that a known "GitHub does not tell" (None) differs from silence.
    `pull` holds those fields of the pull request that differ from the payload's.
    """

    bot: str | None = None
    members: Mapping[str, frozenset[str]] = field(default_factory=dict)
    collaborators: frozenset[str] | None = None
    pull: Mapping[str, Any] = field(default_factory=dict)
    changed_files: tuple[tuple[str, ...] | None] | None = None
    statuses: Mapping[str, str] | None = None
    files: Mapping[str, str] = field(default_factory=dict)

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
        known: dict[str, Any] = {key: data[key] for key in ("bot", "statuses", "pull", "files") if key in data}
        if "members" in data:
            known["members"] = {org.lower(): _logins(users) for org, users in data["members"].items()}
        if "collaborators" in data:
            known["collaborators"] = _logins(data["collaborators"])
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


_PULL: dict[str, _Rule] = {
    "state": _one_of(*_PULL_STATES),
    "draft": _flag,
    "title": _content,
    "author": _text,
    "labels": _texts,
    "base_ref": _text,
    "head_ref": _text,
    "head_sha": _commit,
    "mergeable": _or_null(_flag),
    "test_merge_base": _or_null(_commit),
}
_WORLD: dict[str, _Rule] = {
    "bot": _text,
    "members": _object_of(_texts),
    "collaborators": _texts,
    "pull": lambda check, place, value: check.fields(place, value, _PULL),
    "changed_files": _or_null(_texts),
    "statuses": _object_of(_one_of(*_STATES)),
    "files": _object_of(_content),
}


class WorldFacts:
    """The `View` of one event over a payload and a World. `notes` say what was assumed because nobody tells it."""

    def __init__(self, *, event: Event, body: Mapping[str, Any], world: World, trust: TrustOptions) -> None:
        """`body` is the decoded payload that `event` was parsed from."""
        self._event = event
        self._body = body
        self._world = world
        self._trust = trust
        self._associations = _associations(body)
        self._notes: dict[str, None] = {}
        self._pull: PullFacts | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """What was assumed, in the order in which the rules asked."""
        return tuple(self._notes)

    def _note(self, text: str) -> None:
        self._notes[text] = None

    def pull(self) -> PullFacts:
        """The pull request as the payload shows it, with the file's changes."""
        if self._pull is None:
            told = {key: value for key, value in self._world.pull.items() if key != "test_merge_base"}
            if "labels" in told:
                told["labels"] = frozenset(told["labels"])
            self._pull = replace(self._payload_pull(told), **told)
        return self._pull

    def _payload_pull(self, told: Mapping[str, Any]) -> PullFacts:
        """The payload's part. A comment's has an issue only, which knows neither head nor base."""
        event = self._event
        if not isinstance(event, PullRequestEvent | CommentEvent):
            raise TypeError(f"a {type(event).__name__} has no pull request")
        raw = _table(self._body.get("pull_request")) or _table(self._body.get("issue"))
        head, base = _table(raw.get("head")), _table(raw.get("base"))
        base_ref = _string(base.get("ref"))
        if not base_ref and "base_ref" not in told:
            base_ref = _string(_table(self._body.get("repository")).get("default_branch")) or "main"
            self._note(f"the base branch is not known, taken to be {shown(base_ref)}: give pull.base_ref in --world")
        mergeable = raw.get("mergeable")
        labels = raw.get("labels")
        return PullFacts(
            repository=event.repository,
            number=event.number,
            title=_string(raw.get("title")),
            author=_string(_table(raw.get("user")).get("login")),
            state=event.state,
            draft=raw.get("draft") is True,
            mergeable=mergeable if isinstance(mergeable, bool) else None,
            head_sha=_string(head.get("sha")) or NO_COMMIT_KNOWN,
            head_ref=_string(head.get("ref")),
            base_ref=base_ref,
            html_url=_string(raw.get("html_url")),
            labels=frozenset(
                _string(_table(label).get("name")) for label in (labels if isinstance(labels, list) else ())
            ),
        )

    def tested_base(self) -> str | None:
        """The file's base of the test merge; otherwise a clean merge on the payload's base is assumed."""
        if "test_merge_base" in self._world.pull:
            base: str | None = self._world.pull["test_merge_base"]
            return base
        pull = self.pull()
        if pull.mergeable is None:
            self._note(
                "whether the pull request can be merged is not known, taken as yes: give pull.mergeable in --world"
            )
        known = _string(_table(_table(self._body.get("pull_request")).get("base")).get("sha"))
        return known or NO_COMMIT_KNOWN

    def trusted(self, user: str) -> bool:
        """Whether the user is trusted, by the same rule as with GitHub's answers."""
        answers = _Answers(self._world, self._event.repository, self._associations, self._bot())
        trusted = trusted_user(self._trust, answers, self._event.repository, user)
        if not trusted:
            for text in answers.unknown:
                self._note(text)
        return trusted

    def changed_files(self) -> Sequence[str] | None:
        """The file's list, else what a push's payload lists; None, with which every job runs, if neither tells."""
        if self._world.changed_files is not None:
            return self._world.changed_files[0]
        if isinstance(self._event, PushEvent):
            self._note("changed files are those of the payload's commits; dispatch asks GitHub to compare")
            return self._event.files
        self._note("changed files are not known, so jobs that depend on them run: give changed_files in --world")
        return None

    def contexts(self) -> Mapping[str, str]:
        """The file's statuses; none if it does not tell."""
        if self._world.statuses is None:
            self._note("statuses are not known, taken as none: give statuses in --world")
            return {}
        return self._world.statuses

    def bot(self) -> str:
        """The file's login of ours; otherwise nobody in the payload is taken to be us."""
        if self._world.bot is None:
            self._note("our own login is not known, nobody is taken to be us: give bot in --world")
        return self._bot()

    def _bot(self) -> str:
        # A slash is in no login, so an unknown bot is nobody.
        return self._world.bot or "unknown/bot"


class _Answers:
    """`Membership` over the file, and over the associations that the payload shows."""

    def __init__(self, world: World, repository: str, associations: Mapping[str, str], bot: str) -> None:
        self._world = world
        self._org = repository.partition("/")[0].lower()
        self._associations = associations
        self._bot = bot
        self.unknown: list[str] = []

    def login(self) -> str:
        return self._bot

    def is_member(self, org: str, user: str) -> bool:
        known = self._world.members.get(org.lower())
        if known is not None:
            return user.lower() in known
        if org.lower() == self._org and self._associations.get(user.lower()) in _MEMBER:
            return True
        self.unknown.append(
            f"members of {shown(org)} are not known, {shown(user)} is taken not to be one: give members in --world"
        )
        return False

    def is_collaborator(self, repository: str, user: str) -> bool:
        if self._world.collaborators is not None:
            return user.lower() in self._world.collaborators
        if self._associations.get(user.lower()) in _COLLABORATOR:
            return True
        self.unknown.append(
            f"collaborators of {repository} are not known, {shown(user)} is taken not to be one: "
            "give collaborators in --world"
        )
        return False


def _associations(body: Mapping[str, Any]) -> dict[str, str]:
    """Login to `author_association` of everything in the payload that has both."""
    found = {}
    for name in ("pull_request", "issue", "comment", "review"):
        thing = _table(body.get(name))
        login = _string(_table(thing.get("user")).get("login"))
        if login:
            found[login.lower()] = _string(thing.get("author_association"))
    return found


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _string(value: Any) -> str:
    return value if isinstance(value, str) else ""
