"""`/override`, `/override-sticky` and `/override-cancel`."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prowless.domain import plugins, triggers
from prowless.domain.actions import Comment, PassCheck, Record, SetStatus
from prowless.domain.approvals import HeadSeen
from prowless.domain.config.enabled import RepositoryPlugins
from prowless.domain.plugins.entitlement import contexts_in
from prowless.domain.status import description
from prowless.domain.view import CheckFact, StatusFact
from tests.unit import event_bodies as bodies
from tests.unit.plugin_facts import CONFIG, View, decide, set_contexts, states
from tests.unit.trigger_facts import BASE, comment_event, others, texts


def test_an_administrator_overrides_failed_contexts_by_name_or_job():
    view = View(posted=states(ci__unit="failure", other="error", lint="success"))
    verdict = decide("/override unit other", view, author="root")
    assert texts(verdict)[0].startswith("@root: Overrode contexts on behalf of root: ci/unit, other\n")
    assert [type(action) for action in verdict.actions] == [Comment, Record, SetStatus, SetStatus]
    assert others(verdict)[2:] == [
        SetStatus(
            repository="acme/app",
            sha=bodies.HEAD,
            context=context,
            state="success",
            description=description("Overridden by root", BASE),
            target_url="https://ci/1",
        )
        for context in ("ci/unit", "other")
    ]


def test_a_prowjob_stands_for_each_overridden_job():
    event = comment_event("/override docs", "root")
    verdict = triggers.decide(event, CONFIG, View(posted=states(docs="pending")))
    (record,) = [action for action in verdict.actions if isinstance(action, Record)]
    assert (record.spec.job, record.spec.type, record.spec.context) == ("docs", "presubmit", "docs")
    assert str(record.spec.refs) == f"main:{BASE},3:{bodies.HEAD}"
    assert (record.cause, record.description) == (event.cause(), "Overridden by root")
    assert record.url == event.html_url


@pytest.mark.parametrize(
    ("text", "contexts"),
    [
        ("/override ci/unit", ("ci/unit",)),
        ('/override "test / Unit Tests" docs', ("test / Unit Tests", "docs")),
        ("/OVERRIDE docs\r\n/override  lint", ("docs", "lint")),
        ("/override docs docs", ("docs",)),
    ],
)
def test_contexts_are_separated_by_spaces_or_quoted(text, contexts):
    ((command, wanted),) = plugins.parse(text, text).found
    assert (command.name, wanted.names) == ("/override", contexts)


@pytest.mark.parametrize("text", ["/overrides docs", " /override docs", "/override-stick", "/override-cancels"])
def test_what_is_not_override_is_none(text):
    assert not plugins.parse(text, text)


def test_override_of_blanks_overrides_nothing():
    verdict = decide("/override   ", View(posted=states(docs="failure")), author="root")
    assert (verdict.actions, verdict.summary) == ((), "/override: nothing")


def test_override_without_a_context_is_answered_whoever_asks():
    (said,) = texts(decide("/override", View(), author="stranger"))
    assert "/override requires failed status contexts to operate on, but none was given" in said


def test_override_of_blanks_overrides_nothing_and_says_nothing():
    verdict = decide("/override  ", View(posted=states(docs="failure")), author="root")
    assert (verdict.actions, verdict.summary) == ((), "/override: nothing")


def test_who_is_no_administrator_overrides_nothing():
    verdict = decide("/override docs", View(posted=states(docs="failure")))
    (said,) = texts(verdict)
    assert said.startswith("@grace: grace unauthorized: /override is restricted to Repo administrators.")
    assert set_contexts(verdict) == []


def test_an_unknown_context_is_answered_with_those_there_are_and_nothing_is_overridden():
    view = View(posted=states(ci__unit="failure", docs="success"))
    verdict = decide("/override docs ci/unit", view, author="root")
    (said,) = texts(verdict)
    assert "The following unknown contexts/checkruns were given:\n - `docs`\n" in said
    assert "Only the following failed contexts/checkruns were expected:\n - `ci/unit`\n - `unit`\n" in said
    assert set_contexts(verdict) == []


def test_an_override_that_was_cut_off_is_completed_when_it_is_handled_again():
    done = StatusFact(state="success", description=description("Overridden by root", BASE))
    other = StatusFact(state="success", description=description("Overridden by rooter", BASE))
    view = View(posted={**states(docs="failure"), "ci/unit": done, "lint": other})
    verdict = decide("/override unit docs", view, author="root")
    assert set_contexts(verdict) == ["docs"]
    assert "Overrode contexts on behalf of root: ci/unit, docs" in texts(verdict)[0]
    assert "unknown" in texts(decide("/override lint", view, author="root"))[0]


OPTIONS = RepositoryPlugins(
    override_top_level_owners=True, override_teams={"acme/app": ("leads", "release"), "acme": ("admins",)}
)


@pytest.mark.parametrize(
    ("rule", "entitled"),
    [
        ("an approver of the top-level OWNERS file", {"approvers": ("grace",)}),
        ("a member of a team of the repository", {"teams": {"release": ("grace",)}}),
        ("a member of a team of the organisation", {"teams": {"admins": ("grace",)}}),
    ],
)
def test_beside_administrators_may_override(rule, entitled):
    view = View(posted=states(docs="failure"), **entitled)
    allowed = replace(CONFIG, plugins=OPTIONS)
    for command in ("/override docs", "/override-sticky docs"):
        assert set_contexts(decide(command, view, config=allowed)) == ["docs"], rule
        assert set_contexts(decide(command, view)) == [], f"{rule}, without the option"


@pytest.mark.parametrize("command", ["/override", "/override-sticky", "/override-cancel"])
def test_who_may_override_is_said(command):
    verdict = decide(f"{command} docs", View(posted=states(docs="failure")), config=replace(CONFIG, plugins=OPTIONS))
    (said,) = texts(verdict)
    assert said.startswith(
        f"@grace: grace unauthorized: {command} is restricted to Repo administrators, approvers in top level OWNERS "
        "file, and the following github teams:acme/app: leads release, acme: admins."
    )


def test_a_required_context_may_be_overridden_whatever_its_state():
    view = View(posted=states(green="success"), required=("green", "absent"))
    verdict = decide("/override green absent", view, author="root")
    assert set_contexts(verdict) == ["absent", "green"]
    assert "expected:\n - `absent`\n - `green`\n" in texts(decide("/override x", view, author="root"))[0]


def test_a_failed_check_run_gets_a_successful_one_beside_it():
    view = View(checks=(CheckFact(name="test / Unit", conclusion="timed_out"), CheckFact(name="slow")))
    verdict = decide('/override "test / Unit"', view, author="root")
    assert verdict.actions[1:] == (
        PassCheck(
            repository="acme/app",
            sha=bodies.HEAD,
            name="test / Unit",
            title="Prow override - test / Unit",
            summary="Prow has received override command for the test / Unit checkrun.",
        ),
    )
    assert "Overrode contexts on behalf of root: test / Unit" in texts(verdict)[0]


@pytest.mark.parametrize(
    ("conclusions", "overridable"),
    [
        (("failure",), True),
        (("",), False),
        (("failure", ""), False),
        (("", "failure"), False),
        (("failure", "success"), False),
        (("neutral",), False),
    ],
)
def test_of_check_runs_of_one_name_the_best_counts(conclusions, overridable):
    view = View(checks=tuple(CheckFact(name="build", conclusion=word) for word in conclusions))
    (said,) = texts(decide("/override other", view, author="root"))
    assert (" - `build`" in said) == overridable


def test_a_required_check_run_that_failed_is_no_commit_status():
    view = View(checks=(CheckFact(name="build", conclusion="failure"),), required=("build",))
    verdict = decide("/override build", view, author="root")
    assert [type(action) for action in verdict.actions] == [Comment, PassCheck]


def test_a_sticky_override_says_that_it_persists():
    verdict = decide("/override-sticky docs", View(posted=states(docs="failure")), author="root")
    (said,) = texts(verdict)
    assert "Overrode contexts on behalf of root: docs\n\nThese overrides will persist across retests" in said
    (posted,) = [action for action in verdict.actions if isinstance(action, SetStatus)]
    assert posted.description == description("Overridden by root [prow:skip-retest]", BASE)


OVERRIDDEN = {
    "docs": StatusFact(state="success", description=description("Overridden by ada", BASE), target_url="https://ci/1"),
    "lint": StatusFact(state="success", description=description("Overridden by root [prow:skip-retest]", BASE)),
    "ci/unit": StatusFact(state="success", description="Job succeeded."),
}


@pytest.mark.parametrize(
    ("text", "contexts"),
    [
        ("/override-cancel", ["docs", "lint"]),
        ("/override-cancel docs", ["docs"]),
        ("/override-cancel docs\n/override-cancel", ["docs", "lint"]),
        ("/override-cancel ci/unit", []),
    ],
)
def test_cancelled_overrides_fail_again(text, contexts):
    verdict = decide(text, View(posted=OVERRIDDEN), author="root")
    posted = [action for action in verdict.actions if isinstance(action, SetStatus)]
    assert [action.context for action in posted] == contexts
    assert {(action.state, action.description) for action in posted} <= {("failure", "Override cancelled by root")}
    answer = f"Cancelled overrides on behalf of root: {', '.join(contexts)}\n" if contexts else "No overrides found"
    assert texts(verdict)[0].startswith(f"@root: {answer}")


def test_what_one_comment_cancels_it_may_override_again():
    verdict = decide("/override docs\n/override-cancel", View(posted=OVERRIDDEN), author="root")
    posted = [(action.context, action.state) for action in verdict.actions if isinstance(action, SetStatus)]
    assert posted == [("docs", "failure"), ("lint", "failure"), ("docs", "success")]


def test_overrides_are_cancelled_on_the_head_that_was_meant():
    heads = (HeadSeen(sha=BASE, at=0, seen=0, opened=True), HeadSeen(sha=bodies.HEAD, at=5, seen=5))
    verdict = decide("/override-cancel", View(posted=OVERRIDDEN, heads=heads), author="root")
    assert set_contexts(verdict) == []
    assert "was pushed after that was written" in verdict.summary


def split_as_prow(line):
    """`parseOverrideInput` (`override.go:353`): a blank splits unless an odd number of quotes came before it."""
    fields, quoted = [""], False
    for character in line:
        quoted ^= character == '"'
        if character == " " and not quoted:
            fields.append("")
        else:
            fields[-1] += character
    return [one.strip().strip('"') for one in fields if one]


@given(st.text(alphabet=' "ab/', max_size=20))
def test_contexts_are_split_as_prow_splits_them(line):
    assert contexts_in(line) == split_as_prow(line)
