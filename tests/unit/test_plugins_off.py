"""What plugins.yaml switches off, repository by repository."""

from dataclasses import replace

import pytest

from prowless.domain import events, triggers
from prowless.domain.actions import SetStatus, SyncConfig
from prowless.domain.config.enabled import PROVIDED, RepositoryPlugins
from prowless.domain.config.jobs import Postsubmit, RepositoryConfig
from prowless.domain.config.plugins import Plugins
from prowless.domain.view import RunFact
from tests.unit import event_bodies as bodies
from tests.unit.config_texts import SPEC, central, presubmits, shard
from tests.unit.plugin_facts import View, states
from tests.unit.test_merge_groups import group_event
from tests.unit.trigger_facts import CONFIG, comment_event, decisions, pull_event

POSTSUBMIT = Postsubmit(name="publish", context="publish")
FULL = replace(CONFIG, postsubmits=(POSTSUBMIT,))
WHY = "plugin {} is not enabled for acme/app (plugins.yaml)"


VIEW = View(
    posted=states(docs="failure"),
    admins=frozenset({"grace", "ada"}),
    runs=(RunFact(job="unit", context="unit", cause="c"),),
)


def without(*names):
    return replace(FULL, plugins=RepositoryPlugins(disabled=names))


@pytest.mark.parametrize(
    "event",
    [
        pull_event("opened", body="/test all"),
        pull_event("synchronize"),
        pull_event("closed"),
        pull_event("converted_to_draft"),
        pull_event("labeled", label="ok-to-test"),
        comment_event("/test all"),
        comment_event("/test ?"),
        comment_event("/ok-to-test"),
        group_event(),
        group_event("destroyed"),
    ],
)
def test_without_trigger_nothing_is_run_aborted_or_said(event):
    verdict = triggers.decide(event, without("trigger"), VIEW)
    assert verdict.actions == ()
    assert set(decisions(verdict).values()) == {("skip", "plugins")}
    assert {decision.reason for decision in verdict.decisions} == {WHY.format("trigger")}
    assert "test_merge" not in VIEW.asked


def test_without_trigger_a_push_starts_nothing_and_still_moves_the_configuration():
    event = events.parse("push", bodies.push())
    sources = {(event.repository, event.branch)}
    verdict = triggers.decide(event, without("trigger"), VIEW, config_sources=sources)
    assert verdict.actions == (SyncConfig(repository=event.repository, sha=event.after),)
    assert decisions(verdict) == {"publish": ("skip", "plugins")}


@pytest.mark.parametrize("text", ["/cancel", "/explain"])
def test_our_own_commands_follow_the_trigger_plugin(text):
    verdict = triggers.decide(comment_event(text), without("trigger"), VIEW)
    assert (verdict.actions, verdict.summary) == ((), f"{text}: {WHY.format('trigger')}")


@pytest.mark.parametrize(("text", "plugin"), [("/skip", "skip"), ("/override docs", "override")])
def test_without_its_plugin_a_command_leaves_nothing_but_the_record(text, plugin):
    verdict = triggers.decide(comment_event(text), without(plugin), VIEW)
    assert (verdict.actions, verdict.summary) == ((), f"{text.split()[0]}: {WHY.format(plugin)}")


@pytest.mark.parametrize("text", ["/skip", "/override docs"])
def test_the_other_plugins_work_without_trigger(text):
    for event in (comment_event(text), pull_event("opened", body=text)):
        verdict = triggers.decide(event, without("trigger"), VIEW)
        assert [action.context for action in verdict.actions if isinstance(action, SetStatus)] == ["docs"]


def test_a_shard_says_what_plugins_yaml_enables_for_it():
    listed = Plugins(
        enabled={"acme": ("trigger", "skip"), "acme/app": ("override",)},
        excluded={"acme": ("lib",)},
        override_top_level_owners=True,
        override_teams={"acme": ("leads",), "acme/app": ("owners",), "other": ("x",)},
    )
    assert listed.of("acme/app") == RepositoryPlugins(
        override_top_level_owners=True, override_teams={"acme": ("leads",), "acme/app": ("owners",)}
    )
    assert listed.of("acme/site").disabled == ("override",)
    assert listed.of("acme/lib").disabled == PROVIDED
    assert Plugins().of("acme/lib") == RepositoryPlugins()


def test_plugins_reach_the_shard_and_repositories_without_jobs():
    text = "plugins:\n  acme/app: {plugins: [trigger]}\n"
    snapshot = presubmits(f"{{name: unit, always_run: true, spec: {SPEC}}}", plugins=text)
    assert shard(snapshot).plugins.disabled == ("skip", "override")
    none = RepositoryConfig(repository="acme/none", plugins=RepositoryPlugins(disabled=PROVIDED))
    assert central(snapshot).without_jobs("acme/none") == none
