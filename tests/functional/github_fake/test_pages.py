"""Pages for a person's browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.functional.github_fake.receiver import Api

    from prowless_local.github import FakeGitHub

EVIL = "<script>alert('x')</script>"


def page(api: Api, path: str) -> str:
    answer = api.get(path)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    return answer.body.decode()


def test_the_first_page_lists_pulls_with_their_statuses(github: FakeGitHub, anonymous: Api) -> None:
    github.open_pull("acme/rocket", "topic", {"a.txt": "a\n"}, "Make it fly", "alice")
    sha = github.pull("acme/rocket", 1).head_sha
    for state in ("pending", "failure"):
        github.post_status("acme/rocket", sha, state, context="unit-test", creator="prow-bot")
    html = page(anonymous, "/")
    assert "acme/rocket" in html
    assert "/acme/rocket/pull/1" in html
    assert "Make it fly" in html
    assert "class='state failure' title='failure'>unit-test" in html
    assert "class='state pending'" not in html
    assert "Make it fly" in page(anonymous, "/acme/rocket")


def test_a_pulls_page_shows_checks_and_comments_escaped(github: FakeGitHub, anonymous: Api, key: str) -> None:
    github.open_pull("acme/rocket", "topic", {"a.txt": "a\n"}, EVIL, "alice", body=EVIL)
    sha = github.pull("acme/rocket", 1).head_sha
    github.comment("acme/rocket", 1, EVIL, "mallory")
    github.add_label("acme/rocket", 1, EVIL)
    github.create_app(7, key)
    github.create_check_run("acme/rocket", sha, EVIL, app_id=7, fields={"output": {"title": EVIL}})
    github.post_status(
        "acme/rocket", sha, "success", context=EVIL, description=EVIL, target_url="javascript:alert(1)", creator="alice"
    )
    html = page(anonymous, "/acme/rocket/pull/1")
    assert "<script" not in html
    assert "javascript:" not in html
    assert html.count("&lt;script&gt;") >= 7


def test_a_commits_page_shows_its_checks(github: FakeGitHub, anonymous: Api) -> None:
    sha = github.commit("acme/rocket", "main", {"a": "a"}, f"Change {EVIL}", "alice")
    url = "https://example.com/"
    github.post_status("acme/rocket", sha, "success", context="post-build", target_url=url, creator="alice")
    html = page(anonymous, f"/acme/rocket/commit/{sha}")
    assert f"<a href='{url}'>post-build</a>" in html
    assert "<script" not in html
    assert f"/acme/rocket/commit/{sha}" in page(anonymous, "/")


def test_an_unknown_page_is_404(anonymous: Api) -> None:
    for path in ("/acme/absent", "/acme/rocket/pull/9", "/a/b/c/d", f"/acme/rocket/commit/{40 * '1'}", "/favicon.ico"):
        assert anonymous.get(path).status == 404
