import json

import pytest

from prowless.adapters.config_files import parse_document
from prowless.domain.config.central import CentralConfig
from prowless.domain.config.compile import compile_config, compile_sources
from prowless.domain.config.document import Sources
from prowless.domain.config.findings import Problems
from prowless.domain.config.jobs import RepositoryConfig
from prowless.domain.errors import ConfigError
from prowless.domain.external_plugins import ExternalPlugin, Forward, is_passing

JOBS = "postsubmits:\n  acme/app:\n  - {name: a, spec: {containers: [{command: [make]}]}}\n"
HOOK = ExternalPlugin(name="hook", endpoint="https://prow.example/hook")
PICKER = ExternalPlugin(name="picker", endpoint="https://picker.example:8443/a?b=c", events=("issue_comment", "issues"))
BOTH = """
external_plugins:
  acme:
  - {name: hook, endpoint: "https://prow.example/hook"}
  acme/app:
  - name: picker
    endpoint: https://picker.example:8443/a?b=c
    events: [issue_comment, issues]
"""


def sources(plugins):
    return Sources(
        plugins=parse_document("plugins.yaml", plugins.encode()),
        jobs=(parse_document("jobs/a.yaml", JOBS.encode()),),
        settings=parse_document("prowless.yaml", b"clusters: {default: {server: https://k8s.example}}"),
    )


def listed(*plugins):
    return "external_plugins:\n  acme:\n" + "".join(f"  - {plugin}\n" for plugin in plugins)


def external(plugins):
    return compile_config(sources(plugins)).central.plugins.external


def warnings(plugins):
    problems = Problems()
    compile_config(sources(plugins), problems)
    return [text for text in problems.all_warnings() if "external" in text]


def problems(plugins):
    with pytest.raises(ConfigError) as raised:
        compile_sources(sources(plugins))
    return list(raised.value.problems)


@pytest.mark.parametrize(
    ("name", "plugins"),
    [("acme/app", (HOOK, PICKER)), ("acme/web", (HOOK,)), ("acme", (HOOK,)), ("other/app", ()), ("app", ())],
)
def test_a_repository_has_its_organisations_plugins_and_its_own(name, plugins):
    assert compile_config(sources(BOTH)).central.plugins.external_for(name) == plugins


def test_the_snapshot_has_them_for_repositories_with_and_without_jobs():
    files = compile_sources(sources(BOTH)).files
    shard = RepositoryConfig.from_dict(json.loads(files["repos/acme/app.json"]))
    assert shard.external_plugins == (HOOK, PICKER)
    assert CentralConfig.from_dict(json.loads(files["central.json"])).plugins.external_for("acme/web") == (HOOK,)
    assert compile_config(sources(BOTH)).repository("acme/web").external_plugins == (HOOK,)
    assert warnings(BOTH) == []


def test_a_plugin_without_events_wants_all_and_others_exactly_theirs():
    assert HOOK.wants("anything")
    assert PICKER.wants("issues")
    assert not PICKER.wants("Issues")


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (
            "{name: needs-rebase}",
            "endpoint http://needs-rebase, which Prow takes where none is given, is a name inside",
        ),
        ('{name: x, endpoint: "http://x.prow.svc.cluster.local:8888"}', "is a name inside a cluster"),
        ('{name: x, endpoint: "https://x.prow.svc"}', "is a name inside a cluster"),
        ('{name: x, endpoint: "http://x.example"}', "is not https, and deliveries are not sent in the clear"),
        ('{name: x, endpoint: "ftp://x.example"}', "is not an http URL"),
        ('{name: x, endpoint: "https://"}', "is not an http URL"),
        ('{name: x, endpoint: "https://x.example:port"}', "is not a URL"),
        ('{name: x, endpoint: "https://[x"}', "is not a URL"),
        ('{name: x, endpoint: "https://ada:secret@x.example"}', "has credentials or a fragment"),
        ('{name: x, endpoint: "https://x.example/#a"}', "has credentials or a fragment"),
        ('{name: x, endpoint: "https://x.example/a b"}', "has characters that a URL cannot have"),
        ('{name: x, endpoint: "https://ä.example"}', "has characters that a URL cannot have"),
    ],
)
def test_an_endpoint_that_cannot_be_reached_is_a_warning_with_its_place_and_gets_nothing(entry, said):
    [warning] = warnings(listed(entry))
    assert warning.startswith("plugins.yaml:3: external plugin ")
    assert said in warning
    assert "nothing is forwarded to it" in warning
    assert external(listed(entry)) == {}


def test_the_same_plugin_of_many_repositories_is_one_warning():
    text = "external_plugins:\n" + "".join(f"  acme/r{number}: [{{name: needs-rebase}}]\n" for number in range(9))
    [warning] = warnings(text)
    assert warning.endswith("(in 9 places, this is the first)")


@pytest.mark.parametrize("host", ["127.0.0.1:8888", "localhost", "[::1]:80"])
def test_plain_http_is_for_this_machine(host):
    assert external(listed(f'{{name: x, endpoint: "http://{host}/hook"}}'))
    assert warnings(listed(f'{{name: x, endpoint: "http://{host}/hook"}}')) == []


def test_an_event_that_github_does_not_have_is_a_warning_with_the_nearest_one():
    [warning] = warnings(listed('{name: x, endpoint: "https://x.example", events: [pull_requests]}'))
    assert "GitHub has no event pull_requests; did you mean 'pull_request'?" in warning


def test_an_unknown_field_is_named():
    [warning] = warnings(listed('{name: x, endpoint: "https://x.example", event: [push]}'))
    assert "unknown field 'event'" in warning
    assert "did you mean 'events'?" in warning


def test_a_plugin_of_the_organisation_may_not_be_repeated_for_its_repository():
    text = BOTH.replace("name: picker", "name: hook")
    assert problems(text) == ["plugins.yaml:5: external plugins [hook] are duplicated for acme/app and acme"]


@pytest.mark.parametrize(("first", "second", "events"), [("[a]", "[b, a]", ("a", "b")), ("[a]", "[]", ())])
def test_a_plugin_that_is_listed_twice_gets_the_events_of_both(first, second, events):
    entries = [f'{{name: x, endpoint: "https://x.example", events: {one}}}' for one in (first, second)]
    assert external(listed(*entries)) == {
        "acme": (ExternalPlugin(name="x", endpoint="https://x.example", events=events),)
    }


def test_a_plugin_with_two_endpoints_is_refused():
    entries = [f'{{name: x, endpoint: "https://{host}.example"}}' for host in "ab"]
    assert problems(listed(*entries)) == [
        "plugins.yaml:2: external plugin x has two endpoints: give one of them another name"
    ]


@pytest.mark.parametrize("entry", ['{endpoint: "https://x.example"}', f"{{name: {'x' * 101}}}", '{name: ""}'])
def test_a_plugin_without_a_usable_name_is_refused(entry):
    [problem] = problems(listed(entry))
    assert "an external plugin needs a name of at most 100 characters" in problem


@pytest.mark.parametrize(
    ("status", "passing"),
    [(400, False), (404, False), (408, True), (429, True), (500, True), (503, True), (301, False)],
)
def test_only_time_outs_throttling_and_server_faults_pass(status, passing):
    assert is_passing(status) is passing


@pytest.mark.parametrize(
    "forward",
    [Forward(state="queued", at=1), Forward(state="failed", at=2, attempts=3, status=404, reason="it answered 404")],
)
def test_a_forward_comes_back_from_the_ledger(forward):
    assert Forward.from_dict({**forward.to_dict(), "newer": 1}) == forward
