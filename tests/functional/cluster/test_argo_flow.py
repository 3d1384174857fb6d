"""Workflows run: DAGs, retries, limits, and what is refused by name."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING

import pytest
from tests.functional.cluster.argo_specs import spec
from tests.functional.cluster.kube import Kube, node, phases

if TYPE_CHECKING:
    from typing import Any

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
    volumeMounts: [{name: w, mountPath: /data}]
    containers:
    - {name: a, image: x, command: [sh, -c, 'echo a > /data/f']}
    - {name: b, image: x, command: [sh, -c, 'cat /data/f; echo b'], dependencies: [a]}
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
