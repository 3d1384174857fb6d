"""Workflows run: DAGs, steps, parameters, loops, retries, exit handlers."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING

import pytest
from tests.functional.cluster.kube import NAMESPACE, Kube, node, phases

if TYPE_CHECKING:
    from typing import Any

SAY = """
- name: say
  inputs: {parameters: [{name: text}]}
  container: {image: x, command: [echo], args: ["{{inputs.parameters.text}}"]}
- name: "yes"
  container: {image: x, command: ["true"]}
- name: "no"
  container: {image: x, command: [sh, -c, exit 3]}
"""


def spec(main: str, more: str = "", head: str = "") -> str:
    return f"entrypoint: main\n{head}\ntemplates:{SAY}- name: main\n{main}\n{more}"


def test_a_workflow_has_the_status_that_argo_gives_it(kube: Kube) -> None:
    workflow = kube.workflow(spec("  container: {image: x, command: [echo, hello]}"))
    name, status = workflow["metadata"]["name"], workflow["status"]
    assert status["phase"] == "Succeeded"
    assert "message" not in status
    assert status["progress"] == "1/1"
    assert status["startedAt"] <= status["finishedAt"]
    assert {c["type"]: c["status"] for c in status["conditions"]} == {"PodRunning": "False", "Completed": "True"}
    assert workflow["metadata"]["labels"] == {
        "workflows.argoproj.io/phase": "Succeeded",
        "workflows.argoproj.io/completed": "true",
    }
    entry = status["nodes"][name]
    assert (entry["id"], entry["name"], entry["displayName"]) == (name, name, name)
    assert (entry["type"], entry["phase"], entry["templateName"]) == ("Pod", "Succeeded", "main")
    assert entry["outputs"] == {"exitCode": "0"}
    (pod,) = kube.list("Pod", label_selector=f"workflows.argoproj.io/workflow={name}")
    assert pod["metadata"]["name"] == name
    assert pod["metadata"]["annotations"]["workflows.argoproj.io/node-name"] == name
    assert pod["metadata"]["labels"]["workflows.argoproj.io/completed"] == "true"
    assert [container["name"] for container in pod["spec"]["containers"]] == ["main"]
    assert kube.log(name, "main") == "hello\n"


def test_a_failed_container_fails_the_workflow_with_its_exit_code(kube: Kube) -> None:
    workflow = kube.workflow(spec("  container: {image: x, command: [sh, -c, exit 3]}"))
    assert workflow["status"]["phase"] == "Failed"
    assert workflow["status"]["message"] == "main: Error (exit code 3)"
    assert node(workflow, workflow["metadata"]["name"])["outputs"]["exitCode"] == "3"
    assert workflow["status"]["progress"] == "0/1"


def test_a_dag_runs_tasks_in_the_order_of_their_dependencies(kube: Kube) -> None:
    workflow = kube.workflow(
        spec(
            """
  dag:
    tasks:
    - {name: a, template: gen}
    - {name: b, template: say, dependencies: [a], arguments: {parameters: [{name: text,
        value: "{{tasks.a.outputs.result}} b"}]}}
    - {name: c, template: say, dependencies: [a], arguments: {parameters: [{name: text,
        value: "{{tasks.a.outputs.parameters.p}} c"}]}}
    - {name: d, template: "yes", dependencies: [b, c]}""",
            """
- name: gen
  container: {image: x, command: [sh, -c, 'echo out; echo err >&2; echo param > /tmp/p']}
  outputs: {parameters: [{name: p, valueFrom: {path: /tmp/p}}]}""",
        )
    )
    assert workflow["status"]["phase"] == "Succeeded"
    assert kube.node_log(workflow, "b") == "out b\n"
    assert kube.node_log(workflow, "c") == "param c\n"
    root, a, b, c, d = (node(workflow, name) for name in (workflow["metadata"]["name"], "a", "b", "c", "d"))
    assert root["type"] == "DAG"
    assert root["children"] == [a["id"]]
    assert a["children"] == [b["id"], c["id"]]
    assert b["children"] == c["children"] == [d["id"]]
    assert a["boundaryID"] == root["id"]
    assert a["outputs"] == {
        "exitCode": "0",
        "result": "out",
        "parameters": [{"name": "p", "value": "param", "valueFrom": {"path": "/tmp/p"}}],
    }
    assert a["name"] == f"{root['name']}.a"


def test_a_task_after_a_failed_one_is_omitted_and_the_dag_fails(kube: Kube) -> None:
    workflow = kube.workflow(
        spec('  dag: {tasks: [{name: a, template: "no"}, {name: b, template: "yes", dependencies: [a]}]}')
    )
    assert workflow["status"]["phase"] == "Failed"
    omitted = node(workflow, "b")
    assert (omitted["phase"], omitted["type"]) == ("Omitted", "Skipped")
    assert omitted["message"] == "omitted: depends condition not met"


def test_depends_chooses_by_results(kube: Kube) -> None:
    workflow = kube.workflow(
        spec(
            """
  dag:
    tasks:
    - {name: bad, template: "no"}
    - {name: good, template: "yes"}
    - {name: skip, template: "yes", when: "false"}
    - {name: on-failure, template: "yes", depends: "bad.Failed && !good.Failed"}
    - {name: on-success, template: "yes", depends: "bad.Succeeded || good.Failed"}
    - {name: after-skip, template: "yes", depends: "skip && (bad.Failed || bad.Errored)"}
    - {name: after-omitted, template: "yes", depends: "on-success.Omitted"}"""
        )
    )
    found = phases(workflow)
    assert found["on-failure"] == found["after-skip"] == found["after-omitted"] == "Succeeded"
    assert found["on-success"] == "Omitted"
    assert found["skip"] == "Skipped"
    assert workflow["status"]["phase"] == "Succeeded"  # by the tasks nobody depends on


def test_continue_on_lets_a_dag_go_on(kube: Kube) -> None:
    workflow = kube.workflow(
        spec(
            """
  dag:
    tasks:
    - {name: a, template: "no", continueOn: {failed: true}}
    - {name: b, template: "yes", dependencies: [a]}"""
        )
    )
    assert workflow["status"]["phase"] == "Succeeded"
    assert phases(workflow)["b"] == "Succeeded"


def test_steps_run_groups_one_by_one_and_their_steps_together(kube: Kube) -> None:
    workflow = kube.workflow(
        spec(
            """
  steps:
  - - {name: first, template: gen}
  - - {name: left, template: say, arguments: {parameters: [{name: text, value: "L {{steps.first.outputs.result}}"}]}}
    - {name: right, template: say, arguments: {parameters: [{name: text, value: "R {{steps.first.status}}"}]}}
  - - {name: last, template: "yes", when: "{{steps.first.outputs.result}} == 42"}
    - {name: never, template: "yes", when: "{{steps.first.outputs.result}} > 42"}""",
            "- {name: gen, container: {image: x, command: [echo, '42']}}",
        )
    )
    name = workflow["metadata"]["name"]
    assert workflow["status"]["phase"] == "Succeeded"
    assert kube.node_log(workflow, "left") == "L 42\n"
    assert kube.node_log(workflow, "right") == "R Succeeded\n"
    assert phases(workflow)["never"] == "Skipped"
    assert node(workflow, "never")["message"] == "when '42 > 42' evaluated false"
    group = node(workflow, "[1]")
    assert (group["type"], group["name"]) == ("StepGroup", f"{name}[1]")
    assert group["children"] == [node(workflow, "left")["id"], node(workflow, "right")["id"]]
    assert node(workflow, "last")["name"] == f"{name}[2].last"


def test_a_failed_step_ends_the_steps_after_its_group(kube: Kube) -> None:
    workflow = kube.workflow(
        spec(
            '  steps: [[{name: bad, template: "no"}, {name: good, template: "yes"}], [{name: later, template: "yes"}]]'
        )
    )
    assert workflow["status"]["phase"] == "Failed"
    assert workflow["status"]["message"] == f"child '{node(workflow, 'bad')['id']}' failed"
    assert phases(workflow)["good"] == "Succeeded"
    assert "later" not in phases(workflow)


def test_a_step_may_continue_on_failure(kube: Kube) -> None:
    workflow = kube.workflow(
        spec('  steps: [[{name: bad, template: "no", continueOn: {failed: true}}], [{name: later, template: "yes"}]]')
    )
    assert workflow["status"]["phase"] == "Succeeded"


def test_parameters_come_from_everywhere(kube: Kube) -> None:
    kube.core.create_namespaced_config_map(NAMESPACE, {"metadata": {"name": "c"}, "data": {"k": "configured"}})
    workflow = kube.workflow(
        spec(
            """
  inputs:
    parameters:
    - {name: given}
    - {name: defaulted, default: "{{workflow.name}}"}
    - {name: configured, valueFrom: {configMapKeyRef: {name: c, key: k}}}
    - {name: number, value: 7}
  container:
    image: x
    command: [printf, "%s\\n"]
    args:
    - "{{inputs.parameters.given}} {{ inputs.parameters.defaulted }}"
    - "{{inputs.parameters.configured}} {{inputs.parameters.number}}"
    - "{{workflow.parameters.given}} {{workflow.namespace}} {{workflow.uid}}"
    - "{{workflow.labels.app}} {{pod.name}} {{node.name}}"
    - "{{.Names}} {{range}}"
    - "{{workflow.parameters}}\"""",
            head="arguments: {parameters: [{name: given, value: true}]}",
        ),
        labels={"app": "demo"},
    )
    name = workflow["metadata"]["name"]
    lines = kube.node_log(workflow, name).splitlines()
    assert lines[:5] == [
        f"true {name}",
        "configured 7",
        f"true {NAMESPACE} {workflow['metadata']['uid']}",
        f"demo {name} {name}",
        "{{.Names}} {{range}}",
    ]
    assert json.loads(lines[5]) == [{"name": "given", "value": True}]


def test_outputs_go_up_through_templates_and_out_of_the_workflow(kube: Kube) -> None:
    workflow = kube.workflow(
        spec(
            """
  steps:
  - - {name: inner, template: inner}
  - - {name: use, template: say, arguments: {parameters: [{name: text,
      value: "{{steps.inner.outputs.parameters.up}} {{workflow.outputs.parameters.g}}"}]}}""",
            """
- name: inner
  dag: {tasks: [{name: gen, template: gen}]}
  outputs: {parameters: [{name: up, valueFrom: {parameter: "{{tasks.gen.outputs.parameters.p}}"}}]}
- name: gen
  script: {image: x, command: [sh], source: "printf value > {{outputs.parameters.p.path}}"}
  outputs:
    parameters:
    - {name: p, valueFrom: {path: /tmp/out/p}, globalName: g}
    - {name: d, valueFrom: {path: /tmp/out/absent, default: none}}""",
        )
    )
    assert workflow["status"]["phase"] == "Succeeded", workflow["status"]
    assert kube.node_log(workflow, "use") == "value value\n"
    assert workflow["status"]["outputs"] == {"parameters": [{"name": "g", "value": "value"}]}
    assert {p["name"]: p["value"] for p in node(workflow, "gen")["outputs"]["parameters"]} == {
        "p": "value",
        "d": "none",
    }


def test_a_missing_output_is_an_error(kube: Kube) -> None:
    workflow = kube.workflow(
        spec(
            "  container: {image: x, command: ['true']}\n"
            "  outputs: {parameters: [{name: p, valueFrom: {path: /tmp/absent}}]}"
        )
    )
    assert workflow["status"]["phase"] == "Error"
    assert workflow["status"]["message"] == 'output parameter "p": no such file: /tmp/absent'


def test_loops_expand_and_their_outputs_come_back_as_a_list(kube: Kube) -> None:
    workflow = kube.workflow(
        spec(
            """
  dag:
    tasks:
    - {name: items, template: echo, withItems: [one, {n: 2, m: x}, 3], arguments: {parameters: [{name: text,
        value: "{{item}}"}]}}
    - {name: again, template: echo, depends: items, withParam: "{{tasks.items.outputs.parameters.p}}",
        arguments: {parameters: [{name: text, value: "{{item}}"}]}}
    - {name: count, template: say, depends: items, withSequence: {count: "2", start: "5", format: "n%02d"},
        arguments: {parameters: [{name: text, value: "{{item}}"}]}}
    - {name: all, template: say, depends: items, arguments: {parameters: [{name: text,
        value: "{{tasks.items.outputs.result}}"}]}}
    - {name: none, template: say, depends: items, withItems: [], arguments: {parameters: [{name: text,
        value: "{{item}}"}]}}
    - {name: after, template: "yes", depends: "items.AnySucceeded && none.Skipped"}""",
            """
- name: echo
  inputs: {parameters: [{name: text}]}
  container: {image: x, command: [sh, -c, 'echo "$0" | tee /tmp/p'], args: ["{{inputs.parameters.text}}"]}
  outputs: {parameters: [{name: p, valueFrom: {path: /tmp/p}}]}""",
        )
    )
    assert workflow["status"]["phase"] == "Succeeded", workflow["status"]
    assert kube.node_log(workflow, "items(0:one)") == "one\n"
    assert json.loads(kube.node_log(workflow, "items(1:m:x,n:2)")) == {"n": 2, "m": "x"}
    assert node(workflow, "items")["type"] == "TaskGroup"
    assert kube.node_log(workflow, "again(0:one)") == "one\n"
    assert kube.node_log(workflow, "count(1:n06)") == "n06\n"
    assert json.loads(kube.node_log(workflow, "all")) == ["one", {"n": 2, "m": "x"}, 3]
    assert phases(workflow)["none"] == "Skipped"
    assert phases(workflow)["after"] == "Succeeded"


def test_a_loop_over_steps_skips_by_item(kube: Kube) -> None:
    workflow = kube.workflow(
        spec(
            """
  steps:
  - - {name: s, template: say, withItems: [a, b], when: "{{item}} != b", arguments: {parameters: [{name: text,
      value: "{{item}}"}]}}
  - - {name: all, template: say, arguments: {parameters: [{name: text, value: "{{steps.s.outputs.result}}"}]}}"""
        )
    )
    assert phases(workflow)["s(1:b)"] == "Skipped"
    assert kube.node_log(workflow, "all") == '["a"]\n'


def test_a_skipped_tasks_output_is_its_default_or_the_inputs_default(kube: Kube) -> None:
    workflow = kube.workflow(
        spec(
            """
  dag:
    tasks:
    - {name: a, template: gen, when: "false"}
    - {name: b, template: say, dependencies: [a], arguments: {parameters: [{name: text,
        value: "{{tasks.a.outputs.parameters.d}}"}]}}
    - {name: c, template: opt, dependencies: [a], arguments: {parameters: [{name: text,
        value: "{{tasks.a.outputs.parameters.p}}"}]}}""",
            """
- name: gen
  container: {image: x, command: ["true"]}
  outputs: {parameters: [{name: p, valueFrom: {path: /p}}, {name: d, valueFrom: {path: /d, default: dee}}]}
- name: opt
  inputs: {parameters: [{name: text, default: mine}]}
  container: {image: x, command: [echo, "{{inputs.parameters.text}}"]}""",
        )
    )
    assert workflow["status"]["phase"] == "Succeeded", workflow["status"]
    assert kube.node_log(workflow, "b") == "dee\n"
    assert kube.node_log(workflow, "c") == "mine\n"


RETRY = """
  retryStrategy: {{limit: "2"{more}}}
  container:
    image: x
    command: [sh, -c]
    args: ["echo attempt {{{{retries}}}} after {{{{lastRetry.exitCode}}}}; exit {code}"]"""


def test_a_failed_container_is_retried(kube: Kube) -> None:
    workflow = kube.workflow(spec(RETRY.format(more="", code="$((2 - {{retries}}))")))
    name = workflow["metadata"]["name"]
    assert workflow["status"]["phase"] == "Succeeded"
    retry = node(workflow, name)
    assert retry["type"] == "Retry"
    attempts = [workflow["status"]["nodes"][child] for child in retry["children"]]
    assert [(a["name"], a["phase"], a["nodeFlag"]) for a in attempts] == [
        (f"{name}(0)", "Failed", {"retried": True}),
        (f"{name}(1)", "Failed", {"retried": True}),
        (f"{name}(2)", "Succeeded", {"retried": True}),
    ]
    assert kube.node_log(workflow, f"{name}(2)") == "attempt 2 after 1\n"


def test_retries_end(kube: Kube) -> None:
    workflow = kube.workflow(spec(RETRY.format(more="", code="1")))
    assert workflow["status"]["phase"] == "Failed"
    assert workflow["status"]["message"] == "No more retries left"
    assert len(workflow["status"]["nodes"]) == 4


def test_a_retry_policy_may_not_be_for_failures(kube: Kube) -> None:
    workflow = kube.workflow(spec(RETRY.format(more=", retryPolicy: OnError", code="1")))
    assert workflow["status"]["message"] == "main: Error (exit code 1)"
    assert len(workflow["status"]["nodes"]) == 2


@pytest.mark.parametrize(("command", "phase"), [("['true']", "Succeeded"), ("[sh, -c, exit 3]", "Failed")])
def test_the_exit_handler_runs_after_any_end(kube: Kube, command: str, phase: str) -> None:
    workflow = kube.workflow(
        spec(
            f"  container: {{image: x, command: {command}}}",
            """
- name: bye
  container: {image: x,
      command: [printf, '%s %s %s', "{{workflow.status}}", '{{workflow.failures}}', "{{workflow.duration}}"]}""",
            "onExit: bye",
        )
    )
    name = workflow["metadata"]["name"]
    assert workflow["status"]["phase"] == phase
    assert node(workflow, f"{name}.onExit")["nodeFlag"] == {"hooked": True}
    status, rest = kube.node_log(workflow, f"{name}.onExit").split(" ", 1)
    quoted, duration = rest.rsplit(" ", 1)
    failures = json.loads(json.loads(quoted))
    assert status == phase
    assert float(duration) >= 0
    if phase == "Failed":
        (failure,) = failures
        assert failure["message"] == "main: Error (exit code 3)"
        assert failure["podName"] == name
    else:
        assert failures is None


def test_a_failed_exit_handler_fails_the_workflow(kube: Kube) -> None:
    workflow = kube.workflow(spec("  container: {image: x, command: ['true']}", head="onExit: 'no'"))
    assert workflow["status"]["phase"] == "Failed"
    assert workflow["status"]["message"] == "main: Error (exit code 3)"


def test_a_container_set_runs_in_one_pod_by_dependencies(kube: Kube) -> None:
    workflow = kube.workflow(
        spec(
            """
  containerSet:
    volumeMounts: [{name: w, mountPath: /work}]
    containers:
    - {name: a, image: x, command: [sh, -c, 'echo a > /work/f']}
    - {name: b, image: x, command: [sh, -c, 'cat /work/f; echo b'], dependencies: [a]}
    - {name: main, image: x, command: [sh, -c, 'echo done'], dependencies: [a, b]}
  volumes: [{name: w, emptyDir: {}}]"""
        )
    )
    name = workflow["metadata"]["name"]
    assert workflow["status"]["phase"] == "Succeeded", workflow["status"]
    assert kube.log(name, "b") == "a\nb\n"
    assert {k: phases(workflow)[k] for k in ("a", "b", "main")} == dict.fromkeys(("a", "b", "main"), "Succeeded")
    assert node(workflow, "b")["type"] == "Container"
    assert node(workflow, "a")["children"] == [node(workflow, "b")["id"], node(workflow, "main")["id"]]


def test_a_container_after_a_failed_one_does_not_run(kube: Kube) -> None:
    workflow = kube.workflow(
        spec(
            """
  containerSet:
    containers:
    - {name: a, image: x, command: [sh, -c, exit 4]}
    - {name: b, image: x, command: [echo, ran], dependencies: [a]}"""
        )
    )
    assert workflow["status"]["phase"] == "Failed"
    assert phases(workflow)["b"] == "Failed"
    assert 'dependency "a" exited with code 4' in node(workflow, "b")["message"]
    assert kube.log(workflow["metadata"]["name"], "b") == ""


def test_sidecars_end_with_the_main_container(kube: Kube) -> None:
    workflow = kube.workflow(
        spec(
            """
  initContainers: [{name: i, image: x, command: [sh, -c, 'echo init > /w/f'], mirrorVolumeMounts: true}]
  container: {image: x, command: [cat, /w/f], volumeMounts: [{name: w, mountPath: /w}]}
  sidecars: [{name: s, image: x, command: [sleep, '600']}]""",
            head="volumes: [{name: w, emptyDir: {}}]",
        )
    )
    assert workflow["status"]["phase"] == "Succeeded", workflow["status"]
    assert kube.node_log(workflow, workflow["metadata"]["name"]) == "init\n"


def test_a_script_runs_with_its_interpreter(kube: Kube) -> None:
    workflow = kube.workflow(
        spec(
            """
  script:
    image: x
    command: [python3, -u]
    env: [{name: A, value: b}]
    source: |
      import os
      print(os.environ["A"], "{{workflow.name}}")"""
        )
    )
    name = workflow["metadata"]["name"]
    assert kube.node_log(workflow, name) == f"b {name}\n"


def test_parallelism_limits_what_runs_together(kube: Kube) -> None:
    workflow = kube.workflow(
        spec(
            """
  dag: {tasks: [{name: t, template: one, withItems: [1, 2, 3, 4]}]}""",
            """
- name: one
  script:
    image: x
    command: [sh]
    source: |
      mkdir "$LOCK" || exit 1
      sleep 0.05
      rmdir "$LOCK"
    env: [{name: LOCK, value: /lock/held}]
    volumeMounts: [{name: lock, mountPath: /lock}]
  volumes: [{name: lock, emptyDir: {}}]""",
            head="parallelism: 1",
        )
    )
    assert workflow["status"]["phase"] == "Succeeded"
    ran = sorted((n["startedAt"], n["finishedAt"]) for n in workflow["status"]["nodes"].values() if n["type"] == "Pod")
    assert all(later[0] >= earlier[1] for earlier, later in itertools.pairwise(ran))


def test_templates_come_from_workflow_templates(kube: Kube) -> None:
    template = {
        "metadata": {"name": "lib"},
        "spec": {
            "entrypoint": "outer",
            "arguments": {"parameters": [{"name": "who", "value": "nobody"}]},
            "templates": [
                {"name": "outer", "steps": [[{"name": "in", "template": "inner"}]]},
                {"name": "inner", "container": {"image": "x", "command": ["echo", "{{workflow.parameters.who}}"]}},
            ],
        },
    }
    kube.create(template, "WorkflowTemplate")
    workflow = kube.workflow(
        spec(
            "  steps: [[{name: s, templateRef: {name: lib, template: outer}}]]",
            head="arguments: {parameters: [{name: who, value: me}]}",
        )
    )
    assert kube.node_log(workflow, "in") == "me\n"
    whole = kube.workflow("workflowTemplateRef: {name: lib}\narguments: {parameters: [{name: who, value: you}]}")
    assert kube.node_log(whole, "in") == "you\n"
    assert whole["status"]["storedWorkflowTemplateSpec"] == template["spec"]


def test_inline_templates_run(kube: Kube) -> None:
    workflow = kube.workflow(
        spec(
            """
  steps:
  - - name: a
      inline: {container: {image: x, command: [sh, -c, "echo v > /tmp/o"]}, outputs: {parameters: [{name: o,
          valueFrom: {path: /tmp/o}}]}}
  - - {name: b, template: say, arguments: {parameters: [{name: text, value: "{{steps.a.outputs.parameters.o}}"}]}}"""
        )
    )
    assert workflow["status"]["phase"] == "Succeeded", workflow["status"]
    assert kube.node_log(workflow, "b") == "v\n"


def test_a_step_without_an_input_is_an_error(kube: Kube) -> None:
    workflow = kube.workflow(spec("  steps: [[{name: s, template: say}]]"))
    assert workflow["status"]["phase"] in {"Error", "Failed"}
    assert "inputs.parameters.text was not supplied" in node(workflow, "s")["message"]


@pytest.mark.parametrize(
    ("expression", "runs"),
    [
        ("true", True),
        ("1 < 2 && !(a == b)", True),
        ("'it''s' != \"x\"".replace("''", ""), True),
        ("10 > 9", True),
        ("'10' > '9'", False),
        ("a =~ '^[a-c]$'", True),
        ("a !~ 'a'", False),
        ("b in (a, b)", True),
        ("(false || 1 == 1.0)", True),
        ("1 == '1'", False),
    ],
)
def test_when_expressions_are_evaluated(kube: Kube, expression: str, runs: bool) -> None:
    step = {"name": "s", "template": "yes", "when": expression}
    workflow = kube.workflow(spec(f"  steps: [[{json.dumps(step)}]]"))
    assert workflow["status"]["phase"] == "Succeeded", workflow["status"]
    assert phases(workflow)["s"] == ("Succeeded" if runs else "Skipped")


@pytest.mark.parametrize("expression", ["a-b == c", "1 +", "(1 == 1", "just-words", "'x'", "1 < a"])
def test_when_expressions_that_make_no_sense_are_errors(kube: Kube, expression: str) -> None:
    step = {"name": "s", "template": "yes", "when": expression}
    workflow = kube.workflow(spec(f"  steps: [[{json.dumps(step)}]]"))
    assert workflow["status"]["phase"] in {"Error", "Failed"}
    assert expression in node(workflow, "[0]")["message"]


UNSUPPORTED: list[tuple[dict[str, Any], str]] = [
    ({"suspend": {}}, 'suspend of template "main"'),
    ({"http": {"url": "http://x"}}, 'http of template "main"'),
    ({"resource": {"action": "get"}}, 'resource of template "main"'),
    ({"plugin": {"x": {}}}, 'plugin of template "main"'),
    ({"data": {"source": {}}}, 'data of template "main"'),
    ({"container": {"image": "x", "command": ["a"]}, "daemon": True}, "daemon"),
    ({"container": {"image": "x", "command": ["a"]}, "podSpecPatch": "{}"}, "podSpecPatch"),
    ({"container": {"image": "x", "command": ["a"]}, "synchronization": {"mutex": {"name": "m"}}}, "synchronization"),
    (
        {"container": {"image": "x", "command": ["a"]}, "inputs": {"artifacts": [{"name": "i", "path": "/i"}]}},
        "inputs.artifacts",
    ),
    (
        {"container": {"image": "x", "command": ["a"]}, "outputs": {"artifacts": [{"name": "o", "path": "/o"}]}},
        "outputs.artifacts",
    ),
    ({"container": {"image": "x", "command": ["a", "{{=1+1}}"]}}, "expression tag"),
    ({"container": {"image": "alpine"}}, "image entrypoint unknown"),
    (
        {"container": {"image": "x", "command": ["a"]}, "retryStrategy": {"expression": "true"}},
        "expression of retryStrategy",
    ),
    (
        {"container": {"image": "x", "command": ["a"]}, "volumes": [{"name": "v", "hostPath": {"path": "/"}}]},
        "hostPath",
    ),
    ({"steps": [[{"name": "s", "template": "yes", "hooks": {"exit": {"template": "yes"}}}]]}, "hooks"),
    ({"steps": [[{"name": "s", "template": "yes", "onExit": "yes"}]]}, "onExit"),
    ({"steps": [[{"name": "s", "templateRef": {"name": "t", "template": "x", "clusterScope": True}}]]}, "clusterScope"),
    ({"container": {"image": "x", "command": ["a"], "lifecycle": {"preStop": {"exec": {}}}}}, "lifecycle"),
]


@pytest.mark.parametrize(("template", "named"), UNSUPPORTED, ids=lambda value: value if isinstance(value, str) else "")
def test_what_is_not_supported_is_an_error_that_names_it(
    kube: Kube, notes: list[str], template: dict[str, Any], named: str
) -> None:
    templates = [{"name": "main", **template}, {"name": "yes", "container": {"image": "x", "command": ["true"]}}]
    workflow = kube.run({"spec": {"entrypoint": "main", "templates": templates}}, "Workflow")
    assert workflow["status"]["phase"] == "Error"
    assert named in workflow["status"]["message"]
    assert kube.list("Pod") == []
    assert any(named in note for note in notes)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"volumeClaimTemplates": [{"metadata": {"name": "v"}}]}, "volumeClaimTemplates"),
        ({"hooks": {"exit": {"template": "yes"}}}, "hooks"),
        ({"suspend": True}, "suspend"),
        ({"podSpecPatch": "{}"}, "podSpecPatch"),
        ({"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "c"}}]}, "persistentVolumeClaim"),
        ({"arguments": {"artifacts": [{"name": "a"}]}}, "arguments.artifacts"),
    ],
)
def test_unsupported_fields_of_the_workflow_are_named(kube: Kube, fields: dict[str, Any], named: str) -> None:
    templates = [{"name": "yes", "container": {"image": "x", "command": ["true"]}}]
    workflow = kube.run({"spec": {"entrypoint": "yes", "templates": templates, **fields}}, "Workflow")
    assert workflow["status"]["phase"] == "Error"
    assert named in workflow["status"]["message"]


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ("entrypoint: nothing\ntemplates: []", "template name 'nothing' undefined"),
        ("templates: []", "spec.entrypoint is required"),
        ("entrypoint: m\ntemplates: [{name: m}]", "must have exactly one of"),
        ("entrypoint: m\ntemplates: [{name: m, dag: {tasks: [{name: a, template: m, dependencies: [b]}]}}]", "'b'"),
        (
            """
            entrypoint: m
            templates:
            - {name: m, dag: {tasks: [{name: a, template: m, depends: b}, {name: b, template: m, depends: a}]}}
            """,
            "circle",
        ),
        ("entrypoint: m\ntemplates: [{name: m, dag: {tasks: [{name: a, template: m, depends: a.Won}]}}]", "Won"),
        ("workflowTemplateRef: {name: absent}", 'workflowtemplates.argoproj.io "absent" not found'),
        (
            """
            entrypoint: m
            arguments: {parameters: [{name: p}]}
            templates: [{name: m, container: {image: x, command: [a]}}]
            """,
            "global parameter p",
        ),
        (
            "entrypoint: m\ntemplates: [{name: m, container: {image: x, command: ['{{inputs.parameters.q}}']}}]",
            "failed to resolve {{inputs.parameters.q}}",
        ),
        ("entrypoint: m\ntemplates: [{name: m, steps: [[{name: again, template: m}]]}]", "max depth exceeded"),
    ],
)
def test_a_workflow_that_makes_no_sense_is_an_error(kube: Kube, broken: str, words: str) -> None:
    workflow = kube.workflow(broken)
    assert workflow["status"]["phase"] in {"Error", "Failed"}
    messages = [
        workflow["status"].get("message", ""),
        *(n.get("message", "") for n in workflow["status"].get("nodes", {}).values()),
    ]
    assert any(words in message for message in messages), messages


def test_optional_artifacts_do_no_harm(kube: Kube) -> None:
    workflow = kube.workflow(
        spec(
            "  container: {image: x, command: ['true']}\n"
            "  outputs: {artifacts: [{name: junit, path: /tmp/junit.xml, optional: true}]}"
        )
    )
    assert workflow["status"]["phase"] == "Succeeded"
