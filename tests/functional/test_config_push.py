"""`prowless config push`: what it tells of a configuration, and what it does not publish."""

import json

import pytest
from tests.fakes.stores import MemoryObjects

from prowless.domain.config import snapshot
from prowless_local import central, cli

SPEC = "{containers: [{image: busybox, command: [make]}]}"
JOBS = f"presubmits: {{acme/app: [{{name: unit, always_run: true, spec: {SPEC}}}]}}\n"


@pytest.fixture
def objects(monkeypatch):
    bucket = MemoryObjects()
    monkeypatch.setattr(central, "_objects", lambda _: bucket)
    return bucket


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "jobs").mkdir()
    (tmp_path / "config.yaml").write_text("decorate_all_jobs: true\n")
    (tmp_path / "prowless.yaml").write_text("clusters: {default: {server: https://k8s.example}}\n")
    (tmp_path / "jobs" / "app.yaml").write_text(JOBS)
    return tmp_path


def push(folder, *options):
    return cli.main(["config", "push", str(folder), "--bucket", "state", *options])


@pytest.mark.usefixtures("objects")
def test_the_number_of_jobs_is_told_before_and_after(folder, capsys):
    assert push(folder) == 0
    assert "jobs: 0 -> 1\n" in capsys.readouterr().out
    (folder / "jobs" / "other.yaml").write_text(f"periodics: [{{name: a, interval: 1h, spec: {SPEC}}}]")
    assert push(folder, "--format", "json") == 0
    assert json.loads(capsys.readouterr().out)["jobs"] == {"before": 1, "after": 2}


def test_a_configuration_without_jobs_replaces_nothing_unless_it_is_asked_for(folder, objects, capsys):
    push(folder)
    present = objects.json(snapshot.POINTER)
    (folder / "jobs" / "app.yaml").unlink()
    assert push(folder) == 1
    assert "(jobs: 1 -> 0), so nothing was published" in capsys.readouterr().err
    assert objects.json(snapshot.POINTER) == present
    assert push(folder, "--allow-empty") == 0
    assert "jobs: 1 -> 0\n" in capsys.readouterr().out


def test_a_pointer_of_an_older_release_does_not_know_its_jobs(folder, objects, capsys):
    objects.put(snapshot.POINTER, b'{"snapshot": "old", "schema": 1}', "application/json")
    assert push(folder) == 0
    assert "jobs: unknown -> 1\n" in capsys.readouterr().out


def test_notes_are_no_warnings_in_what_is_printed_and_kept(folder, objects, capsys):
    (folder / "config.yaml").write_text("decorate_all_jobs: true\ntide: {}\nodd: 1\n")
    assert push(folder) == 0
    out = capsys.readouterr().out
    assert "note: config.yaml:2: tide is read and not acted on\n" in out
    assert "warning: config.yaml:3: unknown field 'odd'" in out
    (kept,) = objects.json(snapshot.WARNINGS)["warnings"]
    assert "unknown field 'odd'" in kept
    pointer = objects.json(snapshot.POINTER)
    assert (pointer["warnings"], pointer["notes"]) == ([kept], 1)
    status = central.CentralStatus.read(objects, 0)
    assert list(status.lines())[-1] == "notes         1: see prowless check-config"
