"""GitHub's merge queue: what a merge group runs and stops."""

from dataclasses import replace

import pytest

from prowless.domain import events, triggers
from prowless.domain.actions import AbortGroup, SetStatus
from prowless.domain.config.jobs import RepositoryConfig
from prowless.domain.decisions import Outcome
from prowless.domain.prowjob import header
from prowless.domain.refs import JobType
from prowless.domain.specs import PullFacts
from prowless.domain.view import InRepoConfig
from tests.unit import event_bodies as bodies
from tests.unit.trigger_facts import BASE, FakeView, decisions, presubmit, started

GROUP = "e" * 40
REF = f"refs/heads/gh-readonly-queue/main/pr-4-{BASE}"
PULLS = tuple(
    PullFacts(
        repository="acme/app",
        number=number,
        author="ada",
        head_sha=f"{number}" * 40,
        base_ref="main",
        html_url=f"https://github.com/acme/app/pull/{number}",
    )
    for number in (3, 4)
)
CONFIG = RepositoryConfig(
    repository="acme/app",
    presubmits=(
        presubmit("unit", always_run=True),
        presubmit("docs", run_if_changed=r"\.md$"),
        presubmit("code", skip_if_only_changed=r"\.md$", optional=True),
        presubmit("slow"),
        presubmit("final", run_before_merge=True),
        presubmit("careful", run_before_merge=True, run_if_changed=r"\.md$"),
        presubmit("quiet", always_run=True, skip_report=True),
        presubmit("release", always_run=True, branches=("^release-",)),
        presubmit("late", run_before_merge=True, skip_branches=("^main$",)),
    ),
)


class View(FakeView):
    pulls = PULLS

    def group(self):
        self.asked.append("group")
        return self.pulls


class Gone(View):
    pulls = None


def group_event(action="checks_requested", ref=REF, **more):
    group = {"head_sha": GROUP, "head_ref": ref, "base_sha": BASE, "base_ref": "refs/heads/main"}
    return events.parse(
        "merge_group", {"action": action, "merge_group": group, "repository": bodies.repository(), **more}
    )


def test_automatic_jobs_of_the_base_branch_run_and_those_before_a_merge():
    verdict = triggers.decide(group_event(), CONFIG, View())
    assert started(verdict) == ["unit", "code", "final", "careful", "quiet"]
    assert decisions(verdict) == {
        "unit": (Outcome.RUN, "merge-group"),
        "docs": (Outcome.SKIP, "run_if_changed"),
        "code": (Outcome.RUN, "skip_if_only_changed"),
        "slow": (Outcome.SKIP, "manual"),
        "final": (Outcome.RUN, "run_before_merge"),
        "careful": (Outcome.RUN, "run_before_merge"),
        "quiet": (Outcome.RUN, "merge-group"),
        "release": (Outcome.SKIP, "branches"),
        "late": (Outcome.SKIP, "branches"),
    }
    assert {decision.type for decision in verdict.decisions} == {JobType.BATCH}


def test_changed_files_that_are_not_known_keep_no_job_from_running():
    assert "docs" in started(triggers.decide(group_event(), CONFIG, View(files=None)))


def test_a_run_is_a_batch_on_the_groups_head_with_the_refs_of_its_pulls():
    event = group_event()
    start = triggers.decide(event, CONFIG, View()).actions[0]
    assert (start.spec.type, start.spec.context, start.cause) == (JobType.BATCH, "unit", event.cause())
    assert str(start.spec.refs) == f"main:{BASE},3:{'3' * 40},4:{'4' * 40}"
    assert start.spec.refs.merged_sha == GROUP
    assert start.automatic is False
    row = header(start.spec, prowjob="x", build_id="1", cause="c", delivery="", created_at=1)
    assert (row.report_sha, row.pull, row.report) == (GROUP, 0, True)


def test_a_job_with_skip_report_reports_on_no_group():
    reports = {a.spec.job: a.spec.report for a in triggers.decide(group_event(), CONFIG, View()).actions}
    assert reports["quiet"] is False
    assert reports["unit"] is True


def test_a_group_that_is_gone_starts_nothing():
    verdict = triggers.decide(group_event(), CONFIG, Gone())
    assert verdict.actions == ()
    assert decisions(verdict)["unit"] == (Outcome.SKIP, "merge-group")


def test_a_repository_whose_jobs_do_not_run_asks_for_no_pulls():
    view = View()
    config = RepositoryConfig(repository="acme/app", presubmits=(presubmit("slow"),))
    assert triggers.decide(group_event(), config, view).actions == ()
    assert view.asked == []


@pytest.mark.parametrize(("reason", "said"), [("dequeued", " (dequeued)"), ("", "")])
def test_a_destroyed_group_stops_its_runs(reason, said):
    verdict = triggers.decide(group_event("destroyed", reason=reason), CONFIG, View())
    (abort,) = verdict.actions
    text = f"Aborted as the merge group was destroyed{said}."
    assert abort == AbortGroup(repository="acme/app", head_sha=GROUP, description=text)


def test_a_group_that_was_merged_lets_its_runs_go_on():
    verdict = triggers.decide(group_event("destroyed", reason="merged"), CONFIG, View())
    assert verdict.actions == ()
    assert "go on" in verdict.summary


def test_an_action_of_groups_that_is_not_known_starts_nothing():
    verdict = triggers.decide(group_event("renamed"), CONFIG, View())
    assert (verdict.actions, verdict.summary) == ((), "merge_group renamed starts nothing")


@pytest.mark.parametrize(
    ("ref", "number"),
    [
        (REF, 4),
        (f"refs/heads/gh-readonly-queue/release/1.2/pr-17-{'a' * 40}", 17),
        (f"refs/heads/queue/main/pr-4-{BASE}", 0),
        ("refs/heads/gh-readonly-queue/main/pr-x", 0),
    ],
)
def test_the_groups_ref_names_its_last_pull(ref, number):
    assert group_event(ref=ref).number == number


def test_a_group_runs_the_own_jobs_of_its_head():
    config = RepositoryConfig(repository="acme/app", in_repo=True)
    own = InRepoConfig(config=replace(config, presubmits=(presubmit("own", always_run=True, in_repo=True),)))
    verdict = triggers.decide(group_event(), config, View(own=own))
    assert started(verdict) == ["own"]


def test_invalid_files_of_a_group_fail_a_status_on_its_head_and_static_jobs_run():
    config = replace(CONFIG, in_repo=True)
    own = InRepoConfig(config=config, problems=(".prow.yaml:1: wrong",), present=True)
    verdict = triggers.decide(group_event(), config, View(own=own))
    (status,) = [action for action in verdict.actions if isinstance(action, SetStatus)]
    assert (status.sha, status.context, status.state) == (GROUP, "prowless/in-repo", "failure")
    assert "unit" in started(verdict)
