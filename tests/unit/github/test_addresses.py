"""Paths, origins and Link headers of the GitHub adapter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prowless.adapters.github.pages import next_page
from prowless.adapters.github.paths import (
    Origin,
    Scope,
    api_root,
    checked_path,
    repository_path,
    scope_of,
    segment,
    segments,
)
from prowless.domain.errors import ConfigError, PermanentError


@given(st.text())
def test_a_segment_stays_one_segment(value: str) -> None:
    try:
        quoted = segment(value)
    except PermanentError:
        assert value in {"", ".", ".."} or any("\ud800" <= character <= "\udfff" for character in value)
    else:
        assert not set(quoted) & set("/?#\\ ")
        assert quoted not in {"", ".", ".."}


@pytest.mark.parametrize("path", ["../x", "a/../../x", "/x", "a//b", "a/", ".", "a/./b"])
def test_a_file_path_with_dots_or_gaps_is_refused(path: str) -> None:
    with pytest.raises(PermanentError):
        segments(path)


@pytest.mark.parametrize("name", ["r", "o/r/x", "o/..", "/r", "o/", ""])
def test_a_repository_is_written_org_repo(name: str) -> None:
    with pytest.raises(PermanentError):
        repository_path(name)


@pytest.mark.parametrize(
    "path",
    ["user", "", "//evil.example/x", "/a/../b", "/a/%2e%2E/b", "/a/./b", "/a b", "/a\r\nX: 1", "/a#b", "/a\\b", "/é"],
)
def test_a_whole_path_must_stay_where_it_points(path: str) -> None:
    with pytest.raises(PermanentError):
        checked_path(path)


@pytest.mark.parametrize("path", ["/user", "/repos/o/r/compare/a...b?per_page=1", "/search/issues?q=a..b", "/x?y=../z"])
def test_an_ordinary_path_passes(path: str) -> None:
    assert checked_path(path) == path


def test_the_scope_of_a_path_is_whose_data_it_speaks_about() -> None:
    assert scope_of("/repos/o/r/pulls/7") == Scope("o", "r")
    assert scope_of("/orgs/o/members/u") == Scope("o")
    assert scope_of("/orgs/o?x=1") == Scope("o")
    assert scope_of("/app/hook/deliveries") is None
    assert scope_of("/user/repos/o/r") is None


def test_an_origin_is_scheme_host_and_port() -> None:
    assert Origin.of("https://API.github.com/x") == Origin.of("https://api.github.com:443/y")
    assert Origin.of("https://api.github.com/") != Origin.of("http://api.github.com/")
    assert Origin.of("https://api.github.com/") != Origin.of("https://api.github.com.evil.example/")


@pytest.mark.parametrize(
    "url", ["ftp://h/", "https://user@h/", "https://:p@h/", "/path", "https://h:port/", "https://[", ""]
)
def test_what_is_no_plain_url_has_no_origin(url: str) -> None:
    assert Origin.of(url) is None


@pytest.mark.parametrize(
    "url",
    ["http://api.github.com", "http://10.0.0.1/api/v3", "api.github.com", "https://h/?x=1", "http://127.0.0.1.evil"],
)
def test_an_api_url_that_would_show_the_token_is_refused(url: str) -> None:
    with pytest.raises(ConfigError):
        api_root(url)


@pytest.mark.parametrize(
    "url", ["https://api.github.com", "https://host/api/v3/", "http://127.0.0.1:80", "http://[::1]:9"]
)
def test_a_usable_api_url_loses_its_last_slash(url: str) -> None:
    assert api_root(url) == url.rstrip("/")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", None),
        ('<https://h/x?page=2>; rel="next", <https://h/x?page=9>; rel="last"', "https://h/x?page=2"),
        ('<https://h/x?page=1>; rel="prev", <https://h/x?page=3>; rel="next"', "https://h/x?page=3"),
        ('<https://h/x?page=9>; rel="last"', None),
        ("<https://h/x>; rel=next", "https://h/x"),
        ('<https://h/x?q=a,b;c>; title="next, really"; rel="next"', "https://h/x?q=a,b;c"),
        ('<https://h/x>; rel="first next"', "https://h/x"),
        ('<https://h/x>; title="next"', None),
        ("next", None),
    ],
)
def test_the_next_page_is_the_link_of_that_relation(header: str, expected: str | None) -> None:
    assert next_page(header) == expected


@pytest.mark.parametrize(
    "header", ["<" * 50_000, "<x>" + "; a" * 20_000, "<x>" + ' ; a="' * 20_000, "<x>" + " " * 50_000]
)
def test_a_hostile_link_header_costs_no_time(header: str) -> None:
    assert next_page(header) is None
