"""Rate limits: the hourly budget and secondary limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.fakes.clock import FixedClock
    from tests.functional.github_fake.receiver import Api

    from prowless_local.github import FakeGitHub

REPO = "/repos/acme/rocket"


def test_every_answer_tells_the_budget(bot: Api, clock: FixedClock) -> None:
    ok, missing = bot.get(REPO), bot.get("/repos/acme/absent")
    assert (ok.headers["X-RateLimit-Limit"], ok.headers["X-RateLimit-Remaining"]) == ("5000", "4999")
    assert missing.headers["X-RateLimit-Used"] == "2"
    assert int(ok.headers["X-RateLimit-Reset"]) == clock.now_ms() // 1000 + 3600
    assert ok.headers["X-RateLimit-Resource"] == "core"


def test_a_used_up_budget_refuses_until_it_resets(github: FakeGitHub, bot: Api, clock: FixedClock) -> None:
    github.limits.limit = 2
    assert [bot.get(REPO).status for _ in range(3)] == [200, 200, 403]
    refused = bot.get(REPO)
    assert refused.headers["X-RateLimit-Remaining"] == "0"
    assert refused.body["message"].startswith("API rate limit exceeded for user prow-bot")
    clock.advance(3600 * 1000)
    assert bot.get(REPO).status == 200


def test_callers_have_budgets_of_their_own(github: FakeGitHub, bot: Api, anonymous: Api) -> None:
    github.limits.limit = 1
    assert [bot.get(REPO).status, bot.get(REPO).status] == [200, 403]
    assert anonymous.as_(f"token {github.create_token('alice')}").get(REPO).status == 200
    assert anonymous.get(REPO).headers["X-RateLimit-Limit"] == "60"


def test_asking_for_the_limit_is_free(bot: Api) -> None:
    bot.get(REPO)
    answers = [bot.get("/rate_limit").body["resources"]["core"]["used"] for _ in range(2)]
    assert answers == [1, 1]


@pytest.mark.parametrize("status", [403, 429])
def test_a_secondary_limit_says_when_to_come_back(github: FakeGitHub, bot: Api, status: int) -> None:
    github.inject_secondary_limit(2, retry_after_seconds=7, status=status)
    refused = [bot.get(REPO) for _ in range(3)]
    assert [one.status for one in refused] == [status, status, 200]
    assert refused[0].headers["Retry-After"] == "7"
    assert "secondary rate limit" in refused[0].body["message"]
    assert refused[0].headers["X-RateLimit-Remaining"] != "0"
