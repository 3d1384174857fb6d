"""Jobs whose manifests no cluster would get: what `prepare` will refuse, found before a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prowless.domain.durations import parse_duration_ms
from prowless.domain.errors import ConfigError
from prowless.domain.policy import in_words, violations
from prowless.domain.prowjob import header
from prowless.domain.refs import Pull, Refs
from prowless.domain.render import render
from prowless.domain.specs import periodic_spec, postsubmit_spec, presubmit_spec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from prowless.domain.config.central import CentralConfig
    from prowless.domain.config.jobs import Job, Periodic, RepositoryConfig
    from prowless.domain.prowjob import ProwJobSpec

_PROWJOB = "00000000-0000-0000-0000-000000000000"
_SHA = "0" * 40
_NEVER_RUN = frozenset({"jenkins"})


def refused_jobs(
    central: CentralConfig, shards: Iterable[RepositoryConfig], periodics: Iterable[Periodic]
) -> Iterator[tuple[str, str]]:
    """Place and reason of each job of a configured cluster that cannot be rendered or breaks the cluster's policy.

    Each job is rendered for a pull or branch that does not exist. What depends on the real one is not found out.
    """
    for job, spec in _specs(shards, periodics):
        if reason := _refusal(job, spec, central):
            yield job.source, reason


def _specs(shards: Iterable[RepositoryConfig], periodics: Iterable[Periodic]) -> Iterator[tuple[Job, ProwJobSpec]]:
    for shard in shards:
        refs = _refs(shard.repository)
        yield from ((job, presubmit_spec(job, refs)) for job in shard.presubmits)
        yield from ((job, postsubmit_spec(job, refs)) for job in shard.postsubmits)
    yield from ((job, periodic_spec(job)) for job in periodics)


def _refs(repository: str) -> Refs:
    org, _, repo = repository.partition("/")
    return Refs(org=org, repo=repo, base_ref="main", base_sha=_SHA, pulls=(Pull(number=1, sha=_SHA, author="nobody"),))


def _refusal(job: Job, spec: ProwJobSpec, central: CentralConfig) -> str:
    """Why `prepare` would refuse a run; empty if it would not, or if the job's cluster is not known anyway."""
    cluster = central.clusters.get(job.cluster)
    if cluster is None or job.agent in _NEVER_RUN:
        return ""
    row = header(spec, prowjob=_PROWJOB, build_id="1", cause="", delivery="", created_at=0)
    timeout = spec.decoration_config.get("timeout")
    seconds = (parse_duration_ms(str(timeout)) if timeout else central.default_job_timeout_ms) // 1000
    try:
        manifest = render(spec, row, cluster, timeout_seconds=seconds)
    except ConfigError as error:
        return f"job {job.name} cannot be run: {error}"
    found = violations(manifest, cluster, trusted=not spec.in_repo)
    return f"job {job.name} breaks the policy of cluster {cluster.alias!r}: {in_words(found)}" if found else ""
