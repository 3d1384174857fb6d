"""The status and the comment on pull requests that change the central configuration."""

import pytest

from prowless.adapters.config_files import parse_document
from prowless.adapters.prowignore import ignore_rules
from prowless.domain.errors import PermanentError, RetryableError
from prowless.ports.github import Status
from prowless.usecases.config_check import CheckPull
from prowless.usecases.config_reading import ConfigReader
from prowless.usecases.config_sources import ConfigRepository
from prowless.usecases.config_sync import SyncConfig
from tests.fakes.clock import FixedClock
from tests.fakes.github import MemoryGitHub
from tests.fakes.stores import MemoryObjects

CONFIG, MORE = "acme/config", "acme/more"
JOB = "presubmits:\n  acme/app:\n  - name: %s\n    spec: {containers: [{image: x, command: [make]}]}\n"
BAD = JOB % '"a b"'
TYPO = JOB % "unit" + "    alway_run: true\n"
SOURCES = (
    ConfigRepository(repository=CONFIG, ref="main", config="config.yaml", settings="prowless.yaml", jobs=("jobs/*",)),
    ConfigRepository(repository=MORE, ref="main", jobs=("*.yaml",)),
)
FILES = {
    "config.yaml": "decorate_all_jobs: false\n",
    "prowless.yaml": "clusters: {default: {server: https://k8s.example}}\n",
    "jobs/unit.yaml": JOB % "unit",
    "jobs/.prowignore": "ignored.yaml\n",
}
VALID = "Configuration is valid: 2 jobs in 1 repository, 0 warnings"


class World:
    def __init__(self, sources=SOURCES):
        self.github = MemoryGitHub()
        self.github.create_repository(CONFIG, FILES)
        self.github.create_repository(MORE, {"more.yaml": JOB % "more"})
        self.objects = MemoryObjects()
        self.clock = FixedClock()
        reader = ConfigReader(github=self.github, parse=parse_document, ignore_rules=ignore_rules, clock=self.clock)
        self.sync = SyncConfig(
            repositories=sources, github=self.github, objects=self.objects, reader=reader, clock=self.clock
        )
        self.sync("start")
        self.check = CheckPull(
            repositories=sources, github=self.github, objects=self.objects, reader=reader, pause=self.clock.sleep
        )

    def open(self, files, **more):
        self.number = self.github.open_pull(CONFIG, files, author="mallory", **more).number
        return self.run()

    def push(self, files):
        self.github.push(CONFIG, self.number, files)
        return self.run()

    def run(self):
        return self.check(CONFIG, self.number)

    @property
    def pull(self):
        return self.github.pull(CONFIG, self.number)

    def status(self):
        return self.github.statuses(CONFIG, self.pull.head_sha).get("prowless/config")

    def comments(self):
        return [comment.body for comment in self.github.comments(CONFIG, self.number)]


@pytest.fixture
def world():
    return World()


def test_a_valid_change_gets_a_status_and_no_comment(world):
    assert world.open({"jobs/unit.yaml": JOB % "renamed"}) == {"checked": True, "state": "success", "errors": 0}
    assert world.status() == Status(context="prowless/config", state="success", description=VALID)
    assert world.comments() == []


def test_errors_are_told_with_the_line_in_the_pulls_own_files(world):
    world.open({"jobs/unit.yaml": BAD, "jobs/other.yaml": "presubmits: ["})
    (comment,) = world.comments()
    assert "jobs/unit.yaml:3: " in comment
    assert "jobs/other.yaml:2: not YAML" in comment
    assert "acme/config/jobs" not in comment
    status = world.status()
    assert status.state == "failure"
    assert status.description.startswith("jobs/other.yaml:2: not YAML")
    assert status.target_url == f"{world.pull.html_url}#issuecomment-{world.github.comments(CONFIG, 1)[0].id}"


def test_nothing_is_published_and_nothing_written(world):
    before = dict(world.objects.stored)
    world.open({"jobs/unit.yaml": JOB % "renamed"})
    world.push({"jobs/unit.yaml": BAD})
    assert world.objects.stored == before


def test_what_is_compiled_is_the_test_merge_with_the_other_sources_as_they_are(world):
    world.open({"jobs/new.yaml": JOB % "new"})
    world.github.commit(CONFIG, {"jobs/meanwhile.yaml": JOB % "meanwhile"})
    world.github.commit(MORE, {"more.yaml": JOB % "new"})
    world.run()
    assert world.status().state == "failure"
    assert "new" in world.status().description
    world.github.commit(MORE, {"more.yaml": JOB % "more"})
    world.run()
    assert world.status().description == "Configuration is valid: 4 jobs in 1 repository, 0 warnings"


def test_a_fix_settles_the_comment(world):
    world.open({"jobs/unit.yaml": BAD})
    world.push({"jobs/unit.yaml": JOB % "fixed"})
    assert world.status().state == "success"
    (comment,) = world.comments()
    assert comment.startswith(f"{VALID} ({world.pull.head_sha}).")


def test_a_newer_bad_head_gets_a_comment_of_its_own_and_the_old_one_goes(world):
    world.open({"jobs/unit.yaml": BAD})
    first = world.github.comments(CONFIG, 1)[0].id
    world.push({"jobs/unit.yaml": "presubmits: ["})
    (second,) = world.github.comments(CONFIG, 1)
    assert second.id != first
    assert world.pull.head_sha in second.body


def test_a_second_look_at_the_same_head_edits_the_comment_and_repeats_nothing(world):
    world.open({"jobs/unit.yaml": BAD})
    (first,) = world.github.comments(CONFIG, 1)
    world.run()
    assert list(world.github.comments(CONFIG, 1)) == [first]
    assert len(world.github.calls_of("create_status")) == 1
    world.github.commit(MORE, {"more.yaml": "presubmits: ["})
    world.run()
    (second,) = world.github.comments(CONFIG, 1)
    assert second.id == first.id
    assert "acme/more/more.yaml:2" in second.body


def test_a_typo_is_seen_as_a_new_warning_and_an_old_one_is_not_told_again(world):
    world.open({"jobs/unit.yaml": TYPO})
    assert world.status().description.endswith("1 warning")
    (comment,) = world.comments()
    assert comment.startswith("1 new warning")
    assert "jobs/unit.yaml:5" in comment
    world.github.commit(CONFIG, {"jobs/unit.yaml": TYPO})
    world.sync("merged")
    world.open({"jobs/unit.yaml": "# one line further down\n" + TYPO})
    assert world.status().description.endswith("1 warning")
    assert world.comments() == []


@pytest.mark.parametrize("path", ["README.md", "other/jobs/unit.yaml", "jobs/README.md", ".prowignore"])
def test_a_pull_that_touches_no_source_gets_no_status(world, path):
    assert world.open({path: "x"}) == {"checked": False, "reason": "no source is changed"}
    assert (world.status(), world.comments()) == (None, [])


@pytest.mark.parametrize("path", ["config.yaml", "prowless.yaml", "jobs/deep/new.yml", "jobs/.prowignore"])
def test_every_kind_of_source_file_counts(world, path):
    assert world.open({path: ""})["checked"] is True


def test_a_file_that_moves_out_of_the_job_folder_counts(world):
    world.open({"jobs/unit.yaml": None, "attic/unit.yaml": FILES["jobs/unit.yaml"]})
    assert world.status().description == "Configuration is valid: 1 job in 1 repository, 0 warnings"


def test_a_list_of_files_that_github_cut_counts_as_touching(world):
    assert world.open({f"docs/{number}": "x" for number in range(3000)})["checked"] is True


def test_a_pull_that_leaves_the_sources_takes_its_comment_along(world):
    world.open({"jobs/unit.yaml": BAD})
    world.push({"jobs/unit.yaml": FILES["jobs/unit.yaml"], "README.md": "x"})
    assert world.comments() == []


def test_a_pull_on_another_base_gets_no_status(world):
    repository = world.github.repositories[CONFIG]
    repository.refs["heads/release"] = repository.refs["heads/main"]
    assert world.open({"jobs/unit.yaml": BAD}, base="release")["checked"] is False
    assert world.status() is None


def test_a_closed_pull_and_another_repository_are_left_alone(world):
    world.open({"jobs/unit.yaml": JOB % "x"})
    world.github.change_pull(CONFIG, world.number, state="closed")
    assert world.run() == {"checked": False, "reason": "the pull request is closed"}
    assert world.check("acme/app", 1) == {"checked": False, "reason": "no source is changed"}


def test_a_conflict_is_said_in_the_status(world):
    world.open({"jobs/unit.yaml": JOB % "theirs"})
    world.github.commit(CONFIG, {"jobs/unit.yaml": JOB % "ours"})
    assert world.run()["checked"] is False
    assert world.status() == Status(
        context="prowless/config", state="error", description="Cannot be checked: the change conflicts with main"
    )


def test_a_merge_that_is_not_computed_is_waited_for_and_then_tried_later(world):
    world.open({"README.md": "x"})
    world.github.push(CONFIG, world.number, {"jobs/unit.yaml": BAD})
    world.github.change_pull(CONFIG, world.number, mergeable=None)
    merge = world.github.repositories[CONFIG].refs.pop("pull/1/merge")
    before = world.clock.now
    with pytest.raises(RetryableError, match="has not computed the merge"):
        world.run()
    assert world.clock.now - before >= 3000
    world.github.repositories[CONFIG].refs["pull/1/merge"] = merge
    assert world.run()["checked"] is True


def test_a_result_for_a_head_that_moved_is_not_told(world):
    world.open({"jobs/unit.yaml": JOB % "x"})
    old = world.pull.head_sha
    archive = world.github.archive

    def pushed_meanwhile(*arguments):
        world.github.push(CONFIG, world.number, {"jobs/unit.yaml": BAD})
        return archive(*arguments)

    world.github.archive = pushed_meanwhile
    world.github.repositories[CONFIG].statuses.clear()
    assert world.run()["reason"] == "the head moved, and has a message of its own"
    assert world.github.statuses(CONFIG, old) == {}


_CALLS = ["pull", "pull_files", "ref", "tree", "archive", "statuses"]


@pytest.mark.parametrize(
    ("call", "error"),
    [
        *((call, RetryableError("502")) for call in [*_CALLS, "create_comment"]),
        *((call, PermanentError("403")) for call in _CALLS),
    ],
)
def test_a_failure_of_github_is_raised_and_the_next_try_tells_once(world, call, error):
    world.number = world.github.open_pull(CONFIG, {"jobs/unit.yaml": BAD}).number
    world.github.fail(call, error)
    with pytest.raises(type(error)):
        world.run()
    world.run()
    assert (world.status().state, len(world.comments())) == ("failure", 1)


def test_a_comment_that_is_refused_does_not_keep_the_status_back(world):
    world.number = world.github.open_pull(CONFIG, {"jobs/unit.yaml": BAD}).number
    world.github.fail("create_comment", PermanentError("403: the conversation is locked"))
    assert world.run()["checked"] is True
    assert (world.status().state, world.status().target_url) == ("failure", "")
    world.run()
    assert "#issuecomment-" in world.status().target_url


def test_a_move_to_a_base_that_is_no_source_takes_status_and_comment_back(world):
    refs = world.github.repositories[CONFIG].refs
    refs["heads/release"] = refs["heads/main"]
    world.open({"jobs/unit.yaml": BAD})
    world.github.change_pull(CONFIG, world.number, base_ref="release")
    world.run()
    assert world.status() == Status(context="prowless/config", state="success", description="Nothing is wrong any more")
    assert world.comments() == []
    world.run()
    assert len(world.github.calls_of("create_status")) == 2


def test_a_pull_that_changes_no_source_gets_no_status(world):
    world.open({"README.md": "x"})
    assert world.status() is None


def test_a_strangers_comment_with_our_marker_is_not_ours(world):
    world.open({"jobs/unit.yaml": BAD})
    (ours,) = world.comments()
    world.github.comment(CONFIG, world.number, "mallory", ours)
    world.push({"jobs/unit.yaml": JOB % "fixed"})
    assert ours in world.comments()
    assert len(world.comments()) == 2


def test_before_anything_is_published_every_warning_is_new(world):
    world.objects.stored.clear()
    world.open({"jobs/unit.yaml": TYPO})
    assert "1 new warning" in world.comments()[0]
