"""What each function is told by the template: one dataclass each, and every mistake reported at once."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from typing import TYPE_CHECKING, TypeVar

from prowless.domain.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")


def load(cls: type[T], variables: Mapping[str, str]) -> T:
    """Settings from variables: field `state_bucket` is `STATE_BUCKET`; one that has a default may be absent.

    Raises:
        ConfigError: each variable that is missing, all in one message.
    """
    values: dict[str, str] = {}
    problems: list[str] = []
    for spec in fields(cls):  # type: ignore[arg-type]  # T is always one of the dataclasses below
        name = spec.name.upper()
        text = variables.get(name, "")
        if not text:
            if spec.default is MISSING:
                problems.append(f"environment variable {name} is missing; template.yaml sets it")
            continue
        values[spec.name] = text
    if problems:
        raise ConfigError(problems)
    return cls(**values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """webhook."""

    deliveries_table: str
    state_bucket: str
    deliveries_queue_url: str
    webhook_secret_arn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GitHubAccess:
    """Where GitHub is and which secret opens it."""

    github_api_url: str
    github_secret_arn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch(GitHubAccess):
    """dispatch."""

    deliveries_table: str
    prowjobs_table: str
    control_table: str
    state_bucket: str
    admit_queue_url: str
    config_queue_url: str
    forwards_queue_url: str
    config_sources: str = "[]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Forward:
    """forward. `local_endpoints` are hosts, separated by commas, that may be reached anyhow; never set in AWS."""

    deliveries_table: str
    state_bucket: str
    forwards_queue_url: str
    webhook_secret_arn: str
    max_receives: str
    local_endpoints: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Periodics:
    """periodics."""

    prowjobs_table: str
    control_table: str
    state_bucket: str
    admit_queue_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Admit:
    """admit."""

    prowjobs_table: str
    control_table: str
    state_bucket: str
    state_machine_arn: str
    admit_queue_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepare:
    """prepare."""

    prowjobs_table: str
    state_bucket: str
    github_api_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterAccess:
    """submit, poll, stop and collect: the ways to a cluster. `kubeconfig` stands in for EKS outside AWS."""

    prowjobs_table: str
    state_bucket: str
    cluster_external_id: str = ""
    kubeconfig: str = ""
    kubeconfig_context: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterArtifacts(ClusterAccess):
    """submit and collect, which write beside the artifacts."""

    artifacts_bucket: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report(GitHubAccess):
    """report. `slack_api_url` is another address of Slack's API, for tests; never set in AWS."""

    prowjobs_table: str
    control_table: str
    state_bucket: str
    artifacts_bucket: str
    slack_token_secret_arn: str = ""
    slack_api_url: str = "https://slack.com/api"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconcile(GitHubAccess):
    """reconcile."""

    prowjobs_table: str
    state_bucket: str
    state_machine_arn: str
    admit_queue_url: str
    config_queue_url: str
    config_sources: str = "[]"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigSync(GitHubAccess):
    """config_sync."""

    state_bucket: str
    config_queue_url: str
    config_sources: str = "[]"
