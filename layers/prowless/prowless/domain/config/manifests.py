"""Jobs whose manifests no cluster would get: what `prepare` will refuse, found before a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prowless.domain.config.validate import AGENTS
from prowless.domain.config.warning_names import CANNOT_RUN, POLICY
from prowless.domain.durations import parse_duration_ms
from prowless.domain.errors import ConfigError
from prowless.domain.policy import violations
from prowless.domain.prowjob import header
from prowless.domain.refs import Pull, Refs
from prowless.domain.render import render
from prowless.domain.specs import periodic_spec, postsubmit_spec, presubmit_spec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from prowless.domain.config.central import CentralConfig
    from prowless.domain.config.jobs import Job, Periodic, RepositoryConfig
    from prowless.domain.policy import Violation
    from prowless.domain.prowjob import ProwJobSpec

_PROWJOB = "00000000-0000-0000-0000-000000000000"
_SHA = "0" * 40


def refused_jobs(
    central: CentralConfig, shards: Iterable[RepositoryConfig], periodics: Iterable[Periodic]
) -> Iterator[tuple[str, str, str]]:
    """Place, name of the warning, and reason for each job that cannot be rendered, or breaks its cluster's policy.

    A rule that many jobs of a cluster break has the same reason for all of them, and one for each job.
    Each job is rendered for a pull or branch that does not exist. What depends on the real one is not found out.
    """
    for job, spec in _specs(shards, periodics):
        yield from ((job.source, name, text) for name, text in _refusals(job, spec, central))


def unrunnable(job: Job, central: CentralConfig) -> str:
    """Why every run of a job ends in an error, as far as its cluster and agent tell; empty if they are known."""
    if job.agent not in AGENTS:
        return f"no engine runs agent {job.agent!r}"
    return "" if job.cluster in central.clusters else f"cluster {job.cluster!r} is not configured"


def _specs(shards: Iterable[RepositoryConfig], periodics: Iterable[Periodic]) -> Iterator[tuple[Job, ProwJobSpec]]:
    for shard in shards:
        refs = _refs(shard.repository)
        yield from ((job, presubmit_spec(job, refs)) for job in shard.presubmits)
        yield from ((job, postsubmit_spec(job, refs)) for job in shard.postsubmits)
    yield from ((job, periodic_spec(job)) for job in periodics)


def _refs(repository: str) -> Refs:
    org, _, repo = repository.partition("/")
    return Refs(org=org, repo=repo, base_ref="main", base_sha=_SHA, pulls=(Pull(number=1, sha=_SHA, author="nobody"),))


def _refusals(job: Job, spec: ProwJobSpec, central: CentralConfig) -> dict[tuple[str, str], None]:
    """Why `prepare` would refuse a run; nothing if it would not, or if the job's cluster is not known anyway."""
    cluster = central.clusters.get(job.cluster)
    if cluster is None or job.agent not in AGENTS:
        return {}
    row = header(spec, prowjob=_PROWJOB, build_id="1", cause="", delivery="", created_at=0)
    timeout = spec.decoration_config.get("timeout")
    seconds = (parse_duration_ms(str(timeout)) if timeout else central.default_job_timeout_ms) // 1000
    try:
        manifest = render(spec, row, cluster, timeout_seconds=seconds)
    except ConfigError as error:
        return {(CANNOT_RUN, f"job {job.name} cannot be run: {error}"): None}
    found = violations(manifest, cluster, trusted=not spec.in_repo)
    return {(POLICY, _broken(one, cluster.alias, trusted=not spec.in_repo)): None for one in found}


def _broken(violation: Violation, alias: str, *, trusted: bool) -> str:
    """The rule that is broken and what lifts it, in the same words for every job of a cluster."""
    text = f"cluster {alias!r} refuses {violation.rule} (allowed: {violation.allowed})"
    if not trusted and violation.rule != "service_accounts":
        return f"{text}: nothing lifts that for a repository's own configuration (docs/engines.md)"
    if violation.rule == "service_accounts":
        return f"{text}: list the account in clusters.{alias}.service_accounts in prowless.yaml (docs/engines.md)"
    rule = '"namespace:NAME"' if violation.rule == "namespace" else violation.rule
    return f"{text}: allow it with clusters.{alias}.allow: [{rule}] in prowless.yaml (docs/engines.md)"
