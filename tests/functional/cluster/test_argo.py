"""Workflows run: DAGs, steps, parameters, loops, retries, exit handlers."""

from __future__ import annotations

import json

from tests.functional.cluster.argo_specs import spec
from tests.functional.cluster.kube import NAMESPACE, Kube, node, phases


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
