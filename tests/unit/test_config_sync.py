import pytest

from prowless.adapters.config_files import parse_document
from prowless.adapters.prowignore import ignore_rules
from prowless.domain.errors import ConfigError, ConflictError, PermanentError, RetryableError, TooLargeError
from prowless.usecases import config_reading
from prowless.usecases.config_reading import ConfigReader
from prowless.usecases.config_sources import ConfigRepository, is_job_file
from prowless.usecases.config_sync import SyncConfig
from prowless.usecases.snapshots import SnapshotConfig
from tests.fakes.clock import FixedClock
from tests.fakes.github import MemoryGitHub
from tests.fakes.stores import MemoryObjects

JOBS = "presubmits:\n  acme/app:\n  - {name: %s, spec: {containers: [{image: x, command: [make]}]}}\n"
SOURCE = ConfigRepository(
    repository="acme/config", ref="main", config="config.yaml", settings="prowless.yaml", jobs=("jobs/*",)
)
FILES = {
    "config.yaml": "decorate_all_jobs: true\n",
    "prowless.yaml": "clusters: {default: {server: https://k8s.example}}\n",
    "jobs/app/one.yaml": JOBS % "unit",
    "jobs/README.md": "not a job",
    "other/two.yaml": JOBS % "other",
}


class World:
    def __init__(self, *sources, files=FILES):
        self.github = MemoryGitHub()
        self.github.create_repository("acme/config", files)
        self.objects = MemoryObjects()
        self.clock = FixedClock()
        self.sync = self.syncing(sources or (SOURCE,))
        self.config = SnapshotConfig(self.objects, self.clock)

    def syncing(self, sources=(SOURCE,), parse=parse_document):
        reader = ConfigReader(github=self.github, parse=parse, ignore_rules=ignore_rules, clock=self.clock)
        return SyncConfig(
            repositories=sources, github=self.github, objects=self.objects, reader=reader, clock=self.clock
        )

    def run(self):
        return self.sync("acme/config moved")

    def jobs(self):
        self.config.snapshot()
        return [job.name for job in self.config.repository("acme/app").presubmits]

    def push(self, files):
        self.github.commit("acme/config", files)


def test_the_files_of_the_branch_become_the_configuration():
    world = World()
    answer = world.run()
    assert (answer["snapshot"], answer["changed"]) == (world.config.snapshot(), True)
    assert world.jobs() == ["unit"]
    pointer = world.objects.json("config/current.json")
    assert pointer["sources"] == {"acme/config@main": world.github.ref("acme/config", "heads/main")}


def test_the_same_commit_again_changes_nothing():
    world = World()
    world.run()
    assert world.run()["changed"] is False


def test_a_configuration_that_does_not_load_keeps_the_last_good_one_and_says_why():
    world = World()
    world.run()
    world.push({"jobs/app/one.yaml": JOBS % "a b", "jobs/app/broken.yaml": "presubmits: ["})
    answer = world.run()
    assert world.jobs() == ["unit"]
    assert any("broken.yaml" in problem for problem in answer["problems"])
    error = world.objects.json("config/last_error.json")
    assert error["problems"] == answer["problems"]
    assert error["sources"]["acme/config@main"] == world.github.ref("acme/config", "heads/main")


def test_the_next_good_one_takes_over_and_clears_the_error():
    world = World()
    world.push({"jobs/app/one.yaml": "presubmits: ["})
    world.run()
    world.push({"jobs/app/one.yaml": JOBS % "fixed"})
    world.run()
    assert world.jobs() == ["fixed"]
    assert world.objects.json("config/last_error.json")["problems"] == []


def test_a_late_event_reads_the_branch_as_it_is_now():
    world = World()
    world.push({"jobs/app/one.yaml": JOBS % "newest"})
    world.sync(f"acme/config@{'0' * 40}")
    assert world.jobs() == ["newest"]


def test_two_pushes_in_quick_succession_end_with_the_last_one():
    world = World()

    def parse_and_push_once(path, data):
        if b"unit" in data:
            world.push({"jobs/app/one.yaml": JOBS % "pushed-meanwhile"})
        return parse_document(path, data)

    world.syncing(parse=parse_and_push_once)("the first push")
    assert world.jobs() == ["unit"]
    world.sync("the second push")
    assert world.jobs() == ["pushed-meanwhile"]


def test_an_older_compilation_does_not_replace_a_newer_one():
    world = World()

    def parse_and_be_overtaken(path, data):
        if b"unit" in data:
            world.push({"jobs/app/one.yaml": JOBS % "newer"})
            world.sync("another")
        return parse_document(path, data)

    with pytest.raises(ConflictError):
        world.syncing(parse=parse_and_be_overtaken)("the slow one")
    assert world.jobs() == ["newer"]
    assert world.objects.json("config/last_error.json")["problems"] == []


def test_what_was_dealt_with_is_kept_also_if_it_was_refused():
    world = World()
    world.push({"jobs/app/one.yaml": "presubmits: ["})
    world.run()
    synced = world.objects.json("config/synced.json")
    assert synced["sources"] == {"acme/config@main": world.github.ref("acme/config", "heads/main")}


def test_a_file_that_is_not_there_is_a_problem():
    files = {name: text for name, text in FILES.items() if name != "config.yaml"}
    answer = World(files=files).run()
    assert answer["problems"] == ["acme/config@main: there is no file config.yaml"]


def test_several_repositories_make_one_configuration():
    more = ConfigRepository(repository="acme/more", ref="main", jobs=("*.yaml",))
    world = World(SOURCE, more)
    world.github.create_repository("acme/more", {"jobs.yaml": JOBS % "more"})
    world.run()
    assert world.jobs() == ["unit", "more"]


def test_two_config_files_are_one_too_many():
    twice = ConfigRepository(repository="acme/config", ref="main", config="prowless.yaml")
    assert "more than one config file" in World(SOURCE, twice).run()["problems"][0]


@pytest.mark.parametrize("error", [RetryableError("GitHub answered 502"), PermanentError("GitHub answered 403")])
@pytest.mark.parametrize("call", ["ref", "tree", "archive", "contents"])
def test_a_failure_of_github_is_not_a_failure_of_the_configuration(call, error):
    world = World(ConfigRepository(repository="acme/config", ref="main", config="config.yaml"), SOURCE)
    world.github.fail(call, error)
    with pytest.raises(type(error)):
        world.run()
    told = world.objects.json("config/last_error.json")
    assert (told["problems"], told["retried"]) == ([str(error)], True)
    assert world.objects.get("config/synced.json") is None


def test_without_sources_there_is_nothing_to_sync():
    assert "CONFIG_SOURCES is empty" in World().syncing(())("")["problems"][0]


def test_job_files_are_read_with_one_download():
    world = World(files=FILES | {f"jobs/app/{n}.yaml": JOBS % f"job-{n}" for n in range(50)})
    world.run()
    assert len(world.jobs()) == 51
    assert (len(world.github.calls_of("archive")), world.github.calls_of("contents")) == (1, [])


def test_what_git_leaves_out_of_an_archive_or_changes_is_read_by_itself():
    world = World(files=FILES | {"jobs/.prowignore": "/skipped.yaml\n", "jobs/skipped.yaml": "["})

    def attributed(repository, sha, wanted):
        files = MemoryGitHub.archive(world.github, repository, sha, wanted)
        del files["jobs/.prowignore"], files["config.yaml"]
        return files | {"jobs/app/one.yaml": b"$Id$"}

    world.github.archive = attributed
    world.run()
    assert world.jobs() == ["unit"]
    read = sorted(path for _, path, _ in world.github.calls_of("contents"))
    assert read == ["config.yaml", "jobs/.prowignore", "jobs/app/one.yaml"]


def test_many_files_that_git_changes_are_refused_with_the_reason(monkeypatch):
    monkeypatch.setattr(config_reading, "MAX_ODD_FILES", 2)
    world = World()
    world.github.archive = lambda *_: {}
    (problem,) = world.run()["problems"]
    assert problem.startswith("acme/config@main: 3 files are not in the repository's archive")


LIMITS = {
    "MAX_FILES": (0, "acme/config@main: 1 job files are more than 0"),
    "MAX_NODES": (12, "acme/config/jobs/app/one.yaml: with this file there are more than 12 values"),
    "MAX_READING_MS": (-1, "acme/config/config.yaml: reading took more than -1 s up to here"),
}


@pytest.mark.parametrize("limit", LIMITS)
def test_what_is_read_is_bounded(limit, monkeypatch):
    most, problem = LIMITS[limit]
    monkeypatch.setattr(config_reading, limit, most)
    assert World().run()["problems"] == [problem]


@pytest.mark.parametrize("call", ["archive", "contents"])
def test_what_github_has_too_much_of_is_a_problem_of_the_configuration(call):
    world = World(ConfigRepository(repository="acme/config", ref="main", config="config.yaml"), SOURCE)
    world.github.fail(call, TooLargeError("more than 5 bytes"))
    assert "more than 5 bytes" in world.run()["problems"][0]


@pytest.mark.parametrize(
    ("path", "is_one"),
    [("jobs/a.yaml", True), ("a.yml", True), ("a.json", False), ("..data/a.yaml", False), ("jobs/..x.yaml", False)],
)
def test_job_files_are_those_that_prow_reads(path, is_one):
    assert is_job_file(path) is is_one


def test_prowignore_files_of_the_job_folders_count_and_others_do_not():
    files = FILES | {
        "jobs/templates/a.yaml": "{{ not yaml",
        "jobs/.prowignore": "/templates/\n",
        ".prowignore": "one.yaml\n",
    }
    world = World(files=files)
    assert "problems" not in world.run()
    assert world.jobs() == ["unit"]


def test_a_prowignore_that_cannot_be_used_keeps_the_last_good_configuration():
    world = World(files=FILES | {"jobs/.prowignore": "!\n"})
    (problem,) = world.run()["problems"]
    assert problem.startswith("jobs/.prowignore: not in gitignore's syntax")


def test_one_base_name_in_two_folders_is_refused():
    world = World(files=FILES | {"jobs/web/one.yaml": JOBS % "web"})
    (problem,) = world.run()["problems"]
    assert problem.startswith("acme/config/jobs/web/one.yaml: duplicated basename is not allowed: one.yaml")


def test_config_sources_are_a_json_list():
    text = '[{"repository": "acme/config", "ref": "main", "config": "config.yaml", "jobs": ["jobs/*"]}]'
    (source,) = ConfigRepository.parse(text)
    assert (source.origin, source.jobs) == ("acme/config@main", ("jobs/*",))
    assert ConfigRepository.parse("") == ()


ONE = '"repository": "a/b", "ref": "main"'
REFUSED = {
    "not JSON": "{",
    "not objects": "[1]",
    "no ref": '[{"repository": "a/b", "config": "c"}]',
    "an unknown key": f'[{{{ONE}, "config": "c", "job": ["x"]}}]',
    "more than JSON": "{}x",
    "nothing to read": f"[{{{ONE}}}]",
    "one glob instead of a list": f'[{{{ONE}, "jobs": "jobs/*"}}]',
    "an empty glob": f'[{{{ONE}, "jobs": [""]}}]',
    "a path that is no text": f'[{{{ONE}, "config": 1}}]',
    "no organisation": '[{"repository": "b", "ref": "main", "config": "c"}]',
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_other_config_sources_are_refused(text):
    with pytest.raises(ConfigError, match="CONFIG_SOURCES is not a list like"):
        ConfigRepository.parse(text)
