"""Slack's reports: once for each state, and GitHub's are never the worse for them."""

from dataclasses import replace

import pytest

from prowless.domain.config.central import CentralConfig
from prowless.domain.errors import AmbiguousError, NotFoundError, PermanentError, RetryableError
from prowless.domain.prowjob import State
from prowless.domain.refs import JobType
from prowless.domain.slack import SlackReporter
from tests.fakes.slack import MemorySlack
from tests.unit.usecases.test_report import FAILED, PASSED, World

EVERYTHING = ("triggered", "pending", "success", "failure", "aborted", "error")
TEXT = "{{.Spec.Job}} {{.Status.State}}"


@pytest.fixture
def slack():
    return MemorySlack()


@pytest.fixture
def world(slack):
    made = World(slack=slack)
    reports(made)
    return made


def reports(world, states=("failure", "error"), template=TEXT):
    reporter = SlackReporter(
        channel="builds",
        job_types_to_report=("presubmit", "periodic"),
        job_states_to_report=tuple(states),
        report_template=template,
    )
    world.config.parts = CentralConfig(slack_reporters={"*": reporter})


def end(world, run):
    """Both states of the machine."""
    step = world.report.final(run)["next"]
    if step == "slack":
        world.report.slack(run)
    return step


def noted(world, run):
    return {key: value for key, value in world.prowjobs.get(run).reported.items() if "slack" in key}


def test_a_failure_is_told_once_after_github(world, slack):
    run = world.run(**FAILED)
    assert world.report.final(run) == {"next": "slack"}
    assert (world.status().state, slack.posted) == ("failure", [])
    assert world.report.slack(run) == {"next": "done"}
    assert world.report.slack(run) == {"next": "done"}
    assert end(world, run) == "release"
    assert slack.posted == [("*", "builds", "unit failure")]
    assert noted(world, run) == {"slack": "failure", "slack-attempt": "failure"}


def test_what_nobody_wants_to_know_is_not_told(world, slack):
    assert end(world, world.run(**PASSED)) == "release"
    assert end(world, world.run("p", kind=JobType.POSTSUBMIT, **FAILED)) == "release"
    assert world.report.pending(world.run("q", "6")) == {"next": "run"}
    assert slack.calls == 0


def test_a_periodic_is_told_though_github_is_not(world, slack):
    assert end(world, world.run(kind=JobType.PERIODIC, **FAILED)) == "slack"
    assert (len(slack.posted), world.posts()) == (1, 0)


def test_a_run_that_a_newer_one_replaced_is_told_as_well(world, slack):
    reports(world, ["aborted"])
    assert end(world, world.run(state=State.ABORTED, superseded=True, completed_at=1)) == "slack"
    assert slack.posted == [("*", "builds", "unit aborted")]


@pytest.mark.parametrize(("states", "text"), [(EVERYTHING, "unit pending"), (("triggered",), "unit triggered")])
def test_the_beginning_is_told_once(world, slack, states, text):
    reports(world, states)
    run = world.run()
    assert world.report.pending(run) == {"next": "run"}
    assert world.report.pending(run) == {"next": "run"}
    assert slack.posted == [("*", "builds", text)]
    world.prowjobs.mutate(run, lambda row: replace(row, **PASSED))
    world.report.pending(run)
    assert len(slack.posted) == 1
    assert end(world, run) == ("slack" if "success" in states else "release")


@pytest.mark.parametrize("fault", [RetryableError("down"), AmbiguousError("lost"), PermanentError("no")])
def test_a_beginning_that_slack_does_not_take_leaves_the_run_alone(world, slack, fault, caplog):
    reports(world, EVERYTHING)
    slack.faults = [fault]
    run = world.run()
    assert world.report.pending(run) == {"next": "run"}
    assert (world.status().state, slack.calls) == ("pending", 1)
    assert str(fault) in noted(world, run)["slack-error"]
    assert "Slack is not told" in caplog.text


def test_a_message_that_was_not_taken_is_tried_as_often_as_the_machine_comes_again(world, slack):
    run = world.run(**FAILED)
    slack.faults = [RetryableError("HTTP 503")] * 4
    for _ in range(4):
        with pytest.raises(RetryableError):
            end(world, run)
        assert noted(world, run) == {"slack-error": "HTTP 503"}
    assert end(world, run) == "slack"
    assert noted(world, run) == {"slack": "failure", "slack-attempt": "failure"}
    assert len(slack.posted) == 1


def test_a_lost_answer_leaves_at_most_two_messages(world, slack):
    run = world.run(**FAILED)
    slack.faults = [AmbiguousError("lost")] * 2
    for note in ("failure", "failure again"):
        with pytest.raises(AmbiguousError):
            end(world, run)
        assert noted(world, run) == {"slack-attempt": note, "slack-error": "lost"}
    assert end(world, run) == "release"
    assert len(slack.posted) == 2


def test_a_refusal_is_noted_and_not_repeated(world, slack, caplog):
    run = world.run(**FAILED)
    slack.faults = [PermanentError("channel_not_found")]
    assert end(world, run) == "slack"
    assert end(world, run) == "release"
    assert noted(world, run) == {"slack": "failure", "slack-attempt": "failure", "slack-error": "channel_not_found"}
    assert "Slack is not told: channel_not_found" in caplog.text


@pytest.mark.parametrize(("after_ms", "pauses"), [(3000, [3.0]), (60_000, []), (None, [])])
def test_a_short_rate_limit_is_waited_for(world, slack, after_ms, pauses):
    run = world.run(**FAILED)
    slack.faults = [RetryableError("rate limit", retry_after_ms=after_ms)]
    if pauses:
        end(world, run)
    else:
        with pytest.raises(RetryableError):
            end(world, run)
    assert (world.pauses, len(slack.posted)) == (pauses, len(pauses))


def test_two_calls_at_a_time_post_one_message(world, slack):
    """The call of an execution that was stopped goes on beside the one that finishes the run."""
    run = world.run(**FAILED)
    mutate = world.prowjobs.mutate

    def slow(*arguments):
        world.prowjobs.mutate = mutate
        world.report.slack(run)
        return mutate(*arguments)

    world.report.final(run)
    world.prowjobs.mutate = slow
    with pytest.raises(RetryableError, match="another call"):
        world.report.slack(run)
    assert len(slack.posted) == 1


def test_slack_is_told_though_github_takes_no_status(world, slack):
    run = world.run(**FAILED)
    world.github.fail("create_status", RetryableError("down"))
    with pytest.raises(RetryableError):
        world.report.final(run)
    assert world.report.slack(run) == {"next": "done"}
    assert slack.posted == [("*", "builds", "unit failure")]


def test_a_run_without_an_end_is_not_told(world, slack):
    assert world.report.slack(world.run()) == {"next": "done"}
    assert slack.calls == 0


def test_a_template_that_fails_gives_way_to_prows(world, slack, caplog):
    reports(world, template="{{.Spec.Nothing}}")
    end(world, world.run(url="https://x", **FAILED))
    ((_, _, text),) = slack.posted
    assert text == "Job unit of type presubmit ended with state failure. <https://x|View logs>"
    assert "the report template for Slack fails" in caplog.text


def test_a_template_that_says_nothing_posts_nothing(world, slack):
    reports(world, template="{{if false}}x{{end}}\n")
    run = world.run(**FAILED)
    assert end(world, run) == "slack"
    assert end(world, run) == "release"
    assert slack.calls == 0


def test_without_a_token_nothing_is_posted_and_the_log_says_so_once(caplog):
    caplog.set_level("INFO")
    world = World()
    run = world.run(**FAILED)
    assert end(world, run) == "release"
    assert "no Slack token" not in caplog.text
    reports(world, EVERYTHING)
    world.report.pending(world.run("y", "6"))
    for _ in range(2):
        assert end(world, run) == "release"
    assert world.report.slack(run) == {"next": "done"}
    assert caplog.text.count("no Slack token is configured (parameter SlackTokenSecretArn)") == 1


@pytest.mark.parametrize(("fault", "step"), [(RetryableError("later"), "slack"), (NotFoundError("gone"), "release")])
def test_a_spec_that_cannot_be_read_does_not_keep_github_from_being_told(world, fault, step, monkeypatch):
    run = world.run(url="https://x", **FAILED)

    def spec(_prowjob):
        raise fault

    monkeypatch.setattr(world.runs, "spec", spec)
    assert world.report.final(run) == {"next": step}
    assert world.status().state == "failure"
