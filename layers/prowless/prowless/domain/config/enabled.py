"""What plugins.yaml says about one repository, as its shard keeps it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

PROVIDED = ("trigger", "skip", "override")
"""Prow's plugins that exist here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryPlugins:
    """The provided plugins that are not enabled for a repository, and the options of those that are.

    `override_teams` are slugs of teams of its organisation, by the key that names them: `org/repo` or `org`.
    """

    disabled: tuple[str, ...] = ()
    override_top_level_owners: bool = False
    override_teams: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def has(self, name: str) -> bool:
        """Whether a plugin is enabled."""
        return name not in self.disabled

    def to_dict(self) -> dict[str, Any]:
        """As the snapshot keeps it."""
        return {f.name: value for f in fields(self) if (value := getattr(self, f.name))}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> RepositoryPlugins:
        """From the snapshot; unknown keys are ignored."""
        return cls(
            disabled=tuple(data.get("disabled", ())),
            override_top_level_owners=data.get("override_top_level_owners", False),
            override_teams={key: tuple(slugs) for key, slugs in data.get("override_teams", {}).items()},
        )


def not_enabled(name: str, repository: str) -> str:
    """Why a plugin does nothing, for the record."""
    return f"plugin {name} is not enabled for {repository} (plugins.yaml)"
