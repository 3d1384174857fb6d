"""The trigger plugin's rules, one event at a time."""

from dataclasses import dataclass, field, replace

import pytest

from prowless.domain import events, triggers
from prowless.domain.config.jobs import Postsubmit, Presubmit, RepositoryConfig, default_rerun_command, default_trigger
from prowless.domain.decisions import (
    AbortPull,
    AddLabel,
    Comment,
    Outcome,
    PruneHelp,
    RemoveLabel,
    Start,
    SyncConfig,
)
from prowless.domain.errors import RetryableError
from prowless.domain.specs import PullFacts
from prowless.domain.trust import TrustOptions
from tests.unit import event_bodies as bodies

BASE = "b" * 40
PULL = PullFacts(
    repository="acme/app",
    number=3,
    title="Add things",
    author="ada",
    head_sha=bodies.HEAD,
    head_ref="topic",
    base_ref="main",
    html_url="https://github.com/acme/app/pull/3",
)


@dataclass
class FakeView:
    """Facts as given; `asked` counts what was asked for."""

    facts: PullFacts = PULL
    base: str | None = BASE
    trusted_users: frozenset[str] = frozenset({"ada", "grace"})
    files: tuple[str, ...] | None = ("main.go",)
    states: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def pull(self):
        self.asked.append("pull")
        return self.facts

    def tested_base(self):
        self.asked.append("tested_base")
        return self.base

    def trusted(self, user):
        self.asked.append(f"trusted {user}")
        return user in self.trusted_users

    def changed_files(self):
        self.asked.append("changed_files")
        return self.files

    def contexts(self):
        self.asked.append("contexts")
        return self.states

    def bot(self):
        return "prowless[bot]"


def presubmit(name, **fields):
    defaults = {"trigger": default_trigger(name), "rerun_command": default_rerun_command(name), "context": name}
    return Presubmit(name=name, **{**defaults, **fields})


UNIT = presubmit("unit", always_run=True)
DOCS = presubmit("docs", run_if_changed=r"\.md$", optional=True)
SLOW = presubmit("slow")
CONFIG = RepositoryConfig(repository="acme/app", presubmits=(UNIT, DOCS, SLOW))


def pull_event(action, **body):
    label = body.pop("label", None)
    sender = body.pop("sender", "ada")
    changes = body.pop("changes", None)
    raw = {**bodies.pull_request(action, **body), "sender": {"login": sender}}
    raw |= {"label": {"name": label}} if label else {}
    raw |= {"changes": changes} if changes else {}
    return events.parse("pull_request", raw)


def comment_event(text, author="grace", action="created", **issue):
    raw = bodies.issue_comment(text, action, user={"login": author})
    raw["issue"] |= issue
    return events.parse("issue_comment", raw)


def started(verdict):
    return [action.spec.job for action in verdict.actions if isinstance(action, Start)]


def decisions(verdict):
    return {decision.job: (decision.verdict, decision.rule) for decision in verdict.decisions}


def others(verdict):
    return [action for action in verdict.actions if not isinstance(action, Start)]


def texts(verdict):
    return [action.body for action in verdict.actions if isinstance(action, Comment)]


# ---- pull requests ------------------------------------------------------------------------------------------------


def test_opening_starts_the_automatic_jobs_and_explains_the_others():
    verdict = triggers.decide(pull_event("opened"), CONFIG, FakeView())
    assert started(verdict) == ["unit"]
    assert decisions(verdict) == {
        "unit": (Outcome.RUN, "test-all"),
        "docs": (Outcome.SKIP, "run_if_changed"),
        "slow": (Outcome.SKIP, "manual"),
    }
    assert verdict.summary == "1 run, 2 skip"


def test_the_spec_is_the_present_head_merged_on_the_tested_base():
    verdict = triggers.decide(pull_event("opened"), CONFIG, FakeView())
    (start,) = verdict.actions
    refs = start.spec.refs
    assert str(refs) == f"main:{BASE},3:{bodies.HEAD}"
    assert refs.base_link == f"https://github.com/acme/app/commit/{BASE}"
    pull = refs.pulls[0]
    assert pull.commit_link == f"https://github.com/acme/app/pull/3/commits/{bodies.HEAD}"
    assert pull.author_link == "https://github.com/ada"
    assert start.spec.labels["prow.k8s.io/is-optional"] == "false"
    assert (start.automatic, start.renew, start.retest) == (True, False, False)


def test_a_late_event_is_judged_against_the_present_head():
    view = FakeView(replace(PULL, head_sha="d" * 40))
    verdict = triggers.decide(pull_event("opened"), CONFIG, view)
    assert verdict.actions[0].spec.refs.pulls[0].sha == "d" * 40


@pytest.mark.parametrize("action", ["opened", "reopened", "synchronize", "ready_for_review"])
def test_a_late_event_of_a_pull_that_is_closed_now_starts_nothing(action):
    verdict = triggers.decide(pull_event(action), CONFIG, FakeView(replace(PULL, state="closed")))
    assert started(verdict) == []
    assert {rule for _, rule in decisions(verdict).values()} == {"closed"}


def test_a_push_stops_the_runs_of_older_heads_before_it_starts_new_ones():
    verdict = triggers.decide(pull_event("synchronize"), CONFIG, FakeView())
    abort, *_ = verdict.actions
    assert abort == AbortPull(repository="acme/app", number=3, except_head=bodies.HEAD)
    assert abort.description == "Aborted by trigger plugin."
    assert started(verdict) == ["unit"]


@pytest.mark.parametrize(
    "event",
    [
        pull_event("reopened"),
        pull_event("ready_for_review"),
        pull_event("edited", changes={"base": {"ref": {"from": "old"}}}),
    ],
)
def test_reopening_a_new_base_and_the_end_of_a_draft_start_the_head_anew(event):
    verdict = triggers.decide(event, CONFIG, FakeView())
    (start,) = verdict.actions
    assert (start.automatic, start.renew) == (True, True)


@pytest.mark.parametrize("action", ["edited", "assigned", "unlabeled", "labeled", "locked"])
def test_other_actions_start_nothing_and_ask_nothing(action):
    view = FakeView()
    verdict = triggers.decide(pull_event(action, label="bug"), CONFIG, view)
    assert (verdict.actions, verdict.decisions, view.asked) == ((), (), [])
    assert verdict.summary == f"pull_request {action} starts nothing"


def test_closing_stops_what_runs():
    verdict = triggers.decide(pull_event("closed"), CONFIG, FakeView(replace(PULL, state="closed")))
    assert verdict.actions == (AbortPull(repository="acme/app", number=3),)


def test_closing_stops_nothing_if_the_pull_is_open_again():
    assert triggers.decide(pull_event("closed"), CONFIG, FakeView()).actions == ()


def test_becoming_a_draft_stops_what_runs():
    verdict = triggers.decide(pull_event("converted_to_draft"), CONFIG, FakeView(replace(PULL, draft=True)))
    assert verdict.actions == (AbortPull(repository="acme/app", number=3),)
    assert triggers.decide(pull_event("converted_to_draft"), CONFIG, FakeView()).actions == ()


def test_a_draft_is_told_that_nothing_runs_when_it_is_opened_only():
    view = FakeView(replace(PULL, draft=True))
    opened = triggers.decide(pull_event("opened"), CONFIG, view)
    assert texts(opened)[0].startswith("Skipping CI for Draft Pull Request.")
    assert {rule for _, rule in decisions(opened).values()} == {"draft"}
    pushed = triggers.decide(pull_event("synchronize"), CONFIG, view)
    assert (started(pushed), texts(pushed)) == ([], [])


def test_a_repository_without_presubmits_is_left_alone():
    view = FakeView()
    verdict = triggers.decide(pull_event("opened"), RepositoryConfig(repository="acme/app"), view)
    assert (verdict.actions, view.asked) == ((), [])
    assert verdict.summary == "acme/app has no presubmits"


def test_jobs_of_other_branches_do_not_run():
    config = RepositoryConfig(repository="acme/app", presubmits=(replace(UNIT, branches=("^release-",)),))
    verdict = triggers.decide(pull_event("opened"), config, FakeView())
    (decision,) = verdict.decisions
    assert (decision.verdict, decision.rule) == (Outcome.SKIP, "branches")
    assert "main" in decision.reason
    assert "^release-" in decision.reason


def test_changed_files_are_asked_for_only_if_they_matter():
    config = RepositoryConfig(repository="acme/app", presubmits=(UNIT, SLOW))
    view = FakeView()
    triggers.decide(pull_event("opened"), config, view)
    assert "changed_files" not in view.asked


def test_unknown_changed_files_run_the_job():
    verdict = triggers.decide(pull_event("opened"), CONFIG, FakeView(files=None))
    assert started(verdict) == ["unit", "docs"]


# ---- what blocks --------------------------------------------------------------------------------------------------


def test_a_conflict_blocks_with_its_reason():
    verdict = triggers.decide(pull_event("opened"), CONFIG, FakeView(replace(PULL, mergeable=False)))
    assert verdict.actions == ()
    assert decisions(verdict)["unit"] == (Outcome.BLOCKED, "mergeable")
    assert decisions(verdict)["slow"] == (Outcome.SKIP, "manual")


def test_a_merge_that_github_has_not_computed_blocks_visibly():
    verdict = triggers.decide(pull_event("opened"), CONFIG, FakeView(base=None))
    assert decisions(verdict)["unit"] == (Outcome.BLOCKED, "merge-ref")


def test_a_head_that_moves_while_github_merges_is_the_head_under_test():
    class Moving(FakeView):
        def tested_base(self):
            self.facts = replace(PULL, head_sha="e" * 40)
            return "f" * 40

    verdict = triggers.decide(pull_event("opened"), CONFIG, Moving())
    assert str(verdict.actions[0].spec.refs) == f"main:{'f' * 40},3:{'e' * 40}"


def test_a_conflict_found_while_waiting_is_a_conflict():
    class Conflicting(FakeView):
        def tested_base(self):
            self.facts = replace(PULL, mergeable=False)

    verdict = triggers.decide(pull_event("opened"), CONFIG, Conflicting())
    assert decisions(verdict)["unit"] == (Outcome.BLOCKED, "mergeable")


def test_nothing_to_run_asks_for_no_merge():
    config = RepositoryConfig(repository="acme/app", presubmits=(SLOW,))
    view = FakeView()
    triggers.decide(pull_event("opened"), config, view)
    assert "tested_base" not in view.asked


def test_a_command_that_is_blocked_is_answered():
    verdict = triggers.decide(comment_event("/test unit"), CONFIG, FakeView(replace(PULL, mergeable=False)))
    assert started(verdict) == []
    assert "conflicts with main" in texts(verdict)[0]


# ---- trust --------------------------------------------------------------------------------------------------------

STRANGER = frozenset({"grace"})


def test_a_strangers_pull_is_welcomed_and_waits():
    verdict = triggers.decide(pull_event("opened"), CONFIG, FakeView(trusted_users=STRANGER))
    assert AddLabel(repository="acme/app", number=3, label="needs-ok-to-test") in verdict.actions
    assert "reply with `/ok-to-test`" in texts(verdict)[0]
    assert set(decisions(verdict).values()) == {(Outcome.BLOCKED, "trust")}


def test_a_stranger_is_told_if_the_repository_never_trusts():
    config = replace(CONFIG, trust=TrustOptions(ignore_ok_to_test=True))
    verdict = triggers.decide(pull_event("opened"), config, FakeView(trusted_users=STRANGER))
    assert "cannot be marked as trusted" in texts(verdict)[0]
    assert not any(isinstance(action, AddLabel) for action in verdict.actions)


def test_a_push_to_a_strangers_pull_is_blocked_and_still_stops_old_runs():
    verdict = triggers.decide(pull_event("synchronize"), CONFIG, FakeView(trusted_users=STRANGER))
    assert [type(action) for action in verdict.actions] == [AbortPull]
    assert decisions(verdict)["unit"] == (Outcome.BLOCKED, "trust")


def test_the_label_trusts_a_strangers_pull_and_clears_the_other_label():
    facts = replace(PULL, labels=frozenset({"ok-to-test", "needs-ok-to-test"}))
    verdict = triggers.decide(pull_event("synchronize"), CONFIG, FakeView(facts, trusted_users=STRANGER))
    assert started(verdict) == ["unit"]
    assert RemoveLabel(repository="acme/app", number=3, label="needs-ok-to-test") in verdict.actions


def test_a_person_who_puts_the_label_on_starts_the_jobs_and_the_bot_does_not():
    facts = replace(PULL, labels=frozenset({"ok-to-test"}))
    view = FakeView(facts, trusted_users=STRANGER)
    person = triggers.decide(pull_event("labeled", label="ok-to-test", sender="grace"), CONFIG, view)
    bot = triggers.decide(pull_event("labeled", label="ok-to-test", sender="prowless[bot]"), CONFIG, view)
    assert (started(person), started(bot)) == (["unit"], [])


def test_lgtm_builds_an_untrusted_pull_once_and_a_trusted_one_not_at_all():
    untrusted = triggers.decide(pull_event("labeled", label="lgtm"), CONFIG, FakeView(trusted_users=STRANGER))
    trusted = triggers.decide(pull_event("labeled", label="lgtm"), CONFIG, FakeView())
    assert (started(untrusted), started(trusted)) == (["unit"], [])


def test_a_failing_look_up_fails_the_event():
    class Broken(FakeView):
        def trusted(self, user):
            raise RetryableError("GitHub answered 502")

    with pytest.raises(RetryableError):
        triggers.decide(pull_event("opened"), CONFIG, Broken())


# ---- comments -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "jobs"),
    [
        ("/test unit", ["unit"]),
        ("/test slow", ["slow"]),
        ("/test docs", ["docs"]),  # forced: no Markdown changed
        ("/test slow docs", ["docs", "slow"]),
        ("/test all", ["unit"]),
        ("/test all\n/test slow", ["unit", "slow"]),
        ("/test-manual-required", ["slow"]),
    ],
)
def test_commands_start_jobs(text, jobs):
    verdict = triggers.decide(comment_event(text), CONFIG, FakeView())
    assert started(verdict) == jobs
    assert not any(action.automatic for action in verdict.actions if isinstance(action, Start))


@pytest.mark.parametrize(
    ("states", "text", "jobs"),
    [
        ({}, "/retest", ["unit"]),  # automatic, and never reported
        ({"unit": "pending"}, "/retest", []),
        ({"unit": "success", "slow": "failure"}, "/retest", ["slow"]),
        ({"unit": "success", "docs": "error"}, "/retest", ["docs"]),  # failed beats run_if_changed
        ({"unit": "failure", "docs": "failure"}, "/retest-required", ["unit"]),
        ({"unit": "success", "docs": "pending"}, "/retest\n/test slow", ["slow"]),
    ],
)
def test_retest_runs_what_failed_and_what_never_reported(states, text, jobs):
    verdict = triggers.decide(comment_event(text), CONFIG, FakeView(states=states))
    assert started(verdict) == jobs
    assert all(action.retest for action in verdict.actions if isinstance(action, Start))


def test_a_retest_is_marked_on_the_run():
    verdict = triggers.decide(comment_event("/retest"), CONFIG, FakeView())
    start = next(action for action in verdict.actions if isinstance(action, Start))
    assert start.spec.labels["prow.k8s.io/retest"] == "true"


def test_contexts_are_asked_for_only_by_retests():
    view = FakeView()
    triggers.decide(comment_event("/test all"), CONFIG, view)
    assert "contexts" not in view.asked


@pytest.mark.parametrize(
    "event",
    [
        comment_event("/test unit", action="edited"),
        comment_event("/test unit", action="deleted"),
        comment_event("/test unit", state="closed"),
        comment_event("/test unit", pull_request=None),
        comment_event("/test unit", author="prowless[bot]"),
        comment_event("looks good to me"),
        comment_event("```\n/test unit\n```"),
        comment_event("> /test unit"),
    ],
)
def test_what_is_not_a_command_costs_no_question(event):
    view = FakeView()
    verdict = triggers.decide(event, CONFIG, view)
    assert (verdict.actions, verdict.decisions, view.asked) == ((), (), [])
    assert verdict.summary


def test_another_bots_command_counts():
    view = FakeView(trusted_users=frozenset({"helper[bot]"}))
    assert started(triggers.decide(comment_event("/test unit", author="helper[bot]"), CONFIG, view)) == ["unit"]


def test_once_a_comment_is_heard_its_code_blocks_count_as_in_prow():
    verdict = triggers.decide(comment_event("/test unit\n```\n/test slow\n```\n"), CONFIG, FakeView())
    assert started(verdict) == ["unit", "slow"]


def test_a_strangers_command_on_a_strangers_pull_is_answered():
    verdict = triggers.decide(comment_event("/test unit", author="eve"), CONFIG, FakeView(trusted_users=frozenset()))
    assert started(verdict) == []
    assert "Cannot trigger testing until a trusted user reviews the PR" in texts(verdict)[0]
    assert set(decisions(verdict).values()) == {(Outcome.BLOCKED, "trust")}


def test_a_strangers_command_on_a_trusted_pull_runs():
    assert started(triggers.decide(comment_event("/test unit", author="eve"), CONFIG, FakeView())) == ["unit"]


def test_ok_to_test_trusts_the_pull_and_runs_the_automatic_jobs():
    facts = replace(PULL, labels=frozenset({"needs-ok-to-test"}))
    verdict = triggers.decide(comment_event("/ok-to-test"), CONFIG, FakeView(facts, trusted_users=STRANGER))
    assert others(verdict) == [
        AddLabel(repository="acme/app", number=3, label="ok-to-test"),
        RemoveLabel(repository="acme/app", number=3, label="needs-ok-to-test"),
    ]
    assert started(verdict) == ["unit"]


def test_ok_to_test_is_nothing_where_it_is_ignored():
    config = replace(CONFIG, trust=TrustOptions(ignore_ok_to_test=True))
    verdict = triggers.decide(comment_event("/ok-to-test"), config, FakeView(trusted_users=STRANGER))
    assert verdict.actions == ()


def test_ok_to_test_cancel_swaps_the_labels_and_starts_nothing():
    facts = replace(PULL, labels=frozenset({"ok-to-test"}))
    view = FakeView(facts, trusted_users=STRANGER)
    verdict = triggers.decide(comment_event("/ok-to-test cancel\n/test all"), CONFIG, view)
    assert list(verdict.actions) == [
        RemoveLabel(repository="acme/app", number=3, label="ok-to-test"),
        AddLabel(repository="acme/app", number=3, label="needs-ok-to-test"),
    ]


def test_only_the_trusted_revoke_trust():
    facts = replace(PULL, labels=frozenset({"ok-to-test"}))
    view = FakeView(facts, trusted_users=STRANGER)
    verdict = triggers.decide(comment_event("/ok-to-test cancel", author="ada"), CONFIG, view)
    assert "Only trusted users can revoke `/ok-to-test`." in texts(verdict)[0]


@pytest.mark.parametrize(
    ("text", "needle"),
    [
        ("/test ?", "available to trigger required jobs"),
        ("/test", "needs one or more targets"),
        ("/retest unit", "does not accept any targets"),
        ("/test nothing", "were not found"),
        ("/test\n/test unit", "needs one or more targets"),
    ],
)
def test_help_is_posted_and_then_nothing_runs(text, needle):
    verdict = triggers.decide(comment_event(text), CONFIG, FakeView())
    assert needle in texts(verdict)[0]
    assert started(verdict) == []
    assert {rule for _, rule in decisions(verdict).values()} == {"help"}


def test_help_lists_the_branchs_commands():
    config = RepositoryConfig(repository="acme/app", presubmits=(UNIT, DOCS, replace(SLOW, branches=("^release-",))))
    (text,) = texts(triggers.decide(comment_event("/test ?"), config, FakeView()))
    assert "trigger required jobs:\n```\n/test unit\n```\n" in text
    assert "trigger optional jobs:\n```\n/test docs\n```\n" in text
    assert "/test slow" not in text


def test_a_test_command_removes_old_help():
    verdict = triggers.decide(comment_event("/test unit"), CONFIG, FakeView())
    assert PruneHelp(repository="acme/app", number=3) in verdict.actions


def test_a_comments_answer_has_the_same_key_each_time():
    first = triggers.decide(comment_event("/test ?"), CONFIG, FakeView())
    again = triggers.decide(comment_event("/test ?"), CONFIG, FakeView())
    assert [a.key for a in first.actions] == [a.key for a in again.actions]


def test_drafts_run_what_is_commanded():
    verdict = triggers.decide(comment_event("/test unit"), CONFIG, FakeView(replace(PULL, draft=True)))
    assert started(verdict) == ["unit"]


def test_a_command_in_the_description_works_and_starts_no_job_twice():
    verdict = triggers.decide(pull_event("opened", body="/test slow\n/test unit"), CONFIG, FakeView())
    assert started(verdict) == ["unit", "slow"]
    assert len({action.cause for action in verdict.actions if isinstance(action, Start)}) == 1
    assert decisions(verdict)["slow"] == (Outcome.RUN, "trigger")


def test_a_command_in_a_strangers_description_starts_nothing():
    verdict = triggers.decide(pull_event("opened", body="/test unit"), CONFIG, FakeView(trusted_users=STRANGER))
    assert started(verdict) == []
    assert len(texts(verdict)) == 2


def test_a_review_commands_like_a_comment():
    event = events.parse("pull_request_review", bodies.review("/test slow"))
    assert started(triggers.decide(event, CONFIG, FakeView())) == ["slow"]


# ---- pushes -------------------------------------------------------------------------------------------------------

PUBLISH = Postsubmit(name="publish", context="publish", branches=("^main$",))
RELEASE = Postsubmit(name="release", context="release", branches=(r"^v\d",), skip_report=True)
SITE = Postsubmit(name="site", context="site", run_if_changed=r"\.md$", always_run=False)
NEVER = Postsubmit(name="never", context="never", always_run=False)
PUSHED = RepositoryConfig(repository="acme/app", postsubmits=(PUBLISH, RELEASE, SITE, NEVER))


def test_a_push_starts_the_postsubmits_of_its_branch():
    verdict = triggers.decide(events.parse("push", bodies.push()), PUSHED, FakeView())
    assert started(verdict) == ["publish"]
    assert decisions(verdict) == {
        "publish": (Outcome.RUN, "always_run"),
        "release": (Outcome.SKIP, "branches"),
        "site": (Outcome.SKIP, "run_if_changed"),
        "never": (Outcome.SKIP, "always_run"),
    }
    refs = verdict.actions[0].spec.refs
    assert (refs.base_ref, refs.base_sha, refs.pulls) == ("main", bodies.HEAD, ())
    assert refs.base_link == "https://github.com/acme/app/compare/c...a"


def test_a_tag_starts_postsubmits_like_a_branch():
    verdict = triggers.decide(events.parse("push", bodies.push("refs/tags/v1.0")), PUSHED, FakeView())
    assert started(verdict) == ["release"]
    assert verdict.actions[0].spec.report is False


def test_changed_files_decide_before_always_run():
    view = FakeView(files=("README.md",))
    assert "site" in started(triggers.decide(events.parse("push", bodies.push()), PUSHED, view))


def test_a_deleted_branch_starts_nothing():
    verdict = triggers.decide(events.parse("push", bodies.push(deleted=True)), PUSHED, FakeView())
    assert (verdict.actions, verdict.summary) == ((), "refs/heads/main was deleted")


@pytest.mark.parametrize(
    ("ref", "sources", "wanted"),
    [
        ("refs/heads/main", [("acme/app", "main")], True),
        ("refs/heads/other", [("acme/app", "main")], False),
        ("refs/tags/main", [("acme/app", "main")], False),
        ("refs/heads/main", [("acme/config", "main")], False),
    ],
)
def test_a_push_to_a_source_of_the_configuration_syncs_it(ref, sources, wanted):
    config = RepositoryConfig(repository="acme/app")
    verdict = triggers.decide(events.parse("push", bodies.push(ref)), config, FakeView(), config_sources=sources)
    assert (SyncConfig(repository="acme/app", sha=bodies.HEAD) in verdict.actions) is wanted


def test_a_verdict_is_kept_without_its_actions():
    kept = triggers.decide(pull_event("opened"), CONFIG, FakeView()).to_dict()
    assert kept["decisions"][0] == {
        "job": "unit",
        "type": "presubmit",
        "verdict": "run",
        "rule": "test-all",
        "reason": "always_run is true",
    }
