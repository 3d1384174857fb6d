import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prowless.domain.config.jobs import (
    Periodic,
    Postsubmit,
    Presubmit,
    RepositoryConfig,
)
from prowless.domain.refs import Refs
from prowless.domain.trust import TrustOptions


def post(**fields):
    return Postsubmit(name="p", context="p", **fields)


@pytest.mark.parametrize(
    ("fields", "branch", "runs"),
    [
        ({}, "anything", True),
        ({"branches": ("master",)}, "my-master-2", True),  # unanchored
        ({"branches": ("^master$",)}, "my-master-2", False),
        ({"branches": ("^master", "release-.+$")}, "old-release-1", True),  # joined with `|`
        ({"branches": ("main",), "skip_branches": ("main",)}, "main", False),  # skip wins
        ({"skip_branches": ("^release-",)}, "main", True),
        ({"skip_branches": ("^release-",)}, "release-1", False),
    ],
)
def test_branches(fields, branch, runs):
    assert post(**fields).runs_on(branch) is runs


@pytest.mark.parametrize(
    ("one", "other", "intersect"),
    [
        ({}, {"branches": ("main",)}, True),
        ({"branches": ("main",)}, {"branches": ("main", "dev")}, True),
        ({"branches": ("main",)}, {"branches": ("^main$",)}, False),  # expressions are not compared
        ({"branches": ("main",)}, {"skip_branches": ("main",)}, False),
        ({"branches": ("main",)}, {"skip_branches": ("dev",)}, True),
        ({"skip_branches": ("a",)}, {"skip_branches": ("b",)}, True),
    ],
)
def test_whether_two_jobs_share_a_branch(one, other, intersect):
    assert post(**one).intersects(post(**other)) is intersect
    assert post(**other).intersects(post(**one)) is intersect


WORDS = st.text("abc-", min_size=1, max_size=6)
JOBS = st.builds(
    Presubmit,
    name=WORDS,
    context=WORDS,
    always_run=st.booleans(),
    branches=st.lists(WORDS, max_size=2).map(tuple),
    labels=st.dictionaries(WORDS, WORDS, max_size=2),
    spec=st.none() | st.just({"containers": [{"image": "x", "args": ["1"]}]}),
    max_concurrency=st.integers(0, 3),
    extra_refs=st.lists(st.builds(Refs, org=WORDS, repo=WORDS, workdir=st.booleans()), max_size=2).map(tuple),
)


@given(st.lists(JOBS, max_size=3), st.none() | st.booleans())
def test_a_shard_survives_json(jobs, always_run):
    config = RepositoryConfig(
        repository="acme/app",
        presubmits=tuple(jobs),
        postsubmits=(post(always_run=always_run),),
        trust=TrustOptions(trusted_org="friends"),
    )
    assert RepositoryConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_a_shard_of_a_newer_release_is_readable():
    job = Periodic(name="p", cron="@daily", tags=("a",))
    assert Periodic.from_dict({**job.to_dict(), "invented_later": 1}) == job


def test_a_postsubmit_that_says_never_is_not_one_that_says_nothing():
    assert "always_run" not in post().to_dict()
    assert post(always_run=False).to_dict()["always_run"] is False


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"cron": "@daily"}, "cron @daily"),
        ({"interval": "1h"}, "interval 1h"),
        ({"minimum_interval": "1h"}, "minimum_interval 1h"),
    ],
)
def test_a_periodics_rule_has_one_text(fields, text):
    assert Periodic(name="p", **fields).schedule == text
