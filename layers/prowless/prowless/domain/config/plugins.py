"""Prow's plugins.yaml: which plugins are enabled where, and the options of those that exist here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from prowless.domain.config import warning_names
from prowless.domain.config.decode import (
    Reader,
    Struct,
    boolean,
    list_of,
    mapping,
    mapping_of,
    nearest,
    opaque,
    structure,
    text,
    texts,
)
from prowless.domain.config.document import Table
from prowless.domain.config.enabled import PROVIDED, RepositoryPlugins
from prowless.domain.config.external_plugins import EXTERNAL_PLUGINS, checked
from prowless.domain.external_plugins import ExternalPlugin, plugins_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from prowless.domain.config.decode import Kind
    from prowless.domain.config.document import Document

_OTHERS = """
approve assign blockade blunderbuss branchcleaner bugzilla buildifier cat cherry-pick-approved cherry-pick-unapproved
cla config-updater dco dog golint goose heart help hold invalidcommitmsg issue-management jira label lgtm lifecycle
merge-method-comment mergecommitblocker milestone milestoneapplier milestonestatus override owners-label pony project
project-manager release-note require-matching-label retitle reward-owners rifle shrug sigmention size skip slackevents
stage testfreeze trick-or-treat trigger verify-owners welcome wip yuks
"""
KNOWN = frozenset(_OTHERS.split())
"""The names of all of Prow's plugins."""

TRIGGER = Struct(
    "triggers",
    {
        "repos": texts,
        "trusted_apps": texts,
        "trusted_org": text,
        "join_org_url": text,
        "only_org_members": boolean,
        "ignore_ok_to_test": boolean,
        "trigger_github_workflows": boolean,
        "org_invite": mapping,
    },
    unused=frozenset({"trigger_github_workflows", "org_invite"}),
)
TRIGGERS: Kind = list_of(structure(TRIGGER))

_ENABLED = Struct("plugins", {"plugins": texts, "excluded_repos": texts})
_OVERRIDE = Struct("override", {"allow_top_level_owners": boolean, "allowed_github_teams": mapping_of(texts)})
_ELSEWHERE = (
    "approve",
    "blockades",
    "blunderbuss",
    "branch_cleaner",
    "bugzilla",
    "cat",
    "cherry_pick_approved",
    "cherry_pick_unapproved",
    "config_updater",
    "dco",
    "golint",
    "goose",
    "heart",
    "help",
    "invalid_commit_msg",
    "jira",
    "label",
    "lgtm",
    "milestone_applier",
    "owners",
    "project_config",
    "project_manager",
    "release_note",
    "repo_milestone",
    "require_matching_label",
    "retitle",
    "rifle",
    "sigmention",
    "size",
    "slack",
    "welcome",
)
"""Sections of plugins that are not provided."""


def _enabled(reader: Reader, value: Any, at: str, what: str) -> dict[str, Any]:
    """`{plugins: [...], excluded_repos: [...]}`, or the older plain list (`pkg/plugins/config.go:1198`)."""
    if isinstance(value, list):
        return {"plugins": texts(reader, value, at, what)}
    return reader.struct(value, _ENABLED, at, what)


PLUGINS_FILE = Struct(
    "plugins configuration",
    {
        "plugins": mapping_of(_enabled),
        "triggers": TRIGGERS,
        "override": structure(_OVERRIDE),
        "external_plugins": EXTERNAL_PLUGINS,
        **dict.fromkeys(_ELSEWHERE, opaque),
    },
    unused=frozenset(_ELSEWHERE),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugins:
    """Which of the provided plugins are enabled, by `org` or `org/repo`; None without such a list: then all are.

    `excluded` maps an organisation to its repositories (without `org/`) that do not take over what it enables.
    `override_teams` maps `org` or `org/repo` to the slugs of teams that may use /override; `external` maps them to the
    external plugins that can be reached.
    """

    enabled: Mapping[str, tuple[str, ...]] | None = None
    excluded: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    override_top_level_owners: bool = False
    override_teams: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    external: Mapping[str, tuple[ExternalPlugin, ...]] = field(default_factory=dict)

    def has(self, repository: str, name: str) -> bool:
        """Whether a plugin is enabled for a repository: by its organisation or itself (`plugins/plugins.go:531`)."""
        if self.enabled is None:
            return True
        org, _, repo = repository.partition("/")
        inherited = () if repo in self.excluded.get(org, ()) else self.enabled.get(org, ())
        return name in inherited or name in self.enabled.get(repository, ())

    def of(self, repository: str) -> RepositoryPlugins:
        """What one repository's shard says; the teams of repository and organisation (`override.go:291`)."""
        keys = (repository, repository.partition("/")[0])
        return RepositoryPlugins(
            disabled=tuple(name for name in PROVIDED if not self.has(repository, name)),
            override_top_level_owners=self.override_top_level_owners,
            override_teams={key: self.override_teams[key] for key in keys if key in self.override_teams},
        )

    def external_for(self, name: str) -> tuple[ExternalPlugin, ...]:
        """The external plugins of a repository (`org/repo`) or of an organisation (`org`)."""
        return plugins_of(self.external, name)

    def to_dict(self) -> dict[str, Any]:
        """As the snapshot keeps it."""
        data: dict[str, Any] = {} if self.enabled is None else {"enabled": _lists(self.enabled)}
        if self.excluded:
            data["excluded"] = _lists(self.excluded)
        if self.override_top_level_owners:
            data["override_top_level_owners"] = True
        if self.override_teams:
            data["override_teams"] = _lists(self.override_teams)
        if self.external:
            data["external"] = {key: [one.to_dict() for one in plugins] for key, plugins in self.external.items()}
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Plugins:
        """From the snapshot; unknown keys are ignored."""
        enabled = data.get("enabled")
        return cls(
            enabled=None if enabled is None else _tuples(enabled),
            excluded=_tuples(data.get("excluded", {})),
            override_top_level_owners=data.get("override_top_level_owners", False),
            override_teams=_tuples(data.get("override_teams", {})),
            external={
                key: tuple(map(ExternalPlugin.from_dict, plugins)) for key, plugins in data.get("external", {}).items()
            },
        )


def read_plugins(document: Document, section: Mapping[str, Any], reader: Reader) -> Plugins:
    """The plugins of a plugins.yaml whose fields are `section`; what is wrong or not provided goes to the reader."""
    override = section.get("override") or {}
    found: dict[str, dict[str, Any]] | None = section.get("plugins")
    if found is not None:
        _check(document, found, reader)
    return Plugins(
        enabled=None if found is None else dict(_provided(found)),
        excluded={key: tuple(e["excluded_repos"]) for key, e in (found or {}).items() if e.get("excluded_repos")},
        override_top_level_owners=override.get("allow_top_level_owners", False),
        override_teams=_tuples(override.get("allowed_github_teams") or {}),
        external=checked(document, section.get("external_plugins") or {}, reader),
    )


def without_trigger(plugins: Plugins, repositories: Iterable[str]) -> str:
    """What `checkconfig` says as `missing-trigger`: repositories whose jobs nothing starts; empty without any."""
    missing = sorted({name for name in repositories if not plugins.has(name, "trigger")})
    if not missing:
        return ""
    return f"the following repos have jobs configured but do not have the trigger plugin enabled: {', '.join(missing)}"


def _check(document: Document, found: Mapping[str, Mapping[str, Any]], reader: Reader) -> None:
    """Duplicates are errors as in Prow (`pkg/plugins/config.go:1362`); plugins that do not exist here are warnings."""
    table = document.data.get("plugins") if isinstance(document.data, Table) else None
    places: dict[str, tuple[str, int]] = {}
    for key, entry in found.items():
        at = document.at(table.line_of(key)) if isinstance(table, Table) else document.path
        org, slash, repo = key.partition("/")
        above = found.get(org, {}) if slash else {}
        if repo not in (above.get("excluded_repos") or ()):
            twice = [name for name in entry.get("plugins") or () if name in (above.get("plugins") or ())]
            if twice:
                reader.problems.error(at, f"plugins [{' '.join(twice)}] are duplicated for {repo} and {org}")
        for name in entry.get("plugins") or ():
            first, count = places.get(name, (at, 0))
            places[name] = (first, count + 1)
    for name, (at, count) in places.items():
        where = f" (enabled in {count} places, this is the first)" if count > 1 else ""
        if name not in KNOWN:
            text = f"unknown plugin: {name}{nearest(name, KNOWN)}{where}"
            reader.problems.warn(at, text, warning_names.UNKNOWN_PLUGIN)
        elif name not in PROVIDED:
            reader.problems.note(at, f"plugin {name} is not provided{where}")


def _provided(found: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for key, entry in found.items():
        names = tuple(name for name in entry.get("plugins") or () if name in PROVIDED)
        if names:
            yield key, names


def _tuples(lists: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    return {key: tuple(items) for key, items in lists.items()}


def _lists(tuples: Mapping[str, tuple[str, ...]]) -> dict[str, list[str]]:
    return {key: list(items) for key, items in tuples.items()}
