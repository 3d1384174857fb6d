"""Who approves a whole repository, by its OWNERS files."""

import pytest

from prowless.domain.owners import top_level_approvers

ALIASES = {"aliases": {"Leads": ["Ada", "@grace"], "empty": None, "map": {"linus": None}, "text": "ada"}}


@pytest.mark.parametrize(
    ("rule", "owners", "expected"),
    [
        ("logins have no case and no @", {"approvers": ["Ada", "@Grace"]}, {"ada", "grace"}),
        ("an alias is its members", {"approvers": ["leads", "linus"]}, {"ada", "grace", "linus"}),
        ("an alias of nobody", {"approvers": ["empty"]}, set()),
        ("an alias written as a mapping", {"approvers": ["map"]}, {"linus"}),
        ("an alias that is no list names nobody", {"approvers": ["text"]}, set()),
        ("reviewers approve nothing", {"reviewers": ["ada"]}, set()),
        ("filters of everything", {"filters": {".*": {"approvers": ["ada"]}}}, {"ada"}),
        ("filters that match the root", {"filters": {r"^\.$": {"approvers": ["leads"]}}}, {"ada", "grace"}),
        ("filters of some files", {"filters": {r"\.go$": {"approvers": ["ada"]}}}, set()),
        ("a filter that is no expression", {"filters": {"(": {"approvers": ["ada"]}}}, set()),
        ("a filter that is no mapping", {"filters": {".*": ["ada"]}}, set()),
        ("beside people filters do not count", {"labels": ["x"], "filters": {".*": {"approvers": ["ada"]}}}, set()),
        ("what is no list", {"approvers": "ada"}, set()),
        ("what is no login", {"approvers": [7, None, "ada"]}, {"ada"}),
        ("no file", None, set()),
        ("filters that are no mapping", {"filters": ["x"]}, set()),
    ],
)
def test_top_level_approvers(rule, owners, expected):
    assert top_level_approvers(owners, ALIASES) == expected, rule


@pytest.mark.parametrize("aliases", [None, {}, {"aliases": ["x"]}, "x"])
def test_without_aliases_a_name_is_a_login(aliases):
    assert top_level_approvers({"approvers": ["leads"]}, aliases) == {"leads"}
