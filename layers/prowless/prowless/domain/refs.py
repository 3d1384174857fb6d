"""Git references of a run and the environment that job authors know (`pkg/pod-utils/downwardapi/jobspec.go:87-202`)."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class JobType(StrEnum):
    """Prow's job types (`pkg/apis/prowjobs/v1/types.go`)."""

    PRESUBMIT = "presubmit"
    POSTSUBMIT = "postsubmit"
    PERIODIC = "periodic"
    BATCH = "batch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pull:
    """A pull request under test, at the commit under test."""

    number: int
    author: str = ""
    sha: str
    title: str = ""
    ref: str = ""
    head_ref: str = ""
    link: str = ""
    commit_link: str = ""
    author_link: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Prow's JSON of a pull; empty fields are left out except the author, as Prow writes it."""
        return {"number": self.number, "author": self.author, **_filled(self, skip=("number", "author"))}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Pull:
        """A pull from its JSON."""
        return cls(**_known(cls, data))


@dataclass(frozen=True, slots=True, kw_only=True)
class Refs:
    """A repository, the base and the pulls merged on it.

    `merged_sha`, ours, is a commit that holds the pulls on the base already (a merge group's head): it is checked out,
    and nothing is merged. Prow has no such field, so its own tools merge the pulls again, to the same content.
    """

    org: str
    repo: str
    repo_link: str = ""
    base_ref: str = ""
    base_sha: str = ""
    base_link: str = ""
    pulls: tuple[Pull, ...] = ()
    path_alias: str = ""
    workdir: bool = False
    auxiliary: bool = False
    clone_uri: str = ""
    skip_submodules: bool = False
    clone_depth: int = 0
    skip_fetch_head: bool = False
    merged_sha: str = ""

    @property
    def repository(self) -> str:
        """`org/repo`."""
        return f"{self.org}/{self.repo}"

    def __str__(self) -> str:
        """`base_ref:base_sha,number:sha[:ref],…`, the value of PULL_REFS."""
        base = f"{self.base_ref}:{self.base_sha}" if self.base_sha else self.base_ref
        return ",".join([base, *(f"{p.number}:{p.sha}" + (f":{p.ref}" if p.ref else "") for p in self.pulls)])

    def to_dict(self) -> dict[str, Any]:
        """Prow's JSON of refs, empty fields left out."""
        data = {"org": self.org, "repo": self.repo, **_filled(self, skip=("org", "repo", "pulls"))}
        if self.pulls:
            data["pulls"] = [pull.to_dict() for pull in self.pulls]
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Refs:
        """Refs from their JSON; unknown keys are ignored."""
        known = _known(cls, data)
        known["pulls"] = tuple(Pull.from_dict(pull) for pull in data.get("pulls") or ())
        return cls(**known)

    def source_location(self) -> tuple[str, str]:
        """(SRC_HOST, SRC_BASE): from the path alias, else the repository's link, else github.com."""
        if self.path_alias:
            host, _, base = self.path_alias.partition("/")
            return host, base
        if self.repo_link:
            host, _, base = self.repo_link.split("://", 1)[-1].partition("/")
            return host, base
        return "github.com", self.repository


def environment(
    *,
    job: str,
    job_type: JobType,
    prowjob: str,
    build_id: str,
    agent: str,
    refs: Refs | None,
    job_spec: Mapping[str, Any],
) -> dict[str, str]:
    """The variables every container of the run gets, Prow's names and values, in Prow's order."""
    env = {
        "CI": "true",
        "JOB_NAME": job,
        "JOB_TYPE": job_type.value,
        "JOB_SPEC": json.dumps(job_spec, separators=(",", ":"), ensure_ascii=False),
        "BUILD_ID": build_id,
        "PROW_JOB_ID": prowjob,
    }
    if agent == "kubernetes":
        env["BUILD_NUMBER"] = build_id
    if job_type is JobType.PERIODIC or refs is None:
        return env
    host, base = refs.source_location()
    env |= {
        "REPO_OWNER": refs.org,
        "REPO_NAME": refs.repo,
        "SRC_HOST": host,
        "SRC_BASE": base,
        "PULL_BASE_REF": refs.base_ref,
        "PULL_BASE_SHA": refs.base_sha,
        "PULL_REFS": str(refs),
    }
    if job_type is JobType.PRESUBMIT and refs.pulls:
        pull = refs.pulls[0]
        env |= {
            "PULL_NUMBER": str(pull.number),
            "PULL_PULL_SHA": pull.sha,
            "PULL_HEAD_REF": pull.head_ref,
            "PULL_TITLE": pull.title,
        }
    return env


def _filled(value: Any, skip: tuple[str, ...]) -> dict[str, Any]:
    return {f.name: v for f in fields(value) if f.name not in skip and (v := getattr(value, f.name))}


def _known(cls: type, data: Mapping[str, Any]) -> dict[str, Any]:
    names = {f.name for f in fields(cls)}
    return {k: v for k, v in data.items() if k in names and v is not None}
