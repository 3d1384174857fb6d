"""A repository's own files: which count, what they cost to read, and what is kept of them."""

import json

import pytest

from prowless.adapters.config_files import parse_document
from prowless.adapters.prowignore import ignore_rules
from prowless.domain.config.central import CentralConfig, JobDefaults
from prowless.domain.config.jobs import Presubmit, RepositoryConfig
from prowless.domain.errors import PermanentError, RetryableError
from prowless.usecases import in_repo_compile, in_repo_files
from prowless.usecases.in_repo import InRepoConfigs
from prowless.usecases.in_repo_compile import compile_files
from tests.fakes.config import FixedConfig
from tests.fakes.github import MemoryGitHub
from tests.fakes.github_repository import Link
from tests.fakes.stores import MemoryObjects

REPOSITORY = "acme/app"
STATIC = RepositoryConfig(repository=REPOSITORY, in_repo=True, presubmits=(Presubmit(name="static", context="static"),))


def jobs(*names, kind="presubmits"):
    lines = [f"- {{name: {name}, spec: {{containers: [{{image: x}}]}}}}\n" for name in names]
    return f"{kind}:\n{''.join(lines)}"


class World:
    def __init__(self, central=None):
        self.github = MemoryGitHub()
        self.github.create_repository(REPOSITORY)
        self.state = MemoryObjects()
        self.config = FixedConfig(STATIC, central=central)
        self.compiled = 0
        self.configs = self.process()

    def process(self):
        """A process that has nothing in memory yet."""
        return InRepoConfigs(
            github=self.github,
            objects=self.state,
            config=self.config,
            compile_files=self.compile,
            ignore_rules=ignore_rules,
        )

    def compile(self, files, central, static):
        self.compiled += 1
        return compile_files(files, central, static, parse=parse_document)

    def at(self, files, snapshot="fixed"):
        return self.configs.at(STATIC, snapshot, self.github.commit(REPOSITORY, files))

    def calls(self):
        made = [name for name, _ in self.github.calls]
        self.github.calls.clear()
        return made


@pytest.fixture
def world():
    return World()


def names(found):
    return [job.name for job in found.config.presubmits]


def test_a_tree_without_such_files_has_the_static_jobs_for_one_call(world):
    found = world.at({"main.go": "x"})
    assert (found.config, found.present, found.problems, found.notes) == (STATIC, False, (), ())
    assert world.calls() == ["entries"]
    assert world.state.keys() == []


def test_the_jobs_of_prow_yaml_come_after_the_static_ones_and_are_marked(world):
    found = world.at({".prow.yaml": jobs("own") + jobs("after", kind="postsubmits")})
    assert names(found) == ["static", "own"]
    assert [job.in_repo for job in found.config.presubmits] == [False, True]
    assert [(job.name, job.in_repo) for job in found.config.postsubmits] == [("after", True)]
    assert found.present


def test_the_folder_wins_and_is_read_recursively_in_lexical_order(world):
    found = world.at(
        {
            ".prow.yaml": jobs("file"),
            ".prow/b.yml": jobs("b"),
            ".prow/a/deep/c.yaml": jobs("c"),
            ".prow/notes.txt": "no: yaml: here",
        }
    )
    assert names(found) == ["static", "c", "b"]
    assert found.notes == (".prow.yaml is not read: there is a folder .prow",)


def test_prowignore_files_in_the_root_and_below_leave_files_out(world):
    found = world.at(
        {
            ".prowignore": ".prow/old/\n",
            ".prow/old/a.yaml": "not: [yaml",
            ".prow/new/.prowignore": "skip*.yaml\n",
            ".prow/new/skipped.yaml": "not: [yaml",
            ".prow/new/kept.yaml": jobs("kept"),
        }
    )
    assert names(found) == ["static", "kept"]
    reads = [arguments[1] for arguments in world.github.calls_of("contents")]
    assert ".prow/old/a.yaml" not in reads


def test_a_changed_prowignore_counts_although_the_folder_is_the_same(world):
    assert names(world.at({".prow/a.yaml": jobs("a")})) == ["static", "a"]
    assert names(world.at({".prowignore": "a.yaml\n"})) == ["static"]


def test_what_is_known_costs_one_call_in_this_process_and_in_the_next(world):
    world.at({".prow/a.yaml": jobs("a"), ".prow/b.yaml": jobs("b")})
    assert world.calls() == ["entries", "entries", "contents", "contents"]
    assert names(world.at({"main.go": "another commit"})) == ["static", "a", "b"]
    world.configs = world.process()
    found = world.at({"main.go": "a third"})
    assert (names(found), found.config.presubmits[1].in_repo) == (["static", "a", "b"], True)
    assert world.calls() == ["entries", "entries"]
    assert world.compiled == 1
    (key,) = world.state.keys()
    assert key.startswith("config/in-repo/fixed/acme/app/")


def test_files_that_cannot_be_used_are_read_once_too(world):
    first = world.at({".prow.yaml": "presubmits: [\n"})
    world.configs = world.process()
    again = world.at({"main.go": "x"})
    assert first == again
    assert (names(first), first.present) == (["static"], True)
    assert ".prow.yaml:2" in first.problems[0]
    assert world.compiled == 1


def test_another_snapshot_compiles_anew(world):
    world.at({".prow.yaml": jobs("own")})
    world.config.snapshot = lambda: "other"
    world.at({"main.go": "x"}, snapshot="other")
    assert world.compiled == 2
    assert len(world.state.keys("config/in-repo/other/")) == 1


def test_what_was_compiled_while_the_snapshot_changed_is_not_kept(world):
    world.config.snapshot = lambda: "newer"
    assert names(world.at({".prow.yaml": jobs("own")})) == ["static", "own"]
    assert world.state.keys() == []
    world.at({"main.go": "x"})
    assert world.compiled == 2


def test_what_another_release_kept_is_compiled_anew(world):
    world.at({".prow.yaml": jobs("own")})
    (key,) = world.state.keys()
    world.state.put(key, json.dumps({"schema": 99}).encode(), "application/json")
    world.configs = world.process()
    assert names(world.at({"main.go": "x"})) == ["static", "own"]
    assert world.compiled == 2


def test_memory_is_bounded(world, monkeypatch):
    monkeypatch.setattr("prowless.usecases.in_repo._CACHED_BYTES", 500)
    world.at({".prow.yaml": jobs("one")})
    world.at({".prow.yaml": jobs("two")})
    world.at({".prow.yaml": jobs("three")})
    world.state.stored.clear()
    world.at({".prow.yaml": jobs("three")})
    assert world.compiled == 3
    world.at({".prow.yaml": jobs("one")})
    assert world.compiled == 4


def test_symbolic_links_are_not_followed_and_it_is_said(world):
    found = world.at({".prow.yaml": Link(b"/etc/passwd")})
    assert (found.present, found.notes) == (False, (".prow.yaml: a symbolic link, which is not followed",))
    found = world.at({".prow/a.yaml": Link(b"../x.yaml"), ".prow/b.yaml": jobs("b")})
    assert names(found) == ["static", "b"]
    assert ".prow/a.yaml: a symbolic link, which is not followed" in found.notes
    assert not any(path == ".prow/a.yaml" for _, path, _ in world.github.calls_of("contents"))


def test_a_link_in_place_of_the_folder_lets_the_file_count(world):
    found = world.at({".prow": Link(b"ci"), ".prow.yaml": jobs("file")})
    assert names(found) == ["static", "file"]


@pytest.mark.parametrize(
    ("limits", "problem"),
    [
        ({"MAX_FILE": 20}, ".prow/a.yaml: larger than 20 bytes"),
        ({"MAX_FILES": 1}, ".prow: 2 files are more than 1"),
        ({"MAX_TOTAL": 100}, ".prow: the files together are larger than 100 bytes"),
    ],
)
def test_files_beyond_the_limits_are_refused_before_they_are_fetched(world, monkeypatch, limits, problem):
    for name, value in limits.items():
        monkeypatch.setattr(in_repo_files, name, value)
    found = world.at({".prow/a.yaml": jobs("a"), ".prow/b.yaml": jobs("b")})
    assert problem in found.problems
    assert names(found) == ["static"]
    assert world.github.calls_of("contents") == []


def test_a_prowignore_that_is_too_large_or_wrong_is_a_problem(world):
    assert "larger than" in world.at({".prow/a.yaml": "", ".prowignore": "x" * 70_000}).problems[0]
    assert "gitignore" in world.at({".prow/a.yaml": "", ".prowignore": b"\xff\xfe"}).problems[0]


def test_aliases_and_presets_cannot_make_more_than_may_be_kept(monkeypatch):
    monkeypatch.setattr(in_repo_compile, "MAX_COMPILED", 2_000)
    preset = {"labels": {"big": "true"}, "env": [{"name": "A", "value": "x" * 900}]}
    world = World(CentralConfig(defaults=JobDefaults(presets=(preset,))))
    job = "{{name: {0}, labels: {{big: 'true'}}, spec: {{containers: [{{image: x}}]}}}}"
    text = "presubmits:\n" + "".join(f"- {job.format(name)}\n" for name in "abc")
    found = world.at({".prow.yaml": text})
    assert "larger than 2000 bytes" in found.problems[0]


def test_the_values_of_all_files_are_counted_together(world, monkeypatch):
    monkeypatch.setattr(in_repo_compile, "MAX_NODES", 20)
    found = world.at({".prow/a.yaml": jobs("a"), ".prow/b.yaml": jobs("b"), ".prow/c.yaml": jobs("c")})
    assert all("values, aliases expanded" in problem for problem in found.problems)
    assert names(found) == ["static"]


def test_every_file_that_is_not_yaml_is_named(world):
    found = world.at({".prow/a.yaml": "a: [", ".prow/b.yaml": jobs("b"), ".prow/c.yaml": "c: ]"})
    assert [problem.partition(":")[0] for problem in found.problems] == [".prow/a.yaml", ".prow/c.yaml"]


def test_warnings_are_notes(world):
    found = world.at({".prow.yaml": jobs("own") + "- {name: b, brances: [x], spec: {containers: [{image: x}]}}\n"})
    assert names(found) == ["static", "own", "b"]
    assert "did you mean 'branches'?" in found.notes[0]


def test_an_invalid_file_keeps_its_warnings(world):
    text = jobs("own", "own") + "- {name: b, brances: [x], spec: {containers: [{image: x}]}}\n"
    found = world.at({".prow.yaml": text})
    assert found.problems
    assert any("branches" in note for note in found.notes)


def test_a_commit_that_is_gone_leaves_the_static_jobs_and_says_so(world):
    found = world.configs.at(STATIC, "fixed", "0" * 40)
    assert (found.config, found.unknown) == (STATIC, f"GitHub has no tree of {'0' * 40}")


def test_a_refusal_of_githubs_leaves_the_static_jobs_and_says_so(world):
    world.github.fail("entries", PermanentError("listing is truncated"))
    found = world.at({".prow.yaml": jobs("own")})
    assert (names(found), "listing is truncated" in found.unknown) == (["static"], True)


def test_a_folder_that_github_refuses_to_show_is_a_problem_that_is_not_kept(world):
    sha = world.github.commit(REPOSITORY, {".prow/a.yaml": jobs("a")})
    world.github.fail("contents", PermanentError("403 no"))
    found = world.configs.at(STATIC, "fixed", sha)
    assert (names(found), found.problems) == (["static"], ("the files cannot be read: 403 no",))
    assert names(world.configs.at(STATIC, "fixed", sha)) == ["static", "a"]


def test_a_fault_of_githubs_is_raised(world):
    world.github.fail("entries", RetryableError("502"))
    with pytest.raises(RetryableError):
        world.at({".prow.yaml": jobs("own")})


@pytest.mark.parametrize(("files", "present"), [({".prow.yaml": "x"}, True), ({"x": "y"}, False)])
def test_of_a_pull_that_cannot_be_merged_only_the_heads_root_is_looked_at(world, files, present):
    head = world.github.commit(REPOSITORY, files)
    found = world.configs.unmerged(STATIC, head)
    assert (found.config, found.present, head in found.unknown) == (STATIC, present, True)
    assert world.calls() == ["entries"]
    assert not world.configs.unmerged(STATIC, "0" * 40).present
