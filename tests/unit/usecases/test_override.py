"""`/override` carried out: statuses, check runs and the ProwJobs that stand for them, once."""

from dataclasses import replace

import pytest

from prowless.domain.config.enabled import RepositoryPlugins
from prowless.domain.errors import PermanentError
from prowless.domain.prowjob import Phase, State
from prowless.ports.github import CheckRun, Status
from tests.fakes.config import FixedConfig
from tests.unit.usecases.test_dispatch import CONFIG, REPOSITORY, World


class Overriding(World):
    """A world with an administrator."""

    def __init__(self):
        super().__init__()
        self.github.add_admin(REPOSITORY, "root")
        self.head, self.base = self.pull.head_sha, self.pull.base_sha

    def statuses(self):
        return {name: one.state for name, one in self.github.statuses(REPOSITORY, self.head).items()}

    def fail(self, *contexts):
        for context in contexts:
            self.github.create_status(REPOSITORY, self.head, Status(context=context, state="failure"))

    def allow(self, **options):
        config = FixedConfig(replace(CONFIG, plugins=RepositoryPlugins(**options)))
        self.dispatch._config = config

    def answers(self):
        return [comment.body for comment in self.github.comments(REPOSITORY, 1)]

    def cut_off(self, calls, act):
        """Dispatch dies at its `calls`-th writing call to GitHub and is repeated."""
        real = self.github.create_status
        left = [calls]

        def dying(*arguments):
            left[0] -= 1
            if left[0] == 0:
                raise KeyboardInterrupt
            real(*arguments)

        self.github.create_status = dying
        with pytest.raises(KeyboardInterrupt):
            act()
        self.github.create_status = real
        self.dispatch([{"delivery": "c1"}])


@pytest.fixture
def world():
    return Overriding()


def test_an_override_that_is_cut_off_is_completed_with_one_answer_and_one_prowjob_each(world):
    world.fail("unit", "manual", "external")
    world.cut_off(2, lambda: world.comment("/override unit manual external", author="root"))
    assert set(world.statuses().values()) == {"success"}
    (answer,) = world.answers()
    assert "Overrode contexts on behalf of root: external, manual, unit" in answer
    described = world.github.statuses(REPOSITORY, world.head)["unit"].description
    assert described.startswith("Overridden by root")
    assert described.endswith(f"BaseSHA:{world.base}")
    assert len(world.github.calls_of("create_status")) == 3 + 3
    assert world.jobs() == ["manual", "unit"]


def test_the_prowjob_of_an_override_is_over_at_once_and_owes_no_report(world):
    world.fail("unit")
    world.comment("/override unit", author="root")
    (run,) = world.prowjobs.rows.values()
    assert (run.state, run.phase, run.complete) == (State.SUCCESS, Phase.RELEASED, True)
    assert (run.description, run.url, run.delivery) == ("Overridden by root", "u", "c1")
    assert (run.pull, run.head_sha, run.base_sha, run.context) == (1, world.head, world.base, "unit")
    assert run.reported == {"github": "success"}
    assert world.runs.spec(run).job == "unit"
    assert world.prowjobs.active("default", Phase.WAITING, 10) == []


def test_where_the_base_branch_is_gone_an_override_knows_no_base(world):
    world.fail("unit")
    del world.github.repositories[REPOSITORY].refs["heads/main"]
    world.comment("/override unit", author="root")
    assert world.statuses() == {"unit": "success"}
    assert world.github.statuses(REPOSITORY, world.head)["unit"].description == "Overridden by root"
    (run,) = world.prowjobs.rows.values()
    assert run.base_sha == ""


def test_where_the_base_branch_is_gone_it_has_no_approvers(world):
    world.fail("unit")
    world.allow(override_top_level_owners=True)
    world.github.commit(REPOSITORY, {"OWNERS": "approvers: [ada]\n"})
    world.github.add_collaborator(REPOSITORY, "ada")
    del world.github.repositories[REPOSITORY].refs["heads/main"]
    world.comment("/override unit")
    assert world.statuses() == {"unit": "failure"}
    assert "unauthorized" in world.answers()[0]
    assert world.github.calls_of("contents") == []


def test_an_older_run_does_not_report_over_an_override(world):
    world.pull_event()
    (older,) = world.prowjobs.rows.values()
    world.fail("unit")
    world.comment("/override unit", author="root")
    newest = world.control.builds[f"newest#{older.report_key}"]
    (record,) = [run for run in world.prowjobs.rows.values() if run.id != older.id]
    assert int(newest) == int(record.build_id)
    assert world.prowjobs.get(older.id).state is State.TRIGGERED


def test_the_same_comment_may_test_what_it_overrides(world):
    world.fail("manual")
    world.comment("/test manual\n/override manual", author="root")
    assert sorted(run.state for run in world.prowjobs.rows.values()) == [State.SUCCESS, State.TRIGGERED]


def test_who_may_only_write_overrides_nothing(world):
    world.fail("unit")
    world.comment("/override unit", author="ada")
    assert world.statuses() == {"unit": "failure"}
    assert "unauthorized" in world.answers()[0]
    assert world.jobs() == []


OWNERS = {"OWNERS": "approvers: [leads]\n", "OWNERS_ALIASES": "aliases: {leads: [Grace]}\n"}


@pytest.mark.parametrize(
    ("rule", "files", "collaborator", "entitled"),
    [
        ("an approver of the base branch", OWNERS, True, True),
        ("an approver who is no collaborator any more", OWNERS, False, False),
        ("without the file", {}, True, False),
        ("a file that is no YAML names nobody", {"OWNERS": "approvers: [grace\n"}, True, False),
        ("aliases that are no YAML have no members", {**OWNERS, "OWNERS_ALIASES": "a: [\n"}, True, False),
    ],
)
def test_top_level_owners_override_where_that_is_allowed(world, rule, files, collaborator, entitled):
    world.github.commit(REPOSITORY, files)
    if collaborator:
        world.github.add_collaborator(REPOSITORY, "grace")
    world.allow(override_top_level_owners=True)
    world.fail("unit")
    world.comment("/override unit", author="grace")
    assert (world.statuses()["unit"] == "success") == entitled, rule


def test_members_of_a_team_override_where_that_is_allowed(world):
    world.github.add_team_member("acme", "leads", "grace")
    world.allow(override_teams={"acme": ("leads",)})
    world.fail("unit")
    world.comment("/override unit", author="grace")
    assert world.statuses() == {"unit": "success"}
    assert world.github.calls_of("is_team_member") == [("acme", "leads", "grace")]


def test_a_failed_check_run_gets_one_successful_one_however_often_it_is_handled(world):
    world.github.repositories[REPOSITORY].check_runs[world.head] = [CheckRun(name="build", conclusion="failure")]
    world.fail("manual")
    world.cut_off(1, lambda: world.comment("/override build manual", author="root"))
    world.deliveries.rows["c1"] = replace(world.deliveries.rows["c1"], outcome="")
    world.dispatch([{"delivery": "c1"}])
    assert world.github.check_runs(REPOSITORY, world.head) == [CheckRun(name="build", conclusion="success")]
    assert len(world.github.calls_of("create_check_run")) == 1


def test_an_app_that_may_not_see_check_runs_overrides_statuses(world):
    world.github.fail("check_runs", PermanentError("403"))
    world.fail("unit")
    world.comment("/override unit", author="root")
    assert world.statuses() == {"unit": "success"}


def test_with_a_token_check_runs_are_not_looked_at(world):
    world.github._login = "prow-bot"
    world.fail("unit")
    world.comment("/override unit", author="root")
    assert world.github.calls_of("check_runs") == []


def test_a_required_context_without_a_status_is_overridden(world):
    world.github.repositories[REPOSITORY].required_contexts["main"] = ("cla",)
    world.comment("/override cla", author="root")
    assert world.statuses() == {"cla": "success"}


def test_an_override_is_cancelled(world):
    world.fail("unit")
    world.comment("/override-sticky unit", author="root")
    comment = {"id": 2, "user": {"login": "root"}, "body": "/override-cancel", "updated_at": "t", "html_url": "u"}
    issue = {"number": 1, "state": "open", "user": {"login": "ada"}, "pull_request": {}}
    world.deliver("issue_comment", "c2", action="created", issue=issue, comment=comment)
    status = world.github.statuses(REPOSITORY, world.head)["unit"]
    assert (status.state, status.description) == ("failure", "Override cancelled by root")
