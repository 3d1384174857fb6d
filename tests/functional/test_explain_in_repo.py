"""`prowless explain` reads the world file's `.prow.yaml` and `.prow/` as dispatch reads the tested tree's."""

import json

import pytest
from tests.unit import event_bodies as bodies

from prowless_local import cli

SPEC = {"containers": [{"image": "busybox", "command": ["true"]}]}
OWN = json.dumps({"presubmits": [{"name": "own", "always_run": True, "spec": SPEC}]})
MERGED = {"mergeable": True}


@pytest.fixture
def explained(tmp_path, capsys):
    """Explains a pull request of a member; gives the output as JSON."""

    def run(world, *, enabled=True, author="ada"):
        folder = tmp_path / "config"
        folder.mkdir()
        (folder / "config.yaml").write_text(json.dumps({"in_repo_config": {"enabled": {"*": enabled}}}))
        body = bodies.pull_request("opened", user={"login": author}, author_association="NONE")
        world = {"members": {"acme": ["ada"]}, "collaborators": [], "pull": MERGED, **world}
        for name, content in (("payload.json", body), ("world.json", world)):
            (tmp_path / name).write_text(json.dumps(content))
        given = ["--config", folder, "--event", "pull_request", "--payload", tmp_path / "payload.json"]
        given += ["--world", tmp_path / "world.json", "--format", "json"]
        assert cli.main(["explain", *map(str, given)]) == 0
        return json.loads(capsys.readouterr().out)

    return run


def verdicts(data):
    return {one["job"]: one["verdict"] for one in data["decisions"]}


def test_the_jobs_of_its_files_are_decided_on(explained):
    assert verdicts(explained({"files": {".prow.yaml": OWN}})) == {"own": "run"}


def test_the_folder_wins_and_prowignore_counts(explained):
    files = {".prow.yaml": "a: [", ".prow/sub/a.yaml": OWN, ".prow/old.yaml": "a: [", ".prowignore": "old.yaml\n"}
    data = explained({"files": files})
    assert (verdicts(data), data["problems"]) == ({"own": "run"}, [])
    assert ".prow.yaml is not read: there is a folder .prow" in data["notes"]


def test_what_is_wrong_is_said_with_its_line_and_what_would_be_posted(explained):
    data = explained({"files": {".prow.yaml": "presubmits:\n- {name: own}\n"}})
    assert data["problems"] == [".prow.yaml:2: invalid presubmit job own: kubernetes jobs require a spec"]
    posted = [one for one in data["actions"] if one["action"] == "set-status"]
    assert [(one["context"], one["state"]) for one in posted] == [("prowless/in-repo", "failure")]


def test_a_strangers_files_are_said_not_to_be_read(explained):
    data = explained({"files": {".prow.yaml": OWN}}, author="mallory")
    assert (verdicts(data), data["problems"]) == ({}, [])
    assert any("these files were not read" in note for note in data["notes"])


def test_without_files_in_the_world_none_are_assumed_and_that_is_said(explained):
    data = explained({})
    assert any("give files in --world" in note for note in data["notes"])


def test_where_they_are_not_enabled_that_is_said(explained):
    data = explained({"files": {".prow.yaml": OWN}}, enabled=False)
    assert verdicts(data) == {}
    assert any("in_repo_config.enabled does not hold for acme/app" in note for note in data["notes"])


@pytest.mark.parametrize("pull", [{"mergeable": False}, {"test_merge_base": None}])
def test_a_pull_that_cannot_be_merged_has_unknown_jobs(explained, pull):
    data = explained({"files": {".prow.yaml": OWN}, "pull": pull})
    assert any("are not known" in note for note in data["notes"])
    assert [one["context"] for one in data["actions"] if one["action"] == "set-status"] == ["prowless/merge"]
