"""Pages with `Link` headers, and conditional requests."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.functional.github_fake.receiver import Answer, Api

    from prowless_local.github import FakeGitHub

REPO = "/repos/acme/rocket"


@pytest.fixture
def comments(github: FakeGitHub) -> list[str]:
    github.open_pull("acme/rocket", "topic", {"a.txt": "a\n"}, "Topic", "alice")
    bodies = [f"comment {number}" for number in range(45)]
    for body in bodies:
        github.comment("acme/rocket", 1, body, "alice")
    return bodies


def links(answer: Answer) -> dict[str, str]:
    return {name: url for url, name in re.findall(r'<([^>]+)>; rel="(\w+)"', answer.headers.get("Link", ""))}


def test_following_next_gives_everything_once(bot: Api, comments: list[str]) -> None:
    url, seen, pages = f"{REPO}/issues/1/comments?per_page=20", [], 0
    while url:
        answer = bot.get(url)
        seen += [one["body"] for one in answer.body]
        url, pages = links(answer).get("next", ""), pages + 1
    assert (seen, pages) == (comments, 3)


def test_links_name_the_pages_around(bot: Api, comments: list[str]) -> None:
    first, middle, last = (links(bot.get(f"{REPO}/issues/1/comments?per_page=20&page={page}")) for page in (1, 2, 3))
    assert set(first) == {"next", "last"}
    assert set(middle) == {"prev", "first", "next", "last"}
    assert set(last) == {"prev", "first"}
    assert middle["last"].endswith("page=3")
    assert "per_page=20" in middle["next"]


@pytest.mark.parametrize(("query", "size"), [("", 30), ("?per_page=100", 45), ("?per_page=5", 5), ("?per_page=x", 30)])
def test_a_page_has_thirty_entries_unless_asked(bot: Api, comments: list[str], query: str, size: int) -> None:
    assert len(bot.get(f"{REPO}/issues/1/comments{query}").body) == size


def test_a_page_has_at_most_a_hundred_entries(github: FakeGitHub, bot: Api, comments: list[str]) -> None:
    for number in range(60):
        github.comment("acme/rocket", 1, f"more {number}", "alice")
    assert len(bot.get(f"{REPO}/issues/1/comments?per_page=1000").body) == 100


def test_one_page_has_no_link(bot: Api, comments: list[str]) -> None:
    assert "Link" not in bot.get(f"{REPO}/issues/1/comments?per_page=100").headers


def test_an_unchanged_answer_is_304_and_free(github: FakeGitHub, bot: Api, comments: list[str]) -> None:
    first = bot.get(f"{REPO}/pulls/1")
    again = bot.get(f"{REPO}/pulls/1", If_None_Match=first.headers["ETag"])
    assert (again.status, again.body) == (304, b"")
    assert again.headers["X-RateLimit-Used"] == first.headers["X-RateLimit-Used"]
    assert again.headers["ETag"] == first.headers["ETag"]
    github.edit_pull("acme/rocket", 1, title="Other")
    changed = bot.get(f"{REPO}/pulls/1", If_None_Match=first.headers["ETag"])
    assert changed.status == 200
    assert changed.body["title"] == "Other"
    assert int(changed.headers["X-RateLimit-Used"]) == int(first.headers["X-RateLimit-Used"]) + 1


def test_pages_have_etags_of_their_own(bot: Api, comments: list[str]) -> None:
    first, second = (bot.get(f"{REPO}/issues/1/comments?page={page}").headers["ETag"] for page in (1, 2))
    assert first != second
