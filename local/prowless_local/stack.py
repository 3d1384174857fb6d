"""Everything at once: AWS, GitHub, clusters, and the functions between them as the template wires them."""

from __future__ import annotations

import hashlib
import json
import secrets
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from prowless.adapters.aws import clients
from prowless.adapters.aws.objects import S3Objects
from prowless.adapters.aws.prowjobs import DynamoProwJobs
from prowless.adapters.config_files import read_folder
from prowless.domain.config.compile import compile_sources
from prowless.domain.config.external_plugins import LOCAL_HOSTS
from prowless.domain.refs import JobType
from prowless.usecases.snapshots import publish
from prowless_local.aws.stack import EmbeddedAws
from prowless_local.clock import WallClock
from prowless_local.cluster import EmbeddedCluster, write_kubeconfig
from prowless_local.github import FakeGitHub
from prowless_local.places import TEMPLATE
from prowless_local.view import ArtifactPages

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from prowless.domain.config.snapshot import Snapshot
    from prowless.domain.prowjob import ProwJob
    from prowless_local.clock import Clock
    from prowless_local.cluster.runners import Runner
    from prowless_local.cluster.server import RunnerName

APP_ID = 4711
_app_keys: dict[int, str] = {}
"""A new RSA key takes as long as the rest of a second stack's start, so a process keeps one."""
_CLUSTER_FUNCTIONS = ("submit", "poll", "stop", "collect")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the stack consists of. Without `kubeconfig` and `github_token` the clusters and GitHub are embedded.

    `schedules` and `webhooks` say whether events come by themselves. `parameters` are further values for the template's
    parameters. With `user`, the embedded GitHub knows us by that user's token and not as an App. `slack_url` is a
    stand-in for Slack's API, on this machine.
    """

    config: Path
    kubeconfig: str = ""
    context: str = ""
    github_token: str = ""
    runner: RunnerName | Runner = "process"
    http_port: int = 0
    endpoint_port: int | None = None
    schedules: bool = True
    webhooks: bool = True
    webhook_secret: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    slack_url: str = ""


class Stack:
    """An installation of Prowless on this machine; its state is in memory and gone when it is closed.

    Attributes:
        github: the fake, or None if the real one is used.
        clusters: the embedded clusters by alias, empty if a kubeconfig is used.
        warnings: what the configuration holds that has no effect, each with its file and line.
    """

    def __init__(
        self,
        options: Options,
        *,
        clock: Clock | None = None,
        note: Callable[[str], None] = lambda _: None,
        prepared: Callable[[Stack], None] = lambda _: None,
    ) -> None:
        """`note` is told, once each, what the user should know about the stand-ins.

        `prepared` is called when all parts run, before GitHub's events begin to come.
        """
        self._prepared = prepared
        self.options = options
        self.clock: Clock = clock or WallClock()
        self.webhook_secret = options.webhook_secret or secrets.token_hex(16)
        self.snapshot = compile_sources(read_folder(options.config))
        self.warnings = (*self.snapshot.warnings, *self.snapshot.notes)
        self.github: FakeGitHub | None = None
        self.clusters: dict[str, EmbeddedCluster] = {}
        self._note = once(note)
        self._folder = tempfile.TemporaryDirectory(prefix="prowless-")
        self._pages: ArtifactPages | None = None
        self.aws: EmbeddedAws = self._compose()

    def _compose(self) -> EmbeddedAws:
        parameters = dict(self.options.parameters)
        if self.options.github_token:
            github_secret = json.dumps({"token": self.options.github_token})
        else:
            self.github = FakeGitHub(clock=self.clock)
            key = _app_keys.setdefault(APP_ID, self.github.create_app(APP_ID, _app_keys.get(APP_ID)).private_key_pem)
            github_secret = json.dumps({"app_id": APP_ID, "private_key": key})
            if self.options.user:
                github_secret = json.dumps({"token": self.github.create_token(self.options.user)})
            parameters["GitHubApiUrl"] = self.github.url
        return EmbeddedAws(
            TEMPLATE,
            parameters,
            clock=self.clock,
            extra_environment={
                **dict.fromkeys(_CLUSTER_FUNCTIONS, self._cluster_environment()),
                "report": {"SLACK_API_URL": self.options.slack_url} if self.options.slack_url else {},
                "forward": {"LOCAL_ENDPOINTS": ",".join(sorted(LOCAL_HOSTS))},
            },
            secrets={"GitHubSecret": github_secret, "WebhookSecret": self.webhook_secret},
            http_port=self.options.http_port,
            endpoint_port=self.options.endpoint_port,
            schedules=self.options.schedules,
        )

    def _cluster_environment(self) -> dict[str, str]:
        if self.options.kubeconfig:
            return {"KUBECONFIG": self.options.kubeconfig, "KUBECONFIG_CONTEXT": self.options.context}
        for alias in json.loads(self.snapshot.files["central.json"])["clusters"]:
            self.clusters[alias] = EmbeddedCluster(
                alias,
                runner=self.options.runner,
                clock=self.clock,
                scratch=Path(self._folder.name),
                on_note=self._note,
                tls=True,
            )
        return {"KUBECONFIG": str(self.kubeconfig)}

    def start(self) -> Self:
        """Start all parts, publish the configuration, and point GitHub's webhook here.

        Raises:
            ConfigError: the functions' settings do not fit the template.
        """
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def _start(self) -> None:
        for cluster in self.clusters.values():
            cluster.start()
        if self.clusters:
            write_kubeconfig(self.kubeconfig, list(self.clusters.values()))
        if self.github:
            self.github.start()
        self.aws.start()
        self._pages = ArtifactPages(self.aws.client("s3")).start()
        self.push(self.snapshot)
        self.aws.build_functions()
        self._prepared(self)
        if self.github and self.options.webhooks:
            self.github.add_hook(self.webhook_url, self.webhook_secret, scope="app")

    def close(self) -> None:
        """Stop all parts and forget everything."""
        for part in (self.github, self.aws, self._pages, *self.clusters.values()):
            if part:
                part.close()
        clients.forget()  # Lambda keeps them for a process; a process may have another stack after this one
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def webhook_url(self) -> str:
        """Where GitHub sends deliveries."""
        return f"{self.aws.http_url}/github/webhook"

    @property
    def kubeconfig(self) -> Path:
        """The file with the embedded clusters' addresses and tokens."""
        return Path(self._folder.name) / "kubeconfig"

    @property
    def pages_url(self) -> str:
        """Where people look at artifacts."""
        return self._pages.url if self._pages else ""

    @property
    def state(self) -> S3Objects:
        """The state bucket."""
        return S3Objects(self.aws.client("s3"), self.aws.resources["StateBucket"].ref)

    @property
    def artifacts(self) -> S3Objects:
        """The stack's own artifact bucket."""
        return S3Objects(self.aws.client("s3"), self.aws.resources["ArtifactsBucket"].ref)

    @property
    def prowjobs(self) -> DynamoProwJobs:
        """The ProwJobs table."""
        return DynamoProwJobs(self.aws.client("dynamodb"), self.aws.resources["ProwJobsTable"].ref)

    def periodic_runs(self, job: str) -> list[ProwJob]:
        """A periodic's newest runs, newest first."""
        return self.prowjobs.of_job(JobType.PERIODIC, "", job, 10)

    def ended_at(self, run: ProwJob) -> int:
        """When the run's object ended, in epoch milliseconds of whole seconds; 0 if no embedded cluster knows."""
        cluster = self.clusters.get(run.cluster)
        if cluster is None or not run.object:
            return 0
        return cluster.ended_at(run.object["kind"], run.object["namespace"], run.object["name"])

    def push(self, snapshot: Snapshot) -> None:
        """Publish a compiled configuration, its links pointing at this stack's pages unless it says otherwise."""
        sources = {str(self.options.config): "working tree"}
        publish(linked(snapshot, f"{self.pages_url}/view/"), self.state, sources, self.clock.now_ms())


def once(note: Callable[[str], None]) -> Callable[[str], None]:
    """The same, but each text is said only the first time: every cluster has the same to say."""
    said: set[str] = set()

    def say(text: str) -> None:
        if text not in said:
            said.add(text)
            note(text)

    return say


def linked(snapshot: Snapshot, prefix: str) -> Snapshot:
    """The snapshot with a `job_url_prefix_config` for everything, if it has none."""
    central = json.loads(snapshot.files["central.json"])
    if central.get("job_url_prefix_config"):
        return snapshot
    data = json.dumps({**central, "job_url_prefix_config": {"*": prefix}}, sort_keys=True).encode()
    digest = hashlib.sha256(snapshot.hash.encode() + data).hexdigest()[:32]
    return replace(snapshot, hash=digest, files={**snapshot.files, "central.json": data})
