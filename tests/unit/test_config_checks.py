"""When a pull request's change to the central configuration is checked, and what is said about it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prowless.domain import events, triggers
from prowless.domain.actions import CheckConfig
from prowless.domain.config.jobs import RepositoryConfig
from prowless.domain.config_checks import ConfigReport, new_warnings
from prowless.domain.wording import MAX_LINES
from tests.unit import event_bodies as bodies
from tests.unit.trigger_facts import FakeView

MAIN = [("acme/app", "main")]
CHECK = CheckConfig(repository="acme/app", number=3)
HEAD = "a" * 40


def decided(action, sources=MAIN, base="main", **more):
    body = bodies.pull_request(action, base={"ref": base, "sha": "b" * 40, "repo": {"full_name": "acme/app"}}) | more
    event = events.parse("pull_request", body)
    return triggers.decide(event, RepositoryConfig(repository="acme/app"), FakeView(), config_sources=sources)


@pytest.mark.parametrize("action", ["opened", "reopened", "synchronize", "ready_for_review"])
def test_a_pull_of_a_source_branch_is_checked(action):
    verdict = decided(action)
    assert CHECK in verdict.actions
    assert verdict.summary.endswith("the central configuration is checked if the change touches it")


@pytest.mark.parametrize("action", ["closed", "labeled", "edited", "assigned", "converted_to_draft"])
def test_other_events_of_a_pull_change_no_configuration(action):
    assert CHECK not in decided(action, label={"name": "lgtm"}).actions


@pytest.mark.parametrize(
    ("sources", "base", "checked"),
    [
        ([("Acme/App", "main")], "main", True),
        (MAIN, "Main", False),
        (MAIN, "release", False),
        ([("acme/config", "main")], "main", False),
        ([], "main", False),
    ],
)
def test_only_pulls_onto_a_branch_that_is_read_are_checked(sources, base, checked):
    assert (CHECK in decided("opened", sources, base).actions) is checked


@pytest.mark.parametrize("base", ["main", "release"])
def test_a_pull_that_moved_to_another_base_is_checked_so_that_what_was_said_can_be_taken_back(base):
    changes = {"base": {"ref": {"from": "x"}, "sha": {"from": "b" * 40}}}
    assert CHECK in decided("edited", base=base, changes=changes).actions
    assert CHECK not in decided("edited", [("acme/config", "main")], base, changes=changes).actions


@pytest.mark.parametrize(
    ("before", "now", "new"),
    [
        ([], ["a.yaml:3: x"], ["a.yaml:3: x"]),
        (["a.yaml:3: x"], ["a.yaml:9: x"], []),
        (["a.yaml:3: x"], ["a.yaml:3: y"], ["a.yaml:3: y"]),
        (["a.yaml:3: x"], ["b.yaml:3: x"], ["b.yaml:3: x"]),
        (["a.yaml:3: x"], ["a.yaml:3: x", "a.yaml:9: x"], ["a.yaml:9: x"]),
        (["a.yaml:3: x", "a.yaml:4: x"], ["a.yaml:3: x"], []),
        (["a.yaml:1: x (in 2 places, this is the first)"], ["a.yaml:1: x (in 3 places, this is the first)"], []),
    ],
)
def test_a_warning_is_new_by_its_file_and_words_and_not_by_its_line(before, now, new):
    assert new_warnings(before, now) == tuple(new)


def test_the_status_of_a_valid_configuration_counts_what_is_in_it():
    report = ConfigReport(jobs=12, repositories=3, warnings=1)
    assert (report.state, report.comment(HEAD)) == ("success", "")
    assert report.description == "Configuration is valid: 12 jobs in 3 repositories, 1 warning"
    assert ConfigReport(jobs=1, repositories=1).description.endswith(": 1 job in 1 repository, 0 warnings")
    assert report.settled(HEAD) == f"{report.description} ({HEAD})."


def test_the_status_of_an_invalid_one_has_the_first_error_in_githubs_limit():
    report = ConfigReport(errors=("jobs/a.yaml:3: " + "é" * 200, "second"))
    assert report.state == "failure"
    assert report.description.startswith("jobs/a.yaml:3: é")
    assert len(report.description.encode()) <= 140


def test_the_comment_lists_errors_with_their_places_in_a_block_of_code():
    text = ConfigReport(errors=("jobs/a.yaml:3: bad", "jobs/b.yaml:4: worse")).comment(HEAD)
    assert f"with this change ({HEAD}): 2 errors." in text
    assert text.endswith("```text\njobs/a.yaml:3: bad\njobs/b.yaml:4: worse\n```")


def test_new_warnings_are_listed_also_if_there_is_no_error():
    text = ConfigReport(new_warnings=("jobs/a.yaml:3: unknown field",), jobs=1, repositories=1).comment(HEAD)
    assert text.startswith(f"1 new warning with this change ({HEAD}):")
    assert "jobs/a.yaml:3: unknown field" in text


def test_what_is_listed_is_bounded():
    lines = tuple(f"jobs/a.yaml:{n}: {'x' * 5000}" for n in range(10_000))
    text = ConfigReport(errors=lines, new_warnings=lines).comment(HEAD)
    assert len(text) < 60_000
    assert text.count(f"… and {10_000 - MAX_LINES} more") == 2


@given(st.lists(st.text() | st.sampled_from(["```", "`````\n# x", "<!-- prowless:1 -->", "\r\n```\n"]), min_size=1))
def test_no_error_can_leave_its_block_of_code_or_carry_a_marker(lines):
    text = ConfigReport(errors=tuple(lines)).comment(HEAD)
    fence = text.rpartition("\n")[2]
    block = text.split(f"\n{fence}text\n", 1)[1].removesuffix(f"\n{fence}")
    assert set(fence) == {"`"}
    assert fence not in block
    assert len(block.splitlines()) <= MAX_LINES + 1
    assert "<!--" not in text
