"""`prowless explain`: which external plugins get an event, and how they got a delivery."""

import json

import boto3
import pytest

from prowless.domain.errors import ConfigError
from prowless_local import cli, sample, stored_decisions
from prowless_local.places import EXAMPLE, ROOT
from prowless_local.stack import Options, Stack

EVENTS = ROOT / "events"
ASKED = ["explain", "--stored", sample.DELIVERY, "--day", "2026-11-18"]


@pytest.fixture(scope="module")
def stack():
    """A stack that forwarded and dispatched the sample delivery."""
    with Stack(Options(config=EXAMPLE / "config", schedules=False, webhooks=False)) as made:
        sample.prepare_for(made, "forward")
        for function, name in (("forward", "no_longer_configured"), ("dispatch", "pull_request_opened")):
            made.aws.invoke(function, json.loads((EVENTS / function / f"{name}.json").read_text()))
        yield made


@pytest.fixture
def table(stack, monkeypatch):
    monkeypatch.setattr(boto3, "client", lambda name, **_: stack.aws.client(name))
    return stack.aws.resources["DeliveriesTable"].ref


def test_how_external_plugins_got_a_delivery_is_shown_if_the_table_is_given(stack, table, capsys):
    asked = [*ASKED, "--bucket", stack.state.name, "--table", table]
    assert cli.main([*asked, "--format", "json"]) == 0
    [forward] = json.loads(capsys.readouterr().out)["forwards"]
    assert (forward["plugin"], forward["state"], forward["attempts"]) == ("cherrypicker", "failed", 1)
    assert cli.main(asked) == 0
    line = f"  cherrypicker: failed {forward['at']}, attempt 1: {forward['reason']}"
    assert f"forwarded to external plugins:\n{line}\n" in capsys.readouterr().out


def test_without_the_table_nothing_is_said_about_forwards(stack, table, capsys):
    assert cli.main([*ASKED, "--bucket", stack.state.name, "--format", "json"]) == 0
    assert "forwards" not in json.loads(capsys.readouterr().out)


def test_a_delivery_that_the_table_does_not_have_is_said_so(stack, table):
    with pytest.raises(ConfigError, match=f"delivery other is not in table {table}"):
        stored_decisions.forwards(stack.aws.client("dynamodb"), table, "other")


@pytest.mark.parametrize(
    ("event", "body", "forwarded"),
    [
        ("pull_request", json.loads((EVENTS / "github" / "pull_request_opened.json").read_text()), ["hook"]),
        ("star", {"action": "created", "repository": {"full_name": "acme/other"}}, ["hook"]),
        ("star", {"action": "created", "organization": {"login": "acme"}}, ["hook"]),
        ("star", {"action": "created", "organization": {"login": "globex"}}, []),
        ("watch", {"action": "started", "repository": {"full_name": "acme/other"}}, []),
    ],
)
def test_which_external_plugins_would_get_an_event_is_said(tmp_path, capsys, event, body, forwarded):
    hook = {"name": "hook", "endpoint": "https://hook.example", "events": ["star", "pull_request"]}
    (tmp_path / "plugins.yaml").write_text(json.dumps({"external_plugins": {"acme": [hook]}}))
    payload = tmp_path / "body.json"
    payload.write_text(json.dumps(body))
    asked = ["explain", "--config", str(tmp_path), "--event", event, "--payload", str(payload), "--format", "json"]
    assert cli.main(asked) == 0
    notes = [note for note in json.loads(capsys.readouterr().out)["notes"] if "external" in note]
    assert notes == [f"forwarded to external plugin {name}" for name in forwarded]
