import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prowless.domain import events
from prowless.domain.errors import PermanentError
from prowless.domain.event_names import KNOWN_EVENTS
from prowless.domain.events import CommentEvent, InvalidEventError, MergeGroupEvent, PullRequestEvent, PushEvent
from tests.unit import event_bodies as bodies


def test_a_pull_request_keeps_what_the_rules_need():
    event = events.parse("pull_request", bodies.pull_request("opened", draft=True, body="/test unit"))
    assert isinstance(event, PullRequestEvent)
    assert (event.repository, event.number, event.action, event.draft) == ("acme/app", 3, "opened", True)
    assert (event.head_sha, event.base_ref, event.author) == (bodies.HEAD, "main", "ada")


def test_the_cause_is_the_event_and_not_its_delivery():
    first = events.parse("pull_request", bodies.pull_request("synchronize"))
    again = events.parse("pull_request", copy.deepcopy(bodies.pull_request("synchronize")))
    later = events.parse("pull_request", bodies.pull_request("synchronize", updated_at="2026-01-02T03:04:06Z"))
    assert first.cause() == again.cause()
    assert first.cause() != later.cause()


def test_two_labels_in_one_second_are_two_causes():
    body = bodies.pull_request("labeled")
    causes = {
        events.parse("pull_request", {**body, "label": {"name": name}}).cause() for name in ("lgtm", "ok-to-test")
    }
    assert len(causes) == 2


@pytest.mark.parametrize(
    ("changes", "moved"),
    [
        ({"base": {"ref": {"from": "old"}}}, True),
        ({"base": {"sha": {"from": "c"}}}, True),
        ({"title": {"from": "old"}}, False),
        ("malformed", False),
    ],
)
def test_an_edit_is_a_change_of_base_only_if_github_says_so(changes, moved):
    event = events.parse("pull_request", {**bodies.pull_request("edited"), "changes": changes})
    assert event.base_changed is moved


def test_a_description_is_read_as_a_new_comment_of_the_author():
    event = events.parse("pull_request", bodies.pull_request("opened", body="/test unit"))
    comment = event.description()
    assert (comment.action, comment.author, comment.body, comment.is_pull) == ("created", "ada", "/test unit", True)


@pytest.mark.parametrize(
    ("action", "meaning"), [(name, name) for name in ("created", "edited", "deleted")] + [("pinned", "")]
)
def test_a_comment_on_a_pull_request(action, meaning):
    event = events.parse("issue_comment", bodies.issue_comment("/retest", action))
    assert isinstance(event, CommentEvent)
    assert (event.action, event.author, event.pull_author, event.is_pull) == (meaning, "grace", "ada", True)


def test_a_dismissed_review_is_a_deleted_comment():
    body = {**bodies.review("/retest"), "action": "dismissed"}
    assert events.parse("pull_request_review", body).action == "deleted"


def test_a_comment_on_an_issue_is_not_on_a_pull():
    body = bodies.issue_comment()
    del body["issue"]["pull_request"]
    assert events.parse("issue_comment", body).is_pull is False


def test_an_edited_comment_is_another_cause():
    first = events.parse("issue_comment", bodies.issue_comment())
    edited = events.parse("issue_comment", bodies.issue_comment(updated_at="2026-01-02T04:00:00Z"))
    assert first.cause() != edited.cause()


def test_a_submitted_review_is_a_new_comment_and_may_have_no_text():
    assert events.parse("pull_request_review", bodies.review("/retest")).action == "created"
    assert events.parse("pull_request_review", bodies.review(None)).body == ""


@pytest.mark.parametrize(
    ("rule", "name", "changes", "commit"),
    [
        ("a comment names no commit", "issue_comment", {}, ""),
        ("a review is of a commit", "pull_request_review", {"commit_id": "c" * 40}, "c" * 40),
        ("so is a review comment", "pull_request_review_comment", {"commit_id": "c" * 40}, "c" * 40),
        (
            "whose commit moves along with later pushes, and its original one does not",
            "pull_request_review_comment",
            {"commit_id": "c" * 40, "original_commit_id": "d" * 40},
            "d" * 40,
        ),
    ],
)
def test_a_comment_has_its_time_and_a_review_its_commit(rule, name, changes, commit):
    key = "review" if name == "pull_request_review" else "comment"
    time = "submitted_at" if key == "review" else "created_at"
    body = bodies.issue_comment() if name == "issue_comment" else bodies.review()
    part = body.get(key) or bodies.issue_comment()["comment"]
    body[key] = {**part, **changes, time: "2026-01-02T03:04:05Z"}
    event = events.parse(name, body)
    assert (event.created_at, event.commit) == (1_767_323_045_000, commit), rule


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-01-02T03:04:05Z", 1_767_323_045_000),
        ("2026-01-02T04:04:05+01:00", 1_767_323_045_000),
        ("2026-01-02T03:04:05", 1_767_323_045_000),
        ("noon", 0),
        ("", 0),
    ],
)
def test_what_is_no_time_is_before_all_times(text, at):
    assert events.moment(text) == at


def test_a_description_is_about_the_head_that_the_pull_was_opened_with():
    event = events.parse("pull_request", bodies.pull_request())
    assert (event.description().commit, event.description().created_at) == (bodies.HEAD, event.at)


def test_a_review_comment_is_a_comment():
    body = bodies.pull_request("created")
    body["comment"] = {**bodies.issue_comment("/test unit")["comment"]}
    event = events.parse("pull_request_review_comment", body)
    assert (event.kind, event.body, event.number) == ("pull_request_review_comment", "/test unit", 3)


@pytest.mark.parametrize(
    ("ref", "branch"),
    [
        ("refs/heads/main", "main"),
        ("refs/heads/a/b", "a/b"),
        ("refs/tags/v1.2", "v1.2"),
        ("refs/notes/x", "refs/notes/x"),
    ],
)
def test_a_tag_is_a_branch_to_prow(ref, branch):
    assert events.parse("push", bodies.push(ref)).branch == branch


def test_a_push_lists_each_changed_file_once():
    event = events.parse("push", bodies.push())
    assert isinstance(event, PushEvent)
    assert event.files == ("both.go", "new.go", "old.go")


@pytest.mark.parametrize("changes", [{"deleted": True}, {"after": events.NO_COMMIT}])
def test_a_deleted_ref_is_gone(changes):
    assert events.parse("push", bodies.push(**changes)).gone


def test_the_files_of_a_push_are_bounded():
    commits = [{"added": [f"{n}.go" for n in range(10_000)]}]
    assert len(events.parse("push", bodies.push(commits=commits)).files) == events.MAX_PUSHED_FILES


def test_a_merge_group_is_parsed():
    group = {"head_sha": bodies.HEAD, "head_ref": "refs/heads/gh-readonly-queue/main/pr-3", "base_sha": "b" * 40}
    body = {"action": "checks_requested", "merge_group": {**group, "base_ref": "refs/heads/main"}}
    event = events.parse("merge_group", {**body, "repository": bodies.repository()})
    assert isinstance(event, MergeGroupEvent)
    assert event.cause().parts[-1] == bodies.HEAD


def test_events_without_a_rule_are_none():
    assert events.parse("check_run", {"action": "created"}) is None
    assert "check_run" in KNOWN_EVENTS


def test_all_repositories_that_a_body_names_are_told():
    body = bodies.pull_request()
    body["pull_request"]["base"]["repo"]["full_name"] = "evil/app"
    assert set(events.parse("pull_request", body).repositories) == {"acme/app", "evil/app"}
    body = bodies.issue_comment()
    body["issue"]["repository_url"] = "https://api.github.com/repos/evil/app"
    assert "evil/app" in events.parse("issue_comment", body).repositories
    body = bodies.push()
    body["repository"]["owner"]["login"] = "evil"
    assert "evil/app" in events.parse("push", body).repositories


def test_the_head_of_a_fork_is_not_a_repository_the_body_speaks_for():
    assert events.parse("pull_request", bodies.pull_request()).repositories == ("acme/app",)


def test_a_deleted_account_is_a_ghost():
    assert events.parse("pull_request", bodies.pull_request(user=None)).author == "ghost"


@pytest.mark.parametrize(
    ("name", "body", "path"),
    [
        ("pull_request", {}, "pull_request.base.repo.full_name"),
        ("pull_request", bodies.pull_request(number="3"), "pull_request.number"),
        ("pull_request", bodies.pull_request(number=True), "pull_request.number"),
        ("pull_request", bodies.pull_request(head={"sha": "HEAD"}), "pull_request.head.sha"),
        ("push", bodies.push(after="main"), "after"),
        ("push", bodies.push(ref=["x"]), "ref"),
        ("push", bodies.push(repository={"full_name": "../x/y"}), "repository.full_name"),
        ("issue_comment", bodies.issue_comment(id=-1), "comment.id"),
    ],
)
def test_a_body_of_another_shape_is_refused_with_event_and_path(name, body, path):
    with pytest.raises(InvalidEventError, match=f"event {name}: {path} is not"):
        events.parse(name, body)


COMMON = ["repository.full_name", "repository.id", "repository.name"]
PULL = [f"pull_request.{name}" for name in ("number", "state", "base.repo.full_name")]
GROUP = {
    f"{side}_{part}": text for side in ("head", "base") for part, text in (("sha", "a" * 40), ("ref", "refs/heads/x"))
}
REQUIRED = [
    (
        "pull_request",
        bodies.pull_request(),
        [*COMMON, *PULL, *(f"pull_request.{n}" for n in ("id", "head.sha", "base.ref", "updated_at"))],
    ),
    ("push", bodies.push(), [*COMMON, "ref", "before", "after"]),
    (
        "issue_comment",
        bodies.issue_comment(),
        [*COMMON, "issue.number", "issue.state", "comment.id", "comment.updated_at"],
    ),
    ("pull_request_review", bodies.review(), [*COMMON, *PULL, "review.id"]),
    (
        "merge_group",
        {"repository": bodies.repository(), "merge_group": GROUP},
        [*COMMON, *(f"merge_group.{n}" for n in GROUP)],
    ),
]


@pytest.mark.parametrize("value", [None, {"a": 1}, [], True, -1.5, ""])
@pytest.mark.parametrize(
    ("name", "body", "path"), [(name, body, path) for name, body, paths in REQUIRED for path in paths]
)
def test_a_field_that_a_rule_needs_is_named_if_it_is_missing_or_of_another_type(name, body, path, value):
    changed = copy.deepcopy(body)
    *folders, last = path.split(".")
    inner = changed
    for folder in folders:
        inner = inner[folder]
    assert last in inner
    inner[last] = value
    with pytest.raises(PermanentError, match=rf"^webhook body of event {name}: {path} is not "):
        events.parse(name, changed)


def paths_of(value, *above):
    for key, inner in value.items():
        yield (*above, key)
        if isinstance(inner, dict):
            yield from paths_of(inner, *above, key)


@pytest.mark.parametrize(("name", "body", "required"), REQUIRED)
def test_every_other_field_may_be_absent(name, body, required):
    for path in paths_of(body):
        changed = copy.deepcopy(body)
        inner = changed
        for folder in path[:-1]:
            inner = inner[folder]
        del inner[path[-1]]
        dotted = ".".join(path)
        if not any(f"{one}.".startswith(f"{dotted}.") for one in [*required, "repository.owner"]):
            assert events.parse(name, changed).repository == "acme/app"


def test_an_owner_has_a_login_or_a_name():
    body = bodies.push(repository=bodies.repository() | {"owner": {}})
    with pytest.raises(PermanentError, match=r"repository\.owner\.name is not a text"):
        events.parse("push", body)


def test_long_texts_are_cut():
    event = events.parse("issue_comment", bodies.issue_comment("x" * (events.MAX_TEXT + 1)))
    assert len(event.body) == events.MAX_TEXT


def test_half_a_character_becomes_the_replacement_character():
    assert events.parse("issue_comment", bodies.issue_comment("/test \ud800")).body == "/test \ufffd"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(sorted(KNOWN_EVENTS)), st.sampled_from(["pull_request", "comment", "repository", "ref"]), JSON)
def test_whatever_stands_in_a_field_is_an_event_or_a_clear_refusal(name, field, value):
    body = {**bodies.pull_request(), **bodies.issue_comment(), **bodies.push(), field: value}
    try:
        found = events.parse(name, body)
    except InvalidEventError:
        return
    assert found is None or found.cause().parts
