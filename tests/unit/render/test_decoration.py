"""What `decoration_config` gives a pod that leaves it open (`pkg/pod-utils/decorate/podspec.go:817-880`)."""

import pytest
from tests.unit.render.samples import CLUSTER, job, spec

from prowless.domain.policy import violations
from prowless.domain.render import render
from prowless.domain.render.pod import pod_spec


def pod(config, **given):
    of = spec(decorate=True, decoration_config=config, pod_spec={"containers": [{"image": "a"}], **given})
    return pod_spec(of, job(of))


@pytest.mark.parametrize(("grace", "seconds"), [("15s", 18), ("2m", 150), ("1500ms", 1)])
def test_the_grace_period_and_a_quarter_more_is_the_pods(grace, seconds):
    assert pod({"grace_period": grace})["terminationGracePeriodSeconds"] == seconds
    assert pod({"grace_period": grace}, terminationGracePeriodSeconds=3)["terminationGracePeriodSeconds"] == 3
    assert "terminationGracePeriodSeconds" not in pod({})


def test_a_workflow_carries_the_grace_period_too():
    of = spec(decorate=True, decoration_config={"grace_period": "1m"})
    manifest = render(of, job(of), CLUSTER, timeout_seconds=600)
    assert manifest["spec"]["podSpecPatch"] == '{"terminationGracePeriodSeconds": 75}'
    assert violations(manifest, CLUSTER, trusted=False) == []


def test_memory_requests_have_a_default_and_limits_that_follow():
    own = {"requests": {"cpu": 1, "memory": "2Gi"}, "limits": {"cpu": 2}}
    containers = [{"image": "a"}, {"image": "b", "resources": own}]
    config = {"default_memory_request": "1Gi", "set_limit_equals_memory_request": True}
    first, second = pod(config, containers=containers)["containers"]
    assert first["resources"] == {"requests": {"memory": "1Gi"}, "limits": {"memory": "1Gi"}}
    assert second["resources"] == {"requests": own["requests"], "limits": {"cpu": 2, "memory": "2Gi"}}
    plain, limited = pod({"set_limit_equals_memory_request": True}, containers=containers)["containers"]
    assert "resources" not in plain
    assert limited["resources"]["limits"]["memory"] == "2Gi"
    assert pod({"default_memory_request": 1024})["containers"][0]["resources"] == {"requests": {"memory": 1024}}


def test_scheduling_options_are_for_pods_that_say_nothing_themselves():
    options = {"affinity": {"nodeAffinity": {}}, "tolerations": [{"key": "ci"}]}
    rendered = pod({"scheduling_options": options})
    assert {name: rendered[name] for name in options} == options
    assert pod({"scheduling_options": options}, tolerations=[])["tolerations"] == []
    assert "affinity" not in pod({"scheduling_options": {"affinity": {}, "something": 1}})
