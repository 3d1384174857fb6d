"""The checkout script, run by a real shell with a real git."""

from __future__ import annotations

import subprocess

import pytest

from prowless.domain.refs import Pull, Refs
from prowless.domain.render import checkout

DATE = "1700000000 +0000"


class Shell:
    """A home, a place for origins, and a place that stands for the container's root."""

    def __init__(self, base):
        self.base = base
        self.origins = base / "origins"
        self.origins.mkdir()
        self.env = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(base),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "a",
            "GIT_AUTHOR_EMAIL": "a@example.org",
            "GIT_COMMITTER_NAME": "a",
            "GIT_COMMITTER_EMAIL": "a@example.org",
        }

    def git(self, *arguments, cwd=None):
        env = self.env | {"GIT_AUTHOR_DATE": DATE, "GIT_COMMITTER_DATE": DATE}
        done = subprocess.run(
            ["git", *arguments], cwd=cwd, env=env, check=True, capture_output=True, text=True, timeout=30
        )
        return done.stdout.strip()

    def commit(self, repository, name, text):
        (repository / name).write_text(text)
        self.git("add", "-A", cwd=repository)
        self.git("commit", "-q", "-m", name, cwd=repository)
        return self.git("rev-parse", "HEAD", cwd=repository)

    def origin(self, name):
        repository = self.origins / name
        self.git("init", "-q", "-b", "main", str(repository))
        # GitHub serves any commit that a ref reaches, and pulls under refs/pull.
        self.git("config", "uploadpack.allowAnySHA1InWant", "true", cwd=repository)
        return repository

    def run(self, text, root="root"):
        """The script with the container's paths below `root`, as the embedded cluster runs it."""
        place = self.base / root
        place.mkdir(exist_ok=True)
        text = text.replace("/home/prow/go", f"{place}/go").replace("/logs", f"{place}/logs")
        identity = {key: value for key, value in self.env.items() if not key.startswith("GIT_")}
        done = subprocess.run(
            ["sh", "-c", text], env=identity, capture_output=True, text=True, timeout=60, check=False, cwd=self.base
        )
        return done, place


@pytest.fixture
def shell(tmp_path):
    return Shell(tmp_path)


@pytest.fixture
def app(shell):
    """A repository with two pulls on an older base: (path, base, [pull heads], newer main)."""
    repository = shell.origin("app")
    base = shell.commit(repository, "README", "app\n")
    heads = []
    for number, name in ((7, "sums"), (8, "products")):
        shell.git("checkout", "-q", "-b", name, base, cwd=repository)
        heads.append(shell.commit(repository, name, f"{name}\n"))
        shell.git("update-ref", f"refs/pull/{number}/head", heads[-1], cwd=repository)
        shell.git("checkout", "-q", "main", cwd=repository)
        shell.git("branch", "-q", "-D", name, cwd=repository)
    shell.git("tag", "v1", cwd=repository)
    newer = shell.commit(repository, "later", "later\n")
    return repository, base, heads, newer


def refs(repository, **fields):
    return Refs(**({"org": "acme", "repo": "app", "base_ref": "main", "clone_uri": str(repository)} | fields))


def pulls(heads):
    return (Pull(number=7, sha=heads[0]), Pull(number=8, sha=heads[1]))


def test_pulls_are_merged_on_the_base_that_was_tested(shell, app):
    repository, base, heads, _newer = app
    done, place = shell.run(checkout.script([refs(repository, base_sha=base, pulls=pulls(heads))], pauses=()))
    assert done.returncode == 0, done.stderr
    work = place / "go/src/github.com/acme/app"
    assert sorted(path.name for path in work.iterdir() if path.name != ".git") == ["README", "products", "sums"]
    assert shell.git("branch", "--show-current", cwd=work) == "main"
    assert shell.git("tag", cwd=work) == "v1"
    log = shell.git("log", "--first-parent", "--format=%cn %ct %p", cwd=work).splitlines()
    assert [line.split()[:2] for line in log] == [
        ["ci-robot", "1700000002"],
        ["ci-robot", "1700000001"],
        ["a", "1700000000"],
    ]
    assert (place / "logs/artifacts").stat().st_mode & 0o777 == 0o777
    assert f"HEAD is now at {shell.git('rev-parse', 'HEAD', cwd=work)}" in done.stdout


def test_the_head_of_a_merge_group_is_checked_out_as_it_is(shell, app):
    repository, base, heads, _newer = app
    shell.git("checkout", "-q", "--detach", base, cwd=repository)
    for head in heads:
        shell.git("merge", "-q", "--no-ff", "-m", "queued", head, cwd=repository)
    group = shell.git("rev-parse", "HEAD", cwd=repository)
    shell.git("update-ref", f"refs/heads/gh-readonly-queue/main/pr-8-{base}", group, cwd=repository)
    shell.git("checkout", "-q", "main", cwd=repository)
    queued = refs(repository, base_sha=base, pulls=pulls(heads), merged_sha=group)
    done, place = shell.run(checkout.script([queued], pauses=()))
    assert done.returncode == 0, done.stderr
    work = place / "go/src/github.com/acme/app"
    assert shell.git("rev-parse", "HEAD", cwd=work) == group
    assert shell.git("branch", "--show-current", cwd=work) == "main"


def test_the_same_inputs_give_the_same_commit(shell, app):
    repository, base, heads, _newer = app
    text = checkout.script([refs(repository, base_sha=base, pulls=pulls(heads))], pauses=())
    found = set()
    for root in ("one", "two"):
        done, place = shell.run(text, root)
        assert done.returncode == 0, done.stderr
        found.add(shell.git("rev-parse", "HEAD", cwd=place / "go/src/github.com/acme/app"))
    assert len(found) == 1


def test_without_a_base_sha_the_branch_is_what_it_is_now(shell, app):
    repository, _base, _heads, newer = app
    done, place = shell.run(checkout.script([refs(repository, pulls=(Pull(number=7, sha=""),))], pauses=()))
    assert done.returncode == 0, done.stderr
    work = place / "go/src/github.com/acme/app"
    assert {"later", "sums"} <= {path.name for path in work.iterdir()}
    assert shell.git("rev-parse", "HEAD^1", cwd=work) == newer


def test_extra_repositories_stand_beside_the_first(shell, app):
    repository, base, _heads, newer = app
    tools = Refs(org="acme", repo="tools", base_ref="main", path_alias="example.org/x", clone_uri=str(repository))
    shallow = refs(repository, repo="shallow", base_sha="", clone_depth=1, skip_fetch_head=True, skip_submodules=True)
    done, place = shell.run(checkout.script([refs(repository, base_sha=base), tools, shallow], pauses=()))
    assert done.returncode == 0, done.stderr
    source = place / "go/src"
    assert not (source / "github.com/acme/app/later").exists()
    assert (source / "example.org/x/later").exists()
    assert shell.git("rev-parse", "HEAD", cwd=source / "github.com/acme/shallow") == newer


def test_submodules_come_along_unless_they_are_skipped(shell, app):
    repository, _base, _heads, _newer = app
    library = shell.origin("library")
    shell.commit(library, "lib", "lib\n")
    shell.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(library), "lib", cwd=repository)
    shell.git("commit", "-q", "-m", "submodule", cwd=repository)
    shell.git("config", "--global", "protocol.file.allow", "always")
    for skip, root in ((False, "with"), (True, "without")):
        done, place = shell.run(checkout.script([refs(repository, skip_submodules=skip)], pauses=()), root)
        assert done.returncode == 0, done.stderr
        assert (place / "go/src/github.com/acme/app/lib/lib").exists() is not skip


def test_a_merge_that_conflicts_ends_the_script_with_gits_words(shell, app):
    repository, base, heads, _newer = app
    shell.git("checkout", "-q", "-b", "clash", base, cwd=repository)
    clash = shell.commit(repository, "sums", "other\n")
    shell.git("update-ref", "refs/pull/9/head", clash, cwd=repository)
    both = (Pull(number=7, sha=heads[0]), Pull(number=9, sha=clash))
    done, _ = shell.run(checkout.script([refs(repository, base_sha=base, pulls=both)], pauses=()))
    assert done.returncode != 0
    assert "CONFLICT" in done.stdout
    assert "HEAD is now at" not in done.stdout


def test_a_fetch_is_tried_again_a_bounded_number_of_times(shell, app):
    done, _ = shell.run(checkout.script([refs(shell.origins / "absent")], pauses=(0, 0)))
    assert done.returncode != 0
    assert done.stdout.count("next try") == 2
    assert done.stderr.count("does not appear to be a git repository") == 3


def test_hostile_names_stay_names(shell, app):
    repository, base, _heads, _newer = app
    evil = "x'; touch owned; echo '$(touch owned)`touch owned`"
    alias = f"example.org/{evil}"
    done, place = shell.run(checkout.script([refs(repository, base_sha=base, path_alias=alias)], pauses=()))
    assert done.returncode == 0, done.stderr
    assert (place / "go/src" / alias / "README").exists()
    done, _ = shell.run(checkout.script([refs(repository, base_ref=evil)], pauses=()), "other")
    assert done.returncode != 0
    assert not list(shell.base.rglob("owned"))


def test_nothing_to_check_out_makes_the_artifacts_folder_only(shell):
    done, place = shell.run(checkout.script([]))
    assert done.returncode == 0
    assert [path.name for path in (place / "logs").iterdir()] == ["artifacts"]
