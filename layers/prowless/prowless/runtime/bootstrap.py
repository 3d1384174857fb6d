"""The composition of each function. Adapters are imported inside, so that a function loads only its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prowless.runtime import settings, wiring

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from prowless.runtime.boundary import Persistent
    from prowless.runtime.environment import Environment
    from prowless.usecases.receive import ReceiveDelivery


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
    start, aborts = wiring.starting(environment, given)
    control = DynamoControl(clients.dynamodb(), given.control_table, given.prowjobs_table)
    deliveries = DynamoDeliveries(clients.dynamodb(), given.deliveries_table)
    config, github = wiring.config(environment, given.state_bucket), wiring.github(environment, given)
    return DispatchDelivery(
        deliveries=deliveries,
        state=state,
        config=config,
        in_repo=InRepoConfigs(
            github=github, objects=state, config=config, compile_files=wiring.compile_in_repo, ignore_rules=ignore_rules
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
        parse_owners=wiring.parse_owners,
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
        config=wiring.config(environment, given.state_bucket),
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
    start, _ = wiring.starting(environment, given)
    return StartPeriodics(
        config=wiring.config(environment, given.state_bucket),
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
    runs = wiring.runs(given.prowjobs_table, given.state_bucket)
    return AdmitRuns(
        runs=runs,
        control=DynamoControl(clients.dynamodb(), given.control_table, given.prowjobs_table),
        config=wiring.config(environment, given.state_bucket),
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
    runs = wiring.runs(given.prowjobs_table, given.state_bucket)
    prepare = PrepareRun(
        runs=runs,
        config=wiring.config(environment, given.state_bucket),
        site=web_address(given.github_api_url),
        clock=environment.clock,
    )
    return lambda event: prepare(event["prowjob"])


def submit_run(environment: Environment) -> Callable[[dict[str, Any]], Any]:
    """Submit."""
    from prowless.usecases.submit import SubmitRun

    given = settings.load(settings.ClusterArtifacts, environment.variables)
    submit = SubmitRun(
        runs=wiring.runs(given.prowjobs_table, given.state_bucket),
        config=wiring.config(environment, given.state_bucket),
        clusters=wiring.clusters(environment, given),
        records=wiring.records(environment, given.artifacts_bucket),
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
        runs=wiring.runs(given.prowjobs_table, given.state_bucket),
        config=wiring.config(environment, given.state_bucket),
        clusters=wiring.clusters(environment, given),
        starter=StepFunctionsStarter(clients.stepfunctions()),
        clock=environment.clock,
    )
    return lambda event: poll(event["prowjob"], event["token"])


def stop_run(environment: Environment) -> Callable[[dict[str, Any]], Any]:
    """Stop."""
    from prowless.usecases.stop import StopRun

    given = settings.load(settings.ClusterAccess, environment.variables)
    return StopRun(
        runs=wiring.runs(given.prowjobs_table, given.state_bucket),
        config=wiring.config(environment, given.state_bucket),
        clusters=wiring.clusters(environment, given),
        clock=environment.clock,
    )


def collect_run(environment: Environment) -> Callable[[dict[str, Any]], Any]:
    """Collect."""
    from prowless.usecases.collect import CollectRun

    given = settings.load(settings.ClusterArtifacts, environment.variables)
    collect = CollectRun(
        runs=wiring.runs(given.prowjobs_table, given.state_bucket),
        config=wiring.config(environment, given.state_bucket),
        clusters=wiring.clusters(environment, given),
        records=wiring.records(environment, given.artifacts_bucket),
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
    runs, config = wiring.runs(given.prowjobs_table, given.state_bucket), wiring.config(environment, given.state_bucket)
    report = ReportRun(
        runs=runs,
        config=config,
        control=DynamoControl(clients.dynamodb(), given.control_table, given.prowjobs_table),
        github=wiring.github(environment, given),
        slack=TellSlack(
            runs=runs, config=config, slack=wiring.slack(environment, given), pause=environment.clock.sleep
        ),
        records=wiring.records(environment, given.artifacts_bucket),
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
        config=wiring.config(environment, given.state_bucket),
        starter=starter,
        finish=FinishRuns(prowjobs=prowjobs, starter=starter, admit=admit),
        admit=admit,
        watch=WatchSources(
            repositories=ConfigRepository.parse(given.config_sources),
            github=wiring.github(environment, given),
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
    github = wiring.github(environment, given)
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
