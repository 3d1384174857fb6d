import json

import pytest

from prowless.adapters.config_files import parse_document
from prowless.domain.config.central import CentralConfig
from prowless.domain.config.compile import compile_sources
from prowless.domain.config.document import Sources
from prowless.domain.config.plugins import Plugins
from prowless.domain.errors import ConfigError

JOBS = "postsubmits:\n  acme/app:\n  - {name: a, spec: {containers: [{command: [make]}]}}\n"
SETTINGS = parse_document("prowless.yaml", b"clusters: {default: {server: https://k8s.example}}")


def compiled(plugins, jobs=""):
    return compile_sources(
        Sources(
            plugins=parse_document("plugins.yaml", plugins.encode()),
            jobs=(parse_document("jobs/a.yaml", jobs.encode()),),
            settings=SETTINGS,
        )
    )


def read(plugins):
    return CentralConfig.from_dict(json.loads(compiled(plugins).files["central.json"])).plugins


def warnings(plugins, jobs=""):
    found = compiled(plugins, jobs)
    return [*found.warnings, *found.notes]


def test_without_a_list_every_plugin_is_enabled():
    assert Plugins().has("acme/app", "override")
    assert read("triggers: []") == Plugins()


@pytest.mark.parametrize(
    ("repository", "name", "enabled"),
    [
        ("acme/app", "trigger", True),
        ("acme/app", "skip", True),  # the organisation's and the repository's lists together
        ("acme/web", "skip", False),
        ("acme/old", "trigger", False),  # excluded
        ("acme/old", "override", True),  # its own list counts all the same
        ("other/app", "trigger", False),
    ],
)
def test_plugins_are_enabled_by_organisation_and_repository(repository, name, enabled):
    plugins = read("""
plugins:
  acme: {plugins: [trigger, approve], excluded_repos: [old]}
  acme/app: {plugins: [skip]}
  acme/old: {plugins: [override]}
  other: {plugins: [lgtm]}
""")
    assert plugins.has(repository, name) is enabled


def test_the_older_form_is_a_plain_list():
    assert read("plugins:\n  acme/app: [trigger]\n").enabled == {"acme/app": ("trigger",)}


def test_an_empty_list_enables_nothing():
    assert not read("plugins: {}").has("acme/app", "trigger")


def test_options_of_override():
    plugins = read("override: {allow_top_level_owners: true, allowed_github_teams: {acme: [leads]}}")
    assert (plugins.override_top_level_owners, plugins.override_teams) == (True, {"acme": ("leads",)})


def test_plugins_that_are_not_provided_or_not_known_are_told_once():
    assert warnings("plugins:\n  acme: [approve, trigger]\n  other: [approve, overide]\n") == [
        "plugins.yaml:3: unknown plugin: overide; did you mean 'override'?",
        "plugins.yaml:2: plugin approve is not provided (enabled in 2 places, this is the first)",
    ]


def test_sections_of_plugins_that_are_not_provided_and_unknown_ones_are_told():
    assert warnings("lgtm: []\nheart: {}\ntrigers: []\n") == [
        "plugins.yaml:3: unknown field 'trigers' in plugins configuration; did you mean 'triggers'?",
        "plugins.yaml:1: lgtm is read and not acted on",
        "plugins.yaml:2: heart is read and not acted on",
    ]


def test_jobs_that_no_trigger_starts_are_told():
    assert warnings("plugins: {acme: {plugins: [trigger], excluded_repos: [app]}}", JOBS) == [
        "plugins.yaml: the following repos have jobs configured but do not have the trigger plugin enabled: acme/app"
    ]
    assert warnings("plugins: {acme: {plugins: [trigger]}}", JOBS) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "plugins:\n  acme: [trigger, skip]\n  acme/app: [skip]\n",
            "plugins.yaml:3: plugins [skip] are duplicated for app and acme",
        ),
        ("plugins: []\n", "plugins.yaml:1: plugins: expected a mapping, found a list"),
        ("plugins:\n  acme: 1\n", "plugins.yaml:2: plugins[acme]: expected a mapping, found the value 1"),
    ],
)
def test_what_prow_refuses_is_refused(text, problem):
    with pytest.raises(ConfigError) as raised:
        compiled(text)
    assert list(raised.value.problems) == [problem]


def test_an_excluded_repository_may_name_a_plugin_again():
    assert read("plugins:\n  acme: {plugins: [skip], excluded_repos: [app]}\n  acme/app: [skip]\n").has(
        "acme/app", "skip"
    )


@pytest.mark.parametrize(
    "plugins",
    [
        Plugins(),
        Plugins(enabled={}),
        Plugins(
            enabled={"a": ("skip",)},
            excluded={"a": ("b",)},
            override_top_level_owners=True,
            override_teams={"a": ("t",)},
        ),
    ],
)
def test_the_snapshot_keeps_them(plugins):
    assert Plugins.from_dict(json.loads(json.dumps(plugins.to_dict()))) == plugins
