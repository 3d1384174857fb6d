"""From documents to a snapshot: everything is checked, and all problems are told at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from prowless.domain.clusters import Cluster
from prowless.domain.config import snapshot, warning_names
from prowless.domain.config.addresses import address_problem
from prowless.domain.config.build import JobBuilder
from prowless.domain.config.central import CentralConfig, JobDefaults
from prowless.domain.config.decode import Reader
from prowless.domain.config.document import Table
from prowless.domain.config.findings import NOTE, WARNING, Problems
from prowless.domain.config.plugins import PLUGINS_FILE, Plugins, read_plugins, without_trigger
from prowless.domain.config.presets import carries_secrets, entries_of_map
from prowless.domain.config.schema import JOB_FILE, PROW_CONFIG, SETTINGS
from prowless.domain.config.slack import read_reporters
from prowless.domain.config.templates import check_templates
from prowless.domain.durations import parse_duration_ms
from prowless.domain.errors import ConfigError
from prowless.domain.trust import TrustOptions
from prowless.domain.wording import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from prowless.domain.config.document import Document, Sources
    from prowless.domain.config.jobs import Periodic, RepositoryConfig
    from prowless.domain.config.snapshot import Snapshot
    from prowless.domain.slack import SlackReporter

ENGINES = frozenset({"argo", "tekton", "pod"})
APPROVALS = ("commit", "sticky")
_KUBERNETES_OBJECT = frozenset({"apiVersion", "kind"})
_POD_PHASES = ("pending", "running", "unscheduled")
_REPORTABLE = frozenset({"presubmit", "postsubmit"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """A checked configuration; `warnings` and `notes` are what check-config tells by these names."""

    central: CentralConfig
    periodics: tuple[Periodic, ...]
    repositories: tuple[RepositoryConfig, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]

    def repository(self, name: str) -> RepositoryConfig:
        """One repository's jobs, none if it has no jobs."""
        found = [shard for shard in self.repositories if shard.repository == name]
        return found[0] if found else self.central.without_jobs(name)


def compile_sources(sources: Sources, unreadable: Iterable[str] = ()) -> Snapshot:
    """The snapshot of a configuration; its warnings and notes name what has no effect.

    Args:
        sources: its files.
        unreadable: what is wrong with those that are missing here, to be told together with the rest.

    Raises:
        ConfigError: the configuration cannot be used; every problem with file and line, in Prow's words.
    """
    problems = Problems()
    for problem in unreadable:
        problems.error("", problem)
    found = compile_config(sources, problems)
    return snapshot.build(found.central, found.periodics, found.repositories, found.warnings, found.notes)


def compile_config(sources: Sources, problems: Problems | None = None) -> Compiled:
    """A configuration's values. `problems` collects errors and warnings, where somebody reads both.

    Raises:
        ConfigError: as for the snapshot.
    """
    return _Compilation(sources, problems or Problems()).compiled()


class _Compilation:
    def __init__(self, sources: Sources, problems: Problems) -> None:
        self._sources = sources
        self._problems = problems

    def compiled(self) -> Compiled:
        config = self._section(self._sources.config, PROW_CONFIG)
        plugins = self._section(self._sources.plugins, PLUGINS_FILE)
        settings = self._section(self._sources.settings, SETTINGS)
        files = [(document, self._section(document, JOB_FILE)) for document in self._sources.jobs]
        self._check_names()
        presets = self._presets([(self._sources.config, config), *files])
        plank = config.get("plank") or {}
        defaults = JobDefaults(
            decorate_all_jobs=config.get("decorate_all_jobs", False),
            pod_namespace=config.get("pod_namespace") or "default",
            decoration_entries=tuple(self._decoration_entries(plank)),
            presets=tuple(presets),
            job_queues=tuple(sorted(plank.get("job_queue_capacities") or {})),
        )
        builder = JobBuilder(defaults=defaults, problems=self._problems, configured=self._sources.settings is not None)
        self._read_jobs(builder, config, files)
        central = self._central(config, settings, plugins, defaults)
        self._check_clusters(central, builder.clusters_used)
        if self._sources.plugins and (missing := without_trigger(central.plugins, _named(builder))):
            self._problems.warn(self._sources.plugins.path, missing, warning_names.MISSING_TRIGGER)
        if self._problems.failed:
            raise ConfigError(self._problems.all_errors())
        return Compiled(
            central=central,
            periodics=tuple(builder.periodics),
            repositories=tuple(_repositories(builder, central)),
            warnings=tuple(self._problems.lines(WARNING)),
            notes=tuple(self._problems.lines(NOTE)),
        )

    def _read_jobs(
        self, builder: JobBuilder, config: Mapping[str, Any], files: Iterable[tuple[Document, Mapping[str, Any]]]
    ) -> None:
        if self._sources.config:
            builder.read(self._sources.config, config)
        for document, section in files:
            if "decorate_all_jobs" in section:
                text = "decorate_all_jobs counts in config.yaml only"
                self._problems.warn(document.path, text, warning_names.MISPLACED)
            builder.read(document, section)
        builder.check_together()

    def _section(self, document: Document | None, struct: Any) -> dict[str, Any]:
        """A document's fields; an empty file has none."""
        if document is None:
            return {}
        for warning in document.warnings:
            path, _, text = warning.partition(": ")
            self._problems.warn(path, text, warning_names.LOST)
        if document.data is None:
            return {}
        if isinstance(document.data, Table) and _KUBERNETES_OBJECT.issubset(document.data):
            self._problems.error(
                document.at(1), "a Kubernetes object, not configuration: use the file that is inside it"
            )
            return {}
        unknown = warning_names.UNKNOWN_IN_JOBS if struct is JOB_FILE else warning_names.UNKNOWN
        return Reader(document, self._problems, unknown).struct(document.data, struct, document.path)

    def _check_names(self) -> None:
        """Prow keeps job files in ConfigMaps, by their base name (`config.go:1755`)."""
        names: dict[str, str] = {}
        for document in self._sources.jobs:
            name = document.path.rpartition("/")[2]
            if name in names:
                self._problems.error(
                    document.path, f"duplicated basename is not allowed: {name} (also at {names[name]})"
                )
            names.setdefault(name, document.path)

    def _presets(self, sections: Iterable[tuple[Document | None, Mapping[str, Any]]]) -> list[dict[str, Any]]:
        """All presets; a pair of label and value belongs to one of them (`config.go:2015`)."""
        presets: list[dict[str, Any]] = []
        pairs: set[str] = set()
        for document, section in sections:
            for preset in section.get("presets") or ():
                at = document.path if document else ""
                for label, value in (preset.get("labels") or {}).items():
                    pair = f"{label}:{value}"
                    if pair in pairs:
                        self._problems.error(at, f"duplicated preset 'label:value' pair : {pair}")
                    pairs.add(pair)
                if not preset.get("labels") and carries_secrets(preset):
                    text = "a preset without labels applies to every job, and this one brings a secret"
                    self._problems.warn(at, text, warning_names.PRESET_FOR_ALL)
                presets.append(preset)
        return presets

    def _decoration_entries(self, plank: Mapping[str, Any]) -> list[dict[str, Any]]:
        mapped = plank.get("default_decoration_configs")
        entries: list[dict[str, Any]] = plank.get("default_decoration_config_entries") or []
        if mapped and entries:
            self._config_error(
                "plank.default_decoration_configs and plank.default_decoration_config_entries are mutually exclusive, "
                "please use one or the other"
            )
        return entries_of_map(mapped) if mapped else entries

    def _central(
        self,
        config: Mapping[str, Any],
        settings: Mapping[str, Any],
        plugins: Mapping[str, Any],
        defaults: JobDefaults,
    ) -> CentralConfig:
        plank = config.get("plank") or {}
        reporter = config.get("github_reporter") or {}
        in_repo = config.get("in_repo_config") or {}
        if plank.get("max_concurrency", 0) < 0:
            self._config_error(
                f"controller has invalid max_concurrency ({plank['max_concurrency']}), "
                "it needs to be a non-negative number"
            )
        types = tuple(reporter.get("job_types_to_report") or ("presubmit", "postsubmit"))
        for name in types:
            if name not in _REPORTABLE:
                self._config_error(f"invalid job_types_to_report: {name}")
        if plank.get("report_template") and plank.get("report_templates"):
            self._config_error("both report_template and report_templates are specified")
        if self._sources.config:
            check_templates(self._sources.config, plank, self._problems)
        templates = plank.get("report_templates") or {}
        if plank.get("report_template"):
            templates = {"*": plank["report_template"]}
        for key, address in (plank.get("job_url_prefix_config") or {}).items():
            if problem := address_problem(address):
                self._config_error(f'invalid value for Planks job_url_prefix_config["{key}"]: {problem}')
        allowed = {key: tuple(names) for key, names in (in_repo.get("allowed_clusters") or {}).items()}
        written = {"default_job_timeout": config.get("default_job_timeout")}
        written |= {f"pod_{phase}_timeout": plank.get(f"pod_{phase}_timeout") for phase in _POD_PHASES}
        times = {f"{name}_ms": parse_duration_ms(found) for name, found in written.items() if found}
        return CentralConfig(
            clusters=self._clusters(settings),
            plank_max_concurrency=plank.get("max_concurrency", 0),
            job_queue_capacities=plank.get("job_queue_capacities") or {},
            job_url_prefix_config=plank.get("job_url_prefix_config") or {},
            job_url_names_provider=not plank.get("jobURLPrefixDisableAppendStorageProvider"),
            job_url_template=plank.get("job_url_template") or "",
            report_templates=templates,
            job_types_to_report=types,
            no_comment_repos=tuple(reporter.get("no_comment_repos") or ()),
            summary_comment_repos=tuple(reporter.get("summary_comment_repos") or ()),
            slack_reporters=self._slack(config.get("slack_reporter_configs") or {}),
            in_repo_enabled=in_repo.get("enabled") or {},
            in_repo_clusters={"*": ("default",), **allowed},
            trust=self._trust([*(settings.get("triggers") or ()), *(plugins.get("triggers") or ())]),
            approvals=self._approvals(settings),
            plugins=self._plugins(plugins),
            defaults=defaults,
            **times,
        )

    def _slack(self, section: Mapping[str, Any]) -> dict[str, SlackReporter]:
        document = self._sources.config
        return read_reporters(document, section, self._problems) if document else {}

    def _clusters(self, settings: Mapping[str, Any]) -> dict[str, Cluster]:
        clusters: dict[str, Cluster] = {}
        at = self._sources.settings.path if self._sources.settings else ""
        for alias, fields in (settings.get("clusters") or {}).items():
            lists = {name: tuple(fields.get(name) or ()) for name in ("service_accounts", "allow")}
            clusters[alias] = Cluster(alias=alias, **{**fields, **lists})
            if clusters[alias].engine not in ENGINES:
                self._problems.error(at, f"clusters[{alias}]: engine must be one of {', '.join(sorted(ENGINES))}")
            if clusters[alias].max_concurrency < 0:
                self._problems.error(at, f"clusters[{alias}]: max_concurrency must be a non-negative number")
        return clusters

    def _check_clusters(self, central: CentralConfig, used: Mapping[str, str]) -> None:
        """A job on an unknown cluster ends in an error when it runs, as in Prow; here it is told before.

        Without our settings file it is Prow's configuration alone that is checked, and no cluster is known.
        """
        for alias, first in used.items():
            if alias in central.clusters:
                continue
            known = ", ".join(sorted(central.clusters)) or "none"
            text = f"cluster {alias!r} is not configured (known: {known}): runs end in an error"
            if self._sources.settings:
                self._problems.warn(first, text, warning_names.CANNOT_RUN)
            else:
                self._problems.note(first, text)

    def _plugins(self, section: Mapping[str, Any]) -> Plugins:
        document = self._sources.plugins
        if document is None:
            return Plugins()
        return read_plugins(document, section, Reader(document, self._problems, warning_names.UNKNOWN))

    def _trust(self, triggers: Iterable[Mapping[str, Any]]) -> dict[str, TrustOptions]:
        """`triggers` of our settings and of plugins.yaml; the first entry that names a repository counts."""
        trust: dict[str, TrustOptions] = {}
        for entry in triggers:
            options = TrustOptions(
                trusted_apps=tuple(entry.get("trusted_apps") or ()),
                trusted_org=entry.get("trusted_org", ""),
                join_org_url=entry.get("join_org_url", ""),
                only_org_members=entry.get("only_org_members", False),
                ignore_ok_to_test=entry.get("ignore_ok_to_test", False),
            )
            for repository in entry.get("repos") or ():
                trust.setdefault(repository, options)
        return trust

    def _approvals(self, settings: Mapping[str, Any]) -> dict[str, str]:
        """`trust` of our settings: whether approvals hold for a commit or, as in Prow, for good."""
        found: dict[str, str] = settings.get("trust") or {}
        at = self._sources.settings.path if self._sources.settings else ""
        for key, holds in found.items():
            if holds not in APPROVALS:
                self._problems.error(at, f"trust[{key}] must be one of {', '.join(APPROVALS)}, not {shown(holds)}")
        return found

    def _config_error(self, text: str) -> None:
        self._problems.error(self._sources.config.path if self._sources.config else "config", text)


def _named(builder: JobBuilder) -> list[str]:
    """The repositories that have jobs."""
    return sorted({*builder.presubmits, *builder.postsubmits})


def _repositories(builder: JobBuilder, central: CentralConfig) -> Iterable[RepositoryConfig]:
    for repository in _named(builder):
        yield replace(
            central.without_jobs(repository),
            presubmits=tuple(builder.presubmits.get(repository, ())),
            postsubmits=tuple(builder.postsubmits.get(repository, ())),
        )
