"""Jobs clone from the fake with a real git client."""

from __future__ import annotations

import gzip
import os
import subprocess
from base64 import b64encode
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.functional.github_fake.receiver import Api

    from prowless_local.github import FakeGitHub

CLEAN = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}


def git(*arguments: str, cwd: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(cwd), **CLEAN}
    command = ["git", *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=check, timeout=60)


def test_a_clone_has_the_files_and_their_modes(github: FakeGitHub, tmp_path: Path) -> None:
    git("clone", "-q", f"{github.url}/acme/rocket.git", "work", cwd=tmp_path)
    assert (tmp_path / "work/src/main.txt").read_text() == "one\ntwo\nthree\nfour\nfive\n"
    assert os.access(tmp_path / "work/run.sh", os.X_OK)
    assert not os.access(tmp_path / "work/README.md", os.X_OK)
    assert git("rev-parse", "HEAD", cwd=tmp_path / "work").stdout.strip() == github.head("acme/rocket")


@pytest.mark.parametrize("protocol", ["0", "2"])
def test_a_test_merge_is_fetched_by_its_sha(github: FakeGitHub, tmp_path: Path, protocol: str) -> None:
    github.open_pull("acme/rocket", "topic", {"new.txt": "new\n"}, "Topic", "alice")
    github.commit("acme/rocket", "main", {"README.md": "changed\n"}, "Change", "alice")
    pull = github.pull("acme/rocket", 1)
    git("init", "-q", cwd=tmp_path)
    fetch = ("-c", f"protocol.version={protocol}", "fetch", "-q", "--depth=2")
    git(*fetch, f"{github.url}/acme/rocket", str(pull.merge_sha), cwd=tmp_path)
    git("checkout", "-q", "FETCH_HEAD", cwd=tmp_path)
    assert (tmp_path / "new.txt").read_text() == "new\n"
    assert (tmp_path / "README.md").read_text() == "changed\n"
    parents = git("log", "-1", "--format=%P", cwd=tmp_path).stdout.split()
    assert parents == [github.head("acme/rocket"), pull.head_sha]


def test_pull_references_are_advertised(github: FakeGitHub, tmp_path: Path) -> None:
    github.open_pull("acme/rocket", "topic", {"new.txt": "new\n"}, "Topic", "mallory", fork=True)
    listed = git("ls-remote", f"{github.url}/acme/rocket.git", cwd=tmp_path).stdout
    pull = github.pull("acme/rocket", 1)
    assert f"{pull.head_sha}\trefs/pull/1/head" in listed
    assert f"{pull.merge_sha}\trefs/pull/1/merge" in listed
    assert "refs/heads/topic" not in listed  # it is a branch of the fork


def test_a_fork_is_cloned_like_any_repository(github: FakeGitHub, tmp_path: Path) -> None:
    github.open_pull("acme/rocket", "topic", {"new.txt": "new\n"}, "Topic", "mallory", fork=True)
    git("clone", "-q", "--branch=topic", f"{github.url}/mallory/rocket.git", "fork", cwd=tmp_path)
    assert (tmp_path / "fork/new.txt").exists()


def test_pushing_is_refused(github: FakeGitHub, tmp_path: Path) -> None:
    git("clone", "-q", f"{github.url}/acme/rocket.git", "work", cwd=tmp_path)
    refused = git("push", "origin", "HEAD:refs/heads/mine", cwd=tmp_path / "work", check=False)
    assert refused.returncode != 0
    assert "403" in refused.stderr


def test_an_unknown_commit_is_refused_with_gits_own_words(github: FakeGitHub, tmp_path: Path) -> None:
    git("init", "-q", cwd=tmp_path)
    refused = git("fetch", f"{github.url}/acme/rocket.git", "1" * 40, cwd=tmp_path, check=False)
    assert refused.returncode != 0
    assert "not our ref" in refused.stderr


def test_a_private_repository_needs_credentials(github: FakeGitHub, tmp_path: Path) -> None:
    github.create_repository("acme/secret", {"plan.txt": "plan\n"}, private=True)
    token = github.create_token("alice")
    stranger = github.create_token("mallory")
    host = github.url.removeprefix("http://")
    assert git("clone", "-q", f"{github.url}/acme/secret.git", cwd=tmp_path, check=False).returncode != 0
    other = git("clone", f"http://x-access-token:{stranger}@{host}/acme/secret.git", cwd=tmp_path, check=False)
    assert "not found" in other.stderr
    git("clone", "-q", f"http://x-access-token:{token}@{host}/acme/secret.git", "mine", cwd=tmp_path)
    assert (tmp_path / "mine/plan.txt").exists()


def test_an_installation_token_needs_contents_read_and_the_repository(
    github: FakeGitHub, anonymous: Api, key: str
) -> None:
    github.create_repository("acme/secret", {"plan.txt": "plan\n"}, private=True)
    app = github.create_app(7, key)
    installation = github.installations[app.installations["acme"]]

    def status(permissions: dict[str, str], repositories: frozenset[str] | None) -> int:
        token = github.mint(installation, permissions, repositories).token
        basic = b64encode(f"x-access-token:{token}".encode()).decode()
        target = "/acme/secret.git/info/refs?service=git-upload-pack"
        return anonymous.as_(f"Basic {basic}").get(target).status

    assert status({"contents": "read"}, None) == 200
    assert status({"metadata": "read"}, None) == 404
    assert status({"contents": "read"}, frozenset({"acme/rocket"})) == 404


def test_a_compressed_request_is_understood(github: FakeGitHub, anonymous: Api) -> None:
    head = github.head("acme/rocket")
    want = f"0032want {head}\n00000009done\n".encode()
    target = "/acme/rocket.git/git-upload-pack"
    plain = anonymous.call("POST", target, raw=want)
    packed = anonymous.call("POST", target, raw=gzip.compress(want), Content_Encoding="gzip")
    assert plain.body.startswith(b"0008NAK\nPACK")
    assert packed.body == plain.body


def test_the_users_git_configuration_does_not_matter(
    github: FakeGitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".gitconfig").write_text("[init]\n\tdefaultBranch = odd\n[commit]\n\tgpgSign = true\n[broken\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Somebody")
    github.create_repository("acme/other", {"a": "1"}, author="alice")
    commit = github.git("acme/other").commit(github.head("acme/other"))
    assert commit is not None
    assert commit.author.name == "alice"
