"""Commands on files that are none: a line that names the file, an exit code, and never a traceback."""

import gzip
import io
import json
import os
import sys
from pathlib import Path

import pytest

from prowless.adapters.config_files import MAX_FILE
from prowless.domain.config import build
from prowless_local import cli

GOOD = "periodics: [{name: a, interval: 1h, decorate: true, spec: {containers: [{image: x, command: [make]}]}}]\n"


def binary(path):
    path.write_bytes(bytes(range(256)))


def not_utf8(path):
    path.write_bytes(b'periodics: [{name: "\xff\xfe"}]')


def large(path):
    with path.open("wb") as file:
        file.truncate(50 * 1024 * 1024)


def gzip_bomb(path):
    path.write_bytes(gzip.compress(b"a" * (MAX_FILE + 1)))


def loop(path):
    path.symlink_to(path.with_name("other.yaml"))
    path.with_name("other.yaml").symlink_to(path)


def link_to_nowhere(path):
    path.symlink_to("nowhere")


def pipe(path):
    os.mkfifo(path)


def deep(path):
    path.write_text("[" * 100_000)


BAD = [
    (binary, "not YAML"),
    (not_utf8, "not YAML: invalid leading UTF-8 octet"),
    (large, f"larger than {MAX_FILE} bytes"),
    (gzip_bomb, f"larger than {MAX_FILE} bytes"),
    (loop, "cannot be read: Too many levels of symbolic links"),
    (link_to_nowhere, "cannot be read: No such file or directory"),
    (pipe, "not a file"),
    (deep, "nested deeper than"),
]


@pytest.mark.parametrize(("make", "problem"), BAD, ids=[make.__name__ for make, _ in BAD])
def test_a_job_file_that_cannot_be_used_is_named_by_every_command(tmp_path, capsys, make, problem):
    jobs = tmp_path / "jobs"
    jobs.mkdir()
    (jobs / "good.yaml").write_text(GOOD)
    make(jobs / "bad.yaml")
    payload = tmp_path / "push.json"
    payload.write_text("{}")
    explain = ["explain", "--config", str(tmp_path), "--event", "push", "--payload", str(payload)]
    for arguments, code in (
        (["check-config", str(tmp_path)], 1),
        (["jobs", "--config", str(tmp_path)], 1),
        (explain, 2),
    ):
        assert cli.main(arguments) == code
        told = "".join(capsys.readouterr())
        assert any("jobs/bad.yaml" in line and problem in line for line in told.splitlines()), told


@pytest.mark.parametrize("name", ["config.yaml", "plugins.yaml", "prowless.yaml"])
def test_a_folder_in_the_place_of_a_file_is_told_and_not_passed_over(tmp_path, capsys, name):
    (tmp_path / "jobs").mkdir()
    (tmp_path / name).mkdir()
    assert cli.main(["check-config", str(tmp_path)]) == 1
    assert f"error: {tmp_path / name}: not a file" in capsys.readouterr().out


def test_the_jobs_folder_being_a_link_to_nowhere_is_told(tmp_path, capsys):
    (tmp_path / "config.yaml").write_text("")
    (tmp_path / "jobs").symlink_to("nowhere")
    assert cli.main(["check-config", str(tmp_path)]) == 2
    assert "there is no such file or folder" in capsys.readouterr().err


def test_a_folder_that_may_not_be_read_is_told_and_its_jobs_are_not_lost_silently(tmp_path, capsys, monkeypatch):
    closed = tmp_path / "jobs" / "closed"
    closed.mkdir(parents=True)
    (tmp_path / "jobs" / "good.yaml").write_text(GOOD)
    real = os.scandir

    def scandir(path):
        if Path(path) == closed:
            raise PermissionError(13, "Permission denied", str(closed))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert cli.main(["check-config", str(tmp_path)]) == 1
    assert f"error: {closed}: cannot be read: Permission denied" in capsys.readouterr().out


def test_a_file_that_may_not_be_read_is_told(tmp_path, capsys, monkeypatch):
    file = tmp_path / "a.yaml"
    file.write_text(GOOD)

    def refuse(self):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert cli.main(["check-config", str(file)]) == 1
    assert f"error: {file}: cannot be read: Permission denied" in capsys.readouterr().out


def test_a_folder_link_that_leads_back_is_not_followed(tmp_path, capsys):
    jobs = tmp_path / "jobs"
    jobs.mkdir()
    (jobs / "good.yaml").write_text(GOOD)
    (jobs / "self").symlink_to(jobs, target_is_directory=True)
    assert cli.main(["check-config", str(tmp_path), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["summary"]["files"] == 1


def test_a_file_name_with_control_characters_is_printed_without_them(tmp_path, capsys):
    (tmp_path / "a\x1b[31m\n.yaml").write_text("a: [")
    assert cli.main(["check-config", str(tmp_path)]) == 1
    assert "\x1b" not in capsys.readouterr().out
    assert cli.main(["check-config", str(tmp_path / "b\x1b")]) == 2
    assert "\x1b" not in capsys.readouterr().err


def test_more_jobs_than_any_installation_has_are_refused_at_their_place(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(build, "MAX_JOBS", 3)
    items = "".join(f"- {{name: j{n}, interval: 1h, spec: {{containers: [{{image: x}}]}}}}\n" for n in range(9))
    (tmp_path / "many.yaml").write_text(f"periodics:\n{items}")
    assert cli.main(["check-config", str(tmp_path)]) == 1
    assert f"{tmp_path}/many.yaml:5: periodics: more than 3 jobs; from here on none is read" in capsys.readouterr().out


def test_a_terminal_of_another_encoding_shows_what_it_can(tmp_path, monkeypatch):
    (tmp_path / "a.yaml").write_text("x▶: [")
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", out)
    assert cli.main(["check-config", str(tmp_path)]) == 1
    out.seek(0)
    assert "not YAML" in out.read()


def test_output_that_nobody_reads_ends_the_command_as_a_signal_would(tmp_path, monkeypatch):
    (tmp_path / "a.yaml").write_text(GOOD)
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as out:
        monkeypatch.setattr(sys, "stdout", out)
        assert cli.main(["check-config", str(tmp_path)]) == 141


def test_an_interrupted_command_ends_as_shells_say_it(tmp_path, monkeypatch):
    def interrupt(path):
        raise KeyboardInterrupt(path)

    monkeypatch.setattr(Path, "is_dir", interrupt)
    assert cli.main(["check-config", str(tmp_path)]) == 130
