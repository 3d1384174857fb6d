"""A header row stays under 4 KB, whatever is in it: it is read at every poll."""

from dataclasses import fields, replace

from prowless.adapters.aws.dynamo import marshal
from prowless.adapters.aws.rows import item_of
from prowless.domain.prowjob import MAX_TEXT, ProwJob, State
from prowless.domain.refs import JobType

LONG = {
    "description": "x" * MAX_TEXT,
    "stop_reason": "x" * MAX_TEXT,
    "token": "t" * 1024,  # the longest that Step Functions gives
    "url": "u" * 300,
    "job": "j" * 99,  # the longest name in public configurations
    "context": "c" * 120,
    "rerun_command": "/test " + "j" * 99,
}


def test_the_longest_row_we_know_of_is_under_4_kb():
    row = ProwJob(id="i" * 36, type=JobType.POSTSUBMIT, job="j", build_id="9" * 19, created_at=1_790_000_000_000)
    times = {f.name: 1_790_000_000_000 for f in fields(row) if f.name.endswith(("_at", "_since"))}
    texts = dict.fromkeys(("org", "repo", "base_ref", "author", "cluster", "job_queue_name"), "n" * 39)
    held = (f"counter#job#presubmit#{'n' * 79}#{'j' * 99}", "counter#cluster#x", "counter#total")
    row = replace(
        row,
        **times,
        **texts,
        **LONG,
        base_sha="b" * 40,
        head_sha="h" * 40,
        cause="pull " + "n" * 160,
        delivery="d" * 36,
        state=State.FAILURE,
        held=held,
        object={"kind": "PipelineRun", "namespace": "n" * 63, "name": "i" * 36, "uid": "u" * 36},
        reported={
            "github": "failure",
            "github-attempt": "failure",
            "slack": "failure",
            "slack-attempt": "failure again",
            "slack-error": "e" * 160,
        },
    )
    size = sum(len(name) + len(str(next(iter(value.values())))) for name, value in marshal(item_of(row)).items())
    assert size < 4096, size
