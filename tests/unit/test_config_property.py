"""Branches, presets, decoration defaults and `.prowignore`, for whatever somebody writes."""

import copy

from hypothesis import given
from hypothesis import strategies as st

from prowless.adapters.prowignore import ignore_rules
from prowless.domain.config.jobs import Presubmit
from prowless.domain.config.presets import PresetError, with_defaults, with_presets
from prowless.domain.errors import ConfigError
from prowless.domain.regex import compile_regex

NAMES = st.sampled_from(["a", "b", "c"])
ITEMS = st.lists(
    st.builds(dict, name=NAMES, value=st.sampled_from(["1", "2"])), max_size=2, unique_by=lambda i: i["name"]
)
LABELS = st.dictionaries(NAMES, st.sampled_from(["1", "2"]), max_size=2)
PRESETS = st.lists(
    st.fixed_dictionaries({}, optional={"labels": LABELS, "env": ITEMS, "volumes": ITEMS, "volumeMounts": ITEMS}),
    max_size=3,
)
SPECS = st.fixed_dictionaries(
    {"containers": st.lists(st.fixed_dictionaries({"image": NAMES}, optional={"env": ITEMS}), max_size=2)},
    optional={"volumes": ITEMS},
)


@given(SPECS, LABELS, PRESETS)
def test_presets_only_add_each_name_once_and_leave_the_job_as_it_is(spec, labels, presets):
    before = copy.deepcopy(spec)
    try:
        found = with_presets(spec, labels, presets)
    except PresetError:
        return
    finally:
        assert spec == before
    chosen = [p for p in presets if all(labels.get(key) == value for key, value in (p.get("labels") or {}).items())]
    for own, merged in zip(before["containers"], found["containers"], strict=True):
        wanted = [*own.get("env", ()), *(item for preset in chosen for item in preset.get("env", ()))]
        assert merged.get("env", []) == wanted
        assert len({item["name"] for item in wanted}) == len(wanted)
    assert found.get("volumes", []) == [*before.get("volumes", ()), *(v for p in chosen for v in p.get("volumes", ()))]


DECORATIONS = st.fixed_dictionaries(
    {},
    optional={
        "timeout": st.sampled_from(["1h", "2h"]),
        "skip_cloning": st.booleans(),
        "ssh_key_secrets": st.lists(NAMES, max_size=2),
        "gcs_configuration": st.dictionaries(
            st.sampled_from(["bucket", "path_prefix"]), st.sampled_from(["", "x", "y"])
        ),
        "utility_images": st.dictionaries(st.sampled_from(["clonerefs", "sidecar"]), st.sampled_from(["", "x", "y"])),
    },
)


@given(DECORATIONS, DECORATIONS)
def test_a_decoration_keeps_what_it_says_and_takes_the_rest(own, defaults):
    found = with_defaults(own, defaults)
    assert set(found) == {*(name for name, value in own.items() if value != []), *defaults}
    for name, value in own.items():
        if isinstance(value, dict):
            assert all(found[name][key] == item for key, item in value.items() if item)
        elif value != []:
            assert found[name] == value
    for name, value in defaults.items():
        if name not in own or own[name] == []:
            assert found[name] == value
    assert with_defaults(found, defaults) == found


PATTERNS = st.lists(st.sampled_from(["main", "^main$", "rel-.*", "^v[0-9]+$", "a.c", ""]), max_size=3).map(tuple)
BRANCHES = st.text("mainrel-v0ac/", max_size=8)


@given(PATTERNS, PATTERNS, BRANCHES)
def test_a_branch_is_one_of_the_list_unless_it_is_skipped(branches, skipped, branch):
    job = Presubmit(name="a", branches=branches, skip_branches=skipped)
    listed = not branches or any(compile_regex(pattern).search(branch) for pattern in branches)
    left_out = any(compile_regex(pattern).search(branch) for pattern in skipped)
    assert job.runs_on(branch) is (listed and not left_out)


@given(
    st.binary(max_size=40) | st.text("ab*?/![]\\-#\n ", max_size=40).map(str.encode),
    st.text("ab/é", min_size=1, max_size=9),
)
def test_any_prowignore_answers_or_is_refused_with_its_name(data, path):
    try:
        answer = ignore_rules({".prowignore": data})(path)
    except ConfigError as error:
        answer = error.problems[0].startswith(".prowignore: ") or str(error)
    assert answer in {True, False}


@given(
    st.lists(st.sampled_from(["a", "*.b", "/a/", "b/**", "?"]), max_size=4),
    st.sampled_from(["a", "a/b", "b/a", "x.b", "a/x.b"]),
)
def test_comments_and_blank_lines_of_prowignore_say_nothing_and_a_last_negation_wins(lines, path):
    plain = ignore_rules({".prowignore": "\n".join(lines).encode()})
    noted = ignore_rules({".prowignore": "\n\n# x\n".join(["# y", *lines, ""]).encode()})
    assert noted(path) is plain(path)
    assert not ignore_rules({".prowignore": "\n".join([*lines, f"!/{path}"]).encode()})(path)
