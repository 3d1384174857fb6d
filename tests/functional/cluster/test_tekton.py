"""PipelineRuns and TaskRuns run: order, parameters, results, workspaces, conditions, retries, finally."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml
from tests.functional.cluster.kube import NAMESPACE, Kube, ended, succeeded

if TYPE_CHECKING:
    from typing import Any


def task_run(kube: Kube, run: dict[str, Any], task: str) -> dict[str, Any]:
    return kube.get("TaskRun", f"{run['metadata']['name']}-{task}")


def tasks(run: dict[str, Any]) -> list[str]:
    return [child["pipelineTaskName"] for child in run["status"].get("childReferences", [])]


def skipped(run: dict[str, Any]) -> dict[str, str]:
    return {task["name"]: task["reason"] for task in run["status"].get("skippedTasks", [])}


OK = "taskSpec: {steps: [{image: x, script: 'true'}]}"
BAD = "taskSpec: {steps: [{image: x, script: exit 3}]}"


def test_a_pipelinerun_has_the_status_that_tekton_gives_it(kube: Kube) -> None:
    run = kube.pipelinerun(
        "pipelineSpec: {tasks: [{name: a, taskSpec: {steps: [{name: s, image: x, script: echo hi}]}}]}"
    )
    name = run["metadata"]["name"]
    condition = succeeded(run)
    assert {k: v for k, v in condition.items() if k != "lastTransitionTime"} == {
        "type": "Succeeded",
        "status": "True",
        "reason": "Succeeded",
        "message": "Tasks Completed: 1 (Failed: 0, Cancelled 0), Skipped: 0",
    }
    assert run["status"]["startTime"] <= run["status"]["completionTime"]
    assert run["status"]["childReferences"] == [
        {"apiVersion": "tekton.dev/v1", "kind": "TaskRun", "name": f"{name}-a", "pipelineTaskName": "a"}
    ]
    assert run["spec"]["timeouts"] == {"pipeline": "1h0m0s"}
    assert run["metadata"]["labels"]["tekton.dev/pipeline"] == name
    (found,) = kube.list("TaskRun", label_selector=f"tekton.dev/pipelineRun={name},tekton.dev/pipelineTask=a")
    assert found["metadata"]["labels"]["tekton.dev/memberOf"] == "tasks"
    assert succeeded(found)["message"] == "All Steps have completed executing"
    (step,) = found["status"]["steps"]
    assert (step["name"], step["container"], step["terminationReason"]) == ("s", "step-s", "Completed")
    assert step["terminated"]["exitCode"] == 0
    assert found["status"]["podName"] == f"{name}-a-pod"
    pod = kube.get("Pod", f"{name}-a-pod")
    assert pod["metadata"]["labels"]["tekton.dev/taskRun"] == f"{name}-a"
    assert kube.log(f"{name}-a-pod", "step-s") == "hi\n"


def test_steps_run_one_after_the_other_and_share_volumes(kube: Kube) -> None:
    run = kube.pipelinerun(
        """
        pipelineSpec:
          tasks:
          - name: t
            taskSpec:
              volumes: [{name: v, emptyDir: {}}]
              stepTemplate: {env: [{name: A, value: a}, {name: B, value: b}], volumeMounts: [{name: v, mountPath: /v}]}
              steps:
              - {name: one, image: x, script: "sleep 0.05; echo $A > /v/f; echo $A > /workspace/g"}
              - {name: two, image: x, command: [cat], args: [/v/f, g], workingDir: /workspace,
                  env: [{name: A, value: z}]}
              - {name: three, image: x, script: "#!/usr/bin/env python3\\nimport os; print(os.environ['B'])"}
        """
    )
    assert succeeded(run)["status"] == "True", run
    assert kube.task_log(run, "t", "two") == "a\na\n"
    assert kube.task_log(run, "t", "three") == "b\n"


def test_a_failed_step_fails_the_task_and_skips_the_steps_after_it(kube: Kube) -> None:
    run = kube.pipelinerun(
        "pipelineSpec: {tasks: [{name: t, taskSpec: {steps: ["
        "{name: bad, image: x, script: exit 4}, {name: later, image: x, script: echo ran}]}}]}"
    )
    assert (succeeded(run)["status"], succeeded(run)["reason"]) == ("False", "Failed")
    assert succeeded(run)["message"] == "Tasks Completed: 1 (Failed: 1, Cancelled 0), Skipped: 0"
    found = task_run(kube, run, "t")
    assert succeeded(found)["reason"] == "StepFailed"
    assert succeeded(found)["message"] == '"step-bad" exited with code 4: Error'
    assert [step["terminationReason"] for step in found["status"]["steps"]] == ["Error", "Skipped"]
    assert kube.task_log(run, "t", "later") == ""


def test_a_step_may_continue_on_error(kube: Kube) -> None:
    run = kube.pipelinerun(
        "pipelineSpec: {tasks: [{name: t, taskSpec: {steps: ["
        "{name: bad, image: x, script: exit 4, onError: continue}, {name: later, image: x, script: echo ran}]}}]}"
    )
    assert succeeded(run)["status"] == "True"
    bad = task_run(kube, run, "t")["status"]["steps"][0]
    assert (bad["terminated"]["exitCode"], bad["terminationReason"]) == (4, "Continued")
    assert kube.task_log(run, "t", "later") == "ran\n"


def test_a_step_may_time_out(kube: Kube) -> None:
    run = kube.pipelinerun(
        """
        pipelineSpec:
          tasks: [{name: t, taskSpec: {steps: [{name: s, image: x, script: sleep 600, timeout: 100ms}]}}]
        """
    )
    found = task_run(kube, run, "t")
    assert succeeded(found)["message"] == '"step-s" exited because the step exceeded the specified timeout limit'
    assert found["status"]["steps"][0]["terminationReason"] == "TimeoutExceeded"


def test_parameters_of_all_types_are_replaced(kube: Kube) -> None:
    run = kube.pipelinerun(
        """
        params:
        - {name: word, value: hello}
        - {name: list, value: [a, b c]}
        - {name: map, value: {key: v}}
        pipelineSpec:
          params:
          - {name: word}
          - {name: list, type: array}
          - {name: map, type: object, properties: {key: {}, other: {}}, default: {key: d, other: o}}
          - {name: defaulted, default: "$(context.pipeline.name)"}
          tasks:
          - name: t
            params:
            - {name: word, value: "$(params.word)!"}
            - {name: list, value: ["$(params.list[*])", end]}
            - {name: map, value: "$(params.map[*])"}
            taskSpec:
              params: [{name: word}, {name: list, type: array}, {name: map, type: object}]
              steps:
              - image: x
                command: [printf, "%s\\n"]
                args:
                - "$(params.word) $(params['word']) $(params.list[1]) $(params.map.key) $(params.map.other)"
                - "$(params.list[*])"
                - "$(context.pipelineRun.name) $(context.taskRun.name)"
                - "$(params.defaulted)"
        """
    )
    name = run["metadata"]["name"]
    assert succeeded(run)["status"] == "True", run
    assert kube.task_log(run, "t").splitlines() == [
        "hello! hello! b c v o",
        "a",
        "b c",
        "end",
        f"{name} {name}-t",
        name,
    ]


def test_results_order_tasks_and_reach_the_pipeline(kube: Kube) -> None:
    run = kube.pipelinerun(
        """
        pipelineSpec:
          results:
          - {name: word, value: "$(tasks.use.results.out)"}
          - {name: list, value: "$(tasks.make.results.list[*])"}
          - {name: both, value: "$(tasks.make.results.word) and $(tasks.make.results.map.k)"}
          tasks:
          - name: use
            params: [{name: p, value: "$(tasks.make.results.word)"}, {name: l, value: "$(tasks.make.results.list[*])"}]
            taskSpec:
              params: [{name: p}, {name: l, type: array}]
              results: [{name: out}]
              steps: [{image: x, command: [sh, -c, 'printf "%s" "$*" > $(results.out.path)', x],
                  args: ["$(params.p)", "$(params.l[*])", "$(params.l[1])"]}]
          - name: make
            taskSpec:
              results: [{name: word}, {name: list, type: array}, {name: map, type: object, properties: {k: {}}}]
              steps:
              - {image: x, script: "printf one > $(results.word.path)"}
              - {image: x, script: "printf '[\\"a\\",\\"b\\"]' > $(results.list.path)"}
              - {image: x, script: "printf '{\\"k\\":\\"v\\"}' > /tekton/results/map"}
        """
    )
    assert succeeded(run)["status"] == "True", run
    assert run["status"]["results"] == [
        {"name": "word", "value": "one a b b"},
        {"name": "list", "value": ["a", "b"]},
        {"name": "both", "value": "one and v"},
    ]
    assert task_run(kube, run, "make")["status"]["results"][1] == {"name": "list", "type": "array", "value": ["a", "b"]}


def test_run_after_orders_tasks_and_a_failure_stops_what_follows(kube: Kube) -> None:
    run = kube.pipelinerun(
        f"""
        pipelineSpec:
          tasks: [{{name: b, runAfter: [a], {OK}}}, {{name: a, {BAD}}}, {{name: c, runAfter: [b], {OK}}}]
        """
    )
    assert tasks(run) == ["a"]
    assert skipped(run) == {"b": "PipelineRun was stopping", "c": "PipelineRun was stopping"}
    assert succeeded(run)["message"] == "Tasks Completed: 1 (Failed: 1, Cancelled 0), Skipped: 2"


def test_a_task_may_fail_without_stopping_the_run(kube: Kube) -> None:
    run = kube.pipelinerun(
        f"pipelineSpec: {{tasks: [{{name: a, onError: continue, {BAD}}}, {{name: b, runAfter: [a], {OK}}}]}}"
    )
    assert succeeded(run)["status"] == "True"
    assert succeeded(run)["message"] == "Tasks Completed: 2 (Failed: 1 (Ignored: 1), Cancelled 0), Skipped: 0"
    assert succeeded(task_run(kube, run, "a"))["reason"] == "FailureIgnored"


def test_when_guards_a_task_but_not_those_after_it(kube: Kube) -> None:
    run = kube.pipelinerun(
        f"""
        params: [{{name: branch, value: main}}]
        pipelineSpec:
          params: [{{name: branch}}]
          tasks:
          - {{name: no, when: [{{input: "$(params.branch)", operator: notin, values: [main]}}], {OK}}}
          - {{name: yes, when: [{{input: "$(params.branch)", operator: in, values: [x, main]}}], {OK}}}
          - {{name: after, runAfter: ["no"], {OK}}}
        """.replace("name: no", 'name: "no"').replace("name: yes", 'name: "yes"')
    )
    assert (succeeded(run)["status"], succeeded(run)["reason"]) == ("True", "Completed")
    assert succeeded(run)["message"] == "Tasks Completed: 2 (Failed: 0, Cancelled 0), Skipped: 1"
    assert skipped(run) == {"no": "When Expressions evaluated to false"}
    assert run["status"]["skippedTasks"][0]["whenExpressions"] == [
        {"input": "main", "operator": "notin", "values": ["main"]}
    ]


def test_a_result_of_a_skipped_task_skips_who_needs_it(kube: Kube) -> None:
    run = kube.pipelinerun(
        f"""
        pipelineSpec:
          tasks:
          - name: a
            when: [{{input: x, operator: in, values: [y]}}]
            taskSpec: {{results: [{{name: r}}], steps: [{{image: x, script: 'true'}}]}}
          - {{name: b, params: [{{name: p, value: "$(tasks.a.results.r)"}}], taskSpec: {{params: [{{name: p}}],
              steps: [{{image: x, script: 'true'}}]}}}}
          - {{name: c, runAfter: [b], {OK}}}
        """
    )
    assert skipped(run) == {
        "a": "When Expressions evaluated to false",
        "b": "Results were missing",
        "c": "Parent Tasks were skipped",
    }


def test_a_result_that_was_not_written_fails_the_run(kube: Kube) -> None:
    run = kube.pipelinerun(
        """
        pipelineSpec:
          tasks:
          - {name: a, taskSpec: {results: [{name: r}], steps: [{image: x, script: 'true'}]}}
          - {name: b, params: [{name: p, value: "$(tasks.a.results.r)"}], taskSpec: {params: [{name: p}],
              steps: [{image: x, script: 'true'}]}}
        """
    )
    assert (succeeded(run)["status"], succeeded(run)["reason"]) == ("False", "PipelineValidationFailed")
    assert 'task "a" completed successfully but did not emit the result "r"' in succeeded(run)["message"]
    assert tasks(run) == ["a"]


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
