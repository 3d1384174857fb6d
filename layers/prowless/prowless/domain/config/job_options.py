"""Prow's checks of what every kind of job may carry beside its spec, in Prow's words.

Labels and annotations (`config.go:2880`), decoration (`types.go:873-908,1054`), who may rerun (`types.go:335`), clone
addresses (`jobs.go:617`), and what `checkconfig` warns of.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from prowless.domain.config import warning_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prowless.domain.config.jobs import Job

_RESERVED_LABELS = frozenset({"prow.k8s.io/type", "created-by-prow", "prow.k8s.io/id"})
_LABEL_NAME = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_LABEL_PREFIX = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*")
_MAX_PREFIX = 253
_PATH_STRATEGIES = ("legacy", "explicit", "single")
_GCS = "invalid decoration config: GCS configuration is invalid:"
_ALLOW_LISTS = ("github_users", "github_team_ids", "github_team_slugs", "github_orgs")
_MAX_NAME = 63


def option_problems(job: Job) -> Iterator[str]:
    """What is wrong with a job's options."""
    yield from _label_problems(job)
    if job.decorate:
        yield from _decoration_problems(job.decoration_config)
    rerun = job.rerun_auth_config
    if rerun.get("allow_anyone") and any(rerun.get(name) for name in _ALLOW_LISTS):
        yield "allow anyone is set to true and permitted users or groups are specified"
    yield from _clone_problems(job)


def option_warnings(job: Job, repository: str = "") -> Iterator[tuple[str, str]]:
    """What `checkconfig` warns of: names that labels cut off, refs that stand twice (`config.go:2343`).

    Each with the warning's name.
    `repository` is the one that a presubmit is of.
    """
    if len(job.name) > _MAX_NAME:
        text = f"name of job too long (should be at most {_MAX_NAME} characters): Kubernetes' labels keep its beginning"
        yield warning_names.LONG_NAMES, text
    names = [refs.repository for refs in job.extra_refs]
    if repository:
        names.append(repository)
        twice = ",".join(sorted({name for name in names if names.count(name) > 1}))
        if twice:
            text = f"invalid job {job.name} on repo {repository}: the following refs specified more than once: {twice}"
            yield warning_names.DUPLICATE_REFS, text


def _clone_problems(job: Job) -> Iterator[str]:
    """An OAuth token travels over HTTP only. As in Prow, the job's own `clone_uri` switches the check on."""
    if not (job.clone_uri and job.decoration_config.get("oauth_token_secret")):
        return
    places = [("", job.clone_uri)]
    places += [(f"extra_ref[{n}]: ", refs.clone_uri) for n, refs in enumerate(job.extra_refs)]
    for where, written in places:
        address = written[written.find("@") + 1 :]
        try:
            scheme = urlsplit(address).scheme
        except ValueError as exc:
            yield f"{where}couldn't parse uri from clone_uri: {exc}"
            continue
        if scheme not in {"http", "https"}:
            yield f"{where}scheme must be http or https when OAuth secret is specified: {address}"


def _label_problems(job: Job) -> Iterator[str]:
    """`validateLabels`, `validateAnnotation`."""
    for label, value in job.labels.items():
        if label in _RESERVED_LABELS:
            yield f"label {label} is reserved for decoration"
        elif not _qualified(label):
            yield f"invalid label {label}: not a Kubernetes label key"
        elif value and not _LABEL_NAME.fullmatch(value):
            yield f"label {label} has invalid value {value}: at most 63 letters, digits, '-', '_' or '.'"
    for key in job.annotations:
        if not _qualified(key):
            yield f'invalid annotation key "{key}": not a Kubernetes annotation key'


def _qualified(key: str) -> bool:
    prefix, separator, name = key.rpartition("/")
    if separator and not (len(prefix) <= _MAX_PREFIX and _LABEL_PREFIX.fullmatch(prefix)):
        return False
    return bool(_LABEL_NAME.fullmatch(name))


def _decoration_problems(config: Mapping[str, Any]) -> Iterator[str]:
    """The part of `DecorationConfig.Validate` that matters here: we bring our own utilities and have a bucket."""
    gcs = config.get("gcs_configuration") or {}
    strategy = gcs.get("path_strategy") or "explicit"
    if strategy not in _PATH_STRATEGIES:
        yield f'{_GCS} gcs_path_strategy must be one of "legacy", "explicit", or "single"'
    elif strategy != "explicit" and not (gcs.get("default_org") and gcs.get("default_repo")):
        yield f'{_GCS} default org and repo must be provided for GCS strategy "{strategy}"'
    if config.get("oauth_token_secret") and config.get("ssh_key_secrets"):
        yield "invalid decoration config: both OAuth token and SSH key secrets are specified"
