"""A pull's statuses, runs and entitled people, for the commands beside the trigger plugin's."""

from dataclasses import dataclass, field

from prowless.domain import triggers
from prowless.domain.actions import SetStatus
from prowless.domain.config.jobs import RepositoryConfig
from prowless.domain.view import CheckFact, RunFact, StatusFact
from tests.unit.trigger_facts import BASE, FakeView, comment_event, presubmit

CONFIG = RepositoryConfig(
    repository="acme/app",
    presubmits=(
        presubmit("unit", always_run=True, context="ci/unit"),
        presubmit("docs", optional=True),
        presubmit("quiet", skip_report=True),
        presubmit("lint", optional=True),
    ),
)


@dataclass
class View(FakeView):
    posted: dict[str, StatusFact] = field(default_factory=dict)
    admins: frozenset[str] = frozenset({"root"})
    runs: tuple[RunFact, ...] = ()
    teams: dict[str, tuple[str, ...]] = field(default_factory=dict)
    approvers: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    checks: tuple[CheckFact, ...] = ()

    def statuses(self):
        return self.posted

    def permission(self, user):
        return "admin" if user in self.admins else "write"

    def in_team(self, team, user):
        return user in self.teams.get(team, ())

    def top_level_approver(self, user):
        return user in self.approvers

    def required_contexts(self):
        return self.required

    def check_runs(self):
        return self.checks

    def base_head(self):
        return BASE

    def unfinished(self):
        return self.runs


def states(**states):
    return {
        name.replace("__", "/"): StatusFact(state=state, target_url="https://ci/1") for name, state in states.items()
    }


def decide(text, view, author="grace", config=CONFIG):
    return triggers.decide(comment_event(text, author), config, view)


def set_contexts(verdict):
    return [action.context for action in verdict.actions if isinstance(action, SetStatus)]
