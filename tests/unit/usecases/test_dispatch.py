import json
from datetime import UTC, datetime
from functools import partial

import pytest

from prowless.adapters.config_files import parse_document
from prowless.adapters.prowignore import ignore_rules
from prowless.domain.config.jobs import Postsubmit, Presubmit, RepositoryConfig, default_trigger
from prowless.domain.errors import PermanentError, RetryableError
from prowless.domain.external_plugins import ExternalPlugin
from prowless.domain.prowjob import State
from prowless.ports.github import ChangedFile, Status
from prowless.ports.stores import Delivery
from prowless.usecases.dispatch import DispatchDelivery
from prowless.usecases.forwards import RequestForwards
from prowless.usecases.in_repo import InRepoConfigs
from prowless.usecases.in_repo_compile import compile_files
from prowless.usecases.ledgers import PullLedgers
from tests.fakes.clock import NOW
from tests.fakes.config import FixedConfig
from tests.fakes.flow import MemoryConfigQueue, MemoryForwardQueue
from tests.fakes.github import MemoryGitHub
from tests.fakes.stores import MemoryDeliveries
from tests.unit.usecases.test_runs import World as Runs

REPOSITORY = "acme/app"
POD = {"containers": [{"command": ["true"]}]}


def presubmit(name, **fields):
    return Presubmit(
        name=name, context=name, trigger=default_trigger(name), rerun_command=f"/test {name}", spec=POD, **fields
    )


CONFIG = RepositoryConfig(
    repository=REPOSITORY,
    presubmits=(
        presubmit("unit", always_run=True),
        presubmit("docs", run_if_changed=r"^docs/"),
        presubmit("manual"),
    ),
    external_plugins=(ExternalPlugin(name="hook", endpoint="https://hook.example", events=("pull_request", "star")),),
    postsubmits=(
        Postsubmit(name="publish", context="publish", branches=("^main$",), spec=POD),
        Postsubmit(name="site", context="site", run_if_changed=r"^docs/", spec=POD),
    ),
)


class World(Runs):
    def __init__(self, config=None):
        super().__init__()
        config = config or FixedConfig(CONFIG)
        self.github = MemoryGitHub()
        self.github.create_repository(REPOSITORY)
        self.github.add_member("acme", "ada")
        self.pull = self.github.open_pull(REPOSITORY, {"a.py": "1"}, author="ada")
        self.deliveries = MemoryDeliveries()
        self.configuration = MemoryConfigQueue(self.clock)
        self.forwards = MemoryForwardQueue()
        self.dispatch = DispatchDelivery(
            deliveries=self.deliveries,
            state=self.state,
            config=config,
            in_repo=InRepoConfigs(
                github=self.github,
                objects=self.state,
                config=config,
                compile_files=partial(compile_files, parse=parse_document),
                ignore_rules=ignore_rules,
            ),
            github=self.github,
            start=self.starts,
            aborts=self.aborts,
            ledgers=PullLedgers(self.control, self.clock),
            configuration=self.configuration,
            forwards=RequestForwards(config=config, deliveries=self.deliveries, queue=self.forwards, clock=self.clock),
            sources={("acme/config", "main")},
            pause=self.clock.sleep,
            parse_owners=parse_document,
        )

    def deliver(self, event, guid="g1", scope="acme", **body):
        org, _, name = body.pop("of", REPOSITORY).partition("/")
        repository = {"id": 5, "full_name": f"{org}/{name}", "name": name, "owner": {"login": org, "name": org}}
        data = {"repository": repository, "sender": {"login": "ada"}, **body}
        key = f"deliveries/{guid}.json"
        self.state.put(key, json.dumps(data).encode(), "application/json")
        self.deliveries.record(
            Delivery(guid=guid, event=event, repository=f"{org}/{name}", scope=scope, body=key, received_at=NOW)
        )
        self.clock.advance(1)
        self.dispatch([{"delivery": guid}])
        return self.decisions(guid)

    def decisions(self, guid):
        record = json.loads(self.state.get(self.deliveries.get(guid).decisions))
        return {d["job"]: (d["verdict"], d["rule"]) for d in record["decisions"]}

    def pull_event(self, action="opened", guid="g1", **options):
        pull = self.github.pull(REPOSITORY, self.pull.number)
        body = {
            "number": pull.number, "id": 9, "state": pull.state, "draft": pull.draft, "user": {"login": pull.author},
            "title": pull.title, "body": pull.body, "html_url": pull.html_url, "updated_at": pull.updated_at,
            "head": {"sha": pull.head_sha, "ref": "x"}, "base": {"ref": "main", "repo": {"full_name": REPOSITORY}},
        }  # fmt: skip
        return self.deliver("pull_request", guid, action=action, pull_request=body, **options)

    def comment(self, text, author="ada", guid="c1"):
        now = datetime.fromtimestamp(self.clock.now // 1000, UTC).isoformat()
        comment = {"id": 1, "user": {"login": author}, "body": text, "html_url": "u"}
        comment |= {"created_at": now, "updated_at": now}
        issue = {"number": self.pull.number, "state": "open", "user": {"login": "ada"}, "pull_request": {}}
        return self.deliver("issue_comment", guid, action="created", issue=issue, comment=comment)

    def push(self, ref="refs/heads/main", guid="p1", of=REPOSITORY):
        main = self.github.ref(REPOSITORY, "heads/main")
        after = self.github.commit(REPOSITORY, {"docs/x": "1"})
        return self.deliver("push", guid, ref=ref, before=main, after=after, commits=[], compare="c", of=of)

    def ledger(self):
        return PullLedgers(self.control, self.clock).read(REPOSITORY, self.pull.number)

    def jobs(self):
        return sorted(run.job for run in self.prowjobs.rows.values())


@pytest.fixture
def world():
    return World()


def test_an_opened_pull_starts_its_automatic_jobs_and_every_job_has_a_decision(world):
    decisions = world.pull_event()
    assert {job: verdict for job, (verdict, _) in decisions.items()} == {
        "unit": "run",
        "docs": "skip",
        "manual": "skip",
    }
    [run] = world.prowjobs.rows.values()
    assert (run.job, run.head_sha, run.base_sha) == ("unit", world.pull.head_sha, world.pull.base_sha)
    assert world.deliveries.get("g1").outcome == "done"


def test_a_delivery_that_is_done_is_not_handled_again(world):
    world.pull_event()
    calls = len(world.github.calls)
    world.dispatch([{"delivery": "g1"}])
    assert len(world.github.calls) == calls


def test_the_same_event_under_another_guid_starts_nothing_twice(world):
    world.pull_event(guid="g1")
    world.pull_event(guid="g2")
    assert world.jobs() == ["unit"]


@pytest.mark.parametrize("step", ["create", "wake", "finish"])
def test_a_dispatch_killed_anywhere_is_completed_by_the_repeated_message(world, step):
    owner = {"create": world.prowjobs, "wake": world.queues, "finish": world.deliveries}[step]
    real = getattr(owner, step)
    setattr(owner, step, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        world.pull_event()
    setattr(owner, step, real)
    world.dispatch([{"delivery": "g1"}])
    assert world.jobs() == ["unit"]
    assert len(world.queues.admits.sent) == 1
    assert world.deliveries.get("g1").outcome == "done"


def test_a_push_to_the_pull_stops_the_older_run_and_tests_the_new_head(world):
    world.pull_event()
    new = world.github.push(REPOSITORY, world.pull.number, {"a.py": "2"})
    world.pull_event("synchronize", "g2")
    states = {run.head_sha: run.state for run in world.prowjobs.rows.values()}
    assert states == {world.pull.head_sha: State.ABORTED, new.head_sha: State.TRIGGERED}


def test_a_late_event_is_judged_against_the_present_head(world):
    late = world.pull
    new = world.github.push(REPOSITORY, late.number, {"a.py": "2"})
    world.pull_event()
    assert [run.head_sha for run in world.prowjobs.rows.values()] == [new.head_sha]


def test_a_stranger_starts_nothing_and_is_told(world):
    world.pull = world.github.open_pull(REPOSITORY, {"b": "1"}, author="mallory")
    decisions = world.pull_event()
    assert set(decisions.values()) == {("blocked", "trust")}
    assert world.jobs() == []
    [comment] = world.github.comments(REPOSITORY, world.pull.number)
    assert "/ok-to-test" in comment.body
    assert "needs-ok-to-test" in world.github.pull(REPOSITORY, world.pull.number).labels


def test_a_comment_of_ours_is_posted_once_however_often_the_event_is_handled(world):
    world.pull = world.github.open_pull(REPOSITORY, {"b": "1"}, author="mallory")
    world.deliveries.finish = lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        world.pull_event()
    del world.deliveries.finish
    world.dispatch([{"delivery": "g1"}])
    assert len(world.github.comments(REPOSITORY, world.pull.number)) == 1


def test_a_named_job_runs_by_comment(world):
    decisions = world.comment("/test manual")
    assert decisions["manual"][0] == "run"
    assert world.jobs() == ["manual"]


def test_retest_reruns_what_failed(world):

    world.github.create_status(REPOSITORY, world.pull.head_sha, Status(context="manual", state="failure"))
    world.github.create_status(REPOSITORY, world.pull.head_sha, Status(context="unit", state="success"))
    world.comment("/retest")
    assert world.jobs() == ["manual"]
    assert all(run.retest for run in world.prowjobs.rows.values())


def test_a_pull_whose_merge_is_not_computed_is_waited_for_and_then_blocked_in_the_record(world):
    world.github.change_pull(REPOSITORY, world.pull.number, mergeable=None)
    del world.github.repositories[REPOSITORY].refs[f"pull/{world.pull.number}/merge"]
    before = world.clock.now
    assert world.pull_event()["unit"] == ("blocked", "merge-ref")
    assert world.clock.now - before >= 3000


def test_postsubmits_follow_the_comparison_not_the_payload(world):
    assert {job: verdict for job, (verdict, _) in world.push().items()} == {"publish": "run", "site": "run"}


def test_a_push_to_a_config_source_has_it_compiled(world):
    world.github.create_repository("acme/config")
    world.push(of="acme/config")
    (message,) = world.configuration.messages.sent
    assert message.body["sync"].startswith("acme/config@")


@pytest.mark.parametrize("scope", ["acme/other", "other", ""])
def test_a_body_about_a_repository_its_signature_does_not_vouch_for_is_refused(world, scope):
    with pytest.raises(PermanentError, match="signed for acme/app"):
        world.pull_event(scope=scope)
    assert world.jobs() == []


def test_a_fault_of_githubs_is_raised_and_nothing_is_decided(world):
    world.github.fail("is_member", RetryableError("502"))
    with pytest.raises(RetryableError):
        world.pull_event()
    assert world.deliveries.get("g1").outcome == ""
    assert world.jobs() == []


def test_an_event_no_rule_acts_on_is_done_with_a_word(world):
    assert world.deliver("check_run", action="created") == {}
    assert world.deliveries.get("g1").outcome == "done"


def test_a_pointer_without_a_row_is_an_error_with_its_id(world):
    with pytest.raises(PermanentError, match="'lost'"):
        world.dispatch([{"delivery": "lost"}])


def test_a_body_that_speaks_about_a_second_repository_of_the_same_scope_is_refused(world):
    pull = world.github.pull(REPOSITORY, world.pull.number)
    body = {
        "number": 7, "id": 9, "state": "open", "user": {"login": "ada"}, "updated_at": "t",
        "head": {"sha": pull.head_sha}, "base": {"ref": "main", "repo": {"full_name": "acme/other"}},
    }  # fmt: skip
    with pytest.raises(PermanentError, match="speaks about acme/other"):
        world.deliver("pull_request", action="opened", pull_request=body)
    assert world.jobs() == []


def test_a_test_merge_of_an_older_head_is_not_tested(world):
    refs = world.github.repositories[REPOSITORY].refs
    merge = f"pull/{world.pull.number}/merge"
    stale = refs[merge]
    world.github.push(REPOSITORY, world.pull.number, {"a.py": "2"})
    refs[merge] = stale
    assert world.pull_event("synchronize")["unit"] == ("blocked", "merge-ref")
    assert world.jobs() == []


def test_a_file_list_that_github_cut_off_runs_what_depends_on_it(world):
    files = [ChangedFile(filename=f"src/{number}", status="added") for number in range(3000)]
    world.github.pull_files = lambda *_: files
    assert world.pull_event()["docs"][0] == "run"


def test_somebody_elses_comment_does_not_pass_for_ours(world):
    world.pull = world.github.open_pull(REPOSITORY, {"b": "1"}, author="mallory")
    world.pull_event()
    [ours] = world.github.comments(REPOSITORY, world.pull.number)
    world.github.delete_comment(REPOSITORY, ours.id)
    world.github.comment(REPOSITORY, world.pull.number, "mallory", ours.body)
    world.deliveries.finish("g1", "", "")
    world.dispatch([{"delivery": "g1"}])
    assert [c.author for c in world.github.comments(REPOSITORY, world.pull.number)] == ["mallory", ours.author]


def test_one_postsubmit_that_cannot_start_does_not_stop_the_others(world, monkeypatch):
    real = world.starts.start

    def start(spec, *arguments, **options):
        if spec.job == "publish":
            raise RetryableError("503 from the table")
        return real(spec, *arguments, **options)

    monkeypatch.setattr(world.starts, "start", start)
    with pytest.raises(RetryableError, match="1 actions failed: 503 from the table"):
        world.push()
    assert world.jobs() == ["site"]
    assert world.deliveries.get("p1").outcome == ""
    monkeypatch.undo()
    world.dispatch([{"delivery": "p1"}])
    assert world.jobs() == ["publish", "site"]
    assert world.deliveries.get("p1").outcome == "done"


def test_a_stranger_is_told_also_where_we_may_not_label_and_the_record_says_what_was_refused(world):
    world.pull = world.github.open_pull(REPOSITORY, {"a.py": "1"}, author="eve")
    world.github.fail("add_label", PermanentError("403 Resource not accessible by integration"))
    world.pull_event()
    assert "Thanks for your PR" in world.github.comments(REPOSITORY, world.pull.number)[0].body
    row = world.deliveries.get("g1")
    assert row.outcome == "refused"
    record = json.loads(world.state.get(row.decisions))
    assert record["refused"] == [
        {"action": "AddLabel needs-ok-to-test", "error": "403 Resource not accessible by integration"}
    ]


def test_a_delivery_with_refused_actions_tries_them_again_when_it_is_redelivered(world):
    world.pull = world.github.open_pull(REPOSITORY, {"a.py": "1"}, author="eve")
    world.github.fail("add_label", PermanentError("403 Resource not accessible by integration"))
    world.pull_event()
    world.dispatch([{"delivery": "g1"}])
    assert world.github.pull(REPOSITORY, world.pull.number).labels == ("needs-ok-to-test",)
    assert len(world.github.comments(REPOSITORY, world.pull.number)) == 1
    assert world.deliveries.get("g1").outcome == "done"


@pytest.mark.parametrize(("event", "asked"), [("star", 1), ("watch", 0)])
def test_an_event_no_rule_acts_on_is_forwarded_to_the_external_plugins_that_want_it(world, event, asked):
    world.deliver(event, guid="g9", action="created")
    assert world.forwards.messages == [{"delivery": "g9", "plugin": "hook"}] * asked


def test_a_delivery_whose_decisions_fail_is_forwarded_all_the_same(world):
    with pytest.raises(PermanentError):
        world.pull_event(scope="other")
    assert world.forwards.messages == [{"delivery": "g1", "plugin": "hook"}]
