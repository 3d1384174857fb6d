"""The composition of each function. Adapters are imported inside, so that a function loads only its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prowless.runtime import settings

OWNERS_NODES = 20_000
"""Values in an OWNERS file; who may merge can make it large, for whoever says `/override`."""

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from prowless.domain.config.central import CentralConfig
    from prowless.domain.config.document import Document
    from prowless.domain.config.jobs import RepositoryConfig
    from prowless.domain.decisions import InRepoConfig
    from prowless.ports.config import ConfigSource
    from prowless.ports.engine import Clusters
    from prowless.ports.github import GitHub
    from prowless.ports.slack import Slack
    from prowless.runtime.boundary import Persistent
    from prowless.runtime.environment import Environment
    from prowless.usecases.receive import ReceiveDelivery
    from prowless.usecases.records import Records
    from prowless.usecases.runs import Runs, StartRuns


def accept_webhook(environment: Environment) -> ReceiveDelivery:
    """Webhook."""
    from prowless.adapters.aws import clients
    from prowless.adapters.aws.deliveries import DynamoDeliveries
    from prowless.adapters.aws.objects import S3Objects
    from prowless.adapters.aws.queues import SqsDeliveryQueue
    from prowless.adapters.aws.secrets import SecretsManagerSecret
    from prowless.usecases.receive import ReceiveDelivery

    given = settings.load(settings.Webhook, environment.variables)
    secret = SecretsManagerSecret(clients.secretsmanager(), given.webhook_secret_arn, environment.clock)
    return ReceiveDelivery(
        deliveries=DynamoDeliveries(clients.dynamodb(), given.deliveries_table),
        bodies=S3Objects(clients.s3(), given.state_bucket),
        queue=SqsDeliveryQueue(clients.sqs(), given.deliveries_queue_url),
        secrets=lambda refresh: secret.refresh() if refresh else secret.text(),
        clock=environment.clock,
    )


def dispatch_delivery(environment: Environment) -> Callable[[Iterable[Mapping[str, Any]]], None]:
    """Dispatch."""
    from prowless.adapters.aws import clients
    from prowless.adapters.aws.control import DynamoControl
    from prowless.adapters.aws.deliveries import DynamoDeliveries
    from prowless.adapters.aws.objects import S3Objects
    from prowless.adapters.aws.queues import SqsConfigQueue, SqsForwardQueue
    from prowless.adapters.prowignore import ignore_rules
    from prowless.usecases.config_sources import ConfigRepository
    from prowless.usecases.dispatch import DispatchDelivery
    from prowless.usecases.forwards import RequestForwards
    from prowless.usecases.in_repo import InRepoConfigs
    from prowless.usecases.ledgers import PullLedgers

    given = settings.load(settings.Dispatch, environment.variables)
    state = S3Objects(clients.s3(), given.state_bucket)
    start, aborts = _starting(environment, given)
    control = DynamoControl(clients.dynamodb(), given.control_table, given.prowjobs_table)
    deliveries = DynamoDeliveries(clients.dynamodb(), given.deliveries_table)
    config, github = _config(environment, given.state_bucket), _github(environment, given)
    return DispatchDelivery(
        deliveries=deliveries,
        state=state,
        config=config,
        in_repo=InRepoConfigs(
            github=github, objects=state, config=config, compile_files=_compile_in_repo, ignore_rules=ignore_rules
        ),
        github=github,
        start=start,
        aborts=aborts,
        ledgers=PullLedgers(control, environment.clock),
        configuration=SqsConfigQueue(clients.sqs(), given.config_queue_url),
        forwards=RequestForwards(
            config=config,
            deliveries=deliveries,
            queue=SqsForwardQueue(clients.sqs(), given.forwards_queue_url),
            clock=environment.clock,
        ),
        sources=frozenset((source.repository, source.ref) for source in ConfigRepository.parse(given.config_sources)),
        pause=environment.clock.sleep,
        parse_owners=_parse_owners,
    )


def forward_delivery(environment: Environment) -> Persistent:
    """Forward."""
    import random

    from prowless.adapters.aws import clients
    from prowless.adapters.aws.deliveries import DynamoDeliveries
    from prowless.adapters.aws.objects import S3Objects
    from prowless.adapters.aws.queues import SqsForwardQueue
    from prowless.adapters.aws.secrets import SecretsManagerSecret
    from prowless.adapters.endpoints import HttpEndpoints
    from prowless.runtime.boundary import Persistent
    from prowless.usecases.forward import ForwardDelivery

    given = settings.load(settings.Forward, environment.variables)
    forward = ForwardDelivery(
        deliveries=DynamoDeliveries(clients.dynamodb(), given.deliveries_table),
        state=S3Objects(clients.s3(), given.state_bucket),
        config=_config(environment, given.state_bucket),
        endpoints=HttpEndpoints(local=filter(None, given.local_endpoints.split(","))),
        secrets=SecretsManagerSecret(clients.secretsmanager(), given.webhook_secret_arn, environment.clock).text,
        max_receives=int(given.max_receives),
        clock=environment.clock,
    )
    queue = SqsForwardQueue(clients.sqs(), given.forwards_queue_url)
    return Persistent(handle=forward, postpone=queue.postpone, spread=random.random)


def start_periodics(environment: Environment) -> Callable[[dict[str, Any]], Any]:
    """Periodics."""
    from prowless.adapters.aws import clients
    from prowless.adapters.aws.control import DynamoControl
    from prowless.adapters.aws.objects import S3Objects
    from prowless.adapters.aws.prowjobs import DynamoProwJobs
    from prowless.usecases.periodics import StartPeriodics

    given = settings.load(settings.Periodics, environment.variables)
    start, _ = _starting(environment, given)
    return StartPeriodics(
        config=_config(environment, given.state_bucket),
        control=DynamoControl(clients.dynamodb(), given.control_table, given.prowjobs_table),
        prowjobs=DynamoProwJobs(clients.dynamodb(), given.prowjobs_table),
        start=start,
        state=S3Objects(clients.s3(), given.state_bucket),
        clock=environment.clock,
    )


def admit_runs(environment: Environment) -> Callable[[Iterable[Mapping[str, Any]]], None]:
    """Admit."""
    from prowless.adapters.aws import clients
    from prowless.adapters.aws.control import DynamoControl
    from prowless.adapters.aws.machine import StepFunctionsStarter
    from prowless.adapters.aws.queues import SqsAdmitQueue
    from prowless.usecases.admit import AdmitRuns
    from prowless.usecases.finish import FinishRuns

    given = settings.load(settings.Admit, environment.variables)
    runs = _runs(given.prowjobs_table, given.state_bucket)
    return AdmitRuns(
        runs=runs,
        control=DynamoControl(clients.dynamodb(), given.control_table, given.prowjobs_table),
        config=_config(environment, given.state_bucket),
        finish=FinishRuns(
            prowjobs=runs.prowjobs,
            starter=StepFunctionsStarter(clients.stepfunctions(), given.state_machine_arn),
            admit=SqsAdmitQueue(clients.sqs(), given.admit_queue_url),
        ),
        clock=environment.clock,
    )


def prepare_run(environment: Environment) -> Callable[[dict[str, Any]], Any]:
    """Prepare."""
    from prowless.usecases.prepare import PrepareRun, web_address

    given = settings.load(settings.Prepare, environment.variables)
    runs = _runs(given.prowjobs_table, given.state_bucket)
    prepare = PrepareRun(
        runs=runs,
        config=_config(environment, given.state_bucket),
        site=web_address(given.github_api_url),
        clock=environment.clock,
    )
    return lambda event: prepare(event["prowjob"])


def submit_run(environment: Environment) -> Callable[[dict[str, Any]], Any]:
    """Submit."""
    from prowless.usecases.submit import SubmitRun

    given = settings.load(settings.ClusterArtifacts, environment.variables)
    submit = SubmitRun(
        runs=_runs(given.prowjobs_table, given.state_bucket),
        config=_config(environment, given.state_bucket),
        clusters=_clusters(environment, given),
        records=_records(environment, given.artifacts_bucket),
        clock=environment.clock,
    )
    return lambda event: submit(event["prowjob"])


def poll_run(environment: Environment) -> Callable[[dict[str, Any]], Any]:
    """Poll."""
    from prowless.adapters.aws import clients
    from prowless.adapters.aws.machine import StepFunctionsStarter
    from prowless.usecases.poll import PollRun

    given = settings.load(settings.ClusterAccess, environment.variables)
    poll = PollRun(
        runs=_runs(given.prowjobs_table, given.state_bucket),
        config=_config(environment, given.state_bucket),
        clusters=_clusters(environment, given),
        starter=StepFunctionsStarter(clients.stepfunctions()),
        clock=environment.clock,
    )
    return lambda event: poll(event["prowjob"], event["token"])


def stop_run(environment: Environment) -> Callable[[dict[str, Any]], Any]:
    """Stop."""
    from prowless.usecases.stop import StopRun

    given = settings.load(settings.ClusterAccess, environment.variables)
    return StopRun(
        runs=_runs(given.prowjobs_table, given.state_bucket),
        config=_config(environment, given.state_bucket),
        clusters=_clusters(environment, given),
        clock=environment.clock,
    )


def collect_run(environment: Environment) -> Callable[[dict[str, Any]], Any]:
    """Collect."""
    from prowless.usecases.collect import CollectRun

    given = settings.load(settings.ClusterArtifacts, environment.variables)
    collect = CollectRun(
        runs=_runs(given.prowjobs_table, given.state_bucket),
        config=_config(environment, given.state_bucket),
        clusters=_clusters(environment, given),
        records=_records(environment, given.artifacts_bucket),
        clock=environment.clock,
    )
    return lambda event: collect(event["prowjob"], event.get("cursor"))


def report_run(environment: Environment) -> Callable[[dict[str, Any]], Any]:
    """Report."""
    from prowless.adapters.aws import clients
    from prowless.adapters.aws.control import DynamoControl
    from prowless.usecases.report import ReportRun
    from prowless.usecases.tell_slack import TellSlack

    given = settings.load(settings.Report, environment.variables)
    runs, config = _runs(given.prowjobs_table, given.state_bucket), _config(environment, given.state_bucket)
    report = ReportRun(
        runs=runs,
        config=config,
        control=DynamoControl(clients.dynamodb(), given.control_table, given.prowjobs_table),
        github=_github(environment, given),
        slack=TellSlack(runs=runs, config=config, slack=_slack(environment, given), pause=environment.clock.sleep),
        records=_records(environment, given.artifacts_bucket),
        clock=environment.clock,
    )
    phases = {"pending": report.pending, "final": report.final, "slack": report.slack}
    return lambda event: phases[event["phase"]](event["prowjob"])


def reconcile(environment: Environment) -> Callable[[dict[str, Any]], Any]:
    """Reconcile."""
    from prowless.adapters.aws import clients
    from prowless.adapters.aws.machine import StepFunctionsStarter
    from prowless.adapters.aws.objects import S3Objects
    from prowless.adapters.aws.prowjobs import DynamoProwJobs
    from prowless.adapters.aws.queues import SqsAdmitQueue, SqsConfigQueue
    from prowless.usecases.config_sources import ConfigRepository
    from prowless.usecases.config_watch import WatchSources
    from prowless.usecases.finish import FinishRuns
    from prowless.usecases.reconcile import Reconcile

    given = settings.load(settings.Reconcile, environment.variables)
    prowjobs = DynamoProwJobs(clients.dynamodb(), given.prowjobs_table)
    starter = StepFunctionsStarter(clients.stepfunctions(), given.state_machine_arn)
    admit = SqsAdmitQueue(clients.sqs(), given.admit_queue_url)
    return Reconcile(
        prowjobs=prowjobs,
        config=_config(environment, given.state_bucket),
        starter=starter,
        finish=FinishRuns(prowjobs=prowjobs, starter=starter, admit=admit),
        admit=admit,
        watch=WatchSources(
            repositories=ConfigRepository.parse(given.config_sources),
            github=_github(environment, given),
            objects=S3Objects(clients.s3(), given.state_bucket),
            queue=SqsConfigQueue(clients.sqs(), given.config_queue_url),
            clock=environment.clock,
        ),
        clock=environment.clock,
    )


def sync_config(environment: Environment) -> Persistent:
    """config_sync."""
    from prowless.adapters.aws import clients
    from prowless.adapters.aws.objects import S3Objects
    from prowless.adapters.aws.queues import SqsConfigQueue
    from prowless.adapters.config_files import parse_document
    from prowless.adapters.prowignore import ignore_rules
    from prowless.runtime.boundary import Persistent
    from prowless.usecases.config_check import CheckPull
    from prowless.usecases.config_reading import ConfigReader
    from prowless.usecases.config_sources import ConfigRepository
    from prowless.usecases.config_sync import SyncConfig

    given = settings.load(settings.ConfigSync, environment.variables)
    github = _github(environment, given)
    objects = S3Objects(clients.s3(), given.state_bucket)
    repositories = ConfigRepository.parse(given.config_sources)
    reader = ConfigReader(github=github, parse=parse_document, ignore_rules=ignore_rules, clock=environment.clock)
    sync = SyncConfig(repositories=repositories, github=github, objects=objects, reader=reader, clock=environment.clock)
    check = CheckPull(
        repositories=repositories, github=github, objects=objects, reader=reader, pause=environment.clock.sleep
    )
    return Persistent(
        handle=lambda message, _receives: (
            check(message["check"], message["pull"]) if "check" in message else sync(message["sync"])
        ),
        postpone=SqsConfigQueue(clients.sqs(), given.config_queue_url).postpone,
    )


def _compile_in_repo(files: Mapping[str, bytes], central: CentralConfig, static: RepositoryConfig) -> InRepoConfig:
    """The InRepoCompiler; what it needs is loaded with the first files that are not known yet."""
    from prowless.adapters.config_files import parse_document
    from prowless.usecases.in_repo_compile import compile_files

    return compile_files(files, central, static, parse=parse_document)


def _runs(prowjobs_table: str, state_bucket: str) -> Runs:
    from prowless.adapters.aws import clients
    from prowless.adapters.aws.objects import S3Objects
    from prowless.adapters.aws.prowjobs import DynamoProwJobs
    from prowless.usecases.runs import Runs

    return Runs(DynamoProwJobs(clients.dynamodb(), prowjobs_table), S3Objects(clients.s3(), state_bucket))


def _records(environment: Environment, artifacts_bucket: str) -> Records:
    from prowless.adapters.aws import clients
    from prowless.adapters.aws.objects import S3Artifacts
    from prowless.usecases.records import Records

    return Records(artifacts=S3Artifacts(clients.s3(), artifacts_bucket), clock=environment.clock)


def _config(environment: Environment, state_bucket: str) -> ConfigSource:
    from prowless.adapters.aws import clients
    from prowless.adapters.aws.objects import S3Objects
    from prowless.usecases.snapshots import SnapshotConfig

    return SnapshotConfig(S3Objects(clients.s3(), state_bucket), environment.clock)


def _starting(environment: Environment, given: settings.Dispatch | settings.Periodics) -> tuple[StartRuns, Any]:
    from prowless.adapters.aws import clients
    from prowless.adapters.aws.control import DynamoControl
    from prowless.adapters.aws.machine import StepFunctionsStarter
    from prowless.adapters.aws.queues import SqsAdmitQueue
    from prowless.usecases.runs import AbortRuns, StartRuns

    runs = _runs(given.prowjobs_table, given.state_bucket)
    admit = SqsAdmitQueue(clients.sqs(), given.admit_queue_url)
    aborts = AbortRuns(prowjobs=runs.prowjobs, admit=admit, starter=StepFunctionsStarter(clients.stepfunctions()))
    control = DynamoControl(clients.dynamodb(), given.control_table, given.prowjobs_table)
    return StartRuns(runs=runs, control=control, admit=admit, aborts=aborts, clock=environment.clock), aborts


def _parse_owners(path: str, data: bytes) -> Document:
    """The document of an OWNERS file; YAML is loaded when the first one comes."""
    from prowless.adapters.config_files import parse_document

    return parse_document(path, data, max_nodes=OWNERS_NODES)


def _github(environment: Environment, given: settings.GitHubAccess) -> GitHub:
    from prowless.adapters.aws import clients
    from prowless.adapters.aws.secrets import SecretsManagerSecret
    from prowless.adapters.github.github import connect

    secret = SecretsManagerSecret(clients.secretsmanager(), given.github_secret_arn, environment.clock)
    return connect(given.github_api_url, secret.text, environment.clock)


def _slack(environment: Environment, given: settings.Report) -> Slack | None:
    if not given.slack_token_secret_arn:
        return None
    from prowless.adapters.aws import clients
    from prowless.adapters.aws.secrets import SecretsManagerSecret
    from prowless.adapters.slack import SlackWeb

    secret = SecretsManagerSecret(clients.secretsmanager(), given.slack_token_secret_arn, environment.clock)
    return SlackWeb(given.slack_api_url, secret.text)


def _clusters(environment: Environment, given: settings.ClusterAccess) -> Clusters:
    from prowless.adapters.kubernetes.clusters import KubernetesClusters

    if given.kubeconfig:
        return KubernetesClusters.from_kubeconfig(given.kubeconfig, given.kubeconfig_context)
    from prowless.adapters.aws.eks import EksAccess

    access = EksAccess(given.cluster_external_id, environment.clock)
    return KubernetesClusters(token=access.token, endpoint=access.endpoint)
