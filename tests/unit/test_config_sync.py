import pytest

from prowless.adapters.config_files import parse_document
from prowless.adapters.prowignore import ignore_rules
from prowless.domain.errors import ConfigError, RetryableError
from prowless.usecases.config_sources import ConfigRepository
from prowless.usecases.config_sync import SyncConfig, is_job_file
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
        self.sync = SyncConfig(
            repositories=sources or (SOURCE,),
            github=self.github,
            objects=self.objects,
            parse=parse_document,
            ignore_rules=ignore_rules,
            clock=self.clock,
        )
        self.config = SnapshotConfig(self.objects, self.clock)

    def run(self):
        return self.sync({"repository": "acme/config", "sha": "f" * 40})

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
    world.sync({"repository": "acme/config", "sha": "0" * 40})
    assert world.jobs() == ["newest"]


def test_a_push_during_the_sync_is_not_lost():
    world = World()

    def parse_and_push_once(path, data):
        if b"unit" in data:
            world.push({"jobs/app/one.yaml": JOBS % "pushed-meanwhile"})
        return parse_document(path, data)

    sync = SyncConfig(
        repositories=(SOURCE,),
        github=world.github,
        objects=world.objects,
        parse=parse_and_push_once,
        ignore_rules=ignore_rules,
        clock=world.clock,
    )
    sync({})
    assert world.jobs() == ["pushed-meanwhile"]


def test_a_branch_that_never_rests_is_tried_again_later():
    world = World()

    def parse_and_push(path, data):
        world.push({"NEWS": str(len(world.github.calls_of("contents")))})
        return parse_document(path, data)

    sync = SyncConfig(
        repositories=(SOURCE,),
        github=world.github,
        objects=world.objects,
        parse=parse_and_push,
        ignore_rules=ignore_rules,
        clock=world.clock,
    )
    with pytest.raises(RetryableError, match="moved during every try"):
        sync({})
    assert world.objects.get("config/current.json") is None


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


def test_a_failure_of_github_is_not_a_failure_of_the_configuration():
    world = World()
    world.github.fail("contents", RetryableError("GitHub answered 502"))
    with pytest.raises(RetryableError):
        world.run()
    assert world.objects.get("config/last_error.json") is None


def test_without_sources_there_is_nothing_to_sync():
    world = World()
    sync = SyncConfig(
        repositories=(),
        github=world.github,
        objects=world.objects,
        parse=parse_document,
        ignore_rules=ignore_rules,
        clock=world.clock,
    )
    assert "CONFIG_SOURCES is empty" in sync({})["problems"][0]


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


@pytest.mark.parametrize("text", ["{", "[1]", '[{"repository": "a/b"}]', '[{"repo": "a/b", "ref": "x"}]', "{}x"])
def test_other_config_sources_are_refused(text):
    with pytest.raises(ConfigError, match="CONFIG_SOURCES is not a list like"):
        ConfigRepository.parse(text)
