"""`prowless explain`: what a payload would start, and what dispatch stored."""

import json
from datetime import UTC, datetime

import boto3
import pytest
from moto import mock_aws
from tests.unit import event_bodies as bodies

from prowless.domain.errors import ConfigError
from prowless_local import cli, explanation, sample, stored_decisions
from prowless_local.places import EXAMPLE, ROOT
from prowless_local.stack import Options, Stack

CONFIG = EXAMPLE / "config"
PAYLOADS = ROOT / "events" / "github"
WORLD = ROOT / "examples" / "explain" / "world.json"
GUID = "72d3162e-cc78-11e3-81ab-4c9367dc0958"
VERDICTS = {
    "issue_comment_created": {"unit-tests": "run", "pipeline-tests": "skip", "flow": "skip"},
    "merge_group_checks_requested": {"unit-tests": "run", "pipeline-tests": "run", "flow": "skip"},
    "merge_group_destroyed": {"unit-tests": "skip", "pipeline-tests": "skip", "flow": "skip"},
    "pull_request_closed": {"unit-tests": "skip", "pipeline-tests": "skip", "flow": "skip"},
    "pull_request_opened": {"unit-tests": "run", "pipeline-tests": "run", "flow": "skip"},
    "pull_request_synchronize": {"unit-tests": "run", "pipeline-tests": "run", "flow": "skip"},
    "push": {"publish": "run"},
}
SPEC = {"containers": [{"image": "busybox", "command": ["true"]}]}


def event_of(path):
    names = ("pull_request", "issue_comment", "push", "merge_group")
    return next(name for name in names if path.stem.startswith(name))


def arguments(payload, *more, event=None, config=CONFIG):
    return ["explain", "--config", str(config), "--event", event or event_of(payload), "--payload", str(payload), *more]


@pytest.fixture
def explained(capsys):
    def run(*given, **more):
        code = cli.main([*arguments(*given, **more), "--format", "json"])
        return code, json.loads(capsys.readouterr().out)

    return run


@pytest.fixture
def configured(tmp_path):
    """Writes a configuration with these presubmits of acme/app, and a payload; gives both paths."""

    def write(jobs, body):
        folder = tmp_path / "config" / "jobs"
        folder.mkdir(parents=True)
        named = {"presubmits": {"acme/app": [{**job, "spec": SPEC} for job in jobs]}}
        (folder / "jobs.yaml").write_text(json.dumps(named))
        payload = tmp_path / "payload.json"
        payload.write_text(json.dumps(body))
        return folder.parent, payload

    return write


def verdicts(data):
    return {one["job"]: one["verdict"] for one in data["decisions"]}


def test_every_sample_body_has_an_expectation():
    assert sorted(VERDICTS) == sorted(path.stem for path in PAYLOADS.glob("*.json"))


@pytest.mark.parametrize("world", [True, False], ids=["world", "payload only"])
@pytest.mark.parametrize("name", sorted(VERDICTS))
def test_every_sample_body_is_explained_job_by_job(explained, name, world):
    path = PAYLOADS / f"{name}.json"
    code, data = explained(path, *(("--world", str(WORLD)) if world and name != "pull_request_closed" else ()))
    assert (code, verdicts(data)) == (0, VERDICTS[name])
    assert all(one["rule"] and one["reason"] for one in data["decisions"])
    started = [action["job"] for action in data["actions"] if action["action"] == "start"]
    assert started == [job for job, verdict in VERDICTS[name].items() if verdict == "run"]


def test_explain_says_what_dispatch_decides(explained, monkeypatch, capsys):
    with Stack(Options(config=CONFIG, schedules=False, webhooks=False)) as stack:
        sample.prepare_for(stack, "dispatch")
        stack.aws.invoke(
            "dispatch", json.loads((ROOT / "events" / "dispatch" / "pull_request_opened.json").read_text())
        )
        client = stack.aws.client("s3")
        monkeypatch.setattr(boto3, "client", lambda name, **_: client)
        asked = ["--stored", sample.DELIVERY, "--bucket", stack.state.name, "--day", "2026-11-18"]
        assert cli.main(["explain", *asked, "--format", "json"]) == 0
        stored = json.loads(capsys.readouterr().out)
        assert cli.main(["explain", *asked]) == 0
        shown = capsys.readouterr().out
    _, data = explained(PAYLOADS / "pull_request_opened.json", "--world", str(WORLD))
    assert stored == {
        "delivery": sample.DELIVERY,
        "event": "pull_request",
        "summary": data["summary"],
        "decisions": data["decisions"],
        "problems": [],
        "notes": [],
        "refused": [],
    }
    assert f"delivery {sample.DELIVERY} (pull_request): 2 run, 1 skip" in shown


# ---- output -------------------------------------------------------------------------------------------------------


def test_text_has_a_row_for_each_job_then_what_follows_then_what_was_assumed(capsys):
    assert cli.main(arguments(PAYLOADS / "pull_request_synchronize.json")) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "pull_request synchronize on acme/calculator#1: 2 run, 1 skip"
    assert lines[2].split() == ["verdict", "job", "type", "rule", "reason"]
    assert lines[3].split(maxsplit=5) == ["▶", "run", "unit-tests", "presubmit", "test-all", "always_run is true"]
    assert lines[7:9] == [
        "what follows:",
        "  stop the unfinished runs of acme/calculator#1 on other heads than 68ca2f77",
    ]
    assert lines[-3] == "assumed, or to know:"


def test_names_from_strangers_cannot_speak_to_the_terminal(configured, capsys):
    files = ["a\x1b[2J\u202e.py"]
    config, payload = configured([{"name": "docs", "run_if_changed": "^docs/"}], bodies.pull_request(title="\x1b[31m"))
    world = payload.with_name("world.json")
    known = {"members": {"acme": ["ada"]}, "changed_files": files, "pull": {"base_ref": "x\x07"}}
    world.write_text(json.dumps(known))
    assert cli.main(arguments(payload, "--world", str(world), event="pull_request", config=config)) == 0
    out = capsys.readouterr().out
    assert "matches none of 1 changed file (a\ufffd[2J\ufffd.py)" in out
    assert all(line.isprintable() for line in out.splitlines())


def test_on_a_terminal_a_table_is_drawn(monkeypatch, capsys):
    made = explanation.Console
    monkeypatch.setattr(explanation, "Console", lambda **given: made(**given, force_terminal=True, width=200))
    assert cli.main(arguments(PAYLOADS / "push.json")) == 0
    out = capsys.readouterr().out
    assert "\x1b[" in out
    assert "always_run is not false, and branches ^main$ let main through" in out


# ---- facts --------------------------------------------------------------------------------------------------------


def test_unknown_changed_files_are_said_and_run_the_job(configured, explained):
    config, payload = configured(
        [{"name": "docs", "run_if_changed": "^docs/"}], bodies.pull_request(user={"login": "acme"})
    )
    _, data = explained(payload, event="pull_request", config=config)
    assert verdicts(data) == {"docs": "run"}
    assert any(note.startswith("changed files are not known") for note in data["notes"])


def test_a_stranger_waits_and_the_comment_is_shown_in_full(configured, explained):
    config, payload = configured([{"name": "unit", "always_run": True}], bodies.pull_request())
    _, data = explained(payload, event="pull_request", config=config)
    assert verdicts(data) == {"unit": "blocked"}
    assert data["decisions"][0]["reason"].startswith("ada is no member of acme and no collaborator of acme/app")
    assert [action["action"] for action in data["actions"]] == ["add-label", "comment"]
    assert "reply with `/ok-to-test`" in data["actions"][1]["body"]
    assert [note.partition(" are not known")[0] for note in data["notes"][:2]] == [
        "members of acme",
        "collaborators of acme/app",
    ]


@pytest.mark.parametrize(
    ("pushed", "verdict", "does"),
    [("2026-01-02T03:00:00Z", "run", "approve"), ("2026-01-02T03:04:55Z", "blocked", "note-head")],
)
def test_an_approval_is_explained_with_the_heads_of_the_world_file(configured, explained, pushed, verdict, does):
    body = bodies.issue_comment("/ok-to-test", created_at="2026-01-02T03:05:00Z")
    config, payload = configured([{"name": "unit", "always_run": True}], body)
    heads = [{"sha": bodies.OLD_HEAD, "at": "2026-01-01T00:00:00Z"}, {"sha": bodies.HEAD, "at": pushed}]
    known = {"members": {"acme": ["grace"]}, "pull": {"head_sha": bodies.HEAD, "author": "eve"}, "heads": heads}
    world = payload.with_name("world.json")
    world.write_text(json.dumps(known))
    _, data = explained(payload, "--world", str(world), event="issue_comment", config=config)
    assert verdicts(data) == {"unit": verdict}
    assert does in [action["action"] for action in data["actions"]]
    assert all(action["text"] for action in data["actions"])


def test_a_repository_without_jobs_is_said(configured, explained):
    config, _ = configured([{"name": "unit"}], {})
    code, data = explained(PAYLOADS / "push.json", config=config)
    assert (code, data["decisions"]) == (0, [])
    assert "the configuration has no jobs of acme/calculator" in data["notes"]


def test_an_event_that_no_rule_acts_on_is_explained_as_that(explained):
    code, data = explained(PAYLOADS / "push.json", event="check_run")
    assert (code, data["summary"]) == (0, "no rule acts on check_run events yet")


# ---- bad input ----------------------------------------------------------------------------------------------------


def test_all_that_is_wrong_is_said_at_once(tmp_path, capsys):
    jobs = tmp_path / "jobs"
    jobs.mkdir()
    (jobs / "a.yaml").write_text("presubmits:\n  acme/app:\n  - name: a\n    branches: ['(']\n")
    (jobs / "b.yaml").write_text("presubmits: [\n")
    payload = tmp_path / "payload.json"
    payload.write_text('{\n"a":\n')
    world = tmp_path / "world.json"
    world.write_text('{"member": {}}')
    assert cli.main(arguments(payload, "--world", str(world), event="pull_requests", config=tmp_path)) == 2
    err = capsys.readouterr().err
    assert "b.yaml:2: not YAML" in err
    assert "--event 'pull_requests' is not known: check_run" in err
    assert f"{payload}:3: not JSON" in err
    assert f"{world}: member is not known: did you mean members?" in err


@pytest.mark.parametrize(
    ("event", "body", "wanted"),
    [
        ("push", b"[]", "a webhook body is a JSON object"),
        ("push", b"{}", "webhook body of event push: repository.full_name is not"),
        ("push", b"\xff\xfe\xfa", "not JSON"),
        ("push", b"[" * 200_000, "not JSON"),
    ],
)
def test_a_payload_that_is_none_is_refused(tmp_path, capsys, event, body, wanted):
    payload = tmp_path / "payload.json"
    payload.write_bytes(body)
    assert cli.main(arguments(payload, event=event)) == 2
    assert wanted in capsys.readouterr().err


def test_a_body_about_two_repositories_is_refused_as_dispatch_does(configured, capsys):
    body = bodies.pull_request(base={"ref": "main", "sha": "b" * 40, "repo": {"full_name": "evil/app"}})
    config, payload = configured([{"name": "unit"}], body)
    assert cli.main(arguments(payload, event="pull_request", config=config)) == 2
    assert "it speaks about acme/app and evil/app" in capsys.readouterr().err


def test_a_file_that_is_not_there_is_named(tmp_path, capsys):
    assert cli.main(arguments(tmp_path / "absent.json", event="push")) == 2
    assert "absent.json: cannot be read: No such file" in capsys.readouterr().err


def test_problems_come_as_json_too(tmp_path, capsys):
    assert cli.main([*arguments(tmp_path / "absent.json", event="push"), "--format", "json"]) == 2
    assert "absent.json" in json.loads(capsys.readouterr().out)["problems"][0]


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ([], ["--config is missing", "--event is missing", "--payload is missing"]),
        (["--stored", GUID], ["--bucket is missing"]),
        (["--periodic", "nightly"], ["--bucket is missing"]),
        (["--periodic", "nightly", "--stored", GUID, "--bucket", "b"], ["--periodic has no meaning here"]),
        (["--periodic", "../x", "--bucket", "b", "--day", "2026-11-18"], ["'../x' is not a job's name"]),
        (["--periodic", "nightly", "--bucket", "b", "--table", "t"], ["--table has no meaning here"]),
        (["--stored", GUID, "--bucket", "b", "--event", "push"], ["--event has no meaning here"]),
        (["--stored", GUID, "--bucket", "b", "--day", "yesterday"], ["--day 'yesterday' is not a day"]),
        (["--stored", "../x", "--bucket", "b", "--day", "2026-11-18"], ["'../x' is not a delivery's GUID"]),
        (["--stored", GUID, "--bucket", "b", "--last", "3"], ["--last has no meaning here"]),
        (["--url", "https://x/a/b/pull/1"], ["--bucket is missing", "--table is missing"]),
        (["--url", "https://x/a/b/pull/1", "--stack", "s", "--table", "t"], ["--table has no meaning here"]),
        (["--url", "https://x/a/b/pull/1", "--stack", "s", "--day", "2026-11-18"], ["--day has no meaning here"]),
        (["--url", "https://x/a/b/pull/1", "--stack", "s", "--last", "0"], ["--last is a number from 1 to 1000"]),
        (["--url", "https://x/a/b", "--stack", "s"], ["is not a pull request's page"]),
    ],
)
def test_options_that_do_not_stand_together_are_named(capsys, monkeypatch, given, wanted):
    monkeypatch.setattr(boto3, "client", lambda name, **_: None)
    assert cli.main(["explain", *given]) == 2
    err = capsys.readouterr().err
    assert all(text in err for text in wanted)


# ---- stored decisions ---------------------------------------------------------------------------------------------

RECORD = {
    "delivery": GUID,
    "event": "push",
    "summary": "1 run",
    "decisions": [{"job": "a", "type": "postsubmit", "verdict": "run", "rule": "always_run", "reason": "x"}],
    "problems": [".prow.yaml:1: wrong"],
    "notes": ["a note"],
    "refused": [{"action": "AddLabel needs-ok-to-test", "error": "403"}],
}
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def s3(monkeypatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
        client.create_bucket(Bucket="state")
        yield client


def find(client, day=None, bucket="state"):
    return stored_decisions.stored(client, bucket, GUID, list(stored_decisions.days(day, NOW)))


def test_a_delivery_is_found_by_its_guid_in_the_last_days(s3):
    s3.put_object(Bucket="state", Key=f"deliveries/2026-10-02/{GUID}.decisions.json", Body=json.dumps(RECORD))
    assert find(s3).to_dict() == RECORD


def test_what_was_refused_or_wrong_is_shown(s3, capsys):
    s3.put_object(Bucket="state", Key=f"deliveries/2026-10-02/{GUID}.decisions.json", Body=json.dumps(RECORD))
    explanation.show(find(s3))
    out = capsys.readouterr().out
    assert "refused:\n  AddLabel needs-ok-to-test: 403\n" in out
    assert "wrong in the repository's own configuration:\n  .prow.yaml:1: wrong\n" in out
    assert "\n  a note\n" in out


def test_the_newest_record_of_a_guid_counts(s3):
    for day, summary in (("2026-11-01", "old"), ("2026-11-19", "new")):
        body = json.dumps({**RECORD, "summary": summary})
        s3.put_object(Bucket="state", Key=f"deliveries/{day}/{GUID}.decisions.json", Body=body)
    assert find(s3).summary == "new"
    assert find(s3, "2026-11-01").summary == "old"


def test_another_delivery_whose_guid_begins_alike_is_not_taken(s3):
    s3.put_object(Bucket="state", Key=f"deliveries/2026-11-19/{GUID}0.decisions.json", Body=json.dumps(RECORD))
    with pytest.raises(ConfigError, match=r"is not in bucket state \(2026-08-23 to 2026-11-21\)"):
        find(s3)


def test_a_delivery_that_is_not_decided_yet_is_said_so(s3):
    s3.put_object(Bucket="state", Key=f"deliveries/2026-11-19/{GUID}.json", Body=b"{}")
    with pytest.raises(ConfigError, match="came on 2026-11-19, and dispatch has not finished"):
        find(s3)


@pytest.mark.parametrize("body", [b"{", b"[]", b"{}", b'{"event": "push", "summary": "", "decisions": [{}]}'])
def test_a_record_of_another_shape_is_refused(s3, body):
    s3.put_object(Bucket="state", Key=f"deliveries/2026-11-19/{GUID}.decisions.json", Body=body)
    with pytest.raises(ConfigError, match="is not a record of decisions"):
        find(s3, "2026-11-19")


def test_a_bucket_that_is_not_there_is_an_error_of_ours(s3, monkeypatch, capsys):
    monkeypatch.setattr(boto3, "client", lambda name, **_: s3)
    assert cli.main(["explain", "--stored", GUID, "--bucket", "none", "--day", "2026-11-18"]) == 2
    assert "prowless: S3 bucket none" in capsys.readouterr().err
