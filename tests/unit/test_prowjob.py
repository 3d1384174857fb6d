import dataclasses
import itertools
import json

import pytest

from prowless.domain.errors import ConflictError
from prowless.domain.prowjob import FINAL_STATES, Phase, ProwJobSpec, State, header
from prowless.domain.refs import JobType, Pull, Refs

REFS = Refs(org="acme", repo="app", base_ref="main", base_sha="b" * 40, pulls=(Pull(number=7, sha="h", author="ada"),))
SPEC = ProwJobSpec(type=JobType.PRESUBMIT, job="unit", context="unit", refs=REFS, pod_spec={"containers": []})
ROW = header(SPEC, prowjob="x", build_id="5", cause="c", delivery="d", created_at=1)

LEGAL = {
    (State.TRIGGERED, State.PENDING),
    (State.TRIGGERED, State.ABORTED),
    (State.TRIGGERED, State.ERROR),
    (State.PENDING, State.SUCCESS),
    (State.PENDING, State.FAILURE),
    (State.PENDING, State.ABORTED),
    (State.PENDING, State.ERROR),
}


def in_state(state):
    row = ROW if state is State.TRIGGERED else ROW.move(State.PENDING, description="", at=2)
    if state in {State.TRIGGERED, State.PENDING}:
        return row
    return row.move(state, description="", at=3)


@pytest.mark.parametrize(("before", "after"), list(itertools.permutations(State, 2)))
def test_only_prows_transitions_are_legal(before, after):
    row = in_state(before)
    if (before, after) in LEGAL:
        assert row.move(after, description="why", at=9).state is after
    else:
        with pytest.raises(ConflictError, match=f"from {before} to {after}"):
            row.move(after, description="why", at=9)


def test_pending_notes_its_time_and_a_final_state_does_not_complete_the_run():
    row = ROW.move(State.PENDING, description="Job triggered.", at=42)
    assert row.pending_at == 42
    aborted = row.move(State.ABORTED, description="gone", at=50)
    assert not aborted.complete


def test_a_run_is_wanted_until_it_has_a_result_or_somebody_stops_it():
    assert ROW.wanted
    for state in FINAL_STATES:
        assert not in_state(state).wanted


def test_the_header_takes_what_reports_need_from_the_refs():
    assert (ROW.repository, ROW.pull, ROW.head_sha, ROW.author) == ("acme/app", 7, "h", "ada")
    assert ROW.report_sha == "h"
    assert ROW.report_key == "acme/app@h#unit"


@pytest.mark.parametrize("numbers", [(7,), (7, 8)])
def test_the_batch_of_a_merge_group_belongs_to_the_groups_head_and_to_no_pull(numbers):
    pulls = tuple(Pull(number=number, sha=f"h{number}", author="ada") for number in numbers)
    refs = Refs(org="acme", repo="app", base_ref="main", base_sha="b", pulls=pulls, merged_sha="g")
    spec = ProwJobSpec(type=JobType.BATCH, job="unit", context="unit", refs=refs)
    row = header(spec, prowjob="x", build_id="5", cause="c", delivery="", created_at=1)
    assert (row.pull, row.author, row.base_sha, row.report_sha) == (0, "", "b", "g")
    assert row.keys()["pull_key"] == "acme/app@g"
    assert ProwJobSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


def test_a_postsubmit_reports_on_its_base():
    refs = Refs(org="acme", repo="app", base_ref="main", base_sha="b")
    row = header(
        ProwJobSpec(type=JobType.POSTSUBMIT, job="p", refs=refs),
        prowjob="x", build_id="5", cause="c", delivery="", created_at=1,
    )  # fmt: skip
    assert row.report_sha == "b"
    assert "pull_key" not in dict(row.keys())


def test_unfinished_rows_sort_by_phase_then_age_and_released_ones_leave_the_index():
    waiting = ROW.keys()
    assert waiting["active"] == "default"
    assert waiting["active_order"] == "w#00000000000000000005"
    released = dataclasses.replace(ROW, phase=Phase.RELEASED)
    assert "active" not in dict(released.keys())
    assert released.keys()["job_key"] == "presubmit#acme/app#unit"


def test_a_spec_survives_json_and_unknown_keys():
    data = json.loads(json.dumps(SPEC.to_dict()))
    assert ProwJobSpec.from_dict({**data, "newer": 1}) == SPEC


def test_extra_refs_survive_json():
    spec = dataclasses.replace(SPEC, extra_refs=(Refs(org="acme", repo="tools", base_ref="main"),))
    assert ProwJobSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


def test_a_state_told_again_changes_the_description_only():
    row = in_state(State.PENDING)
    assert row.move(State.PENDING, description="still", at=9) == dataclasses.replace(row, description="still")


def test_job_spec_leaves_out_what_is_empty_as_prow_does():
    periodic = ProwJobSpec(type=JobType.PERIODIC, job="n")
    assert periodic.job_spec("id", "1") == {"type": "periodic", "job": "n", "buildid": "1", "prowjobid": "id"}
    assert SPEC.job_spec("id", "1")["refs"]["pulls"] == [{"number": 7, "author": "ada", "sha": "h"}]


def test_a_token_never_shows_in_a_repr():
    assert "s3cret" not in repr(dataclasses.replace(ROW, token="s3cret"))
