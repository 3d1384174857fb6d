"""The repository's own jobs: when its files are read, what is said about them, and what stands in their way."""

from dataclasses import replace

import pytest

from prowless.domain import events, triggers
from prowless.domain.actions import AbortPull, Comment, SetStatus
from prowless.domain.approvals import HeadSeen
from prowless.domain.config.enabled import RepositoryPlugins
from prowless.domain.config.jobs import Postsubmit, RepositoryConfig
from prowless.domain.decisions import Outcome
from prowless.domain.in_repo_jobs import NOT_READ
from prowless.domain.status import IN_REPO_CONTEXT, MERGE_CONTEXT
from prowless.domain.view import InRepoConfig, StatusFact
from tests.unit import event_bodies as bodies
from tests.unit.trigger_facts import (
    CONFIG,
    PULL,
    SLOW,
    UNIT,
    FakeView,
    comment_event,
    decisions,
    presubmit,
    pull_event,
    started,
    texts,
)

STATIC = replace(CONFIG, in_repo=True)
OWN = (
    presubmit("own", always_run=True, in_repo=True),
    presubmit("deploy", trigger=r"(?m)^/deploy-preview$", rerun_command="/deploy-preview", in_repo=True),
)
VALID_FILES = InRepoConfig(config=replace(STATIC, presubmits=(*STATIC.presubmits, *OWN)), present=True, notes=("odd",))
INVALID = InRepoConfig(config=STATIC, problems=(".prow.yaml:3: a `wrong` thing", ".prow.yaml:9: another"), present=True)
UNKNOWN = InRepoConfig(config=STATIC, unknown="there is no merge", present=True)
EMPTY = replace(STATIC, presubmits=())
STRANGER = replace(PULL, author="mallory")


def decide(event, own=VALID_FILES, config=STATIC, facts=PULL, **view):
    seen = FakeView(facts, own=own, **view)
    return triggers.decide(event, config, seen), seen


def statuses(verdict):
    return [(one.context, one.state) for one in verdict.actions if isinstance(one, SetStatus)]


# ---- when they are read -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["opened", "reopened", "ready_for_review", "synchronize"])
def test_a_trusted_pull_runs_the_repositorys_own_jobs_too(action):
    verdict, _ = decide(pull_event(action))
    assert {"unit", "own"} <= set(started(verdict))
    assert decisions(verdict)["deploy"] == (Outcome.SKIP, "manual")
    assert verdict.notes == ("odd",)


def test_where_they_are_not_enabled_nothing_is_read():
    verdict, view = decide(pull_event("opened"), config=CONFIG)
    assert "in_repo" not in view.asked
    assert (verdict.notes, "own" in started(verdict)) == ((), False)


def test_enabled_counts_as_having_presubmits():
    verdict, _ = decide(pull_event("opened"), config=EMPTY, facts=STRANGER)
    assert "/ok-to-test" in texts(verdict)[0]
    verdict, _ = decide(pull_event("closed"), config=EMPTY, facts=replace(PULL, state="closed"))
    assert any(isinstance(action, AbortPull) for action in verdict.actions)


@pytest.mark.parametrize("facts", [STRANGER, replace(PULL, draft=True)], ids=["a stranger's", "a draft"])
def test_a_pull_of_a_repository_without_any_jobs_is_not_spoken_of(facts):
    verdict, _ = decide(pull_event("opened"), own=InRepoConfig(config=EMPTY), config=EMPTY, facts=facts)
    assert verdict.actions == ()


def test_a_draft_is_told_about_where_the_repository_has_jobs_of_its_own():
    verdict, _ = decide(pull_event("opened"), config=EMPTY, facts=replace(PULL, draft=True))
    assert "Draft" in texts(verdict)[0]


@pytest.mark.parametrize("event", [pull_event("opened"), pull_event("synchronize"), pull_event("reopened")])
def test_a_strangers_files_are_not_read_before_approval(event):
    verdict, view = decide(event, facts=STRANGER)
    assert "in_repo" not in view.asked
    assert verdict.notes == (NOT_READ,)
    assert decisions(verdict)["unit"] == (Outcome.BLOCKED, "trust")


@pytest.mark.parametrize("text", ["/test all", "/test own", "/deploy-preview", "/skip", "/retest"])
def test_a_strangers_comment_on_a_strangers_pull_reads_nothing(text):
    _, view = decide(comment_event(text, author="eve"), facts=STRANGER)
    assert "in_repo" not in view.asked


def test_an_approval_reads_them():
    verdict, _ = decide(comment_event("/ok-to-test"), facts=STRANGER)
    assert "own" in started(verdict)


def test_a_command_that_may_be_about_another_head_reads_nothing_of_a_strangers():
    young = (HeadSeen(sha="a" * 40, at=0, seen=0, opened=True), HeadSeen(sha=bodies.HEAD, at=2**60, seen=2**60))
    for text in ("/test own", "/deploy-preview", "/test ?"):
        verdict, view = decide(comment_event(text), facts=STRANGER, heads=young)
        assert "in_repo" not in view.asked
        assert started(verdict) == []


def test_a_head_that_comes_while_github_merges_is_not_read_if_nobody_vouched_for_it():
    class Moving(FakeView):
        def test_merge(self, *, wait=True):
            self.facts = replace(STRANGER, head_sha="e" * 40)
            return super().test_merge(wait=wait)

    view = Moving(STRANGER, own=VALID_FILES)
    verdict = triggers.decide(comment_event("/test all"), STATIC, view)
    assert "in_repo" not in view.asked
    assert decisions(verdict)["unit"] == (Outcome.BLOCKED, "approval")


def test_a_draft_reads_nothing_until_somebody_asks():
    draft = replace(PULL, draft=True)
    _, view = decide(pull_event("opened"), facts=draft)
    assert "in_repo" not in view.asked
    verdict, _ = decide(comment_event("/test own"), facts=draft)
    assert started(verdict) == ["own"]


def test_without_the_trigger_plugin_nothing_is_read():
    off = replace(STATIC, plugins=RepositoryPlugins(disabled=("trigger",)))
    for event in (pull_event("opened"), comment_event("/deploy-preview"), push_event()):
        _, view = decide(event, config=off)
        assert "in_repo" not in view.asked


# ---- comments -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "jobs"),
    [
        ("/test own", ["own"]),
        ("/test all", ["unit", "own"]),
        ("/retest", ["unit", "own"]),
        ("/deploy-preview", ["deploy"]),
        ("/test deploy", []),
    ],
)
def test_commands_know_them(text, jobs):
    verdict, _ = decide(comment_event(text), files=())
    assert started(verdict) == jobs


def test_the_list_of_commands_has_them():
    verdict, _ = decide(comment_event("/test ?"))
    assert "/deploy-preview" in texts(verdict)[0]


def test_a_custom_trigger_of_theirs_is_found_on_an_approved_pull_whoever_says_it():
    approved = replace(STATIC, trust=replace(STATIC.trust, sticky=True))
    own = replace(VALID_FILES, config=replace(VALID_FILES.config, trust=approved.trust))
    facts = replace(STRANGER, labels=frozenset({"ok-to-test"}))
    verdict, _ = decide(comment_event("/deploy-preview", author="eve"), own=own, config=approved, facts=facts)
    assert started(verdict) == ["deploy"]


@pytest.mark.parametrize(
    ("text", "read"),
    [("looks good", False), ("https://x.example/y", False), ("see /etc/hosts", False), ("hi\n/that", True)],
)
def test_talk_without_a_line_that_begins_with_a_slash_costs_nothing(text, read):
    verdict, view = decide(comment_event(text))
    assert ("in_repo" in view.asked) is read
    assert bool(view.asked) is read
    assert verdict.summary == "the comment holds no command of ours"
    assert verdict.actions == ()


def test_a_closed_pull_is_not_looked_at():
    _, view = decide(comment_event("/deploy-preview"), facts=replace(PULL, state="closed"))
    assert "in_repo" not in view.asked


def test_a_pull_that_was_closed_since_starts_nothing():
    closed = replace(PULL, state="closed")
    for event in (comment_event("/test own"), pull_event("labeled", label="lgtm")):
        verdict, view = decide(event, facts=closed)
        assert (started(verdict), "in_repo" in view.asked) == ([], False)
        assert decisions(verdict)["unit"] == (Outcome.SKIP, "closed")


def test_other_commands_know_them():
    optional = presubmit("nice", optional=True, in_repo=True)
    own = replace(VALID_FILES, config=replace(STATIC, presubmits=(UNIT, optional)))
    failed = {"nice": StatusFact(state="failure"), "unit": StatusFact(state="failure")}
    verdict, _ = decide(comment_event("/skip"), own=own, status_facts=failed)
    assert statuses(verdict) == [("nice", "success")]


def test_a_description_with_a_command_joins_the_start_of_the_pull():
    verdict, _ = decide(pull_event("opened", body="/deploy-preview\n/test slow"), files=())
    assert sorted(started(verdict)) == ["deploy", "own", "slow", "unit"]
    assert list(decisions(verdict)) == ["unit", "docs", "slow", "own", "deploy"]
    draft = replace(PULL, draft=True)
    verdict, _ = decide(pull_event("opened", body="/test own"), facts=draft)
    assert started(verdict) == ["own"]
    assert list(decisions(verdict)) == ["unit", "docs", "slow", "own", "deploy"]
    assert verdict.notes == ("odd",)


# ---- files that cannot be used ------------------------------------------------------------------------------------


@pytest.mark.parametrize("event", [pull_event("opened"), comment_event("/test unit")])
def test_invalid_files_fail_a_status_and_are_told_once_for_each_head_while_static_jobs_run(event):
    verdict, _ = decide(event, own=INVALID)
    assert "unit" in started(verdict)
    (status,) = [one for one in verdict.actions if isinstance(one, SetStatus)]
    assert (status.sha, status.context, status.state) == (bodies.HEAD, IN_REPO_CONTEXT, "failure")
    assert status.description == ".prow.yaml:3: a `wrong` thing"
    (said,) = [one for one in verdict.actions if isinstance(one, Comment) and one.key.startswith("in-repo")]
    assert (said.key, said.standing) == (f"in-repo {bodies.HEAD}", True)
    assert "```text\n.prow.yaml:3: a `wrong` thing\n.prow.yaml:9: another\n```" in said.body
    assert verdict.problems == INVALID.problems


def test_what_invalid_files_say_is_bounded_and_cannot_leave_its_fence():
    own = replace(INVALID, problems=("````\n@everyone " + "x" * 900, *(f"{n}" for n in range(80))))
    verdict, _ = decide(pull_event("opened"), own=own)
    (said,) = [one for one in verdict.actions if isinstance(one, Comment)]
    fence = said.body.split("\n")[2].removesuffix("text")
    assert fence == "`````"
    assert said.body.endswith(f"and 31 more\n{fence}")
    assert max(len(line) for line in said.body.split("\n")) <= 500
    (status,) = [one for one in verdict.actions if isinstance(one, SetStatus)]
    assert len(status.description.encode()) <= 140


# ---- pulls that cannot be merged ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "base", "said"),
    [
        (replace(PULL, mergeable=False), None, "the pull request conflicts with main"),
        (PULL, None, "GitHub has not computed the merge with main"),
    ],
)
@pytest.mark.parametrize("config", [CONFIG, STATIC, EMPTY])
def test_a_missing_merge_shows_on_the_pull(facts, base, said, config):
    own = replace(UNKNOWN, config=config)
    verdict, _ = decide(pull_event("synchronize"), own=own, config=config, facts=facts, base=base)
    assert started(verdict) == []
    last = verdict.actions[-1]
    assert (last.context, last.state, last.sha) == (MERGE_CONTEXT, "error", bodies.HEAD)
    assert last.description.startswith(f"No job was started: {said}")
    assert any("are not known" in note for note in verdict.notes) is config.in_repo


def test_the_record_says_that_own_jobs_are_unknown():
    verdict, _ = decide(pull_event("opened"), own=UNKNOWN, base=None)
    assert verdict.notes == ("the jobs of .prow.yaml and .prow/ are not known: there is no merge",)


def test_without_jobs_that_it_would_stop_a_missing_merge_is_not_mentioned():
    manual = replace(STATIC, presubmits=(SLOW,))
    own = InRepoConfig(config=manual, unknown="there is no merge", present=False)
    verdict, _ = decide(pull_event("opened"), own=own, config=manual, base=None)
    assert statuses(verdict) == []


@pytest.mark.parametrize("text", ["/test own", "/test all", "/retest"])
def test_a_command_that_may_mean_a_job_that_is_not_known_is_answered(text):
    own = replace(UNKNOWN, config=EMPTY)
    verdict, _ = decide(comment_event(text), own=own, config=EMPTY, base=None)
    assert "No job was started: GitHub has not computed the merge" in texts(verdict)[0]
    assert statuses(verdict) == []


@pytest.mark.parametrize("text", ["/test ?", "/test"])
def test_the_list_of_commands_is_given_all_the_same(text):
    verdict, _ = decide(comment_event(text), own=UNKNOWN, base=None)
    assert "/test unit" in texts(verdict)[0]


def test_a_long_branch_fits_into_the_status():
    facts = replace(PULL, mergeable=False, base_ref="b" * 300)
    verdict, _ = decide(pull_event("opened"), config=CONFIG, facts=facts)
    assert len(verdict.actions[-1].description.encode()) <= 140


# ---- pushes -------------------------------------------------------------------------------------------------------


def push_event():
    raw = {"ref": "refs/heads/main", "before": "a" * 40, "after": "d" * 40, "commits": [], "compare": "c"}
    return events.parse("push", {**raw, "repository": bodies.repository(), "sender": {"login": "ada"}})


POSTS = RepositoryConfig(repository="acme/app", in_repo=True, postsubmits=(Postsubmit(name="image", context="image"),))


def test_a_push_runs_the_postsubmits_of_the_pushed_commit():
    more = Postsubmit(name="docs", context="docs", in_repo=True)
    own = InRepoConfig(config=replace(POSTS, postsubmits=(*POSTS.postsubmits, more)), present=True)
    verdict, _ = decide(push_event(), own=own, config=POSTS)
    assert started(verdict) == ["image", "docs"]
    assert [action.spec.in_repo for action in verdict.actions] == [False, True]


def test_invalid_files_of_a_push_fail_a_status_on_its_commit_and_static_jobs_run():
    own = replace(INVALID, config=POSTS)
    verdict, _ = decide(push_event(), own=own, config=POSTS)
    assert started(verdict) == ["image"]
    assert [(one.sha, one.state) for one in verdict.actions if isinstance(one, SetStatus)] == [("d" * 40, "failure")]
    assert verdict.problems == INVALID.problems
