"""PipelineRuns and TaskRuns run: order, parameters, results, workspaces, conditions, retries, finally."""

from __future__ import annotations

import pytest
import yaml
from tests.functional.cluster.kube import NAMESPACE, Kube, ended, succeeded
from tests.functional.cluster.tekton_specs import BAD, OK, skipped, task_run


@pytest.mark.parametrize(("task", "status", "reason"), [(OK, "Succeeded", "Succeeded"), (BAD, "Failed", "StepFailed")])
def test_finally_tasks_run_after_any_end(kube: Kube, task: str, status: str, reason: str) -> None:
    run = kube.pipelinerun(
        f"""
        pipelineSpec:
          tasks: [{{name: a, {task}}}]
          finally:
          - name: f
            params: [{{name: s, value: "$(tasks.status) $(tasks.a.status) $(tasks.a.reason)"}}]
            taskSpec: {{params: [{{name: s}}], steps: [{{image: x, script: 'echo "$(params.s)"'}}]}}
          - {{name: g, when: [{{input: "$(tasks.a.status)", operator: in, values: [Failed]}}], {OK}}}
        """
    )
    assert kube.task_log(run, "f") == f"{status} {status} {reason}\n"
    assert run["status"]["finallyStartTime"]
    assert task_run(kube, run, "f")["metadata"]["labels"]["tekton.dev/memberOf"] == "finally"
    assert (skipped(run) == {}) is (status == "Failed")
    assert succeeded(run)["status"] == ("True" if status == "Succeeded" else "False")


def test_a_failed_finally_task_fails_the_run(kube: Kube) -> None:
    run = kube.pipelinerun(f"pipelineSpec: {{tasks: [{{name: a, {OK}}}], finally: [{{name: f, {BAD}}}]}}")
    assert (succeeded(run)["status"], succeeded(run)["reason"]) == ("False", "Failed")


def test_a_task_is_retried(kube: Kube) -> None:
    run = kube.pipelinerun(
        "pipelineSpec: {tasks: [{name: t, retries: 2, taskSpec: {steps: [{name: s, image: x,"
        " script: 'echo try $(context.task.retry-count); exit $((1 - $(context.task.retry-count)))'}]}}]}"
    )
    assert succeeded(run)["status"] == "True"
    found = task_run(kube, run, "t")
    name = found["metadata"]["name"]
    assert found["status"]["podName"] == f"{name}-pod-retry1"
    (archived,) = found["status"]["retriesStatus"]
    assert archived["podName"] == f"{name}-pod"
    assert archived["conditions"][0]["reason"] == "StepFailed"
    assert kube.log(f"{name}-pod-retry1", "step-s") == "try 1\n"


def test_workspaces_are_bound_and_named(kube: Kube) -> None:
    kube.core.create_namespaced_config_map(NAMESPACE, {"metadata": {"name": "c"}, "data": {"k": "conf"}})
    run = kube.pipelinerun(
        """
        workspaces: [{name: src, emptyDir: {}}, {name: conf, configMap: {name: c}}]
        pipelineSpec:
          workspaces: [{name: src}, {name: conf}, {name: maybe, optional: true}]
          tasks:
          - name: t
            workspaces: [{name: code, workspace: src, subPath: sub}, {name: conf}]
            taskSpec:
              workspaces: [{name: code, mountPath: /code}, {name: conf}, {name: extra, optional: true}]
              steps:
              - {image: x, script: "echo hi > $(workspaces.code.path)/f"}
              - image: x
                script: |
                  cat /code/f $(workspaces.conf.path)/k; echo
                  echo $(workspaces.extra.bound) $(workspaces.conf.bound)
          - name: propagated
            taskSpec: {steps: [{image: x, script: "cat $(workspaces.conf.path)/k"}]}
        """
    )
    assert succeeded(run)["status"] == "True", run
    assert kube.task_log(run, "t", "unnamed-1") == "hi\nconf\nfalse true\n"
    assert kube.task_log(run, "propagated") == "conf"


def test_tasks_and_pipelines_come_from_objects(kube: Kube) -> None:
    kube.create(
        yaml.safe_load(
            """
            metadata: {name: greet}
            spec: {params: [{name: who, default: you}], steps: [{image: x, script: echo $(params.who)}]}
            """
        ),
        "Task",
    )
    kube.create(
        yaml.safe_load(
            """
            metadata: {name: p}
            spec: {tasks: [{name: t, taskRef: {name: greet}, params: [{name: who, value: me}]}]}
            """
        ),
        "Pipeline",
    )
    run = kube.pipelinerun("pipelineRef: {name: p}")
    assert kube.task_log(run, "t") == "me\n"
    assert run["metadata"]["labels"]["tekton.dev/pipeline"] == "p"
    assert task_run(kube, run, "t")["metadata"]["labels"]["tekton.dev/task"] == "greet"


def test_a_taskrun_runs_by_itself(kube: Kube) -> None:
    run = kube.run(
        yaml.safe_load(
            """
            spec:
              params: [{name: p, value: v}]
              taskSpec: {params: [{name: p}], steps: [{image: x, script: echo $(params.p)}]}
            """
        ),
        "TaskRun",
    )
    assert succeeded(run)["status"] == "True"
    assert kube.log(run["status"]["podName"], "step-unnamed-0") == "v\n"


def test_v1beta1_runs(kube: Kube) -> None:
    made = kube.create(
        {"apiVersion": "tekton.dev/v1beta1", "spec": yaml.safe_load(f"pipelineSpec: {{tasks: [{{name: a, {OK}}}]}}")},
        "PipelineRun",
    )
    assert made["apiVersion"] == "tekton.dev/v1beta1"
    assert succeeded(kube.until(made, ended))["status"] == "True"


@pytest.mark.parametrize(
    ("spec", "reason", "words"),
    [
        ("pipelineRef: {name: absent}", "CouldntGetPipeline", 'pipelines.tekton.dev "absent" not found'),
        (
            "pipelineRef: {resolver: git}",
            "CouldntGetPipeline",
            'resolver "git" is not supported by the embedded cluster',
        ),
        (
            "pipelineSpec: {tasks: [{name: a, taskRef: {name: absent}}]}",
            "CouldntGetTask",
            'tasks.tekton.dev "absent" not found',
        ),
        ("pipelineSpec: {tasks: [{name: a, taskRef: {resolver: hub}}]}", "CouldntGetTask", 'resolver "hub"'),
        (
            "pipelineSpec: {tasks: [{name: a, taskRef: {apiVersion: x.dev/v1, kind: Wait}}]}",
            "CouldntGetTask",
            "taskRef to x.dev/v1 Wait",
        ),
        (
            f"pipelineSpec: {{tasks: [{{name: a, matrix: {{}}, {OK}}}]}}",
            "PipelineValidationFailed",
            'matrix of task "a"',
        ),
        (
            "pipelineSpec: {tasks: [{name: a, taskSpec: {sidecars: [{image: x}], steps: [{image: x, script: a}]}}]}",
            "PipelineValidationFailed",
            'sidecars of task "a"',
        ),
        (
            "pipelineSpec: {tasks: [{name: a, taskSpec: {steps: [{ref: {name: x}}]}}]}",
            "PipelineValidationFailed",
            "ref of container",
        ),
        (
            "pipelineSpec: {tasks: [{name: a, taskSpec: {steps: [{image: alpine}]}}]}",
            "PipelineValidationFailed",
            "image entrypoint unknown",
        ),
        (
            f"pipelineSpec: {{tasks: [{{name: a, when: [{{cel: 'true'}}], {OK}}}]}}",
            "PipelineValidationFailed",
            'when.cel of task "a"',
        ),
        (
            f"workspaces: [{{name: w, volumeClaimTemplate: {{}}}}]\npipelineSpec: {{tasks: [{{name: a, {OK}}}]}}",
            "PipelineValidationFailed",
            'workspace "w" with volumeClaimTemplate',
        ),
        (
            f"pipelineSpec: {{params: [{{name: p}}], tasks: [{{name: a, {OK}}}]}}",
            "ParameterMissing",
            "missing some parameters required",
        ),
        (
            f"params: [{{name: p, value: [a]}}]\npipelineSpec: {{params: [{{name: p}}], tasks: [{{name: a, {OK}}}]}}",
            "ParameterTypeMismatch",
            "mismatching types",
        ),
        (
            f"pipelineSpec: {{workspaces: [{{name: w}}], tasks: [{{name: a, {OK}}}]}}",
            "InvalidWorkspaceBindings",
            'pipeline requires workspace with name "w"',
        ),
        (f"pipelineSpec: {{tasks: [{{name: a, runAfter: [b], {OK}}}]}}", "PipelineInvalidGraph", "depends on b"),
        (
            f"pipelineSpec: {{tasks: [{{name: a, runAfter: [b], {OK}}}, {{name: b, runAfter: [a], {OK}}}]}}",
            "PipelineInvalidGraph",
            "cycle detected",
        ),
        (
            f"""
            pipelineSpec:
              tasks: [{{name: a, {OK}}}, {{name: b, params: [{{name: p, value: $(tasks.a.results.x)}}], {OK}}}]
            """,
            "InvalidTaskResultReference",
            '"x" is not a named result returned by pipeline task "a"',
        ),
        ("pipelineSpec: {tasks: []}", "PipelineValidationFailed", "missing field(s): spec.tasks"),
        (
            f"""
            taskRunTemplate: {{podTemplate: {{volumes: [{{name: v, hostPath: {{path: /}}}}]}}}}
            pipelineSpec: {{tasks: [{{name: a, {OK}}}]}}
            """,
            "PipelineValidationFailed",
            "hostPath",
        ),
    ],
)
def test_what_cannot_run_fails_by_name_before_anything_runs(kube: Kube, spec: str, reason: str, words: str) -> None:
    run = kube.pipelinerun(spec)
    assert (succeeded(run)["status"], succeeded(run)["reason"]) == ("False", reason)
    assert words in succeeded(run)["message"]
    assert kube.list("TaskRun") == []


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ("{params: [{name: p}], steps: [{image: x, script: a}]}", "missing values for these params"),
        ("{workspaces: [{name: w}], steps: [{image: x, script: a}]}", 'declared workspace "w" is required'),
        ("{steps: [{image: x, script: echo $(params.nothing)}]}", 'non-existent variable "params.nothing"'),
        (
            "{results: [{name: r, type: array}], steps: [{image: x, script: printf a > $(results.r.path)}]}",
            "expected to be",
        ),
        (
            "{results: [{name: r}], steps: [{image: x, script: head -c 5000 /dev/zero > $(results.r.path)}]}",
            "max allowed size",
        ),
    ],
)
def test_a_task_that_cannot_be_right_fails_with_the_reason(kube: Kube, task: str, words: str) -> None:
    run = kube.pipelinerun(f"pipelineSpec: {{tasks: [{{name: a, taskSpec: {task}}}]}}")
    assert succeeded(run)["status"] == "False"
    assert words in succeeded(task_run(kube, run, "a"))["message"]


def test_a_pending_run_waits_until_it_is_let_go(kube: Kube) -> None:
    spec = yaml.safe_load(f"{{status: PipelineRunPending, pipelineSpec: {{tasks: [{{name: a, {OK}}}]}}}}")
    made = kube.create({"spec": spec}, "PipelineRun")
    waiting = kube.until(made, lambda run: run.get("status"))
    assert (succeeded(waiting)["status"], succeeded(waiting)["reason"]) == ("Unknown", "PipelineRunPending")
    assert kube.list("TaskRun") == []
    kube.patch(made, {"spec": {"status": None}})
    assert succeeded(kube.until(made, ended))["status"] == "True"
