"""The layout of a local folder, on a real file system."""

import gzip
from pathlib import Path

import pytest

from prowless.adapters.config_files import Parts, job_files, read_folder, read_in_repo, read_sources
from prowless.domain.errors import ConfigError


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_a_folder_is_config_plugins_settings_and_jobs(tmp_path):
    files = {"config.yaml": "a: 1", "plugins.yaml": "b: 2", "prowless.yaml": "c: 3", "jobs/x/one.yaml": "d: 4"}
    sources = read_folder(write(tmp_path, files))
    assert (sources.config.data, sources.plugins.data, sources.settings.data) == ({"a": 1}, {"b": 2}, {"c": 3})
    assert [(job.path, job.data) for job in sources.jobs] == [("jobs/x/one.yaml", {"d": 4})]
    assert sources.origin == {"folder": tmp_path.name}


def test_each_part_may_be_absent_but_not_all(tmp_path):
    assert read_folder(write(tmp_path / "some", {"jobs/a.yaml": "a: 1"})).config is None
    with pytest.raises(ConfigError, match="is there"):
        read_folder(tmp_path)


def test_job_files_are_yaml_in_lexical_order_without_configmap_internals(tmp_path):
    names = ["b/two.yml", "a/one.yaml", "..data/three.yaml", "a/..2026/four.yaml", "README.md", "a/.base.yaml"]
    folder = write(tmp_path, dict.fromkeys(names, "a: 1"))
    found = [str(path.relative_to(folder)) for path in job_files(folder)]
    assert found == ["a/.base.yaml", "a/one.yaml", "b/two.yml"]


def test_what_prowignore_names_is_no_job_file(tmp_path):
    names = ["a/one.yaml", "a/values.yaml", "b/two.yaml", "b/templates/three.yaml"]
    folder = write(tmp_path, dict.fromkeys(names, "a: 1") | {".prowignore": "templates/", "a/.prowignore": "values.*"})
    assert [path.name for path in job_files(folder)] == ["one.yaml", "two.yaml"]


def test_a_prowignore_that_cannot_be_used_is_told(tmp_path):
    with pytest.raises(ConfigError, match=r"^\.prowignore: not in gitignore's syntax"):
        read_folder(write(tmp_path, {"config.yaml": "", "jobs/.prowignore": "!"}))


def test_every_unreadable_file_is_told_at_once(tmp_path):
    write(tmp_path, {"config.yaml": "a: [", "jobs/bad.yaml": "b: {", "jobs/good.yaml": "c: 1"})
    with pytest.raises(ConfigError) as raised:
        read_folder(tmp_path)
    assert [problem.split(":")[0] for problem in raised.value.problems] == ["config.yaml", "jobs/bad.yaml"]


def test_named_files_and_a_single_job_file(tmp_path):
    write(tmp_path, {"c.yaml": "a: 1", "j.yaml": "b: 2"})
    sources = read_sources(Parts(config=tmp_path / "c.yaml", jobs=(tmp_path / "j.yaml",)))
    assert (sources.config.data, sources.jobs[0].data) == ({"a": 1}, {"b": 2})


def test_a_named_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        read_sources(Parts(config=tmp_path / "none.yaml"))


def test_gzipped_job_files_are_read(tmp_path):
    (tmp_path / "packed.yaml").write_bytes(gzip.compress(b"a: 1"))
    assert read_sources(Parts(jobs=(tmp_path,))).jobs[0].data == {"a": 1}


def test_what_cannot_be_read_may_be_collected_and_progress_is_told(tmp_path):
    write(tmp_path, {"config.yaml": "a: [", "jobs/a.yaml": "b: 1", "jobs/b.yaml": "c: 1"})
    problems, told = [], []
    parts = Parts(config=tmp_path / "config.yaml", jobs=(tmp_path / "jobs", tmp_path / "none"), root=tmp_path)
    sources = read_sources(parts, problems=problems, progress=lambda *numbers: told.append(numbers))
    assert (sources.config, [job.path for job in sources.jobs]) == (None, ["jobs/a.yaml", "jobs/b.yaml"])
    assert [problem.split(":")[0] for problem in problems] == [str(tmp_path / "none"), "config.yaml"]
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_in_repo_configuration_is_a_file_or_a_folder_that_wins_over_it(tmp_path):
    write(tmp_path, {".prow.yaml": "a: 1"})
    assert [document.data for document in read_in_repo(tmp_path)] == [{"a": 1}]
    assert [document.data for document in read_in_repo(tmp_path / ".prow.yaml")] == [{"a": 1}]
    write(tmp_path, {".prow/b.yaml": "b: 1", ".prow/x/c.yml": "c: 1", ".prow/t.yaml": "{{", ".prowignore": "t.yaml"})
    found = [{"b": 1}, {"c": 1}]
    assert [document.data for document in read_in_repo(tmp_path)] == found
    assert [document.data for document in read_in_repo(tmp_path / ".prow")] == found
    write(tmp_path, {".prow/x/.prowignore": "c.yml"})
    assert [document.data for document in read_in_repo(tmp_path)] == found[:1]


def test_in_repo_configuration_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ConfigError, match="neither"):
        read_in_repo(tmp_path)
    with pytest.raises(ConfigError, match="neither"):
        read_in_repo(tmp_path / "none")
