"""prepare: render what the cluster will get, judge it by the manifest policy, and keep it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from prowless.domain.clusters import named_cluster
from prowless.domain.durations import parse_duration_ms
from prowless.domain.errors import PermanentError
from prowless.domain.policy import in_words, violations
from prowless.domain.render import render

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from prowless.domain.clusters import Cluster
    from prowless.domain.prowjob import ProwJobSpec
    from prowless.ports.clock import Clock
    from prowless.ports.config import ConfigSource
    from prowless.usecases.runs import Runs


GITHUB_COM = "https://github.com"


class PrepareRun:
    """Turns a resolved spec into the manifest that will be submitted."""

    def __init__(self, *, runs: Runs, config: ConfigSource, site: str, clock: Clock) -> None:
        """Central configuration names the clusters; `site` is GitHub's address for people and git."""
        self._site = site
        self._runs = runs
        self._config = config
        self._clock = clock

    def __call__(self, prowjob: str) -> dict[str, str]:
        """`{"next": "submit"}`, or `final` for a run that was stopped meanwhile.

        Raises:
            ConfigError: the cluster is unknown or the job cannot be rendered.
            PermanentError: the manifest breaks the policy; the message has each path and what would be allowed.
        """
        job = self._runs.job(prowjob)
        if not job.wanted:
            return {"next": "final"}
        central = self._config.central()
        spec = linked(self._runs.spec(job), self._site)
        cluster = named_cluster(central.clusters, job.cluster)
        timeout = self._timeout_ms(spec, central.default_job_timeout_ms)
        manifest = render(spec, job, cluster, timeout_seconds=timeout // 1000)
        check_policy(manifest, cluster, in_repo=spec.in_repo)
        self._runs.keep_manifest(prowjob, manifest)
        deadline = self._clock.now_ms() + timeout
        self._runs.prowjobs.mutate(prowjob, lambda row: replace(row, deadline_at=row.deadline_at or deadline))
        return {"next": "submit"}

    @staticmethod
    def _timeout_ms(spec: ProwJobSpec, default: int) -> int:
        text = spec.decoration_config.get("timeout")
        return parse_duration_ms(str(text)) if text else default


def web_address(api_url: str) -> str:
    """The address of the GitHub that an API belongs to: of github.com, of an Enterprise Server, or of a fake."""
    if api_url == "https://api.github.com":
        return GITHUB_COM
    return api_url.removesuffix("/api/v3")


def linked(spec: ProwJobSpec, site: str) -> ProwJobSpec:
    """The spec with a link on each extra ref if GitHub is not github.com, from where jobs clone without one."""
    if site == GITHUB_COM:
        return spec
    extra = tuple(
        refs if refs.repo_link or refs.clone_uri else replace(refs, repo_link=f"{site}/{refs.repository}")
        for refs in spec.extra_refs
    )
    return replace(spec, extra_refs=extra)


def check_policy(manifest: Mapping[str, Any], cluster: Cluster, *, in_repo: bool) -> None:
    """Judge a manifest as it will be sent; for in-repo jobs a cluster's `allow` does not count.

    Raises:
        PermanentError: it breaks the cluster's policy.
    """
    found = violations(manifest, cluster, trusted=not in_repo)
    if found:
        raise PermanentError(f"manifest refused by the policy of cluster {cluster.alias!r}: {in_words(found)}")
