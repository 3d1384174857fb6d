"""A run from the webhook to the status."""

from __future__ import annotations


def test_a_pull_request_goes_green(world):
    pull = world.open_pull()
    assert pull.state() == "pending"
    pull.await_state("success", within=60)
    world.rest()
    assert pull.posted() == ["pending", "success"]
    assert len(world.created) == 1
