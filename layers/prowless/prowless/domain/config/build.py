"""Jobs from their tables: decode, defaults, presets, checks. The same way for central and for in-repo configuration."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from prowless.domain.config import conflicts, validate, warning_names
from prowless.domain.config.decode import Reader, Struct
from prowless.domain.config.job_options import option_warnings
from prowless.domain.config.jobs import (
    BranchJob,
    Job,
    Periodic,
    Postsubmit,
    Presubmit,
    default_rerun_command,
    default_trigger,
)
from prowless.domain.config.patterns import MAX_PROGRAM, PatternBudget
from prowless.domain.config.presets import PresetError, decoration_defaults, with_defaults, with_presets
from prowless.domain.config.schema import PERIODIC, POSTSUBMIT, PRESUBMIT
from prowless.domain.refs import JobType, Refs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from prowless.domain.config.central import JobDefaults
    from prowless.domain.config.document import Document
    from prowless.domain.config.findings import Problems

J = TypeVar("J", bound=Job)

_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}")
_LISTS = ("branches", "skip_branches", "tags")
_DROPPED = ("tekton_pipeline_run_spec", "prowjob_defaults", "jenkins_spec", "workflow_ref", "workflows")
_NOT_YET = ("workflow_ref", "workflows")
MAX_JOBS = 200_000
"""Jobs of a configuration; the largest public installations have some ten thousand."""


@dataclass(slots=True)
class JobBuilder:
    """Collects the jobs of many documents, then checks what must hold between them."""

    defaults: JobDefaults
    problems: Problems
    presubmits: dict[str, list[Presubmit]] = field(default_factory=dict)
    postsubmits: dict[str, list[Postsubmit]] = field(default_factory=dict)
    periodics: list[Periodic] = field(default_factory=list)
    clusters_used: dict[str, str] = field(default_factory=dict)
    """Cluster alias to the first job that names it."""
    configured: bool = False
    """Whether our settings are there: what no engine runs is a warning then, else a note."""
    met: int = 0
    patterns: PatternBudget = field(default_factory=lambda: PatternBudget(MAX_PROGRAM))

    def read(self, document: Document, sections: Mapping[str, Any]) -> None:
        """The jobs of one document; `sections` has its presubmits, postsubmits and periodics as they were read."""
        reader = Reader(document, self.problems)
        for repository, value, at in self._repositories(reader, sections.get("presubmits"), "presubmits"):
            for job in self._presubmits(reader, repository, value, at):
                self.presubmits.setdefault(repository, []).append(job)
        for repository, value, at in self._repositories(reader, sections.get("postsubmits"), "postsubmits"):
            for post in self._postsubmits(reader, repository, value, at):
                self.postsubmits.setdefault(repository, []).append(post)
        self.periodics.extend(self._periodics(reader, sections.get("periodics"), document.path))

    def read_own(self, document: Document, repository: str, sections: Mapping[str, Any]) -> None:
        """The jobs of one of a repository's own files, where they stand in plain lists and there are no periodics."""
        reader = Reader(document, self.problems)
        own = self.presubmits.setdefault(repository, [])
        own.extend(self._presubmits(reader, repository, sections.get("presubmits"), document.path))
        posts = self.postsubmits.setdefault(repository, [])
        posts.extend(self._postsubmits(reader, repository, sections.get("postsubmits"), document.path))

    def check_together(self) -> None:
        """Names and contexts, over all documents."""
        for kind, lists in (("presubmit", self.presubmits), ("postsubmit", self.postsubmits)):
            for repository, jobs in lists.items():
                for at, problem in conflicts.list_problems(jobs, kind):
                    self.problems.error(f"{at} ({repository})", problem)
        seen: dict[str, str] = {}
        for job in self.periodics:
            if job.name in seen:
                self.problems.error(job.source, f"duplicated periodic job: {job.name} (also at {seen[job.name]})")
            seen.setdefault(job.name, job.source)

    def _repositories(self, reader: Reader, value: Any, what: str) -> Iterable[tuple[str, Any, str]]:
        if value is None:
            return
        table = reader.table(value, reader.document.path, what)
        for repository, jobs in (table or {}).items():
            at = reader.document.at(table.line_of(repository)) if table is not None else ""
            if "://" in repository:
                self.problems.note(at, f"{what} of {repository}: Gerrit is not supported, these jobs never run")
            elif not _REPOSITORY.fullmatch(repository):
                self.problems.error(at, f"{what}: {repository!r} is not org/repo")
            else:
                yield repository, jobs, at

    def _presubmits(self, reader: Reader, repository: str, value: Any, at: str) -> Iterable[Presubmit]:
        for raw, place in self._raw(reader, value, at, PRESUBMIT, f"presubmits of {repository}"):
            raw["context"] = raw.get("context") or raw["name"]
            if not raw.get("trigger") and not raw.get("rerun_command"):
                raw["trigger"] = default_trigger(raw["name"])
                raw["rerun_command"] = default_rerun_command(raw["name"])
            job = self._job(Presubmit, raw, place, repository)
            if not self._affords(job, (job.trigger,)):
                return
            self._check(job, JobType.PRESUBMIT, [*validate.presubmit_problems(job), *validate.branch_job_problems(job)])
            self._warn(job, repository)
            yield job

    def _postsubmits(self, reader: Reader, repository: str, value: Any, at: str) -> Iterable[Postsubmit]:
        for raw, place in self._raw(reader, value, at, POSTSUBMIT, f"postsubmits of {repository}"):
            raw["context"] = raw.get("context") or raw["name"]
            job = self._job(Postsubmit, raw, place, repository)
            if not self._affords(job):
                return
            self._check(
                job, JobType.POSTSUBMIT, [*validate.postsubmit_problems(job), *validate.branch_job_problems(job)]
            )
            self._warn(job)
            yield job

    def _periodics(self, reader: Reader, value: Any, at: str) -> Iterable[Periodic]:
        for raw, place in self._raw(reader, value, at, PERIODIC, "periodics"):
            refs = raw.get("extra_refs") or [{}]
            job = self._job(Periodic, raw, place, f"{refs[0].get('org', '')}/{refs[0].get('repo', '')}")
            self._check(job, JobType.PERIODIC, list(validate.periodic_problems(job)))
            self._warn(job)
            yield job

    def _raw(
        self, reader: Reader, value: Any, at: str, struct: Struct, where: str
    ) -> Iterable[tuple[dict[str, Any], str]]:
        for item, position in reader.items(value, at, where):
            self.met += 1
            if self.met > MAX_JOBS:
                if self.met == MAX_JOBS + 1:
                    self.problems.error(position, f"{where}: more than {MAX_JOBS} jobs; from here on none is read")
                return
            name = item.get("name") if isinstance(item, dict) else None
            raw = reader.struct(
                item, struct, position, f"{struct.name} {name}" if isinstance(name, str) else struct.name
            )
            if not raw.get("name"):
                self.problems.error(position, f"{where}: a job has no name")
                continue
            yield raw, position

    def _job(self, cls: type[J], raw: dict[str, Any], at: str, repository: str) -> J:
        """The job with everything it takes over."""
        for name in _NOT_YET:
            if name in raw:
                self.problems.error(at, f"job {raw['name']}: {name} is not supported yet")
        versioned = raw.get("tekton_pipeline_run_spec") or {}
        if isinstance(versioned.get("v1beta1"), dict):  # it wins, as in GetPipelineRunSpec
            raw["pipeline_run_spec"] = versioned["v1beta1"]
        for name in _DROPPED:
            raw.pop(name, None)
        for name in _LISTS:
            if name in raw:
                raw[name] = tuple(raw[name])
        agent, cluster = raw.get("agent") or validate.KUBERNETES, raw.get("cluster") or "default"
        raw |= {"agent": agent, "cluster": cluster, "source": at}
        raw["extra_refs"] = tuple(Refs.from_dict(refs) for refs in self._extra_refs(raw, at))
        self._decorate(raw, repository)
        if raw.get("spec") is not None and isinstance(raw["spec"].get("containers") or [], list):
            try:
                raw["spec"] = with_presets(raw["spec"], raw.get("labels") or {}, self.defaults.presets)
            except PresetError as exc:
                self.problems.error(at, f"job {raw['name']} failed to merge presets for podspec: {exc}")
        self.clusters_used.setdefault(cluster, f"{at} (job {raw['name']})")
        self._check_agent(agent, at)
        return cls(**raw)

    def _check_agent(self, agent: str, at: str) -> None:
        if agent in validate.AGENTS:
            return
        text = f"no engine runs agent {agent!r}: runs of such jobs end in an error"
        if self.configured:
            self.problems.warn_once(at, text, warning_names.CANNOT_RUN)
        else:
            self.problems.note_once(at, text)

    def _extra_refs(self, raw: Mapping[str, Any], at: str) -> list[Mapping[str, Any]]:
        complete = []
        for refs in raw.get("extra_refs") or ():
            if refs.get("org") and refs.get("repo"):
                complete.append(refs)
            else:
                self.problems.error(at, f"job {raw['name']}: extra_refs need org and repo")
        return complete

    def _decorate(self, raw: dict[str, Any], repository: str) -> None:
        """Decoration as the job or `decorate_all_jobs` says (`config.go:2045-2100`).

        Undecorated runs have a place for their artifacts all the same, as Prow guesses it for its log uploads.
        """
        own: dict[str, Any] = raw.get("decoration_config") or {}
        fallback = self.defaults.decorate_all_jobs and raw["agent"] != validate.TEKTON
        wanted = raw.get("decorate", fallback) or bool(own)
        merged = decoration_defaults(self.defaults.decoration_entries, repository, raw["cluster"])
        if wanted:
            merged = with_defaults(own, merged)
        elif "gcs_configuration" in merged:
            merged = {"gcs_configuration": merged["gcs_configuration"]}
        else:
            merged = {}
        raw["decorate"] = wanted
        raw["decoration_config"] = merged

    def _affords(self, job: BranchJob, more: tuple[str, ...] = ()) -> bool:
        """Whether the regular expressions of all jobs up to this one are small enough together."""
        joined = ("|".join(job.branches), "|".join(job.skip_branches))
        if self.patterns.affords((*joined, job.run_if_changed, job.skip_if_only_changed, *more)):
            return True
        limit = f"{self.patterns.limit} instructions"
        text = "up to here, the regular expressions of all jobs are too large together"
        self.problems.error(job.source, f"{text}: compiled, they have more than {limit}; no further job is read")
        return False

    def _check(self, job: Job, job_type: JobType, own: list[str]) -> None:
        """Report what is wrong with one job; `own` are the problems of its type's rules."""
        base = validate.job_problems(job, job_type, self.defaults.job_queues, self.defaults.pod_namespace)
        for problem in base:
            self.problems.error(job.source, f"invalid {job_type} job {job.name}: {problem}")
        for problem in own:
            self.problems.error(job.source, problem)

    def _warn(self, job: Job, repository: str = "") -> None:
        for name, warning in option_warnings(job, repository):
            self.problems.warn_once(job.source, warning, name)
