import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prowless.adapters import config_files
from prowless.adapters.config_files import parse_document
from prowless.domain.errors import ConfigError


def parse(text):
    return parse_document("f.yaml", text.encode())


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("yes", True),
        ("on", True),
        ("y", True),
        ("Off", False),
        ("tRue", "tRue"),
        ('"yes"', "yes"),
        ("!!str yes", "yes"),
        ("~", None),
        ("", None),
        ("012", 10),
        ("0o12", 10),
        ("0x1F", 31),
        ("0b11", 3),
        ("-7", -7),
        ("+7", 7),
        ("1_000", 1000),
        ("08", 8.0),  # not octal, so Go reads a float
        ("1.10", 1.1),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("0.1.2", "0.1.2"),
        ("1:30", "1:30"),
        ("2026-01-02", "2026-01-02"),
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
        ("1.2.3", "1.2.3"),
        ("-", [None]),
        ("<<", "<<"),
        ("|\n    a\n    b\n", "a\nb\n"),
        (">-\n    a\n    b\n", "a b"),
    ],
)
def test_scalars_are_read_as_go_reads_them(written, read):
    value = parse(f"key: {written}" if written != "-" else "key:\n-").data["key"]
    assert value == read
    assert type(value) is type(read)


def test_positions_are_kept_for_mappings_and_keys():
    data = parse("a: 1\njobs:\n- name: x\n  spec:\n    k: v\n- name: y\n").data
    assert data.line_of("jobs") == 2
    assert [job.line for job in data["jobs"]] == [3, 6]
    assert data["jobs"][0].line_of("spec") == 4
    assert data["jobs"][0].line_of("nothing") == 3


def test_keys_become_texts():
    assert list(parse("1: a\ntrue: b\nyes: c\n1.5: d").data) == ["1", "true", "1.5"]


def test_anchors_and_merge_keys():
    text = "base: &base {a: 1, b: 2}\nmore: &more {b: 3, c: 4}\none:\n  <<: *base\n  b: 9\ntwo:\n  <<: [*base, *more]\n"
    data = parse(text).data
    assert data["one"] == {"a": 1, "b": 9}
    assert data["two"] == {"a": 1, "b": 2, "c": 4}


def test_a_key_that_stands_twice_is_told_and_the_last_one_counts():
    document = parse("a: 1\nb: 2\na: 3\n")
    assert document.data["a"] == 3
    assert document.warnings == ("f.yaml:3: the key 'a' stands here again; line 1 is lost",)


def test_only_the_first_document_counts_and_that_is_told():
    document = parse("a: 1\n---\na: 2\n")
    assert document.data == {"a": 1}
    assert document.warnings == ("f.yaml:2: only the first document of a file is read",)


def test_an_empty_file_holds_nothing():
    assert parse("# nothing\n").data is None


def test_gzip_is_unpacked():
    assert parse_document("f.yaml", gzip.compress(b"a: 1")).data == {"a": 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("branches:\n- ^master|v.+\n-branch$: [", r"f\.yaml:\d+: not YAML"),
        ("a: [1\nb: 2\n", r"f\.yaml:\d+: not YAML"),
        ("a: *nobody\n", r"f\.yaml:1: the alias \*nobody"),
        ("a: &a [*a]\n", r"f\.yaml:1: the alias \*a"),
        ("a: .inf\n", "not a number that JSON knows"),
        ("a: {<<: 1}\n", "map merge requires map"),
        ("? [a]\n: 1\n", "key must be a text"),
        ("[" * 200, "nested deeper|not YAML"),
        ("a: \x01", "not YAML"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line(text, message):
    with pytest.raises(ConfigError, match=message):
        parse(text)


def test_aliases_cannot_multiply_without_end():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(ConfigError, match="aliases expanded"):
        parse("\n".join(lines))


def test_merges_count_as_well():
    base = "base: &base {" + ", ".join(f"k{n}: 1" for n in range(40)) + "}\n"
    text = base + "".join(f"m{n}: {{<<: *base}}\n" for n in range(10))
    with pytest.raises(ConfigError, match="more than 500 values, aliases expanded"):
        parse_document("f.yaml", text.encode(), max_nodes=500)


def test_long_texts_that_are_repeated_count_by_their_length():
    text = f"a: &a {'x' * 10_000}\nb: [{', '.join(['*a'] * 10)}]\n"
    with pytest.raises(ConfigError, match="more than 500 values, aliases expanded"):
        parse_document("f.yaml", text.encode(), max_nodes=500)
    assert parse_document("f.yaml", text.encode(), max_nodes=2_000).nodes > 1_000


def test_large_files_are_refused_packed_or_not(monkeypatch):
    monkeypatch.setattr(config_files, "MAX_FILE", 1000)
    for data in (b"a" * 1001, gzip.compress(b"a" * 100_000)):
        with pytest.raises(ConfigError, match="larger than 1000 bytes"):
            parse_document("f.yaml", data)


def test_broken_gzip_is_refused():
    with pytest.raises(ConfigError, match="not gzip"):
        parse_document("f.yaml", b"\x1f\x8bnonsense")


@given(st.binary(max_size=60) | st.text("abc:-[]{}&*<!|>'\"\n #01", max_size=60).map(str.encode))
def test_any_bytes_are_a_document_or_a_problem(data):
    try:
        found = parse_document("f.yaml", data)
    except ConfigError:
        return
    assert found.path == "f.yaml"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"a: \xff\n", "f.yaml: not YAML: invalid leading UTF-8 octet (at byte 3)"),
        (b"a: \x00\n", "f.yaml: not YAML: control characters are not allowed (at byte 3)"),
    ],
)
def test_bytes_that_are_not_text_are_refused_with_their_place(data, reason):
    with pytest.raises(ConfigError) as raised:
        parse_document("f.yaml", data)
    assert raised.value.problems == (reason,)
