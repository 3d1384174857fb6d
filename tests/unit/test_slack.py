"""Which runs Slack is told about (`pkg/crier/reporters/slack/reporter.go:134`, `prowjobs/v1/types.go:381`)."""

import pytest

from prowless.domain.errors import PermanentError
from prowless.domain.prowjob import ProwJob, ProwJobSpec, State
from prowless.domain.refs import JobType, Pull, Refs
from prowless.domain.slack import (
    DEFAULT_TEMPLATE,
    SlackReporter,
    begun_state,
    destination,
    next_attempt,
    own_reporter,
    tokens,
)
from prowless.domain.slack_text import MAX_CHARACTERS, slack_text

FAILURES = ("failure", "error")
CENTRAL = SlackReporter(channel="all", job_types_to_report=("periodic",), job_states_to_report=FAILURES)


def spec(slack=None, kind=JobType.PERIODIC, **more):
    config = {} if slack is None else {"slack": slack}
    return ProwJobSpec(type=kind, job="nightly", reporter_config=config, **more)


def told(slack=None, *, central=CENTRAL, kind=JobType.PERIODIC, state=State.FAILURE):
    """The channel."""
    found = destination({"*": central}, spec(slack, kind), kind, state)
    return found and found.channel


@pytest.mark.parametrize(
    ("slack", "changes", "channel"),
    [
        (None, {}, "all"),
        (None, {"state": State.SUCCESS}, None),
        (None, {"kind": JobType.PRESUBMIT}, None),
        (None, {"central": SlackReporter()}, None),
        ({"channel": "own"}, {}, "own"),
        ({"channel": "own"}, {"kind": JobType.PRESUBMIT}, "own"),
        ({"channel": "own"}, {"kind": JobType.POSTSUBMIT, "state": State.SUCCESS}, None),
        ({"host": "corp"}, {"kind": JobType.PRESUBMIT}, None),
        ({"job_states_to_report": ["success"]}, {}, None),
        ({"job_states_to_report": ["success"]}, {"state": State.SUCCESS}, "all"),
        ({"job_states_to_report": []}, {}, None),
        ({"job_states_to_report": [], "report": True}, {}, "all"),
        ({"report": False}, {}, None),
        ({"report": False, "channel": "own"}, {}, None),
        ({"channel": "own", "job_states_to_report": ["error"]}, {"central": SlackReporter()}, None),
        (
            {"channel": "own", "job_states_to_report": ["error"]},
            {"central": SlackReporter(), "state": State.ERROR},
            "own",
        ),
        ({"channel": "own"}, {"central": SlackReporter(channel="all")}, None),
    ],
)
def test_a_run_is_told_as_prow_tells_it(slack, changes, channel):
    assert told(slack, **changes) == channel


SILENT = SlackReporter(channel="all", job_types_to_report=("periodic",), job_states_to_report=FAILURES, report=False)


@pytest.mark.parametrize(
    ("slack", "channel"), [(None, None), ({}, "all"), ({"report": True}, "all"), ({"channel": "own"}, "own")]
)
def test_any_word_of_a_job_about_slack_wins_over_the_central_report(slack, channel):
    assert told(slack, central=SILENT) == channel


@pytest.mark.parametrize(
    ("refs", "extra", "channel"),
    [
        (("acme", "app"), (), "repo"),
        (("acme", "lib"), (), "org"),
        (("other", "app"), (), "all"),
        (None, (), "all"),
        (None, (("acme", "app"), ("other", "x")), "repo"),
        (("acme", "lib"), (("acme", "app"),), "org"),
    ],
)
def test_the_entry_is_that_of_the_repository_its_organisation_or_all_and_a_periodic_has_its_first_extra_ref(
    refs, extra, channel
):
    def entry(name):
        return SlackReporter(channel=name, job_types_to_report=("batch",), job_states_to_report=("aborted",))

    reporters = {"acme/app": entry("repo"), "acme": entry("org"), "*": entry("all")}
    made = spec(
        refs=Refs(org=refs[0], repo=refs[1]) if refs else None,
        extra_refs=tuple(Refs(org=org, repo=repo) for org, repo in extra),
    )
    found = destination(reporters, made, JobType.BATCH, State.ABORTED)
    assert found
    assert found.channel == channel


def test_a_job_takes_over_what_it_does_not_say():
    central = SlackReporter(
        host="corp",
        channel="all",
        report_template="central",
        job_types_to_report=("batch",),
        job_states_to_report=("x",),
    )
    own = SlackReporter(channel="own", job_states_to_report=FAILURES, report=True)
    assert own.over(central) == SlackReporter(
        host="corp",
        channel="own",
        report_template="central",
        job_types_to_report=("batch",),
        job_states_to_report=FAILURES,
        report=True,
    )
    assert SlackReporter(host="h", report_template="t").over(central).report_template == "t"


def test_without_a_host_and_a_template_they_are_prows():
    found = destination({"*": CENTRAL}, spec(), JobType.PERIODIC, State.ERROR)
    assert found
    assert (found.host, found.template) == ("*", DEFAULT_TEMPLATE)
    assert "ended with state {{.Status.State}}. <{{.Status.URL}}|View logs>" in DEFAULT_TEMPLATE


@pytest.mark.parametrize(
    ("states", "state"),
    [
        (("failure",), None),
        (("triggered",), "triggered"),
        (("pending",), "pending"),
        (("triggered", "pending"), "pending"),
    ],
)
def test_the_beginning_of_a_run_is_one_message(states, state):
    central = SlackReporter(channel="all", job_types_to_report=("periodic",), job_states_to_report=states)
    assert begun_state({"*": central}, spec(), JobType.PERIODIC) == state


@pytest.mark.parametrize("written", ["x", 1, [], None])
def test_a_spec_that_says_something_else_says_nothing(written):
    assert own_reporter(spec(written)) is None


def test_fields_of_another_kind_are_ignored():
    assert SlackReporter.from_dict({"channel": 1, "report": "no", "job_states_to_report": "failure"}) == SlackReporter()
    for reporter in (CENTRAL, SILENT, SlackReporter(report=True, host="h", report_template="t")):
        assert SlackReporter.from_dict(reporter.to_dict()) == reporter


def row(**more):
    return ProwJob(id="x", type=JobType.PERIODIC, job="nightly", build_id="7", created_at=0, **more)


@pytest.mark.parametrize(
    ("reported", "noted"),
    [
        ({}, "failure"),
        ({"slack": "pending", "slack-attempt": "pending"}, "failure"),
        ({"slack-attempt": "failure"}, "failure again"),
        ({"slack-attempt": "failure again"}, None),
        ({"slack": "failure"}, None),
    ],
)
def test_a_lost_answer_is_repeated_once(reported, noted):
    assert next_attempt(row(state=State.FAILURE, reported=reported), State.FAILURE) == noted


def test_the_beginning_is_not_told_after_the_end():
    assert next_attempt(row(state=State.FAILURE), State.PENDING) is None
    assert next_attempt(row(state=State.TRIGGERED), State.PENDING) == "pending"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("xoxb-1\n", {"*": "xoxb-1"}),
        ('{"*": "xoxb-1", "corp": "xoxb-2"}', {"*": "xoxb-1", "corp": "xoxb-2"}),
        (' {"corp": "xoxb-2"}', {"corp": "xoxb-2"}),
    ],
)
def test_the_secret_is_a_token_or_has_one_for_each_host(text, found):
    assert tokens(text) == found


@pytest.mark.parametrize(
    "text", ["", " \n", "{", "{}", '{"*": 1}', '{"*": ""}', "xoxb 1", "xoxb\n1", "xöxb", '{"*": "a\\nb"}']
)
def test_another_secret_is_refused_without_its_text(text):
    with pytest.raises(PermanentError) as refused:
        tokens(text)
    assert str(refused.value) == 'the Slack secret is neither a token nor a JSON object such as {"*": "xoxb-…"}'


def pulls(title, **more):
    pull = Pull(number=1, sha="s", title=title, head_ref="<!here>")
    return spec(kind=JobType.PRESUBMIT, refs=Refs(org="acme", repo="app", base_ref="a&b", pulls=(pull,)), **more)


TEMPLATE = (
    "<!channel> {{with index .Spec.Refs.Pulls 0}}{{.Title}} {{.HeadRef}}{{end}} {{.Spec.Refs.BaseRef}} "
    "{{.Status.Description}}"
)


def test_words_of_strangers_mention_nobody():
    said = slack_text(TEMPLATE, pulls("<!channel> & <@U1>"), row(description="<x>"))
    assert said == "<!channel> &lt;!channel&gt; &amp; &lt;@U1&gt; &lt;!here&gt; a&amp;b &lt;x&gt;"


@pytest.mark.parametrize("kind", [JobType.PRESUBMIT, JobType.BATCH])
def test_a_template_from_a_pull_request_mentions_nobody(kind):
    assert slack_text("<!here> <@U1> <https://x|y>", spec(kind=kind, in_repo=True), row()) == (
        "&lt;!here> &lt;@U1> <https://x|y>"
    )
    assert slack_text("<!here>", spec(kind=JobType.POSTSUBMIT, in_repo=True), row()) == "<!here>"


def test_the_default_text_and_its_end():
    assert slack_text(DEFAULT_TEMPLATE, spec(), row(state=State.ERROR, url="https://x")) == (
        "Job nightly of type periodic ended with state error. <https://x|View logs>"
    )
    long = slack_text("x" * MAX_CHARACTERS + "y", spec(), row())
    assert (len(long), long[-2:]) == (MAX_CHARACTERS, "x…")
    assert len(slack_text("x" * MAX_CHARACTERS, spec(), row())) == MAX_CHARACTERS
