import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.render.samples import REFS, TOOLS

from prowless.domain.errors import ConfigError
from prowless.domain.refs import Pull, Refs
from prowless.domain.render import checkout


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({}, "github.com/o/r"),
        ({"path_alias": "k8s.io/r"}, "k8s.io/r"),
        ({"repo_link": "https://git.example.org/o/r"}, "git.example.org/o/r"),
        ({"path_alias": "k8s.io/r", "repo_link": "https://git.example.org/o/r"}, "k8s.io/r"),
        ({"path_alias": "a/./b//c/../d"}, "a/b/d"),
    ],
)
def test_a_repository_stands_where_clonerefs_puts_it(fields, path):
    assert checkout.path(Refs(org="o", repo="r", **fields)) == f"/home/prow/go/src/{path}"


@pytest.mark.parametrize("alias", ["../../etc", "a/../../x", "..", "."])
def test_a_path_alias_cannot_leave_the_source_folder(alias):
    with pytest.raises(ConfigError, match="path_alias"):
        checkout.script([Refs(org="o", repo="r", base_ref="m", path_alias=alias)])


def test_the_clone_uri_is_the_one_given_else_from_the_link_else_githubs():
    assert checkout.clone_uri(Refs(org="o", repo="r", clone_uri="git@h:o/r", repo_link="https://h/o/r")) == "git@h:o/r"
    assert checkout.clone_uri(Refs(org="o", repo="r", repo_link="https://h/o/r")) == "https://h/o/r.git"
    assert checkout.clone_uri(Refs(org="o", repo="r")) == "https://github.com/o/r.git"


def test_containers_start_in_the_first_repository_unless_another_says_workdir():
    assert checkout.working_directory([REFS, TOOLS]).endswith("/acme/app")
    workdir = Refs.from_dict(TOOLS.to_dict() | {"workdir": True})
    assert checkout.working_directory([REFS, workdir]).endswith("/example.org/tools")


@pytest.mark.parametrize(
    "fields",
    [
        {"base_ref": "--upload-pack=x"},
        {"base_ref": ""},
        {"base_ref": "m", "base_sha": "-x"},
        {"base_ref": "m", "merged_sha": "-x"},
        {"base_ref": "m", "clone_uri": "--config=x"},
        {"base_ref": "m", "pulls": (Pull(number=1, sha="-x"),)},
        {"base_ref": "m", "pulls": (Pull(number=1, sha="a", ref="--x"),)},
    ],
)
def test_a_value_that_git_would_take_for_an_option_is_refused(fields):
    with pytest.raises(ConfigError, match="refs of o/r"):
        checkout.script([Refs(org="o", repo="r", **fields)])


def test_a_pull_is_fetched_by_its_ref_else_its_sha_else_its_number():
    pulls = (Pull(number=1, sha="a", ref="refs/x"), Pull(number=2, sha="b"), Pull(number=3, sha=""))
    text = checkout.script([Refs(org="o", repo="r", base_ref="m", pulls=pulls)])
    fetched = [line.split()[-1] for line in text.splitlines() if line.startswith("fetch https")]
    assert fetched == ["--prune", "m", "refs/x", "b", "pull/3/head"]
    merged = [line.split()[-1] for line in text.splitlines() if "merge --no-ff" in line]
    assert merged == ["a", "b", "FETCH_HEAD"]


@given(st.text("$({`\"' \\;{x", min_size=1))
def test_no_template_language_finds_anything_in_the_script_itself(name):
    plain = checkout.script([REFS, TOOLS])
    assert "$(" not in plain
    assert "{{" not in plain
    text = checkout.script([Refs(org="o", repo="r", base_ref=f"b{name}")])
    assert len(text.splitlines()) == len(checkout.script([Refs(org="o", repo="r", base_ref="b")]).splitlines())
