"""What the GitHub in memory offers to tests beyond the port."""

from __future__ import annotations

import pytest
from tests.fakes.github import MemoryGitHub

from prowless.domain.errors import AmbiguousError, NotFoundError, RetryableError
from prowless.ports.github import Status

STATUS = Status(context="unit", state="success")


@pytest.fixture
def github() -> MemoryGitHub:
    memory = MemoryGitHub()
    memory.create_repository("o/r")
    return memory


def test_every_call_is_kept(github: MemoryGitHub) -> None:
    sha = github.ref("o/r", "heads/main")
    github.create_status("o/r", sha, STATUS)
    assert github.calls == [("ref", ("o/r", "heads/main")), ("create_status", ("o/r", sha, STATUS))]
    assert github.calls_of("create_status") == [("o/r", sha, STATUS)]


def test_a_call_fails_before_its_effect(github: MemoryGitHub) -> None:
    sha = github.ref("o/r", "heads/main")
    github.fail("create_status", RetryableError("limit", retry_after_ms=5000), times=2)
    for _ in range(2):
        with pytest.raises(RetryableError):
            github.create_status("o/r", sha, STATUS)
    assert github.statuses("o/r", sha) == {}
    github.create_status("o/r", sha, STATUS)
    assert github.statuses("o/r", sha) == {"unit": STATUS}


def test_a_call_fails_after_its_effect(github: MemoryGitHub) -> None:
    sha = github.ref("o/r", "heads/main")
    github.fail("create_status", AmbiguousError("lost"), after=True)
    with pytest.raises(AmbiguousError):
        github.create_status("o/r", sha, STATUS)
    assert github.statuses("o/r", sha) == {"unit": STATUS}


def test_other_calls_are_answered_as_set(github: MemoryGitHub) -> None:
    github.answer("GET", "/rate_limit", {"rate": {}})
    github.answer("POST", "/echo", lambda body: body)
    github.answer("GET", "/gone", NotFoundError("gone"))
    assert github.request("GET", "/rate_limit") == {"rate": {}}
    assert github.request("POST", "/echo", [1]) == [1]
    for path in ("/gone", "/never-set"):
        with pytest.raises(NotFoundError):
            github.request("GET", path)


def test_a_pulls_fields_can_be_set(github: MemoryGitHub) -> None:
    number = github.open_pull("o/r", {"a": "1"}, labels=["lgtm"]).number
    github.change_pull("o/r", number, mergeable=None, labels=["ok-to-test"])
    pull = github.pull("o/r", number)
    assert (pull.mergeable, pull.labels) == (None, ("ok-to-test",))
