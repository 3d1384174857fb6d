"""How cost grows, as ratios of CPU times on the same machine. `make bench` shows the times themselves.

A ratio that is twice the growth of the input still tells linear from square.
"""

import pytest

from prowless.domain.regex import compile_regex
from tests.bench import worlds


def test_decisions_cost_the_same_however_large_the_other_repositories_are():
    one = worlds.shard(100)
    alone, among = worlds.published(one), worlds.published(one, others=1000)
    assert worlds.ratio(lambda: worlds.decide_cold(among), lambda: worlds.decide_cold(alone), 25) < 1.5


@pytest.mark.parametrize("patterns", [False, True])
def test_decisions_grow_with_the_number_of_jobs(patterns):
    few, many = (worlds.published(worlds.shard(jobs, patterns=patterns)) for jobs in (50, 400))
    assert worlds.ratio(lambda: worlds.decide_cold(many), lambda: worlds.decide_cold(few)) < 2 * 8


def test_a_hundred_times_the_changed_files_cost_little_more_than_one():
    config = worlds.shard(400)
    few, many = worlds.changed(3), worlds.changed(300)
    ratio = worlds.ratio(lambda: worlds.decide(config, files=many), lambda: worlds.decide(config, files=few))
    assert ratio < 4  # a search for each pattern in each name makes it 30


def test_a_command_for_one_job_does_not_pay_for_the_patterns_of_all():
    config = worlds.shard(400)

    def cold(event):
        worlds.forget()
        worlds.decide(config, event)

    assert worlds.ratio(lambda: cold(worlds.ASKED), lambda: cold(worlds.PUSHED)) < 1


def test_checking_a_configuration_grows_with_its_files():
    few, many = worlds.job_files(10), worlds.job_files(60)
    assert worlds.ratio(lambda: worlds.check(many), lambda: worlds.check(few), 3) < 2 * 6


@pytest.mark.parametrize("pattern", ["(a*)*b", "(a+)+$x", "(a|aa)+b", "(.*a){12}b", "a?" * 30 + "a{30}b"])
def test_a_strangers_pattern_takes_linear_time(pattern):
    regex = compile_regex(pattern)
    short, long = "a" * 2_000, "a" * 16_000
    assert not regex.search(long)
    assert worlds.ratio(lambda: regex.search(long), lambda: regex.search(short)) < 3 * 8
