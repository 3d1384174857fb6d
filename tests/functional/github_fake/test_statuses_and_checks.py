"""Commit statuses and check runs, with GitHub's refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.fakes.clock import FixedClock
    from tests.functional.github_fake.receiver import Api

    from prowless_local.github import App, FakeGitHub

REPO = "/repos/acme/rocket"


@pytest.fixture
def head(github: FakeGitHub) -> str:
    return github.head("acme/rocket")


def token_of(github: FakeGitHub, app: App) -> str:
    installation = github.installations[app.installations["acme"]]
    return f"Bearer {github.mint(installation, installation.permissions, None).token}"


@pytest.fixture
def app_api(github: FakeGitHub, anonymous: Api, key: str) -> Api:
    return anonymous.as_(token_of(github, github.create_app(7, key)))


def post(api: Api, sha: str, **body: Any) -> Any:
    return api.post(f"{REPO}/statuses/{sha}", {"state": "success", **body})


def test_the_newest_status_of_a_context_is_in_effect(
    github: FakeGitHub, bot: Api, head: str, clock: FixedClock
) -> None:
    for context, state in (("unit", "pending"), ("lint", "success"), ("unit", "failure"), ("unit", "success")):
        clock.advance(1000)
        assert post(bot, head, context=context, state=state).status == 201
    combined = bot.get(f"{REPO}/commits/main/status").body
    assert {one["context"]: one["state"] for one in combined["statuses"]} == {"unit": "success", "lint": "success"}
    assert (combined["state"], combined["total_count"], combined["sha"]) == ("success", 2, head)
    listed = bot.get(f"{REPO}/commits/{head}/statuses").body
    assert [one["state"] for one in listed] == ["success", "failure", "success", "pending"]
    effective = github.effective_status("acme/rocket", head, "unit")
    assert effective is not None
    assert (effective.state, effective.creator, effective.at_ms) == ("success", "prow-bot", clock.now_ms())
    assert [one.state for one in github.statuses("acme/rocket", head)] == ["pending", "success", "failure", "success"]


@pytest.mark.parametrize(
    ("states", "combined"),
    [
        ([], "pending"),
        (["success", "success"], "success"),
        (["success", "pending"], "pending"),
        (["pending", "failure"], "failure"),
        (["success", "error"], "failure"),
    ],
)
def test_the_combined_state_is_the_worst(bot: Api, head: str, states: list[str], combined: str) -> None:
    for number, state in enumerate(states):
        post(bot, head, context=str(number), state=state)
    assert bot.get(f"{REPO}/commits/{head}/status").body["state"] == combined


def test_the_combined_status_is_paged_but_judges_all(bot: Api, head: str) -> None:
    for number in range(40):
        post(bot, head, context=f"job {number}", state="failure" if number == 39 else "success")
    first = bot.get(f"{REPO}/commits/{head}/status").body
    assert (len(first["statuses"]), first["state"], first["total_count"]) == (30, "failure", 40)
    second = bot.get(f"{REPO}/commits/{head}/status?page=2").body
    assert len(second["statuses"]) == 10


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"state": "green"}, "state is not included in the list"),
        ({"description": "x" * 141}, "description is too long (maximum is 140 characters)"),
        ({"context": "x" * 256}, "context is too long (maximum is 255 characters)"),
        ({"target_url": "ftp://example.com"}, "target_url must use http(s) scheme"),
    ],
)
def test_a_status_is_validated(bot: Api, head: str, body: dict[str, str], said: str) -> None:
    answer = post(bot, head, **body)
    assert (answer.status, answer.body["message"]) == (422, "Validation Failed")
    assert answer.body["errors"][0]["message"] == said
    assert answer.body["status"] == "422"


def test_a_description_of_140_characters_is_accepted(bot: Api, head: str) -> None:
    assert post(bot, head, description="ü" * 140).status == 201


@pytest.mark.parametrize("sha", ["1" * 40, "main", "short"])
def test_a_status_needs_a_commit_of_the_repository(bot: Api, sha: str) -> None:
    answer = post(bot, sha)
    assert (answer.status, answer.body["message"]) == (422, f"No commit found for SHA: {sha}")


def test_a_context_takes_a_thousand_statuses(github: FakeGitHub, bot: Api, head: str) -> None:
    for _ in range(1000):
        github.post_status("acme/rocket", head, "pending", context="unit", creator="prow-bot")
    full = post(bot, head, context="unit")
    assert full.status == 422
    assert full.body["errors"][0]["message"] == "This SHA and context has reached the maximum number of statuses."
    assert post(bot, head, context="lint").status == 201


def test_posting_needs_write_access(github: FakeGitHub, anonymous: Api, head: str) -> None:
    stranger = anonymous.as_(f"token {github.create_token('mallory')}")
    assert post(stranger, head).status == 403
    assert post(anonymous, head).status == 401
    github.add_collaborator("acme/rocket", "mallory")
    assert post(stranger, head).status == 201


def test_a_check_run_lives_from_queued_to_completed(github: FakeGitHub, app_api: Api, head: str) -> None:
    run = app_api.post(f"{REPO}/check-runs", {"name": "unit", "head_sha": head, "external_id": "42"}).body
    assert (run["status"], run["conclusion"], run["app"]["id"]) == ("queued", None, 7)
    output = {"title": "Failed", "summary": "One test", "text": "Log"}
    own = f"{REPO}/check-runs/{run['id']}"
    done = app_api.call("PATCH", own, {"conclusion": "failure", "output": output}).body
    assert (done["status"], done["conclusion"], done["output"]["title"]) == ("completed", "failure", "Failed")
    assert done["completed_at"] is not None
    [kept] = github.check_runs("acme/rocket", head)
    assert (kept.conclusion, kept.external_id, kept.output["text"]) == ("failure", "42", "Log")


def test_annotations_add_up(app_api: Api, head: str) -> None:
    note = {"path": "a", "start_line": 1, "end_line": 1, "annotation_level": "notice", "message": "m"}
    output = {"title": "t", "summary": "s", "annotations": [note] * 50}
    run = app_api.post(f"{REPO}/check-runs", {"name": "unit", "head_sha": head, "output": output}).body
    more = app_api.call("PATCH", f"{REPO}/check-runs/{run['id']}", {"output": {**output, "annotations": [note]}}).body
    assert more["output"]["annotations_count"] == 51


NOTE = {"path": "a", "start_line": 1, "end_line": 1, "annotation_level": "notice", "message": "m"}
ACTION = {"label": "Re-run", "description": "again", "identifier": "rerun"}


@pytest.mark.parametrize(
    "body",
    [
        {"name": None},
        {"head_sha": "1" * 40},
        {"status": "finished"},
        {"conclusion": "passed"},
        {"status": "completed"},
        {"started_at": "yesterday"},
        {"output": {"title": "no summary"}},
        {"output": {"title": "t", "summary": "x" * 65536}},
        {"output": {"title": "t", "summary": "s", "annotations": [NOTE] * 51}},
        {"actions": [ACTION] * 4},
        {"actions": [{**ACTION, "label": "x" * 21}]},
    ],
)
def test_a_check_run_is_validated(app_api: Api, head: str, body: dict[str, Any]) -> None:
    assert app_api.post(f"{REPO}/check-runs", {"name": "unit", "head_sha": head, **body}).status == 422


def test_only_apps_write_check_runs_and_only_their_own(github: FakeGitHub, app_api: Api, bot: Api, key: str) -> None:
    body = {"name": "unit", "head_sha": github.head("acme/rocket")}
    assert bot.post(f"{REPO}/check-runs", body).body["message"] == "You must authenticate via a GitHub App."
    run = app_api.post(f"{REPO}/check-runs", body).body
    other = bot.as_(token_of(github, github.create_app(8, key, slug="other")))
    answer = other.call("PATCH", f"{REPO}/check-runs/{run['id']}", {"status": "queued"})
    assert answer.status == 403


def test_the_newest_check_run_of_a_name_is_listed(app_api: Api, head: str) -> None:
    for name in ("unit", "lint", "unit"):
        app_api.post(f"{REPO}/check-runs", {"name": name, "head_sha": head})
    latest = app_api.get(f"{REPO}/commits/{head}/check-runs").body
    assert sorted(one["name"] for one in latest["check_runs"]) == ["lint", "unit"]
    assert app_api.get(f"{REPO}/commits/{head}/check-runs?filter=all").body["total_count"] == 3
    assert app_api.get(f"{REPO}/commits/{head}/check-runs?check_name=lint").body["total_count"] == 1
