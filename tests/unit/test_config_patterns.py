"""The regular expressions of all jobs together are bounded: each alone may be harmless."""

import pytest

from prowless.adapters.config_files import parse_document
from prowless.domain.config.central import CentralConfig
from prowless.domain.config.in_repo import compile_in_repo
from prowless.domain.config.jobs import RepositoryConfig
from prowless.domain.config.patterns import MAX_OWN_PROGRAM, PatternBudget
from prowless.domain.errors import ConfigError

SPEC = "{containers: [{image: b, command: [m]}]}"


def compiled(kind, pattern, number):
    jobs = "".join(f"- {{name: a{at}, run_if_changed: '{pattern}{at}', spec: {SPEC}}}\n" for at in range(number))
    document = parse_document(".prow.yaml", f"{kind}:\n{jobs}".encode())
    return compile_in_repo([document], CentralConfig(), RepositoryConfig(repository="acme/app"))


@pytest.mark.parametrize("kind", ["presubmits", "postsubmits"])
def test_a_repository_with_many_large_expressions_is_refused_at_the_first_that_is_too_much(kind):
    with pytest.raises(ConfigError) as raised:
        compiled(kind, r"\pL{25}", 40)
    (problem,) = raised.value.problems
    assert f"compiled, they have more than {MAX_OWN_PROGRAM} instructions" in problem
    line = int(problem.split(":")[1])
    assert 2 < line < 15


def test_the_most_jobs_with_ordinary_expressions_are_within_the_bound():
    assert (
        len(compiled("presubmits", r"^(cmd|pkg|internal)/component/.*\.(go|yaml|sh)$|^Makefile", 800).presubmits) == 800
    )


def test_an_expression_that_is_used_again_counts_once():
    budget = PatternBudget(20)
    assert budget.affords(["abcdef", "", "("])
    assert budget.affords(["abcdef"] * 100)
    assert not budget.affords(["abcdef" * 5, "x"])
    assert not budget.affords([])
