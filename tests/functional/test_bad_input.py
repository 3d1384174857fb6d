"""`prowless check-config` on what nobody should write: one message with its place for each, and no traceback."""

import pytest

from prowless_local import cli

SPEC = "{containers: [{image: busybox, command: [make]}]}"
GOOD = f"presubmits: {{acme/app: [{{name: unit, always_run: true, spec: {SPEC}}}]}}\n"
JOB = "presubmits: {{acme/bad: [{{name: a, {}, spec: {}}}]}}\n"
BAD = {
    "broken.yaml": (b"a: [", "broken.yaml:2: not YAML"),
    "types.yaml": (b"presubmits: [1]\n", "types.yaml: presubmits: expected a mapping, found a list"),
    "numbers.yaml": (JOB.format("max_concurrency: many", SPEC).encode(), "numbers.yaml:1: "),
    "cycle.yaml": (b"x: 1\na: &a [*a]\n", "cycle.yaml:2: the alias *a"),
    "latin.yaml": (b"a: \xff\n", "latin.yaml: not YAML: invalid leading UTF-8 octet (at byte 3)"),
    "regex.yaml": (JOB.format("run_if_changed: '(?=x)'", SPEC).encode(), "regex.yaml:1: "),
    "gzip.yaml": (b"\x1f\x8bnonsense", "gzip.yaml: not gzip"),
    "control.yaml": (b"a: \x01\n", "control.yaml"),
    "scalar.yaml": (b"just text\n", "scalar.yaml: job configuration: expected a mapping"),
}


def check(folder, capsys):
    code = cli.main(["check-config", str(folder)])
    captured = capsys.readouterr()
    assert "Traceback" not in captured.out + captured.err
    return code, captured.out


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "jobs").mkdir()
    (tmp_path / "config.yaml").write_text("decorate_all_jobs: true\n")
    (tmp_path / "prowless.yaml").write_text("clusters: {default: {server: https://k8s.example}}\n")
    (tmp_path / "jobs" / "good.yaml").write_text(GOOD)
    return tmp_path


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_cannot_be_used_is_one_problem_with_its_place(folder, capsys, name):
    data, place = BAD[name]
    (folder / "jobs" / name).write_bytes(data)
    code, out = check(folder, capsys)
    errors = [line for line in out.splitlines() if line.startswith("error: ")]
    assert code == 1
    assert len(errors) == 1, out
    assert errors[0].startswith(f"error: {folder}/jobs/{place}")


def test_all_of_them_are_told_at_once(folder, capsys):
    for name, (data, _) in BAD.items():
        (folder / "jobs" / name).write_bytes(data)
    code, out = check(folder, capsys)
    assert code == 1
    assert [name for name in BAD if f"{folder}/jobs/{name}" not in out] == []


def test_a_file_of_50_megabytes_is_refused_unread(folder, capsys):
    with (folder / "jobs" / "huge.yaml").open("wb") as huge:
        huge.truncate(50_000_000)
    code, out = check(folder, capsys)
    assert code == 1
    assert f"error: {folder}/jobs/huge.yaml: larger than 8388608 bytes" in out


def test_a_path_without_any_file_is_unusable_and_told_what_was_looked_for(tmp_path, capsys):
    (tmp_path / "notes.txt").write_text("nothing")
    assert cli.main(["check-config", str(tmp_path)]) == 2
    looked = "looked for config.yaml, plugins.yaml, prowless.yaml and jobs (*.yaml)"
    assert capsys.readouterr().err == f"{tmp_path}: no configuration file is there: {looked}\n"
