"""PipelineRuns and TaskRuns run: order, parameters, results, workspaces, conditions, retries, finally."""

from __future__ import annotations

from tests.functional.cluster.kube import Kube, succeeded
from tests.functional.cluster.tekton_specs import BAD, OK, skipped, task_run, tasks


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
