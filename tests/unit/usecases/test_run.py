"""prepare, submit, poll, stop and collect, each over memory."""

import json
from dataclasses import replace

import pytest

from prowless.domain.clusters import Cluster
from prowless.domain.config.central import CentralConfig
from prowless.domain.errors import ClusterUnreachableError, ConfigError, PermanentError
from prowless.domain.prowjob import Phase, ProwJobSpec, State, header
from prowless.domain.refs import JobType, Pull, Refs
from prowless.ports.engine import Node, RunPhase
from prowless.usecases.collect import STEPS_PER_CALL, CollectRun, log_name
from prowless.usecases.poll import STOP_PATIENCE_MS, PollRun
from prowless.usecases.prepare import PrepareRun, linked, web_address
from prowless.usecases.records import Records
from prowless.usecases.runs import Runs
from prowless.usecases.stop import StopRun, reason
from prowless.usecases.submit import SubmitRun
from tests.fakes.clock import NOW, FixedClock
from tests.fakes.config import FixedConfig
from tests.fakes.engine import MemoryClusters
from tests.fakes.flow import MemoryStarter
from tests.fakes.stores import MemoryArtifacts, MemoryObjects, MemoryProwJobs

ID = "0b989ba4-242f-11e5-81e1-c7b6966d2516"
POD = {"containers": [{"name": "test", "image": "alpine", "command": ["true"]}]}
REFS = Refs(org="acme", repo="app", base_ref="main", base_sha="b" * 40, pulls=(Pull(number=7, sha="h" * 40),))
FOLDER = "pr-logs/pull/acme_app/7/unit"


class World:
    def __init__(self, pod=POD, cluster="default", **changes):
        self.clock = FixedClock()
        self.prowjobs = MemoryProwJobs()
        self.clusters = MemoryClusters()
        self.starter = MemoryStarter()
        self.artifacts = MemoryArtifacts()
        self.state = MemoryObjects()
        runs = Runs(self.prowjobs, self.state)
        config = FixedConfig(central=CentralConfig(clusters={"default": Cluster(alias="default")}))
        records = Records(artifacts=self.artifacts, clock=self.clock)
        near = {"runs": runs, "config": config, "clock": self.clock}
        self.prepare = PrepareRun(**near, site="https://github.com")
        self.submit = SubmitRun(**near, clusters=self.clusters, records=records)
        self.look = PollRun(**near, clusters=self.clusters, starter=self.starter)
        self.stop = StopRun(**near, clusters=self.clusters)
        self.collect = CollectRun(**near, clusters=self.clusters, records=records)
        spec = ProwJobSpec(type=JobType.PRESUBMIT, job="unit", context="unit", cluster=cluster, refs=REFS, pod_spec=pod)
        row = header(spec, prowjob=ID, build_id="5", cause="c", delivery="", created_at=NOW)
        runs.keep_spec(ID, spec)
        self.prowjobs.create(replace(row, phase=Phase.STARTED, **changes))

    @property
    def row(self):
        return self.prowjobs.get(ID)

    @property
    def engine(self):
        return self.clusters.of("default", "Workflow")

    def change(self, **changes):
        self.prowjobs.mutate(ID, lambda row: replace(row, **changes))

    def submitted(self):
        self.prepare(ID)
        self.submit(ID)
        return self

    def poll(self, wait="t"):
        self.starter.open_wait(wait)
        self.look(ID, wait)
        return self.starter.woken.get(wait, {}).get("outcome", "")

    def abort(self):
        self.change(state=State.ABORTED, stop_reason="Aborted by trigger plugin.", description="Aborted.")


@pytest.fixture
def world():
    return World()


def test_prepare_keeps_a_manifest_named_after_the_run_and_sets_the_deadline_once(world):
    assert world.prepare(ID) == {"next": "submit"}
    assert world.state.json(f"manifests/{ID}.json")["metadata"]["name"] == ID
    deadline = world.row.deadline_at
    assert deadline == NOW + 24 * 3600 * 1000
    world.clock.advance(60_000)
    world.prepare(ID)
    assert world.row.deadline_at == deadline


def test_prepare_of_a_stopped_run_goes_to_the_end(world):
    world.abort()
    assert world.prepare(ID) == {"next": "final"}
    assert world.state.keys("manifests/") == []


def test_an_unknown_cluster_is_named_with_those_there_are():
    with pytest.raises(ConfigError, match=r"cluster 'gone' .*known: default"):
        World(cluster="gone").prepare(ID)


def test_a_manifest_against_the_policy_is_refused_with_the_path():
    pod = {**POD, "volumes": [{"name": "host", "hostPath": {"path": "/"}}]}
    with pytest.raises(PermanentError, match=r"volumes\[0\].hostPath"):
        World(pod).prepare(ID)


def test_submit_creates_one_object_however_often_it_is_called(world):
    world.submitted()
    world.submit(ID)
    assert len(world.engine.runs) == 1
    assert world.row.state is State.PENDING
    assert world.row.object["name"] == ID
    assert world.artifacts.default.json(f"{FOLDER}/5/started.json")["pull"] == "7"
    assert world.artifacts.default.get("pr-logs/directory/unit/5.txt") == b"s3://artifacts/" + f"{FOLDER}/5".encode()


@pytest.mark.parametrize("step", ["mutate", "create"])
def test_submit_killed_before_or_after_its_create_leaves_one_object(world, step):
    world.prepare(ID)
    owner = world.prowjobs if step == "mutate" else world.engine
    real, calls = getattr(owner, step), []

    def killed(*args):
        calls.append(args)
        result = real(*args)
        if len(calls) == 2 or step == "create":
            setattr(owner, step, real)
            raise KeyboardInterrupt
        return result

    setattr(owner, step, killed)
    with pytest.raises(KeyboardInterrupt):
        world.submit(ID)
    world.submit(ID)
    assert len(world.engine.runs) == 1
    assert world.row.object["uid"]


def test_a_run_stopped_before_submission_creates_nothing(world):
    world.prepare(ID)
    world.abort()
    assert world.submit(ID) == {"next": "final"}
    assert world.engine.runs == {}


def test_a_running_object_leaves_the_wait_to_time_out_and_the_token_on_the_row(world):
    world.submitted()
    world.engine.start(ID)
    assert world.poll("t1") == ""
    assert (world.row.token, world.row.polls) == ("t1", 1)


@pytest.mark.parametrize(
    ("phase", "state"),
    [(RunPhase.SUCCESS, State.SUCCESS), (RunPhase.FAILURE, State.FAILURE), (RunPhase.ERROR, State.ERROR)],
)
def test_a_finished_object_ends_the_wait_with_its_state(world, phase, state):
    world.submitted()
    world.engine.finish(ID, phase)
    assert world.poll() == "finished"
    assert world.row.state is state


def test_an_object_deleted_behind_our_back_is_an_error_that_says_so(world):
    world.submitted()
    world.engine.runs.clear()
    assert world.poll() == "finished"
    assert world.row.state is State.ERROR
    assert "was deleted from cluster 'default'" in world.row.description


def test_an_abort_is_seen_by_the_poll_whose_token_came_after_it(world):
    world.submitted()
    world.abort()
    assert world.poll() == "stop"


def test_an_unreachable_cluster_is_noted_and_the_run_goes_on_when_it_is_back(world):
    world.submitted()
    world.engine.fault = ClusterUnreachableError("no route")
    assert world.poll("t1") == ""
    assert world.row.unreachable_since == NOW
    world.clock.advance(1000)
    assert world.poll("t2") == ""
    assert world.row.unreachable_since == NOW
    world.engine.fault = None
    world.engine.finish(ID, RunPhase.SUCCESS)
    assert world.poll("t3") == "finished"
    assert world.row.unreachable_since == 0


def test_a_run_past_its_deadline_is_stopped_as_a_failure_that_says_why(world):
    world.submitted()
    world.engine.start(ID)
    world.clock.advance(24 * 3600 * 1000)
    assert world.poll() == "stop"
    assert world.row.state is State.FAILURE
    assert world.row.description == "Job timed out after 24h0m0s."


def test_a_stopped_run_is_awaited_until_it_ends_and_keeps_its_state(world):
    world.submitted()
    world.abort()
    assert world.stop({"prowjob": ID}) == {"next": "await"}
    assert world.row.stopping_at == NOW
    world.engine.finish(ID, RunPhase.FAILURE)
    assert world.poll() == "finished"
    assert world.row.state is State.ABORTED


def test_a_run_that_does_not_end_when_asked_is_deleted_after_a_while(world):
    world.submitted()
    world.engine.obeys = False
    world.abort()
    world.stop({"prowjob": ID})
    assert world.poll("t1") == ""
    world.clock.advance(STOP_PATIENCE_MS)
    assert world.poll("t2") == "finished"
    assert world.engine.runs == {}


def test_the_reason_of_the_first_error_is_kept_and_bounded(world):
    world.submitted()
    cause = json.dumps({"errorMessage": "the cluster\n  refused: " + "x" * 5000, "errorType": "PermanentError"})
    world.stop({"prowjob": ID, "error": {"Error": "PermanentError", "Cause": cause}})
    world.stop({"prowjob": ID, "error": {"Error": "States.Timeout", "Cause": "later"}})
    assert world.row.state is State.ERROR
    assert world.row.description.startswith("the cluster refused: x")
    assert len(world.row.description) == 600


@pytest.mark.parametrize(
    ("error", "text"),
    [
        ({"Error": "States.Timeout", "Cause": ""}, "States.Timeout"),
        ({"Error": "E", "Cause": "plain words"}, "plain words"),
        ({"Error": "E", "Cause": '"a string"'}, '"a string"'),
        ({}, "unknown error"),
    ],
)
def test_every_shape_of_cause_gives_a_reason(error, text):
    assert reason(error) == text


def test_stop_without_an_object_goes_on_to_collect(world):
    assert world.stop({"prowjob": ID, "error": {"Error": "E", "Cause": "x"}}) == {"next": "collect"}


def test_stop_finds_the_object_of_a_create_whose_answer_was_lost(world):
    world.submitted()
    world.change(object={})
    assert world.stop({"prowjob": ID, "error": {"Error": "E", "Cause": "x"}}) == {"next": "await"}
    assert (world.row.object["name"], world.row.object["uid"]) == (ID, world.engine.runs[ID].uid)


def test_a_second_stop_deletes_instead_of_asking_again(world):
    world.submitted()
    world.engine.obeys = False
    world.abort()
    world.stop({"prowjob": ID, "stops": {"count": 1}})
    assert world.stop({"prowjob": ID, "stops": {"count": 2}}) == {"next": "collect"}
    assert world.engine.runs == {}


def test_a_stop_that_is_called_again_because_its_answer_was_lost_leaves_the_run_the_time_to_end(world):
    world.submitted()
    world.engine.obeys = False
    world.abort()
    world.stop({"prowjob": ID, "stops": {"count": 1}})
    world.clock.advance(1000)
    assert world.stop({"prowjob": ID, "stops": {"count": 1}}) == {"next": "await"}
    assert list(world.engine.runs) == [ID]
    assert world.row.stopping_at == NOW


def test_collect_brings_the_log_and_then_the_records(world):
    world.submitted()
    world.engine.finish(ID, RunPhase.SUCCESS, log=b"all good\n")
    world.poll()
    first = world.collect(ID, None)
    assert first == {"done": False, "cursor": 1}
    assert world.collect(ID, first["cursor"])["done"] is True
    bucket = world.artifacts.default
    assert bucket.get(f"{FOLDER}/5/build-log.txt") == b"all good\n"
    assert bucket.json(f"{FOLDER}/5/finished.json")["result"] == "SUCCESS"
    assert bucket.json(f"{FOLDER}/5/prowjob.json")["status"]["state"] == "success"
    assert bucket.get(f"{FOLDER}/latest-build.txt") == b"5"
    assert world.row.completed_at == NOW


def many_steps(world, count):
    world.submitted()
    world.engine.finish(ID, RunPhase.SUCCESS)
    run = world.engine.runs[ID]
    run.nodes = tuple(Node(name=f"s{number:03}", phase="Succeeded") for number in range(count))
    run.logs = {node.name: f"log of {node.name}\n".encode() for node in run.nodes}


def collected(world):
    """The cursors of all calls until the records are written."""
    cursors = [None]
    while not (answer := world.collect(ID, cursors[-1]))["done"]:
        cursors.append(answer["cursor"])
    return cursors


def test_collect_brings_a_bounded_number_of_logs_per_call(world):
    many_steps(world, 2 * STEPS_PER_CALL + 1)
    assert collected(world) == [None, STEPS_PER_CALL, 2 * STEPS_PER_CALL, 2 * STEPS_PER_CALL + 1]
    bucket = world.artifacts.default
    assert bucket.get(f"{FOLDER}/5/s040-build-log.txt") == b"log of s040\n"
    assert bucket.get(f"{FOLDER}/5/build-log.txt").count(b"log of s") == 2 * STEPS_PER_CALL + 1


def test_collect_begins_no_further_log_after_a_minute(world):
    many_steps(world, 5)
    real = world.engine.logs

    def slow(*arguments):
        world.clock.advance(40_000)
        return real(*arguments)

    world.engine.logs = slow
    assert collected(world) == [None, 2, 4, 5]


def test_a_second_collection_after_the_object_is_gone_keeps_the_log_and_the_steps_of_the_first(world):
    world.submitted()
    world.engine.finish(ID, RunPhase.SUCCESS, log=b"all good\n")
    world.poll()
    world.collect(ID, world.collect(ID, None)["cursor"])
    nodes = world.state.json(f"runs/{ID}/nodes.json")
    world.engine.runs.clear()
    assert world.collect(ID, None)["done"] is True
    assert world.artifacts.default.get(f"{FOLDER}/5/build-log.txt") == b"all good\n"
    assert world.state.json(f"runs/{ID}/nodes.json") == nodes


def test_the_joint_log_of_very_many_steps_stays_within_the_functions_memory(world):
    world.submitted()
    world.engine.finish(ID, RunPhase.SUCCESS)
    run = world.engine.runs[ID]
    run.nodes = tuple(Node(name=f"s{number}", phase="Succeeded") for number in range(100))
    run.logs = dict.fromkeys((node.name for node in run.nodes), b"x" * 1_000_000)
    world.collect(ID, len(run.nodes))
    for node in run.nodes:
        key = f"{FOLDER}/5/{node.name}-build-log.txt"
        world.artifacts.default.put(key, run.logs[node.name], "text/plain")
    world.collect(ID, len(run.nodes))
    joint = world.artifacts.default.get(f"{FOLDER}/5/build-log.txt")
    assert len(joint) < 68 * 1024 * 1024
    assert joint.count(b"cut here: the whole log is in") == len(run.nodes)


def test_collect_of_a_run_that_never_had_an_object_still_writes_its_records(world):
    world.change(state=State.ERROR, description="cannot be rendered")
    assert world.collect(ID, None)["done"] is True
    assert world.artifacts.default.json(f"{FOLDER}/5/finished.json")["passed"] is False


def test_steps_of_one_name_get_files_of_their_own():

    steps = [Node(name=name, phase="Succeeded") for name in ("a/b", "say", "say")]
    assert [log_name(steps, n) for n in range(3)] == ["a-b-build-log.txt", "say-1-build-log.txt", "say-2-build-log.txt"]
    assert log_name(steps[:1], 0) == "build-log.txt"


@pytest.mark.parametrize(
    ("api", "site"),
    [
        ("https://api.github.com", "https://github.com"),
        ("https://ghe.example/api/v3", "https://ghe.example"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
    ],
)
def test_the_site_follows_from_the_api(api, site):
    assert web_address(api) == site


def test_extra_refs_get_a_link_only_where_github_is_not_github_com():
    spec = ProwJobSpec(type=JobType.PERIODIC, job="n", extra_refs=(Refs(org="a", repo="b"),))
    assert linked(spec, "https://github.com") == spec
    assert linked(spec, "https://ghe.example").extra_refs[0].repo_link == "https://ghe.example/a/b"


def test_submit_judges_the_bytes_that_it_sends(world):
    world.prepare(ID)
    key = f"manifests/{ID}.json"
    manifest = world.state.json(key)
    manifest["spec"]["volumes"] = [{"name": "host", "hostPath": {"path": "/"}}]
    world.state.put(key, json.dumps(manifest).encode(), "application/json")
    with pytest.raises(PermanentError, match=r"volumes\[0\].hostPath"):
        world.submit(ID)
    assert world.engine.runs == {}
