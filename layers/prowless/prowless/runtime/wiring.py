"""Parts that several functions are composed of. Adapters are imported inside, as in bootstrap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

OWNERS_NODES = 20_000
"""Values in an OWNERS file; who may merge can make it large, for whoever says `/override`."""

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prowless.domain.config.central import CentralConfig
    from prowless.domain.config.document import Document
    from prowless.domain.config.jobs import RepositoryConfig
    from prowless.domain.view import InRepoConfig
    from prowless.ports.config import ConfigSource
    from prowless.ports.engine import Clusters
    from prowless.ports.github import GitHub
    from prowless.ports.slack import Slack
    from prowless.runtime import settings
    from prowless.runtime.environment import Environment
    from prowless.usecases.records import Records
    from prowless.usecases.runs import Runs, StartRuns


def compile_in_repo(files: Mapping[str, bytes], central: CentralConfig, static: RepositoryConfig) -> InRepoConfig:
    """The InRepoCompiler; what it needs is loaded with the first files that are not known yet."""
    from prowless.adapters.config_files import parse_document
    from prowless.usecases.in_repo_compile import compile_files

    return compile_files(files, central, static, parse=parse_document)


def runs(prowjobs_table: str, state_bucket: str) -> Runs:
    """Rows and files of runs."""
    from prowless.adapters.aws import clients
    from prowless.adapters.aws.objects import S3Objects
    from prowless.adapters.aws.prowjobs import DynamoProwJobs
    from prowless.usecases.runs import Runs

    return Runs(DynamoProwJobs(clients.dynamodb(), prowjobs_table), S3Objects(clients.s3(), state_bucket))


def records(environment: Environment, artifacts_bucket: str) -> Records:
    """Runs' records in the artifacts bucket."""
    from prowless.adapters.aws import clients
    from prowless.adapters.aws.objects import S3Artifacts
    from prowless.usecases.records import Records

    return Records(artifacts=S3Artifacts(clients.s3(), artifacts_bucket), clock=environment.clock)


def config(environment: Environment, state_bucket: str) -> ConfigSource:
    """The configuration in force."""
    from prowless.adapters.aws import clients
    from prowless.adapters.aws.objects import S3Objects
    from prowless.usecases.snapshots import SnapshotConfig

    return SnapshotConfig(S3Objects(clients.s3(), state_bucket), environment.clock)


def starting(environment: Environment, given: settings.Dispatch | settings.Periodics) -> tuple[StartRuns, Any]:
    """What starts runs, and what aborts them."""
    from prowless.adapters.aws import clients
    from prowless.adapters.aws.control import DynamoControl
    from prowless.adapters.aws.machine import StepFunctionsStarter
    from prowless.adapters.aws.queues import SqsAdmitQueue
    from prowless.usecases.runs import AbortRuns, StartRuns

    found = runs(given.prowjobs_table, given.state_bucket)
    admit = SqsAdmitQueue(clients.sqs(), given.admit_queue_url)
    aborts = AbortRuns(prowjobs=found.prowjobs, admit=admit, starter=StepFunctionsStarter(clients.stepfunctions()))
    control = DynamoControl(clients.dynamodb(), given.control_table, given.prowjobs_table)
    return StartRuns(runs=found, control=control, admit=admit, aborts=aborts, clock=environment.clock), aborts


def parse_owners(path: str, data: bytes) -> Document:
    """The document of an OWNERS file; YAML is loaded when the first one comes."""
    from prowless.adapters.config_files import parse_document

    return parse_document(path, data, max_nodes=OWNERS_NODES)


def github(environment: Environment, given: settings.GitHubAccess) -> GitHub:
    """GitHub, as the installation signs in."""
    from prowless.adapters.aws import clients
    from prowless.adapters.aws.secrets import SecretsManagerSecret
    from prowless.adapters.github.github import connect

    secret = SecretsManagerSecret(clients.secretsmanager(), given.github_secret_arn, environment.clock)
    return connect(given.github_api_url, secret.text, environment.clock)


def slack(environment: Environment, given: settings.Report) -> Slack | None:
    """Slack, or None without a token."""
    if not given.slack_token_secret_arn:
        return None
    from prowless.adapters.aws import clients
    from prowless.adapters.aws.secrets import SecretsManagerSecret
    from prowless.adapters.slack import SlackWeb

    secret = SecretsManagerSecret(clients.secretsmanager(), given.slack_token_secret_arn, environment.clock)
    return SlackWeb(given.slack_api_url, secret.text)


def clusters(environment: Environment, given: settings.ClusterAccess) -> Clusters:
    """The clusters that runs go to."""
    from prowless.adapters.kubernetes.clusters import KubernetesClusters

    if given.kubeconfig:
        return KubernetesClusters.from_kubeconfig(given.kubeconfig, given.kubeconfig_context)
    from prowless.adapters.aws.eks import EksAccess

    access = EksAccess(given.cluster_external_id, environment.clock)
    return KubernetesClusters(token=access.token, endpoint=access.endpoint)
