"""Kept answers, refusals and payloads of the GitHub adapter."""

from __future__ import annotations

import gc
import json
from typing import TYPE_CHECKING

import pytest

from prowless.adapters.github import payloads
from prowless.adapters.github.etags import EtagCache
from prowless.adapters.github.refusals import MAX_MESSAGE, github_message
from prowless.adapters.github.transport import Request, Response
from prowless.domain.errors import PermanentError
from prowless.ports.github import ChangedFile, Status

if TYPE_CHECKING:
    from collections.abc import Iterator


def answer(body: bytes, etag: str = '"1"') -> Response:
    return Response(status=200, headers={"etag": etag} if etag else {}, body=body)


def test_the_least_recently_used_answer_goes_first() -> None:
    cache = EtagCache(max_entries=2)
    cache.put(("a",), answer(b"a"))
    cache.put(("b",), answer(b"b"))
    assert cache.get(("a",))
    cache.put(("c",), answer(b"c"))
    assert cache.get(("a",))
    assert cache.get(("b",)) is None


def test_kept_answers_are_bounded_in_bytes() -> None:
    cache = EtagCache(max_bytes=10)
    cache.put(("a",), answer(b"12345"))
    cache.put(("a",), answer(b"123456"))
    cache.put(("b",), answer(b"1234"))
    assert cache.get(("a",))
    cache.put(("c",), answer(b"1"))
    assert cache.get(("b",)) is None
    cache.put(("d",), answer(b"12345678901"))
    assert cache.get(("d",)) is None
    assert cache.get(("c",))


def test_an_answer_without_etag_is_not_kept() -> None:
    cache = EtagCache()
    cache.put(("a",), answer(b"x", etag=""))
    assert cache.get(("a",)) is None


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"message": "Not Found"}, "Not Found"),
        ({"message": "Validation Failed", "errors": ["one", {"message": "two"}]}, "Validation Failed (one; two)"),
        (
            {"message": "Failed", "errors": [{"resource": "Label", "field": "name", "code": "invalid"}]},
            "Failed (Label.name invalid)",
        ),
        ({"message": "Failed", "errors": "text"}, "Failed (text)"),
        ({"message": "two\nlines\x1b[31m"}, "two lines [31m"),
        (["message"], ""),
        ({}, ""),
        (None, ""),
    ],
)
def test_github_says_why_in_one_line(body: object, message: str) -> None:
    assert github_message(json.dumps(body).encode()) == message


def test_what_github_says_is_bounded() -> None:
    assert len(github_message(json.dumps({"message": "x" * 100_000}).encode())) == MAX_MESSAGE
    assert github_message(b"<html>") == ""


@pytest.fixture
def no_collection() -> Iterator[None]:
    """No finalizer or collection hook runs while the stack is used up."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collection")
def test_nesting_without_end_is_not_github() -> None:
    assert github_message(b"[" * 100_000) == ""


def test_a_request_shows_neither_credentials_nor_query() -> None:
    request = Request(
        method="GET", url="https://h/x?token=CANARY", authorization="Bearer CANARY", body=b"CANARY", repeatable=True
    )
    assert request.name == "GET /x"
    assert "Bearer" not in repr(request)


def test_an_empty_target_url_is_left_out() -> None:
    assert payloads.status_body(Status(context="c", state="pending")) == {
        "context": "c",
        "state": "pending",
        "description": "",
    }
    assert (
        payloads.status_body(Status(context="c", state="pending", target_url="https://h"))["target_url"] == "https://h"
    )


def test_two_trees_differ_by_path_and_blob() -> None:
    assert payloads.tree_changes({"a": "1", "b": "1", "c": "1"}, {"b": "2", "c": "1", "d": "1"}) == [
        ChangedFile(filename="a", status="removed"),
        ChangedFile(filename="b", status="modified"),
        ChangedFile(filename="d", status="added"),
    ]


def test_a_missing_field_is_named() -> None:
    with (
        pytest.raises(PermanentError, match=r"a comment came in a shape we do not understand .*'id'"),
        payloads.understood("a comment"),
    ):
        payloads.comment({})
