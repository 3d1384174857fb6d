"""Jobs as they are configured, after defaults (`pkg/config/jobs.go`). Frozen, and JSON in the snapshot."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field, fields
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Self

from prowless.domain.config.enabled import RepositoryPlugins
from prowless.domain.external_plugins import ExternalPlugin
from prowless.domain.refs import Refs
from prowless.domain.regex import compile_regex
from prowless.domain.trust import TrustOptions

if TYPE_CHECKING:
    from collections.abc import Mapping

_DEFAULTS: dict[type[Job], dict[str, Any]] = {}
_TUPLES = frozenset({"branches", "skip_branches", "tags"})


def _defaults(cls: type[Job]) -> dict[str, Any]:
    """Field name to default, for leaving out what says nothing."""
    known = _DEFAULTS.get(cls)
    if known is None:
        known = {f.name: f.default_factory() if f.default_factory is not MISSING else f.default for f in fields(cls)}
        _DEFAULTS[cls] = known
    return known


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What all job types have (`JobBase` and `UtilityConfig`).

    One of `spec`, `pipeline_run_spec` and `workflow_spec` is set, as `agent` says; presets and decoration defaults
    are merged in already. `source` is `file:line`. `in_repo`: it comes from the repository's own files, so
    a pull request may have written it.
    """

    name: str
    agent: str = "kubernetes"
    cluster: str = "default"
    namespace: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    max_concurrency: int = 0
    job_queue_name: str = ""
    error_on_eviction: bool = False
    hidden: bool = False
    spec: Mapping[str, Any] | None = None
    pipeline_run_spec: Mapping[str, Any] | None = None
    workflow_spec: Mapping[str, Any] | None = None
    decorate: bool = False
    decoration_config: Mapping[str, Any] = field(default_factory=dict)
    path_alias: str = ""
    clone_uri: str = ""
    skip_submodules: bool = False
    clone_depth: int = 0
    skip_fetch_head: bool = False
    extra_refs: tuple[Refs, ...] = ()
    reporter_config: Mapping[str, Any] = field(default_factory=dict)
    rerun_auth_config: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""
    in_repo: bool = False

    def to_dict(self) -> dict[str, Any]:
        """As the snapshot keeps it: fields that hold their default are left out."""
        data: dict[str, Any] = {}
        for name, default in _defaults(type(self)).items():
            value = getattr(self, name)
            if value == default:
                continue
            data[name] = [refs.to_dict() for refs in value] if name == "extra_refs" else value
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """From the snapshot; unknown keys are ignored, so that an older release can read a newer one's."""
        names = _defaults(cls)
        known: dict[str, Any] = {
            name: tuple(value) if name in _TUPLES else value for name, value in data.items() if name in names
        }
        if "extra_refs" in known:
            known["extra_refs"] = tuple(Refs.from_dict(refs) for refs in known["extra_refs"])
        return cls(**known)


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchJob(Job):
    """What presubmits and postsubmits share: branches, changed files, reporting."""

    branches: tuple[str, ...] = ()
    skip_branches: tuple[str, ...] = ()
    run_if_changed: str = ""
    skip_if_only_changed: str = ""
    context: str = ""
    skip_report: bool = False

    def runs_on(self, branch: str) -> bool:
        """Whether the branch is one of the job's; `skip_branches` wins (`pkg/config/jobs.go:402-415`).

        Each list is one expression joined with `|`, so an item with a `|` at its top level leaks, as in Prow.
        """
        if self.skip_branches and _names(self.skip_branches, branch):
            return False
        return not self.branches or _names(self.branches, branch)

    @property
    def every_branch(self) -> bool:
        """Whether no branch is named."""
        return not self.branches and not self.skip_branches

    def intersects(self, other: BranchJob) -> bool:
        """Whether both could run on one branch, as far as Prow can tell (`pkg/config/jobs.go:418-440`)."""
        if self.every_branch or other.every_branch:
            return True
        if not self.branches:
            return not other.branches or other.intersects(self)
        if other.branches:
            return not set(self.branches).isdisjoint(other.branches)
        return any(other.runs_on(branch) for branch in self.branches)

    @property
    def depends_on_changes(self) -> bool:
        """Whether changed files decide."""
        return bool(self.run_if_changed or self.skip_if_only_changed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Presubmit(BranchJob):
    """Runs on pull requests."""

    always_run: bool = False
    optional: bool = False
    trigger: str = ""
    rerun_command: str = ""
    run_before_merge: bool = False

    @property
    def needs_explicit_trigger(self) -> bool:
        """Whether only a person can start it (`pkg/config/jobs.go:538`)."""
        return not self.always_run and not self.depends_on_changes

    def triggered_by(self, body: str) -> bool:
        """Whether a comment's text matches the trigger (`pkg/config/jobs.go:544`)."""
        if not self.trigger:
            return False
        # Most jobs have the default trigger. A text without the name cannot match it, and costs no expression.
        if "." not in self.name and self.name not in body and self.trigger == default_trigger(self.name):
            return False
        return compile_regex(self.trigger).search(body)

    @property
    def context_required(self) -> bool:
        """Whether GitHub should require the context (`pkg/config/jobs.go:550`)."""
        return not self.optional and not self.skip_report


@dataclass(frozen=True, slots=True, kw_only=True)
class Postsubmit(BranchJob):
    """Runs on pushes. `always_run` is None if the job does not say, which means yes (`pkg/config/jobs.go:482-507`)."""

    always_run: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Periodic(Job):
    """Runs on a timer: one of `cron`, `interval` and `minimum_interval` (Go durations) is set."""

    cron: str = ""
    interval: str = ""
    minimum_interval: str = ""
    tags: tuple[str, ...] = ()
    retry: Mapping[str, Any] = field(default_factory=dict)

    @property
    def schedule(self) -> str:
        """The rule as one text, by which a changed rule is known."""
        if self.cron:
            return f"cron {self.cron}"
        return f"minimum_interval {self.minimum_interval}" if self.minimum_interval else f"interval {self.interval}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryConfig:
    """One repository's shard: its jobs in their configured order, whom it trusts, its plugins and its own files."""

    repository: str
    presubmits: tuple[Presubmit, ...] = ()
    postsubmits: tuple[Postsubmit, ...] = ()
    trust: TrustOptions = field(default_factory=TrustOptions)
    plugins: RepositoryPlugins = field(default_factory=RepositoryPlugins)
    in_repo: bool = False
    external_plugins: tuple[ExternalPlugin, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As the snapshot keeps it."""
        return {
            "repository": self.repository,
            "presubmits": [job.to_dict() for job in self.presubmits],
            "postsubmits": [job.to_dict() for job in self.postsubmits],
            "trust": self.trust.to_dict(),
            "plugins": self.plugins.to_dict(),
            "in_repo": self.in_repo,
            "external_plugins": [plugin.to_dict() for plugin in self.external_plugins],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> RepositoryConfig:
        """From the snapshot."""
        return cls(
            repository=data["repository"],
            presubmits=tuple(Presubmit.from_dict(job) for job in data.get("presubmits", ())),
            postsubmits=tuple(Postsubmit.from_dict(job) for job in data.get("postsubmits", ())),
            trust=TrustOptions.from_dict(data.get("trust", {})),
            plugins=RepositoryPlugins.from_dict(data.get("plugins", {})),
            in_repo=data.get("in_repo", False),
            external_plugins=tuple(map(ExternalPlugin.from_dict, data.get("external_plugins", ()))),
        )


@lru_cache(maxsize=1024)
def _names(patterns: tuple[str, ...], branch: str) -> bool:
    """Whether one of the expressions is found in the branch; a repository's jobs share few lists."""
    return compile_regex("|".join(patterns)).search(branch)


def default_trigger(name: str) -> str:
    """Prow's trigger of a job without one (`config.go:3212`); the name is not escaped, so its `.` is any character."""
    return rf"(?m)^/test( | .* ){name},?($|\s.*)"


def default_rerun_command(name: str) -> str:
    """The command that the default trigger answers to."""
    return f"/test {name}"
