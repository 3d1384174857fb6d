from __future__ import annotations

import uuid

import pytest
from tests.contract.engines.scripted_api import ScriptedApi
from tests.contract.engines.worlds import EmbeddedWorld, MemoryWorld, ScriptedWorld

from prowless_local.cluster import EmbeddedCluster

KINDS = ("Workflow", "PipelineRun", "Pod")


@pytest.fixture(params=[f"{where}-{kind}" for where in ("memory", "scripted", "embedded") for kind in KINDS])
def world(request, tmp_path):
    where, _, kind = request.param.partition("-")
    if where == "memory":
        yield MemoryWorld(kind)
    elif where == "scripted":
        scripted = ScriptedWorld(kind)
        yield scripted
        scripted.close()
    else:
        with EmbeddedCluster("default", scratch=tmp_path) as embedded:
            yield EmbeddedWorld(kind, embedded)


@pytest.fixture
def api():
    scripted = ScriptedApi()
    yield scripted
    scripted.close()


@pytest.fixture
def prowjob():
    return str(uuid.uuid4())
