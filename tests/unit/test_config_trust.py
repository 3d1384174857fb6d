"""`trust` of our settings: whether approvals hold for a commit or, as in Prow, for good."""

import pytest

from prowless.domain.errors import ConfigError
from tests.unit.config_texts import SETTINGS, SPEC, central, compiled, shard

JOBS = f"presubmits:\n  acme/app:\n  - {{name: unit, spec: {SPEC}}}\n"
PLUGINS = "triggers: [{repos: [acme], trusted_org: friends}]\n"


@pytest.mark.parametrize(
    ("rule", "trust", "sticky"),
    [
        ("without a word approvals hold for a commit", "", {"acme/app": False, "other/app": False}),
        ("one word is for all", "trust: sticky", {"acme/app": True, "other/app": True}),
        ("a repository comes first", "trust: {acme/app: commit, acme: sticky}", {"acme/app": False, "acme/lib": True}),
        ("then the organisation", "trust: {acme: commit, '*': sticky}", {"acme/app": False, "other/app": True}),
    ],
)  # fmt: skip
def test_the_most_specific_word_counts(rule, trust, sticky):
    found = central(compiled(JOBS, settings=SETTINGS + trust))
    assert {name: found.trust_for(name).sticky for name in sticky} == sticky, rule


def test_it_goes_with_the_options_of_plugins_yaml():
    options = shard(compiled(JOBS, settings=f"{SETTINGS}trust: sticky\n", plugins=PLUGINS)).trust
    assert (options.sticky, options.trusted_org) == (True, "friends")


@pytest.mark.parametrize(
    ("trust", "problem"),
    [
        ("trust: stick", r"prowless\.yaml: trust\[\*\] must be one of commit, sticky, not stick"),
        ("trust: {acme: true}", r"prowless\.yaml:3: trust\[acme\]"),
        ("trust: [sticky]", r"prowless\.yaml:3: trust: expected a mapping"),
    ],
)
def test_another_word_is_an_error(trust, problem):
    with pytest.raises(ConfigError, match=problem):
        compiled(JOBS, settings=SETTINGS + trust)
