"""One installation on virtual time, and the verbs that tests tell their stories with.

Time moves only inside `until`, `rest`, `pass_time` and the verbs that say so. In between, everything that could happen
has happened: what is left waits for time.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml
from moto.dynamodb.models import dynamodb_backends
from moto.sqs.models import sqs_backends
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from prowless.adapters.aws.dynamo import unmarshal
from prowless.adapters.aws.rows import job_of
from prowless.domain.prowjob import FINAL_STATES, Phase
from prowless_local.clock import VirtualClock
from prowless_local.cluster import ContainerPlan, Scripted, ScriptedRunner
from prowless_local.cluster.resources import PIPELINERUNS, WORKFLOWS
from prowless_local.stack import Options, Stack
from prowless_local.template import ACCOUNT, REGION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from prowless.domain.prowjob import ProwJob
    from prowless_local.cluster import EmbeddedCluster
    from prowless_local.github.records import Comment, Status

ORG = "acme"
REPOSITORY = "acme/calculator"
MEMBER = "ada"
MINUTE = 60
HOUR = 3600
DAY = 24 * HOUR
QUEUES = ("DeliveriesQueue", "AdmitQueue", "ConfigQueue", "ForwardsQueue")
DEAD_LETTERS = tuple(f"{queue.removesuffix('Queue')}DeadLetterQueue" for queue in QUEUES)

Job = dict[str, Any]


def job(name: str, **more: Any) -> Job:
    """A job of one container that the runner's script stands for."""
    return {"name": name, "spec": {"containers": [{"image": "alpine", "command": ["make", name]}]}, **more}


def presubmit(name: str = "unit", **more: Any) -> Job:
    """A job of every pull request."""
    return job(name, **{"always_run": True, **more})


def write_config(
    folder: Path,
    *,
    presubmits: Sequence[Job] = (),
    postsubmits: Sequence[Job] = (),
    periodics: Sequence[Job] = (),
    clusters: Mapping[str, Mapping[str, Any]] | None = None,
    central: Mapping[str, Any] | None = None,
    trust: str = "",
    plugins: Mapping[str, Any] | None = None,
) -> Path:
    """A configuration's folder. A cluster of a job that is not given is not there."""
    named = clusters or {"default": {}}
    parts = {
        "config.yaml": dict(central or {}),
        "plugins.yaml": dict(plugins or {}),
        "prowless.yaml": {
            "clusters": {alias: {"namespace": "test-pods", "engine": "argo", **more} for alias, more in named.items()},
            **({"trust": trust} if trust else {}),
        },
        "jobs/all.yaml": {
            **({"presubmits": {REPOSITORY: list(presubmits)}} if presubmits else {}),
            **({"postsubmits": {REPOSITORY: list(postsubmits)}} if postsubmits else {}),
            **({"periodics": list(periodics)} if periodics else {}),
        },
    }
    for name, content in parts.items():
        if content:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(yaml.safe_dump(content))
    return folder


class World:
    """A running stack with the organisation `acme`, its member `ada` and the repository `acme/calculator`.

    Attributes:
        plays: what the container of a job does, by the job's name; everything else succeeds after 4 seconds,
            which is one poll later.
        launched: the containers that were started.
        created: (cluster, kind, name) of every run's object that was ever created.
        busiest: how many unfinished objects each cluster ever had at a time.
    """

    def __init__(self, config: Path, *, schedules: bool = False, **options: Any) -> None:
        self.clock = VirtualClock()
        self.plays: dict[str, Scripted] = {}
        self.launched: list[ContainerPlan] = []
        self.created: list[tuple[str, str, str]] = []
        self.busiest: dict[str, int] = {}
        runner = ScriptedRunner(self._play)
        self.stack = Stack(Options(config=config, runner=runner, schedules=schedules, **options), clock=self.clock)
        assert self.stack.github is not None
        self.github = self.stack.github
        self.github.create_org(ORG, members=[MEMBER])
        self.github.create_repository(REPOSITORY, {"README.md": "# calculator\n"})
        self.stack.start()
        self.aws = self.stack.aws
        self.clusters = self.stack.clusters
        for alias, cluster in self.clusters.items():
            self._watch(alias, cluster)

    def close(self) -> None:
        """Stop everything."""
        self.stack.close()

    @property
    def cluster(self) -> EmbeddedCluster:
        """The cluster `default`."""
        return self.clusters["default"]

    # ---- people ---------------------------------------------------------------------------------------------------

    def open_pull(self, author: str = MEMBER, *, fork: bool = True, wait: bool = True, **more: Any) -> Pull:
        """Open a pull request. From a fork only its own events reach us, not the push to its branch."""
        number = len(self.github.pulls(REPOSITORY)) + 1
        branch, files = f"change-{number}", {f"file-{number}.txt": "new\n"}
        opened = self.github.open_pull(REPOSITORY, branch, files, f"Change {number}", author, fork=fork, **more)
        if wait:
            self.settle()
        return Pull(self, opened)

    def push_to_main(self, files: Mapping[str, str] | None = None) -> str:
        """Commit to the main branch; the SHA."""
        sha = self.github.commit(REPOSITORY, "main", dict(files or {"main.txt": f"{self.clock.now_ms()}\n"}))
        self.settle()
        return sha

    # ---- time -----------------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Let everything happen that does not wait for time."""
        self.clock.settle()

    def pass_time(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.advance(seconds)

    def until(self, done: Callable[[], object], what: str, *, within: float = HOUR) -> None:
        """Let time pass until something is so."""
        assert self.clock.run_until(lambda: bool(done()), within), f"not within {within} s: {what}\n{self.story()}"

    def rest(self, *, within: float = 6 * HOUR) -> None:
        """Let time pass until nothing is under way, and check that nothing was left behind."""
        self.until(self.is_quiet, "everything is done", within=within)
        live = [run for run in self.runs() if run.phase is not Phase.RELEASED or run.state not in FINAL_STATES]
        assert not live, self.story()
        assert not any(self.counters().values()), self.story()
        assert not any(run.held or run.token for run in self.runs()), self.story()
        assert not self.dead_letters(), self.story()

    def is_quiet(self) -> bool:
        """Whether no execution runs and no message waits. Asked after every step, so past the APIs."""
        (machine,) = stepfunctions_parser_backends[ACCOUNT][REGION].state_machines
        queues = sqs_backends[ACCOUNT][REGION].queues
        messages = [queues[self.aws.resources[queue].attributes["QueueName"]]._messages for queue in QUEUES]
        return not any(messages) and all(execution.status != "RUNNING" for execution in machine.executions)

    # ---- what there is --------------------------------------------------------------------------------------------

    def runs(self, name: str | None = None) -> list[ProwJob]:
        """All ProwJobs, oldest first, or those of one job."""
        found = [job_of(item) for item in self._typed("ProwJobsTable")]
        return sorted((run for run in found if name in {None, run.job}), key=lambda run: int(run.build_id))

    def run(self, name: str = "unit") -> ProwJob:
        """The only ProwJob of a job."""
        (found,) = self.runs(name)
        return found

    def items(self, table: str) -> list[dict[str, Any]]:
        """Everything in a table."""
        return [{name: unmarshal(value) for name, value in item.items()} for item in self._typed(table)]

    def counters(self) -> dict[str, int]:
        """The counters of Control."""
        found = self.items("ControlTable")
        return {item["key"]: int(item["used"]) for item in found if item["key"].startswith("counter#")}

    def keys(self, bucket: str, prefix: str = "") -> list[str]:
        """The keys of a bucket."""
        pages = self.aws.client("s3").get_paginator("list_objects_v2")
        found = pages.paginate(Bucket=self.aws.resources[bucket].ref, Prefix=prefix)
        return [entry["Key"] for page in found for entry in page.get("Contents", ())]

    def messages(self, queue: str) -> int:
        """How many messages a queue holds: visible, delayed or in flight."""
        kinds = ["", "NotVisible", "Delayed"]
        names = [f"ApproximateNumberOfMessages{kind}" for kind in kinds]
        answer = self.aws.client("sqs").get_queue_attributes(
            QueueUrl=self.aws.resources[queue].ref, AttributeNames=names
        )
        return sum(int(value) for value in answer["Attributes"].values())

    def dead_letters(self) -> list[str]:
        """The dead-letter queues that hold something."""
        return [queue for queue in DEAD_LETTERS if self.messages(queue)]

    @property
    def machine(self) -> str:
        """The state machine's ARN."""
        return self.aws.resources["ProwJobStateMachine"].ref

    def executions(self, status: str | None = None) -> list[str]:
        """The ARNs of the executions, oldest first."""
        wanted = {"statusFilter": status} if status else {}
        found = self.aws.client("stepfunctions").list_executions(stateMachineArn=self.machine, **wanted)
        return [entry["executionArn"] for entry in sorted(found["executions"], key=lambda entry: entry["startDate"])]

    def history(self, arn: str) -> list[dict[str, Any]]:
        """All events of an execution."""
        pages = self.aws.client("stepfunctions").get_paginator("get_execution_history")
        found = pages.paginate(executionArn=arn, PaginationConfig={"PageSize": 1000})
        return [event for page in found for event in page["events"]]

    def states_of(self, arn: str) -> list[str]:
        """The states that an execution entered, in order."""
        found = (event.get("stateEnteredEventDetails") for event in self.history(arn))
        return [details["name"] for details in found if details]

    def stop_execution(self, arn: str) -> None:
        """What somebody with too many rights does."""
        self.aws.client("stepfunctions").stop_execution(executionArn=arn, error="Stopped", cause="by hand")

    def artifact(self, key: str) -> str:
        """A file of the artifacts bucket."""
        data = self.stack.artifacts.get(key)
        assert data is not None, sorted(self.keys("ArtifactsBucket"))
        return data.decode()

    def workflows(self, alias: str = "default") -> list[dict[str, Any]]:
        """The runs' objects on a cluster."""
        store = self.clusters[alias].store
        return [obj for resource in (WORKFLOWS, PIPELINERUNS) for obj in store.list(resource)[0]]

    def workflow(self, name: str, alias: str = "default") -> dict[str, Any]:
        """One run's object."""
        (found,) = [obj for obj in self.workflows(alias) if obj["metadata"]["name"] == name]
        return found

    def decisions(self) -> list[dict[str, Any]]:
        """What dispatch decided about each delivery, in no order."""
        keys = [key for key in self.keys("StateBucket", "deliveries/") if key.endswith(".decisions.json")]
        return [json.loads(self.stack.state.get(key) or b"") for key in keys]

    def story(self) -> str:
        """Everything that a failed test wants to know."""
        lines = [
            f"{run.job} #{run.pull} {run.id} {run.state}/{run.phase} {run.description!r} reported={dict(run.reported)} "
            f"held={run.held} object={bool(run.object)} finishers={run.finishers} polls={run.polls}"
            for run in self.runs()[-8:]
        ]
        client = self.aws.client("stepfunctions")
        for arn in self.executions()[-8:]:
            status = client.describe_execution(executionArn=arn)["status"]
            lines.append(f"execution {arn.rpartition(':')[2]} {status}: {' '.join(self.states_of(arn)[-12:])}")
        lines += [f"{queue}: {self.messages(queue)} messages" for queue in (*QUEUES, *DEAD_LETTERS)]
        lines.append(f"counters: {self.counters()}")
        return "\n".join(lines)

    # ---- inside ---------------------------------------------------------------------------------------------------

    def _typed(self, table: str) -> list[dict[str, Any]]:
        # Past the API: a scan takes moto a tenth of a second.
        backend = dynamodb_backends[ACCOUNT][REGION].tables[self.aws.resources[table].ref]
        return [json.loads(json.dumps(item.to_json()["Attributes"])) for item in backend.all_items()]

    def _play(self, plan: ContainerPlan) -> Scripted:
        self.launched.append(plan)
        if plan.container == "clonerefs":
            return Scripted()
        return self.plays.get(plan.env.get("JOB_NAME", ""), Scripted(seconds=4, log="done\n"))

    def _watch(self, alias: str, cluster: EmbeddedCluster) -> None:
        unfinished: set[str] = set()

        def told(change: Any) -> None:
            if change.key.resource not in {WORKFLOWS, PIPELINERUNS}:
                return
            if change.type == "ADDED":
                self.created.append((alias, change.key.resource.kind, change.key.name))
            ended = change.type == "DELETED" or (change.obj.get("status") or {}).get("finishedAt")
            (unfinished.discard if ended else unfinished.add)(change.key.name)
            self.busiest[alias] = max(self.busiest.get(alias, 0), len(unfinished))

        cluster.store.subscribe(told)


@dataclass(frozen=True)
class Pull:
    """A pull request of the world's repository."""

    world: World
    number: int

    @property
    def head(self) -> str:
        """Its head's SHA now."""
        return self.world.github.pull(REPOSITORY, self.number).head_sha

    @property
    def labels(self) -> set[str]:
        """Its labels now."""
        return set(self.world.github.pull(REPOSITORY, self.number).labels)

    def push(self, *, wait: bool = True) -> str:
        """Push a commit; its SHA."""
        content = {f"pushed-{self.world.clock.now_ms()}.txt": f"{self.head}\n"}
        sha = self.world.github.push_to_pull(REPOSITORY, self.number, content)
        if wait:
            self.world.settle()
        return sha

    def comment(self, text: str, by: str = MEMBER) -> None:
        """Write a comment."""
        self.world.github.comment(REPOSITORY, self.number, text, by)
        self.world.settle()

    def close(self) -> None:
        """Close it."""
        self.world.github.close_pull(REPOSITORY, self.number)
        self.world.settle()

    def merge(self) -> str:
        """Merge it; the SHA on the base branch."""
        sha = self.world.github.merge(REPOSITORY, self.number, by=MEMBER)
        self.world.settle()
        return sha

    def comments(self, *, by: str = "prowless[bot]") -> list[Comment]:
        """What one login wrote."""
        return [one for one in self.world.github.comments(REPOSITORY, self.number) if one.author == by]

    def status(self, context: str = "unit", sha: str = "") -> Status | None:
        """The status in effect, of the present head unless a commit is given."""
        return self.world.github.effective_status(REPOSITORY, sha or self.head, context)

    def state(self, context: str = "unit", sha: str = "") -> str:
        """The state in effect, or nothing."""
        found = self.status(context, sha)
        return found.state if found else ""

    def posted(self, context: str = "unit", sha: str = "") -> list[str]:
        """All states that were ever posted."""
        return [one.state for one in self.world.github.statuses(REPOSITORY, sha or self.head) if one.context == context]

    def runs(self, name: str | None = None) -> list[ProwJob]:
        """Its ProwJobs, oldest first."""
        return [run for run in self.world.runs(name) if run.pull == self.number]

    def run(self, name: str = "unit") -> ProwJob:
        """Its only ProwJob of a job."""
        (found,) = self.runs(name)
        return found

    def await_state(self, state: str, context: str = "unit", sha: str = "", *, within: float = HOUR) -> None:
        """Let time pass until the status is so."""
        what = f"status {context} of #{self.number} is {state}"
        self.world.until(lambda: self.state(context, sha) == state, what, within=within)


def names(runs: Iterable[ProwJob]) -> list[str]:
    """The runs' jobs."""
    return sorted(run.job for run in runs)
