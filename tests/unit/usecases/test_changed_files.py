"""Where the changed files of an event come from (`pkg/config/jobs.go:564`)."""

from prowless.ports.github import ChangedFile
from tests.unit.usecases.test_dispatch import World


def test_changed_files_are_asked_of_github_at_most_once_an_event():
    world = World()
    world.comment("/test all")
    assert len(world.github.calls_of("pull_files")) == 1


def test_a_rename_is_its_new_name():
    world = World()
    moved = ChangedFile(filename="src/a.md", status="renamed", previous_filename="docs/a.md")
    world.github.pull_files = lambda repository, number: [moved]
    assert world.pull_event()["docs"] == ("skip", "run_if_changed")
    world.github.pull_files = lambda repository, number: [ChangedFile(filename="docs/a.md", status="renamed")]
    assert world.comment("/test all")["docs"] == ("run", "run_if_changed")
