"""Where the central configuration is kept: the entries of CONFIG_SOURCES."""

from __future__ import annotations

import json
from dataclasses import dataclass

from prowless.domain.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigRepository:
    """One entry of CONFIG_SOURCES: files of a repository's branch. `jobs` are globs; `*` also matches slashes."""

    repository: str
    ref: str
    config: str = ""
    plugins: str = ""
    settings: str = ""
    jobs: tuple[str, ...] = ()

    @property
    def origin(self) -> str:
        """`org/repo@branch`."""
        return f"{self.repository}@{self.ref}"

    @classmethod
    def parse(cls, text: str) -> tuple[ConfigRepository, ...]:
        """The entries of CONFIG_SOURCES.

        Raises:
            ConfigError: not a JSON list of objects with `repository` and `ref`.
        """
        try:
            entries = json.loads(text or "[]")
            return tuple(cls(**{**entry, "jobs": tuple(entry.get("jobs", ()))}) for entry in entries)
        except (ValueError, TypeError, AttributeError) as exc:
            wanted = '[{"repository": "org/repo", "ref": "main", "config": "config.yaml", "jobs": ["jobs/*"]}]'
            raise ConfigError([f"CONFIG_SOURCES is not a list like {wanted}: {exc}"]) from exc
