"""The labels and annotations by which a run's objects are found (`pkg/pod-utils/decorate/podspec.go:105-183`)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from prowless.domain.refs import JobType

if TYPE_CHECKING:
    from prowless.domain.prowjob import ProwJob, ProwJobSpec

ID = "prow.k8s.io/id"
CREATED_BY_PROW = "created-by-prow"
_PREFIX = "prow.k8s.io/"
_MAX_VALUE = 63
_VALUE = re.compile(r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")


def labels_and_annotations(spec: ProwJobSpec, job: ProwJob) -> tuple[dict[str, str], dict[str, str]]:
    """Prow's labels and annotations of a run.

    The job's own labels win over Prow's, except the id and the build id. A value that is no legal label value is
    replaced by its last path segment, else left out.
    """
    full = {f"{_PREFIX}job": spec.job, f"{_PREFIX}context": spec.context}
    labels = {CREATED_BY_PROW: "true", f"{_PREFIX}type": spec.type.value}
    labels |= {key: _shortened(value) for key, value in full.items()}
    refs = spec.refs or next(iter(spec.extra_refs), None)
    if refs:
        labels |= {
            f"{_PREFIX}refs.org": refs.org,
            f"{_PREFIX}refs.repo": refs.repo,
            f"{_PREFIX}refs.base_ref": refs.base_ref,
        }
        if refs.pulls:
            labels[f"{_PREFIX}refs.pull"] = str(refs.pulls[0].number)
    labels |= {key: str(value) for key, value in spec.labels.items()}
    if spec.type is JobType.PRESUBMIT:
        labels[f"{_PREFIX}is-optional"] = "true" if spec.optional else "false"
    labels |= {ID: job.id, f"{_PREFIX}build-id": job.build_id}
    annotations = full | {key: str(value) for key, value in spec.annotations.items()}
    return _legal(labels), annotations


def _shortened(value: str) -> str:
    return value if len(value) <= _MAX_VALUE else value[:_MAX_VALUE].rstrip("._-")


def _legal(labels: dict[str, str]) -> dict[str, str]:
    legal: dict[str, str] = {}
    for key, value in labels.items():
        for candidate in (value, value.rstrip("/").rpartition("/")[2]):
            if _VALUE.fullmatch(candidate):
                legal[key] = candidate
                break
    return legal
