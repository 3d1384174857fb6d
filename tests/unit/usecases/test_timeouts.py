"""How long a run may take (`pkg/apis/prowjobs/v1/types.go`, `default_job_timeout`)."""

import pytest

from prowless.domain.clusters import Cluster
from prowless.domain.config.central import CentralConfig
from prowless.domain.prowjob import ProwJobSpec, header
from prowless.domain.refs import JobType
from prowless.usecases.prepare import PrepareRun
from prowless.usecases.runs import Runs
from tests.fakes.clock import NOW, FixedClock
from tests.fakes.config import FixedConfig
from tests.fakes.stores import MemoryObjects, MemoryProwJobs

POD = {"containers": [{"name": "test", "image": "alpine", "command": ["true"]}]}


@pytest.mark.parametrize(("decoration", "seconds"), [({}, 600), ({"timeout": "90s"}, 90)])
def test_a_run_may_take_the_jobs_timeout_else_the_default_one(decoration, seconds):
    prowjobs = MemoryProwJobs()
    runs = Runs(prowjobs, MemoryObjects())
    central = CentralConfig(clusters={"default": Cluster(alias="default")}, default_job_timeout_ms=600_000)
    prepare = PrepareRun(runs=runs, config=FixedConfig(central=central), clock=FixedClock(), site="https://github.com")
    spec = ProwJobSpec(type=JobType.PERIODIC, job="unit", pod_spec=POD, decoration_config=decoration)
    runs.keep_spec("x", spec)
    prowjobs.create(header(spec, prowjob="x", build_id="5", cause="c", delivery="", created_at=NOW))
    prepare("x")
    assert prowjobs.get("x").deadline_at == NOW + seconds * 1000
    assert runs.manifest("x")["spec"]["activeDeadlineSeconds"] == seconds
