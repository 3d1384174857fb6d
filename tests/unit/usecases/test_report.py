from dataclasses import replace

import pytest

from prowless.domain.errors import AmbiguousError, PermanentError, RetryableError
from prowless.domain.prowjob import ProwJobSpec, State, header
from prowless.domain.refs import JobType, Pull, Refs
from prowless.domain.status import REPORT_MARKER
from prowless.ports.github import Status
from prowless.usecases.records import Records
from prowless.usecases.report import ReportRun
from prowless.usecases.runs import Runs
from prowless.usecases.tell_slack import TellSlack
from tests.fakes.clock import NOW, FixedClock
from tests.fakes.config import FixedConfig
from tests.fakes.github import MemoryGitHub
from tests.fakes.stores import MemoryArtifacts, MemoryControl, MemoryObjects, MemoryProwJobs


class World:
    def __init__(self, slack=None):
        self.clock = FixedClock()
        self.github = MemoryGitHub()
        self.github.create_repository("acme/app")
        self.pull = self.github.open_pull("acme/app", {"a": "1"}, author="ada")
        self.prowjobs = MemoryProwJobs()
        self.control = MemoryControl(self.prowjobs)
        self.artifacts = MemoryArtifacts()
        self.runs = Runs(self.prowjobs, MemoryObjects())
        self.config = FixedConfig()
        self.pauses = []
        records = Records(artifacts=self.artifacts, clock=self.clock)
        self.report = ReportRun(
            runs=self.runs,
            config=self.config,
            control=self.control,
            github=self.github,
            slack=TellSlack(runs=self.runs, config=self.config, slack=slack, pause=self.pauses.append),
            records=records,
            clock=self.clock,
        )

    def run(self, name="x", build="5", job="unit", kind=JobType.PRESUBMIT, **changes):
        pull = Pull(number=self.pull.number, sha=self.pull.head_sha, author="ada")
        pulls = (pull,) if kind is JobType.PRESUBMIT else ()
        refs = Refs(org="acme", repo="app", base_ref="main", base_sha=self.pull.base_sha, pulls=pulls)
        spec = ProwJobSpec(type=kind, job=job, context=job, rerun_command=f"/test {job}", refs=refs)
        row = header(spec, prowjob=name, build_id=build, cause="c", delivery="", created_at=NOW)
        self.runs.keep_spec(name, spec)
        self.prowjobs.create(replace(row, **changes))
        return name

    def status(self, job="unit", sha=""):
        return self.github.statuses("acme/app", sha or self.pull.head_sha).get(job)

    def posts(self):
        return len(self.github.calls_of("create_status"))

    def comments(self):
        return [c.body for c in self.github.comments("acme/app", self.pull.number)]


@pytest.fixture
def world():
    return World()


FAILED = {"state": State.FAILURE, "description": "Job failed.", "completed_at": NOW}
PASSED = {"state": State.SUCCESS, "description": "Job succeeded.", "completed_at": NOW}


def test_pending_says_that_the_run_is_on_its_way(world):
    assert world.report.pending(world.run()) == {"next": "run"}
    assert world.status().state == "pending"
    assert world.status().description.startswith("Job triggered.")
    assert world.status().description.endswith(f" BaseSHA:{world.pull.base_sha}")


def test_a_late_pending_report_does_not_follow_the_end(world):
    """The call of an execution that was stopped goes on for as long as the function may take."""
    run = world.run()
    lease = world.control.lease

    def slow(*arguments):
        world.control.lease = lease
        world.prowjobs.mutate(run, lambda row: replace(row, **FAILED, pending_at=NOW))
        world.report.final(run)
        return lease(*arguments)

    world.control.lease = slow
    world.report.pending(run)
    assert (world.status().state, world.posts()) == ("failure", 1)


def test_a_run_stopped_before_it_began_goes_straight_to_its_end(world):
    assert world.report.pending(world.run(state=State.ABORTED)) == {"next": "final"}
    assert world.posts() == 0


def test_each_state_is_reported_once(world):
    run = world.run(**PASSED)
    assert world.report.final(run) == {"next": "release"}
    world.report.final(run)
    assert world.posts() == 1
    assert world.status().state == "success"


def test_an_older_run_never_speaks_over_a_newer_one(world):
    old, new = world.run("old", "5", **FAILED), world.run("new", "6", **PASSED)
    world.report.final(new)
    world.report.final(old)
    assert world.status().state == "success"
    assert world.comments() == []
    assert world.prowjobs.get(old).reported["github"] == "superseded"


def test_a_replaced_run_says_nothing(world):
    world.report.final(world.run(state=State.ABORTED, superseded=True, completed_at=NOW))
    assert world.posts() == 0


def test_a_run_aborted_by_a_push_is_a_failure_on_its_own_commit_and_gets_no_row(world):
    world.report.final(world.run(state=State.ABORTED, description="Aborted by trigger plugin.", completed_at=NOW))
    assert world.status().state == "failure"
    assert world.comments() == []


def test_a_post_that_took_effect_before_the_call_broke_is_not_repeated(world):
    run = world.run(**PASSED)
    world.github.fail("create_status", AmbiguousError("connection lost"), after=True)
    world.report.final(run)
    assert world.posts() == 1
    assert world.status().state == "success"


def test_a_post_that_may_not_have_arrived_is_repeated_by_the_retry(world):
    run = world.run(**PASSED)
    world.github.fail("create_status", AmbiguousError("connection lost"))
    with pytest.raises(RetryableError):
        world.report.final(run)
    world.report.final(run)
    assert world.status().state == "success"


def test_a_report_killed_after_its_post_reads_back_instead_of_posting_again(world):
    run = world.run(**PASSED)
    world.github.fail("create_status", KeyboardInterrupt(), after=True)
    with pytest.raises(KeyboardInterrupt):
        world.report.final(run)
    world.report.final(run)
    assert world.posts() == 1


@pytest.mark.parametrize("message", ["No commit found for SHA: x", "this SHA has a maximum number of statuses"])
def test_refusals_that_no_retry_can_change_end_the_report(world, message):
    run = world.run(**PASSED)
    world.github.fail("create_status", PermanentError(message))
    assert world.report.final(run) == {"next": "release"}


def test_other_refusals_are_errors(world):
    run = world.run(**PASSED)
    world.github.fail("create_status", PermanentError("Bad credentials"))
    with pytest.raises(PermanentError, match="Bad credentials"):
        world.report.final(run)


def test_two_reports_of_one_status_do_not_run_at_once(world):
    run = world.run(**PASSED)
    world.control.lease(f"lease#{world.prowjobs.get(run).report_key}", "other", NOW, NOW + 1000)
    with pytest.raises(RetryableError, match="is being written"):
        world.report.final(run)
    world.clock.advance(1001)
    world.report.final(run)
    assert world.status().state == "success"


def test_a_failure_leaves_one_comment_that_says_how_to_retest(world):
    world.report.final(world.run(**FAILED))
    [body] = world.comments()
    assert "@ada: The following test **failed**" in body
    assert "`/test unit`" in body


def test_a_second_failure_is_a_new_comment_with_both_rows_and_the_old_one_goes(world):
    world.report.final(world.run("a", "5", **FAILED))
    world.report.final(world.run("b", "6", "lint", **FAILED))
    [body] = world.comments()
    assert "unit |" in body
    assert "lint |" in body


def test_a_later_success_takes_its_row_away_and_the_comment_with_the_last(world):
    world.report.final(world.run("a", "5", **FAILED))
    world.report.final(world.run("b", "6", "lint", **FAILED))
    world.report.final(world.run("c", "7", **PASSED))
    [body] = world.comments()
    assert "unit |" not in body
    world.report.final(world.run("d", "8", "lint", **PASSED))
    assert world.comments() == []


def test_a_retried_report_writes_no_second_comment(world):
    run = world.run(**FAILED)
    world.report.final(run)
    world.report.final(run)
    assert len(world.comments()) == 1
    assert len(world.github.calls_of("create_comment")) == 1


def test_comments_of_others_are_never_touched_even_with_our_marker(world):
    world.github.comment("acme/app", world.pull.number, "mallory", f"--- | ---\nfake | row\n{REPORT_MARKER}")
    world.report.final(world.run(**FAILED))
    assert len(world.comments()) == 2
    assert "fake |" not in world.comments()[1]


def test_an_answer_of_ours_that_quotes_a_table_is_no_report_and_stays(world):
    quoted = f"@mallory: No.\n\n{REPORT_MARKER}\n--- | ---\nfake | row\n\n</details>\n<!-- prowless:0 -->"
    world.github.comment("acme/app", world.pull.number, world.github.login(), quoted)
    world.report.final(world.run(**FAILED))
    assert world.comments()[0] == quoted
    assert "fake |" not in world.comments()[1]


def test_prows_own_report_comment_is_taken_over(world):
    rows = f"--- | ---\nlint | {'0' * 40} | [link](u) | true | `/test lint`\n\n<details>\n\n</details>\n{REPORT_MARKER}"
    world.github.comment("acme/app", world.pull.number, world.github.login(), rows)
    world.report.final(world.run(**FAILED))
    (body,) = world.comments()
    assert "\nlint | " in body


def test_a_postsubmit_reports_on_its_commit_and_writes_no_comment(world):
    world.report.final(world.run(kind=JobType.POSTSUBMIT, **FAILED))
    assert world.status(sha=world.pull.base_sha).state == "failure"
    assert world.comments() == []


def test_a_periodic_is_not_reported_but_its_files_are_written(world):
    world.report.final(world.run(kind=JobType.PERIODIC, state=State.SUCCESS))
    assert world.posts() == 0
    assert world.artifacts.default.json("logs/unit/5/finished.json")["passed"] is True


def test_a_run_that_never_came_to_collect_is_completed_with_an_error_and_its_files(world):
    world.report.final(world.run())
    assert world.status().state == "error"
    folder = f"pr-logs/pull/acme_app/{world.pull.number}/unit/5"
    assert world.artifacts.default.json(f"{folder}/finished.json")["result"] == "FAILURE"
    assert world.artifacts.default.get("pr-logs/directory/unit/latest-build.txt") == b"5"


def test_an_older_run_never_turns_latest_build_back(world):
    world.report.final(world.run("new", "6"))
    world.report.final(world.run("old", "5"))
    assert world.artifacts.default.get("pr-logs/directory/unit/latest-build.txt") == b"6"


def test_the_posted_status_is_the_rows(world):
    world.report.final(world.run(**PASSED, url="https://ci/1"))
    assert world.status() == Status(
        context="unit", state="success", target_url="https://ci/1", description=world.status().description
    )


def refused(*_args, **_options):
    raise PermanentError("S3 bucket elsewhere: PutObject denied")


def test_a_bucket_that_refuses_the_files_does_not_keep_the_result_from_github(world):
    run = world.run()
    world.artifacts.default.put = refused
    assert world.report.final(run) == {"next": "release"}
    assert world.status().state == "error"
    assert world.prowjobs.get(run).completed_at == NOW


def test_a_bucket_that_cannot_be_named_does_not_keep_the_result_from_github(world):
    run = world.run()
    world.artifacts.bucket = refused
    assert world.report.pending(run) == {"next": "run"}
    assert world.report.final(run) == {"next": "release"}
    assert world.status().state == "error"


def test_a_bucket_that_is_away_is_tried_again_and_the_files_are_written(world):
    run, bucket = world.run(), world.artifacts.default
    real = bucket.put
    bucket.put = lambda *_args, **_options: (_ for _ in ()).throw(RetryableError("slow down"))
    with pytest.raises(RetryableError):
        world.report.final(run)
    bucket.put = real
    world.report.final(run)
    assert bucket.json(f"pr-logs/pull/acme_app/{world.pull.number}/unit/5/finished.json")["result"] == "FAILURE"


def test_a_comment_that_github_refuses_does_not_undo_the_report(world):
    run = world.run(**FAILED)
    world.github.fail("create_comment", PermanentError("Unable to create comment because issue is locked."))
    assert world.report.final(run) == {"next": "release"}
    assert world.status().state == "failure"
