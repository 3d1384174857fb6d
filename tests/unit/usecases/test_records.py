import json

from prowless.domain.prowjob import ProwJobSpec, header
from prowless.domain.refs import JobType
from prowless.usecases.records import Records
from tests.fakes.clock import NOW, FixedClock
from tests.fakes.stores import MemoryArtifacts


def test_files_go_to_the_bucket_that_the_job_names():
    artifacts = MemoryArtifacts()
    gcs = {"bucket": "s3://results"}
    for name, decoration in (("mine", {"gcs_configuration": gcs}), ("other", {})):
        spec = ProwJobSpec(type=JobType.PERIODIC, job=name, decoration_config=decoration)
        row = header(spec, prowjob=name, build_id="5", cause="c", delivery="", created_at=NOW)
        Records(artifacts=artifacts, clock=FixedClock()).finished(spec, row)
    named, own = artifacts.bucket("s3://results"), artifacts.bucket("")
    assert json.loads(named.get("logs/mine/5/finished.json"))["timestamp"] == NOW // 1000
    assert named.get("logs/other/5/finished.json") is None
    assert own.get("logs/other/5/finished.json") is not None
    assert own.get("logs/mine/5/finished.json") is None
