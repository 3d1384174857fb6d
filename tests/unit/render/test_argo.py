import json

import pytest
from tests.unit.render.samples import (
    CLUSTER,
    PROWJOB,
    TITLES,
    TWO,
    environment_of,
    expand,
    job,
    spec,
    titled,
)

from prowless.domain.errors import ConfigError
from prowless.domain.render import render

TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount"


def workflow(**fields):
    of = spec(**fields)
    return render(of, job(of), CLUSTER, timeout_seconds=600)


def own(workflow_spec, **fields):
    return workflow(agent="argo-workflow", pod_spec=None, workflow_spec=workflow_spec, **fields)


def test_one_container_becomes_a_container_template():
    manifest = workflow()
    assert manifest["metadata"]["name"] == PROWJOB
    assert manifest["metadata"]["namespace"] == "test-pods"
    body = manifest["spec"]
    assert body["entrypoint"] == "main"
    [template] = body["templates"]
    assert template["container"]["name"] == "main"
    assert template["container"]["args"] == ["make test"]
    assert body["activeDeadlineSeconds"] == 600
    assert body["ttlStrategy"]["secondsAfterCompletion"] >= 86_400
    assert "podGC" not in body
    assert body["podMetadata"]["labels"] == manifest["metadata"]["labels"]


def test_several_containers_run_at_the_same_time_in_one_pod():
    [template] = workflow(pod_spec=TWO)["spec"]["templates"]
    containers = template["containerSet"]["containers"]
    assert [container["name"] for container in containers] == ["db", "tests"]
    assert not any("dependencies" in container for container in containers)
    assert all(environment_of(container)["JOB_NAME"] == "unit" for container in containers)


def test_the_pods_fields_go_where_argo_takes_them():
    given = TWO | {
        "serviceAccountName": "builder",
        "nodeSelector": {"a": "b"},
        "tolerations": [{"key": "k"}],
        "affinity": {"nodeAffinity": {}},
        "volumes": [{"name": "v", "emptyDir": {}}],
        "imagePullSecrets": [{"name": "s"}],
        "securityContext": {"runAsUser": 1},
        "hostNetwork": True,
        "priorityClassName": "high",
        "dnsConfig": {"options": [{"name": "ndots", "value": "1"}]},
        "schedulerName": "s",
        "restartPolicy": "Always",
        "activeDeadlineSeconds": 5,
    }
    body = workflow(pod_spec=given)["spec"]
    assert body["serviceAccountName"] == "builder"
    assert body["podPriorityClassName"] == "high"
    for field in (
        "nodeSelector",
        "tolerations",
        "affinity",
        "volumes",
        "imagePullSecrets",
        "securityContext",
        "dnsConfig",
    ):
        assert body[field] == given[field]
    assert body["hostNetwork"] is True
    assert body["templates"][0]["activeDeadlineSeconds"] == 5
    assert "restartPolicy" not in json.dumps(body)


def test_what_a_workflow_cannot_carry_is_refused_all_at_once_by_name():
    given = TWO | {"subdomain": "y", "hostPID": True, "hostname": "x"}
    with pytest.raises(ConfigError) as refusal:
        workflow(pod_spec=given)
    assert [problem.split()[2] for problem in refusal.value.problems] == [
        "spec.hostPID",
        "spec.hostname",
        "spec.subdomain",
    ]


def test_a_container_may_not_take_the_name_of_argos_own():
    with pytest.raises(ConfigError, match="called wait"):
        workflow(pod_spec={"containers": [{"name": "wait", "image": "a"}, {"name": "b", "image": "b"}]})


def test_the_job_gets_no_token_that_it_did_not_ask_for_while_argos_executor_keeps_its_own():
    for given in (TWO, TWO | {"automountServiceAccountToken": False, "serviceAccountName": "builder"}):
        body = workflow(pod_spec=given)["spec"]
        assert "automountServiceAccountToken" not in body
        assert {"name": "no-token", "emptyDir": {}} in body["volumes"]
        for container in body["templates"][0]["containerSet"]["containers"]:
            assert TOKEN in [mount["mountPath"] for mount in container["volumeMounts"]]


def test_a_job_that_names_its_account_or_asks_for_the_token_gets_it():
    for given in (TWO | {"serviceAccountName": "builder"}, TWO | {"automountServiceAccountToken": True}):
        assert TOKEN not in json.dumps(workflow(pod_spec=given))


@pytest.mark.parametrize("title", TITLES)
def test_argo_finds_no_tag_in_a_title_and_the_container_gets_it_as_it_is(title):
    manifest = workflow(refs=titled(title))
    assert "{{" not in json.dumps(manifest["spec"])
    assert environment_of(manifest["spec"]["templates"][0]["container"])["PULL_TITLE"] == title


def test_argo_finds_no_tag_in_the_jobs_own_command():
    text = "docker ps --format '{{.Names}} {{{x}}} $(CI) $HOME'"
    manifest = workflow(pod_spec={"containers": [{"image": "a", "command": ["sh"], "args": [text]}]})
    container = manifest["spec"]["templates"][0]["container"]
    assert "{{" not in json.dumps(manifest["spec"])
    assert expand(container["args"][0], environment_of(container)) == text.replace("$(CI)", "true")


def test_a_tag_where_it_cannot_be_taken_out_is_refused_with_its_path():
    with pytest.raises(ConfigError, match=r"spec\.podMetadata\.annotations\.note"):
        workflow(annotations={"note": "{{workflow.name}}"})


def test_a_workflow_spec_keeps_what_it_says_and_gets_prows_parameters():
    given = {
        "entrypoint": "go",
        "arguments": {"parameters": [{"name": "JOB_NAME", "value": "mine"}]},
        "activeDeadlineSeconds": 10,
        "ttlStrategy": {"secondsAfterFailure": 7200},
        "templates": [],
    }
    body = own(given)["spec"]
    parameters = {p["name"]: p["value"] for p in body["arguments"]["parameters"]}
    assert parameters["JOB_NAME"] == "mine"
    assert parameters["PULL_NUMBER"] == "7"
    assert body["activeDeadlineSeconds"] == 10
    assert body["ttlStrategy"] == {"secondsAfterFailure": 7200}
    assert given["arguments"] == {"parameters": [{"name": "JOB_NAME", "value": "mine"}]}
    assert own({"activeDeadlineSeconds": 6000})["spec"]["activeDeadlineSeconds"] == 600


def test_every_container_and_script_of_a_workflow_spec_gets_the_variables_it_does_not_set():
    container = {"image": "a", "env": [{"name": "CI", "value": "mine"}]}
    given = {
        "templates": [
            {"name": "c", "container": container},
            {"name": "s", "script": {"image": "a", "source": "x"}},
            {"name": "set", "containerSet": {"containers": [{"name": "main", "image": "a"}]}},
            {"name": "dag", "dag": {"tasks": [{"name": "t", "inline": {"container": {"image": "a"}}}]}},
            {"name": "steps", "steps": [[{"name": "t", "inline": {"script": {"image": "a"}}}]]},
        ]
    }
    templates = own(given, refs=titled("{{workflow.name}} $(CI)"))["spec"]["templates"]
    found = [
        templates[0]["container"],
        templates[1]["script"],
        templates[2]["containerSet"]["containers"][0],
        templates[3]["dag"]["tasks"][0]["inline"]["container"],
        templates[4]["steps"][0][0]["inline"]["script"],
    ]
    for each in found:
        assert environment_of(each)["PULL_TITLE"] == "{{workflow.name}} $(CI)"
        assert "{{" not in json.dumps(each)
    assert environment_of(found[0])["CI"] == "mine"
    assert container == {"image": "a", "env": [{"name": "CI", "value": "mine"}]}


def test_a_parameter_holds_no_tag_either():
    parameters = own({"templates": []}, refs=titled("{{{x}}}"))["spec"]["arguments"]["parameters"]
    assert {p["name"]: p["value"] for p in parameters}["PULL_TITLE"] == "{ { {x}}}"


def test_the_pods_of_a_workflow_spec_carry_the_runs_id():
    body = own({"podMetadata": {"labels": {"mine": "1", "prow.k8s.io/id": "other"}, "annotations": {"a": "b"}}})["spec"]
    assert body["podMetadata"]["labels"]["prow.k8s.io/id"] == PROWJOB
    assert body["podMetadata"]["labels"]["mine"] == "1"
    assert body["podMetadata"]["annotations"] == {"a": "b"}


def test_a_finished_workflow_stays_long_enough_to_be_read():
    container = {"name": "main", "container": {"image": "alpine"}}
    ttl = {"secondsAfterSuccess": 0, "secondsAfterCompletion": 90_000, "secondsAfterFailure": None}
    body = own({"entrypoint": "main", "templates": [container], "ttlStrategy": ttl})["spec"]
    assert body["ttlStrategy"] == {**ttl, "secondsAfterSuccess": 3600}
