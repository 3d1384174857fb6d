"""The trigger plugin's rules, one event at a time."""

from dataclasses import dataclass, field

from prowless.domain import events
from prowless.domain.actions import Comment, Start
from prowless.domain.approvals import Approval, HeadSeen, PullLedger
from prowless.domain.config.jobs import Presubmit, RepositoryConfig, default_rerun_command, default_trigger
from prowless.domain.specs import PullFacts
from prowless.domain.view import InRepoConfig, StatusFact, TrialMerge
from tests.unit import event_bodies as bodies

BASE = "b" * 40
MERGE = "c" * 40
PULL = PullFacts(
    repository="acme/app",
    number=3,
    title="Add things",
    author="ada",
    head_sha=bodies.HEAD,
    head_ref="topic",
    base_ref="main",
    html_url="https://github.com/acme/app/pull/3",
)


@dataclass
class FakeView:
    """Facts as given; `asked` counts what was asked for."""

    facts: PullFacts = PULL
    base: str | None = BASE
    trusted_users: frozenset[str] = frozenset({"ada", "grace"})
    files: tuple[str, ...] | None = ("main.go",)
    states: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    heads: tuple[HeadSeen, ...] = (HeadSeen(sha=bodies.HEAD, at=0, seen=0, opened=True),)
    approvals: tuple[Approval, ...] = ()
    own: InRepoConfig | None = None
    status_facts: dict[str, StatusFact] = field(default_factory=dict)

    def pull(self):
        self.asked.append("pull")
        return self.facts

    def test_merge(self, *, wait=True):
        self.asked.append("test_merge")
        return TrialMerge(sha=MERGE, base_sha=self.base) if self.base else None

    def trusted(self, user):
        self.asked.append(f"trusted {user}")
        return user in self.trusted_users

    def changed_files(self):
        self.asked.append("changed_files")
        return self.files

    def has_own_files(self):
        self.asked.append("has_own_files")
        return self.own.present

    def in_repo(self):
        self.asked.append("in_repo")
        return self.own

    def statuses(self):
        self.asked.append("statuses")
        return self.status_facts

    def contexts(self):
        self.asked.append("contexts")
        return self.states

    def ledger(self):
        self.asked.append("ledger")
        return PullLedger(heads=self.heads, approvals=self.approvals)

    def unfinished(self):
        self.asked.append("unfinished")
        return ()

    def bot(self):
        return "prowless[bot]"


def presubmit(name, **fields):
    defaults = {"trigger": default_trigger(name), "rerun_command": default_rerun_command(name), "context": name}
    return Presubmit(name=name, **{**defaults, **fields})


UNIT = presubmit("unit", always_run=True)
DOCS = presubmit("docs", run_if_changed=r"\.md$", optional=True)
SLOW = presubmit("slow")
CONFIG = RepositoryConfig(repository="acme/app", presubmits=(UNIT, DOCS, SLOW))


def pull_event(action, **body):
    label = body.pop("label", None)
    sender = body.pop("sender", "ada")
    changes = body.pop("changes", None)
    raw = {**bodies.pull_request(action, **body), "sender": {"login": sender}}
    raw |= {"label": {"name": label}} if label else {}
    raw |= {"changes": changes} if changes else {}
    return events.parse("pull_request", raw)


def comment_event(text, author="grace", action="created", **issue):
    raw = bodies.issue_comment(text, action, user={"login": author})
    raw["issue"] |= issue
    return events.parse("issue_comment", raw)


def started(verdict):
    return [action.spec.job for action in verdict.actions if isinstance(action, Start)]


def decisions(verdict):
    return {decision.job: (decision.verdict, decision.rule) for decision in verdict.decisions}


def others(verdict):
    return [action for action in verdict.actions if not isinstance(action, Start)]


def texts(verdict):
    return [action.body for action in verdict.actions if isinstance(action, Comment)]


# ---- pull requests ------------------------------------------------------------------------------------------------
