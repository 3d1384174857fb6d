"""A configuration that tests make directly."""

from __future__ import annotations

from prowless.domain.config.central import CentralConfig
from prowless.domain.config.jobs import Periodic, RepositoryConfig


class FixedConfig:
    """A `ConfigSource` over values; change the attributes as a test goes on."""

    def __init__(
        self,
        *repositories: RepositoryConfig,
        central: CentralConfig | None = None,
        periodics: tuple[Periodic, ...] = (),
    ) -> None:
        self.repositories = {config.repository: config for config in repositories}
        self.parts = central or CentralConfig()
        self.timed = periodics

    def snapshot(self) -> str:
        return "fixed"

    def central(self) -> CentralConfig:
        return self.parts

    def periodics(self) -> tuple[Periodic, ...]:
        return self.timed

    def repository(self, repository: str) -> RepositoryConfig:
        external = self.parts.plugins.external_for(repository)
        return self.repositories.get(repository) or RepositoryConfig(repository=repository, external_plugins=external)
