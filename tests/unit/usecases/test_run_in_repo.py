"""What a job of the repository's own files may ask of a cluster: what nobody lifted a rule for."""

import json

import pytest

from prowless.domain.clusters import Cluster
from prowless.domain.config.central import CentralConfig
from prowless.domain.errors import PermanentError
from tests.unit.usecases.test_run import ID, World

PRIVILEGED = {"containers": [{"name": "test", "image": "alpine", "securityContext": {"privileged": True}}]}


@pytest.fixture
def world(monkeypatch):
    lifted = CentralConfig(clusters={"default": Cluster(alias="default", allow=("privileged",))})
    monkeypatch.setattr("tests.fakes.config.FixedConfig.central", lambda _: lifted)
    return World(PRIVILEGED)


def mark(world):
    key = f"runs/{ID}/spec.{world.prowjobs.get(ID).spec_digest}.json"
    spec = {**world.state.json(key), "in_repo": True}
    world.state.put(key, json.dumps(spec).encode(), "application/json")


def test_a_rule_that_the_cluster_lifts_is_lifted_for_central_jobs(world):
    assert world.prepare(ID) == {"next": "submit"}


def test_and_not_for_the_repositorys_own(world):
    mark(world)
    with pytest.raises(PermanentError, match="privileged"):
        world.prepare(ID)


def test_submit_judges_again_by_the_same_rules(world):
    world.prepare(ID)
    mark(world)
    with pytest.raises(PermanentError, match="privileged"):
        world.submit(ID)
    assert world.engine.runs == {}
