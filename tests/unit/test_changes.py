"""Changed files: each pattern's answer is what a search per file says, however many patterns are asked at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prowless.domain.changes import Changes
from prowless.domain.config.jobs import Postsubmit
from prowless.domain.errors import ConfigError
from prowless.domain.regex import RegexSet, compile_regex, compile_set


def post(**fields):
    return Postsubmit(name="p", **fields)


def deciding(job, files, *others):
    return Changes(lambda: files, [job, *others], "main").deciding_file(job)


@pytest.mark.parametrize(
    ("fields", "files", "wanted"),
    [
        ({"run_if_changed": r"\.go$"}, ["a.md", "b.go", "c.go"], "b.go"),
        ({"run_if_changed": r"\.go$"}, ["a.md"], None),
        ({"run_if_changed": r"\.go$"}, [], None),
        ({"skip_if_only_changed": r"\.md$"}, ["a.md", "b.go", "c.go"], "b.go"),
        ({"skip_if_only_changed": r"\.md$"}, ["a.md"], None),
        ({"skip_if_only_changed": r"\.md$"}, [], None),
        ({"run_if_changed": "b"}, ["a/b/c"], "a/b/c"),  # unanchored
        ({"run_if_changed": "^a$"}, ["a\nb"], None),  # a name is one text, not lines
    ],
)
def test_the_first_file_that_matches_or_that_is_not_skipped_decides(fields, files, wanted):
    assert deciding(post(**fields), files) == wanted


def test_a_pattern_may_run_one_job_and_skip_another():
    run, skip = post(run_if_changed=r"\.md$"), post(skip_if_only_changed=r"\.md$")
    changes = Changes(lambda: ["a.go", "b.md"], [run, skip], "main")
    assert (changes.deciding_file(run), changes.deciding_file(skip)) == ("b.md", "a.go")


def test_only_patterns_of_the_branchs_jobs_are_compiled():
    broken = post(run_if_changed="(?=x)", branches=("release",))
    assert deciding(post(run_if_changed="a"), ["a"], broken) == "a"


def test_nothing_is_fetched_before_a_job_asks():
    asked = []
    Changes(lambda: asked.append("files"), [post(run_if_changed="a")], "main")
    assert asked == []


def test_a_pattern_that_re2_refuses_is_a_problem_of_the_configuration():
    with pytest.raises(ConfigError, match=r"error parsing regexp: .*\(\?=x\)"):
        deciding(post(run_if_changed="a"), ["b"], post(run_if_changed="(?=x)"))


def test_patterns_that_are_too_large_together_are_searched_one_by_one():
    large = tuple(rf"{number}x\pL{{25}}$" for number in range(100))
    assert compile_set(large).search("27x" + "é" * 25) == [7, 27]


def test_a_set_that_gives_up_is_searched_pattern_by_pattern():
    class OutOfMemory:
        def Match(self, text):  # noqa: N802  # RE2's name
            return None

    assert RegexSet(("a", "b", "c$"), OutOfMemory()).search("abc d") == [0, 1]


NAMES = st.text("ab/.\n-é\ud800", max_size=8)
ATOMS = st.sampled_from(
    [
        *["a", "b", "é", ".", "/", r"\.", "^", "$", r"\A", r"\z", r"\b", r"\B", "[^a]", "[ab]", r"\s", r"\S", r"\W"],
        *[r"\pL", "(?i)A", "(?s).", "(?m)^", "(?m)$", "(a|b)", "(?:a|)", "(?U)a+", r"\C"],
    ]
)
PATTERNS = st.builds(
    "".join,
    st.lists(st.builds("".join, st.tuples(ATOMS, st.sampled_from(["", "*", "+", "?", "{2}", "|"]))), max_size=5),
)


def searched(job, files):
    """The rule file by file (`pkg/config/jobs.go:461-480`)."""
    if job.run_if_changed:
        return next((name for name in files if compile_regex(job.run_if_changed).search(name)), None)
    return next((name for name in files if not compile_regex(job.skip_if_only_changed).search(name)), None)


@given(st.lists(st.tuples(PATTERNS.filter(bool), st.booleans()), min_size=1, max_size=6), st.lists(NAMES, max_size=6))
def test_patterns_together_answer_as_each_alone(patterns, files):
    jobs = [post(**{"run_if_changed" if run else "skip_if_only_changed": pattern}) for pattern, run in patterns]
    changes = Changes(lambda: files, jobs, "main")
    try:
        alone = [searched(job, files) for job in jobs]
        for job in jobs:
            compile_regex(job.run_if_changed or job.skip_if_only_changed)
    except ConfigError:
        return
    assert [changes.deciding_file(job) for job in jobs] == alone


@given(st.lists(PATTERNS, max_size=6, unique=True), NAMES)
def test_a_set_finds_what_its_patterns_find(patterns, text):
    try:
        alone = [at for at, pattern in enumerate(patterns) if compile_regex(pattern).search(text)]
    except ConfigError:
        return
    assert sorted(compile_set(tuple(patterns)).search(text)) == alone
