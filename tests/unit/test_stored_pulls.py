"""`prowless explain --url`: the deliveries about a pull request and what was decided."""

import json

import pytest

from prowless.domain.errors import ConfigError
from prowless.ports.stores import Delivery
from prowless_local import stored_pulls
from tests.fakes.clock import NOW
from tests.fakes.stores import MemoryDeliveries, MemoryObjects

DECISION = {"job": "unit", "type": "presubmit", "verdict": "run", "rule": "test-all", "reason": "always_run is true"}


class Installation:
    """Its table and its bucket."""

    def __init__(self):
        self.deliveries = MemoryDeliveries()
        self.state = MemoryObjects()

    def delivered(self, guid, after, *, body=b"", event="pull_request", decisions=None, summary="1 run"):
        """A delivery, and what was decided about it unless dispatch has not come to it."""
        key = f"deliveries/{guid}"
        row = Delivery(
            guid=guid,
            event=event,
            action="opened",
            repository="acme/app",
            pull=12,
            received_at=NOW + after,
            body=f"{key}.json",
        )
        self.deliveries.record(row)
        if body:
            self.state.put(row.body, body, "application/json")
        if decisions is not None:
            record = {"event": event, "summary": summary, "decisions": decisions}
            self.state.put(f"{key}.decisions.json", json.dumps(record).encode(), "application/json")
            self.deliveries.finish(guid, "done", f"{key}.decisions.json")

    def history(self, last=10):
        return stored_pulls.of_pull(self.deliveries, self.state, "acme/app", 12, last)


@pytest.fixture
def installation():
    return Installation()


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/acme/app/pull/12",
        "https://github.com/acme/app/pull/12/files?w=1#r3",
        "http://127.0.0.1:8080/acme/app/pull/12/",
    ],
)
def test_a_pull_requests_page_names_it(url):
    assert stored_pulls.parse_url(url) == ("acme/app", 12)


@pytest.mark.parametrize(
    "url",
    ["https://github.com/acme/app/pulls", "https://github.com/acme/app/issues/12", "acme/app#12", "ftp://x/a/b/pull/1"],
)
def test_another_address_is_refused(url):
    with pytest.raises(ConfigError, match="is not a pull request's page"):
        stored_pulls.parse_url(url)


def test_deliveries_come_newest_first_with_who_sent_them(installation):
    installation.delivered("g1", 0, body=b'{"sender": {"login": "ada"}}', decisions=[DECISION])
    installation.delivered("g2", 1000, event="issue_comment", decisions=[], summary="the comment holds no command")
    installation.delivered("g3", 2000, body=b"not JSON")
    history = installation.history()
    assert [tuple(one.told().values())[1:] for one in history.kept] == [
        ("pull_request", "opened", "", "", "dispatch has not finished with it", "g3"),
        ("issue_comment", "opened", "", "done", "the comment holds no command", "g2"),
        ("pull_request", "opened", "ada", "done", "1 run", "g1"),
    ]
    assert history.newest.delivery == "g1", "the newest one with decisions"
    assert [one.delivery.guid for one in installation.history(2).kept] == ["g3", "g2"]
    assert installation.history(2).newest is None


def test_json_has_the_decisions_of_each_delivery(installation):
    installation.delivered("g1", 0, body=b'{"sender": {"login": "ada"}}', decisions=[DECISION])
    told = installation.history().to_dict()
    assert (told["repository"], told["pull"]) == ("acme/app", 12)
    (one,) = told["deliveries"]
    assert one["decisions"] == [DECISION]
    assert (one["delivery"], one["sender"], one["summary"]) == ("g1", "ada", "1 run")
    assert one["time"].endswith("Z")


def test_a_pull_of_which_nothing_came_is_said(installation):
    with pytest.raises(ConfigError, match="no delivery about acme/app#12 is known"):
        installation.history()


class Formation:
    def __init__(self, *stacks):
        self.stacks = stacks

    def describe_stacks(self, **_):
        return {"Stacks": list(self.stacks)}


def test_a_stacks_outputs_say_where_things_are():
    outputs = [
        {"OutputKey": name, "OutputValue": name.lower()} for name in ("StateBucketName", "DeliveriesTableName", "Else")
    ]
    found = stored_pulls.places(Formation({"Outputs": outputs}), "prow")
    assert found == ("statebucketname", "deliveriestablename")


@pytest.mark.parametrize(
    ("formation", "said"), [(Formation({}), "it is not a stack of this template"), (Formation(), "--stack prow: ")]
)
def test_a_stack_that_is_none_of_ours_is_said(formation, said):
    with pytest.raises(ConfigError, match=said):
        stored_pulls.places(formation, "prow")
