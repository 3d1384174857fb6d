"""How a cluster is reached, and how its failures are told apart."""

import json
import subprocess
import sys
import threading

import pytest
import yaml
from tests.contract.engines.scripted_api import status
from tests.contract.engines.worlds import cluster, manifest

from prowless.adapters.kubernetes import client as client_module
from prowless.adapters.kubernetes.clusters import KubernetesClusters
from prowless.domain.errors import ClusterUnreachableError, PermanentError
from prowless.ports.engine import Node, ObjectRef
from prowless_local.cluster import EmbeddedCluster, write_kubeconfig
from prowless_local.cluster.certificates import Certificate

REF = ObjectRef(kind="Workflow", namespace="test-pods", name="run")


def engine(url, kind="Workflow", ca="", token=""):
    return KubernetesClusters(token=lambda _: token, endpoint=lambda _: (url, ca)).engine(cluster(), kind)


def test_the_token_goes_with_every_call_and_is_asked_for_each_time(api, prowjob):
    tokens = iter(["one", "two"])
    clusters = KubernetesClusters(token=lambda _: next(tokens), endpoint=lambda _: (api.url, ""))
    made = clusters.engine(cluster(), "Workflow")
    made.create(manifest("Workflow", prowjob, "waits"), prowjob)
    made.observe(REF)
    assert [headers["Authorization"] for _, _, _, headers, _ in api.requests] == ["Bearer one", "Bearer two"]


@pytest.mark.parametrize("code", [429, 500, 502, 503, 504])
def test_answers_that_may_pass_are_an_unreachable_cluster(api, code):
    api.answer = lambda method, path: (code, status(code, "Some", "later please"))
    with pytest.raises(ClusterUnreachableError, match="later please"):
        engine(api.url).observe(REF)


@pytest.mark.parametrize("code", [400, 401, 403, 404, 409, 415, 422])
def test_refusals_are_permanent_and_carry_the_message(api, prowjob, code):
    api.answer = lambda method, path: (code, status(code, "Some", "because of this"))
    with pytest.raises(PermanentError, match=f"^because of this .cluster default answers {code} to"):
        engine(api.url).create(manifest("Workflow", prowjob, "waits"), prowjob)


def test_a_refusal_without_a_status_object_shows_its_text_bounded(api):
    api.answer = lambda method, path: (403, b"<html>" + b"x" * 5000)
    with pytest.raises(PermanentError, match="<html>xxx") as refusal:
        engine(api.url).observe(REF)
    assert len(str(refusal.value)) < 1200
    for body in (b"[1]", b""):
        api.answer = lambda method, path, body=body: (403, body)
        with pytest.raises(PermanentError, match="403"):
            engine(api.url).observe(REF)


def test_a_redirect_is_not_followed_so_the_token_goes_nowhere_else(api):
    api.answer = lambda method, path: (302, f"{api.url}/elsewhere".encode())
    with pytest.raises(PermanentError, match="302"):
        engine(api.url).observe(REF)
    assert len(api.requests) == 1


def test_nobody_listening_is_an_unreachable_cluster(api):
    url = api.url
    api.close()
    with pytest.raises(ClusterUnreachableError, match=r"does not answer GET .*refused"):
        engine(url).observe(REF)


def test_an_answer_that_does_not_come_in_time_is_an_unreachable_cluster(api, monkeypatch):
    monkeypatch.setattr(client_module, "READ_SECONDS", 0.1)
    release = threading.Event()
    api.answer = lambda method, path: release.wait(10) and None
    with pytest.raises(ClusterUnreachableError, match="timed out"):
        engine(api.url).observe(REF)
    release.set()


def test_an_answer_that_is_not_json_is_an_unreachable_cluster(api):
    for body in (b"<html>", b"[]"):
        api.answer = lambda method, path, body=body: (200, body)
        with pytest.raises(ClusterUnreachableError, match="JSON"):
            engine(api.url).observe(REF)


def test_an_answer_without_end_is_refused(api, monkeypatch):
    monkeypatch.setattr(client_module, "MAX_BODY", 100)
    api.answer = lambda method, path: (200, b'{"x": "' + b"y" * 200 + b'"}')
    with pytest.raises(PermanentError, match="exceeds 100 bytes"):
        engine(api.url).observe(REF)


def test_lists_are_read_page_by_page_up_to_a_limit(api):
    for index in range(600):
        name = f"p{index:03}"
        api.objects[f"/api/v1/namespaces/test-pods/pods/{name}"] = {
            "metadata": {"name": name, "labels": {"workflows.argoproj.io/workflow": "run"}},
            "spec": {"containers": [{"name": "main"}]},
            "status": {"containerStatuses": [{"name": "main", "state": {"running": {"startedAt": None}}}]},
        }
    assert len(engine(api.url).steps(REF)) == 600
    assert [query.get("continue") for _, _, query, _, _ in api.requests] == [None, "250", "500"]


def test_a_log_is_cut_even_if_the_api_does_not_cut_it(api):
    api.answer = lambda method, path: (200, b"x" * 200_000)
    step = Node(name="main", phase="Succeeded", pod="p", container="main")
    pieces = list(engine(api.url).logs(REF, step, 100_000))
    assert sum(len(piece) for piece in pieces) == 100_000
    assert max(len(piece) for piece in pieces) <= 64 * 1024


def test_a_container_that_did_not_start_has_no_log(api):
    step = Node(name="main", phase="Pending", pod="p", container="main")
    for code in (400, 404):
        api.answer = lambda method, path, code=code: (code, status(code, "BadRequest", "is waiting to start"))
        assert list(engine(api.url).logs(REF, step, 10)) == []
    api.answer = lambda method, path: (403, status(403, "Forbidden", "no logs for you"))
    with pytest.raises(PermanentError, match="no logs"):
        list(engine(api.url).logs(REF, step, 10))


def test_names_cannot_leave_their_place_in_the_path(api):
    evil = ObjectRef(kind="Workflow", namespace="../../secrets", name="a/../b?x=1")
    with pytest.raises(PermanentError, match="404"):
        engine(api.url).observe(evil)
    assert api.requests[0][1].endswith("/namespaces/..%2F..%2Fsecrets/workflows/a%2F..%2Fb%3Fx%3D1")


@pytest.mark.parametrize("url", ["http://k8s.example.org", "ftp://127.0.0.1", "k8s.example.org", ""])
def test_a_token_is_never_sent_in_the_clear(url):
    with pytest.raises(PermanentError, match="https://"):
        engine(url)


def test_an_unknown_kind_is_refused(api):
    with pytest.raises(PermanentError, match="no engine runs objects of kind 'Job'"):
        engine(api.url, kind="Job")


@pytest.fixture
def secure(tmp_path):
    with EmbeddedCluster("default", scratch=tmp_path / "scratch", tls=True) as embedded:
        yield embedded


def test_tls_is_verified_by_the_clusters_own_ca(secure):
    assert engine(secure.url, ca=secure.ca, token=secure.token).observe(REF) is None
    for ca in ("", Certificate().pem):
        with pytest.raises(ClusterUnreachableError, match=r"(?i)certificate"):
            engine(secure.url, ca=ca, token=secure.token).observe(REF)


def test_a_wrong_token_is_refused(secure):
    with pytest.raises(PermanentError, match="401"):
        engine(secure.url, ca=secure.ca, token="wrong").observe(REF)


def test_a_kubeconfig_gives_each_cluster_the_context_of_its_name_else_the_current_one(secure, tmp_path):
    path = tmp_path / "kubeconfig"
    with EmbeddedCluster("builds", scratch=tmp_path / "builds") as builds:
        write_kubeconfig(path, [secure, builds])
        clusters = KubernetesClusters.from_kubeconfig(str(path))
        for alias in ("default", "builds", "unknown"):
            of_alias = type(cluster())(alias=alias, namespace="test-pods")
            assert clusters.engine(of_alias, "Workflow").observe(REF) is None
        assert (len(secure.requests), len(builds.requests)) == (2, 1)
        named = KubernetesClusters.from_kubeconfig(str(path), "builds")
        named.engine(type(cluster())(alias="unknown"), "Workflow").observe(REF)
        assert len(builds.requests) == 2


def test_a_kubeconfig_may_not_switch_verification_off(secure, tmp_path):
    path = tmp_path / "kubeconfig"
    write_kubeconfig(path, [secure])
    content = yaml.safe_load(path.read_text())
    content["clusters"][0]["cluster"]["insecure-skip-tls-verify"] = True
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(PermanentError, match="insecure-skip-tls-verify"):
        KubernetesClusters.from_kubeconfig(str(path)).engine(cluster(), "Workflow")


@pytest.mark.parametrize("text", [None, "{", "{}", "[]"])
def test_a_kubeconfig_that_cannot_be_used_is_named(tmp_path, text):
    path = tmp_path / "kubeconfig"
    if text is not None:
        path.write_text(text)
    with pytest.raises(PermanentError, match=r"kubeconfig .* cannot be used for cluster default"):
        KubernetesClusters.from_kubeconfig(str(path)).engine(cluster(), "Workflow")


def test_no_model_class_of_the_client_is_imported():
    program = (
        "import json, sys; import prowless.adapters.kubernetes.clusters; "
        "print(json.dumps([m for m in sys.modules if m.startswith('kubernetes.client.models.')"
        " or m.startswith('kubernetes.client.api.')]))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=_path())
    assert json.loads(done.stdout) == []


def _path():
    return {"PYTHONPATH": ":".join(entry for entry in sys.path if entry)}
