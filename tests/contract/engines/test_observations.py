"""How each engine's own words are read."""

import base64
import gzip
import json

import pytest
from tests.contract.engines.scripted_api import status
from tests.contract.engines.worlds import FINISHED, STARTED, cluster

from prowless.adapters.kubernetes.clusters import KubernetesClusters
from prowless.adapters.kubernetes.objects import bounded, epoch_ms
from prowless.domain.errors import PermanentError
from prowless.ports.engine import ObjectRef, RunPhase

APIS = {
    "Workflow": "/apis/argoproj.io/v1alpha1/namespaces/test-pods/workflows",
    "PipelineRun": "/apis/tekton.dev/v1/namespaces/test-pods/pipelineruns",
    "Pod": "/api/v1/namespaces/test-pods/pods",
}
STARTED_MS, FINISHED_MS = 1_790_000_000_000, 1_790_000_005_000


def engine(api, kind):
    return KubernetesClusters(token=lambda _: "t", endpoint=lambda _: (api.url, "")).engine(cluster(), kind)


def ref(kind):
    return ObjectRef(kind=kind, namespace="test-pods", name="run", uid="u")


def observed(api, kind, status=None, spec=None, **metadata):
    """What the engine says of an object with this status."""
    api.objects[f"{APIS[kind]}/run"] = {
        "metadata": {"name": "run", "namespace": "test-pods", "uid": "u", **metadata},
        "spec": spec or {"containers": [{"name": "test"}]},
        **({"status": status} if status is not None else {}),
    }
    return engine(api, kind).observe(ref(kind))


def pod(api, name, labels, statuses, *, annotations=None, init=(), containers=None):
    api.objects[f"{APIS['Pod']}/{name}"] = {
        "metadata": {"name": name, "uid": name, "labels": labels, "annotations": annotations or {}},
        "spec": {"containers": [{"name": each} for each in containers or statuses]},
        "status": {
            "initContainerStatuses": list(init),
            "containerStatuses": [{"name": each, "state": state} for each, state in statuses.items()],
        },
    }


def ended(code=0, at=STARTED, **more):
    return {"terminated": {"exitCode": code, "startedAt": at, "finishedAt": FINISHED, **more}}


@pytest.mark.parametrize(
    ("said", "phase"),
    [
        (None, RunPhase.PENDING),
        ({}, RunPhase.PENDING),
        ({"phase": ""}, RunPhase.PENDING),
        ({"phase": "Pending"}, RunPhase.PENDING),
        ({"phase": "Running"}, RunPhase.RUNNING),
        ({"phase": "Succeeded"}, RunPhase.SUCCESS),
        ({"phase": "Failed"}, RunPhase.FAILURE),
        ({"phase": "Error"}, RunPhase.ERROR),
        ({"phase": "Thinking"}, RunPhase.RUNNING),
    ],
)
def test_argos_phases(api, said, phase):
    assert observed(api, "Workflow", said).phase is phase


def test_a_workflow_that_ended_after_our_stop_was_stopped_unless_it_succeeded(api):
    for phase, stopped in (("Failed", True), ("Error", True), ("Succeeded", False), ("Running", False)):
        assert observed(api, "Workflow", {"phase": phase}, {"shutdown": "Stop"}).stopped is stopped
    assert not observed(api, "Workflow", {"phase": "Failed"}).stopped


def test_a_workflows_nodes_and_times(api):
    nodes = {
        "b": {"id": "b", "name": "run.b", "displayName": "b", "phase": "Pending"},
        "a": {
            "id": "a",
            "name": "run.a",
            "displayName": "a",
            "phase": "Failed",
            "startedAt": STARTED,
            "finishedAt": FINISHED,
            "message": "Error (exit code 3)",
            "outputs": {"exitCode": "3"},
        },
    }
    said = {"phase": "Failed", "message": "x" * 2000, "startedAt": STARTED, "finishedAt": FINISHED, "nodes": nodes}
    seen = observed(api, "Workflow", said)
    assert (seen.started_at, seen.finished_at) == (STARTED_MS, FINISHED_MS)
    assert seen.message == "x" * 999 + "…"
    assert [node.name for node in seen.nodes] == ["a", "b"]
    assert seen.nodes[0].exit_code == 3
    assert seen.nodes[0].finished_at == FINISHED_MS
    assert seen.nodes[1].exit_code is None


def argo_pod(**fields):
    return {"p": {"id": "p", "name": "run", "displayName": "run", "type": "Pod", **fields}}


@pytest.mark.parametrize(
    ("reason", "phase", "message"),
    [
        ("Evicted", RunPhase.ERROR, "Job pod was evicted by the cluster."),
        ("DeadlineExceeded", RunPhase.FAILURE, "gone"),
    ],
)
def test_an_evicted_pod_is_an_error_that_says_so(api, reason, phase, message):
    said = {"phase": "Failed", "reason": reason, "message": "gone"}
    seen = observed(api, "Pod", said)
    assert (seen.phase, seen.message) == (phase, message)
    api.objects[f"{APIS['Pod']}/p"] = {
        "metadata": {"name": "p", "uid": "p", "labels": {"workflows.argoproj.io/workflow": "run"}},
        "spec": {"containers": []},
        "status": said,
    }
    seen = observed(api, "Workflow", {"phase": "Failed", "message": "gone", "nodes": argo_pod(phase="Failed")})
    assert (seen.phase, seen.message) == (phase, message)


@pytest.mark.parametrize(
    ("pod", "unscheduled", "pending"),
    [
        ({}, STARTED_MS, 0),
        ({"phase": "Pending"}, STARTED_MS, 0),
        ({"phase": "Pending", "startTime": FINISHED}, 0, FINISHED_MS),
        ({"phase": "Running", "startTime": FINISHED}, 0, 0),
    ],
)
@pytest.mark.parametrize("kind", ["Pod", "Workflow"])
def test_since_when_a_pod_waits_and_for_what(api, kind, pod, unscheduled, pending):
    api.objects[f"{APIS['Pod']}/p"] = {
        "metadata": {
            "name": "p", "uid": "p", "creationTimestamp": STARTED, "labels": {"workflows.argoproj.io/workflow": "run"},
        },
        "spec": {"containers": []},
        "status": pod,
    }  # fmt: skip
    nodes = argo_pod(phase="Pending") | {"c": {"type": "Container", "phase": "Pending"}}
    said = {"phase": "Running", "nodes": nodes} if kind == "Workflow" else pod
    seen = observed(api, kind, said, creationTimestamp=STARTED)
    assert (seen.unscheduled_since, seen.pending_since) == (unscheduled, pending)


@pytest.mark.parametrize(
    "nodes",
    [{}, argo_pod(phase="Running"), {"s": {"type": "Steps", "phase": "Pending"}}, argo_pod(phase="Pending")],
    ids=["none", "running", "steps", "no pod yet"],
)
def test_a_workflow_of_which_no_single_pod_waits_waits_for_nothing(api, nodes):
    seen = observed(api, "Workflow", {"phase": "Running", "nodes": nodes})
    assert (seen.unscheduled_since, seen.pending_since) == (0, 0)


def compressed(text):
    return base64.b64encode(text).decode()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (compressed(gzip.compress(json.dumps({"a": {"displayName": "a"}}).encode())), ["a"]),
        (compressed(b"\x28\xb5\x2f\xfd not gzip"), []),
        (compressed(gzip.compress(b"[]")), []),
        (compressed(gzip.compress(b" " * (20 << 20))), []),
        ("no base64!", []),
    ],
    ids=["gzip", "zstd", "list", "bomb", "garbage"],
)
def test_a_large_workflows_nodes_are_unpacked_if_they_can_be(api, text, names):
    seen = observed(api, "Workflow", {"phase": "Running", "compressedNodes": text})
    assert [node.name for node in seen.nodes] == names


def test_a_workflows_steps_are_its_pods_own_containers_in_order_of_start(api):
    label = "workflows.argoproj.io/workflow"
    own = {"main": ended(3), "wait": ended()}
    node = "workflows.argoproj.io/node-name"
    pod(api, "p2", {label: "run"}, own, annotations={node: "run.second"})
    pod(
        api,
        "p1",
        {label: "run"},
        {"tests": ended(at="2026-09-21T14:13:19Z"), "db": {"running": {"startedAt": STARTED}}, "wait": ended()},
        annotations={node: "run[0].first"},
    )
    pod(api, "p3", {label: "run"}, {"main": {"waiting": {"reason": "Pending"}}}, annotations={node: "run.third"})
    pod(api, "other", {label: "another"}, own)
    steps = engine(api, "Workflow").steps(ref("Workflow"))
    assert [(step.name, step.pod, step.container, step.phase) for step in steps] == [
        ("[0].first.tests", "p1", "tests", "Succeeded"),
        ("[0].first.db", "p1", "db", "Running"),
        ("second", "p2", "main", "Failed"),
    ]


def test_a_checkout_that_failed_is_the_step_that_says_why(api):
    label = "workflows.argoproj.io/workflow"
    init = [
        {"name": "init", "state": ended()},
        {"name": "clonerefs", "state": ended(128)},
        {"name": "later", "state": {"waiting": {}}},
    ]
    pod(
        api,
        "run",
        {label: "run"},
        {"main": {"waiting": {}}, "wait": {"waiting": {}}},
        annotations={"workflows.argoproj.io/node-name": "run"},
        init=init,
    )
    [step] = engine(api, "Workflow").steps(ref("Workflow"))
    assert (step.name, step.container, step.exit_code) == ("clonerefs", "clonerefs", 128)


@pytest.mark.parametrize(
    ("said", "phase", "message"),
    [
        ({}, RunPhase.PENDING, "scheduling"),
        ({"completionTime": FINISHED}, RunPhase.ERROR, "missing end condition"),
        ({"conditions": [{"type": "Succeeded", "status": "Unknown"}]}, RunPhase.PENDING, "initializing"),
        (
            {"conditions": [{"type": "Succeeded", "status": "Unknown", "reason": "Started"}], "startTime": STARTED},
            RunPhase.RUNNING,
            "Started",
        ),
        ({"conditions": [{"type": "Succeeded", "status": "True"}]}, RunPhase.SUCCESS, "succeeded"),
        (
            {"conditions": [{"type": "Other", "status": "True"}, {"type": "Succeeded", "status": "False"}]},
            RunPhase.FAILURE,
            "failed",
        ),
        (
            {"conditions": [{"type": "Succeeded", "status": "False", "reason": "NoTask", "message": "no task"}]},
            RunPhase.FAILURE,
            "no task",
        ),
    ],
)
def test_tektons_condition_as_prows_controller_reads_it(api, said, phase, message):
    seen = observed(api, "PipelineRun", said)
    assert (seen.phase, seen.message) == (phase, message)


def test_a_cancelled_pipeline_run_was_stopped(api):
    said = {"conditions": [{"type": "Succeeded", "status": "False", "reason": "Cancelled"}]}
    assert observed(api, "PipelineRun", said, {"status": "CancelledRunFinally"}).stopped
    assert not observed(api, "PipelineRun", said, {}).stopped


def test_a_pipeline_runs_nodes_are_the_steps_of_its_task_runs(api):
    runs = APIS["PipelineRun"].replace("pipelineruns", "taskruns")
    labels = {"tekton.dev/pipelineRun": "run", "tekton.dev/pipelineTask": "build"}
    steps = [{"name": "make", "container": "step-make", **ended(2, reason="Error")}]
    api.objects[f"{runs}/one"] = {
        "metadata": {"name": "one", "labels": labels},
        "status": {"podName": "one-pod", "steps": steps, "startTime": STARTED},
    }
    failed = [{"type": "Succeeded", "status": "False", "message": "no image"}]
    api.objects[f"{runs}/two"] = {
        "metadata": {"name": "two", "labels": labels | {"tekton.dev/pipelineTask": "lint"}},
        "status": {"conditions": failed},
    }
    said = {"startTime": STARTED, "conditions": [{"type": "Succeeded", "status": "Unknown"}]}
    nodes = observed(api, "PipelineRun", said, {}).nodes
    assert [(node.name, node.phase, node.exit_code, node.message) for node in nodes] == [
        ("build.make", "Failed", 2, "Error"),
        ("lint", "Failure", None, "no image"),
    ]
    assert (nodes[0].pod, nodes[0].container) == ("one-pod", "step-make")


def test_a_pipeline_runs_steps_leave_out_tektons_own_containers(api):
    labels = {"tekton.dev/pipelineRun": "run", "tekton.dev/pipelineTask": "build"}
    init = [{"name": "prepare", "state": ended(1)}]
    pod(api, "p", labels, {"step-b": ended(), "step-a": ended(), "sidecar-x": ended()}, init=init)
    steps = engine(api, "PipelineRun").steps(ref("PipelineRun"))
    assert [(step.name, step.container) for step in steps] == [("build.b", "step-b"), ("build.a", "step-a")]


@pytest.mark.parametrize(
    ("said", "phase", "message"),
    [
        (None, RunPhase.PENDING, ""),
        ({"phase": "Pending"}, RunPhase.PENDING, ""),
        ({"phase": "Running"}, RunPhase.RUNNING, ""),
        ({"phase": "Unknown"}, RunPhase.RUNNING, ""),
        ({"phase": "Succeeded"}, RunPhase.SUCCESS, ""),
        ({"phase": "Failed", "reason": "Evicted"}, RunPhase.ERROR, "Job pod was evicted by the cluster."),
        (
            {"phase": "Failed", "containerStatuses": [{"name": "test", "state": ended(137, reason="OOMKilled")}]},
            RunPhase.ERROR,
            "Job pod was OOM killed by the cluster.",
        ),
        (
            {"phase": "Failed", "containerStatuses": [{"name": "test", "state": ended(2)}]},
            RunPhase.FAILURE,
            "container test exited with code 2",
        ),
        ({"phase": "Failed", "reason": "DeadlineExceeded"}, RunPhase.FAILURE, "DeadlineExceeded"),
    ],
)
def test_a_pods_phase(api, said, phase, message):
    seen = observed(api, "Pod", said)
    assert (seen.phase, seen.message) == (phase, message)


def test_a_pod_that_ends_while_it_is_deleted_was_stopped(api):
    failed = {"phase": "Failed", "containerStatuses": [{"name": "test", "state": ended(143)}]}
    assert observed(api, "Pod", failed, deletionTimestamp=FINISHED).stopped
    assert not observed(api, "Pod", failed).stopped


def test_an_engine_that_is_not_installed_is_no_lost_object(api):
    api.answer = lambda method, path: (404, b"404 page not found\n")
    for kind in APIS:
        with pytest.raises(PermanentError, match="404 page not found"):
            engine(api, kind).observe(ref(kind))
        with pytest.raises(PermanentError, match="404 page not found"):
            engine(api, kind).delete(ref(kind))


def test_a_stop_that_is_refused_because_the_run_ended_is_no_error(api):
    observed(api, "PipelineRun", {})
    over = {"conditions": [{"type": "Succeeded", "status": "True"}]}

    def refuse(method, path):
        if method == "PATCH":
            api.objects[path]["status"] = over
            return 400, status(400, "BadRequest", "admission webhook denied the request: the run is complete")
        return None

    api.answer = refuse
    engine(api, "PipelineRun").stop(ref("PipelineRun"))
    api.objects[f"{APIS['PipelineRun']}/run"]["status"] = {}
    api.answer = lambda method, path: (400, status(400, "BadRequest", "no")) if method == "PATCH" else None
    with pytest.raises(PermanentError, match="no"):
        engine(api, "PipelineRun").stop(ref("PipelineRun"))


@pytest.mark.parametrize(
    ("kind", "patch"),
    [("Workflow", {"spec": {"shutdown": "Stop"}}), ("PipelineRun", {"spec": {"status": "CancelledRunFinally"}})],
)
def test_a_stop_lets_exit_handlers_run_and_is_asked_for_once(api, kind, patch):
    observed(api, kind, {}, {"x": 1})
    engine(api, kind).stop(ref(kind))
    engine(api, kind).stop(ref(kind))
    patches = [(headers["Content-Type"], body) for method, _, _, headers, body in api.requests if method == "PATCH"]
    assert patches == [("application/merge-patch+json", patch)]


def test_times_and_messages():
    assert epoch_ms("2026-09-21T14:13:20.5Z") == STARTED_MS + 500
    assert epoch_ms("2026-09-21T16:13:20+02:00") == STARTED_MS
    assert epoch_ms(None) == 0
    assert bounded(None) == ""
    assert bounded("  x\n") == "x"
