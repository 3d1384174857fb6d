"""A push both stops and starts (`pkg/plugins/trigger/pull-request.go:122-127`)."""

import pytest

from prowless.domain.errors import RetryableError
from tests.unit.usecases.test_dispatch import World


def test_a_push_starts_the_new_heads_jobs_though_older_runs_could_not_be_stopped(monkeypatch):
    world = World()

    def abort(*arguments, **options):
        raise RetryableError("503 from the table")

    monkeypatch.setattr(world.aborts, "abort_pull", abort)
    with pytest.raises(RetryableError, match="1 actions failed: 503 from the table"):
        world.pull_event("synchronize")
    assert world.jobs() == ["unit"]
    monkeypatch.undo()
    world.dispatch([{"delivery": "g1"}])
    assert world.jobs() == ["unit"]
