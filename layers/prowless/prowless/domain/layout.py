"""Where a run's files live: Prow's layout, which other tools read too (`pkg/pod-utils/gcs/target.go`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prowless.domain.prowjob import ProwJob, ProwJobSpec, State
from prowless.domain.refs import JobType, Refs

if TYPE_CHECKING:
    from collections.abc import Mapping

_RESULTS = {State.SUCCESS: "SUCCESS", State.ABORTED: "ABORTED"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The part of a `gcs_configuration` that decides paths."""

    path_strategy: str = "explicit"
    path_prefix: str = ""
    default_org: str = ""
    default_repo: str = ""

    @classmethod
    def from_decoration(cls, decoration: Mapping[str, Any]) -> Layout:
        """From a job's decoration config; absent fields take Prow's defaults."""
        gcs = decoration.get("gcs_configuration") or {}
        return cls(
            path_strategy=gcs.get("path_strategy") or "explicit",
            path_prefix=(gcs.get("path_prefix") or "").strip("/"),
            default_org=gcs.get("default_org") or "",
            default_repo=gcs.get("default_repo") or "",
        )

    def run(self, job: ProwJob) -> str:
        """The run's folder, without a slash at the end (`gcs/target.go:41`)."""
        match job.type:
            case JobType.PRESUBMIT:
                pull = self._segment(job.org, job.repo)
                return self._prefixed("pr-logs/pull", pull, str(job.pull), job.job, job.build_id)
            case JobType.BATCH:
                return self._prefixed("pr-logs/pull/batch", job.job, job.build_id)
            case _:
                return self._prefixed("logs", job.job, job.build_id)

    def latest_builds(self, job: ProwJob) -> tuple[str, ...]:
        """The files that hold the newest build id (`gcs/target.go:60-105`); Prow puts no `path_prefix` before these."""
        match job.type:
            case JobType.PRESUBMIT:
                return (
                    _join("pr-logs/directory", job.job, "latest-build.txt"),
                    _join("pr-logs/pull", self._segment(job.org, job.repo), str(job.pull), job.job, "latest-build.txt"),
                )
            case JobType.BATCH:
                return (_join("pr-logs/directory", job.job, "latest-build.txt"),)
            case _:
                return (_join("logs", job.job, "latest-build.txt"),)

    def alias(self, job: ProwJob) -> str:
        """The file that points to a presubmit's run, or nothing for other types."""
        if job.type is not JobType.PRESUBMIT:
            return ""
        return _join("pr-logs/directory", job.job, f"{job.build_id}.txt")

    def _segment(self, org: str, repo: str) -> str:
        org, repo = org.replace("/", "_"), repo.replace("/", "_")
        if self.path_strategy == "legacy" and org == self.default_org:
            return "" if repo == self.default_repo else repo
        if self.path_strategy == "single" and (org, repo) == (self.default_org, self.default_repo):
            return ""
        return f"{org}_{repo}"

    def _prefixed(self, *parts: str) -> str:
        return _join(self.path_prefix, *parts)


def job_url(prefix: str, bucket: str, folder: str, *, provider: bool = True) -> str:
    """A run's page: prefix, `s3` unless left out, bucket, folder (`pkg/pjutil/pjutil.go:379`); none without prefix."""
    return f"{prefix.rstrip('/')}{'/s3' if provider else ''}/{bucket}/{folder}" if prefix else ""


def started(spec: ProwJobSpec, at: int) -> dict[str, Any]:
    """`started.json` as initupload writes it; `at` in epoch milliseconds (`pkg/pod-utils/gcs/metadata.go`)."""
    data: dict[str, Any] = {"timestamp": at // 1000}
    if revision := _revision(spec):
        data["repo-version"] = data["repo-commit"] = revision
    if spec.refs and spec.refs.pulls:
        data["pull"] = str(spec.refs.pulls[0].number)
    repos = {refs.repository: str(refs) for refs in _all_refs(spec)}
    if repos:
        data["repos"] = repos
    return data


def finished(spec: ProwJobSpec, job: ProwJob, at: int, metadata: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """`finished.json` as the sidecar writes it; `at` in epoch milliseconds (`pkg/sidecar/run.go`)."""
    data: dict[str, Any] = {
        "timestamp": at // 1000,
        "passed": job.state is State.SUCCESS,
        "result": _RESULTS.get(job.state, "FAILURE"),
    }
    if revision := _revision(spec):
        data["revision"] = revision
    if metadata:
        data["metadata"] = dict(metadata)
    return data


def prowjob_json(spec: ProwJobSpec, job: ProwJob, iso: dict[str, str]) -> dict[str, Any]:
    """`prowjob.json`, shaped as the Kubernetes object Prow would have stored. `iso` maps times to RFC 3339 text."""
    status: dict[str, Any] = {
        "state": job.state.value,
        "description": job.description,
        "url": job.url,
        "build_id": job.build_id,
        "startTime": iso["created"],
    }
    for key, name in (("pending", "pendingTime"), ("completed", "completionTime")):
        if iso.get(key):
            status[name] = iso[key]
    data = spec.to_dict()
    return {
        "apiVersion": "prow.k8s.io/v1",
        "kind": "ProwJob",
        "metadata": {
            "name": job.id,
            "labels": {"prow.k8s.io/type": job.type.value, "prow.k8s.io/job": job.job, **spec.labels},
            "annotations": {"prow.k8s.io/job": job.job, **spec.annotations},
            "creationTimestamp": iso["created"],
        },
        "spec": data,
        "status": status,
    }


def _all_refs(spec: ProwJobSpec) -> tuple[Refs, ...]:
    return ((spec.refs,) if spec.refs else ()) + spec.extra_refs


def _revision(spec: ProwJobSpec) -> str:
    """The commit or branch of the main repository (`pkg/pod-utils/downwardapi/jobspec.go:205-242`).

    Without refs it is the first extra one that is not `auxiliary`.
    """
    main = spec.refs or next((refs for refs in spec.extra_refs if not refs.auxiliary), None)
    if main is None:
        return ""
    return main.pulls[0].sha if main.pulls else main.base_sha or main.base_ref


def _join(*parts: str) -> str:
    return "/".join(part for part in parts if part)
