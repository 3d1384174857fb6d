"""Every file in `events/` goes through its handler as Lambda would call it, and does what its name says."""

import json
from pathlib import Path

import pytest

from prowless.domain.events import parse
from prowless.domain.prowjob import Phase, State
from prowless_local import cli, sample
from prowless_local.invoke import signed
from prowless_local.places import EXAMPLE, ROOT
from prowless_local.stack import Options, Stack

EVENTS = ROOT / "events"
FUNCTIONS = sorted(path.parent.name for path in (ROOT / "functions").glob("*/app.py"))
FILES = sorted(path for path in EVENTS.glob("*/*.json") if path.parent.name != "github")
BODIES = sorted((EVENTS / "github").glob("*.json"))


def run_row(stack):
    return stack.prowjobs.get(sample.PROWJOB)


def status(stack):
    return stack.github.effective_status(sample.REPOSITORY, run_row(stack).head_sha, "unit-tests").state


EXPECTED = {
    "webhook/pull_request_opened": lambda stack, result: result["statusCode"] == 200,
    "webhook/bad_signature": lambda stack, result: result["statusCode"] == 403,
    "dispatch/pull_request_opened": lambda stack, result: (
        sorted(run.job for run in stack.prowjobs.of_pull(sample.REPOSITORY, 1)) == ["pipeline-tests", "unit-tests"]
    ),
    "forward/no_longer_configured": lambda stack, result: (
        sample.deliveries(stack).get(sample.DELIVERY).forwards["cherrypicker"].state == "failed"
    ),
    "periodics/tick": lambda stack, result: result == {"periodics": 1, "started": 1},
    "admit/wake": lambda stack, result: run_row(stack).phase is not Phase.WAITING,
    "admit/release": lambda stack, result: run_row(stack).phase is Phase.RELEASED,
    "prepare/run": lambda stack, result: result == {"next": "submit"} and run_row(stack).deadline_at > 0,
    "submit/run": lambda stack, result: (
        result == {"next": "await"}
        and run_row(stack).object["kind"] == "Workflow"
        and run_row(stack).state == "pending"
    ),
    "poll/round": lambda stack, result: run_row(stack).polls == 1 and run_row(stack).token != "",
    "stop/failed": lambda stack, result: (
        run_row(stack).state is State.ERROR and run_row(stack).description == "manifest refused by the policy"
    ),
    "collect/first": lambda stack, result: result == {"done": False, "cursor": 1} or run_row(stack).complete,
    "report/pending": lambda stack, result: result == {"next": "run"} and status(stack) == "pending",
    "report/final": lambda stack, result: result == {"next": "release"} and status(stack) == "error",
    "reconcile/sweep": lambda stack, result: result is None and run_row(stack).finishers == 0,
    "reconcile/execution_aborted": lambda stack, result: run_row(stack).finishers == 1,
    "config_sync/check": lambda stack, result: result == {"checked": False, "reason": "no source is changed"},
    "config_sync/push": lambda stack, result: "CONFIG_SOURCES is empty" in result["problems"][0],
}


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def test_every_function_has_a_sample_event():
    assert sorted({path.parent.name for path in FILES}) == FUNCTIONS


def test_every_sample_event_has_an_expectation():
    assert sorted(EXPECTED) == sorted(map(name_of, FILES))


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_the_function_does_with_its_sample_event_what_it_should(path):
    with Stack(Options(config=EXAMPLE / "config", schedules=False, webhooks=False)) as stack:
        sample.prepare_for(stack, path.parent.name)
        event = signed(json.loads(path.read_text()), stack.webhook_secret)
        result = stack.aws.invoke(path.parent.name, event)
        assert EXPECTED[name_of(path)](stack, result), (result, run_row(stack))


@pytest.mark.parametrize("path", BODIES, ids=lambda path: path.stem)
def test_every_sample_body_is_an_event_that_is_understood(path):
    kinds = ("pull_request", "issue_comment", "push", "merge_group")
    event = parse(next(kind for kind in kinds if path.stem.startswith(kind)), json.loads(path.read_text()))
    assert event is not None
    assert event.repository == sample.REPOSITORY


@pytest.mark.parametrize(("action", "reason"), [("checks_requested", ""), ("destroyed", "invalidated")])
def test_a_sample_merge_group_names_its_pull_its_branch_and_why_it_went(action, reason):
    body = json.loads((EVENTS / "github" / f"merge_group_{action}.json").read_text())
    event = parse("merge_group", body)
    assert (event.action, event.number, event.branch, event.reason) == (action, 1, "main", reason)
    assert event.head_ref.endswith(f"/pr-1-{event.base_sha}")


def test_prowless_local_invoke_prints_the_result(capsys):
    assert cli.main(["local", "invoke", "periodics", str(EVENTS / "periodics" / "tick.json")]) == 0
    assert json.loads(capsys.readouterr().out) == {"periodics": 1, "started": 1}


def test_an_unknown_function_is_named_with_those_there_are(capsys):
    assert cli.main(["local", "invoke", "nothing", str(EVENTS / "periodics" / "tick.json")]) == 2
    assert "there are admit, collect" in capsys.readouterr().err


def test_an_event_file_that_is_not_json_is_refused(capsys, tmp_path):
    (tmp_path / "bad.json").write_text("{")
    assert cli.main(["local", "invoke", "webhook", str(tmp_path / "bad.json")]) == 2
    assert "is not JSON" in capsys.readouterr().err


def test_an_event_of_another_function_is_refused_and_the_right_folder_named(capsys):
    assert cli.main(["local", "invoke", "dispatch", str(EVENTS / "webhook" / "bad_signature.json")]) == 2
    assert "is no event of dispatch: those are in events/dispatch/" in capsys.readouterr().err
