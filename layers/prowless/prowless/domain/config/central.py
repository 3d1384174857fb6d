"""The central configuration apart from jobs: clusters, limits, time-outs, reporting and what jobs take over from it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from prowless.domain.clusters import Cluster
from prowless.domain.config.jobs import RepositoryConfig
from prowless.domain.config.plugins import Plugins
from prowless.domain.slack import SlackReporter
from prowless.domain.trust import TrustOptions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prowless.domain.prowjob import ProwJobSpec

_MINUTE_MS = 60_000
_HOUR_MS = 60 * _MINUTE_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDefaults:
    """What a job takes over, wherever it is configured: in-repo jobs are compiled with these as well.

    `decoration_entries` are Prow's `default_decoration_config_entries` (the map form is converted to it): dicts with
    `repo`, `cluster` and `config`, later ones winning. `presets` have `labels`, `env`, `volumes`, `volumeMounts` and
    `tolerations`.
    """

    decorate_all_jobs: bool = False
    pod_namespace: str = "default"
    decoration_entries: tuple[Mapping[str, Any], ...] = ()
    presets: tuple[Mapping[str, Any], ...] = ()
    job_queues: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As the snapshot keeps it."""
        return _filled(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> JobDefaults:
        """From the snapshot."""
        known = _known(cls, data)
        for name in ("decoration_entries", "presets", "job_queues"):
            known[name] = tuple(known.get(name, ()))
        return cls(**known)


@dataclass(frozen=True, slots=True, kw_only=True)
class CentralConfig:
    """`central.json`: one per snapshot. Times are milliseconds; the defaults are Prow's (`config.go:2507-2838`).

    `trust` maps `org/repo`, `org` or `*` to options, and `approvals` to `commit` or `sticky`; `in_repo_enabled` and
    `in_repo_clusters` are Prow's `in_repo_config` with the same kind of keys.
    """

    clusters: Mapping[str, Cluster] = field(default_factory=dict)
    plank_max_concurrency: int = 0
    job_queue_capacities: Mapping[str, int] = field(default_factory=dict)
    default_job_timeout_ms: int = 24 * _HOUR_MS
    pod_pending_timeout_ms: int = 10 * _MINUTE_MS
    pod_running_timeout_ms: int = 48 * _HOUR_MS
    pod_unscheduled_timeout_ms: int = 5 * _MINUTE_MS
    job_url_prefix_config: Mapping[str, str] = field(default_factory=dict)
    job_url_names_provider: bool = True
    job_url_template: str = ""
    report_templates: Mapping[str, str] = field(default_factory=dict)
    job_types_to_report: tuple[str, ...] = ("presubmit", "postsubmit")
    no_comment_repos: tuple[str, ...] = ()
    summary_comment_repos: tuple[str, ...] = ()
    slack_reporters: Mapping[str, SlackReporter] = field(default_factory=dict)
    in_repo_enabled: Mapping[str, bool] = field(default_factory=dict)
    in_repo_clusters: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: {"*": ("default",)})
    trust: Mapping[str, TrustOptions] = field(default_factory=dict)
    approvals: Mapping[str, str] = field(default_factory=dict)
    plugins: Plugins = field(default_factory=Plugins)
    defaults: JobDefaults = field(default_factory=JobDefaults)

    def trust_for(self, repository: str) -> TrustOptions:
        """The options of the most specific key; entries are not merged (`pkg/plugins/config.go:1118`)."""
        keys = (repository, repository.partition("/")[0], "*")
        options = next((self.trust[key] for key in keys if key in self.trust), TrustOptions())
        holds = next((self.approvals[key] for key in keys if key in self.approvals), "commit")
        return replace(options, sticky=holds == "sticky")

    def runs_in_repo(self, repository: str) -> bool:
        """Whether a repository's own configuration counts (`pkg/config/config.go:268`).

        The first of `org/repo`, `org` and `*` that is named decides.
        """
        named = (self.in_repo_enabled[key] for key in _keys(repository) if key in self.in_repo_enabled)
        return next(named, False)

    def allows_in_repo(self, repository: str, cluster: str) -> bool:
        """Whether in-repo jobs of a repository may use a cluster; its keys' lists are joined (`config.go:279`)."""
        return any(cluster in self.in_repo_clusters.get(key, ()) for key in _keys(repository))

    def without_jobs(self, repository: str) -> RepositoryConfig:
        """The configuration of a repository that has no jobs here."""
        return RepositoryConfig(
            repository=repository,
            trust=self.trust_for(repository),
            plugins=self.plugins.of(repository),
            external_plugins=self.plugins.external_for(repository),
            in_repo=self.runs_in_repo(repository),
        )

    def job_url_prefix(self, spec: ProwJobSpec) -> str:
        """Where a run's page is, from the job itself, else by repository, organisation or `*` (`config.go:903-930`)."""
        gcs = spec.decoration_config.get("gcs_configuration") or {}
        if own := gcs.get("job_url_prefix"):
            return str(own)
        refs = spec.refs or (spec.extra_refs[0] if spec.extra_refs else None)
        prefixes = self.job_url_prefix_config
        if refs and (prefix := prefixes.get(refs.repository) or prefixes.get(refs.org)):
            return prefix
        return prefixes.get("*", "")

    def report_template(self, repository: str) -> str:
        """What the failure comment of a repository's pulls ends with; empty for nothing (`config.go:633-650`)."""
        templates = self.report_templates
        found = (templates[key] for key in (repository, repository.partition("/")[0], "*") if key in templates)
        return next(found, "")

    def to_dict(self) -> dict[str, Any]:
        """As the snapshot keeps it."""
        data = _filled(self)
        data["clusters"] = {alias: cluster.to_dict() for alias, cluster in self.clusters.items()}
        data["trust"] = {key: options.to_dict() for key, options in self.trust.items()}
        data["plugins"] = self.plugins.to_dict()
        data["slack_reporters"] = {key: reporter.to_dict() for key, reporter in self.slack_reporters.items()}
        data["defaults"] = self.defaults.to_dict()
        data["in_repo_clusters"] = {key: list(names) for key, names in self.in_repo_clusters.items()}
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> CentralConfig:
        """From the snapshot; unknown keys are ignored."""
        known = _known(cls, data)
        for name in ("job_types_to_report", "no_comment_repos", "summary_comment_repos"):
            if name in known:
                known[name] = tuple(known[name])
        known["clusters"] = {alias: Cluster.from_dict(c) for alias, c in known.get("clusters", {}).items()}
        known["trust"] = {key: TrustOptions.from_dict(options) for key, options in known.get("trust", {}).items()}
        slack = known.get("slack_reporters", {})
        known["slack_reporters"] = {key: SlackReporter.from_dict(reporter) for key, reporter in slack.items()}
        known["plugins"] = Plugins.from_dict(known.get("plugins", {}))
        known["defaults"] = JobDefaults.from_dict(known.get("defaults", {}))
        if "in_repo_clusters" in known:
            known["in_repo_clusters"] = {key: tuple(names) for key, names in known["in_repo_clusters"].items()}
        return cls(**known)


def _keys(repository: str) -> tuple[str, str, str]:
    return repository, repository.partition("/")[0], "*"


def _filled(value: Any) -> dict[str, Any]:
    """The fields that do not hold their default."""
    usual = type(value)()
    return {f.name: found for f in fields(value) if (found := getattr(value, f.name)) != getattr(usual, f.name)}


def _known(cls: type, data: Mapping[str, Any]) -> dict[str, Any]:
    return {f.name: data[f.name] for f in fields(cls) if f.name in data}
