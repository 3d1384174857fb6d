from hypothesis import given
from hypothesis import strategies as st

from prowless.adapters.config_files import parse_document
from prowless.domain.config.central import CentralConfig
from prowless.domain.config.conflicts import MAX_CONFLICTS, list_problems
from prowless.domain.config.findings import MAX_ALL, MAX_PROBLEMS, MAX_TEXT, Problems
from prowless.domain.config.in_repo import compile_in_repo
from prowless.domain.config.jobs import Presubmit, RepositoryConfig
from prowless.domain.errors import ConfigError

PATTERNS = st.lists(st.sampled_from(["main", "^main$", "release-.*", "release-1", "m", "."]), max_size=3).map(tuple)
NAMES = st.sampled_from(["a", "b", "c"])
JOB = st.builds(Presubmit, name=NAMES, context=NAMES, branches=PATTERNS, skip_branches=PATTERNS, source=st.text("xyz"))


def every_pair(jobs):
    """The rule as Prow has it: each job against all before it."""
    told, twice = [], {}
    for later, job in enumerate(jobs):
        for other in jobs[:later]:
            meets = other.intersects(job)
            if meets and other.name == job.name:
                twice.setdefault(job.name, job.source)
            elif meets and other.context == job.context:
                text = f'jobs {other.name} and {job.name} report to the same GitHub context "{job.context}"'
                told.append((job.source, text))
    if twice:
        names = sorted(twice)
        text = f"duplicated presubmit jobs (consider both inrepo and central config): [{' '.join(names)}]"
        told.append((twice[names[0]], text))
    return told


@given(st.lists(JOB, max_size=9))
def test_the_conflicts_are_those_of_every_pair(jobs):
    assert list(list_problems(jobs, "presubmit")) == every_pair(jobs)


class Counting(Presubmit):
    asked = 0

    def runs_on(self, branch):
        type(self).asked += 1
        return super().runs_on(branch)

    def intersects(self, other):
        type(self).asked += 1
        return super().intersects(other)


def asked(jobs):
    Counting.asked = 0
    list(list_problems(jobs, "presubmit"))
    return Counting.asked


def test_jobs_with_one_name_and_context_cost_no_more_than_their_branches():
    def jobs(number):
        named = [Counting(name="a", context="a", branches=(f"^b{at}$",)) for at in range(number)]
        skipping = [Counting(name="a", context="a", skip_branches=("b", f"{at}$")) for at in range(number)]
        return [job for pair in zip(named, skipping, strict=True) for job in pair]

    assert asked(jobs(400)) < 3 * asked(jobs(200)) + 100


def test_only_the_first_conflicts_are_told():
    jobs = [Presubmit(name=f"a{at}", context="x", source=f"f:{at}") for at in range(MAX_CONFLICTS)]
    told = [text for _, text in list_problems(jobs, "presubmit")]
    assert len(told) == MAX_CONFLICTS + 1
    assert told[-1] == "and more presubmit jobs that report to the same GitHub contexts are not listed"
    twice = [Presubmit(name=f"a{at}", context=f"a{at}") for at in range(MAX_CONFLICTS + 2)] * 2
    ((_, text),) = list_problems(twice, "presubmit")
    assert text.endswith("] and 2 more")


def test_an_expression_that_is_none_is_told_of_elsewhere_and_meets_no_branch():
    jobs = [Presubmit(name="a", context="x", branches=("m",)), Presubmit(name="b", context="x", skip_branches=("(",))]
    assert list(list_problems(jobs, "presubmit")) == []


def test_a_long_context_of_many_jobs_makes_no_long_text():
    spec = "spec: {containers: [{image: b, command: [m]}]}"
    first = f"- {{name: a, context: &c {'x' * 100_000}, {spec}}}\n"
    text = "presubmits:\n" + first + "".join(f"- {{name: a{at}, context: *c, {spec}}}\n" for at in range(40))
    document = parse_document(".prow.yaml", text.encode())
    try:
        compile_in_repo([document], CentralConfig(), RepositoryConfig(repository="acme/app"))
    except ConfigError as error:
        found = error.problems
    assert any("report to the same GitHub context" in line for line in found)
    assert sum(map(len, found)) < 60_000


def test_all_text_about_a_configuration_is_bounded_and_one_line_each():
    problems = Problems()
    for number in range(2 * MAX_PROBLEMS):
        problems.error("f" * 5_000, f"{number}\n\x1b" + "x" * 10_000)
        problems.warn_once("f", f"{number}" + "x" * 10_000, "long-job-names")
        problems.note_once("f", f"{number}" + "x" * 10_000)
    for lines in (problems.all_errors(), problems.all_warnings()):
        assert sum(map(len, lines)) < 3 * MAX_ALL
        assert all(line.isprintable() and len(line) < 2 * MAX_TEXT for line in lines)
    assert problems.all_errors()[-1] == f"{MAX_PROBLEMS} more errors like these are not listed"


def test_an_error_of_a_configuration_is_bounded_by_itself():
    error = ConfigError(["x" * 10_000] * (ConfigError.MAX_PROBLEMS + 5))
    assert error.problems[-1] == "… and 5 more"
    assert len(str(error)) < (ConfigError.MAX_PROBLEM + 1) * (ConfigError.MAX_PROBLEMS + 1)
