import pytest
from hypothesis import given
from hypothesis import strategies as st

from prowless.domain.errors import ConfigError
from prowless.domain.regex import _KEPT, _MAX_KEPT, MAX_PATTERN, compile_regex, forget


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("master", "my-master-2", True),  # unanchored
        ("foo$", "foo\n", False),  # `$` is the end only
        ("(?m)foo$", "foo\nbar", True),
        (r"^\s$", "\v", False),
        (r"^\s$", "\u00a0", False),
        (r"^\d$", "\u0663", False),
        ("[[:alpha:]]+", "123", False),
        (r"(?:(?m)^/test x)", "a\n/test x", True),  # a flag inside of a group
        (r"\pL", "\u00e9", True),
        ("^.$", "\u00e9", True),
        (r"\Qa.b\E", "axb", False),
        ("(?U)^a+", "aaa", True),
        (r"a\z", "a", True),
    ],
)
def test_patterns_mean_what_they_mean_in_go(pattern, text, found):
    assert compile_regex(pattern).search(text) is found


@pytest.mark.parametrize("pattern", ["(?=a)", "(?<!a)b", r"(a)\1", "[", "(", "a**", "x{1001}"])
def test_what_re2_does_not_know_is_a_problem_of_the_configuration(pattern):
    with pytest.raises(ConfigError, match="error parsing regexp"):
        compile_regex(pattern)


def test_patterns_are_bounded_in_length_and_memory():
    with pytest.raises(ConfigError, match="longer than"):
        compile_regex("a" * (MAX_PATTERN + 1))
    with pytest.raises(ConfigError, match="too large"):
        compile_regex(r"\pL{50}")


def test_the_bounds_leave_room_for_long_lists_of_folders_and_branches():
    folders = "|".join(f"^(pkg|cmd)/component-{number}/.*" for number in range(100))
    assert compile_regex(folders).search("cmd/component-99/a.go")
    branches = "|".join(f"^release-4.{number}$" for number in range(300))
    assert compile_regex(branches).search("release-4.299")


def test_what_is_kept_compiled_is_bounded_in_size():
    forget()
    for number in range(100):
        compile_regex(rf"\pL{{25}}{number}")
    assert _KEPT.size <= _MAX_KEPT
    assert 0 < len(_KEPT.found) < 100
    assert compile_regex(r"\pL{25}99") is compile_regex(r"\pL{25}99")


def test_a_bad_pattern_writes_nothing_to_stderr(capfd):
    with pytest.raises(ConfigError):
        compile_regex("(?=quiet)")
    assert capfd.readouterr().err == ""


@given(st.text(max_size=30), st.text(max_size=50))
def test_any_pattern_and_text_give_an_answer_or_a_problem(pattern, text):
    try:
        regex = compile_regex(pattern)
    except ConfigError:
        return
    assert regex.search(text) in {True, False}


def test_half_a_character_does_not_stop_the_search():
    assert compile_regex("(?m)^/test x$").search("\ud800\n/test x")
