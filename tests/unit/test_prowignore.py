import pytest

from prowless.adapters.prowignore import MAX_SIZE, ignore_rules
from prowless.domain.errors import ConfigError

RULES = {
    ".prowignore": b"# a comment\n*.gen.yaml\n/old/\n!keep.gen.yaml\n",
    "a/b/.prowignore": b"default.yaml\n!x.gen.yaml",
}


@pytest.mark.parametrize(
    ("path", "ignored"),
    [
        ("a/x.gen.yaml", True),
        ("keep.gen.yaml", False),  # the last pattern that matches decides
        ("old/y.yaml", True),
        ("a/old/y.yaml", False),  # a slash in front anchors
        ("a/default.yaml", False),  # a file below counts below
        ("a/b/default.yaml", True),
        ("a/b/c/default.yaml", True),
        ("a/b/x.gen.yaml", False),  # the nearest file that says something decides
        ("a/b/y.gen.yaml", True),
    ],
)
def test_patterns_are_those_of_gitignore(path, ignored):
    assert ignore_rules(RULES)(path) is ignored


def test_without_a_file_nothing_is_ignored():
    assert not ignore_rules({})("a/b.yaml")


@pytest.mark.parametrize("data", [b"!", b"[z-a]", b"\xff", b"a" * (MAX_SIZE + 1), b"b" * MAX_SIZE])
def test_a_file_that_cannot_be_used_is_refused_with_its_name(data):
    with pytest.raises(ConfigError, match=r"^a/\.prowignore: "):
        ignore_rules({"a/.prowignore": data})


def test_a_pattern_of_a_stranger_takes_linear_time():
    assert not ignore_rules({".prowignore": b"*a" * 300})("a" * 5_000 + "b")


def test_a_bracket_in_a_range_is_a_character():
    assert ignore_rules({".prowignore": b"[[a]"})("[")
