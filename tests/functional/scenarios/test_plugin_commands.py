"""The commands beside `/test`, as people on a pull request see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.functional.scenarios.world import MEMBER, REPOSITORY, presubmit

from prowless.adapters.aws.deliveries import DynamoDeliveries
from prowless.domain.prowjob import Phase, State
from prowless_local.cluster import Scripted
from prowless_local.stored_pulls import of_pull, parse_url

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.functional.scenarios.world import World


def test_what_failed_is_skipped_by_anybody_or_overridden_by_an_administrator(start: Callable[..., World]) -> None:
    world = start(presubmits=[presubmit("unit"), presubmit("extra", optional=True)])
    world.github.add_admin(REPOSITORY, "root")
    for name in ("unit", "extra"):
        world.plays[name] = Scripted(seconds=5, code=1)
    pull = world.open_pull()
    world.rest()
    pull.comment("/skip", by="stranger")
    assert (pull.state("unit"), pull.state("extra")) == ("failure", "success")
    pull.comment("/override unit", by=MEMBER)
    assert pull.state("unit") == "failure"
    pull.comment("/override unit", by="root")
    status = pull.status("unit")
    assert (status.state, status.description[:18]) == ("success", "Overridden by root")
    said = [comment.body.partition("\n")[0] for comment in pull.comments()]
    assert f"@{MEMBER}: {MEMBER} unauthorized: /override is restricted to Repo administrators." in said
    assert "@root: Overrode contexts on behalf of root: unit" in said
    failed, stand_in = pull.runs("unit")
    assert (failed.state, stand_in.state, stand_in.phase) == (State.FAILURE, State.SUCCESS, Phase.RELEASED)
    assert len(world.executions()) == 2, "nothing was run for it"
    pull.comment("/override-cancel", by="root")
    assert pull.state("unit") == "failure"
    world.rest()


def test_owners_and_teams_override_where_plugins_yaml_lets_them(start: Callable[..., World]) -> None:
    teams = {"allowed_github_teams": {"acme": ["leads"]}, "allow_top_level_owners": True}
    world = start(plugins={"plugins": {"acme": {"plugins": ["trigger", "override"]}}, "override": teams})
    world.plays["unit"] = Scripted(seconds=5, code=1)
    world.github.add_team_member("acme", "leads", "tess")
    world.github.add_collaborator(REPOSITORY, "olga")
    world.push_to_main({"OWNERS": "approvers:\n- heads\n", "OWNERS_ALIASES": "aliases: {heads: [Olga]}\n"})
    for login in ("tess", "olga"):
        pull = world.open_pull()
        world.rest()
        assert pull.state("unit") == "failure"
        pull.comment("/override unit", by=login)
        assert pull.status("unit").description.startswith(f"Overridden by {login}"), pull.comments()
    pull.comment("/skip")
    summaries = [one["summary"] for one in world.decisions()]
    assert f"/skip: plugin skip is not enabled for {REPOSITORY} (plugins.yaml)" in summaries


def test_explain_answers_in_one_comment_and_starts_nothing(start: Callable[..., World]) -> None:
    world = start(presubmits=[presubmit("unit"), presubmit("docs", always_run=False, run_if_changed=r"\.md$")])
    pull = world.open_pull()
    world.rest()
    for text in ("/explain docs", "/explain"):
        world.pass_time(1)  # deliveries are ordered by the millisecond
        pull.comment(text)
        (answer,) = [one.body for one in pull.comments() if "Nothing was started" in one.body]
        assert "| <code>docs</code> | skip | run&#95;if&#95;changed |" in answer
        assert ("| <code>unit</code> | run | test-all |" in answer) == (text == "/explain")
    assert "success&#58; Job succeeded" in answer
    assert len(pull.runs()) == 1
    table = DynamoDeliveries(world.aws.client("dynamodb"), world.aws.resources["DeliveriesTable"].ref)
    history = of_pull(table, world.stack.state, *parse_url(f"{world.github.url}/{REPOSITORY}/pull/{pull.number}"), 20)
    told = [one.told() for one in history.kept]
    said = [one["summary"] for one in told if (one["event"], one["sender"]) == ("issue_comment", MEMBER)]
    assert said == ["/explain: 1 run, 1 skip", "/explain: docs"]
    assert (told[-1]["event"], told[-1]["action"], told[-1]["summary"]) == ("pull_request", "opened", "1 run, 1 skip")
    assert [one["job"] for one in history.newest.decisions] == ["unit", "docs"]


def test_a_run_that_is_cancelled_ends_and_can_be_asked_for_again(start: Callable[..., World]) -> None:
    world = start()
    world.plays["unit"] = Scripted(seconds=3600)
    pull = world.open_pull()
    world.until(world.workflows, "the run is in its cluster")
    world.plays["unit"] = Scripted(seconds=5)
    pull.comment("/cancel unit")
    world.rest()
    assert pull.run().state is State.ABORTED
    assert pull.status().description.startswith(f"Aborted by {MEMBER} with /cancel.")
    pull.comment("/cancel")
    assert "There is nothing to cancel" in pull.comments()[-1].body
    world.pass_time(1)  # build ids are ordered by the millisecond
    pull.comment("/test unit")
    pull.await_state("success")
    world.rest()
