"""`/explain`: what would start by itself on the present head, said in one comment."""

import html
import re
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from prowless.domain import triggers
from prowless.domain.actions import Comment
from prowless.domain.approvals import Approval
from prowless.domain.config.jobs import RepositoryConfig
from prowless.domain.plugins.explain import MAX_ROWS_TEXT, MOST_OPEN_ROWS
from prowless.domain.view import InRepoConfig, StatusFact
from prowless.domain.wording import markdown, shown
from tests.unit import event_bodies as bodies
from tests.unit.plugin_facts import CONFIG, View, decide, states
from tests.unit.trigger_facts import PULL, comment_event, presubmit, pull_event

STRANGERS = replace(PULL, author="mallory")


def answer(verdict):
    (said,) = verdict.actions
    assert isinstance(said, Comment)
    return said


def rows(body):
    """Job to its other cells, as people read them."""
    plain = re.sub(r"</?code>", "", body)
    plain = re.sub(r"&#(\d+);", lambda code: chr(int(code[1])), plain).replace("\u200b", "")
    cells = [line.strip("| ").split(" | ") for line in plain.splitlines() if line.startswith("|")]
    return {job: rest for job, *rest in cells[2:]}


def test_every_presubmit_has_a_row_with_its_rule_its_reason_and_its_status():
    statuses = states(ci__unit="failure") | {
        "docs": StatusFact(state="success", description="Job succeeded.\u2001\u2001 BaseSHA:b0b0")
    }
    verdict = decide("/explain", View(posted=statuses))
    said = answer(verdict)
    why = "it starts by command only (/test docs): always_run is false, no rule for changed files is set"
    found = rows(said.body)
    assert found["unit"] == ["run", "test-all", "always_run is true", "failure"]
    assert found["docs"] == ["skip", "manual", why, "success: Job succeeded."]
    assert list(found) == ["unit", "docs", "quiet", "lint"]
    assert found["lint"][-1] == "none"
    assert said.body.startswith(
        f"@grace asked [here]({comment_event('x').html_url}) what would start by itself on {bodies.HEAD} now: "
        "1 run, 3 skip. Nothing was started."
    )
    assert verdict.summary == "/explain: 1 run, 3 skip"


def test_there_is_one_answer_for_a_pull_which_is_edited():
    first, second = (answer(decide(text, View())) for text in ("/explain", "/explain docs"))
    assert first.key == second.key == "explain acme/app#3"
    assert first.standing


@pytest.mark.parametrize(
    ("text", "jobs"),
    [
        ("/explain docs", ["docs"]),
        ("/explain ci/unit, lint\r", ["unit", "lint"]),
        ("/explain docs\n/explain lint", ["docs", "lint"]),
        ("/explain docs\n/explain", ["unit", "docs", "quiet", "lint"]),
    ],
)
def test_jobs_are_named_by_name_or_context(text, jobs):
    assert list(rows(answer(decide(text, View())).body)) == jobs


def test_a_job_that_is_not_there_is_said():
    assert "There is no presubmit absent&#60;b&#62;." in answer(decide("/explain docs absent<b>", View())).body
    body = answer(decide("/explain absent", View())).body
    assert "|" not in body


@pytest.mark.parametrize("text", ["```\n/explain\n```", "/explained", " /explain", "> /explain", "/Explain"])
def test_what_is_not_explain_is_none(text):
    assert decide(text, View()).actions == ()


@pytest.mark.parametrize(
    ("who", "author", "view", "answered"),
    [
        ("who is trusted", "grace", View(facts=STRANGERS), True),
        ("the pull's author", "Mallory", View(facts=STRANGERS), True),
        ("anybody on a trusted pull", "eve", View(), True),
        (
            "anybody on an approved pull",
            "eve",
            View(facts=STRANGERS, approvals=(Approval(sha=bodies.HEAD, by="ada", at=1, source="label"),)),
            True,
        ),
        ("a stranger on a stranger's pull", "eve", View(facts=STRANGERS), False),
    ],
)
def test_who_may_ask(who, author, view, answered):
    verdict = decide("/explain", view, author=author)
    assert bool(verdict.actions) == answered, who
    if not answered:
        assert verdict.summary == "/explain: neither eve nor the pull request is trusted"


@pytest.mark.parametrize(
    ("rule", "view", "unit"),
    [
        ("a draft", View(facts=replace(PULL, draft=True)), ["skip", "draft"]),
        ("an untrusted pull", View(facts=STRANGERS), ["blocked", "trust"]),
        ("a conflict", View(facts=replace(PULL, mergeable=False)), ["blocked", "mergeable"]),
        ("a merge that is not computed", View(base=None), ["blocked", "merge-ref"]),
    ],
)
def test_the_rules_are_those_of_a_pulls_own_events(rule, view, unit):
    event = pull_event("synchronize")
    verdict = triggers.decide(event, CONFIG, view)
    explained = rows(answer(decide("/explain", view)).body)
    assert explained["unit"][:2] == unit, rule
    told = {one.job: [one.verdict, one.rule, one.reason] for one in verdict.decisions}
    assert {job: cells[:3] for job, cells in explained.items()} == told


def test_nothing_but_the_answer_follows():
    pull = replace(STRANGERS, labels=frozenset({"ok-to-test"}))
    assert len(decide("/explain", View(facts=pull)).actions) == 1


def test_a_long_table_is_folded_and_fits_into_a_comment():
    long = tuple(presubmit(f"job-{number:04}", run_if_changed="|" * 150) for number in range(400))
    body = answer(decide("/explain", View(), config=RepositoryConfig(repository="acme/app", presubmits=long))).body
    assert "<details><summary>400 jobs</summary>" in body
    assert len(body) < MAX_ROWS_TEXT + 1500 < 65_536
    shown = len(rows(body))
    assert 0 < shown < 400
    assert f"{400 - shown} further jobs did not fit: name them, as `/explain JOB`." in body
    few = RepositoryConfig(repository="acme/app", presubmits=long[:MOST_OPEN_ROWS])
    assert "<details>" not in answer(decide("/explain", View(), config=few)).body


def test_a_repository_without_presubmits_says_so():
    body = answer(decide("/explain", View(), config=RepositoryConfig(repository="acme/app"))).body
    assert "has no presubmits" in re.sub("&#47;", "/", body)


@given(st.text(max_size=70))
@example("<b>@ada #12 `x` [x](y) a|b *x* _x_ &amp; \\ www.example.com")
def test_texts_of_strangers_stay_text(text):
    escaped = markdown(text, 80)
    assert not re.search(r"[|<>\n`\[\]*_\\.:/]", escaped)
    seen = html.unescape(escaped)
    assert not re.search(r"@\w|#\d", seen)
    assert seen.replace("\u200b", "") == shown(text, 80)


def test_jobs_of_the_repositorys_own_files_are_there_once_the_head_is_trusted():
    own = InRepoConfig(config=replace(CONFIG, in_repo=True, presubmits=(presubmit("mine", always_run=True),)))
    config = replace(CONFIG, in_repo=True)

    class Own(View):
        def in_repo(self):
            return own

    assert list(rows(answer(decide("/explain", Own(), config=config)).body)) == ["mine"]
    body = answer(decide("/explain", Own(facts=STRANGERS), author="mallory", config=config)).body
    assert "mine" not in body
    assert "are not known before the head is trusted" in body


def test_own_files_that_cannot_be_used_are_said():
    own = InRepoConfig(config=replace(CONFIG, in_repo=True), problems=("a: wrong", "b: wrong"), present=True)

    class Own(View):
        def in_repo(self):
            return own

    verdict = decide("/explain", Own(), config=replace(CONFIG, in_repo=True))
    said = next(action for action in verdict.actions if getattr(action, "key", "").startswith("explain"))
    assert "The repository's own configuration cannot be used: 2 problems." in said.body
