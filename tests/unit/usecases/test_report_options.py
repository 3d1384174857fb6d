"""`github_reporter` of config.yaml (`pkg/crier/reporters/github/reporter.go:115-137`)."""

import pytest

from prowless.domain.config.central import CentralConfig
from prowless.domain.prowjob import State
from prowless.domain.refs import JobType
from prowless.domain.status import owed
from tests.fakes.clock import NOW
from tests.unit.usecases.test_report import World

FAILED = {"state": State.FAILURE, "description": "Job failed.", "completed_at": NOW}


def world(**options):
    made = World()
    made.config.parts = CentralConfig(**options)
    return made


def test_types_that_are_not_to_be_reported_have_no_status():
    quiet = world(job_types_to_report=("postsubmit",))
    run = quiet.run(**FAILED)
    assert quiet.report.final(run) == {"next": "release"}
    assert (quiet.posts(), quiet.comments()) == (0, [])
    assert not owed(quiet.prowjobs.get(run))
    loud = world(job_types_to_report=("presubmit",))
    loud.report.final(loud.run(**FAILED))
    loud.report.final(loud.run(name="p", kind=JobType.POSTSUBMIT, **FAILED))
    assert loud.posts() == 1


@pytest.mark.parametrize("key", ["acme", "acme/app"])
def test_a_repository_without_comments_still_has_statuses(key):
    quiet = world(no_comment_repos=(key,))
    quiet.report.final(quiet.run(**FAILED))
    assert quiet.status().state == "failure"
    assert quiet.comments() == []
